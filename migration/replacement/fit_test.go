package replacement_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/migration"
	"offramp/migration/replacement"
)

// uses is a usage with every count known.
func uses(counts map[string]int64) replacement.Usage {
	u := replacement.Usage{}
	for key, n := range counts {
		u[key] = replacement.Count{Uses: n, Known: true, AsOf: today}
	}
	return u
}

// spell writes a fit in a line: each list with the features and the key of their sentences.
func spell(f replacement.Fit) string {
	var out []string
	for _, part := range []struct {
		name  string
		lines []replacement.Line
	}{{"covered", f.Covered}, {"work", f.Work}, {"lost", f.Lost}, {"not said", f.NotSaid}, {"unknown", f.Unknown}, {"unused", f.Unused}} {
		for _, l := range part.lines {
			out = append(out, fmt.Sprintf("%s %s %d %s", part.name, l.Feature.Key, l.Count.Uses, l.Sentence()))
		}
	}
	return strings.Join(out, "; ")
}

func TestFitSaysWhatBecomesOfWhatIsUsed(t *testing.T) {
	t.Parallel()
	p := read(t, source)
	next, _ := p.Replacement("next")
	paper, _ := p.Replacement("paper")
	for name, c := range map[string]struct {
		r    migration.Replacement
		u    replacement.Usage
		want string
	}{
		"everything": {next, uses(map[string]int64{"rules": 14, "horns": 2, "crew": 20}), "covered crew 20 fit.covered; work horns 2 fit.work; lost rules 14 fit.lost"},
		"little":     {next, uses(map[string]int64{"rules": 0, "horns": 0, "crew": 1}), "covered crew 1 fit.covered; unused rules 0 fit.lost; unused horns 0 fit.work"},
		"not known":  {next, replacement.Usage{"rules": {Uses: 3}}, "unknown rules 3 fit.unknown; unknown horns 0 fit.unknown; unknown crew 0 fit.unknown"},
		"not said":   {paper, uses(map[string]int64{"rules": 1}), "not said rules 1 fit.not_said; unknown horns 0 fit.unknown; unknown crew 0 fit.unknown"},
	} {
		if got := spell(replacement.Of(p, c.r, c.u)); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestARecommendationNamesItsReason(t *testing.T) {
	t.Parallel()
	withdrawn := strings.Replace(source, "  - key: fleet\n", "  - key: fleet\n    withdrawn: true\n", 1)
	tie := strings.Replace(source, "{feature: rules, has: all}", "{feature: crew, has: all}", 1)
	for name, c := range map[string]struct {
		src  string
		u    replacement.Usage
		want string
	}{
		"all":            {source, uses(map[string]int64{"rules": 14, "horns": 2}), "fleet 2 of 2 fit.reason.all"},
		"most":           {source, uses(map[string]int64{"rules": 14, "horns": 2, "crew": 1}), "fleet 2 of 3 fit.reason.most"},
		"withdrawn":      {withdrawn, uses(map[string]int64{"rules": 14, "horns": 2, "crew": 1}), "next 1 of 3 fit.reason.most"},
		"tie by order":   {tie, uses(map[string]int64{"crew": 1}), "next 1 of 1 fit.reason.all"},
		"tie by losses":  {tie, uses(map[string]int64{"rules": 1, "crew": 1}), "fleet 1 of 2 fit.reason.most"},
		"nothing used":   {source, uses(map[string]int64{"rules": 0}), ""},
		"nothing known":  {source, nil, ""},
		"switched off":   {strings.Replace(source, "choice: {", `choice: {recommend: "off", `, 1), uses(map[string]int64{"rules": 14}), ""},
		"nothing covers": {withdrawn, uses(map[string]int64{"rules": 14}), ""},
	} {
		r, ok := replacement.Recommend(read(t, c.src), c.u)
		got := ""
		if ok {
			got = fmt.Sprintf("%s %d of %d %s", r.Replacement, r.Covered, r.Used, r.Reason)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestPricesAreForThisCustomer(t *testing.T) {
	t.Parallel()
	p := read(t, strings.Replace(source, "choice: {seats: seats}", "choice: {seats: seats, period: billing}", 1))
	before, after := today, time.Date(2026, time.December, 20, 16, 0, 0, 0, time.UTC) // midnight in Shanghai
	for name, c := range map[string]struct {
		key        string
		tier       string
		attributes map[string]string
		now        time.Time
		want       replacement.Price
	}{
		"a seat, a year":   {"next", "team", map[string]string{"seats": " 20 "}, before, replacement.Price{Model: "seat_month", Currency: "EUR", Unit: 990, Seats: 20, Months: 12, Total: 237600, ToPay: 237600, Summed: true}},
		"a seat, a month":  {"next", "team", map[string]string{"seats": "20", "billing": "Month"}, before, replacement.Price{Model: "seat_month", Currency: "EUR", Unit: 990, Seats: 20, Months: 1, Total: 19800, ToPay: 19800, Summed: true}},
		"seats not known":  {"next", "team", nil, before, replacement.Price{Model: "seat_month", Currency: "EUR", Unit: 990, Months: 12, Total: 11880, ToPay: 11880}},
		"seats are absurd": {"next", "team", map[string]string{"seats": "99999999999"}, before, replacement.Price{Model: "seat_month", Currency: "EUR", Unit: 990, Months: 12, Total: 11880, ToPay: 11880}},
		"with the offer":   {"fleet", "team", nil, before, replacement.Price{Model: "flat_year", Currency: "EUR", Unit: 120000, Months: 12, Total: 120000, Discount: 2500, ToPay: 90000, Summed: true}},
		"of another tier":  {"fleet", "core", nil, before, replacement.Price{Model: "flat_year", Currency: "EUR", Unit: 120000, Months: 12, Total: 120000, ToPay: 120000, Summed: true}},
		"after the offer":  {"fleet", "team", nil, after, replacement.Price{Model: "flat_year", Currency: "EUR", Unit: 120000, Months: 12, Total: 120000, ToPay: 120000, Summed: true}},
		"free":             {"paper", "team", nil, before, replacement.Price{Model: "free", Summed: true}},
	} {
		r, _ := p.Replacement(c.key)
		if got := replacement.PriceFor(p, r, migration.Customer{Tier: c.tier, Attributes: c.attributes}, c.now); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	fleet, _ := p.Replacement("fleet")
	last := fleet.Offer.Until.End(p.Zone)
	for at, want := range map[time.Time]replacement.OfferState{last: replacement.OfferOpen, last.Add(1): replacement.OfferEnded} {
		if got, until := replacement.OfferFor(p, fleet, "team", at); got != want || !until.Equal(last) {
			t.Errorf("at %s: %s until %s", at, got, until)
		}
	}
}

func TestADiscountIsRoundedForTheCustomer(t *testing.T) {
	t.Parallel()
	p := read(t, source)
	r, _ := p.Replacement("fleet")
	price, offer := *r.Price, *r.Offer
	price.Amount, offer.Discount = 999, 3335 // 333.1665 off
	r.Price, r.Offer = &price, &offer
	if got := replacement.PriceFor(p, r, migration.Customer{Tier: "team"}, today); got.ToPay != 666 {
		t.Errorf("%+v", got)
	}
	price.Amount, offer.Discount = 5, 5000 // 2.5 off
	if got := replacement.PriceFor(p, r, migration.Customer{Tier: "team"}, today); got.ToPay != 2 {
		t.Errorf("%+v", got)
	}
}
