package migration

import (
	"context"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/jobs"
	"offramp/internal/mail"
)

// What people may meet in step 5.
var (
	ErrNotOwner  = fault.New(fault.Forbidden, "confirm.not_owner")
	ErrStepsOpen = fault.New(fault.Conflict, "confirm.open") // steps 2 to 4 need something; the customer has to say that this is known
)

// WithMail returns a service that also writes to contacts, by queue, which may only insert.
func (s *Service) WithMail(queue *jobs.Client) *Service {
	with := *s
	with.queue = queue
	return &with
}

// OpenSteps lists the steps among 2 to 4 that still need something.
func (j Journey) OpenSteps() []Step {
	var open []Step
	for _, step := range []Step{StepExport, StepChoose, StepSettle} {
		if s := j.Status[step]; s != Completed && s != NotNeeded {
			open = append(open, step)
		}
	}
	return open
}

// Confirm completes step 5: the customer says that they have moved. With open steps it takes override, which the page asks
// for together with the list of what is open. Confirming again changes nothing. For owners. ErrNotOwner, ErrStepsOpen.
func (s *Service) Confirm(ctx context.Context, who Who, override bool) error {
	if who.Role != Owner {
		return ErrNotOwner
	}
	return s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		customer, err := s.store.customer(tx, who.CustomerID)
		if err != nil {
			return err
		}
		current, err := s.store.lockJourney(ctx, tx, who.CustomerID)
		if err != nil || current.Status[StepConfirm] == Completed {
			return err
		}
		open := current.OpenSteps()
		if len(open) > 0 && !override {
			return ErrStepsOpen
		}
		if _, err := s.Tell(ctx, tx, who.CustomerID, Event{Kind: MoveConfirmed, Actor: who.ContactID}); err != nil {
			return err
		}
		if s.queue != nil {
			if _, err := s.queue.InsertTx(ctx, tx, mail.Args{Template: mail.MoveConfirmed, CustomerID: who.CustomerID, ContactID: who.ContactID, Key: "move"}, nil); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: who.ContactID, ActorKind: audit.Customer, Act: "move.confirm", Object: "customer " + customer.Ref, CustomerID: customer.ID,
			Detail: map[string]any{"open": open},
		})
	})
}
