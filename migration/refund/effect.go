package refund

import (
	"context"
	"fmt"
	"strconv"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
)

// act is what somebody did to a refund, with everything that follows from it.
type act struct {
	kind   string // in the history
	actor  string
	staff  bool
	text   string              // in the history
	tell   migration.EventKind // to the journey; empty: nothing the customer notices
	due    []migration.Amount  // what is left to ask for, of the events that say so
	mail   string              // template; empty: none
	record string              // in the audit log
	detail map[string]any      // beside it
}

// follow writes a transition with its history, the journey's event, the mail and the audit entry. The ledger's entries are
// the database's own.
func (s *Service) follow(ctx context.Context, tx *db.Tx, was, next Refund, a act) (Refund, error) {
	next, err := s.store.save(ctx, tx, next)
	if err != nil {
		return Refund{}, err
	}
	return next, s.tell(ctx, tx, was.State, next, a)
}

// tell writes everything about a transition but the refund's row.
func (s *Service) tell(ctx context.Context, tx *db.Tx, from State, next Refund, a act) error {
	n := note{next.ID, next.CustomerID, next.Version, a.kind, a.actor, actorKind(a.actor, a.staff), from, next.State, a.text}
	if err := s.store.addEvent(ctx, tx, n); err != nil {
		return err
	}
	if a.tell != "" {
		if _, err := s.Customers.Tell(ctx, tx, next.CustomerID, journeyEvent(next, a)); err != nil {
			return err
		}
	}
	if a.mail != "" {
		if _, err := s.Jobs.InsertTx(ctx, tx, letter(next, a), nil); err != nil {
			return err
		}
	}
	return audit.Record(ctx, tx, entry(next, a))
}

func journeyEvent(r Refund, a act) migration.Event {
	return migration.Event{Kind: a.tell, Actor: a.actor, Due: a.due, Refund: &migration.RefundDetail{
		Ref: r.Ref, Amount: migration.Amount{Minor: r.Amount, Currency: r.Currency}, Method: string(r.Method),
	}}
}

// letter is the mail about a refund. What finance or the customer wrote stays in the portal.
func letter(r Refund, a act) mail.Args {
	data := map[string]string{"refund": r.Ref, "amount": strconv.FormatInt(r.Amount, 10), "currency": r.Currency, "method": string(r.Method)}
	promised(r, a.mail, data)
	return mail.Args{Template: a.mail, CustomerID: r.CustomerID, ContactID: r.RequestedBy, Key: r.Ref + " " + strconv.Itoa(r.Version), Data: data}
}

func entry(r Refund, a act) audit.Entry {
	detail := map[string]any{"version": r.Version, "state": r.State}
	for k, v := range a.detail {
		detail[k] = v
	}
	return audit.Entry{
		Actor: a.actor, ActorKind: actorKind(a.actor, a.staff), Act: a.record, Object: "refund " + r.Ref, CustomerID: r.CustomerID, Detail: detail,
	}
}

// change makes one transition of the refund that ref names. A version of 0 fits always: for our own workers.
func (s *Service) change(ctx context.Context, scope db.Scope, ref string, version int, step func(*db.Tx, Refund) (Refund, act, error)) (next Refund, err error) {
	err = s.DB.InTx(ctx, scope, func(tx *db.Tx) error {
		was, err := s.store.lock(ctx, tx, ref)
		if err != nil {
			return err
		}
		if version != 0 && version != was.Version {
			return ErrMoved
		}
		to, a, err := step(tx, was)
		if err != nil {
			return err
		}
		next, err = s.follow(ctx, tx, was, to, a)
		return err
	})
	if err != nil {
		return Refund{}, fmt.Errorf("change refund %s: %w", ref, err)
	}
	return next, nil
}
