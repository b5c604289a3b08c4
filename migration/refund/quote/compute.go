package quote

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"offramp/internal/money"
	"offramp/migration"
)

var (
	errTooLarge = errors.New("the amounts are too large to be added")
	errPolicy   = errors.New("the policy cannot be counted by")
)

// For returns the input of a customer's quotes at an instant. It is false when the programme settles nothing.
func For(p *migration.Programme, c migration.Customer, e Entitlement, now time.Time) (Input, bool) {
	policy, ok := PolicyOf(p)
	if !ok {
		return Input{}, false
	}
	end, _ := p.Deadline(policy.From, c.Extensions) // every programme has both milestones that a policy may name
	return Input{
		Policy: policy, Tier: c.Tier, Entitlement: e, LastDay: migration.DayOf(end), AsOf: migration.DayOf(now.In(p.Zone)),
	}, ok
}

// Compute works out one quote for each currency in which the customer has paid, by its code. The error names the payment
// that cannot be counted.
func Compute(in Input) ([]Quote, error) {
	digest, err := in.Policy.Digest()
	if err != nil {
		return nil, err
	}
	payments := slices.Clone(in.Entitlement.Payments)
	slices.SortFunc(payments, func(a, b Payment) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), b.PeriodStart.DaysUntil(a.PeriodStart), cmp.Compare(a.Ref, b.Ref))
	})
	var quotes []Quote
	seen := make(map[string]bool, len(payments))
	for i, p := range payments {
		if err := p.Check(); err != nil {
			return nil, fmt.Errorf("payment %s: %w", p.Ref, err)
		}
		if seen[p.Ref] {
			return nil, fmt.Errorf("payment %s is there twice", p.Ref)
		}
		seen[p.Ref] = true
		if i == 0 || p.Currency != payments[i-1].Currency {
			quotes = append(quotes, Quote{
				PolicyVersion: in.Policy.Version, PolicyDigest: digest, EntitlementVersion: in.Entitlement.Version,
				AsOf: in.AsOf, LastDay: in.LastDay, Basis: in.Policy.Basis, From: in.Policy.From, Rounding: in.Policy.Rounding,
				Currency: p.Currency,
			})
		}
		q := &quotes[len(quotes)-1]
		q.Parts = append(q.Parts, Part{Payment: p.normal(), Paid: p.paid(in.Policy)})
	}
	for i := range quotes {
		c := counter{policy: in.Policy, goodwill: in.Policy.goodwill(in.Tier), lastDay: in.LastDay, quote: &quotes[i]}
		if err := c.count(); err != nil {
			return nil, fmt.Errorf("quote in %s: %w", quotes[i].Currency, err)
		}
	}
	return quotes, nil
}

// normal writes an instant as it comes back from the database, so that the same payment has the same bytes.
func (p Payment) normal() Payment {
	p.PaidAt = p.PaidAt.UTC().Truncate(time.Microsecond)
	return p
}

// counter works out one quote. A number that does not fit is remembered and ends the whole.
type counter struct {
	policy   Policy
	goodwill Goodwill
	lastDay  migration.Day
	quote    *Quote
	failed   error
}

func (c *counter) count() error {
	q := c.quote
	for i := range q.Parts {
		c.part(&q.Parts[i])
	}
	c.fixedGoodwill()
	for _, p := range q.Parts {
		total, fits := money.Add(q.Total, p.Amount)
		if !fits {
			return errTooLarge
		}
		q.Total = total
	}
	c.settle()
	if c.failed != nil {
		return c.failed
	}
	return q.check()
}

func (c *counter) share(amount, part, whole int64) int64 {
	n, ok := money.Share(amount, part, whole, c.policy.Rounding)
	if !ok {
		c.failed = errPolicy
	}
	return n
}

// add puts a line under a part. Its wording is found by its kind and what distinguishes lines of one kind.
func (p *Part) add(kind Kind, variant string, amount int64, a Args) {
	key := "refundquote." + string(kind)
	if variant != "" {
		key += "." + variant
	}
	p.Lines = append(p.Lines, Line{Kind: kind, Key: key, Amount: amount, Args: a})
	p.Amount += amount
}

// take puts a line that takes away under a part, no more than is there.
func (p *Part) take(kind Kind, variant string, amount int64, a Args) {
	taken := min(amount, p.Amount)
	if taken < amount {
		a.Result = amount
		variant = join(variant, "partly")
	}
	p.add(kind, variant, -taken, a)
}

func join(variant, more string) string {
	if variant == "" {
		return more
	}
	return variant + "_" + more
}

// part counts what one payment gives, in the order that the package comment shows.
func (c *counter) part(p *Part) {
	pay := p.Payment
	p.Lines = make([]Line, 0, 4) // price, discount, tax, and one more
	if pay.Method.ByStore() {
		p.add(ByStore, string(pay.Method), 0, Args{})
		return
	}
	s := pay.unused(c.policy.Basis, c.lastDay)
	if s.whole == 0 {
		p.add(Unused, "uncounted", 0, Args{})
		return
	}
	c.price(p, s)
	c.tax(p, s)
	if pay.Refunded > 0 {
		p.take(Refunded, "", pay.Refunded, Args{Of: pay.Refunded})
	}
	if pay.Credited > 0 {
		p.take(Credited, "", pay.Credited, Args{Of: pay.Credited})
	}
	if c.goodwill.BasisPoints > 0 && p.Amount > 0 {
		good, ok := money.Points(p.Amount, c.goodwill.BasisPoints, c.policy.Rounding)
		if !ok {
			c.failed = errPolicy
		}
		p.give("points", good, Args{Of: p.Amount, Points: c.goodwill.BasisPoints})
	}
}

