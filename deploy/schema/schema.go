// Package schema brings a database to the schema that this binary needs: numbered, forward-only SQL run by goose,
// then River's own tables, then the rights of the application's roles, all under one advisory lock so that many replicas may
// start at once.
//
// It connects as the owner of the schema. The web side connects as a member of offramp_serve, a worker as one of offramp_work.
// What each may do is data: see Meant.
package schema

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed *.sql
var files embed.FS

// lockKey names the advisory lock; the digits spell "offramp".
const lockKey = 0x6f666672616d70

// unusedIndexes are River's, over arguments and metadata. Nothing that we or River run uses them, and they swell until somebody builds
// them anew, for which the application has no right. A change of River's that expects them would fail at its upgrade, in the tests.
var unusedIndexes = []string{"river_job_args_index", "river_job_metadata_index"}

// Result says what Up did.
type Result struct {
	Applied      []string      // our own files, in order
	RiverApplied int           // River's versions
	Waited       time.Duration // for another process that held the lock
}

// Demonstrate records that the installation is a demonstration, in which one person may play several: versions of the programme
// that come from the command line are approved there, too. Nobody but the schema's owner can say so.
func Demonstrate(ctx context.Context, pool *pgxpool.Pool, yes bool) error {
	if _, err := pool.Exec(ctx, "UPDATE installation SET demonstration = $1 WHERE demonstration <> $1", yes); err != nil {
		return fmt.Errorf("record what the installation is: %w", err)
	}
	return nil
}

// Change is one numbered file and when it was applied (zero: not yet).
type Change struct {
	Version   int64
	File      string
	AppliedAt time.Time
}

// Up applies what is missing. It may be called by any number of processes at once: one works, the others wait
// and find nothing left to do. ctx bounds the wait.
func Up(ctx context.Context, pool *pgxpool.Pool) (Result, error) {
	var result Result
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return result, fmt.Errorf("connect as owner: %w", err)
	}
	defer conn.Release()
	if result.Waited, err = lock(ctx, conn); err != nil {
		return result, err
	}
	defer func() {
		_, _ = conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", lockKey)
	}()
	applied, err := upOurs(ctx, pool)
	if err != nil {
		return result, err
	}
	result.Applied = applied
	if result.RiverApplied, err = upRiver(ctx, pool); err != nil {
		return result, err
	}
	return result, grant(ctx, pool)
}

// lock polls rather than blocks: a session blocked inside pg_advisory_lock holds a snapshot that
// CREATE INDEX CONCURRENTLY in a later change would wait for.
func lock(ctx context.Context, conn *pgxpool.Conn) (time.Duration, error) {
	began := time.Now()
	for held := false; ; held = true {
		var got bool
		err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", lockKey).Scan(&got)
		if got {
			return time.Since(began), nil
		}
		if err != nil && (!held || ctx.Err() == nil) {
			return 0, fmt.Errorf("lock schema: %w", err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return 0, fmt.Errorf("lock schema: another process holds it: %w", ctx.Err())
		}
	}
}

func upOurs(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	provider, done, err := provider(pool)
	if err != nil {
		return nil, err
	}
	defer done()
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("apply schema: %w", err)
	}
	var applied []string
	for _, r := range results {
		applied = append(applied, r.Source.Path)
	}
	return applied, nil
}

func upRiver(ctx context.Context, pool *pgxpool.Pool) (int, error) {
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, fmt.Errorf("open queue schema: %w", err)
	}
	r, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return 0, fmt.Errorf("apply queue schema: %w", err)
	}
	for _, name := range unusedIndexes { // concurrently: workers of the version before are at work
		if _, err := pool.Exec(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+name); err != nil {
			return 0, fmt.Errorf("drop the queue's index %s: %w", name, err)
		}
	}
	return len(r.Versions), nil
}

// Status lists our changes in order. Those with a zero AppliedAt are pending. It needs read access only.
func Status(ctx context.Context, pool *pgxpool.Pool) ([]Change, error) {
	provider, done, err := provider(pool)
	if err != nil {
		return nil, err
	}
	defer done()
	var begun bool
	if err := pool.QueryRow(ctx, "select to_regclass('goose_db_version') is not null").Scan(&begun); err != nil {
		return nil, fmt.Errorf("read schema status: %w", err)
	}
	if !begun { // asked for the status, goose would make its table first, which a reader may not
		var changes []Change
		for _, s := range provider.ListSources() {
			changes = append(changes, Change{Version: s.Version, File: s.Path})
		}
		return changes, nil
	}
	statuses, err := provider.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read schema status: %w", err)
	}
	changes := make([]Change, 0, len(statuses))
	for _, s := range statuses {
		changes = append(changes, Change{Version: s.Source.Version, File: s.Source.Path, AppliedAt: s.AppliedAt})
	}
	return changes, nil
}

// CheckQueue reports whether the queue's own tables are those that this binary's River needs. It needs read access only.
func CheckQueue(ctx context.Context, pool *pgxpool.Pool) error {
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("open queue schema: %w", err)
	}
	r, err := m.Validate(ctx, nil)
	if err != nil {
		return fmt.Errorf("look at the queue's tables: %w", err)
	}
	if !r.OK {
		return fmt.Errorf("the queue's tables are not those of this binary: %s", strings.Join(r.Messages, "; "))
	}
	return nil
}

func provider(pool *pgxpool.Pool) (*goose.Provider, func(), error) {
	handle := stdlib.OpenDBFromPool(pool)
	p, err := goose.NewProvider(goose.DialectPostgres, handle, files)
	if err != nil {
		_ = handle.Close()
		return nil, nil, fmt.Errorf("open schema: %w", err)
	}
	return p, func() { _ = handle.Close() }, nil // closes the wrapper, not the pool
}
