package refund

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
	"offramp/migration/refund/payout"
)

var payScope = db.SystemScope("refund payout")

// errNotYet is an attempt that cannot be brought forward now; at says when.
type errNotYet struct{ at time.Time }

func (e errNotYet) Error() string { return "refund: not before " + e.at.Format(time.RFC3339) }

// bring brings one attempt forward: it calls the provider, or looks up what became of a call. It may be killed at any line and
// run any number of times, by any number of workers at once.
func (s *Service) bring(ctx context.Context, refundID string, number int) error {
	for {
		a, d, err := s.claim(ctx, refundID, number)
		if err != nil {
			return fmt.Errorf("claim attempt %d of %s: %w", number, refundID, err)
		}
		switch d {
		case nothing, lost:
			return nil
		case wait:
			return errNotYet{a.again()}
		}
		s.at("claimed")
		outcome := s.ask(ctx, a, d)
		s.at("answered")
		again, err := s.note(ctx, a, d, outcome)
		if err != nil {
			return fmt.Errorf("note attempt %d of %s: %w", number, a.ref, err)
		}
		s.at("noted")
		if !again {
			return nil
		}
	}
}

// claim commits who is about to call, before anything leaves.
func (s *Service) claim(ctx context.Context, refundID string, number int) (a attempt, d deed, err error) {
	err = s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		r, is, err := s.store.lockAttempt(ctx, tx, refundID, number)
		if err != nil {
			return err
		}
		a, d = is, is.next(tx.Now)
		switch d {
		case call, look:
			if allowed, err := s.store.allowed(ctx, tx, a); err != nil || d == call && !allowed {
				d = nothing
				return errors.Join(err, s.task(ctx, tx, TaskNotReleased, a, ""))
			}
			a = a.claim(tx.Now, d)
			return s.store.saveAttempt(ctx, tx, a)
		case lost:
			a = a.lose(tx.Now)
			return s.settle(ctx, tx, r, a)
		}
		return nil
	})
	return a, d, err
}

// ask calls the provider, outside of any transaction. Whatever goes wrong, the outcome says what is known.
func (s *Service) ask(ctx context.Context, a attempt, d deed) payout.Outcome {
	provider, ok := s.Providers[a.channel]
	if !ok || provider == nil {
		return payout.Outcome{State: payout.Failed, Failure: payout.Auth, Code: "no_provider", Detail: "no provider " + a.channel + " is configured"}
	}
	ctx, cancel := context.WithTimeout(ctx, callFor)
	defer cancel()
	do := provider.Refund
	if d == look {
		do = provider.LookUp
	}
	outcome, err := do(ctx, a.order())
	switch {
	case errors.Is(err, payout.ErrOrder) && d == call:
		return payout.Outcome{State: payout.Failed, Failure: payout.Invalid, Code: "order", Detail: err.Error()}
	case err != nil: // nothing was sent: a look-up finds that out
		return payout.Outcome{State: payout.Unknown, Code: "not_called", Detail: err.Error()}
	}
	return outcome
}

// note commits what a call or a look-up told, unless somebody else has claimed the attempt meanwhile, and says whether to go on
// at once.
func (s *Service) note(ctx context.Context, claimed attempt, d deed, o payout.Outcome) (again bool, err error) {
	ctx = context.WithoutCancel(ctx) // what is known must be kept
	err = s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		r, a, err := s.store.lockAttempt(ctx, tx, claimed.refundID, claimed.number)
		if err != nil {
			return err
		}
		if a.fence != claimed.fence {
			if o.ID == "" {
				return nil // whoever claimed it later knows better
			}
			a.leasedUntil = nil
		}
		if d == look {
			a.looked++
			if len(o.Others) > 0 {
				if err := s.task(ctx, tx, TaskSecond, a, fmt.Sprint(o.Others)); err != nil {
					return err
				}
			}
		}
		next, err := a.fold(tx.Now, o)
		if errors.Is(err, payout.ErrSecondRefund) {
			return s.task(ctx, tx, TaskSecond, a, o.ID)
		}
		if err != nil {
			return err
		}
		if next.state == string(payout.Unknown) && next.looked >= len(lookAfter) {
			if err := s.task(ctx, tx, TaskUnknown, next, next.outcome.Code); err != nil {
				return err
			}
		}
		again = next.next(tx.Now) == call
		return s.settle(ctx, tx, r, next)
	})
	return again, err
}

// ReceiveEvent takes what a provider tells by itself, after its signature was checked. An event is kept once, however often it is
// delivered, and folded in by a job.
func (s *Service) ReceiveEvent(ctx context.Context, provider string, e payout.Event) error {
	if e.Ref == "" {
		return nil // about none of ours
	}
	return s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		fresh, err := s.store.keepEvent(ctx, tx, provider, e)
		if err != nil || !fresh {
			return err
		}
		_, err = s.Jobs.InsertTx(ctx, tx, EventArgs{Provider: provider, ID: e.ID}, nil)
		return err
	})
}

