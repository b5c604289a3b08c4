package refund

import (
	"context"
	"fmt"

	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
)

// moved is one refund among many that made a transition.
type moved struct {
	from State
	to   Refund
	act  act
}

// tellMany writes what follows from many transitions whose rows are saved, as tell does for one, with few statements.
func (s *Service) tellMany(ctx context.Context, tx *db.Tx, list []moved) error {
	if len(list) == 0 {
		return nil
	}
	if err := s.store.addEvents(ctx, tx, list); err != nil {
		return err
	}
	refs, err := s.store.customerRefs(ctx, tx, list)
	if err != nil {
		return err
	}
	var tell []migration.Told
	var letters []mail.Args
	for _, m := range list {
		if m.act.tell != "" {
			tell = append(tell, migration.Told{CustomerID: m.to.CustomerID, Ref: refs[m.to.CustomerID], Event: journeyEvent(m.to, m.act)})
		}
		if m.act.mail != "" {
			letters = append(letters, letter(m.to, m.act))
		}
	}
	if err := s.tellAll(ctx, tx, tell); err != nil {
		return err
	}
	if err := mailAll(ctx, tx, s.Jobs, letters); err != nil {
		return err
	}
	return s.store.recordAll(ctx, tx, list)
}

// tellAll tells customers in order, one event each at a time.
func (s *Service) tellAll(ctx context.Context, tx *db.Tx, list []migration.Told) error {
	for len(list) > 0 {
		var now, later []migration.Told
		seen := make(map[string]bool, len(list))
		for _, t := range list {
			if seen[t.CustomerID] {
				later = append(later, t)
			} else {
				now, seen[t.CustomerID] = append(now, t), true
			}
		}
		if err := s.Customers.TellAll(ctx, tx, now); err != nil {
			return err
		}
		list = later
	}
	return nil
}

// BulkApprove approves each refund as Approve does, or says why not, in the order given. ErrTooMany. For finance approvers.
func (s *Service) BulkApprove(ctx context.Context, staffID string, p *migration.Programme, choices []Choice) (results []Result, err error) {
	if len(choices) > BulkLimit {
		return nil, ErrTooMany.With(map[string]any{"Limit": BulkLimit})
	}
	refs := make([]string, len(choices))
	for i, c := range choices {
		refs[i] = c.Ref
	}
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		found, err := s.store.lockAll(ctx, tx, refs)
		if err != nil {
			return err
		}
		concerned, err := s.store.allConcerned(ctx, tx, staffID)
		if err != nil {
			return err
		}
		ids := make([]string, len(found))
		for i, r := range found {
			ids[i] = r.ID
		}
		held, err := s.store.heldDocuments(ctx, tx, ids)
		if err != nil {
			return err
		}
		var list []moved
		results, list, err = decideAll(tx, staffID, p, choices, found, obstacles{concerned, held})
		if err != nil || len(list) == 0 {
			return err
		}
		if err := s.store.approveAll(ctx, tx, list); err != nil {
			return err
		}
		return s.tellMany(ctx, tx, list)
	})
	if err != nil {
		return nil, fmt.Errorf("approve %d refunds: %w", len(choices), err)
	}
	return results, nil
}

// obstacles are what keeps refunds from being approved that their rows do not tell.
type obstacles struct {
	concerned map[string]bool  // by customer: the approver signs in for them, too
	held      map[string]error // by refund: its documents
}

// decideAll finds which of the choices are approved, and why the others are not.
func decideAll(tx *db.Tx, staffID string, p *migration.Programme, choices []Choice, found []Refund, o obstacles) ([]Result, []moved, error) {
	byRef := make(map[string]*Refund, len(found))
	for i := range found {
		byRef[found[i].Ref] = &found[i]
	}
	results := make([]Result, len(choices))
	var list []moved
	for i, c := range choices {
		results[i] = Result{Ref: c.Ref, Err: ErrNotFound}
		r := byRef[c.Ref]
		if r == nil {
			continue
		}
		results[i].State = r.State
		next, a, err := approval(tx.Now, staffID, p, *r)
		switch {
		case c.Version != r.Version:
			err = ErrMoved
		case err == nil && o.concerned[r.CustomerID]:
			err = ErrSamePerson
		case err == nil:
			err = o.held[r.ID]
		}
		if results[i].Err = err; err != nil {
			if !expected(err) {
				return nil, nil, err
			}
			continue
		}
		a.actor, a.staff = staffID, true
		from := r.State
		next.Version++ // as the database counts it
		*r = next      // named twice: the second one has moved on
		results[i].State = next.State
		list = append(list, moved{from, next, a})
	}
	return results, list, nil
}
