package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/schema"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/logging"
	"offramp/migration"
	"offramp/migration/erasure"
)

type schemaCmd struct {
	Up     schemaUpCmd     `cmd:"" help:"Apply what is missing. Any number of processes may do so at once."`
	Status schemaStatusCmd `cmd:"" help:"List the changes and when they were applied."`
	Replay schemaReplayCmd `cmd:"" name:"replay-erasures" help:"Erase again, after a restore, whom the ledger of erasures names."`
}

type schemaUpCmd struct {
	Wait time.Duration `default:"5m" help:"How long to wait for another process that is at it."`
}

// Help shows an example.
func (schemaUpCmd) Help() string {
	return "Example:\n  OFFRAMP_DATABASE_OWNER_URL=postgres://offramp_owner:secret@db/offramp offramp schema up"
}

// Run applies the schema as its owner.
func (s schemaUpCmd) Run(c *console) error {
	pool, err := ownerPool(c)
	if err != nil {
		return err
	}
	defer pool.Close()
	ctx, cancel := context.WithTimeout(c.ctx, s.Wait)
	defer cancel()
	result, err := schema.Up(ctx, pool)
	if err != nil {
		return schemaTrouble(err)
	}
	if err := schema.Demonstrate(ctx, pool, c.has("OFFRAMP_DEMO_SELF_APPROVAL=yes")); err != nil {
		return err
	}
	for _, file := range result.Applied {
		c.printf("applied %s\n", file)
	}
	c.printf("The schema is up to date (%d new, %d of the job queue).\n", len(result.Applied), result.RiverApplied)
	return nil
}

type schemaStatusCmd struct{}

// Help shows an example.
func (schemaStatusCmd) Help() string {
	return "Exit status 1 when a change is missing.\n\nExample:\n  offramp schema status"
}

// Run lists the changes; it fails when one is missing.
func (schemaStatusCmd) Run(c *console) error {
	pool, err := ownerPool(c)
	if err != nil {
		return err
	}
	defer pool.Close()
	changes, err := schema.Status(c.ctx, pool)
	if err != nil {
		return schemaTrouble(err)
	}
	missing := 0
	for _, change := range changes {
		when := "missing"
		if !change.AppliedAt.IsZero() {
			when = change.AppliedAt.UTC().Format(time.RFC3339)
		} else {
			missing++
		}
		c.printf("%-28s %s\n", change.File, when)
	}
	if missing > 0 {
		c.printf("%d missing. Run: offramp schema up\n", missing)
		return errSilent
	}
	return nil
}

func ownerPool(c *console) (*pgxpool.Pool, error) {
	cfg, err := c.config("schema")
	if err != nil {
		return nil, err
	}
	at := placeOf(ownerVariable, cfg.Database.OwnerURL)
	pool, err := pgxpool.New(c.ctx, cfg.Database.OwnerURL)
	if err != nil {
		return nil, orAsIs(databaseTrouble(at, err), err)
	}
	ctx, cancel := context.WithTimeout(c.ctx, 10*time.Second)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, orAsIs(databaseTrouble(at, err), err)
	}
	return pool, nil
}

const ownerVariable = "OFFRAMP_DATABASE_OWNER_URL"

// schemaTrouble explains why the schema could not be applied.
func schemaTrouble(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" {
		return &trouble{
			what: "the role in " + ownerVariable + " may not make the schema", cause: err,
			mend: "name the owner of the database; it needs CREATEROLE, or an administrator runs once: CREATE ROLE offramp_app NOLOGIN; CREATE ROLE offramp_serve NOLOGIN; CREATE ROLE offramp_work NOLOGIN",
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &trouble{what: "another process holds the schema's lock", mend: "wait for it, or give more time with --wait", cause: err}
	}
	return err
}

type schemaReplayCmd struct{}

// Help shows an example.
func (schemaReplayCmd) Help() string {
	return `A database that was restored from a backup knows again whom erasures had removed since. serve and work refuse to start with
it. This reads the ledger of erasures outside the database (in the bucket of exports, and in OFFRAMP_ERASURE_LEDGER) and erases again:
rows, files of exports and documents, with all their versions. It needs the settings of work, and the address of the schema's owner.
It can be stopped and run again. Exit status 1 when something is left.

Example:
  offramp schema up
  offramp schema replay-erasures`
}

// Run replays what the database lacks.
func (schemaReplayCmd) Run(c *console) error {
	cfg, err := c.config("replay")
	if err != nil {
		return err
	}
	pool, err := ownerPool(c)
	if err != nil {
		return err
	}
	changes, err := schema.Status(c.ctx, pool)
	pool.Close()
	if err != nil {
		return schemaTrouble(err)
	}
	for _, change := range changes {
		if change.AppliedAt.IsZero() {
			return &trouble{what: "the schema lacks " + change.File, mend: "run: offramp schema up"}
		}
	}
	d, err := db.Open(c.ctx, cfg.Database.OwnerURL, db.Options{MaxConns: 4, Clock: clock.Shifted(cfg.Clock.Shift), Name: "offramp replay"})
	if err != nil {
		return orAsIs(databaseTrouble(placeOf(ownerVariable, cfg.Database.OwnerURL), err), err)
	}
	defer d.Close()
	p := &parts{config: cfg, log: logging.New(c.err, logging.Level(cfg.Log.Level)), db: d, programmes: migration.NewProgrammes(d)}
	bucket, err := p.bucket(c.ctx)
	if err != nil {
		return err
	}
	queue, err := jobs.NewInserter(d)
	if err != nil {
		return err
	}
	e, err := p.eraser(bucket, queue)
	if err != nil {
		return err
	}
	return replay(c, e)
}

func replay(c *console, e *erasure.Eraser) error {
	before, err := e.Standing(c.ctx)
	if err != nil {
		return err
	}
	c.printf("The ledger outside the database has %d erasures that are not in it.\n", before.Missing)
	done, left := 0, 0
	if err := e.Replay(c.ctx, func(o erasure.Order) {
		if o.State == erasure.Complete {
			done++
			c.printf("erased again: number %d, order %s\n", o.Seq, o.ID)
			return
		}
		left++
		c.printf("not complete: number %d, order %s: %s, %d versions left in the bucket; a worker goes on\n", o.Seq, o.ID, o.Problem, o.Report.Left)
	}); err != nil {
		return err
	}
	after, err := e.Standing(c.ctx)
	if err != nil {
		return err
	}
	if after.Missing > 0 {
		return errors.New("the ledger outside has grown meanwhile; run it again")
	}
	c.printf("%d customers were erased again, of %d something is left.\n", done, left)
	if left > 0 {
		return errSilent
	}
	return nil
}
