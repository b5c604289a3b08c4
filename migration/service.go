package migration

import (
	"context"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/outbox"
)

// StatusChanged is the type of the event that leaves for other systems whenever a customer's journey moves.
const StatusChanged = "offramp.customer.status.changed.v1"

// Who is the person who acts for a customer: the result of a sign-in.
type Who struct {
	CustomerID string
	ContactID  string
	Role       string // Owner or Member
}

// Service is what others may ask of customers and their journeys. Safe for concurrent use.
type Service struct {
	db    *db.DB
	store store
	queue *jobs.Client // nil: nothing is written to contacts
}

// NewService works on d.
func NewService(d *db.DB) *Service { return &Service{db: d, store: store{db: d}} }

// Journey returns the folded row of one customer. ErrUnknownCustomer when the scope does not reach it or there is none.
func (s *Service) Journey(ctx context.Context, scope db.Scope, customerID string) (Journey, error) {
	return s.store.journey(ctx, scope, customerID)
}

// History returns a customer's events, newest first.
func (s *Service) History(ctx context.Context, scope db.Scope, customerID string) ([]Event, error) {
	return s.store.events(ctx, scope, customerID)
}

// Customer returns one customer with attributes and extensions.
func (s *Service) Customer(ctx context.Context, scope db.Scope, customerID string) (c Customer, err error) {
	err = s.db.InTx(ctx, scope, func(tx *db.Tx) error {
		c, err = s.store.customer(tx, customerID)
		return err
	})
	return c, err
}

// CustomerIn is Customer in the caller's transaction.
func (s *Service) CustomerIn(_ context.Context, tx *db.Tx, customerID string) (Customer, error) {
	return s.store.customer(tx, customerID)
}

// Contacts returns a customer's contacts, owners first.
func (s *Service) Contacts(ctx context.Context, scope db.Scope, customerID string) (list []Contact, err error) {
	err = s.db.InTx(ctx, scope, func(tx *db.Tx) error {
		list, err = s.store.contacts(tx, customerID)
		return err
	})
	return list, err
}

// Tell records that e happened to a customer, in the caller's transaction: the event, the folded row, and the event that
// leaves for other systems. It locks the customer's row until the transaction ends. e.At defaults to the transaction's now.
func (s *Service) Tell(ctx context.Context, tx *db.Tx, customerID string, e Event) (Journey, error) {
	if e.At.IsZero() {
		e.At = tx.Now
	}
	current, err := s.store.lockJourney(ctx, tx, customerID)
	if err != nil {
		return Journey{}, err
	}
	next, err := current.Apply(e)
	if err != nil {
		return Journey{}, err
	}
	if err := s.store.appendEvent(ctx, tx, next, e); err != nil {
		return Journey{}, err
	}
	customer, err := s.store.customer(tx, customerID)
	if err != nil {
		return Journey{}, err
	}
	return next, outbox.Append(ctx, tx, statusChanged(next, customer.Ref, e.Kind))
}

// SetProgress shows how far the customer's running export is, in the caller's transaction.
func (s *Service) SetProgress(ctx context.Context, tx *db.Tx, customerID string, p Progress) error {
	return s.store.setProgress(ctx, tx, customerID, p)
}

// NoteDates completes step 1: the contact has read the dates as they are given here. Noting the same dates again
// changes nothing.
func (s *Service) NoteDates(ctx context.Context, who Who, p *Programme) error {
	return s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		customer, err := s.store.customer(tx, who.CustomerID)
		if err != nil {
			return err
		}
		current, err := s.store.lockJourney(ctx, tx, who.CustomerID)
		if err != nil || current.Status[StepDates] == Completed {
			return err
		}
		days := map[string]Day{}
		for _, m := range p.Milestones {
			days[m.Key] = m.Day
			if later, ok := customer.Extensions[m.Key]; ok && later.After(m.Day) {
				days[m.Key] = later
			}
		}
		if _, err := s.Tell(ctx, tx, who.CustomerID, Event{Kind: DatesNoted, Actor: who.ContactID, Days: days}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: who.ContactID, ActorKind: audit.Customer, Act: "dates.note", Object: "customer " + customer.Ref, CustomerID: customer.ID,
		})
	})
}
