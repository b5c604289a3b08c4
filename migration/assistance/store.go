package assistance

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// store is the only place that knows the requests' table.
type store struct{}

const columns = `h.id, h.number, h.customer_id, h.contact_id, coalesce(h.export_id, ''), h.reference, h.dataset, h.expected, h.text, h.state,
	h.created_at, h.answer, h.answered_at, h.answered_by, h.closed_at`

func (r *Request) places() []any {
	return []any{
		&r.ID, &r.Number, &r.CustomerID, &r.ContactID, &r.ExportID, &r.ExportReference, &r.Dataset, &r.Expected, &r.Text, &r.State,
		&r.CreatedAt, &r.Answer, &r.AnsweredAt, &r.AnsweredBy, &r.ClosedAt,
	}
}

func scan(row pgx.Row) (r Request, err error) {
	err = row.Scan(r.places()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Request{}, ErrNotFound
	}
	if err != nil {
		return Request{}, fmt.Errorf("read request for help: %w", err)
	}
	return r, nil
}

// exportReference is how people call an export that the transaction's scope reaches.
func (store) exportReference(ctx context.Context, tx *db.Tx, id string) (reference string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT 'EX-' || number FROM export WHERE id = $1`, id).Scan(&reference)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNotFound
	}
	return reference, err
}

// lineUp makes the requests of one customer come one after the other.
func (store) lineUp(ctx context.Context, tx *db.Tx, customerID string) error {
	_, err := tx.Pgx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('offramp request for help ' || $1, 0))`, customerID)
	return err
}

// same finds an open request that says the same; nil when there is none.
func (store) same(ctx context.Context, tx *db.Tx, r Request) (*Request, error) {
	const sql = `SELECT ` + columns + ` FROM help_request h WHERE h.customer_id = $1 AND coalesce(h.export_id, '') = $2 AND h.dataset = $3
		AND h.expected IS NOT DISTINCT FROM $4 AND h.text = $5 AND h.state = 'open'`
	found, err := scan(tx.Pgx.QueryRow(ctx, sql, r.CustomerID, r.ExportID, r.Dataset, r.Expected, r.Text))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &found, nil
}

func (store) countOpen(ctx context.Context, tx *db.Tx, customerID string) (n int, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM help_request WHERE customer_id = $1 AND state = 'open'`, customerID).Scan(&n)
	return n, err
}

func (store) insert(ctx context.Context, tx *db.Tx, r Request) (number int64, err error) {
	const sql = `INSERT INTO help_request (id, customer_id, contact_id, export_id, reference, dataset, expected, text, state, created_at)
		VALUES ($1, $2, $3, nullif($4, ''), $5, $6, $7, $8, $9, $10) RETURNING number`
	err = tx.Pgx.QueryRow(ctx, sql, r.ID, r.CustomerID, r.ContactID, r.ExportID, r.ExportReference, r.Dataset, r.Expected, r.Text, string(r.State), r.CreatedAt).Scan(&number)
	return number, err
}

// lock reads one request for a change.
func (store) lock(ctx context.Context, tx *db.Tx, id string) (Request, error) {
	return scan(tx.Pgx.QueryRow(ctx, `SELECT `+columns+` FROM help_request h WHERE h.id = $1 FOR UPDATE`, id))
}

// save writes a transition of a locked request.
func (store) save(ctx context.Context, tx *db.Tx, r Request) error {
	const sql = `UPDATE help_request SET state = $2, answer = $3, answered_at = $4, answered_by = $5, closed_at = $6 WHERE id = $1`
	_, err := tx.Pgx.Exec(ctx, sql, r.ID, string(r.State), r.Answer, r.AnsweredAt, r.AnsweredBy, r.ClosedAt)
	return err
}

// shown bounds the requests about one customer or export that are read at once.
const shown = 50

// ofExport reads a customer's requests about an export, or all with an empty id, newest first.
func (store) ofExport(ctx context.Context, d *db.DB, scope db.Scope, customerID, exportID string) (list []Request, err error) {
	const sql = `SELECT ` + columns + ` FROM help_request h WHERE h.customer_id = $1 AND ($2 = '' OR h.export_id = $2) ORDER BY h.number DESC LIMIT $3`
	err = d.Read(ctx, scope,
		func(b *pgx.Batch) { b.Queue(sql, customerID, exportID, shown) },
		func(results pgx.BatchResults) error {
			rows, err := results.Query()
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Request, error) { return scan(row) })
			return err
		})
	return list, err
}

const listedSQL = `SELECT ` + columns + `, c.ref, c.name, coalesce(k.name, '')
	  FROM help_request h JOIN customer c ON c.id = h.customer_id LEFT JOIN contact k ON k.id = h.contact_id`

func scanListed(row pgx.Row) (l Listed, err error) {
	err = row.Scan(append(l.places(), &l.CustomerRef, &l.CustomerName, &l.ContactName)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Listed{}, ErrNotFound
	}
	return l, err
}

func (store) listed(ctx context.Context, tx *db.Tx, id string) (Listed, error) {
	return scanListed(tx.Pgx.QueryRow(ctx, listedSQL+` WHERE h.id = $1`, id))
}

func (store) open(ctx context.Context, tx *db.Tx, limit int) ([]Listed, error) {
	rows, err := tx.Pgx.Query(ctx, listedSQL+` WHERE h.state = 'open' ORDER BY h.number LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list requests for help: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Listed, error) { return scanListed(row) })
}

func (store) answered(ctx context.Context, tx *db.Tx, limit int) ([]Listed, error) {
	rows, err := tx.Pgx.Query(ctx, listedSQL+` WHERE h.state = 'answered' ORDER BY h.answered_at DESC, h.number DESC LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list answered requests for help: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Listed, error) { return scanListed(row) })
}

func (store) customerOf(ctx context.Context, tx *db.Tx, number int64) (id string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT coalesce((SELECT customer_id FROM help_request WHERE number = $1), '')`, number).Scan(&id)
	return id, err
}
