package quote_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"offramp/internal/money"
	"offramp/migration"
	"offramp/migration/refund/quote"
)

// die throws numbers: rapid's, which are made smaller when a case fails, or those of a fixed seed, which are fast.
type die func(least, most int64) int64

func (d die) among(list ...string) string { return list[d(0, int64(len(list)-1))] }

func (d die) once(in int64) bool { return d(1, in) == 1 }

// day throws a day between 2023 and 2030, so that leap days and the ends of years are among them.
func (d die) day() migration.Day { return migration.NewDay(2023, 1, 1).AddDays(int(d(0, 8*365))) }

// amount throws small and large amounts alike.
func (d die) amount() int64 {
	return d(0, []int64{1, 3, 100, 99_999, 1_000_000_00, 1_000_000_000_000}[d(0, 5)])
}

func (d die) policy() quote.Policy {
	p := quote.Policy{
		Version:  "any",
		Basis:    d.among(migration.BasisDays, migration.BasisDays, migration.BasisMonths, migration.BasisUsage),
		From:     migration.ServiceEnd,
		Rounding: money.Mode(d.among(migration.RoundHalfEven, migration.RoundHalfUp, migration.RoundDown, migration.RoundUp)),
		Discount: d.among(migration.DiscountProportional, migration.DiscountFirst, migration.DiscountFull), TaxPrices: d.among(migration.TaxInclusive, migration.TaxExclusive), TaxKept: d.once(3),
		BelowMinimum: d.among(migration.BelowCredit, migration.BelowNothing),
	}
	if d.once(3) {
		p.Minimum = map[string]int64{"CNY": d.amount(), "JPY": d.amount()}
	}
	if d.once(2) {
		p.Goodwill = []quote.Goodwill{{Tier: "core", BasisPoints: d(1, 10_000)}}
		if d.once(2) {
			p.Goodwill = []quote.Goodwill{{Tier: "core", Fixed: map[string]int64{"CNY": d.amount(), "KWD": d.amount()}}}
		}
	}
	if d.once(2) {
		p.Bonus = []quote.Bonus{{BasisPoints: d(0, 10_000)}, {Replacement: "boat", BasisPoints: d(1, 10_000)}}
	}
	return p
}

func (d die) payment(ref string) quote.Payment {
	p := quote.Payment{
		Ref: ref, Method: quote.Methods[d(0, int64(len(quote.Methods)-1))], Currency: d.among("CNY", "JPY", "KWD"),
		Gross: d.amount(), PeriodStart: d.day(), Units: d(0, 1000), UnitsUsed: d(0, 1000),
	}
	p.PeriodEnd = p.PeriodStart.AddDays(int(d(0, []int64{1, 31, 366, 1200}[d(0, 3)])))
	p.Discount = d(0, 2) * d(0, p.Gross) / 2
	p.Tax = d(0, 1) * d(0, p.Gross-p.Discount)
	p.Refunded = d(0, 1) * d(0, p.Gross-p.Discount)
	p.Credited = d(0, 1) * d(0, p.Gross-p.Discount-p.Refunded)
	return p
}

func (d die) input(payments int) quote.Input {
	in := quote.Input{Policy: d.policy(), Tier: "core", LastDay: d.day(), AsOf: migration.NewDay(2026, 11, 25)}
	for i := range payments {
		in.Entitlement.Payments = append(in.Entitlement.Payments, d.payment(string(rune('a'+i))))
	}
	return in
}

// broken says which promise of a quote is not kept; empty: none.
func broken(in quote.Input, quotes []quote.Quote) string {
	payments := 0
	for _, q := range quotes {
		var total int64
		for _, p := range q.Parts {
			payments++
			pay := p.Payment
			if pay.Currency != q.Currency {
				return "a payment in another currency"
			}
			paid := pay.Gross - pay.Discount
			if in.Policy.TaxPrices == migration.TaxExclusive {
				paid += pay.Tax
			}
			var sum int64
			for _, l := range p.Lines {
				sum += l.Amount
			}
			switch {
			case sum != p.Amount:
				return "the lines do not sum to the part"
			case p.Amount < 0:
				return "a negative part"
			case p.Paid != paid:
				return "not what was paid"
			case p.Amount > max(0, paid-pay.Refunded-pay.Credited):
				return "more than was paid less what was given back"
			case pay.Method.ByStore() && p.Amount != 0:
				return "an app store's purchase is paid back"
			}
			total += p.Amount
		}
		if fault := settled(in.Policy, q, total); fault != "" {
			return fault
		}
	}
	if payments != len(in.Entitlement.Payments) {
		return "a payment is missing or there twice"
	}
	return ""
}

func settled(p quote.Policy, q quote.Quote, total int64) string {
	below := total > 0 && total < p.Minimum[q.Currency]
	refund, credit := total, total
	if below {
		refund = 0
	}
	if below && p.BelowMinimum == migration.BelowNothing {
		credit = 0
	}
	switch {
	case q.Total != total:
		return "the parts do not sum to the total"
	case q.Refund != refund:
		return "not the minimum's refund"
	case len(q.Credits) == 0:
		return "no credit"
	}
	for _, c := range q.Credits {
		if c.Total-c.Bonus.Amount != credit || c.Bonus.Amount < 0 || c.Bonus.Amount > credit {
			return "not the minimum's credit"
		}
	}
	return ""
}

