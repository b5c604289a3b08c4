package migration

import (
	"context"
	"fmt"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// LateExport is the reason of an extension that a customer got because we were late with an export. Pages word it in the
// reader's language; other reasons are shown as they were written.
const LateExport = "late_export"

// Grant is a later last day for one customer.
type Grant struct {
	CustomerID string
	Milestone  string
	Day        Day
	Reason     string // LateExport, or words of whoever grants it
	Actor      string // who grants it, as in the audit log
	ActorKind  string // audit.Staff or audit.System
	Object     string // what led to it, such as "export EX-10001"; empty: the customer
}

// Extend gives a customer more time, in the caller's transaction: the extension, the journey's event with the next version
// for other systems, and the audit entry. A day that is no later than the one that the customer has already, by the programme
// or by an earlier extension, changes nothing: no grant takes time away. It returns the day before and whether it moved.
func (s *Service) Extend(ctx context.Context, tx *db.Tx, p *Programme, g Grant) (was Day, moved bool, err error) {
	m, ok := p.Milestone(g.Milestone)
	if !ok {
		return Day{}, false, nil
	}
	current, err := s.store.lockJourney(ctx, tx, g.CustomerID) // before anything is read: one grant at a time
	if err != nil {
		return Day{}, false, err
	}
	customer, err := s.store.customer(tx, g.CustomerID)
	if err != nil {
		return Day{}, false, err
	}
	was = later(m.Day, customer.Extensions[g.Milestone])
	if !g.Day.After(was) {
		return was, false, nil
	}
	if err := s.store.extend(ctx, tx, g); err != nil {
		return was, false, err
	}
	if current.Version > 0 { // one without a journey learns all dates at once
		e := Event{Kind: DatesChanged, Actor: g.Actor, Was: map[string]Day{g.Milestone: was}, Days: map[string]Day{g.Milestone: g.Day}}
		if _, err := s.Tell(ctx, tx, g.CustomerID, e); err != nil {
			return was, false, err
		}
	}
	object := g.Object
	if object == "" {
		object = "customer " + customer.Ref
	}
	err = audit.Record(ctx, tx, audit.Entry{
		Actor: g.Actor, ActorKind: g.ActorKind, Act: "extension.grant", Object: object, CustomerID: g.CustomerID,
		Detail: map[string]any{"milestone": g.Milestone, "was": was, "day": g.Day, "reason": g.Reason},
	})
	if err != nil {
		return was, false, fmt.Errorf("extend %s of %s: %w", g.Milestone, customer.Ref, err)
	}
	return was, true, nil
}
