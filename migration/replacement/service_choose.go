package replacement

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
)

// Choose makes a choice, or another one instead of the one before: it stores the losses accepted, draws the offer's code or
// puts the customer on the waiting list, tells the journey and sends the mail. Choosing what is chosen already changes
// nothing. For owners. ErrNotOwner, ErrNotFound, ErrWithdrawn, ErrCarriedOut; ErrLossesChanged when accept lists other
// losses than there are now, ErrOfferEnded when it was shown an offer that has ended since: show Check again.
func (s *Service) Choose(ctx context.Context, who migration.Who, p *migration.Programme, accept Accept) (choice Choice, err error) {
	if who.Role != migration.Owner {
		return Choice{}, ErrNotOwner
	}
	r, err := onOffer(p, accept.Replacement)
	if err != nil {
		return Choice{}, err
	}
	err = s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		current, err := s.begin(ctx, tx, who)
		if err != nil {
			return err
		}
		if choice, err = s.weigh(ctx, tx, who, p, r, accept); err != nil {
			return err
		}
		if current != nil && current.same(choice) {
			choice = *current
			return nil
		}
		return s.settle(ctx, tx, who, current, choice, func() (string, map[string]string, error) {
			return s.codeFor(ctx, tx, who, r, choice)
		})
	})
	if err != nil {
		return Choice{}, fmt.Errorf("choose %s: %w", accept.Replacement, err)
	}
	return choice, nil
}

// begin makes a customer's decisions come one after the other and returns the one that counts; nil: none. ErrCarriedOut.
func (s *Service) begin(ctx context.Context, tx *db.Tx, who migration.Who) (*Choice, error) {
	if err := s.store.lineUp(ctx, tx, who.CustomerID); err != nil {
		return nil, err
	}
	current, err := s.store.current(ctx, tx, who.CustomerID)
	if err == nil && current != nil && !current.Changeable() {
		return nil, ErrCarriedOut
	}
	return current, err
}

// weigh holds what the customer agreed to against what is so now.
func (s *Service) weigh(ctx context.Context, tx *db.Tx, who migration.Who, p *migration.Programme, r migration.Replacement, accept Accept) (Choice, error) {
	customer, err := s.journeys.CustomerIn(ctx, tx, who.CustomerID)
	if err != nil {
		return Choice{}, notFoundAs(err)
	}
	usage, err := s.store.usage(ctx, tx, who.CustomerID)
	if err != nil {
		return Choice{}, err
	}
	losses := keysOf(LossesOf(p, r, usage))
	accepted := slices.Clone(accept.Losses)
	slices.Sort(accepted)
	if !slices.Equal(losses, slices.Compact(accepted)) {
		return Choice{}, ErrLossesChanged
	}
	state, until := OfferFor(p, r, customer.Tier, tx.Now)
	if accept.WithOffer && state != OfferOpen {
		return Choice{}, ErrOfferEnded
	}
	c := newChoice(who, p, tx.Now, Chosen)
	c.Replacement, c.Own, c.Losses, c.WithOffer = r.Key, r.Own(), losses, state == OfferOpen
	if c.WithOffer && !until.IsZero() {
		c.OfferUntil = &until
	}
	return c, nil
}

func newChoice(who migration.Who, p *migration.Programme, now time.Time, d Decision) Choice {
	return Choice{
		ID: rand.Text(), CustomerID: who.CustomerID, Decision: d, Programme: p.Version, State: Made, Losses: []string{},
		By: who.ContactID, At: now, ChangedAt: now,
	}
}

// settle stores a decision in the place of the one before, tells the journey, and sends the mail that more asks for.
func (s *Service) settle(ctx context.Context, tx *db.Tx, who migration.Who, current *Choice, c Choice, more func() (string, map[string]string, error)) error {
	if err := s.supersede(ctx, tx, current, Replaced); err != nil {
		return err
	}
	if err := s.store.insert(ctx, tx, c); err != nil {
		return err
	}
	if err := s.store.leave(ctx, tx, c.CustomerID, c.Replacement); err != nil {
		return err
	}
	code, letter := "", map[string]string(nil)
	if more != nil {
		var err error
		if code, letter, err = more(); err != nil {
			return err
		}
	}
	next, err := s.journeys.Tell(ctx, tx, c.CustomerID, c.event())
	if err != nil {
		return err
	}
	if next.Detail.ConfirmedAt != nil {
		return ErrCarriedOut
	}
	if next.Status[migration.StepChoose] == migration.NotNeeded {
		return ErrNotFound
	}
	if letter != nil {
		if err := s.write(ctx, tx, mail.ChoiceMade, c.CustomerID, who.ContactID, c.ID, letter); err != nil {
			return err
		}
	}
	return s.record(ctx, tx, who, "choice."+string(c.Decision), c.Replacement, map[string]any{
		"losses": c.Losses, "code": code, "reason": c.Reason, "instead_of": insteadOf(current),
	})
}