// foldEvent folds one event of the inbox in. Doing it again changes nothing.
func (s *Service) foldEvent(ctx context.Context, provider, id string) error {
	return s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		e, err := s.store.takeEvent(ctx, tx, provider, id)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		done, err := s.foldIn(ctx, tx, e)
		if err != nil || !done {
			return err
		}
		return s.store.doneEvent(ctx, tx, provider, id)
	})
}

// foldIn folds one event in.
func (s *Service) foldIn(ctx context.Context, tx *db.Tx, e payout.Event) (done bool, err error) {
	refundID, err := s.store.findAttempt(ctx, tx, e.Ref, e.Attempt)
	if errors.Is(err, ErrNotFound) || e.Ref == "" {
		return true, nil // none of ours
	}
	if err != nil {
		return false, err
	}
	r, a, err := s.store.lockAttempt(ctx, tx, refundID, e.Attempt)
	if err != nil {
		return false, err
	}
	leased := a.leasedUntil
	next, err := a.fold(tx.Now, e.Outcome)
	if errors.Is(err, payout.ErrSecondRefund) {
		return true, s.task(ctx, tx, TaskSecond, a, e.Outcome.ID)
	}
	if err != nil {
		return false, err
	}
	next.leasedUntil = leased // whoever calls at this moment still does
	return true, s.settle(ctx, tx, r, next)
}

// settle saves an attempt and moves its refund to where its attempts stand.
func (s *Service) settle(ctx context.Context, tx *db.Tx, r Refund, a attempt) error {
	was, err := s.store.attemptsOf(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	before := find(was, a.number)
	if before.state == a.state {
		return s.store.saveAttempt(ctx, tx, a)
	}
	for i := range was {
		if was[i].number == a.number {
			was[i] = a
		}
	}
	if kind := unsettled(r, before, a, was); kind != "" {
		return s.task(ctx, tx, kind, a, fmt.Sprintf("%s after the refund was %s", a.outcome.State, r.State))
	}
	if err := s.store.saveAttempt(ctx, tx, a); err != nil {
		return err
	}
	if err := s.watch(ctx, tx, before, a); err != nil {
		return err
	}
	if err := s.store.settlePart(ctx, tx, a); err != nil {
		return err
	}
	if !underWay(r) {
		return s.lateNews(ctx, tx, r, a, was)
	}
	return s.move(ctx, tx, r, was)
}

func find(list []attempt, number int) (a attempt) {
	for _, a = range list {
		if a.number == number {
			return a
		}
	}
	return attempt{}
}

// watch opens what a human has to look at.
func (s *Service) watch(ctx context.Context, tx *db.Tx, before, a attempt) error {
	outcomes.WithLabelValues(a.channel, a.state).Inc()
	switch {
	case a.state == string(payout.Failed) && before.state == string(payout.Succeeded):
		return s.task(ctx, tx, TaskMoneyBack, a, string(a.outcome.Failure))
	case a.state == string(payout.Failed) && !customers(a.outcome.Failure):
		return s.task(ctx, tx, string(a.outcome.Failure), a, a.outcome.Code+" "+a.outcome.Detail)
	}
	return nil
}

func (s *Service) task(ctx context.Context, tx *db.Tx, kind string, a attempt, detail string) error {
	s.Log.WarnContext(ctx, "refund needs a human", slog.String("kind", kind), slog.String("refund", a.ref), slog.Int("attempt", a.number))
	return s.store.openTask(ctx, tx, rand.Text(), kind, a.refundID, fmt.Sprintf("%s %d %s", a.ref, a.number, detail), detail)
}

// move brings the refund to where its attempts stand, with everything that follows.
func (s *Service) move(ctx context.Context, tx *db.Tx, r Refund, list []attempt) error {
	to, settled, why := sum(r, list)
	if to == r.State && settled == r.Settled {
		return nil
	}
	next := r
	next.State, next.Settled, next.Failure, next.SettledAt = to, settled, why, nil
	if to == Paid {
		next.SettledAt = &tx.Now
	}
	if to == r.State || to == Released && r.State == Returned { // a part of it
		next.State = r.State
		_, err := s.store.save(ctx, tx, next)
		return err
	}
	_, err := s.follow(ctx, tx, r, next, payAct(next))
	return err
}

func payAct(r Refund) act {
	a := act{kind: string(r.State), actor: system, text: r.Failure, record: "refund." + string(r.State)}
	switch r.State {
	case Paid:
		a.tell, a.mail = migration.RefundPaid, mail.RefundPaid
	case Returned:
		a.tell, a.mail = migration.RefundReturned, mail.RefundReturned
	case Unknown:
		a.tell = migration.RefundUnknown
	case Released:
		a.tell = migration.RefundReleased
	}
	return a
}
