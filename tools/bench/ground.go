package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
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

// ground is where the measurements take place: the whole product on this machine with the demonstration's data.
type ground struct {
	dir       string
	binary    string // the product's
	stack     *local.Stack
	super     *pgxpool.Pool // of the portal's database
	app       *db.DB
	config    config.Config
	programme *migration.Programme
	accounts  []product.Account
	largest   string // number of the customer with the most rows
}

func (g *ground) close() {
	if g.app != nil {
		g.app.Close()
	}
	if g.super != nil {
		g.super.Close()
	}
	if g.stack != nil {
		_ = g.stack.Stop()
	}
	_ = os.RemoveAll(g.dir)
}

// prepare sets the demonstration's stage.
func prepare(ctx context.Context, rows int) (*ground, error) { return prepareWith(ctx, rows, nil) }

// prepareWith sets a stage that dress has prepared: it returns the programme that is to be in effect. One person may ask as fast as can be.
func prepareWith(ctx context.Context, rows int, dress func(context.Context, *local.Stack) ([]byte, error)) (*ground, error) {
	g, err := stage(ctx, rows, dress)
	if err != nil {
		return g, err
	}
	g.stack.Env["OFFRAMP_LIMIT_PAGES"], g.stack.Env["OFFRAMP_LIMIT_ACTS"] = "0", "0"
	return g, g.stack.StartPortal(ctx)
}

// stage sets everything up but the portal.
func stage(ctx context.Context, rows int, dress func(context.Context, *local.Stack) ([]byte, error)) (g *ground, err error) {
	g = &ground{}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	if g.dir, err = os.MkdirTemp("", "offramp-bench-"); err != nil {
		return g, err
	}
	if err := os.Chmod(g.dir, 0o755); err != nil { // PostgreSQL runs as another user below it
		return g, err
	}
	if g.binary, err = filepath.Abs("bin/offramp"); err != nil {
		return g, err
	}
	say := func(s string) { fmt.Fprintln(os.Stderr, " ", s) }
	g.stack, err = local.StartStack(ctx, local.StackOptions{Dir: g.dir, Binary: g.binary, Throwaway: true, Say: say})
	if err != nil {
		return g, err
	}
	source := examples.Hezhou
	if dress != nil {
		if source, err = dress(ctx, g.stack); err != nil {
			return g, err
		}
	}
	if err := g.loadProduct(ctx, product.StageOptions{Rows: rows, Programme: source, Say: say}); err != nil {
		return g, err
	}
	if g.super, err = pgxpool.New(ctx, g.stack.Postgres.URL(local.Database, postgres.SuperRole)); err != nil {
		return g, err
	}
	if g.config, err = config.Load(g.stack.Env.List(), "work"); err != nil {
		return g, err
	}
	if g.app, err = db.Open(ctx, g.stack.Postgres.URL(local.Database, postgres.AppRole), db.Options{}); err != nil {
		return g, err
	}
	if g.programme, err = migration.ReadProgramme(source); err != nil {
		return g, err
	}
	return g, nil
}

func (g *ground) loadProduct(ctx context.Context, o product.StageOptions) (err error) {
	if g.accounts, err = product.Stage(ctx, g.stack, o); err != nil {
		return err
	}
	g.largest = g.accounts[2].Customer // behind the reference customer's two come the largest one's
	for _, a := range g.accounts {
		g.stack.Customer.SetUser(local.User{
			Subject: a.Email, Email: a.Email, Name: a.Name, Password: "bench", EmailVerified: true,
			Claims: map[string]any{"customer": a.Customer, "customer_role": a.Role},
		})
	}
	return nil
}

// exports is the service that takes requests, and the bucket that it uses.
func (g *ground) exports(ctx context.Context) (*export.Service, *storage.Bucket, error) {
	queue, err := jobs.NewInserter(g.app)
	if err != nil {
		return nil, nil, err
	}
	c := g.config.Storage
	bucket, err := storage.Open(ctx, storage.Config{
		Endpoint: c.Endpoint, Region: c.Region, Bucket: c.Bucket, AccessKey: c.AccessKey, SecretKey: c.SecretKey, PathStyle: c.PathStyle,
	})
	if err != nil {
		return nil, nil, err
	}
	return export.NewService(g.app, migration.NewService(g.app), queue, bucket, export.Options{PerDay: 1_000_000}), bucket, nil
}

// execute runs statements on a database.
func execute(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// settled waits until a worker that started at an instant has done what it does at its start: counting what customers use, sweeping.
func (g *ground) settled(ctx context.Context, started time.Time) error {
	const sql = `SELECT count(*) FILTER (WHERE finalized_at > $1) > 0 AND count(*) FILTER (WHERE state IN ('available', 'running')) = 0 FROM river_job`
	quiet := 0
	return untilEvery(ctx, 100*time.Millisecond, time.Minute, func() (calm bool, err error) {
		err = g.super.QueryRow(ctx, sql, started).Scan(&calm)
		if quiet++; !calm {
			quiet = 0
		}
		return quiet >= 10, err
	})
}

// until polls a condition, bounded in time.
func until(ctx context.Context, limit time.Duration, ok func() (bool, error)) error {
	return untilEvery(ctx, 5*time.Millisecond, limit, ok)
}

func untilEvery(ctx context.Context, pause, limit time.Duration, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(pause)
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
