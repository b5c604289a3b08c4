package approval

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Instant is a point in time.
type Instant = time.Time

func itoa(n int) string { return strconv.Itoa(n) }

// Delegate has a colleague decide for the reader on the days from the first to the last, for a reason. Who decides is found when a
// decision is due, over at most three delegations. ErrTwice, ErrCircle; ErrInput names faulty fields. For staff, for themselves.
func (s *Service) Delegate(ctx context.Context, by, to, first, last, reason string) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	reason = cut(reason, 500)
	wrong := ErrInput
	from, err := migration.ParseDay(first)
	if err != nil {
		wrong = wrong.Field("first", "workspace.no_day", nil)
	}
	until, err := migration.ParseDay(last)
	switch {
	case err != nil:
		wrong = wrong.Field("last", "workspace.no_day", nil)
	case until.Before(from):
		wrong = wrong.Field("last", "approval.day_order", nil)
	case !until.End(p.Zone).After(s.db.Clock.Now()):
		wrong = wrong.Field("last", "workspace.day_past", nil)
	}
	if reason == "" {
		wrong = wrong.Field("reason", "workspace.no_reason", nil)
	}
	if to == "" || to == by {
		wrong = wrong.Field("to", "approval.no_delegate", nil)
	}
	if len(wrong.Fields) > 0 {
		return wrong
	}
	return s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		people, err := s.store.people(ctx, tx, Node{Chosen: true}, []string{to}, nil)
		if err != nil {
			return err
		}
		if len(people) == 0 {
			return ErrInput.Field("to", "approval.no_delegate", nil)
		}
		id := rand.Text()
		if err := s.store.delegate(ctx, tx, Delegation{ID: id, Principal: by, Delegate: to, Reason: reason, StartsAt: from.Start(p.Zone), EndsAt: until.End(p.Zone)}); err != nil {
			return err
		}
		detail := map[string]any{"to": to, "first": first, "last": last, "reason": reason}
		return audit.Record(ctx, tx, audit.Entry{Actor: by, ActorKind: audit.Staff, Act: "approval.delegate", Object: "delegation " + id, Detail: detail})
	})
}

// EndDelegation takes a delegation back. ErrUnknown. For who made it.
func (s *Service) EndDelegation(ctx context.Context, by, id string) error {
	return s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		if err := s.store.endDelegation(ctx, tx, by, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: by, ActorKind: audit.Staff, Act: "approval.end_delegation", Object: "delegation " + id})
	})
}

// Delegations lists those that are not over, soonest first. For staff.
func (s *Service) Delegations(ctx context.Context, by string) (list []Delegation, err error) {
	err = s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		list, err = s.store.delegations(ctx, tx)
		return err
	})
	return list, err
}

// Paths lists the paths that a paper can take, by name in the order of keys, each with its text. For staff.
func (s *Service) Paths(ctx context.Context, by string) (list []Path, sources map[string]string, err error) {
	err = s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		list, sources, err = s.store.paths(ctx, tx)
		return err
	})
	return list, sources, err
}

// AddPath adds a path of the company, or a new version of one. migration.Findings for a faulty text. For programme managers.
func (s *Service) AddPath(ctx context.Context, by, source string) error {
	p, err := ReadPath([]byte(source))
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		if err := s.store.addPath(ctx, tx, p.Key, source, by); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: by, ActorKind: audit.Staff, Act: "approval.path", Object: "path " + p.Key})
	})
}
