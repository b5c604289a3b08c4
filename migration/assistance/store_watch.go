package assistance

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// backIDs lists requests that were put off until now.
func (s store) backIDs(ctx context.Context, tx *db.Tx, limit int) ([]string, error) {
	return s.ids(ctx, tx, `SELECT id FROM help_request WHERE state = 'open' AND snoozed_until <= $1 ORDER BY snoozed_until, number LIMIT $2 FOR UPDATE SKIP LOCKED`, tx.Now, limit)
}

// lateIDs lists requests whose answer is late and that nobody has raised in this round.
func (s store) lateIDs(ctx context.Context, tx *db.Tx, limit int) ([]string, error) {
	return s.ids(ctx, tx, `SELECT id FROM help_request WHERE state = 'open' AND escalated_at IS NULL AND due_at < $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED`, tx.Now, limit)
}

// openIDs goes through the open requests that may still be raised.
func (s store) openIDs(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return s.ids(ctx, tx, `SELECT id FROM help_request WHERE state = 'open' AND priority > 2 AND id > $1 ORDER BY id LIMIT $2`, after, limit)
}

func (store) ids(ctx context.Context, tx *db.Tx, sql string, args ...any) ([]string, error) {
	rows, err := tx.Pgx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("look after requests for help: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// watched writes what a worker may change.
func (store) watched(ctx context.Context, tx *db.Tx, r Request) error {
	const sql = `UPDATE help_request SET priority = $2, due_at = $3, snoozed_until = $4, escalated_at = $5, said = $6 WHERE id = $1`
	_, err := tx.Pgx.Exec(ctx, sql, r.ID, int(r.Priority), r.DueAt, r.SnoozedUntil, r.EscalatedAt, r.Said)
	return err
}

// sweepPresence forgets screens that were closed long ago.
func (store) sweepPresence(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Pgx.Exec(ctx, `DELETE FROM help_presence WHERE seen_at < $1`, tx.Now.Add(-10*presence))
	return err
}
