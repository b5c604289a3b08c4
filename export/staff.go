package export

import (
	"context"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// Troubled is an export with trouble, as the support desk lists it.
type Troubled struct {
	Export
	CustomerRef  string
	CustomerName string
}

// Troubles returns each customer's latest export where it failed or an attempt met trouble, oldest first, at most limit, and
// records that they were listed. For staff.
func (s *Service) Troubles(ctx context.Context, staffID string, limit int) (list []Troubled, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if list, err = s.store.troubles(ctx, tx, limit); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "export.list_troubles", Object: "exports", Detail: map[string]any{"found": len(list)},
		})
	})
	return list, err
}
