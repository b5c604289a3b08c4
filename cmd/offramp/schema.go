package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/schema"
)

type schemaCmd struct {
	Up     schemaUpCmd     `cmd:"" help:"Apply what is missing. Any number of processes may do so at once."`
	Status schemaStatusCmd `cmd:"" help:"List the changes and when they were applied."`
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
