package approval

import (
	"context"
	"log/slog"
	"slices"

	"offramp/internal/db"
	"offramp/migration/governance/post"
)

// Tick reminds those whose decision is due soon, and escalates what is overdue to programme managers and to who asked: each once a node,
// whoever looks at the pages and however many workers run. It is repeatable.
func (s *Service) Tick(ctx context.Context) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.SystemScope("approval"), func(tx *db.Tx) error {
		list, err := s.store.due(ctx, tx)
		if err != nil {
			return err
		}
		for _, n := range list {
			late := !n.DueAt.After(tx.Now)
			if !late && (n.Reminded || remindAt(n.DueAt, p.Zone).After(tx.Now)) {
				continue
			}
			if err := s.urge(ctx, tx, n, late); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) urge(ctx context.Context, tx *db.Tx, n dueNode, late bool) error {
	first, err := s.store.urged(ctx, tx, n, late)
	if err != nil || !first {
		return err
	}
	d, err := s.desk(ctx, tx, "", n.PaperID, false)
	if err != nil {
		return err
	}
	kind := "approval_reminder"
	var people []string
	i := slices.IndexFunc(d.Rounds[0].Stops, func(x Stop) bool { return x.Key == n.Key })
	for _, seat := range d.Rounds[0].Stops[i].Seats {
		if seat.State == Asked {
			people = append(append(people, seat.Who), seat.StandIns...)
		}
	}
	if late {
		kind = "approval_late"
		managers, err := s.store.managers(ctx, tx)
		if err != nil {
			return err
		}
		people = append(managers, d.Rounds[0].SubmittedBy)
		s.log.WarnContext(ctx, "an approval is overdue", slog.String("paper", n.PaperID), slog.String("node", n.Key))
	}
	slices.Sort(people)
	for _, who := range slices.Compact(people) {
		m := d.mail(who, kind, n.Key)
		m.Detail["Due"], m.Detail["Node"] = n.DueAt, d.Rounds[0].Stops[i].Name
		if err := post.Ask(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

// ApprovedKinds lists the kinds of papers of which one is approved as it stands, within a transaction that sees staff.
func ApprovedKinds(ctx context.Context, tx *db.Tx) ([]string, error) {
	return store{}.approvedKinds(ctx, tx)
}

// MarkStale marks what was approved since an instant as resting upon something that does not hold any more, tells who asked for it, and
// returns how many papers there were. by reopened a gate.
func MarkStale(ctx context.Context, tx *db.Tx, by string, since Instant, why string) (int, error) {
	ids, err := store{}.approvedSince(ctx, tx, since)
	if err != nil {
		return 0, err
	}
	s := &Service{}
	for _, id := range ids {
		d, err := s.desk(ctx, tx, by, id, true)
		if err != nil {
			return 0, err
		}
		if err := s.store.end(ctx, tx, d, Stale, why); err != nil {
			return 0, err
		}
		if err := s.tellRound(ctx, tx, d, "approval_stale", "Why", why); err != nil {
			return 0, err
		}
		if err := record(ctx, tx, by, "approval.stale", id, map[string]any{"why": why}); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}
