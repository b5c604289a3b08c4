package refund

import (
	"context"
	"fmt"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/internal/reference"
	"offramp/migration"
	"offramp/migration/refund/payout/account"
	"offramp/migration/refund/quote"
)

// Open returns one refund with all that is known of it, and records that it was looked at. ErrNotFound. For finance.
func (s *Service) Open(ctx context.Context, staffID string, p *migration.Programme, ref string) (f File, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if f, err = s.store.file(ctx, tx, ref); err != nil {
			return err
		}
		concerned, err := s.store.concerned(ctx, tx, f.CustomerID, staffID)
		if err != nil {
			return err
		}
		free := !concerned && !f.touchedBy(staffID)
		f.MayReview = free && f.DeclinedBy != staffID && (f.State == Submitted || f.State == Objected)
		f.MayApprove = free && (f.State == Reviewed || f.State == Second)
		if f.Held = s.held(ctx, tx, f.Refund); f.Held != nil && !expected(f.Held) {
			return f.Held
		}
		if f.Current, err = s.differing(ctx, tx, p, f); err != nil {
			return err
		}
		return s.looked(ctx, tx, staffID, "refund.view", f.Refund)
	})
	if err != nil {
		return File{}, fmt.Errorf("open refund %s: %w", ref, err)
	}
	f.Refund, err = s.masked(ctx, f.Refund)
	return f, err
}

// differing is what the calculation gives today for the very payments of a refund that is not settled, where it is another.
func (s *Service) differing(ctx context.Context, tx *db.Tx, p *migration.Programme, f File) (*quote.Quote, error) {
	if !f.Refund.Open() || p.Refund == nil {
		return nil, nil
	}
	now, err := s.requote(ctx, tx, p, f.Refund)
	if err != nil || now == nil {
		return nil, err
	}
	was, err := Digest(f.Quote)
	if err != nil {
		return nil, err
	}
	is, err := Digest(*now)
	if err != nil || is == was {
		return nil, err
	}
	return now, nil
}

func (s *Service) looked(ctx context.Context, tx *db.Tx, staffID, verb string, r Refund) error {
	return audit.Record(ctx, tx, audit.Entry{Actor: staffID, ActorKind: audit.Staff, Act: verb, Object: "refund " + r.Ref, CustomerID: r.CustomerID})
}

// Reveal returns the whole bank account, and records it. It is opened before the transaction that records that: its key may be
// elsewhere. ErrNotFound, ErrKeys, ErrReveals; ErrMoved when the account was changed meanwhile. For finance.
func (s *Service) Reveal(ctx context.Context, staffID, ref string) (a account.Account, err error) {
	var was Refund
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		was, err = s.store.lock(ctx, tx, ref)
		return err
	})
	if err == nil && was.sealed == "" {
		err = ErrNotFound
	}
	if err == nil {
		a, err = s.openAccount(ctx, was.CustomerID, was.sealed)
	}
	if err != nil {
		return account.Account{}, fmt.Errorf("reveal account of %s: %w", ref, err)
	}
	capped := false
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		r, err := s.store.lock(ctx, tx, ref)
		if err != nil {
			return err
		}
		if r.sealed != was.sealed {
			return ErrMoved
		}
		full, err := s.lookedEnough(ctx, tx, staffID)
		if full {
			capped = true
			return audit.Record(ctx, tx, audit.Entry{
				Actor: staffID, ActorKind: audit.Staff, Act: "refund.reveal_capped", Object: "refund " + ref, CustomerID: r.CustomerID,
				Detail: map[string]any{"limit": RevealsDaily},
			})
		}
		if err != nil {
			return err
		}
		return s.looked(ctx, tx, staffID, "refund.reveal", r)
	})
	if err != nil {
		return account.Account{}, fmt.Errorf("reveal account of %s: %w", ref, err)
	}
	if capped {
		return account.Account{}, ErrReveals.With(map[string]any{"Limit": RevealsDaily})
	}
	return a, nil
}

// RevealsDaily is how many accounts one person may look at within 24 hours. Who wants more stands in the audit log as
// refund.reveal_capped.
const RevealsDaily = 40

// lookedEnough reports whether somebody has looked at as many accounts as one person may.
func (s *Service) lookedEnough(ctx context.Context, tx *db.Tx, staffID string) (bool, error) {
	var n int
	const sql = `SELECT count(*) FROM (SELECT FROM audit WHERE actor = $1 AND act = 'refund.reveal' AND at > $2 LIMIT $3) looked`
	if err := tx.Pgx.QueryRow(ctx, sql, staffID, tx.Now.Add(-24*time.Hour), RevealsDaily).Scan(&n); err != nil {
		return false, fmt.Errorf("count reveals: %w", err)
	}
	return n >= RevealsDaily, nil
}

// OfCustomer returns a customer's refunds, newest first. For staff who have opened the customer's file, which is recorded there.
func (s *Service) OfCustomer(ctx context.Context, staffID, customerID string) ([]Refund, error) {
	return s.store.list(ctx, s.DB, db.StaffScope(staffID), customerID)
}

