package refund

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"offramp/internal/bank/bankday"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/mail"
	"offramp/internal/secret"
	"offramp/migration"
	"offramp/migration/refund/inspect"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/account"
	"offramp/migration/refund/payout/bankfile"
	"offramp/migration/refund/quote"
)

// Purpose is what bank details are sealed for.
const Purpose = "refund account"

// Config is what the service stands on.
type Config struct {
	DB        *db.DB
	Jobs      *jobs.Client // which may only insert
	Customers *migration.Service
	Box       *secret.Box   // of Purpose
	Vault     *secret.Vault // of Purpose, over Box, where a key management service wraps the keys; nil: Box alone
	Log       *slog.Logger
	Bodies    Bodies          // of documents; nil in processes that have nothing to do with them
	Scanner   inspect.Scanner // of documents for malware, which workers ask; nil: nobody looks

	Providers map[string]payout.Provider // by the name that payments bear; what is not here cannot be paid back the way it came. In processes that do not pay their values may be nil
	Debtors   map[string]Debtor          // by currency, an empty one for the others: who pays bank files

	// Refresh works out anew what is due to customers for whom the programme or a date has changed; nil: nobody does. It runs
	// every few minutes, so it must be cheap when nothing has.
	Refresh func(context.Context) error

	// Price is what a replacement costs a customer, in minor units; not known where it depends on what nobody told. nil: of none.
	Price func(*migration.Programme, migration.Replacement, migration.Customer, time.Time) (amount int64, currency string, known bool)

	// At is called at the named points of a payment: claimed, answered, noted. Tests stop or kill the process there.
	At func(point string)
}

// Debtor is the account that pays bank files of one currency.
type Debtor struct {
	bankfile.Debtor
	Unicode bool             // the bank takes names in any script
	Booking bankfile.Booking // how the bank is asked to book a batch
	Days    bankday.Calendar // when it works
}

// Service is what customers and finance may ask of refunds. Safe for concurrent use, on any number of replicas.
type Service struct {
	Config
	store    store
	countFor time.Duration // instead of TotalsFor; 0: that
}

// system names our own workers as actors.
const system = "system"

// NewService works on what c holds.
func NewService(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Vault == nil {
		c.Vault = secret.NewVault(secret.VaultOptions{Purpose: Purpose, Ring: c.Box})
	}
	return &Service{Config: c}
}

// debtor is who pays bank files of a currency.
func (s *Service) debtor(currency string) (Debtor, bool) {
	d, ok := s.Debtors[currency]
	if !ok {
		d, ok = s.Debtors[""]
	}
	return d, ok
}

func (s *Service) at(point string) {
	if s.At != nil {
		s.At(point)
	}
}

// Estimate works out what the customer could ask for now, and lists what was asked for. ErrNotOffered. For the customer's
// people, owner or not.
func (s *Service) Estimate(ctx context.Context, who migration.Who, p *migration.Programme) (e Estimate, err error) {
	err = s.DB.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		e.Quotes, err = s.offers(ctx, tx, who.CustomerID, p)
		return err
	})
	if err != nil {
		return Estimate{}, fmt.Errorf("estimate: %w", err)
	}
	list, err := s.List(ctx, who)
	if err != nil {
		return Estimate{}, err
	}
	slices.Reverse(list)
	e.Refunds = list
	return e, nil
}

// Draft returns what was filled in so far for a currency; an empty one when nothing was. ErrOwner.
func (s *Service) Draft(ctx context.Context, who migration.Who, currency string) (d Draft, err error) {
	if who.Role != migration.Owner {
		return Draft{}, ErrOwner
	}
	var row draftRow
	err = s.DB.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		row, err = s.store.draft(ctx, tx, who.CustomerID, currency)
		return err
	})
	if err != nil {
		return Draft{}, err
	}
	return s.shownDraft(ctx, who.CustomerID, row)
}

// ChooseMethod keeps the way of settling, and the replacement of Credit: where none is named, the one that was chosen in
// step 3. ErrOwner, ErrNotOffered, ErrNothing; ErrDetails with the fields method and replacement.
func (s *Service) ChooseMethod(ctx context.Context, who migration.Who, p *migration.Programme, currency string, m Method, replacement string) (Draft, error) {
	return s.fill(ctx, who, p, currency, func(tx *db.Tx, offer Offer, row *draftRow) error {
		if !slices.Contains(offer.Methods, m) {
			return ErrDetails.Field("method", "refund.method.none", nil)
		}
		row.Method, row.Replacement = m, ""
		if m != Credit {
			return nil
		}
		var err error
		row.Replacement, err = s.creditTo(ctx, tx, who.CustomerID, offer, replacement)
		return err
	})
}

