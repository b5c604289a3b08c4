package refund

import (
	"errors"
	"fmt"

	"offramp/migration/refund/quote"
)

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