func insteadOf(current *Choice) string {
	if current == nil {
		return ""
	}
	return strings.TrimSpace(string(current.Decision) + " " + current.Replacement)
}

// supersede ends the decision before.
func (s *Service) supersede(ctx context.Context, tx *db.Tx, current *Choice, state State) error {
	if current == nil {
		return nil
	}
	return s.store.setState(ctx, tx, current.ID, state, current.Reason)
}

// write enqueues a mail to one contact.
func (s *Service) write(ctx context.Context, tx *db.Tx, template, customerID, contactID, key string, data map[string]string) error {
	_, err := s.queue.InsertTx(ctx, tx, mail.Args{Template: template, CustomerID: customerID, ContactID: contactID, Key: key, Data: data}, nil)
	return err
}

// ChooseNone records none of these, with a reason. For owners. ErrReason with Fields reason and text; ErrCarriedOut.
func (s *Service) ChooseNone(ctx context.Context, who migration.Who, p *migration.Programme, why Decline) (Choice, error) {
	return s.decline(ctx, who, p, None, NoneReasons, why)
}

// Defer records that the customer has not decided, with a reason. For owners. ErrReason with Fields reason and text;
// ErrCarriedOut.
func (s *Service) Defer(ctx context.Context, who migration.Who, p *migration.Programme, why Decline) (Choice, error) {
	return s.decline(ctx, who, p, Later, LaterReasons, why)
}

func (s *Service) decline(ctx context.Context, who migration.Who, p *migration.Programme, d Decision, reasons []string, why Decline) (c Choice, err error) {
	if who.Role != migration.Owner {
		return Choice{}, ErrNotOwner
	}
	if why, err = why.checked(reasons); err != nil {
		return Choice{}, err
	}
	err = s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		current, err := s.begin(ctx, tx, who)
		if err != nil {
			return err
		}
		c = newChoice(who, p, tx.Now, d)
		c.Reason, c.Text = why.Reason, why.Text
		if current != nil && current.same(c) {
			c = *current
			return nil
		}
		return s.settle(ctx, tx, who, current, c, nil)
	})
	if err != nil {
		return Choice{}, fmt.Errorf("decide %s: %w", d, err)
	}
	return c, nil
}

// checked returns the reason in its canonical form, or ErrReason with the fields to mend.
func (d Decline) checked(reasons []string) (Decline, error) {
	bad := ErrReason
	d.Text = strings.TrimSpace(d.Text)
	if !slices.Contains(reasons, d.Reason) {
		bad = bad.Field("reason", "replacement.reason.pick", nil)
	}
	switch {
	case utf8.RuneCountInString(d.Text) > MaxText:
		bad = bad.Field("text", "fault.input.long", map[string]any{"Limit": MaxText})
	case d.Reason == "other" && d.Text == "":
		bad = bad.Field("text", "replacement.reason.say", nil)
	}
	if len(bad.Fields) > 0 {
		return d, bad
	}
	return d, nil
}

// Undo takes the decision back. A code that was drawn stays the customer's, and comes back with the same choice. For owners.
// ErrNothingChosen, ErrCarriedOut.
func (s *Service) Undo(ctx context.Context, who migration.Who) error {
	if who.Role != migration.Owner {
		return ErrNotOwner
	}
	return s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		current, err := s.begin(ctx, tx, who)
		if err != nil {
			return err
		}
		if current == nil {
			return ErrNothingChosen
		}
		if err := s.supersede(ctx, tx, current, Undone); err != nil {
			return err
		}
		if err := s.store.leave(ctx, tx, who.CustomerID, ""); err != nil {
			return err
		}
		next, err := s.journeys.Tell(ctx, tx, who.CustomerID, migration.Event{Kind: migration.ChoiceUndone, Actor: who.ContactID})
		if err != nil {
			return err
		}
		if next.Detail.ConfirmedAt != nil {
			return ErrCarriedOut
		}
		return s.record(ctx, tx, who, "choice.undo", current.Replacement, nil)
	})
}
