package people

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
	"unicode/utf8"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/locale"
)

// Service is what may be asked about people. Safe for concurrent use.
type Service struct {
	db    *db.DB
	store store
}

// NewService works on d. idle is how long a session lives without a request.
func NewService(d *db.DB, idle time.Duration) *Service {
	return &Service{db: d, store: store{idle: idle}}
}

func scope(who by) db.Scope {
	if who.Kind == audit.Staff {
		return db.StaffScope(who.ID)
	}
	return db.SystemScope("people")
}

// Search finds staff by name or address, and customers' people by these or by the customer's number, and reports whether there are
// more. An empty text lists staff alone. It is recorded, addresses in it masked.
func (s *Service) Search(ctx context.Context, who by, text string, skip, limit int) (list []Person, more bool, err error) {
	err = s.db.InTx(ctx, scope(who), func(tx *db.Tx) error {
		if list, err = s.store.search(ctx, tx, text, skip, limit+1); err != nil {
			return err
		}
		if more = len(list) > limit; more {
			list = list[:limit]
		}
		said := text
		if strings.Contains(text, "@") {
			said = locale.Mask(text)
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: who.ID, ActorKind: who.Kind, Act: "person.search", Object: "people", Detail: map[string]any{"text": said, "skip": skip, "found": len(list)},
		})
	})
	return list, more, err
}

// Open returns what is known of a person, and records the look. ErrUnknown.
func (s *Service) Open(ctx context.Context, who by, ref Ref) (f File, err error) {
	err = s.db.InTx(ctx, scope(who), func(tx *db.Tx) error {
		if f.Person, err = s.store.person(ctx, tx, ref); err != nil {
			return err
		}
		if f.Open, err = s.store.sessions(ctx, tx, ref); err != nil {
			return err
		}
		if f.Changes, err = s.store.changes(ctx, tx, ref); err != nil {
			return err
		}
		return s.record(ctx, tx, who, "person.view", f.Person, nil)
	})
	return f, err
}

// Waiting lists the changes that wait for a second person, the oldest first.
func (s *Service) Waiting(ctx context.Context, who by) (list []Change, err error) {
	err = s.db.InTx(ctx, scope(who), func(tx *db.Tx) error {
		list, err = s.store.waiting(ctx, tx)
		return err
	})
	return list, err
}

// EndSessions ends every session of a person and says how many those were. Who may sign in may do so again. ErrUnknown.
func (s *Service) EndSessions(ctx context.Context, who by, ref Ref) (ended int, err error) {
	err = s.db.InTx(ctx, scope(who), func(tx *db.Tx) error {
		p, err := s.store.person(ctx, tx, ref)
		if err != nil {
			return err
		}
		if ended, err = s.store.endSessions(ctx, tx, ref); err != nil {
			return err
		}
		return s.record(ctx, tx, who, "person.end_sessions", p, map[string]any{"ended": ended})
	})
	return ended, err
}

// Change shuts a person out or lets them in again. It reports whether it waits for a second programme manager, as it does for staff
// in the console. ErrUnknown, ErrSelf, ErrState, ErrWaits, ErrNoSecond, ErrMay; a fault on the field reason.
func (s *Service) Change(ctx context.Context, who by, ref Ref, act, reason string) (waits bool, err error) {
	reason = strings.TrimSpace(reason)
	switch {
	case reason == "":
		return false, errReason.Field("reason", "people.reason.missing", nil)
	case utf8.RuneCountInString(reason) > maxReason:
		return false, errReason.Field("reason", "fault.input.long", map[string]any{"Limit": maxReason})
	case who.Kind == audit.Staff && ref == Ref{Staff, who.ID}:
		return false, ErrSelf
	}
	waits = who.Kind == audit.Staff && ref.Kind == Staff
	err = s.db.InTx(ctx, scope(who), func(tx *db.Tx) error {
		p, err := s.store.person(ctx, tx, ref)
		if err != nil {
			return err
		}
		if p.Disabled == (act == Disable) {
			return ErrState
		}
		if waits {
			others, err := s.store.managers(ctx, tx, ref.ID, who.ID)
			if err != nil {
				return err
			}
			if others == 0 {
				return ErrNoSecond
			}
		}
		c := Change{ID: rand.Text(), Who: ref, Act: act, State: Done, Reason: reason}
		if waits {
			c.State = Proposed
		}
		if err := s.store.add(ctx, tx, who, c, p.CustomerID); err != nil {
			return err
		}
		name := "person." + act
		if waits {
			name = "person.propose_" + act
		}
		return s.record(ctx, tx, who, name, p, map[string]any{"reason": reason, "change": c.ID})
	})
	return waits, err
}

// Confirm does what another programme manager has proposed. ErrNoChange, ErrSelf, ErrTwo, ErrState, ErrMay.
func (s *Service) Confirm(ctx context.Context, who by, id string) (Change, error) {
	return s.decide(ctx, who, id, Done)
}

// Withdraw takes back what was proposed. Whoever it is about does not. ErrNoChange, ErrSelf, ErrMay.
func (s *Service) Withdraw(ctx context.Context, who by, id string) (Change, error) {
	return s.decide(ctx, who, id, Withdrawn)
}

func (s *Service) decide(ctx context.Context, who by, id, state string) (c Change, err error) {
	err = s.db.InTx(ctx, scope(who), func(tx *db.Tx) error {
		if c, err = s.store.locked(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case c.Who.ID == who.ID:
			return ErrSelf
		case state == Done && c.ProposedBy == who.ID:
			return ErrTwo
		}
		p, err := s.store.person(ctx, tx, c.Who)
		if err != nil {
			return err
		}
		if err := s.store.decide(ctx, tx, id, state, who.ID); err != nil {
			return err
		}
		act := "person." + c.Act
		if state == Withdrawn {
			act = "person.withdraw"
		}
		return s.record(ctx, tx, who, act, p, map[string]any{"change": id, "act": c.Act, "proposed_by": c.ProposedBy, "reason": c.Reason})
	})
	return c, err
}

// record names the person as the audit log does elsewhere.
func (s *Service) record(ctx context.Context, tx *db.Tx, who by, act string, p Person, detail map[string]any) error {
	object := "identity " + p.ID
	if p.Kind == Customer {
		object = "contact " + p.ID
	}
	return audit.Record(ctx, tx, audit.Entry{Actor: who.ID, ActorKind: who.Kind, Act: act, Object: object, CustomerID: p.CustomerID, Detail: detail})
}
