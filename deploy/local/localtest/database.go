package localtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/postgres"
	"offramp/deploy/schema"
	"offramp/internal/db"
)

// startLimit bounds the start of a server on a busy machine.
const startLimit = 2 * time.Minute

var server = sync.OnceValues(func() (*postgres.Server, error) {
	dir, err := scratch()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	return postgres.Start(ctx, postgres.Options{Dir: filepath.Join(dir, "postgres"), Throwaway: true})
})

const templateName = "offramp_template"

// template is a database with the schema up, which each test gets a copy of.
var template = sync.OnceValues(func() (string, error) {
	p, err := server()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := p.CreateDatabase(ctx, templateName); err != nil {
		return "", err
	}
	pool, err := pgxpool.New(ctx, p.URL(templateName, postgres.OwnerRole))
	if err != nil {
		return "", fmt.Errorf("open template database: %w", err)
	}
	defer pool.Close() // a template may have no connections
	_, err = schema.Up(ctx, pool)
	return templateName, err
})

// Postgres is this process's server. Tests that stop it spoil it for the others.
func Postgres(t testing.TB) *postgres.Server {
	t.Helper()
	p, err := server()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	return p
}

// TestDatabase is a database of one test. It is dropped when the test ends.
type TestDatabase struct {
	Name     string
	AppURL   string // as web side and worker in one: row-level security applies, no DDL
	WebURL   string // as the web side
	WorkURL  string // as a worker
	OwnerURL string // as the owner of the schema
	SuperURL string // as the superuser, whom nothing binds
}

var databases atomic.Int64

// Database makes a database with the schema up.
func Database(t testing.TB) TestDatabase {
	t.Helper()
	name, err := template()
	if err != nil {
		t.Fatalf("prepare template database: %v", err)
	}
	d := copyDatabase(t, name)
	conn, err := pgx.Connect(context.Background(), d.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	// A copy has not the rights on the database itself that its template has.
	if _, err := conn.Exec(context.Background(), "REVOKE TEMPORARY ON DATABASE "+d.Name+" FROM PUBLIC"); err != nil {
		t.Fatal(err)
	}
	return d
}

// EmptyDatabase makes a database with nothing in it, for a retired product's data or for tests of the schema itself.
func EmptyDatabase(t testing.TB) TestDatabase {
	t.Helper()
	return copyDatabase(t, "template1")
}

func copyDatabase(t testing.TB, from string) TestDatabase {
	t.Helper()
	p := Postgres(t)
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := p.CopyDatabase(context.Background(), name, from); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.DropDatabase(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return TestDatabase{
		Name: name, AppURL: p.URL(name, postgres.AppRole), WebURL: p.URL(name, postgres.WebRole), WorkURL: p.URL(name, postgres.WorkRole),
		OwnerURL: p.URL(name, postgres.OwnerRole), SuperURL: p.URL(name, postgres.SuperRole),
	}
}

// DB makes a database with the schema up and opens it as the application does.
func DB(t testing.TB, options ...db.Options) *db.DB {
	t.Helper()
	return Database(t).Open(t, options...)
}

// Open opens the database as web side and worker in one, until the test ends. At most one db.Options is read; without one the
// pool is small, as many tests share the server.
func (d TestDatabase) Open(t testing.TB, options ...db.Options) *db.DB {
	t.Helper()
	return open(t, d.AppURL, options)
}

// Web opens the database as the web side does, and Work as a worker does; otherwise they are as Open.
func (d TestDatabase) Web(t testing.TB, options ...db.Options) *db.DB {
	t.Helper()
	return open(t, d.WebURL, options)
}

// Work opens the database as a worker does.
func (d TestDatabase) Work(t testing.TB, options ...db.Options) *db.DB {
	t.Helper()
	return open(t, d.WorkURL, options)
}

func open(t testing.TB, url string, options []db.Options) *db.DB {
	t.Helper()
	o := db.Options{}
	if len(options) > 0 {
		o = options[0]
	}
	if o.MaxConns == 0 {
		o.MaxConns = 8
	}
	opened, err := db.Open(context.Background(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	return opened
}

// Owner connects as the owner of the schema, until the test ends.
func (d TestDatabase) Owner(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pool(t, d.OwnerURL)
}

// Super connects as the superuser, until the test ends: for looking behind row-level security and for tampering.
func (d TestDatabase) Super(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pool(t, d.SuperURL)
}

// SignedIn begins a session for an identity, as a sign-in that is on record does, and returns a context whose transactions prove it.
func SignedIn(ctx context.Context, t testing.TB, tables *pgxpool.Pool, identityID string) context.Context {
	t.Helper()
	const sql = `INSERT INTO session (id, token_hash, identity_id, customer_id, created_at, seen_at, expires_at, recorded, proof)
		SELECT $2, $2, id, customer_id, now(), now(), '2100-01-01', 0, encode(sha256(convert_to($2, 'UTF8')), 'hex') FROM identity WHERE id = $1`
	proof := rand.Text()
	if tag, err := tables.Exec(ctx, sql, identityID, proof); err != nil || tag.RowsAffected() != 1 {
		t.Fatalf("sign in %s: %v, %v", identityID, tag, err)
	}
	return db.WithProof(ctx, proof)
}

func pool(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 4
	p, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
