// Package chinook_test retires a real-world sample, the Chinook music shop, from its database to its customers' archives.
package chinook_test

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/examples"
	"offramp/deploy/local"
	"offramp/deploy/local/postgres"
	"offramp/export/archive"
	"offramp/internal/audit"
	"offramp/migration"
)

// people is how many customers the shop has.
const people = 59

// person is a customer of the shop.
type person struct{ ref, name, email string }

// world is the whole product on this machine, retiring the shop.
type world struct {
	stack     *local.Stack
	binary    string
	shop      *pgxpool.Pool
	portal    *pgxpool.Pool // as superuser, to look behind row-level security
	programme *migration.Programme
	customers []person
}

// TestChinook signs in as each customer through the real provider, exports through real workers and S3, downloads, verifies,
// and compares every cell with what a plain query returns.
func TestChinook(t *testing.T) {
	w := start(t)
	t.Run("customers", func(t *testing.T) {
		gate := make(chan struct{}, 6)
		for _, p := range w.customers {
			t.Run(p.ref, func(t *testing.T) {
				t.Parallel()
				gate <- struct{}{}
				defer func() { <-gate }()
				w.move(t, p)
			})
		}
	})
	t.Run("statuses", w.statuses)
	t.Run("deliveries", w.deliveries)
	t.Run("damaged", w.damaged)
}

