package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local"
	"offramp/export/storage"
)

// TestDemo runs the demonstration as make does, on a smaller product: twice to its end, and twice until it is killed.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts everything")
	}
	binary := build(t)
	dir, err := os.MkdirTemp("", "offramp-demo-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}

	stoppedWhileStarting(t, binary, dir)

	first := start(t, dir, binary)
	everyAddressAnswers(t, first.report)
	peopleCanSignIn(t, first.report)
	printed(t, first)
	another(t, dir, binary)
	refunds(t, first.report)
	workersComeBack(t, first)
	mark(t, first.report)
	if err := first.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, first.out)
	}
	if !strings.Contains(first.out.String(), "make demo-reset removes it") {
		t.Errorf("it does not say where the data is:\n%s", first.out)
	}
	gone(t, first.tree)
	nobodyAnswers(t, first.report)

	second := start(t, dir, binary)
	t.Logf("the first start took %s, the second %s", first.took, second.took)
	if strings.Contains(second.out.String(), "Making the retired product's data") || !marked(t, second.report) {
		t.Errorf("the data was not kept:\n%s", second.out)
	}
	if second.report.CustomerIssuer != first.report.CustomerIssuer || second.report.StaffIssuer != first.report.StaffIssuer {
		t.Error("the issuers have moved: nobody would be known any more")
	}
	_ = second.end(t, syscall.SIGKILL)
	gone(t, second.tree)
	nobodyAnswers(t, second.report)

	// make starts the demo in its own place in the process tree; whoever started it may be killed, too.
	third := start(t, dir, "/bin/sh", "-c", binary+" --die-with-parent; true")
	everyAddressAnswers(t, third.report)
	_ = third.end(t, syscall.SIGKILL)
	gone(t, third.tree)
	nobodyAnswers(t, third.report)
}

// stoppedWhileStarting interrupts the first start of all. The next one must find nothing half-made.
func stoppedWhileStarting(t *testing.T, binary, dir string) {
	t.Helper()
	d := launch(t, dir, filepath.Join(t.TempDir(), "ready.json"), binary)
	eventually(t, time.Minute, "PostgreSQL starts", func() bool {
		_, err := os.Stat(filepath.Join(dir, "postgres", "postgres.log"))
		return err == nil
	})
	d.tree = tree(t, d.cmd.Process.Pid)
	if err := d.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, d.out)
	}
	gone(t, d.tree)
}

// readReport reads the ready file and misses no field.
func readReport(t *testing.T, path string) (r report) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
	var fields struct {
		S3    map[string]any   `json:"s3"`
		Users []map[string]any `json:"users"`
	}
	var top map[string]any
	for _, into := range []any{&fields, &top} {
		if err := json.Unmarshal(content, into); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{
		"portal_url", "metrics_url", "mail_url", "webhooks_url", "stripe_url", "customer_issuer", "staff_issuer", "database_url", "product_database_url",
	} {
		if text, ok := top[name].(string); !ok || text == "" {
			t.Errorf("%s is %v", name, top[name])
		}
	}
	for _, name := range []string{"endpoint", "region", "bucket", "product_bucket", "access_key", "secret_key"} {
		if text, ok := fields.S3[name].(string); !ok || text == "" {
			t.Errorf("s3.%s is %v", name, fields.S3[name])
		}
	}
	roles := map[string]bool{}
	for _, u := range fields.Users {
		role, _ := u["role"].(string)
		roles[role] = true
		for _, name := range []string{"email", "password"} {
			if text, ok := u[name].(string); !ok || text == "" {
				t.Errorf("users: %s of %v", name, u)
			}
		}
		if _, ok := u["customer"].(string); !ok || len(u) != 4 {
			t.Errorf("users: %v", u)
		}
	}
	for _, role := range []string{
		"customer_owner", "customer_member", "support", "finance_clerk", "finance_approver", "finance_releaser", "programme_manager", "auditor",
	} {
		if !roles[role] {
			t.Errorf("nobody has the role %s", role)
		}
	}
	return r
}

func addresses(r report) []string {
	return []string{
		r.PortalURL, r.MetricsURL, r.MailURL, r.WebhooksURL, r.StripeURL, r.CustomerIssuer + "/.well-known/openid-configuration",
		r.StaffIssuer + "/.well-known/openid-configuration",
	}
}