// FillAccount keeps the bank account, sealed. The caller has checked the step-up sign-in. ErrOwner, ErrNotOffered, ErrNothing;
// ErrDetails with the fields kind, number, holder and bank; ErrKeys.
func (s *Service) FillAccount(ctx context.Context, who migration.Who, p *migration.Programme, currency string, a account.Account) (Draft, error) {
	switch {
	case who.Role != migration.Owner:
		return Draft{}, ErrOwner
	case p.Refund == nil:
		return Draft{}, ErrNotOffered
	}
	sealed, shown, bad := s.sealAccount(ctx, who.CustomerID, p, currency, a)
	return s.fill(ctx, who, p, currency, func(_ *db.Tx, _ Offer, row *draftRow) error {
		if bad != nil {
			return bad
		}
		row.sealed, row.Account = sealed, shown
		return nil
	})
}

// fill changes the draft of a currency in which something is left to settle, and keeps the quote that the person saw.
func (s *Service) fill(ctx context.Context, who migration.Who, p *migration.Programme, currency string, step func(*db.Tx, Offer, *draftRow) error) (d Draft, err error) {
	if who.Role != migration.Owner {
		return Draft{}, ErrOwner
	}
	var row draftRow
	err = s.DB.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		offer, err := s.offerIn(ctx, tx, who.CustomerID, p, currency)
		if err != nil {
			return err
		}
		row, err = s.store.draft(ctx, tx, who.CustomerID, currency)
		if err != nil {
			return err
		}
		if err := step(tx, offer, &row); err != nil {
			return err
		}
		frozen, err := offer.Quote.Canonical()
		if err != nil {
			return err
		}
		row.quote, row.digest = string(frozen), offer.Digest
		return s.store.saveDraft(ctx, tx, who.CustomerID, row)
	})
	if err != nil {
		return Draft{}, fmt.Errorf("fill in refund: %w", err)
	}
	return s.shownDraft(ctx, who.CustomerID, row)
}

// Submit sends the draft off. Sent again, however often and on however many replicas, it is the same refund. ErrOwner,
// ErrNothing, ErrDetails for a draft that is not complete; ErrQuoteChanged with ChangedQuote.
func (s *Service) Submit(ctx context.Context, who migration.Who, p *migration.Programme, sub Submission) (r Refund, err error) {
	if who.Role != migration.Owner {
		return Refund{}, ErrOwner
	}
	err = s.DB.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		if err := s.store.lineUp(ctx, tx, who.CustomerID); err != nil {
			return err
		}
		r, err = s.store.latest(ctx, tx, who.CustomerID, sub.Currency, sub.QuoteDigest)
		if !errors.Is(err, ErrNotFound) {
			return err // sent before, or a fault
		}
		r, err = s.submit(ctx, tx, who, p, sub)
		return err
	})
	if err != nil {
		return Refund{}, fmt.Errorf("submit refund: %w", err)
	}
	return s.masked(ctx, r)
}

func (s *Service) submit(ctx context.Context, tx *db.Tx, who migration.Who, p *migration.Programme, sub Submission) (Refund, error) {
	offer, err := s.offerIn(ctx, tx, who.CustomerID, p, sub.Currency)
	if err != nil {
		return Refund{}, err
	}
	draft, err := s.store.draft(ctx, tx, who.CustomerID, sub.Currency)
	if err != nil {
		return Refund{}, err
	}
	if offer.Digest != sub.QuoteDigest {
		return Refund{}, changed(draft, sub, offer)
	}
	r, err := s.frozen(ctx, tx, who, p, offer, draft, sub)
	if err != nil {
		return Refund{}, err
	}
	list, err := s.insert(ctx, tx, r, tx.Now.In(p.Zone).Year())
	if err != nil {
		return Refund{}, err
	}
	if err := s.store.dropDraft(ctx, tx, who.CustomerID, sub.Currency); err != nil {
		return Refund{}, err
	}
	due, err := s.due(ctx, tx, who.CustomerID, p)
	if err != nil {
		return Refund{}, err
	}
	for _, r := range list {
		err := s.tell(ctx, tx, "", r, act{
			kind: "submitted", actor: who.ContactID, tell: migration.RefundSubmitted, due: due, mail: mail.RefundReceived, record: "refund.submit",
			detail: map[string]any{"method": r.Method, "amount": r.Amount, "currency": r.Currency, "quote": r.QuoteDigest, "policy": r.Quote.PolicyVersion, "rest": sub.Rest},
		})
		if err != nil {
			return Refund{}, err
		}
	}
	return list[0], nil
}