// price counts the unused part of the price less the discount.
func (c *counter) price(p *Part, s share) {
	pay := p.Payment
	a := Args{Of: pay.Gross, Part: s.part, Whole: s.whole, From: s.from, Until: s.until}
	first := c.policy.Discount == migration.DiscountFirst && pay.Discount > 0
	switch {
	case s.part == 0:
		p.add(Unused, c.policy.Basis+"_none", 0, a)
		return
	case first:
		a.Of, a.Less = pay.Gross-pay.Discount, pay.Discount
		p.add(Unused, c.policy.Basis+"_less", c.share(a.Of, s.part, s.whole), a)
		return
	}
	p.add(Unused, c.policy.Basis, c.share(pay.Gross, s.part, s.whole), a)
	switch {
	case pay.Discount == 0:
	case c.policy.Discount == migration.DiscountFull:
		p.take(Discount, "full", pay.Discount, Args{Of: pay.Discount})
	default:
		p.take(Discount, "proportional", c.share(pay.Discount, s.part, s.whole), Args{Of: pay.Discount, Part: s.part, Whole: s.whole})
	}
}

// tax counts the tax of what is given back: by the same part as the price, or, where the whole discount was taken off, by
// the price that is left.
func (c *counter) tax(p *Part, s share) {
	pay := p.Payment
	if pay.Tax == 0 || p.Amount == 0 {
		return
	}
	a := Args{Of: pay.Tax, Part: s.part, Whole: s.whole}
	by := ""
	if c.policy.Discount == migration.DiscountFull && pay.Discount > 0 {
		a.Part, a.Whole, by = p.Amount, pay.Gross-pay.Discount, "_price"
	}
	tax := c.share(a.Of, a.Part, a.Whole)
	switch inclusive := c.policy.TaxPrices != migration.TaxExclusive; {
	case inclusive && c.policy.TaxKept:
		p.take(Tax, "kept"+by, tax, a)
	case inclusive:
		a.Result = tax
		p.add(Tax, "contained"+by, 0, a)
	case c.policy.TaxKept:
		p.add(Tax, "not_refunded", 0, Args{Of: pay.Tax})
	default:
		p.add(Tax, "added"+by, tax, a)
	}
}

// room is what of a payment is left to be given back.
func (p *Part) room() int64 {
	return max(0, p.Paid-p.Payment.Refunded-p.Payment.Credited-p.Amount)
}

// give puts goodwill under a part, at most up to what was paid.
func (p *Part) give(variant string, amount int64, a Args) {
	given := min(amount, p.room())
	if given < amount {
		a.Result = amount
		variant = join(variant, "partly")
	}
	p.add(Good, variant, given, a)
}

// fixedGoodwill divides a fixed amount among the payments that give something, by what is left of each.
func (c *counter) fixedGoodwill() {
	fixed := c.goodwill.Fixed[c.quote.Currency]
	if fixed == 0 {
		return
	}
	var parts []*Part
	var rooms []int64
	for i := range c.quote.Parts {
		if p := &c.quote.Parts[i]; p.Amount > 0 && p.room() > 0 {
			parts, rooms = append(parts, p), append(rooms, p.room())
		}
	}
	sum, fits := money.Sum(rooms...)
	if !fits {
		c.failed = errTooLarge
	}
	if len(parts) == 0 || !fits {
		return
	}
	shares, ok := money.Divide(min(fixed, sum), rooms)
	if !ok {
		c.failed = errPolicy
		return
	}
	for i, p := range parts {
		if shares[i] > 0 {
			p.give("fixed", shares[i], Args{Of: fixed})
		}
	}
}

// settle decides what is paid out and what may be credited.
func (c *counter) settle() {
	q := c.quote
	q.Refund = q.Total
	creditable := q.Total
	least := c.policy.Minimum[q.Currency]
	switch {
	case q.Total == 0:
		q.Notes = append(q.Notes, Line{Kind: Nothing, Key: "refundquote.nothing." + c.why()})
	case q.Total < least:
		q.Refund = 0
		if c.policy.BelowMinimum != migration.BelowCredit {
			creditable = 0
		}
		q.Notes = append(q.Notes, Line{Kind: Minimum, Key: "refundquote.minimum." + c.policy.BelowMinimum, Args: Args{Of: least, Result: q.Total}})
	}
	q.Credits = []Credit{c.credit(Bonus{}, creditable)}
	for _, b := range c.policy.Bonus {
		if b.Replacement == "" {
			q.Credits[0] = c.credit(b, creditable)
		} else {
			q.Credits = append(q.Credits, c.credit(b, creditable))
		}
	}
}

// why says why nothing is left.
func (c *counter) why() string {
	store := true
	for _, p := range c.quote.Parts {
		store = store && p.Payment.Method.ByStore()
		for _, l := range p.Lines {
			if (l.Kind == Refunded || l.Kind == Credited) && l.Amount < 0 {
				return "given"
			}
		}
	}
	if store {
		return "store"
	}
	return "used"
}

func (c *counter) credit(b Bonus, amount int64) Credit {
	extra, ok := money.Points(amount, b.BasisPoints, c.policy.Rounding)
	total, fits := money.Add(amount, extra)
	if !ok || !fits {
		c.failed = errTooLarge
	}
	return Credit{
		Replacement: b.Replacement, Total: total,
		Bonus: Line{Kind: Extra, Key: "refundquote.bonus", Amount: extra, Args: Args{Of: amount, Points: b.BasisPoints}},
	}
}
