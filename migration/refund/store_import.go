package refund

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

func (store) insertImport(ctx context.Context, tx *db.Tx, i Import) error {
	_, err := tx.Pgx.Exec(ctx, `INSERT INTO bank_import (id, name, sha256, imported_by, imported_at) VALUES ($1, $2, $3, $4, $5)`, i.ID, i.Name, i.SHA256, i.ImportedBy, i.ImportedAt)
	if db.IsUnique(err, "bank_import_sha256_key") {
		return ErrImported.Wrap(err)
	}
	return err
}

func (store) insertResult(ctx context.Context, tx *db.Tx, r BankResult) error {
	const sql = `INSERT INTO bank_result (id, import_id, line, queue, end_to_end, refund_id, booked, amount, currency, expected, reason, detail, day, bank_ref)
		VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8, $9, $10, $11, $12, $13, $14)`
	_, err := tx.Pgx.Exec(ctx, sql, r.ID, r.ImportID, r.Line, string(r.Queue), r.EndToEnd, r.refundID, r.Booked, r.Amount, r.Currency, r.Expected, r.Reason, r.Detail, r.Date, r.BankRef)
	return err
}

// imports lists the latest imports, or the one with an id.
func (store) imports(ctx context.Context, tx *db.Tx, id string, limit int) ([]Import, error) {
	const sql = `SELECT i.id, i.name, i.sha256, i.imported_by, i.imported_at, l.* FROM bank_import i CROSS JOIN LATERAL (
			SELECT count(*) FILTER (WHERE queue = 'matched'), count(*) FILTER (WHERE queue = 'differing'), count(*) FILTER (WHERE queue = 'returned'),
			       count(*) FILTER (WHERE queue = 'unmatched'), count(*) FILTER (WHERE queue <> 'matched' AND settled_by = '')
			  FROM bank_result r WHERE r.import_id = i.id) l
		WHERE $1 IN ('', i.id) ORDER BY i.imported_at DESC, i.id LIMIT $2`
	rows, err := tx.Pgx.Query(ctx, sql, id, limit)
	if err != nil {
		return nil, fmt.Errorf("list imports: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Import])
}

const resultSQL = `SELECT b.id, b.import_id, b.line, b.queue, b.end_to_end, coalesce(b.refund_id, ''), coalesce(r.ref, ''), b.booked, b.amount, b.currency, b.expected,
	b.reason, b.detail, b.day, b.bank_ref, b.settled_by, b.settled_at, b.note FROM bank_result b LEFT JOIN refund r ON r.id = b.refund_id `

func scanResult(row pgx.Row) (r BankResult, err error) {
	err = row.Scan(&r.ID, &r.ImportID, &r.Line, &r.Queue, &r.EndToEnd, &r.refundID, &r.Ref, &r.Booked, &r.Amount, &r.Currency, &r.Expected,
		&r.Reason, &r.Detail, &r.Date, &r.BankRef, &r.SettledBy, &r.SettledAt, &r.Note)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, ErrNotFound
	}
	return r, err
}

func (store) lines(ctx context.Context, tx *db.Tx, importID string, q Queue, limit int) ([]BankResult, error) {
	rows, err := tx.Pgx.Query(ctx, resultSQL+`WHERE b.import_id = $1 AND $2 IN ('', b.queue) ORDER BY b.line, b.id LIMIT $3`, importID, string(q), limit)
	if err != nil {
		return nil, fmt.Errorf("list bank results: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (BankResult, error) { return scanResult(row) })
}

func (store) lockResult(ctx context.Context, tx *db.Tx, id string) (BankResult, error) {
	return scanResult(tx.Pgx.QueryRow(ctx, resultSQL+`WHERE b.id = $1 FOR UPDATE OF b`, id))
}

func (store) saveResult(ctx context.Context, tx *db.Tx, r BankResult) error {
	const sql = `UPDATE bank_result SET queue = $2, refund_id = nullif($3, ''), expected = $4, settled_by = $5, settled_at = $6, note = $7 WHERE id = $1`
	_, err := tx.Pgx.Exec(ctx, sql, r.ID, string(r.Queue), r.refundID, r.Expected, r.SettledBy, r.SettledAt, r.Note)
	return err
}