// insert writes a new refund or, of a credit whose rest is paid out, both parts: the credit first.
func (s *Service) insert(ctx context.Context, tx *db.Tx, r Refund, year int) ([]Refund, error) {
	list := []Refund{r}
	if r.RestRule == migration.RestPaid {
		credit, rest, err := r.split(r.Quote)
		if err != nil {
			return nil, err
		}
		list = []Refund{credit, rest}
		list[1].ID = rand.Text()
	}
	for i := range list {
		var err error
		if list[i], err = s.store.insert(ctx, tx, list[i], year); err != nil {
			return nil, err
		}
	}
	if len(list) == 2 {
		list[0].Other, list[0].OtherState, list[1].Other, list[1].OtherState = list[1].Ref, list[1].State, list[0].Ref, list[0].State
	}
	return list, nil
}

// changed tells that the quote is another one than the customer saw.
func changed(draft draftRow, sub Submission, now Offer) error {
	cause := &QuoteChanged{Now: now}
	if draft.digest == sub.QuoteDigest {
		if shown, err := quote.Read([]byte(draft.quote)); err == nil {
			cause.Shown = &shown
		}
	}
	return ErrQuoteChanged.Wrap(cause)
}

// frozen makes the refund of a complete draft. ErrDetails.
func (s *Service) frozen(ctx context.Context, tx *db.Tx, who migration.Who, p *migration.Programme, offer Offer, draft draftRow, sub Submission) (Refund, error) {
	customer, err := s.Customers.CustomerIn(ctx, tx, who.CustomerID)
	if err != nil {
		return Refund{}, err
	}
	q := offer.Quote
	r := Refund{
		ID: rand.Text(), CustomerID: who.CustomerID, State: Submitted, Method: draft.Method, Currency: q.Currency, Amount: q.Refund,
		Quote: q, QuoteDigest: offer.Digest, Tier: customer.Tier, RequestedBy: who.ContactID, RequestedAt: tx.Now, extra: goodwill(q),
		ReviewDays: p.Refund.Within.Review, PayDays: p.Refund.Within.Pay, BankDays: p.Refund.Within.Bank,
	}
	if !slices.Contains(offer.Methods, draft.Method) {
		return Refund{}, ErrDetails.Field("method", "refund.method.none", nil)
	}
	switch draft.Method {
	case Bank:
		if draft.sealed == "" {
			return Refund{}, ErrDetails.Field("number", "refund.account.none", nil)
		}
		r.sealed, r.Account = draft.sealed, draft.Account
	case Credit:
		credit, takes := offer.CreditTo(draft.Replacement)
		switch {
		case !takes:
			return Refund{}, ErrDetails.Field("replacement", "refund.replacement.none", nil)
		case credit.Rule == migration.RestPaid && draft.sealed == "":
			return Refund{}, ErrDetails.Field("number", "refund.account.none", nil)
		case credit.Agreed() && sub.Rest != credit.Rest:
			return Refund{}, ErrRest.Field("rest", "refund.rest.agree."+credit.Rule, nil)
		}
		r.Replacement, r.Amount = draft.Replacement, credit.Amount()
		r.CreditPrice, r.CreditRest, r.RestRule = credit.Price, credit.Rest, credit.Rule
		if r.RestRule == migration.RestPaid {
			r.sealed, r.Account = draft.sealed, draft.Account
		} else {
			r.extra = min(r.Amount, r.extra+credit.Total-q.Total)
		}
	case Waive:
		r.Amount = q.Total
	}
	r.SecondNeeded, err = secondNeeded(p, r.Currency, r.whole())
	return r, err
}

// Get returns one of the customer's refunds with its history. ErrNotFound.
func (s *Service) Get(ctx context.Context, who migration.Who, ref string) (Refund, []Happening, error) {
	r, history, err := s.store.get(ctx, s.DB, who.CustomerID, ref)
	if err != nil {
		return Refund{}, nil, err
	}
	r, err = s.masked(ctx, r)
	return r, history, err
}

// List returns the customer's refunds, newest first, withdrawn ones, too.
func (s *Service) List(ctx context.Context, who migration.Who) ([]Refund, error) {
	list, err := s.store.list(ctx, s.DB, db.CustomerScope(who.CustomerID), who.CustomerID)
	if err != nil {
		return nil, err
	}
	return s.allMasked(ctx, list)
}

