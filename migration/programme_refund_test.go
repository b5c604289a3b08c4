package migration_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"offramp/migration"
)

// settling is the sound programme with a refund section that says everything.
var settling = sound + `steps:
  settle: true
replacements:
  - key: fleet
    name: {en: Fleet, zh-CN: 船队}
entitlements:
  source: product
  query: select * from payments order by customer_ref
refund:
  version: 2027-1
  basis: days
  from: service_end
  rounding: half_up
  discount: full
  tax: {prices: exclusive, kept: true}
  minimum: {CNY: "10.00", JPY: "200"}
  below_minimum: nothing
  goodwill:
    - {tier: core, basis_points: 500}
    - tier: standard
      amount: {CNY: "50.00", KWD: "1.234"}
  bonus:
    - basis_points: 1000
    - {replacement: fleet, basis_points: 1500}
  second_from: {CNY: "5000.00"}
  objection_days: 14
  within: {review: 5, pay: 10, bank: 3}
  credit_rest: lost
  payout:
    methods: [original, bank, credit, waive]
    accounts: [iban, cn_card]
  budget: {CNY: "1200000.00"}
  stores:
    - method: app_store
      url: https://store.example/
      text: {en: Ask the store., zh-CN: 请联系商店。}
`

func TestARefundSectionIsRead(t *testing.T) {
	t.Parallel()
	p, err := migration.ReadProgramme([]byte(settling))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Warnings) != 0 {
		t.Errorf("warnings: %v", p.Warnings)
	}
	r := p.Refund
	if got := r.Minimum.Minor(); !maps.Equal(got, map[string]int64{"CNY": 1000, "JPY": 200}) {
		t.Errorf("minimum %v", got)
	}
	if got := r.Goodwill[1].Amount.Minor(); !maps.Equal(got, map[string]int64{"CNY": 5000, "KWD": 1234}) {
		t.Errorf("goodwill %v", got)
	}
	if r.Within != (migration.Within{Review: 5, Pay: 10, Bank: 3}) || r.CreditRest != migration.RestLost {
		t.Errorf("%+v, %s", r.Within, r.CreditRest)
	}
	if r.ObjectionDays != 14 || !r.Tax.Kept || !r.Offers(migration.SettleWaive) || p.Entitlements.Source != "product" {
		t.Errorf("%+v", r)
	}
	if p.Line("refund.goodwill[standard].amount") == 0 || p.Line("entitlements.query") == 0 {
		t.Error("lines are unknown")
	}
	if err := published(t).Validate(plain(t, []byte(settling))); err != nil {
		t.Error(err)
	}
}

func TestARefundSectionHasDefaults(t *testing.T) {
	t.Parallel()
	for methods, below := range map[string]string{"[credit]": migration.BelowCredit, "[waive]": migration.BelowNothing} {
		p, err := migration.ReadProgramme([]byte(sound + "refund: {version: a, basis: days, from: sales_stop, payout: {methods: " + methods + "}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		want := migration.RefundRules{
			Version: "a", Basis: migration.BasisDays, From: migration.SalesStop, Rounding: migration.RoundHalfEven,
			Discount: migration.DiscountProportional, Tax: migration.RefundTax{Prices: migration.TaxInclusive}, BelowMinimum: below,
			ObjectionDays: 30, CreditRest: migration.RestKept, Payout: migration.PayoutRules{Methods: []string{strings.Trim(methods, "[]")}},
		}
		if diff := cmp.Diff(want, *p.Refund); diff != "" {
			t.Error(diff)
		}
		if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0].String(), "steps.settle is not true") {
			t.Errorf("warnings: %v", p.Warnings)
		}
	}
}

