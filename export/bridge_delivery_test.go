package export

import (
	"context"

	"offramp/internal/db"
	"offramp/migration"
)

// What the tests of delivery and deadlines reach.

// MoveDeadline is what the transaction that seals an export does about the customer's deadline.
func MoveDeadline(ctx context.Context, c Config, e Export, p *migration.Programme) error {
	b := newBuilder(c)
	return c.DB.InTx(ctx, db.CustomerScope(e.CustomerID), func(tx *db.Tx) error { return b.moveDeadline(ctx, tx, e, p) })
}

// Deliver makes one attempt at a delivery without a queue, and tells each point at which a worker may die.
func Deliver(ctx context.Context, c DeliveryConfig, d Delivery, at func(point string)) error {
	k := newCourier(c)
	if at != nil {
		k.at = at
	}
	return k.run(ctx, DeliverArgs{DeliveryID: d.ID, CustomerID: d.CustomerID})
}
