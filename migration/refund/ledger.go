package refund

import (
	"context"

	"offramp/internal/db"
)

// CheckBalance looks through the ledger: every entry balances, and what it says of each refund fits its row. The entries
// themselves are the database's; see deploy/schema.
func (s *Service) CheckBalance(ctx context.Context) (faults []BalanceFault, err error) {
	err = s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		faults, err = s.store.balanceFaults(ctx, tx)
		return err
	})
	return faults, err
}