func everyAddressAnswers(t *testing.T, r report) {
	t.Helper()
	for _, address := range addresses(r) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s answers %s", address, resp.Status)
		}
	}
	for address, sql := range map[string]string{
		r.DatabaseURL:        `SELECT count(*) = 200 FROM customer`,
		r.ProductDatabaseURL: `SELECT count(*) = 200 FROM customer`,
	} {
		if !ask(t, address, sql) {
			t.Errorf("%s: not 200 customers", address)
		}
	}
	for _, bucket := range []string{r.S3.Bucket, r.S3.ProductBucket} {
		b, err := storage.Open(t.Context(), storage.Config{
			Endpoint: r.S3.Endpoint, Region: r.S3.Region, Bucket: bucket, AccessKey: r.S3.AccessKey, SecretKey: r.S3.SecretKey, PathStyle: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Check(t.Context()); err != nil {
			t.Errorf("bucket %s: %v", bucket, err)
		}
	}
}

func ask(t *testing.T, address, sql string) (yes bool) {
	t.Helper()
	return read[bool](t, address, sql)
}

// read asks a database for one value.
func read[T any](t *testing.T, address, sql string) (value T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// mark leaves a row that only a run with the same data has.
func mark(t *testing.T, r report) {
	t.Helper()
	ask(t, r.ProductDatabaseURL, `INSERT INTO customer SELECT 'MARK', name, tier, plan, seats, locale, zone, created_at, scale FROM customer LIMIT 1 RETURNING true`)
}

// marked finds the mark and takes it away.
func marked(t *testing.T, r report) bool {
	t.Helper()
	return ask(t, r.ProductDatabaseURL, `WITH gone AS (DELETE FROM customer WHERE id = 'MARK' RETURNING 1) SELECT count(*) = 1 FROM gone`)
}

// peopleCanSignIn signs one of each role in.
func peopleCanSignIn(t *testing.T, r report) {
	t.Helper()
	tried := map[string]bool{}
	for _, u := range r.Users {
		if tried[u.Role] {
			continue
		}
		tried[u.Role] = true
		start, want := "/staff/sign-in/start", "/console"
		if u.Customer != "" {
			start, want = "/sign-in/start?return_to=/plan", "/plan"
		}
		page, err := local.NewVisitor(r.PortalURL).SignIn(t.Context(), start, u.Email, u.Password)
		if err != nil || page.Status != http.StatusOK || !strings.HasPrefix(page.URL.Path, want) {
			t.Errorf("%s as %s: %v, %d at %s", u.Email, u.Role, err, page.Status, page.URL)
		}
	}
}

// printed holds the block for people against the ready file.
func printed(t *testing.T, d *demo) {
	t.Helper()
	r := d.report
	words := []string{"Offramp is ready", r.PortalURL, r.PortalURL + "/staff/sign-in", r.MailURL, r.WebhooksURL, r.MetricsURL, "Ctrl-C", "one click", "password demo"}
	for _, u := range r.Users {
		if u.Customer == "" {
			words = append(words, u.Email)
		}
	}
	for _, word := range words {
		if !strings.Contains(d.out.String(), word) {
			t.Errorf("it does not print %q", word)
		}
	}
	t.Logf("printed:\n%s", d.out)
}

// another must not start on the same folder.
func another(t *testing.T, dir, binary string) {
	t.Helper()
	out, err := local.RunOfframp(t.Context(), binary, nil, append(os.Environ(), "OFFRAMP_DEMO_DIR="+dir, "OFFRAMP_DEMO_ADDR=127.0.0.1:0"))
	if err == nil || !strings.Contains(out, "another demo is running on "+dir) {
		t.Errorf("a second demo on the folder: %v\n%s", err, out)
	}
}

// workersComeBack kills a worker, which must be started again while the portal answers.
func workersComeBack(t *testing.T, d *demo) {
	t.Helper()
	before := workers(t, d)
	if len(before) != 2 {
		t.Fatalf("%d workers: %v", len(before), d.tree)
	}
	if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the worker is started again", func() bool {
		now := workers(t, d)
		return len(now) == 2 && !slices.Contains(now, before[0])
	})
	everyAddressAnswers(t, d.report)
	d.tree = tree(t, d.cmd.Process.Pid)
}

func workers(t *testing.T, d *demo) (pids []int) {
	t.Helper()
	for pid, line := range tree(t, d.cmd.Process.Pid) {
		if strings.HasSuffix(line, "offramp work") {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// nobodyAnswers looks at every port of the ready file.
func nobodyAnswers(t *testing.T, r report) {
	t.Helper()
	for _, address := range append(addresses(r), r.DatabaseURL, r.ProductDatabaseURL, r.S3.Endpoint) {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", u.Host); err == nil {
			_ = conn.Close()
			t.Errorf("%s still answers", u.Host)
		}
	}
}
