package export_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/localtest"
	"offramp/deploy/local/postgres"
	"offramp/deploy/schema"
	"offramp/export"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/migration"
)

// server is a PostgreSQL of one test, which may stop it.
type server struct {
	*testing.T
	dir string
	pg  *postgres.Server
}

func (s *server) start() {
	s.Helper()
	pg, err := postgres.Start(context.Background(), postgres.Options{Dir: s.dir})
	if err != nil {
		s.Fatal(err)
	}
	s.pg = pg
}

// crash stops the server at once, without a checkpoint.
func (s *server) crash() {
	text, err := os.ReadFile(filepath.Join(s.dir, "pgdata", "postmaster.pid"))
	if err != nil {
		s.Error(err)
		return
	}
	var pid int
	if _, err := fmt.Sscan(string(text), &pid); err != nil {
		s.Error(err)
		return
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		s.Error(err)
	}
	<-s.pg.Done()
}

func newServer(t *testing.T) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "offramp-outage-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	s := &server{T: t, dir: dir}
	s.start()
	t.Cleanup(func() {
		_ = s.pg.Stop()
		_ = os.RemoveAll(dir)
	})
	return s
}

// TestE02_PostgreSQLStopsInMidExport crashes the product's database and, in another run, our own.
func TestE02_PostgreSQLStopsInMidExport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, point string
		ours        bool
	}{
		{"the product's", "reading tasks", false},
		{"ours, while reading", "reading tasks", true},
		{"ours, before the seal", "proven", true},
		{"ours, in the seal", "sealing", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, p := newServer(t), newProduct(t)
			var w *world
			if c.ours {
				p.fill(t, "HZ-1", 12_000)
				w = worldOn(t, s, p)
			} else {
				moveProduct(t, p, s)
				p.fill(t, "HZ-1", 12_000)
				w = newWorld(t, p)
			}
			w.config.Retries = 1000 // the outage ends before the patience does
			owner, _ := w.customer("HZ-1")
			e := w.request(owner)
			var once sync.Once
			crashed := make(chan struct{})
			w.work(w.config, func(at string) {
				if at == c.point {
					once.Do(func() {
						s.crash()
						close(crashed)
					})
				}
			})
			<-crashed
			<-time.After(time.Second) // the outage; what goes wrong may do so
			s.start()
			last := ""
			t.Cleanup(func() {
				if t.Failed() {
					t.Log(last)
				}
			})
			within(t, 3*time.Minute, "the export is ready", func() bool {
				got, err := w.service.GetForStaff(t.Context(), db.StaffScope("test"), e.ID)
				last = fmt.Sprintf("%s, attempt %d, %q, %v", got.State, got.Attempt, got.Cause, err)
				return err == nil && got.State == export.Ready
			})
			if err := export.Sweep(t.Context(), w.config); err != nil {
				t.Fatal(err)
			}
			w.proven(owner, e)
		})
	}
}

// worldOn is newWorld with our own database on a server that may be stopped.
func worldOn(t *testing.T, s *server, p *product) *world {
	t.Helper()
	const name = "portal"
	if err := s.pg.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	owner, err := pgxpool.New(t.Context(), s.pg.URL(name, postgres.OwnerRole))
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	if _, err := schema.Up(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, clock: clock.NewManual(today), product: p, prog: programme(), name: localtest.S3(t).Bucket(t)}
	w.bucket = openBucket(t, localtest.S3(t).Endpoint, w.name, false)
	if w.db, err = db.Open(t.Context(), s.pg.URL(name, postgres.AppRole), db.Options{Clock: w.clock, MaxConns: 8}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.db.Close)
	w.journey = migration.NewService(w.db)
	w.config = w.configOn(w.bucket)
	w.service = export.NewService(w.db, w.journey, inserter(t, w.db), w.bucket, export.Options{})
	return w
}

// moveProduct puts a product's database on a server that may be stopped.
func moveProduct(t *testing.T, p *product, s *server) {
	t.Helper()
	const name = "product"
	if err := s.pg.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	address := s.pg.URL(name, postgres.OwnerRole)
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), productSQL); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(t.Context())
	if p.pool, err = pgxpool.New(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.pool.Close)
	p.urls["product"] = address
}