// badRefunds spoil one thing of settling each. beyond marks what the published schema cannot express.
var badRefunds = []struct {
	name, old, new, want string
	beyond               bool
}{
	{"version missing", "  version: 2027-1\n", "", "refund.version: is missing", false},
	{"version", "2027-1", "v 1", `refund.version: "v 1" must be letters`, false},
	{"basis", "basis: days", "basis: hours", `refund.basis: "hours" must be one of days, months, usage`, false},
	{"basis missing", "  basis: days\n", "", "refund.basis: is missing; one of days", false},
	{"from", "from: service_end", "from: erasure", `refund.from: "erasure" must be one of`, false},
	{"rounding", "half_up", "near", `refund.rounding: "near"`, false},
	{"discount", "discount: full", "discount: none", `refund.discount: "none"`, false},
	{"tax prices", "prices: exclusive", "prices: net", `refund.tax.prices: "net"`, false},
	{"below", "below_minimum: nothing", "below_minimum: keep", `refund.below_minimum: "keep"`, false},
	{"below credit that is not offered", "below_minimum: nothing\n", "below_minimum: credit\n", "refund.below_minimum: is credit, which", true},
	{"I03 a number for an amount", `CNY: "10.00"`, `CNY: 10.00`, "refund.minimum.CNY: must be text", false},
	{"I03 negative", `"10.00"`, `"-10.00"`, `refund.minimum.CNY: "-10.00" has a sign`, false},
	{"I03 exponent", `"10.00"`, `"1e3"`, `refund.minimum.CNY: "1e3" is no amount`, false},
	{"I03 comma", `"10.00"`, `"10,00"`, `refund.minimum.CNY: "10,00" is no amount`, false},
	{"I03 too fine", `"10.00"`, `"0.005"`, `refund.minimum.CNY: "0.005" has more decimals than CNY, which has 2`, true},
	{"I04 JPY with decimals", `"200"`, `"200.5"`, `refund.minimum.JPY: "200.5" has more decimals than JPY, which has 0`, true},
	{"I04 KWD with four", `"1.234"`, `"1.2345"`, `has more decimals than KWD, which has 3`, true},
	{"I03 2^63", `"200"`, `"9223372036854775808"`, "is more than", true},
	{"I04 unknown currency", "{CNY: \"10.00\"", "{CNX: \"10.00\"", `refund.minimum.CNX: the currency "CNX" is none`, true},
	{"amounts empty", `{CNY: "5000.00"}`, "{}", "refund.second_from: is empty", false},
	{"goodwill tier", "tier: core,", "tier: gold,", `refund.goodwill[0].tier: there is no tier "gold"`, true},
	{"goodwill twice", "tier: standard\n", "tier: core\n", `refund.goodwill[1].tier: the tier "core" is listed twice`, true},
	{"goodwill both", "basis_points: 500", `basis_points: 500, amount: {CNY: "1.00"}`, "refund.goodwill[0]: has both", false},
	{"goodwill none", ", basis_points: 500", "", "refund.goodwill[0]: has none", false},
	{"goodwill too much", "basis_points: 500", "basis_points: 10001", "refund.goodwill[0].basis_points: must lie between", false},
	{"bonus zero", "- basis_points: 1000", "- basis_points: 0", "refund.bonus[0].basis_points: must lie", false},
	{"bonus replacement", "replacement: fleet", "replacement: flote", `refund.bonus[1].replacement: there is no replacement "flote"`, true},
	{"bonus twice for all", "{replacement: fleet, basis_points", "{basis_points", "refund.bonus[1]: names no replacement, as another", true},
	{"bonus without credit", "bank, credit, waive", "bank, waive", "refund.bonus: is on credit, which", true},
	{"methods missing", "    methods: [original, bank, credit, waive]\n", "", "refund.payout.methods: is missing", false},
	{"method", "[original, bank, credit, waive]", "[original, bank, credit, cash]", `refund.payout.methods[3]: "cash"`, false},
	{"method twice", "[original, bank, credit, waive]", "[original, bank, credit, bank]", "refund.payout.methods[3]: bank is listed twice", false},
	{"accounts missing", "    accounts: [iban, cn_card]\n", "", "refund.payout.accounts: is missing", false},
	{"accounts without bank", "[original, bank, credit, waive]", "[original, credit, waive]", "refund.payout.accounts: is for bank", false},
	{"account", "cn_card", "sepa", `refund.payout.accounts[1]: "sepa"`, false},
	{"days of a stage", "review: 5", "review: 0", "refund.within.review: must lie between 1 and 365", false},
	{"rest that nobody can pay", "credit_rest: lost\n  payout:\n    methods: [original, bank, credit, waive]\n    accounts: [iban, cn_card]\n", "credit_rest: paid\n  payout:\n    methods: [original, credit]\n", "refund.credit_rest: paid needs bank among", true},
	{"rest of a credit", "credit_rest: lost", "credit_rest: gone", `refund.credit_rest: "gone" must be one of kept, lost, paid`, false},
	{"objection", "objection_days: 14", "objection_days: 0", "refund.objection_days: must lie between 1 and 365", false},
	{"store", "method: app_store", "method: card", `refund.stores[0].method: "card"`, false},
	{"store address", "https://store.example/", "javascript:alert(1)", "refund.stores[0].url: must be a web address", false},
	{"store text", "en: Ask the store., ", "", "refund.stores[0].text.en: the wording in en is missing", true},
	{"entitlements with parameter", "select * from payments", "select * from payments where c = :customer_id", "entitlements.query: uses :customer_id", true},
	{"entitlements source", "  source: product\n  query: select * from", "  source: A B\n  query: select * from", `entitlements.source: "A B" must begin`, false},
	{"I02 unknown key", "basis: days", "basis: days\n  speed: 1", "refund.speed: unknown key", false},
}

