package refund

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// CoveredPayments tells which payments of some customers live refunds cover, by customer id and payment ref: the Covering of
// NewEntitlements.
func CoveredPayments(ctx context.Context, tx *db.Tx, customerIDs []string) (map[string]map[string]bool, error) {
	return store{}.coveredAll(ctx, tx, customerIDs)
}

// coveredAll lists the payments of customers that a live refund covers already.
func (store) coveredAll(ctx context.Context, tx *db.Tx, customerIDs []string) (map[string]map[string]bool, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT customer_id, payment_ref FROM refund_payment WHERE customer_id = ANY($1) AND live`, customerIDs)
	if err != nil {
		return nil, fmt.Errorf("list covered payments: %w", err)
	}
	found := map[string]map[string]bool{}
	var id, ref string
	_, err = pgx.ForEachRow(rows, []any{&id, &ref}, func() error {
		if found[id] == nil {
			found[id] = map[string]bool{}
		}
		found[id][ref] = true
		return nil
	})
	return found, err
}
