package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/export/archive"
	"offramp/export/connect"
	"offramp/export/source"
	"offramp/export/storage"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/secret"
	"offramp/migration"
)

// today is the morning on which the portal of these tests lives.
var today = time.Date(2026, time.December, 1, 2, 0, 0, 0, time.UTC)

// fixed is a programme that does not change by itself.
type fixed struct{ *migration.Programme }

// Active implements export.Programmes.
func (f fixed) Active(context.Context) (*migration.Programme, error) { return f.Programme, nil }

func programme() *migration.Programme {
	both := func(en, zh string) migration.Text { return migration.Text{"en": en, "zh-CN": zh} }
	dataset := func(key, sql string, files *migration.Files, columns ...migration.Column) migration.Dataset {
		return migration.Dataset{Key: key, Name: both(key, key), Query: migration.Query{Source: "product", SQL: sql}, Columns: columns, Files: files}
	}
	return &migration.Programme{
		Version: 1, Key: "hezhou-2027", Locales: []string{"zh-CN", "en"}, ZoneName: "Asia/Shanghai", Zone: time.FixedZone("CST", 8*3600),
		Product:    migration.Product{Name: both("Hezhou Teamwork", "禾舟协作")},
		Milestones: []migration.Milestone{{Key: migration.ExportDeadline, Day: migration.NewDay(2027, 3, 2)}},
		Export:     migration.ExportRules{KeepDays: 7},
		Datasets: []migration.Dataset{
			dataset("projects", "SELECT id, name, created_at FROM projects WHERE customer = :customer_id ORDER BY id", nil),
			dataset("tasks", "SELECT id, title, done, due FROM tasks WHERE customer = :customer_id ORDER BY id", nil,
				migration.Column{Name: "id", Type: "integer"}, migration.Column{Name: "title", Type: "text"},
				migration.Column{Name: "done", Type: "boolean"}, migration.Column{Name: "due", Type: "date"}),
			dataset("files", "SELECT id, object_key, name, size FROM files WHERE customer = :customer_id ORDER BY id",
				&migration.Files{Source: "attachments", Key: "object_key", Name: "name", Size: "size"}),
		},
	}
}

const productSQL = `
	CREATE TABLE projects (id bigint, customer text, name text, created_at timestamptz);
	CREATE TABLE tasks (id bigint, customer text, title text, done boolean, due date);
	CREATE TABLE files (id bigint, customer text, object_key text, name text, size bigint);
	CREATE INDEX ON projects (customer, id);
	CREATE INDEX ON tasks (customer, id);
	CREATE INDEX ON files (customer, id);`

// product is a retired product with its database and bucket.
type product struct {
	database localtest.TestDatabase
	pool     *pgxpool.Pool
	bucket   string
	urls     map[string]string
}

func newProduct(t testing.TB) *product {
	t.Helper()
	p := &product{database: localtest.EmptyDatabase(t), bucket: localtest.S3(t).Bucket(t)}
	p.pool = p.database.Owner(t)
	if _, err := p.pool.Exec(t.Context(), productSQL); err != nil {
		t.Fatal(err)
	}
	p.urls = map[string]string{"product": p.database.OwnerURL, "attachments": bucketURL(t, localtest.S3(t).Endpoint, p.bucket)}
	return p
}

func bucketURL(t testing.TB, endpoint, bucket string) string {
	t.Helper()
	s := localtest.S3(t)
	u := url.URL{Scheme: "s3+http", User: url.UserPassword(s.AccessKey, s.SecretKey), Host: strings.TrimPrefix(endpoint, "http://"), Path: "/" + bucket}
	return u.String()
}

