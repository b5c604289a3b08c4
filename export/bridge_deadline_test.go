package export

import (
	"context"

	"offramp/internal/db"
	"offramp/migration"
)

// MoveDeadline is what the transaction that seals an export does about the customer's deadline.
func MoveDeadline(ctx context.Context, c Config, e Export, p *migration.Programme) error {
	b := newBuilder(c)
	return c.DB.InTx(ctx, db.CustomerScope(e.CustomerID), func(tx *db.Tx) error { return b.moveDeadline(ctx, tx, e, p) })
}
