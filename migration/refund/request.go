package refund

import (
	"errors"
	"fmt"
	"slices"

	"offramp/migration"
	"offramp/migration/refund/quote"
)

// Estimate is what a customer could ask for now.
type Estimate struct {
	Quotes  []Offer  // one per currency in which something was paid and is not settled yet, by its code
	Refunds []Refund // what was asked for, oldest first, with what was withdrawn or is closed
}

// Offer is one currency's quote with the ways of settling it.
type Offer struct {
	Quote   quote.Quote
	Digest  string   // of the quote; Submit wants the one that was shown
	Methods []Method // in the programme's order; empty: nothing is left to settle
	Credits []CreditOffer
}

// CreditOffer is what a quote becomes as credit toward one replacement that takes it, for this customer.
type CreditOffer struct {
	Replacement string
	Total       int64  // with the bonus
	Price       int64  // what the replacement costs the customer, in the quote's currency; 0: not known
	Rest        int64  // of Total: what is over the price
	Rule        string // what becomes of the rest: migration.RestKept or RestLost; empty: there is none
}

// Amount is what is credited: all of it, but for what lapses.
func (c CreditOffer) Amount() int64 {
	if c.Rule == migration.RestLost {
		return c.Total - c.Rest
	}
	return c.Total
}

// Covered is the part of the price that the credit pays.
func (c CreditOffer) Covered() int64 { return c.Total - c.Rest }

// CreditTo finds the offer toward one replacement.
func (o Offer) CreditTo(replacement string) (CreditOffer, bool) {
	i := slices.IndexFunc(o.Credits, func(c CreditOffer) bool { return c.Replacement == replacement })
	if i < 0 {
		return CreditOffer{}, false
	}
	return o.Credits[i], true
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
	Lost        int64  // of credit: what lapses, as the customer agreed to; minor units
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