func openBucket(t testing.TB, endpoint, bucket string, quick bool) *storage.Bucket {
	t.Helper()
	c, err := storage.ParseURL(bucketURL(t, endpoint, bucket))
	if err != nil {
		t.Fatal(err)
	}
	if quick { // gives up soon
		c.Stall, c.Attempts, c.Backoff = time.Second, 2, 50*time.Millisecond
	}
	b, err := storage.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fill gives a customer projects of about a kilobyte each that hardly compress, ten tasks and two attachments.
func (p *product) fill(t testing.TB, ref string, projects int) {
	t.Helper()
	b := openBucket(t, localtest.S3(t).Endpoint, p.bucket, false)
	for i, name := range []string{"合同 📎.txt", "photo.png"} {
		key := fmt.Sprintf("%s/%d", ref, i)
		body := []byte(strings.Repeat("CANARY-"+ref+" ", 50))
		if _, err := b.Put(t.Context(), key, body, "application/octet-stream"); err != nil {
			t.Fatal(err)
		}
		if _, err := p.pool.Exec(t.Context(), `INSERT INTO files VALUES ($1, $2, $3, $4, $5)`, i, ref, key, name, len(body)); err != nil {
			t.Fatal(err)
		}
	}
	for _, sql := range []string{
		`INSERT INTO projects SELECT i, $1, 'CANARY-' || $1 || ' ' || (SELECT string_agg(md5(i::text || j || random()), '') FROM generate_series(1, 32) j),
			'2020-02-29 12:00+00' FROM generate_series(1, $2) i`,
		`INSERT INTO tasks SELECT i, $1, 'CANARY-' || $1 || E' "任务", 🚀\n' || i, CASE WHEN i % 3 > 0 THEN i % 2 = 0 END, '2026-12-31' FROM generate_series(1, $2 * 0 + 10) i`,
	} {
		if _, err := p.pool.Exec(t.Context(), sql, ref, projects); err != nil {
			t.Fatal(err)
		}
	}
}

// world is a portal with its database and bucket, and customers of a product.
type world struct {
	*testing.T
	database localtest.TestDatabase
	db       *db.DB
	clock    *clock.Manual
	journey  *migration.Service
	product  *product
	bucket   *storage.Bucket // straight to the server
	name     string          // of the bucket
	prog     *migration.Programme
	service  *export.Service
	config   export.Config
}

func newWorld(t *testing.T, p *product) *world {
	t.Helper()
	w := &world{T: t, database: localtest.Database(t), clock: clock.NewManual(today), product: p, prog: programme()}
	w.name = localtest.S3(t).Bucket(t)
	w.bucket = openBucket(t, localtest.S3(t).Endpoint, w.name, false)
	w.db = w.database.Open(t, db.Options{Clock: w.clock})
	w.journey = migration.NewService(w.db)
	w.config = w.configOn(w.bucket)
	w.service = export.NewService(w.db, w.journey, inserter(t, w.db), w.bucket, export.Options{Passwords: passwords(t)})
	return w
}

// configOn is a worker's configuration that writes through a bucket of the test's choice and tries again at once.
func (w *world) configOn(b *storage.Bucket) export.Config {
	return buildConfig(w.T, w.db, b, w.product.urls, w.prog)
}

func buildConfig(t testing.TB, d *db.DB, b *storage.Bucket, urls map[string]string, p *migration.Programme) export.Config {
	sources := connect.New(urls, source.Options{LockTimeout: 300 * time.Millisecond})
	t.Cleanup(sources.Close)
	return export.Config{
		DB: d, Journey: migration.NewService(d), Queue: inserter(t, d), Bucket: b, Sources: sources, Programmes: fixed{p},
		Passwords: passwords(t),
		Logger:    quiet(), Backoff: []time.Duration{50 * time.Millisecond}, Heartbeat: 50 * time.Millisecond,
	}
}

// passwords seals and opens as every process of one installation does.
func passwords(t testing.TB) *secret.Vault {
	t.Helper()
	box, err := secret.New(export.PasswordPurpose, master)
	if err != nil {
		t.Fatal(err)
	}
	return secret.NewVault(secret.VaultOptions{Purpose: export.PasswordPurpose, Ring: box})
}

func quiet() *slog.Logger {
	if os.Getenv("OFFRAMP_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.DiscardHandler)
}

func inserter(t testing.TB, d *db.DB) *jobs.Client {
	t.Helper()
	c, err := jobs.NewInserter(d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// customer registers an account with an owner and a member, both of whom read English.
func (w *world) customer(ref string) (owner, member migration.Who) {
	w.Helper()
	return register(w.T, w.db, ref)
}

func register(t testing.TB, d *db.DB, ref string) (owner, member migration.Who) {
	t.Helper()
	id := "customer-" + ref
	owner = migration.Who{CustomerID: id, ContactID: "owner-" + ref, Role: migration.Owner}
	member = migration.Who{CustomerID: id, ContactID: "member-" + ref, Role: migration.Member}
	err := d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		if _, err := tx.Pgx.Exec(t.Context(), `INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at)
			VALUES ($1, $2, 'Customer ' || $2, 'team', 'en', 'Asia/Shanghai', $3, $3)`, id, ref, tx.Now); err != nil {
			return err
		}
		for _, who := range []migration.Who{owner, member} {
			if _, err := tx.Pgx.Exec(t.Context(), `INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at)
				VALUES ($1, $2, $1 || '@example.com', $1, $3, $4, $4)`, who.ContactID, id, who.Role, tx.Now); err != nil {
				return err
			}
		}
		_, err := migration.NewService(d).Tell(t.Context(), tx, id, migration.Event{Kind: migration.JourneyStarted, Actor: "import"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return owner, member
}

func (w *world) request(who migration.Who) export.Export {
	w.Helper()
	e, err := w.service.Request(w.Context(), who, w.prog, export.Selection{})
	if err != nil {
		w.Fatal(err)
	}
	return e
}

// read reads the export as staff see it.
func (w *world) read(e export.Export) export.Export {
	w.Helper()
	e, err := w.service.GetForStaff(w.Context(), db.StaffScope("test"), e.ID)
	if err != nil {
		w.Fatal(err)
	}
	return e
}

func (w *world) step(who migration.Who) migration.Status {
	w.Helper()
	j, err := w.journey.Journey(w.Context(), db.CustomerScope(who.CustomerID), who.CustomerID)
	if err != nil {
		w.Fatal(err)
	}
	return j.Status[migration.StepExport]
}

// work starts a worker process's part of a client and stops it when the test ends.
func (w *world) work(c export.Config, at func(string)) *jobs.Client {
	w.Helper()
	client := newClient(w.T, c, at, 2, time.Second)
	if err := client.Start(context.Background()); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := client.Stop(ctx); err != nil {
			w.Error(err)
		}
	})
	return client
}

func newClient(t testing.TB, c export.Config, at func(string), exports int, drain time.Duration) *jobs.Client {
	t.Helper()
	workers := river.NewWorkers()
	if at == nil {
		at = func(string) {}
	}
	export.RegisterAt(workers, c, at)
	client, err := jobs.New(c.DB, jobs.Config{
		ID: "test", Workers: workers, Queues: map[string]int{export.Queue: exports, export.QueueLarge: 1}, Logger: c.Logger, Drain: drain,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

const patience = 90 * time.Second

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	within(t, patience, what, holds)
}

func within(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("timed out: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (w *world) await(e export.Export, state export.State) export.Export {
	w.Helper()
	eventually(w.T, fmt.Sprintf("%s becomes %s", e.Reference(), state), func() bool {
		got := w.read(e)
		if got.State == export.Failed && state != export.Failed {
			w.Fatalf("%s failed: %s", e.Reference(), got.Cause)
		}
		return got.State == state
	})
	return w.read(e)
}

// objects lists what is in the bucket, unfinished uploads included.
func (w *world) objects() (keys []string) {
	w.Helper()
	err := w.bucket.ListOlder(w.Context(), "exports/", -time.Hour, func(l storage.Leftover) error {
		keys = append(keys, strings.TrimSpace(l.Key+" "+l.UploadID))
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return keys
}

// download fetches a whole archive by a link and returns it.
func (w *world) download(who migration.Who, e export.Export) []byte {
	w.Helper()
	link, err := w.service.Link(w.Context(), who, w.prog, e.ID, 1)
	if err != nil {
		w.Fatal(err)
	}
	res := fetch(w.T, link, "")
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		w.Fatalf("download: %s, %v", res.Status, err)
	}
	return body
}

func fetch(t testing.TB, link, byteRange string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	if byteRange != "" {
		req.Header.Set("Range", byteRange)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// proven holds what the portal promises of a ready export: exactly one object, whose bytes are those of the record and
// prove themselves.
func (w *world) proven(who migration.Who, e export.Export) archive.Report {
	w.Helper()
	e = w.read(e)
	if e.State != export.Ready {
		w.Fatalf("%s is %s", e.Reference(), e.State)
	}
	if got := w.objects(); len(got) != 1 || got[0] != e.Volumes[0].Key {
		w.Errorf("the bucket holds %q, want only %q", got, e.Volumes[0].Key)
	}
	return w.verified(who, e)
}

func (w *world) verified(who migration.Who, e export.Export) archive.Report {
	w.Helper()
	body := w.download(who, e)
	report, err := archive.Verify(w.Context(), bytes.NewReader(body), int64(len(body)), archive.Expected{Size: e.ObjectSize, SHA256: e.SHA256})
	if err != nil {
		w.Fatal(err)
	}
	if !report.OK() {
		w.Errorf("%s: %v", e.Reference(), report.Problems)
	}
	return report
}

// mails lists the templates of the mails that wait to be sent.
func (w *world) mails() (templates []string) {
	w.Helper()
	rows, err := w.db.Pool.Query(w.Context(), `SELECT args->>'template' FROM river_job WHERE kind = 'mail' ORDER BY id`)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			w.Fatal(err)
		}
		templates = append(templates, s)
	}
	return templates
}

// faulty is an S3 server that a fault can be put before.
type faulty struct {
	fault atomic.Pointer[http.HandlerFunc]
	url   string
}

func newFaulty(t testing.TB) *faulty {
	t.Helper()
	target, err := url.Parse(localtest.S3(t).Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := f.fault.Load(); h != nil {
			(*h)(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *faulty) fail(h http.HandlerFunc) { f.fault.Store(&h) }
func (f *faulty) heal()                   { f.fault.Store(nil) }

func wantIs(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
