package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/examples"
	"offramp/deploy/local"
	"offramp/deploy/local/postgres"
	"offramp/deploy/local/product"
	"offramp/export"
	"offramp/export/storage"
	"offramp/internal/config"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration"
)

// ground is the product and everything around it, with a bad network before each part that workers use.
type ground struct {
	settings
	log       *slog.Logger
	dir       string
	stack     *local.Stack
	super     *pgxpool.Pool // of the portal's database, as its superuser
	retired   *pgxpool.Pool // of the product's
	app       *db.DB
	bucket    *storage.Bucket
	service   *export.Service
	programme *migration.Programme
	people    []person
	networks  map[string]*local.Network
	env       local.Environment // of workers: through the networks

	mu      sync.Mutex
	workers map[string]*local.Offramp
	counts  map[string]int // what happened how often
}

// person is an owner who may export.
type person struct {
	who   migration.Who
	ref   string
	email string
}

func (g *ground) close() {
	for _, w := range g.workers {
		_ = w.Kill()
	}
	for _, n := range g.networks {
		n.Cut()
	}
	if g.app != nil {
		g.app.Close()
	}
	for _, p := range []*pgxpool.Pool{g.super, g.retired} {
		if p != nil {
			p.Close()
		}
	}
	if g.stack != nil {
		_ = g.stack.Stop()
	}
	_ = os.RemoveAll(g.dir)
}

func (g *ground) count(what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counts[what]++
}

func prepare(ctx context.Context, s settings, log *slog.Logger) (g *ground, err error) {
	g = &ground{settings: s, log: log, networks: map[string]*local.Network{}, workers: map[string]*local.Offramp{}, counts: map[string]int{}}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	if g.dir, err = os.MkdirTemp("", "offramp-soak-"); err != nil {
		return g, err
	}
	if err := os.Chmod(g.dir, 0o755); err != nil { // PostgreSQL runs as another user below it
		return g, err
	}
	binary, err := filepath.Abs(s.binary)
	if err != nil {
		return g, err
	}
	say := func(text string) { log.Info(text) }
	if g.stack, err = local.StartStack(ctx, local.StackOptions{Dir: g.dir, Binary: binary, Throwaway: true, Say: say}); err != nil {
		return g, err
	}
	if _, err := product.Stage(ctx, g.stack, product.StageOptions{Rows: s.rows, Say: say}); err != nil {
		return g, err
	}
	for _, step := range []func(context.Context) error{g.open, g.wire, g.meet} {
		if err := step(ctx); err != nil {
			return g, err
		}
	}
	for i := range s.workers {
		if err := g.startWorker(fmt.Sprintf("worker-%d", i+1)); err != nil {
			return g, err
		}
	}
	return g, nil
}

// open reaches the parts straight, as the judge needs them.
func (g *ground) open(ctx context.Context) (err error) {
	if g.super, err = pgxpool.New(ctx, g.stack.Postgres.URL(local.Database, postgres.SuperRole)); err != nil {
		return err
	}
	if g.retired, err = pgxpool.New(ctx, g.stack.Postgres.URL(product.Database, postgres.SuperRole)); err != nil {
		return err
	}
	c, err := config.Load(g.stack.Env.List(), "work")
	if err != nil {
		return err
	}
	if g.app, err = db.Open(ctx, g.stack.Postgres.URL(local.Database, postgres.AppRole), db.Options{Name: "soak"}); err != nil {
		return err
	}
	g.bucket, err = storage.Open(ctx, storage.Config{
		Endpoint: c.Storage.Endpoint, Region: c.Storage.Region, Bucket: c.Storage.Bucket,
		AccessKey: c.Storage.AccessKey, SecretKey: c.Storage.SecretKey, PathStyle: true,
	})
	if err != nil {
		return err
	}
	queue, err := jobs.NewInserter(g.app)
	if err != nil {
		return err
	}
	g.service = export.NewService(g.app, migration.NewService(g.app), queue, g.bucket, export.Options{PerDay: 1_000_000})
	g.programme, err = migration.ReadProgramme(examples.Hezhou)
	return err
}

// wire puts a network before each part that workers use.
func (g *ground) wire(context.Context) error {
	endpoint, err := url.Parse(g.stack.S3.Endpoint)
	if err != nil {
		return err
	}
	database := fmt.Sprintf("127.0.0.1:%d", g.stack.Postgres.Port)
	for name, upstream := range map[string]string{"store": endpoint.Host, "files": endpoint.Host, "portal-db": database, "product-db": database} {
		if g.networks[name], err = local.StartNetwork(name, upstream); err != nil {
			return err
		}
	}
	through := func(name, address string) string {
		return strings.Replace(address, database, g.networks[name].Address, 1)
	}
	files, err := product.FilesURL(g.stack.S3, "http://"+g.networks["files"].Address)
	if err != nil {
		return err
	}
	g.env = g.stack.Env.With(map[string]string{
		"OFFRAMP_S3_ENDPOINT":        "http://" + g.networks["store"].Address,
		"OFFRAMP_DATABASE_URL":       through("portal-db", g.stack.Env["OFFRAMP_DATABASE_URL"]),
		"OFFRAMP_SOURCE_PRODUCT_URL": through("product-db", g.stack.Env["OFFRAMP_SOURCE_PRODUCT_URL"]),
		"OFFRAMP_SOURCE_FILES_URL":   files,
		"OFFRAMP_WEB_METRICS":        "off",
		"OFFRAMP_WORK_RETRIES":       "1000", // no fault here is for ever: nothing may fail for good
		"OFFRAMP_WORK_LARGE_FROM":    "2",    // MiB: several volumes without gigabytes
		"OFFRAMP_WORK_VOLUME_UNIT":   "3",
	})
	return nil
}

// meet finds the owners.
func (g *ground) meet(ctx context.Context) error {
	const sql = `SELECT c.id, k.id, k.role, c.ref, k.email FROM customer c JOIN contact k ON k.customer_id = c.id AND k.role = 'owner' ORDER BY c.ref`
	rows, err := g.super.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p person
		if err := rows.Scan(&p.who.CustomerID, &p.who.ContactID, &p.who.Role, &p.ref, &p.email); err != nil {
			return err
		}
		g.people = append(g.people, p)
	}
	return rows.Err()
}

func (g *ground) startWorker(name string) error {
	w, err := g.stack.StartWith("work", g.env.With(map[string]string{"OFFRAMP_WORK_ID": name}))
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.workers[name] = w
	g.mu.Unlock()
	return nil
}

// until polls a condition, bounded in time.
func until(ctx context.Context, limit time.Duration, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := ok(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s: %w", limit, ctx.Err())
		case <-tick.C:
		}
	}
}