func TestI03_ABadRefundSectionIsRefusedByPlace(t *testing.T) {
	t.Parallel()
	schema := published(t)
	for _, c := range badRefunds {
		src := strings.Replace(settling, c.old, c.new, 1)
		if c.name == "below credit that is not offered" {
			src = strings.Replace(src, "bank, credit, waive", "bank, waive", 1)
		}
		if src == settling {
			t.Fatalf("%s changes nothing", c.name)
		}
		_, err := migration.ReadProgramme([]byte(src))
		if err == nil || !strings.Contains(migration.FindingsOf(err).Errors().Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, migration.FindingsOf(err), c.want)
		}
		var value any
		if err := yaml.Unmarshal([]byte(src), &value); err != nil {
			t.Fatal(err)
		}
		if refused := schema.Validate(widen(value)) != nil; refused == c.beyond {
			t.Errorf("%s: the schema refuses it: %t", c.name, refused)
		}
	}
}

func TestARefundSectionsChangesAreShown(t *testing.T) {
	t.Parallel()
	before, err := migration.ReadProgramme([]byte(settling))
	if err != nil {
		t.Fatal(err)
	}
	after, err := migration.ReadProgramme([]byte(strings.NewReplacer(
		"version: 2027-1", "version: 2027-2", `JPY: "200"`, `JPY: "300"`, "basis_points: 500", "basis_points: 600",
		"basis_points: 1500", "basis_points: 2000", "waive]", "]", "https://store.example/", "https://shop.example/",
	).Replace(strings.Replace(settling, "credit, waive", "credit", 1))))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range after.Differences(before) {
		got = append(got, c.String())
	}
	want := []string{
		"refund.version: 2027-1 -> 2027-2",
		"refund.minimum.JPY: 200 -> 300",
		"refund.goodwill[core].basis_points: 500 -> 600",
		"refund.bonus[fleet].basis_points: 1500 -> 2000",
		"refund.payout.methods: original, bank, credit, waive -> original, bank, credit",
		"refund.stores[app_store].url: https://store.example/ -> https://shop.example/",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	none, err := migration.ReadProgramme([]byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	if changes := none.Differences(before); len(changes) < 2 {
		t.Errorf("%v", changes)
	}
}
