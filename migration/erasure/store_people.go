package erasure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

func (store) customer(ctx context.Context, tx *db.Tx, ref string) (c Customer, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT id, ref, name FROM customer WHERE ref = $1`, ref).Scan(&c.ID, &c.Ref, &c.Name)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrUnknown
	}
	return c, err
}

const requestSQL = `SELECT q.id, q.customer_id, q.asked_by, q.state, q.asked_at, q.due_at, c.ref, c.name
	FROM erasure_request q JOIN customer c ON c.id = q.customer_id WHERE q.state = 'open' `

// request is a customer's open wish; nil: there is none.
func (store) request(ctx context.Context, tx *db.Tx, customerID string) (*Request, error) {
	rows, err := tx.Pgx.Query(ctx, requestSQL+`AND q.customer_id = $1`, customerID)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[Request])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return r, err
}

func (store) requests(ctx context.Context, tx *db.Tx, limit int) ([]Request, error) {
	rows, err := tx.Pgx.Query(ctx, requestSQL+`ORDER BY q.due_at, q.id LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list requests: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Request])
}

func (store) wish(ctx context.Context, tx *db.Tx, id, customerID, contactID string, due time.Time) (bool, error) {
	const sql = `INSERT INTO erasure_request (id, customer_id, asked_by, asked_at, due_at, state) VALUES ($1, $2, $3, $4, $5, 'open')
		ON CONFLICT (customer_id) WHERE state = 'open' DO NOTHING`
	tag, err := tx.Pgx.Exec(ctx, sql, id, customerID, contactID, tx.Now, due)
	return err == nil && tag.RowsAffected() == 1, err
}

func (store) unwish(ctx context.Context, tx *db.Tx, customerID string) (id string, err error) {
	const sql = `UPDATE erasure_request SET state = 'withdrawn', ended_at = $2 WHERE customer_id = $1 AND state = 'open' AND NOT erasure_ordered($1)
		RETURNING id`
	err = tx.Pgx.QueryRow(ctx, sql, customerID, tx.Now).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrChanged
	}
	return id, err
}

func (store) hold(ctx context.Context, tx *db.Tx, customerID string) (*Hold, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT h.id, h.reason, h.set_by, coalesce(i.name, '') AS set_name, h.set_at FROM erasure_hold h
		LEFT JOIN identity i ON i.id = h.set_by WHERE h.customer_id = $1 AND h.ended_at IS NULL`, customerID)
	if err != nil {
		return nil, fmt.Errorf("read hold: %w", err)
	}
	h, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[Hold])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return h, err
}

func (store) setHold(ctx context.Context, tx *db.Tx, id, customerID, reason, by string) error {
	const sql = `INSERT INTO erasure_hold (id, customer_id, reason, set_by, set_at) VALUES ($1, $2, $3, $4, $5)`
	_, err := tx.Pgx.Exec(ctx, sql, id, customerID, reason, by, tx.Now)
	if db.IsUnique(err, "erasure_hold_one") {
		err = ErrChanged
	}
	return err
}

func (store) endHold(ctx context.Context, tx *db.Tx, customerID, reason, by string) error {
	const sql = `UPDATE erasure_hold SET ended_by = $2, ended_at = $3, ended_for = $4 WHERE customer_id = $1 AND ended_at IS NULL`
	tag, err := tx.Pgx.Exec(ctx, sql, customerID, by, tx.Now, reason)
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrChanged
	}
	return err
}

// totals counts holds, and orders by state.
func (store) totals(ctx context.Context, tx *db.Tx) (held int64, orders map[string]int64, err error) {
	if err := tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM erasure_hold WHERE ended_at IS NULL`).Scan(&held); err != nil {
		return 0, nil, fmt.Errorf("count holds: %w", err)
	}
	rows, err := tx.Pgx.Query(ctx, `SELECT state, count(*) FROM erasure_order GROUP BY state`)
	if err != nil {
		return 0, nil, fmt.Errorf("count erasures: %w", err)
	}
	orders = map[string]int64{}
	var state string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error { orders[state] = n; return nil })
	return held, orders, err
}

// objectCounts counts a customer's objects under each prefix of the bucket.
func (store) objectCounts(ctx context.Context, tx *db.Tx, customerID string) (map[string]int64, error) {
	const sql = `SELECT 'exports/', count(*) FROM export_object WHERE customer_id = $1
		UNION ALL SELECT 'documents/', count(*) FROM refund_document WHERE customer_id = $1`
	rows, err := tx.Pgx.Query(ctx, sql, customerID)
	if err != nil {
		return nil, fmt.Errorf("count objects: %w", err)
	}
	counts := map[string]int64{}
	var prefix string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&prefix, &n}, func() error { counts[prefix] = n; return nil })
	return counts, err
}
