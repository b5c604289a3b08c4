package migration

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"offramp/internal/money"
)

var versionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$`)

const (
	maxPoints        = 10_000 // basis points: the whole once more
	maxObjectionDays = 365
)

// entitlements checks the query from which payments are imported. It reads those of all customers.
func (c *checker) entitlements() {
	q := c.p.Entitlements
	if q == nil {
		return
	}
	c.query("entitlements", *q)
	if names := parameters(q.SQL); len(names) > 0 {
		c.errorf("entitlements.query", "uses :%s; the query for payments reads those of all customers and knows no parameter; give the column customer_ref", names[0])
	}
}

// refund checks the section by which what was prepaid is settled.
func (c *checker) refund() {
	r := c.p.Refund
	if r == nil {
		if c.p.Entitlements != nil {
			c.warnf("entitlements", "there is no section refund: payments would be imported and nothing settled")
		}
		return
	}
	if !c.p.Steps.Settle {
		c.warnf("refund", "steps.settle is not true: customers are not shown the step in which it is settled")
	}
	c.policy(*r)
	c.goodwill(r.Goodwill)
	c.bonus(*r)
	c.payout(r.Payout)
	c.within(r.Within)
	c.one("refund.credit_rest", r.CreditRest, false, RestKept, RestLost, RestPaid)
	if r.CreditRest == RestPaid && slices.Contains(r.Payout.Methods, SettleCredit) && !r.PaysToBanks() {
		c.errorf("refund.credit_rest", "paid needs bank among refund.payout.methods: the rest is paid to an account that the customer gives")
	}
	c.stores(r.Stores)
	c.amounts("refund.second_from", r.SecondFrom)
	c.amounts("refund.budget", r.Budget)
	if c.has("refund.objection_days") && (r.ObjectionDays < 1 || r.ObjectionDays > maxObjectionDays) {
		c.errorf("refund.objection_days", "must lie between 1 and %d", maxObjectionDays)
	}
}

// maxStageDays bounds what a customer is asked to wait for.
const maxStageDays = 365

// within checks the days of the stages.
func (c *checker) within(w Within) {
	if c.p.Steps.Settle && !c.has("refund.within") {
		c.warnf("refund", "within is missing: customers are not told when the money comes; give days for review, pay and bank")
	}
	for _, stage := range []struct {
		key  string
		days int
	}{{"review", w.Review}, {"pay", w.Pay}, {"bank", w.Bank}} {
		path := "refund.within." + stage.key
		if c.has(path) && (stage.days < 1 || stage.days > maxStageDays) {
			c.errorf(path, "must lie between 1 and %d days", maxStageDays)
		}
	}
}

// policy checks how quotes are worked out.
func (c *checker) policy(r RefundRules) {
	switch {
	case r.Version == "":
		c.errorf("refund.version", "is missing; name the policy, such as 2027-1, and change the name with the rules")
	case !versionPattern.MatchString(r.Version):
		c.errorf("refund.version", "%q must be letters, digits, dots, _ and -, at most 48", r.Version)
	}
	c.one("refund.basis", r.Basis, true, BasisDays, BasisMonths, BasisUsage)
	c.one("refund.from", r.From, true, SalesStop, ServiceEnd)
	c.one("refund.rounding", r.Rounding, false, RoundHalfEven, RoundHalfUp, RoundDown, RoundUp)
	c.one("refund.discount", r.Discount, false, DiscountProportional, DiscountFirst, DiscountFull)
	c.one("refund.tax.prices", r.Tax.Prices, false, TaxInclusive, TaxExclusive)
	c.amounts("refund.minimum", r.Minimum)
	c.one("refund.below_minimum", r.BelowMinimum, false, BelowCredit, BelowNothing)
	if r.BelowMinimum == BelowCredit && !r.Offers(SettleCredit) {
		c.errorf("refund.below_minimum", "is credit, which refund.payout.methods does not offer")
	}
}

// one checks a word among those that are known.
func (c *checker) one(path, value string, required bool, known ...string) {
	switch {
	case value == "" && (required || c.has(path)):
		c.errorf(path, "is missing; one of %s", strings.Join(known, ", "))
	case value != "" && !slices.Contains(known, value):
		c.errorf(path, "%q must be one of %s", value, strings.Join(known, ", "))
	}
}

// amounts checks that each currency is known and each amount has one reading in it.
func (c *checker) amounts(path string, a Amounts) {
	if a != nil && len(a) == 0 {
		c.errorf(path, "is empty; give an amount for each currency, such as CNY: \"10.00\"")
	}
	for _, code := range sortedKeys(a) {
		if _, err := money.Parse(a[code], code); err != nil {
			c.errorf(path+"."+code, "%v", err)
		}
	}
}

func (c *checker) points(path string, n int) {
	if n < 1 || n > maxPoints {
		c.errorf(path, "must lie between 1 and %d basis points: 100 are 1 %%", maxPoints)
	}
}

func (c *checker) goodwill(list []Goodwill) {
	for i, g := range list {
		path := fmt.Sprintf("refund.goodwill[%d]", i)
		switch {
		case g.Tier == "":
			c.errorf(path+".tier", "is missing; name a tier")
		case !slices.ContainsFunc(c.p.Tiers, func(t Tier) bool { return t.Key == g.Tier }):
			c.errorf(path+".tier", "there is no tier %q", g.Tier)
		case slices.IndexFunc(list, func(o Goodwill) bool { return o.Tier == g.Tier }) < i:
			c.errorf(path+".tier", "the tier %q is listed twice", g.Tier)
		}
		points, fixed := c.has(path+".basis_points"), c.has(path+".amount")
		switch {
		case points == fixed:
			c.errorf(path, "has %s; give exactly one of basis_points and amount", map[bool]string{true: "both", false: "none"}[points])
		case points:
			c.points(path+".basis_points", g.BasisPoints)
		default:
			c.amounts(path+".amount", g.Amount)
		}
	}
}

func (c *checker) bonus(r RefundRules) {
	if len(r.Bonus) > 0 && !r.Offers(SettleCredit) {
		c.errorf("refund.bonus", "is on credit, which refund.payout.methods does not offer")
	}
	for i, b := range r.Bonus {
		path := fmt.Sprintf("refund.bonus[%d]", i)
		_, known := c.p.Replacement(b.Replacement)
		switch {
		case b.Replacement == "" && c.has(path+".replacement"):
			c.errorf(path+".replacement", "is empty; name a replacement, or leave it out for all others")
		case b.Replacement != "" && !known:
			c.errorf(path+".replacement", "there is no replacement %q", b.Replacement)
		case slices.IndexFunc(r.Bonus, func(o Bonus) bool { return o.Replacement == b.Replacement }) < i && b.Replacement == "":
			c.errorf(path, "names no replacement, as another entry does already")
		case slices.IndexFunc(r.Bonus, func(o Bonus) bool { return o.Replacement == b.Replacement }) < i:
			c.errorf(path+".replacement", "the replacement %q is listed twice", b.Replacement)
		}
		c.points(path+".basis_points", b.BasisPoints)
	}
}

func (c *checker) payout(p PayoutRules) {
	if len(p.Methods) == 0 {
		c.errorf("refund.payout.methods", "is missing; list what customers may choose: %s, %s, %s, %s", SettleOriginal, SettleBank, SettleCredit, SettleWaive)
	}
	c.listed("refund.payout.methods", p.Methods, SettleOriginal, SettleBank, SettleCredit, SettleWaive)
	c.listed("refund.payout.accounts", p.Accounts, AccountIBAN, AccountCNCard, AccountCNCompany)
	bank := slices.Contains(p.Methods, SettleBank)
	switch {
	case bank && len(p.Accounts) == 0:
		c.errorf("refund.payout.accounts", "is missing; %s is offered, so list the kinds of account: %s, %s, %s", SettleBank, AccountIBAN, AccountCNCard, AccountCNCompany)
	case !bank && len(p.Accounts) > 0:
		c.errorf("refund.payout.accounts", "is for %s, which methods does not offer", SettleBank)
	case slices.Contains(p.Methods, SettleOriginal) && !bank:
		c.warnf("refund.payout.methods", "does not offer %s: a card that was closed could not be refunded at all", SettleBank)
	}
}

// listed checks a list of words, each known and there once.
func (c *checker) listed(path string, list []string, known ...string) {
	for i, word := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		c.one(at, word, true, known...)
		if slices.Index(list, word) < i {
			c.errorf(at, "%s is listed twice", word)
		}
	}
}

func (c *checker) stores(list []Store) {
	for i, s := range list {
		path := fmt.Sprintf("refund.stores[%d]", i)
		c.one(path+".method", s.Method, true, "app_store", "play_store")
		if slices.IndexFunc(list, func(o Store) bool { return o.Method == s.Method }) < i && s.Method != "" {
			c.errorf(path+".method", "%s is listed twice", s.Method)
		}
		if err := webAddress(s.URL); err != nil {
			c.errorf(path+".url", "%v", err)
		}
		c.text(path+".text", s.Text, false)
	}
}

func webAddress(s string) error {
	u, err := url.Parse(s)
	if s == "" || err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return errors.New("must be a web address that begins with https://")
	}
	return nil
}

// setDefaults fills what the section may leave out.
func (r *RefundRules) setDefaults() {
	if r == nil {
		return
	}
	below := BelowNothing
	if r.Offers(SettleCredit) {
		below = BelowCredit
	}
	for _, d := range []struct {
		field *string
		value string
	}{{&r.Rounding, RoundHalfEven}, {&r.Discount, DiscountProportional}, {&r.Tax.Prices, TaxInclusive}, {&r.BelowMinimum, below}, {&r.CreditRest, RestKept}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if r.ObjectionDays == 0 {
		r.ObjectionDays = defaultObjectionDays
	}
}
