package quote

import (
	"errors"

	"offramp/migration"
)

// Input is what a quote is worked out from.
type Input struct {
	Policy      Policy
	Tier        string        // of the customer
	LastDay     migration.Day // last day that counts as used: the customer's own day of Policy.From
	AsOf        migration.Day // today in the programme's zone; it is stated and moves no amount
	Entitlement Entitlement
}

// Quote is what one customer gets back in one currency. Its JSON form is canonical: equal quotes have equal bytes.
type Quote struct {
	PolicyVersion      string        `json:"policy_version"`
	PolicyDigest       string        `json:"policy_digest"` // SHA-256 of the policy's canonical form, in hexadecimal
	EntitlementVersion int           `json:"entitlement_version"`
	AsOf               migration.Day `json:"as_of"`
	LastDay            migration.Day `json:"last_day"`
	Currency           string        `json:"currency"`
	Parts              []Part        `json:"parts"`           // one for each payment, by the day of its period's start and its ref
	Notes              []Line        `json:"notes,omitempty"` // about the whole, such as an amount below the minimum; they add nothing
	Total              int64         `json:"total"`           // sum of the parts
	Refund             int64         `json:"refund"`          // what is paid out when a refund is chosen: Total, or 0 below the minimum
	Credits            []Credit      `json:"credits"`         // what is credited when credit is chosen
}

// Part is what one payment gives.
type Part struct {
	Payment Payment `json:"payment"`
	Paid    int64   `json:"paid"`   // price less discount, with tax
	Lines   []Line  `json:"lines"`  // in the order in which they are counted
	Amount  int64   `json:"amount"` // sum of the lines
}

// Kind says what a line is about. The names are stored.
type Kind string

// The kinds of line.
const (
	Unused   Kind = "unused"   // the unused part of the price
	Discount Kind = "discount" // less the discount
	Tax      Kind = "tax"      // tax given back, or kept
	Refunded Kind = "refunded" // less what was refunded before
	Credited Kind = "credited" // less what was credited before
	Good     Kind = "goodwill" // on top
	ByStore  Kind = "store"    // bought at an app store, which alone can give it back
	Minimum  Kind = "minimum"  // note: below the minimum
	Nothing  Kind = "nothing"  // note: nothing is left to refund
	Extra    Kind = "bonus"    // on top of credit
)

// Line is one step of the calculation.
type Line struct {
	Kind   Kind   `json:"kind"`
	Key    string `json:"key"`    // message key of its wording
	Amount int64  `json:"amount"` // what it adds or, negative, takes away
	Args   Args   `json:"args"`
}

// Args are the numbers of a line's formula. Money is in minor units of the quote's currency.
type Args struct {
	Of     int64         `json:"of,omitempty"`     // the money that is divided, or what was given back before
	Part   int64         `json:"part,omitempty"`   // unused days, months or units; or money where Whole is money
	Whole  int64         `json:"whole,omitempty"`  //
	Points int64         `json:"points,omitempty"` // basis points
	Limit  int64         `json:"limit,omitempty"`  // what the formula gives, where the amount was limited; or the minimum
	From   migration.Day `json:"from,omitzero"`    // first unused day
	Until  migration.Day `json:"until,omitzero"`   // last one
	Store  Method        `json:"store,omitempty"`  //
}

// Credit is what an amount becomes when it is turned into credit toward a replacement.
type Credit struct {
	Replacement string `json:"replacement,omitempty"` // key; empty: every other replacement
	Bonus       Line   `json:"bonus"`
	Total       int64  `json:"total"` // Quote.Total and the bonus, or 0 where the policy lets small amounts lapse
}

// CreditFor returns what is credited toward one replacement.
func (q Quote) CreditFor(replacement string) Credit {
	var rest Credit
	for _, c := range q.Credits {
		switch c.Replacement {
		case replacement:
			return c
		case "":
			rest = c
		}
	}
	return rest
}

var errNotYet = errors.New("not worked out yet")

// Compute works out one quote for each currency in which the customer has paid, by its code. The error names the payment
// that cannot be counted.
func Compute(_ Input) ([]Quote, error) {
	return nil, errNotYet
}
