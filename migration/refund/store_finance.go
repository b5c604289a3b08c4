package refund

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/refund/quote"
)

// file reads one refund with everything about it.
func (s store) file(ctx context.Context, tx *db.Tx, ref string) (f File, err error) {
	if f.Refund, err = s.one(ctx, tx, ref); err != nil {
		return File{}, err
	}
	const names = `SELECT c.ref, c.name, coalesce((SELECT k.name FROM contact k WHERE k.id = $2), '') FROM customer c WHERE c.id = $1`
	if err := tx.Pgx.QueryRow(ctx, names, f.CustomerID, f.RequestedBy).Scan(&f.CustomerRef, &f.CustomerName, &f.ContactName); err != nil {
		return File{}, fmt.Errorf("read customer of %s: %w", ref, err)
	}
	if f.History, err = collectHistory(tx.Pgx.Query(ctx, historySQL, f.ID)); err != nil {
		return File{}, err
	}
	if f.Attempts, err = s.attempts(ctx, tx, f.ID); err != nil {
		return File{}, err
	}
	if f.Documents, err = s.documents(ctx, tx, f.ID); err != nil {
		return File{}, err
	}
	f.Payments, err = s.payments(ctx, tx, f.Refund)
	return f, err
}

// payments lists what a refund covers, as it was when the refund was submitted.
func (store) payments(ctx context.Context, tx *db.Tx, r Refund) ([]Covered, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT payment_ref, amount, settled FROM refund_payment WHERE refund_id = $1`, r.ID)
	if err != nil {
		return nil, fmt.Errorf("read payments of %s: %w", r.Ref, err)
	}
	byRef := map[string]quote.Payment{}
	for _, part := range r.Quote.Parts {
		byRef[part.Payment.Ref] = part.Payment
	}
	found := map[string]Covered{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Covered, err error) {
		var ref string
		err = row.Scan(&ref, &c.Amount, &c.Settled)
		c.Payment = byRef[ref]
		found[ref] = c
		return c, err
	})
	var list []Covered
	for _, part := range r.Quote.Parts { // in the quote's order
		if c, ok := found[part.Payment.Ref]; ok {
			list = append(list, c)
		}
	}
	return list, err
}

// entitlement is what a customer has paid.
func (store) entitlement(ctx context.Context, tx *db.Tx, customerID string) (quote.Entitlement, error) {
	return LoadEntitlement(ctx, tx, customerID)
}

// concerned reports whether a member of staff signs in for the customer, too.
func (store) concerned(ctx context.Context, tx *db.Tx, customerID, staffID string) (yes bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT refund_concerns($1, $2)`, customerID, staffID).Scan(&yes)
	return yes, err
}

// chosen is the replacement that the customer chose in step 3; empty: none.
func (store) chosen(ctx context.Context, tx *db.Tx, customerID string) (string, error) {
	var text []byte
	err := tx.Pgx.QueryRow(ctx, `SELECT detail FROM journey WHERE customer_id = $1`, customerID).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	var detail migration.Detail
	if err == nil {
		err = json.Unmarshal(text, &detail)
	}
	if err != nil || detail.Choice == nil {
		return "", err
	}
	return detail.Choice.Replacement, nil
}

const attemptColumns = `number, payment_ref, channel, state, amount, provider_refund, failure, code, detail, planned_at, called_at, settled_at, next_at`

func (store) attempts(ctx context.Context, tx *db.Tx, refundID string) ([]Attempt, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT `+attemptColumns+` FROM payout_attempt WHERE refund_id = $1 ORDER BY number`, refundID)
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Attempt, err error) {
		err = row.Scan(&a.Number, &a.Payment, &a.Channel, &a.State, &a.Amount, &a.Provider, &a.Failure, &a.Code, &a.Detail, &a.PlannedAt, &a.CalledAt, &a.SettledAt, &a.NextAt)
		return a, err
	})
}

// localeOf is the language of whoever asked for a refund.
func (store) localeOf(ctx context.Context, tx *db.Tx, r Refund) (tag string, err error) {
	const sql = `SELECT coalesce((SELECT nullif(locale, '') FROM contact WHERE id = $2 AND customer_id = $1), (SELECT locale FROM customer WHERE id = $1), '')`
	err = tx.Pgx.QueryRow(ctx, sql, r.CustomerID, r.RequestedBy).Scan(&tag)
	return tag, err
}

// What is named without its year is one thing of each year that has it.
const (
	refundNamedSQL = `SELECT ref, ARRAY[customer_id] FROM refund WHERE number = $2 AND ($1 = 0 OR split_part(ref, '-', 2) = $1::text) LIMIT $3`
	batchNamedSQL  = `SELECT b.ref, ARRAY(SELECT DISTINCT r.customer_id FROM batch_item i JOIN refund r ON r.id = i.refund_id WHERE i.batch_id = b.id LIMIT $3)
		FROM batch b WHERE split_part(b.ref, '-', 3)::bigint = $2 AND ($1 = 0 OR split_part(b.ref, '-', 2) = $1::text) ORDER BY b.ref LIMIT 10`
)

func (store) named(ctx context.Context, tx *db.Tx, sql string, year int, n int64) ([]Named, error) {
	rows, err := tx.Pgx.Query(ctx, sql, year, n, namedLimit)
	if err != nil {
		return nil, fmt.Errorf("look for a reference: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Named])
}
