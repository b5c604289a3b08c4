package quote_test

import (
	"strings"
	"testing"
	"time"

	"offramp/internal/money"
	"offramp/migration"
	"offramp/migration/refund/quote"
)

// yearly is a payment of a year, and plain a policy without anything special.
var (
	yearly = quote.Payment{
		Ref: "P1", PaidAt: time.Date(2026, 7, 20, 2, 0, 0, 0, time.UTC), Method: quote.Card, Currency: "CNY", Gross: 876000,
		PeriodStart: migration.NewDay(2026, 8, 1), PeriodEnd: migration.NewDay(2027, 7, 31),
	}
	plainPolicy = quote.Policy{
		Version: "v1", Basis: migration.BasisDays, From: migration.ServiceEnd, Rounding: money.HalfEven,
		Discount: migration.DiscountProportional, TaxPrices: migration.TaxInclusive, BelowMinimum: migration.BelowCredit,
	}
)

func one(t *testing.T, p quote.Policy, payments ...quote.Payment) quote.Quote {
	t.Helper()
	quotes, err := quote.Compute(quote.Input{Policy: p, LastDay: migration.NewDay(2027, 1, 31), Entitlement: quote.Entitlement{Version: 1, Payments: payments}})
	if err != nil || len(quotes) != 1 {
		t.Fatalf("%d quotes, %v", len(quotes), err)
	}
	return quotes[0]
}

// TestAFrozenQuoteThatWasAlteredIsRefused alters what was stored by hand.
func TestAFrozenQuoteThatWasAlteredIsRefused(t *testing.T) {
	t.Parallel()
	frozen, err := one(t, plainPolicy, yearly).Canonical()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := quote.Read(frozen); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"a line":        {`"key":"refundquote.unused.days","amount":434400`, `"key":"refundquote.unused.days","amount":434401`},
		"the part":      {`}}],"amount":434400`, `}}],"amount":434401`},
		"the total":     {`"total":434400,"refund"`, `"total":434401,"refund"`},
		"the refund":    {`"refund":434400`, `"refund":434401`},
		"what was paid": {`"paid":876000`, `"paid":434399`},
		"its form":      {`"parts":[`, `"parts":{`},
	} {
		altered := strings.Replace(string(frozen), change[0], change[1], 1)
		if altered == string(frozen) {
			t.Fatalf("%s: nothing is altered in %s", name, frozen)
		}
		if _, err := quote.Read([]byte(altered)); err == nil {
			t.Errorf("%s was altered and is read", name)
		}
	}
}