// TestF11_PartsSumToTheWhole holds every promise of a quote against a million payments in a hundred thousand and more
// quotes: parts sum to the whole, never more than was paid, never negative, across leap days and three kinds of currency.
func TestF11_PartsSumToTheWhole(t *testing.T) {
	t.Parallel()
	const cases = 1_000_000
	source := rand.New(rand.NewPCG(20418, 2027)) // the same cases in every run
	throw := die(func(least, most int64) int64 { return least + source.Int64N(most-least+1) })
	began := time.Now()
	var positive, limited, leap int
	for done := 0; done < cases; {
		in := throw.input(int(throw(1, 8)))
		done += len(in.Entitlement.Payments)
		quotes, err := quote.Compute(in)
		if err != nil {
			t.Fatalf("%+v: %v", in, err)
		}
		if fault := broken(in, quotes); fault != "" {
			t.Fatalf("%s:\n%+v\n%+v", fault, in, quotes)
		}
		for _, q := range quotes {
			for _, p := range q.Parts {
				if p.Amount > 0 {
					positive++
				}
				if p.Amount > 0 && p.Amount == p.Paid-p.Payment.Refunded-p.Payment.Credited {
					limited++
				}
				if february := migration.NewDay(2024, 2, 29); !february.Before(p.Payment.PeriodStart) && !february.After(p.Payment.PeriodEnd) {
					leap++
				}
			}
		}
	}
	t.Logf("%d payments in %s: %d give something, %d all that is left, %d over a leap day", cases, time.Since(began).Round(time.Millisecond), positive, limited, leap)
	if positive < cases/20 || limited < cases/100 || leap < cases/50 {
		t.Errorf("the cases are too tame: %d, %d, %d", positive, limited, leap)
	}
}

// TestF11_AnyQuoteKeepsItsPromises searches for a small counterexample and also holds the canonical form.
func TestF11_AnyQuoteKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		throw := die(func(least, most int64) int64 { return rapid.Int64Range(least, most).Draw(t, "n") })
		in := throw.input(int(throw(0, 5)))
		quotes, err := quote.Compute(in)
		if err != nil {
			t.Fatal(err)
		}
		if fault := broken(in, quotes); fault != "" {
			t.Fatal(fault)
		}
		for _, q := range quotes {
			frozen, err := q.Canonical()
			if err != nil {
				t.Fatal(err)
			}
			back, err := quote.Read(frozen)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := back.Canonical(); string(again) != string(frozen) {
				t.Fatalf("frozen %s\nthawed %s", frozen, again)
			}
		}
	})
}

// TestF11_ALaterEndNeverGivesMore moves the last day on by a day: what was used cannot become unused.
func TestF11_ALaterEndNeverGivesMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		throw := die(func(least, most int64) int64 { return rapid.Int64Range(least, most).Draw(t, "n") })
		in := throw.input(1)
		in.Policy.Goodwill = nil
		in.Policy.Discount = migration.DiscountFirst // one rounding; two may differ by the last unit
		before, err := quote.Compute(in)
		if err != nil {
			t.Fatal(err)
		}
		in.LastDay = in.LastDay.AddDays(1)
		after, err := quote.Compute(in)
		if err != nil {
			t.Fatal(err)
		}
		if in.Policy.TaxPrices == migration.TaxInclusive && in.Policy.TaxKept {
			return // here, too, two roundings meet
		}
		if after[0].Total > before[0].Total {
			t.Fatalf("%d after %d", after[0].Total, before[0].Total)
		}
	})
}

// TestF11_UsedAndUnusedAreTheWholePeriod counts day by day what the calculation counts by subtraction.
func TestF11_UsedAndUnusedAreTheWholePeriod(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		throw := die(func(least, most int64) int64 { return rapid.Int64Range(least, most).Draw(t, "n") })
		in := throw.input(1)
		in.Policy.Basis = migration.BasisDays
		p := &in.Entitlement.Payments[0]
		p.Method = quote.Card
		quotes, err := quote.Compute(in)
		if err != nil {
			t.Fatal(err)
		}
		var used, unused int64
		for d := p.PeriodStart; !d.After(p.PeriodEnd); d = d.AddDays(1) {
			if d.After(in.LastDay) {
				unused++
			} else {
				used++
			}
		}
		line := quotes[0].Parts[0].Lines[0]
		if unused == 0 {
			if line.Amount != 0 || line.Key != "refundquote.unused.days_none" {
				t.Fatalf("nothing is unused: %+v", line)
			}
			return
		}
		if line.Args.Part != unused || line.Args.Whole != used+unused {
			t.Fatalf("%d of %d, want %d of %d", line.Args.Part, line.Args.Whole, unused, used+unused)
		}
		if span := int64(line.Args.From.DaysUntil(line.Args.Until)) + 1; span != unused {
			t.Fatalf("%s to %s are %d days, want %d", line.Args.From, line.Args.Until, span, unused)
		}
	})
}

func ExampleCompute() {
	quotes, err := quote.Compute(quote.Input{
		Policy: quote.Policy{
			Version: "2027-1", Basis: migration.BasisDays, From: migration.ServiceEnd, Rounding: money.HalfEven,
			Discount: migration.DiscountProportional, TaxPrices: migration.TaxInclusive, BelowMinimum: migration.BelowCredit,
		},
		LastDay: migration.NewDay(2027, 1, 31),
		Entitlement: quote.Entitlement{Payments: []quote.Payment{{
			Ref: "PAY-1", Method: quote.Card, Currency: "CNY", Gross: 876000, Discount: 36500,
			PeriodStart: migration.NewDay(2026, 8, 4), PeriodEnd: migration.NewDay(2027, 8, 3),
		}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range quotes[0].Parts[0].Lines {
		fmt.Println(l.Kind, money.Format(l.Amount, "CNY"))
	}
	fmt.Println("total", money.Format(quotes[0].Total, "CNY"))
	// Output:
	// unused 4416.00
	// discount -184.00
	// total 4232.00
}
