package replacement

import (
	"context"

	"offramp/internal/db"
)

// Tally counts the customers of one decision, for reports. Decisions that were taken back or replaced are not in it.
type Tally struct {
	Decision    Decision
	Replacement string // key; empty unless Chosen
	State       State
	Reason      string // key; of None and Later, and of what failed
	Customers   int64
}

// Decisions counts what customers decided and why, the most frequent first. For staff.
func (s *Service) Decisions(ctx context.Context) (list []Tally, err error) {
	err = s.db.InTx(ctx, db.SystemScope("report on decisions"), func(tx *db.Tx) error {
		list, err = s.store.tallies(ctx, tx)
		return err
	})
	return list, err
}
