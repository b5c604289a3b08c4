package notice

import (
	"context"

	"offramp/internal/db"
	"offramp/migration"
)

// Announced tells whether a public notice of a programme has gone out; one without a public notice is announced by its date alone.
func (s *Service) Announced(ctx context.Context, p *migration.Programme) (out bool, err error) {
	var public []string
	for _, n := range p.Notices.List {
		if n.Kind == migration.NoticePublic {
			public = append(public, n.Key)
		}
	}
	if len(public) == 0 {
		return true, nil
	}
	err = s.db.InTx(ctx, system, func(tx *db.Tx) error {
		out, err = s.store.announced(ctx, tx, public)
		return err
	})
	return out, err
}

// Standing counts, within a transaction: notices whose words, as they are now, nobody has approved; customers of a core tier with
// whom nobody has spoken; active customers whom nothing has reached; calls that are open; and whether a public notice has gone out.
func (s *Service) Standing(ctx context.Context, tx *db.Tx, p *migration.Programme) (unapproved, talks, unreached, calls int64, announced bool, err error) {
	hashes := make(map[string]string, len(p.Notices.List))
	var personal, public []string
	for _, n := range p.Notices.List {
		_, hashes[n.Key] = ContentOf(p, n)
		switch n.Kind {
		case migration.NoticePersonal:
			personal = append(personal, n.Key)
		case migration.NoticePublic:
			public = append(public, n.Key)
		}
	}
	approved, err := s.store.approved(ctx, tx, hashes)
	if err != nil {
		return 0, 0, 0, 0, false, err
	}
	unapproved = int64(len(hashes) - len(approved))
	if len(personal) > 0 {
		n, err := s.store.openTalks(ctx, tx, personal, coreTiers(p))
		if err != nil {
			return 0, 0, 0, 0, false, err
		}
		talks = int64(n)
	}
	unreached, calls, announced, err = s.store.standing(ctx, tx, public)
	return unapproved, talks, unreached, calls, announced, err
}
