// Package db is the one place that opens PostgreSQL: one pgx pool per process, shared by gorm and the job queue, and one
// way to run a transaction, in which state, audit, events and jobs are written together.
package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"offramp/internal/clock"
)

// DB is the application's access to its database. Safe for concurrent use.
type DB struct {
	Pool  *pgxpool.Pool
	Gorm  *gorm.DB
	Clock clock.Clock
}

// Options bound the pool. Zero values take the defaults.
type Options struct {
	MaxConns int32         // default 16
	Clock    clock.Clock   // default the system's
	Timeout  time.Duration // to the first connection; default 10 s
	Name     string        // application_name, seen in pg_stat_activity
	Up       func()        // called whenever a new connection stands; may be nil
}

// Open connects as the application role and checks that the database answers.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read database address: %w", err)
	}
	cfg.MaxConns = 16
	if o.MaxConns > 0 {
		cfg.MaxConns = o.MaxConns
	}
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if o.Name != "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = o.Name
	}
	if o.Up != nil {
		cfg.AfterConnect = func(context.Context, *pgx.Conn) error {
			o.Up()
			return nil
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	ping, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	if err := pool.Ping(ping); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach database: %w", err)
	}
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: stdlib.OpenDBFromPool(pool)}), &gorm.Config{
		Logger: logger.Discard, TranslateError: true, SkipDefaultTransaction: true, DisableAutomaticPing: true,
		NowFunc: func() time.Time { return time.Now().UTC() },
	})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	return &DB{Pool: pool, Gorm: g, Clock: o.Clock}, nil
}

// Close waits for connections in use and closes the pool.
func (d *DB) Close() { d.Pool.Close() }

// Tx is one transaction, seen by gorm and by pgx. Now is frozen when it begins, so that everything it writes bears the
// same instant.
type Tx struct {
	Gorm *gorm.DB
	Pgx  pgx.Tx
	Now  time.Time

	end   pgx.Batch               // what goes out together with the commit
	named []func(err error) error // the errors of its statements
}

// AtEnd adds a statement that goes out together with the commit, so that what it locks is locked for as short as can be. named
// gives its error a name; it ends the transaction as one of fn's does. How many rows it changed nobody learns.
func (tx *Tx) AtEnd(named func(err error) error, sql string, args ...any) {
	tx.end.Queue(sql, args...)
	tx.named = append(tx.named, named)
}

// InTx runs fn in one transaction under a scope. It commits when fn returns nil and rolls back on an error or a panic.
// Transactions do not nest. The beginning and the scope are one round trip.
func (d *DB) InTx(ctx context.Context, scope Scope, fn func(tx *Tx) error) error {
	return d.Gorm.WithContext(ctx).Connection(func(g *gorm.DB) error {
		conn, err := pgxConn(g)
		if err != nil {
			return err
		}
		// Only the statements know ctx; each fails when it ends, and so does fn. The end must go out all the same.
		after, ended := context.WithoutCancel(ctx), false
		defer func() {
			if !ended {
				rollback(after, conn)
			}
		}()
		if err := begin(ctx, conn, scope); err != nil {
			return err
		}
		tx := &Tx{Gorm: g, Pgx: &joinedTx{conn: conn}, Now: d.Clock.Now()}
		if err := fn(tx); err != nil {
			return err
		}
		if len(tx.named) > 0 {
			err := tx.commitWith(after, conn)
			ended = err == nil
			return err
		}
		ended = true
		return commit(after, conn)
	})
}

func begin(ctx context.Context, conn *pgx.Conn, scope Scope) error {
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(SetSQL, scope.Args()...)
	if proof, ok := ctx.Value(proofKey{}).(string); ok {
		b.Queue(proofSQL, proof)
	}
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("set scope: %w", err)
	}
	return nil
}

func commit(ctx context.Context, conn *pgx.Conn) error {
	tag, err := conn.Exec(ctx, "COMMIT")
	return committed(tag, err)
}

func committed(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.String() == "ROLLBACK" { // a statement had failed, and nobody said so
		err = pgx.ErrTxCommitRollback
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// endLimit bounds how long statements at the end of a transaction may wait for a lock.
const endLimit = 30 * time.Second

// commitWith commits together with the statements of AtEnd. Where one fails, the server runs nothing behind it.
func (tx *Tx) commitWith(ctx context.Context, conn *pgx.Conn) (err error) {
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	tx.end.Queue("COMMIT")
	results := conn.SendBatch(ctx, &tx.end)
	defer func() { err = cmp.Or(err, results.Close()) }()
	for _, named := range tx.named {
		if _, err := results.Exec(); err != nil {
			return named(err)
		}
	}
	tag, err := results.Exec()
	return committed(tag, err)
}

// rollback leaves a connection that cannot roll back to the pool, which closes it.
func rollback(ctx context.Context, conn *pgx.Conn) {
	if !conn.IsClosed() {
		_, _ = conn.Exec(ctx, "ROLLBACK")
	}
}

// pgxConn finds the pgx connection under the one that gorm has pinned.
func pgxConn(g *gorm.DB) (*pgx.Conn, error) {
	pinned, ok := g.Statement.ConnPool.(*sql.Conn)
	if !ok {
		return nil, fmt.Errorf("pin connection: got %T; transactions do not nest", g.Statement.ConnPool)
	}
	var conn *pgx.Conn
	err := pinned.Raw(func(driver any) error {
		c, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("pin connection: driver is %T", driver)
		}
		conn = c.Conn()
		return nil
	})
	return conn, err
}

// Read sends the scope and the queued queries as one batch: one implicit transaction, one round trip. read takes the
// results in the order they were queued. For pages that only look.
func (d *DB) Read(ctx context.Context, scope Scope, queue func(b *pgx.Batch), read func(r pgx.BatchResults) error) (err error) {
	b := &pgx.Batch{}
	b.Queue(SetSQL, scope.Args()...)
	queue(b)
	results := d.Pool.SendBatch(ctx, b)
	defer func() { err = errors.Join(err, results.Close()) }()
	if _, err := results.Exec(); err != nil {
		return fmt.Errorf("set scope: %w", err)
	}
	return read(results)
}

// IsUnique reports whether err is a violation of the named unique index or constraint.
func IsUnique(err error, constraint string) bool {
	return isViolation(err, "23505", constraint)
}

// IsCheck reports whether err is a violation of the named check constraint.
func IsCheck(err error, constraint string) bool {
	return isViolation(err, "23514", constraint)
}

func isViolation(err error, code, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code && pg.ConstraintName == constraint
}