// Withdraw takes a refund back that is not approved yet, with the other part of its request. ErrOwner, ErrNotFound, ErrMoved.
func (s *Service) Withdraw(ctx context.Context, who migration.Who, p *migration.Programme, ref string, version int) (Refund, error) {
	if who.Role != migration.Owner {
		return Refund{}, ErrOwner
	}
	var next Refund
	err := s.DB.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		if err := s.store.lineUp(ctx, tx, who.CustomerID); err != nil {
			return err
		}
		was, err := s.store.lock(ctx, tx, ref)
		if err != nil {
			return err
		}
		if was.Version != version {
			return ErrMoved
		}
		both := []Refund{was}
		if was.Other != "" {
			other, err := s.store.lock(ctx, tx, was.Other)
			if err != nil {
				return err
			}
			both[0].OtherState = other.State // it may have moved before it was locked
			both = append(both, other)
		}
		list, err := s.withdraw(ctx, tx, who, p, both)
		if err == nil {
			next = list[0]
		}
		return err
	})
	if err != nil {
		return Refund{}, fmt.Errorf("withdraw refund %s: %w", ref, err)
	}
	return s.masked(ctx, next)
}

// withdraw takes back what is locked: a refund, or both parts of a request.
func (s *Service) withdraw(ctx context.Context, tx *db.Tx, who migration.Who, p *migration.Programme, was []Refund) ([]Refund, error) {
	list := make([]Refund, len(was))
	for i, r := range was {
		to, err := r.withdraw()
		if err != nil {
			return nil, err
		}
		if list[i], err = s.store.save(ctx, tx, to); err != nil {
			return nil, err
		}
	}
	due, err := s.due(ctx, tx, who.CustomerID, p) // with the payments that are free again
	for i := 0; i < len(list) && err == nil; i++ {
		err = s.tell(ctx, tx, was[i].State, list[i], act{
			kind: "withdrawn", actor: who.ContactID, tell: migration.RefundWithdrawn, due: due, mail: mail.RefundWithdrawn, record: "refund.withdraw",
		})
	}
	return list, err
}

// own makes a customer's own transition.
func (s *Service) own(ctx context.Context, who migration.Who, ref string, version int, step func(*db.Tx, Refund) (Refund, act, error)) (Refund, error) {
	if who.Role != migration.Owner {
		return Refund{}, ErrOwner
	}
	r, err := s.change(ctx, db.CustomerScope(who.CustomerID), ref, version, step)
	if err != nil {
		return Refund{}, err
	}
	return s.masked(ctx, r)
}

// Answer answers finance's question. ErrOwner, ErrNotFound, ErrMoved, ErrText.
func (s *Service) Answer(ctx context.Context, who migration.Who, ref string, version int, answer string) (Refund, error) {
	return s.own(ctx, who, ref, version, func(_ *db.Tx, r Refund) (Refund, act, error) {
		return replied(r, who, answer)
	})
}

// Object objects to a refusal within the period. ErrOwner, ErrNotFound, ErrMoved, ErrText.
func (s *Service) Object(ctx context.Context, who migration.Who, ref string, version int, why string) (Refund, error) {
	return s.own(ctx, who, ref, version, func(tx *db.Tx, r Refund) (Refund, act, error) {
		next, err := r.object(tx.Now, why)
		return next, act{kind: "objected", actor: who.ContactID, text: next.Objection, tell: migration.RefundObjected, mail: mail.RefundObjected, record: "refund.object"}, err
	})
}

// CorrectDetails gives a refund that came back, or about whose account finance has a question, the account of a bank; it is looked
// at afresh. The caller has checked the step-up
// sign-in. ErrOwner, ErrNotFound, ErrMoved, ErrDetails, ErrKeys.
func (s *Service) CorrectDetails(ctx context.Context, who migration.Who, p *migration.Programme, ref string, version int, a account.Account) (Refund, error) {
	if who.Role != migration.Owner {
		return Refund{}, ErrOwner
	}
	was, _, err := s.store.get(ctx, s.DB, who.CustomerID, ref)
	if err != nil {
		return Refund{}, err
	}
	sealed, shown, bad := s.sealAccount(ctx, who.CustomerID, p, was.Currency, a)
	return s.own(ctx, who, ref, version, func(_ *db.Tx, r Refund) (Refund, act, error) {
		if !r.MayCorrect() {
			return r, act{}, ErrMoved
		}
		if bad != nil {
			return r, act{}, bad
		}
		next := r.anew()
		next.sealed, next.Account = sealed, shown
		next.State, next.Method, next.Failure = Submitted, Bank, ""
		return next, act{
			kind: "corrected", actor: who.ContactID, tell: migration.RefundSubmitted, mail: mail.RefundCorrected, record: "refund.correct",
			detail: map[string]any{"method_was": r.Method},
		}, nil
	})
}
