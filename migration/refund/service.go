package refund

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/secret"
	"offramp/migration"
	"offramp/migration/refund/payout/account"
	"offramp/migration/refund/quote"
)

// Purpose is what bank details are sealed for.
const Purpose = "refund account"

// Config is what the service stands on.
type Config struct {
	DB        *db.DB
	Queue     *jobs.Client // which may only insert
	Customers *migration.Service
	Box       *secret.Box // of Purpose
	Log       *slog.Logger
}

// Service is what customers and finance may ask of refunds. Safe for concurrent use, on any number of replicas.
type Service struct {
	Config
	store store
}

type store struct{}

// NewService works on what c holds.
func NewService(c Config) *Service { return &Service{Config: c} }

var errNotYet = errors.New("not built yet")

// Estimate is what a customer could ask for now.
type Estimate struct {
	Quotes  []Offer  // one per currency in which something was paid and is not settled yet, by its code
	Refunds []Refund // what was asked for, oldest first, without what was withdrawn
}

// Offer is one currency's quote with the ways of settling it.
type Offer struct {
	Quote   quote.Quote
	Digest  string   // of the quote; Submit wants the one that was shown
	Methods []Method // in the programme's order; empty: nothing is left to settle
}

// Draft is a request that is being filled in. It is kept for two weeks after the last change.
type Draft struct {
	Currency    string
	Method      Method        // empty: not chosen
	Replacement string        // of Credit
	Account     MaskedAccount // of Bank
}

// Submission is what a customer sends off.
type Submission struct {
	Currency    string
	QuoteDigest string // of the quote that was shown
}

// QuoteChanged is the cause of ErrQuoteChanged: what was shown, as far as it is known, and what holds now.
type QuoteChanged struct {
	Shown *quote.Quote // nil when it cannot be told any more
	Now   Offer
}

// Error names it for logs.
func (c *QuoteChanged) Error() string {
	return fmt.Sprintf("the quote in %s is now %s", c.Now.Quote.Currency, c.Now.Digest)
}

// ChangedQuote finds both quotes in ErrQuoteChanged.
func ChangedQuote(err error) (*QuoteChanged, bool) {
	var c *QuoteChanged
	ok := errors.As(err, &c)
	return c, ok
}

// Estimate works out what the customer could ask for now, and lists what was asked for. ErrNotOffered. For the customer's
// people, owner or not.
func (s *Service) Estimate(ctx context.Context, who migration.Who, p *migration.Programme) (Estimate, error) {
	return Estimate{}, errNotYet
}

// Draft returns what was filled in so far for a currency; an empty one when nothing was. ErrOwner.
func (s *Service) Draft(ctx context.Context, who migration.Who, currency string) (Draft, error) {
	return Draft{}, errNotYet
}

// ChooseMethod keeps the way of settling, and the replacement of Credit. ErrOwner, ErrNotOffered, ErrNothing, ErrDetails.
func (s *Service) ChooseMethod(ctx context.Context, who migration.Who, p *migration.Programme, currency string, m Method, replacement string) (Draft, error) {
	return Draft{}, errNotYet
}

// FillAccount keeps the bank account, sealed. The caller has checked the step-up sign-in. ErrOwner, ErrDetails with the
// fields kind, number, holder and bank.
func (s *Service) FillAccount(ctx context.Context, who migration.Who, p *migration.Programme, currency string, a account.Account) (Draft, error) {
	return Draft{}, errNotYet
}

// Submit sends the draft off. Sent again, however often and on however many replicas, it is the same refund. ErrOwner,
// ErrNothing, ErrDetails for a draft that is not complete; ErrQuoteChanged with ChangedQuote.
func (s *Service) Submit(ctx context.Context, who migration.Who, p *migration.Programme, sub Submission) (Refund, error) {
	return Refund{}, errNotYet
}

// Get returns one of the customer's refunds with its history. ErrNotFound.
func (s *Service) Get(ctx context.Context, who migration.Who, ref string) (Refund, []Happening, error) {
	return Refund{}, nil, errNotYet
}

// List returns the customer's refunds, newest first, withdrawn ones, too.
func (s *Service) List(ctx context.Context, who migration.Who) ([]Refund, error) {
	return nil, errNotYet
}

// Withdraw takes a refund back that is not approved yet. ErrOwner, ErrNotFound, ErrMoved.
func (s *Service) Withdraw(ctx context.Context, who migration.Who, p *migration.Programme, ref string, version int) (Refund, error) {
	return Refund{}, errNotYet
}

// Answer answers finance's question. ErrOwner, ErrNotFound, ErrMoved, ErrText.
func (s *Service) Answer(ctx context.Context, who migration.Who, ref string, version int, text string) (Refund, error) {
	return Refund{}, errNotYet
}

// Object objects to a refusal within the period. ErrOwner, ErrNotFound, ErrMoved, ErrText.
func (s *Service) Object(ctx context.Context, who migration.Who, ref string, version int, text string) (Refund, error) {
	return Refund{}, errNotYet
}

// CorrectDetails gives a returned refund the account of a bank; it is looked at afresh. The caller has checked the step-up
// sign-in. ErrOwner, ErrNotFound, ErrMoved, ErrDetails.
func (s *Service) CorrectDetails(ctx context.Context, who migration.Who, p *migration.Programme, ref string, version int, a account.Account) (Refund, error) {
	return Refund{}, errNotYet
}
