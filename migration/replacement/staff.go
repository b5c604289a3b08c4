package replacement

import (
	"context"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Features reports how the count of each of the programme's features stands, in the programme's order. For staff.
func (s *Service) Features(ctx context.Context, p *migration.Programme) (list []FeatureReport, err error) {
	err = s.db.InTx(ctx, db.SystemScope("report on features"), func(tx *db.Tx) error {
		found, err := s.store.features(ctx, tx)
		for _, f := range p.Features {
			r := found[f.Key]
			r.Feature = f.Key
			list = append(list, r)
		}
		return err
	})
	return list, err
}

// Pools reports how the codes of each replacement with a pool stand, in the programme's order. For staff.
func (s *Service) Pools(ctx context.Context, p *migration.Programme) (list []Pool, err error) {
	err = s.db.InTx(ctx, db.SystemScope("report on offer codes"), func(tx *db.Tx) error {
		found, err := s.store.pools(ctx, tx)
		for _, r := range p.Replacements {
			if r.Offer != nil && r.Offer.Pool {
				pool := found[r.Key]
				pool.Replacement = r.Key
				list = append(list, pool)
			}
		}
		return err
	})
	return list, err
}

// Waiting lists the customers who wait for a code, longest first, at most limit, and records that they were listed. For
// staff.
func (s *Service) Waiting(ctx context.Context, staffID string, limit int) (list []Waiter, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if list, err = s.store.waiting(ctx, tx, limit); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: staffID, ActorKind: audit.Staff, Act: "codes.list", Object: "waiting list of offer codes"})
	})
	return list, err
}
