package refund

import (
	"context"
	"encoding/json"
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
	const sql = `INSERT INTO bank_result (id, import_id, line, queue, end_to_end, refund_id, booked, amount, currency, expected, reason, detail, day, bank_ref,
			whole, batch_id, payments, unclear)
		VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8, $9, $10, $11, $12, $13, $14, $15, nullif($16, ''), $17, $18)`
	_, err := tx.Pgx.Exec(ctx, sql, r.ID, r.ImportID, r.Line, string(r.Queue), r.EndToEnd, r.refundID, r.Booked, r.Amount, r.Currency, r.Expected, r.Reason, r.Detail, r.Date, r.BankRef,
		r.Whole, r.BatchID, r.Payments, string(r.Unclear))
	return err
}

func (store) insertPassed(ctx context.Context, tx *db.Tx, i Import) error {
	for _, p := range i.Passed {
		if _, err := tx.Pgx.Exec(ctx, `INSERT INTO bank_passed (import_id, why, count, lines) VALUES ($1, $2, $3, $4)`, i.ID, string(p.Why), p.Count, p.Lines); err != nil {
			return fmt.Errorf("insert what is passed over: %w", err)
		}
	}
	return nil
}

// imports lists the latest imports, or the one with an id.
func (store) imports(ctx context.Context, tx *db.Tx, id string, limit int) ([]Import, error) {
	const sql = `SELECT i.id, i.name, i.sha256, i.imported_by, i.imported_at, l.*,
			(SELECT coalesce(json_agg(json_build_object('Why', p.why, 'Count', p.count, 'Lines', p.lines) ORDER BY p.why), '[]') FROM bank_passed p WHERE p.import_id = i.id)
		FROM bank_import i CROSS JOIN LATERAL (
			SELECT count(*) FILTER (WHERE queue = 'matched'), count(*) FILTER (WHERE queue = 'differing'), count(*) FILTER (WHERE queue = 'returned'),
			       count(*) FILTER (WHERE queue = 'unmatched'), count(*) FILTER (WHERE queue <> 'matched' AND settled_by = '')
			  FROM bank_result r WHERE r.import_id = i.id) l
		WHERE $1 IN ('', i.id) ORDER BY i.imported_at DESC, i.id LIMIT $2`
	rows, err := tx.Pgx.Query(ctx, sql, id, limit)
	if err != nil {
		return nil, fmt.Errorf("list imports: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (i Import, err error) {
		var passed []byte
		err = row.Scan(&i.ID, &i.Name, &i.SHA256, &i.ImportedBy, &i.ImportedAt, &i.Matched, &i.Differing, &i.Returned, &i.Unmatched, &i.Open, &passed)
		if err == nil {
			err = json.Unmarshal(passed, &i.Passed)
		}
		return i, err
	})
}

const resultSQL = `SELECT b.id, b.import_id, b.line, b.queue, b.end_to_end, coalesce(b.refund_id, ''), coalesce(r.ref, ''), b.booked, b.amount, b.currency, b.expected,
	b.reason, b.detail, b.day, b.bank_ref, b.settled_by, b.settled_at, b.note, b.whole, coalesce(b.batch_id, ''), coalesce(t.ref, ''), b.payments, b.unclear
	FROM bank_result b LEFT JOIN refund r ON r.id = b.refund_id LEFT JOIN batch t ON t.id = b.batch_id `

func scanResult(row pgx.Row) (r BankResult, err error) {
	err = row.Scan(&r.ID, &r.ImportID, &r.Line, &r.Queue, &r.EndToEnd, &r.refundID, &r.Ref, &r.Booked, &r.Amount, &r.Currency, &r.Expected,
		&r.Reason, &r.Detail, &r.Date, &r.BankRef, &r.SettledBy, &r.SettledAt, &r.Note, &r.Whole, &r.BatchID, &r.BatchRef, &r.Payments, &r.Unclear)
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
	const sql = `UPDATE bank_result SET queue = $2, refund_id = nullif($3, ''), expected = $4, settled_by = $5, settled_at = $6, note = $7, batch_id = nullif($8, '') WHERE id = $1`
	_, err := tx.Pgx.Exec(ctx, sql, r.ID, string(r.Queue), r.refundID, r.Expected, r.SettledBy, r.SettledAt, r.Note, r.BatchID)
	return err
}