// sample returns the shop's SQL without psql's own commands.
func sample(t *testing.T) string {
	t.Helper()
	path := os.Getenv("OFFRAMP_TEST_CHINOOK")
	if path == "" {
		path = filepath.Join("..", "..", "..", "..", "shared", "data", "chinook", "chinook.sql")
	}
	script, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skipf("the Chinook sample is not there: set OFFRAMP_TEST_CHINOOK to Chinook_PostgreSql.sql, version 1.4.5")
	}
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^(\\c .*|DROP DATABASE .*|CREATE DATABASE .*)$`).ReplaceAllString(string(script), "")
}

func start(t *testing.T) *world {
	t.Helper()
	script := sample(t)
	ctx := t.Context()
	w := &world{binary: filepath.Join(t.TempDir(), "offramp")}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", w.binary, "offramp/cmd/offramp").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	dir, err := os.MkdirTemp("", "offramp-chinook-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	// The programme lives in 2026 and 2027; the portal's clock stands on a day in its midst.
	w.stack, err = local.StartStack(ctx, local.StackOptions{
		Dir: dir, Binary: w.binary, Throwaway: true, Shift: time.Until(time.Date(2026, 11, 21, 2, 24, 0, 0, time.UTC)), Log: newLog(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.stack.Stop(); err != nil {
			t.Error(err)
		}
	})
	w.openShop(t, script)
	w.openTally(t)
	w.apply(t, dir)
	if err := w.stack.StartPortal(ctx); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two"} {
		if _, err := w.stack.StartWorker(name); err != nil {
			t.Fatal(err)
		}
	}
	w.portal = pool(t, w.stack.Postgres.URL(local.Database, postgres.SuperRole))
	return w
}

func pool(t *testing.T, address string) *pgxpool.Pool {
	t.Helper()
	p, err := pgxpool.New(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// openShop loads the sample and lets its customers sign in.
func (w *world) openShop(t *testing.T, script string) {
	t.Helper()
	ctx := t.Context()
	if err := w.stack.Postgres.CreateDatabase(ctx, "chinook"); err != nil {
		t.Fatal(err)
	}
	w.shop = pool(t, w.stack.Postgres.URL("chinook", postgres.SuperRole))
	if _, err := w.shop.Exec(ctx, script+";CREATE ROLE shop_reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO shop_reader", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	rows, err := w.shop.Query(ctx, `SELECT customer_id::text, first_name || ' ' || last_name, email FROM customer ORDER BY customer_id`)
	if err != nil {
		t.Fatal(err)
	}
	w.customers, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (p person, err error) {
		err = r.Scan(&p.ref, &p.name, &p.email)
		return p, err
	})
	if err != nil || len(w.customers) != people {
		t.Fatalf("%d customers, %v", len(w.customers), err)
	}
	for _, p := range w.customers {
		w.stack.Customer.SetUser(local.User{
			Subject: "shop|" + p.ref, Email: p.email, Name: p.name, Password: "music", EmailVerified: true,
			Claims: map[string]any{"customer": p.ref},
		})
	}
}

// apply stores the programme and imports the customers by its query.
func (w *world) apply(t *testing.T, dir string) {
	t.Helper()
	programme, err := migration.ReadProgramme(examples.Chinook)
	if err != nil {
		t.Fatal(err)
	}
	w.programme = programme
	file := filepath.Join(dir, "programme.yaml")
	if err := os.WriteFile(file, examples.Chinook, 0o600); err != nil {
		t.Fatal(err)
	}
	w.stack.Env["OFFRAMP_SOURCE_"+strings.ToUpper(programme.Datasets[0].Source)+"_URL"] = w.stack.Postgres.URL("chinook", "shop_reader")
	w.stack.Env["OFFRAMP_DEMO_SELF_APPROVAL"] = "yes"
	for _, command := range [][]string{
		{"apply", "-f", file, "--by", "one", "--approve-as", "two"}, {"import", "--by", "one"},
	} {
		out, err := w.stack.Run(t.Context(), command...)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(out)
	}
	again, err := w.stack.Run(t.Context(), "import", "--by", "one")
	if err != nil || !regexp.MustCompile(`\b0 created\b`).MatchString(again) {
		t.Errorf("the second import is not idempotent: %v\n%s", err, again)
	}
}

var exportPath = regexp.MustCompile(`/exports/([A-Z2-7]{26})`)

// move takes one customer through steps 1 and 2.
func (w *world) move(t *testing.T, p person) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	v := local.NewVisitor(w.stack.PortalURL)
	page, err := v.SignIn(ctx, "/sign-in/start?return_to=/plan", p.email, "music")
	if err != nil {
		t.Fatal(err)
	}
	if page.URL.Path != "/plan" || !strings.Contains(html.UnescapeString(page.Body), p.name) {
		t.Fatalf("sign-in led to %s, which does not greet %s", page.URL.Path, p.name)
	}
	post(t, v, "/plan/dates", nil)
	page = post(t, v, "/exports", url.Values{"scope": {"all"}, "format": {"csv", "jsonl"}, "replacement": {replacementOf(p)}})
	m := exportPath.FindStringSubmatch(page.URL.Path)
	if m == nil {
		t.Fatalf("the request led to %s:\n%s", page.URL.Path, page.Body)
	}
	path := "/exports/" + m[1]
	for !strings.Contains(page.Body, path+"/download") {
		if ctx.Err() != nil {
			t.Fatalf("not ready in time: %s", text(page.Body))
		}
		if page, err = v.Get(ctx, path); err != nil {
			t.Fatal(err)
		}
	}
	file := w.download(t, v, path+"/download")
	w.compare(t, p, file)
	post(t, v, path+"/check", nil)
}

func post(t *testing.T, v *local.Visitor, path string, form url.Values) local.Page {
	t.Helper()
	page, err := v.Post(t.Context(), path, form)
	if err != nil || page.Status != 200 {
		t.Fatalf("POST %s: %d %v\n%s", path, page.Status, err, text(page.Body))
	}
	return page
}

// text strips a page of its markup.
func text(page string) string {
	return strings.Join(strings.Fields(regexp.MustCompile(`(?s)<[^>]*>`).ReplaceAllString(page, " ")), " ")
}

// download keeps the archive and proves it with the command that customers are told to use.
func (w *world) download(t *testing.T, v *local.Visitor, path string) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "archive.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	page, err := v.Download(t.Context(), path, file)
	if err != nil || page.Status != 200 {
		t.Fatalf("download: %d %v", page.Status, err)
	}
	if d := page.Header.Get("Content-Disposition"); !strings.Contains(d, ".zip") {
		t.Errorf("Content-Disposition is %q", d)
	}
	if out, err := local.RunOfframp(t.Context(), w.binary, []string{"verify", file.Name()}, nil); err != nil || !strings.Contains(out, "is whole") {
		t.Fatalf("offramp verify: %v\n%s", err, out)
	}
	return file.Name()
}

// compare holds every cell of the archive against plain queries on the shop, and looks for anybody else in it.
func (w *world) compare(t *testing.T, p person, path string) {
	t.Helper()
	reader, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	files := map[string]string{}
	for _, f := range reader.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	for _, d := range w.programme.Datasets {
		columns, rows := w.plain(t, d.SQL, p.ref)
		if diff := cmp.Diff(append([][]string{columns}, words(rows)...), readCSV(t, files["data/"+d.Key+".csv"]), cmp.Transformer("lines", func(r []string) string { return fmt.Sprintf("%q", r) })); diff != "" {
			t.Errorf("%s.csv (-query +archive):\n%s", d.Key, diff)
		}
		if diff := cmp.Diff(objects(columns, rows), readJSONLines(t, files["data/"+d.Key+".jsonl"])); diff != "" {
			t.Errorf("%s.jsonl (-query +archive):\n%s", d.Key, diff)
		}
	}
	w.load(t, p, files)
	var receipt archive.Receipt
	if err := json.Unmarshal([]byte(files["receipt.json"]), &receipt); err != nil || !receipt.Complete || receipt.Balanced() != nil {
		t.Errorf("receipt %+v, %v", receipt, err)
	}
	for name, content := range files {
		for _, other := range w.customers {
			if other.ref != p.ref && strings.Contains(content, other.email) {
				t.Errorf("%s holds the address of customer %s", name, other.ref)
			}
		}
	}
}

// plain reads a query as PostgreSQL writes it in text. nil is NULL.
func (w *world) plain(t *testing.T, sql, ref string) (columns []string, table [][]*string) {
	t.Helper()
	conn, err := w.shop.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "SET TimeZone = 'UTC'"); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), strings.ReplaceAll(sql, ":customer_id", "'"+ref+"'"), pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for _, f := range rows.FieldDescriptions() {
		columns = append(columns, f.Name)
	}
	for rows.Next() {
		var row []*string
		for i, v := range rows.RawValues() {
			if v == nil {
				row = append(row, nil)
				continue
			}
			cell := string(v)
			if oid := rows.FieldDescriptions()[i].DataTypeOID; oid == pgtype.TimestampOID || oid == pgtype.TimestamptzOID {
				cell = strings.Replace(strings.Replace(cell, " ", "T", 1), "+00", "Z", 1) // ISO 8601, as documented
			}
			row = append(row, &cell)
		}
		table = append(table, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns, table
}

func words(rows [][]*string) [][]string {
	var all [][]string
	for _, row := range rows {
		var cells []string
		for _, c := range row {
			if c == nil {
				cells = append(cells, "")
				continue
			}
			cells = append(cells, *c)
		}
		all = append(all, cells)
	}
	return all
}

func readCSV(t *testing.T, content string) [][]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// objects are the rows as JSON Lines ought to have them: null for NULL, numbers and words by their text.
func objects(columns []string, rows [][]*string) []map[string]string {
	var all []map[string]string
	for _, row := range rows {
		o := map[string]string{}
		for i, c := range row {
			o[columns[i]] = "null"
			if c != nil {
				o[columns[i]] = "=" + *c
			}
		}
		all = append(all, o)
	}
	return all
}

func readJSONLines(t *testing.T, content string) []map[string]string {
	t.Helper()
	var all []map[string]string
	for line := range strings.Lines(content) {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		var o map[string]any
		if err := decoder.Decode(&o); err != nil {
			t.Fatal(err)
		}
		plain := map[string]string{}
		for k, v := range o {
			plain[k] = "null"
			if v != nil {
				plain[k] = "=" + fmt.Sprint(v)
			}
		}
		all = append(all, plain)
	}
	return all
}

// statuses looks at the view that other systems read.
func (w *world) statuses(t *testing.T) {
	var customers, dates, exports int
	const sql = `SELECT count(*), count(*) FILTER (WHERE step_dates = 'completed'), count(*) FILTER (WHERE step_export = 'completed') FROM customer_status`
	if err := w.portal.QueryRow(t.Context(), sql).Scan(&customers, &dates, &exports); err != nil {
		t.Fatal(err)
	}
	if customers != people || dates != people || exports != people {
		t.Errorf("of %d customers, %d have noted their dates and %d have their data; want all %d", customers, dates, exports, people)
	}
}

// deliveries waits until the other system has heard of every version of every customer, in order.
func (w *world) deliveries(t *testing.T) {
	var versions int
	if err := w.portal.QueryRow(t.Context(), `SELECT sum(version) FROM journey`).Scan(&versions); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	arrived := func() int { // but for the heads of the audit log, which every other system gets
		return len(slices.DeleteFunc(w.stack.Hooks.Events(), func(e local.Delivery) bool { return strings.Contains(e.Body, audit.EventType) }))
	}
	for tick := time.NewTicker(50 * time.Millisecond); arrived() < versions; {
		select {
		case <-ctx.Done():
			t.Fatalf("%d of %d events arrived", arrived(), versions)
		case <-tick.C:
		}
	}
	heard := map[string][]int{}
	events := w.stack.Hooks.Events()
	slices.Reverse(events) // oldest first
	for _, e := range events {
		var event struct {
			Type    string
			Subject string
			Data    struct{ Version int }
		}
		if err := json.Unmarshal([]byte(e.Body), &event); err != nil || !e.Verified || event.Type != migration.StatusChanged && event.Type != audit.EventType {
			t.Fatalf("event %s: verified %v (%s), %s, %v", e.ID, e.Verified, e.Fault, event.Type, err)
		}
		if event.Type == audit.EventType {
			continue
		}
		heard[event.Subject] = append(heard[event.Subject], event.Data.Version)
	}
	for _, ref := range slices.Sorted(maps.Keys(heard)) {
		for i, version := range heard[ref] {
			if version != i+1 {
				t.Errorf("customer %s: versions arrived as %v", ref, heard[ref])
				break
			}
		}
	}
	if len(heard) != people {
		t.Errorf("heard of %d customers", len(heard))
	}
}

// damaged flips one byte of a real archive and expects the command to say where.
func (w *world) damaged(t *testing.T) {
	v := local.NewVisitor(w.stack.PortalURL)
	if _, err := v.SignIn(t.Context(), "/sign-in/start?return_to=/plan", w.customers[0].email, "music"); err != nil {
		t.Fatal(err)
	}
	page, err := v.Get(t.Context(), "/exports")
	if err != nil {
		t.Fatal(err)
	}
	path := w.download(t, v, "/exports/"+exportPath.FindStringSubmatch(page.Body)[1]+"/download")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const at = 200
	content[at] ^= 0x01
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := local.RunOfframp(t.Context(), w.binary, []string{"verify", path}, nil)
	if err == nil || !strings.Contains(out, fmt.Sprint(at)) {
		t.Errorf("offramp verify: %v\n%s", err, out)
	}
}

// testLog shows what the product's processes print when the test fails.
type testLog struct{ t *testing.T }

func newLog(t *testing.T) io.Writer { return testLog{t} }

// Write passes lines of trouble on.
func (l testLog) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, `"level":"WARN"`) || !strings.HasPrefix(line, "{") {
			fmt.Fprint(os.Stderr, line)
		}
	}
	return len(p), nil
}
