package quote

import (
	"offramp/migration"
)

// Policy is how a programme works out what is given back: the refund section of its file with its amounts in minor units.
type Policy struct {
	Version      string           `json:"version"`
	Basis        string           `json:"basis"`    // migration.BasisDays and so on
	From         string           `json:"from"`     // migration.ServiceEnd or SalesStop
	Rounding     string           `json:"rounding"` // migration.RoundHalfEven and so on
	Discount     string           `json:"discount"` // migration.DiscountProportional and so on
	TaxPrices    string           `json:"tax_prices"`
	TaxKept      bool             `json:"tax_kept,omitempty"`
	Minimum      map[string]int64 `json:"minimum,omitempty"` // currency -> minor units
	BelowMinimum string           `json:"below_minimum"`
	Goodwill     []Goodwill       `json:"goodwill,omitempty"`
	Bonus        []Bonus          `json:"bonus,omitempty"`
}

// Goodwill is what a tier gets on top: basis points of the amount due, or a fixed amount per currency.
type Goodwill struct {
	Tier        string           `json:"tier"`
	BasisPoints int64            `json:"basis_points,omitempty"`
	Fixed       map[string]int64 `json:"fixed,omitempty"` // currency -> minor units
}

// Bonus is what credit toward a replacement gets on top; an empty key stands for every other replacement.
type Bonus struct {
	Replacement string `json:"replacement,omitempty"`
	BasisPoints int64  `json:"basis_points"`
}

// PolicyOf reads the policy of a programme that was checked; false when it settles nothing.
func PolicyOf(p *migration.Programme) (Policy, bool) {
	if p.Refund == nil {
		return Policy{}, false
	}
	r := p.Refund
	return Policy{Version: r.Version, Basis: r.Basis, From: r.From, Rounding: r.Rounding, Discount: r.Discount}, true
}
