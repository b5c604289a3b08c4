package product

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local"
)

// Charges lists the product's payments by card as the payment provider knows them: what was charged, after discounts, and what
// was given back since. owner is the address of the product's database.
//
// A refund of the reference customer's is paid some seconds after it was made; every ninth other payment's card has expired
// since, so that its refund comes back.
func Charges(ctx context.Context, owner string) ([]local.StripePayment, error) {
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return nil, fmt.Errorf("reach the product's database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, `SELECT p.provider_ref, lower(p.currency), ((p.price - p.discount) * u.units)::bigint, (p.refunded * u.units)::bigint,
			CASE WHEN p.customer_id = $1 THEN $2 WHEN p.id % 9 = 4 THEN $3 ELSE $4 END
		FROM payment p CROSS JOIN LATERAL (SELECT CASE p.currency WHEN 'JPY' THEN 1 ELSE 100 END AS units) u
		WHERE p.provider = 'stripe' ORDER BY p.id`, Reference, string(local.StripeLater), string(local.StripeBounces), string(local.StripeAtOnce))
	if err != nil {
		return nil, fmt.Errorf("list payments by card: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c local.StripePayment, err error) {
		err = row.Scan(&c.ID, &c.Currency, &c.Amount, &c.Refunded, &c.After)
		return c, err
	})
}
