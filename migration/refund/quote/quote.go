package quote

import (
	"encoding/json"
	"fmt"

	"offramp/internal/money"
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
	Basis              string        `json:"basis"`    // as the policy has it
	From               string        `json:"from"`     //
	Rounding           money.Mode    `json:"rounding"` //
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
	Of     int64         `json:"of,omitempty"`     // the money that is divided, or what was given back before, or the minimum
	Less   int64         `json:"less,omitempty"`   // the discount that is off Of already
	Part   int64         `json:"part,omitempty"`   // unused days, months or units; money where Whole is money
	Whole  int64         `json:"whole,omitempty"`  //
	Points int64         `json:"points,omitempty"` // basis points
	Result int64         `json:"result,omitempty"` // what the formula gives where that is not the line's amount
	From   migration.Day `json:"from,omitzero"`    // first unused day
	Until  migration.Day `json:"until,omitzero"`   // last one
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

// Canonical writes the quote as it is frozen: equal quotes have equal bytes.
func (q Quote) Canonical() ([]byte, error) {
	raw, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("write a quote: %w", err)
	}
	return raw, nil
}

// Read reads a quote that was frozen. A quote whose lines do not sum to what it says is an error: it was not written here.
func Read(canonical []byte) (Quote, error) {
	var q Quote
	if err := json.Unmarshal(canonical, &q); err != nil {
		return Quote{}, fmt.Errorf("read a quote: %w", err)
	}
	if err := q.check(); err != nil {
		return Quote{}, fmt.Errorf("read a quote: %w", err)
	}
	return q, nil
}

// check holds what every quote promises.
func (q Quote) check() error {
	var total int64
	for _, p := range q.Parts {
		var amount int64
		var fits bool
		for _, l := range p.Lines {
			if amount, fits = money.Add(amount, l.Amount); !fits {
				return fmt.Errorf("payment %s: the lines do not fit", p.Payment.Ref)
			}
		}
		switch {
		case amount != p.Amount:
			return fmt.Errorf("payment %s: the lines sum to %d and not to %d", p.Payment.Ref, amount, p.Amount)
		case amount < 0 || amount > max(0, p.Paid-p.Payment.Refunded-p.Payment.Credited):
			return fmt.Errorf("payment %s: %d is negative or more than is left of what was paid", p.Payment.Ref, amount)
		}
		if total, fits = money.Add(total, amount); !fits {
			return errTooLarge
		}
	}
	if total != q.Total || q.Refund != 0 && q.Refund != total {
		return fmt.Errorf("the parts sum to %d; the quote says %d and pays %d", total, q.Total, q.Refund)
	}
	return nil
}
