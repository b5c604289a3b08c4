package db

import (
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var errJoined = errors.New("db: the transaction belongs to InTx, which ends it")

// joinedTx is a pgx.Tx view of the transaction that InTx owns. It runs statements and opens savepoints, and never ends
// the outer transaction.
type joinedTx struct {
	conn       *pgx.Conn
	savepoints int
}

func (t *joinedTx) Conn() *pgx.Conn                { return t.conn }
func (t *joinedTx) Commit(context.Context) error   { return errJoined }
func (t *joinedTx) Rollback(context.Context) error { return errJoined }
func (t *joinedTx) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

func (t *joinedTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return t.conn.Exec(ctx, sql, args...)
}

func (t *joinedTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return t.conn.Query(ctx, sql, args...)
}

func (t *joinedTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return t.conn.QueryRow(ctx, sql, args...)
}

func (t *joinedTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.conn.SendBatch(ctx, b)
}

func (t *joinedTx) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	return t.conn.Prepare(ctx, name, sql)
}

func (t *joinedTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return t.conn.CopyFrom(ctx, table, columns, rows)
}

func (t *joinedTx) Begin(ctx context.Context) (pgx.Tx, error) {
	t.savepoints++
	name := "offramp_" + strconv.Itoa(t.savepoints)
	if _, err := t.Exec(ctx, "SAVEPOINT "+name); err != nil {
		return nil, err
	}
	return &savepoint{joinedTx: t, name: name}, nil
}

// savepoint is a nested transaction of the job queue.
type savepoint struct {
	*joinedTx
	name string
	done bool
}

func (s *savepoint) Commit(ctx context.Context) error   { return s.end(ctx, "RELEASE SAVEPOINT ") }
func (s *savepoint) Rollback(ctx context.Context) error { return s.end(ctx, "ROLLBACK TO SAVEPOINT ") }

func (s *savepoint) end(ctx context.Context, verb string) error {
	if s.done {
		return pgx.ErrTxClosed
	}
	s.done = true
	_, err := s.Exec(ctx, verb+s.name)
	return err
}
