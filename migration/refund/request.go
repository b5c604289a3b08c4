package refund

import (
	"errors"
	"fmt"
	"slices"

	"offramp/internal/money"
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
	Rule        string // what becomes of the rest: migration.RestKept and so on; empty: there is none
}

// Amount is what is credited: all of it, but for what lapses or is paid out.
func (c CreditOffer) Amount() int64 {
	if c.Rule == migration.RestLost || c.Rule == migration.RestPaid {
		return c.Total - c.Rest
	}
	return c.Total
}

// Agreed reports whether the customer has to agree to what becomes of the rest.
func (c CreditOffer) Agreed() bool {
	return c.Rule == migration.RestLost || c.Rule == migration.RestPaid
}

// payRest parts the offer in a credit of the price and a rest that is paid out. The bonus is given on what is credited alone: what
// the customer paid and does not use there comes back as it was paid. Where the bonus is all that is over the price, nothing is left.
func (c CreditOffer) payRest(q quote.Quote) (CreditOffer, error) {
	bonus, ok := money.Share(c.Total-q.Total, c.Price, c.Total, money.HalfEven)
	if !ok {
		return c, errShare
	}
	if c.Rest = q.Total - (c.Price - bonus); c.Rest <= 0 {
		c.Total, c.Rest = c.Price, 0
		return c, nil
	}
	c.Total, c.Rule = c.Price+c.Rest, migration.RestPaid
	return c, nil
}

var errShare = errors.New("refund: a share of a credit does not fit")

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

// WantsAccount reports whether a draft that settles the offer is paid to a bank account, wholly or in part.
func (o Offer) WantsAccount(d Draft) bool {
	c, _ := o.CreditTo(d.Replacement)
	return d.Method == Bank || d.Method == Credit && c.Rule == migration.RestPaid
}

// Draft is a request that is being filled in. It is kept for two weeks after the last change.
type Draft struct {
	Currency    string
	Method      Method        // empty: not chosen
	Replacement string        // of Credit
	Account     MaskedAccount // of Bank, and of what is paid out of a credit
}

// Submission is what a customer sends off.
type Submission struct {
	Currency    string
	QuoteDigest string // of the quote that was shown
	Rest        int64  // of credit: what lapses or is paid out, as the customer agreed to; minor units
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

// whole is what a decision is about: a request in two parts is one decision by its size.
func (r Refund) whole() int64 {
	if r.RestRule == migration.RestPaid {
		return r.CreditPrice + r.CreditRest
	}
	return r.Amount
}

// split parts a complete credit whose rest is paid out. Payments are used up for the credit in the quote's order; goodwill is parted by
// the amounts.
func (r Refund) split(q quote.Quote) (credit, rest Refund, err error) {
	base := q.Total - r.CreditRest
	good, ok := money.Share(goodwill(q), base, q.Total, money.Down)
	if !ok {
		return r, r, errShare
	}
	credit, rest = r, r
	credit.extra = r.Amount - base + good
	rest.Method, rest.Replacement, rest.Amount, rest.PaysRest, rest.restOf = Bank, "", r.CreditRest, true, r.ID
	rest.extra = goodwill(q) - good
	credit.sealed, credit.Account = "", MaskedAccount{}
	return credit, rest, nil
}

// parts are what a refund gives back of each payment of its quote, by its place there.
func (r Refund) parts() []int64 {
	list := make([]int64, len(r.Quote.Parts))
	from, until := int64(0), r.Quote.Total
	switch {
	case r.PaysRest:
		from = r.Quote.Total - r.Amount
	case r.RestRule == migration.RestPaid:
		until = r.Quote.Total - r.CreditRest
	}
	at := int64(0)
	for i, part := range r.Quote.Parts {
		list[i] = max(0, min(at+part.Amount, until)-max(at, from))
		at += part.Amount
	}
	return list
}