// TestPoliciesOfOneNameAreToldApart changes each part of a policy: its digest moves, and stays while nothing changes.
func TestPoliciesOfOneNameAreToldApart(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for name, change := range map[string]func(*quote.Policy){
		"nothing":  func(*quote.Policy) {},
		"basis":    func(p *quote.Policy) { p.Basis = migration.BasisMonths },
		"from":     func(p *quote.Policy) { p.From = migration.SalesStop },
		"rounding": func(p *quote.Policy) { p.Rounding = money.Up },
		"discount": func(p *quote.Policy) { p.Discount = migration.DiscountFull },
		"prices":   func(p *quote.Policy) { p.TaxPrices = migration.TaxExclusive },
		"kept":     func(p *quote.Policy) { p.TaxKept = true },
		"minimum":  func(p *quote.Policy) { p.Minimum = map[string]int64{"CNY": 1} },
		"below":    func(p *quote.Policy) { p.BelowMinimum = migration.BelowNothing },
		"goodwill": func(p *quote.Policy) { p.Goodwill = []quote.Goodwill{{Tier: "a", BasisPoints: 1}} },
		"fixed":    func(p *quote.Policy) { p.Goodwill = []quote.Goodwill{{Tier: "a", Fixed: map[string]int64{"CNY": 1}}} },
		"bonus":    func(p *quote.Policy) { p.Bonus = []quote.Bonus{{BasisPoints: 1}} },
	} {
		p := plainPolicy
		change(&p)
		digest, err := p.Digest()
		again, _ := p.Digest()
		if err != nil || len(digest) != 64 || digest != again {
			t.Fatalf("%s: %q, %q, %v", name, digest, again, err)
		}
		if other, taken := seen[digest]; taken {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[digest] = name
	}
}

func TestPaymentsThatCannotBeCountedAreNamed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*quote.Payment){
		"ref is empty":          func(p *quote.Payment) { p.Ref = "" },
		"none of ISO 4217":      func(p *quote.Payment) { p.Currency = "XXZ" },
		"method":                func(p *quote.Payment) { p.Method = "cash" },
		"gross is out of range": func(p *quote.Payment) { p.Gross = -1 },
		"tax is out of range":   func(p *quote.Payment) { p.Tax = money.Max + 1 },
		"discount":              func(p *quote.Payment) { p.Discount = p.Gross + 1 },
		"more than was paid":    func(p *quote.Payment) { p.Refunded = p.Gross + 1 },
		"no start or no end":    func(p *quote.Payment) { p.PeriodEnd = migration.Day{} },
		"lies before":           func(p *quote.Payment) { p.PeriodEnd = p.PeriodStart.AddDays(-1) },
		"longer than 50 years":  func(p *quote.Payment) { p.PeriodEnd = p.PeriodStart.AddDays(366*50 + 1) },
		"units_used is out of":  func(p *quote.Payment) { p.UnitsUsed = -1 },
	} {
		p := yearly
		change(&p)
		_, err := quote.Compute(quote.Input{Policy: plainPolicy, Entitlement: quote.Entitlement{Payments: []quote.Payment{p}}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := quote.Compute(quote.Input{Policy: plainPolicy, Entitlement: quote.Entitlement{Payments: []quote.Payment{yearly, yearly}}}); err == nil || !strings.Contains(err.Error(), "there twice") {
		t.Errorf("a payment twice: %v", err)
	}
	bad := plainPolicy
	bad.Rounding = "near"
	if _, err := quote.Compute(quote.Input{Policy: bad, Entitlement: quote.Entitlement{Payments: []quote.Payment{yearly}}}); err == nil {
		t.Error("rounded by a mode that is unknown")
	}
}

// TestF11_TheLastDayIsTheProgrammesWhateverTheServersZone works the same quote out from instants at both ends of that day.
func TestF11_TheLastDayIsTheProgrammesWhateverTheServersZone(t *testing.T) {
	t.Parallel()
	p := boats(t)
	for _, zone := range []string{"Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati", "UTC"} {
		place, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 11, 24, 16, 30, 0, 0, time.UTC).In(place) // half past midnight on the 25th in Shanghai
		in, ok := quote.For(p, migration.Customer{Tier: "standard"}, quote.Entitlement{Payments: []quote.Payment{yearly}}, now)
		if !ok || in.LastDay != migration.NewDay(2027, 1, 31) || in.AsOf != migration.NewDay(2026, 11, 25) {
			t.Errorf("%s: %s, %s", zone, in.LastDay, in.AsOf)
		}
	}
	later := migration.Customer{Extensions: map[string]migration.Day{migration.ServiceEnd: migration.NewDay(2027, 2, 28)}}
	if in, _ := quote.For(p, later, quote.Entitlement{}, time.Now()); in.LastDay != migration.NewDay(2027, 2, 28) {
		t.Errorf("the customer's own day: %s", in.LastDay)
	}
	without := *p
	without.Refund = nil
	if _, ok := quote.For(&without, later, quote.Entitlement{}, time.Now()); ok {
		t.Error("a programme that settles nothing has a quote")
	}
}

// TestF12_AQuoteIsInOneCurrency sorts payments of three currencies into three quotes.
func TestF12_AQuoteIsInOneCurrency(t *testing.T) {
	t.Parallel()
	var payments []quote.Payment
	for i, code := range []string{"USD", "JPY", "CNY", "USD", "JPY"} {
		p := yearly
		p.Ref, p.Currency = string(rune('a'+i)), code
		payments = append(payments, p)
	}
	quotes, err := quote.Compute(quote.Input{Policy: plainPolicy, LastDay: migration.NewDay(2027, 1, 31), Entitlement: quote.Entitlement{Payments: payments}})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, q := range quotes {
		got += q.Currency + ":"
		for _, p := range q.Parts {
			got += p.Payment.Ref
			if p.Payment.Currency != q.Currency {
				t.Errorf("a payment in %s in a quote in %s", p.Payment.Currency, q.Currency)
			}
		}
		got += " "
	}
	if got != "CNY:c JPY:be USD:ad " {
		t.Error(got)
	}
}
