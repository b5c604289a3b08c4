package quote

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"offramp/internal/money"
	"offramp/migration"
)

// Policy is how a programme works out what is given back: the refund section of its file with its amounts in minor units.
type Policy struct {
	Version      string           `json:"version"`
	Basis        string           `json:"basis"`    // migration.BasisDays and so on
	From         string           `json:"from"`     // migration.ServiceEnd or SalesStop
	Rounding     money.Mode       `json:"rounding"` //
	Discount     string           `json:"discount"` // migration.DiscountProportional and so on
	TaxPrices    string           `json:"tax_prices"`
	TaxKept      bool             `json:"tax_kept,omitempty"`
	Minimum      map[string]int64 `json:"minimum,omitempty"` // currency -> minor units
	BelowMinimum string           `json:"below_minimum"`     // migration.BelowCredit or BelowNothing
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
	r := p.Refund
	if r == nil {
		return Policy{}, false
	}
	policy := Policy{
		Version: r.Version, Basis: r.Basis, From: r.From, Rounding: money.Mode(r.Rounding), Discount: r.Discount,
		TaxPrices: r.Tax.Prices, TaxKept: r.Tax.Kept, Minimum: r.Minimum.Minor(), BelowMinimum: r.BelowMinimum,
	}
	for _, g := range r.Goodwill {
		policy.Goodwill = append(policy.Goodwill, Goodwill{g.Tier, int64(g.BasisPoints), g.Amount.Minor()})
	}
	for _, b := range r.Bonus {
		policy.Bonus = append(policy.Bonus, Bonus{b.Replacement, int64(b.BasisPoints)})
	}
	return policy, true
}

// Digest is the SHA-256 of the policy's canonical form, in hexadecimal. It tells two policies of one name apart.
func (p Policy) Digest() (string, error) {
	raw, err := json.Marshal(p) // keys of maps are sorted
	if err != nil {
		return "", fmt.Errorf("digest of policy %s: %w", p.Version, err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// goodwill is what a tier gets; the zero value is nothing.
func (p Policy) goodwill(tier string) Goodwill {
	for _, g := range p.Goodwill {
		if g.Tier == tier {
			return g
		}
	}
	return Goodwill{}
}