// decide makes a transition of finance's.
func (s *Service) decide(ctx context.Context, staffID, ref string, version int, step func(*db.Tx, Refund) (Refund, act, error)) (Refund, error) {
	r, err := s.change(ctx, db.StaffScope(staffID), ref, max(version, 1), func(tx *db.Tx, r Refund) (Refund, act, error) {
		next, a, err := step(tx, r)
		a.actor, a.staff = staffID, true
		return next, a, err
	})
	if err != nil {
		return Refund{}, err
	}
	return s.masked(ctx, r)
}

// held tells why the documents of a locked refund keep it from being reviewed or approved. ErrScanning, ErrUnfitAnswer.
func (s *Service) held(ctx context.Context, tx *db.Tx, r Refund) error {
	held, err := s.store.heldDocuments(ctx, tx, []string{r.ID})
	if err != nil {
		return err
	}
	return held[r.ID]
}

// Review finds a refund in order. ErrNotFound, ErrMoved, ErrSamePerson, ErrScanning, ErrUnfitAnswer. For finance clerks.
func (s *Service) Review(ctx context.Context, staffID, ref string, version int) (Refund, error) {
	return s.decide(ctx, staffID, ref, version, func(tx *db.Tx, r Refund) (Refund, act, error) {
		next, err := r.review(tx.Now, staffID)
		if err == nil {
			err = s.held(ctx, tx, r)
		}
		return next, act{kind: "reviewed", tell: migration.RefundReviewed, record: "refund.review"}, err
	})
}

// Approve approves a reviewed refund, or approves it a second time where the amount needs it. ErrNotFound, ErrMoved,
// ErrSamePerson, ErrScanning, ErrUnfitAnswer. For finance approvers.
func (s *Service) Approve(ctx context.Context, staffID string, p *migration.Programme, ref string, version int) (Refund, error) {
	return s.decide(ctx, staffID, ref, version, func(tx *db.Tx, r Refund) (Refund, act, error) {
		next, a, err := approval(tx.Now, staffID, p, r)
		if err == nil {
			err = s.held(ctx, tx, r)
		}
		return next, a, err
	})
}

// approval is what an approval leads to. A programme that asks for a second approver since the refund was submitted gets one.
func approval(now time.Time, staffID string, p *migration.Programme, r Refund) (Refund, act, error) {
	if !r.SecondNeeded && p.Refund != nil {
		needed, err := secondNeeded(p, r.Currency, r.whole())
		if err != nil {
			return r, act{}, err
		}
		r.SecondNeeded = needed
	}
	next, err := r.approve(now, staffID)
	a := act{kind: "approved", tell: migration.RefundApproved, mail: mail.RefundApproved, record: "refund.approve"}
	switch next.State {
	case Second:
		a = act{kind: "approved_once", record: "refund.approve"} // the customer hears of it when it is whole
	case Waived:
		a.kind, a.tell = "waived", migration.RefundWaived
	}
	return next, a, err
}

// SendBack asks the customer a question; review and approvals begin anew. ErrNotFound, ErrMoved, ErrText. For finance.
func (s *Service) SendBack(ctx context.Context, staffID, ref string, version int, question string) (Refund, error) {
	return s.decide(ctx, staffID, ref, version, func(_ *db.Tx, r Refund) (Refund, act, error) {
		next, err := r.ask(question)
		return next, act{
			kind: "questioned", text: next.Question, tell: migration.RefundQuestioned, mail: mail.RefundQuestion, record: "refund.send_back",
		}, err
	})
}

// Decline refuses a refund with a reason; the customer may object within the programme's period. ErrNotFound, ErrMoved,
// ErrReason. For finance.
func (s *Service) Decline(ctx context.Context, staffID string, p *migration.Programme, ref string, version int, reason Reason, text string) (Refund, error) {
	return s.decide(ctx, staffID, ref, version, func(tx *db.Tx, r Refund) (Refund, act, error) {
		days := objectionDays
		if p.Refund != nil {
			days = p.Refund.ObjectionDays
		}
		until := migration.DayOf(tx.Now.In(p.Zone)).AddDays(days).End(p.Zone).Truncate(time.Microsecond)
		next, err := r.decline(until, staffID, reason, text)
		return next, act{
			kind: "declined", text: string(next.Reason), tell: migration.RefundDeclined, mail: mail.RefundDeclined, record: "refund.decline",
			detail: map[string]any{"reason": reason},
		}, err
	})
}

// objectionDays is how long a customer may object where the programme has dropped its rules meanwhile.
const objectionDays = 30

// Named is what a reference that somebody typed may mean: a refund or a batch, with those whom it concerns.
type Named struct {
	Ref         string
	CustomerIDs []string
}

// namedLimit bounds whom one reference names: a batch may have thousands.
const namedLimit = 1000

// Named returns the refunds and batches that typed may mean. For staff who look for a customer.
func (s *Service) Named(ctx context.Context, staffID string, typed reference.Typed) (list []Named, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list = nil
		if year, n, ok := typed.Yearly("RF"); ok {
			if list, err = s.store.named(ctx, tx, refundNamedSQL, year, n); err != nil {
				return err
			}
		}
		if year, n, ok := typed.Yearly("PB"); ok {
			batches, err := s.store.named(ctx, tx, batchNamedSQL, year, n)
			list = append(list, batches...)
			return err
		}
		return nil
	})
	return list, err
}
