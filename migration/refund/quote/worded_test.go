package quote_test

import (
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/refund/quote"
)

// boats is a programme that knows a replacement and a store.
func boats(t *testing.T) *migration.Programme {
	t.Helper()
	src, err := os.ReadFile("testdata/boats.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := migration.ReadProgramme(src)
	if err != nil {
		t.Fatal(migration.FindingsOf(err))
	}
	return p
}

// page writes a worded quote as plain text, a line each.
func page(w quote.Worded) string {
	var b strings.Builder
	say := func(parts ...string) { b.WriteString(strings.TrimRight(strings.Join(parts, " | "), " |") + "\n") }
	for _, p := range w.Parts {
		say("#", p.Title, p.Paid, p.Period, p.Store.URL)
		for _, l := range p.Lines {
			say(l.Label, l.Formula, l.Amount)
		}
		say("=", p.Amount)
	}
	say("==", w.Total, w.Refund)
	for _, n := range append(append([]string{}, w.Notes...), w.Rules...) {
		say("-", n)
	}
	for _, c := range w.Credits {
		say("+", c.Name, c.Bonus, c.Total)
	}
	say(w.Policy)
	return b.String()
}

const wordedEnglish = `# | Payment P1 | CN¥8,357.04 paid on 20 July 2026 by card | 1 August 2026 to 31 July 2027
Unused part | 181 of 365 days unused: CN¥8,760.00 × 181 / 365 = CN¥4,344.00 | CN¥4,344.00
Discount | Less the same part of the discount: CN¥876.00 × 181 / 365 = CN¥434.40 | -CN¥434.40
Tax | Plus the same part of the tax: CN¥473.04 × 181 / 365 = CN¥234.58 | CN¥234.58
Already refunded | Less CN¥500.00 already refunded | -CN¥500.00
Already credited | Less CN¥100.00 already credited | -CN¥100.00
Goodwill | Plus 5% goodwill: CN¥3,544.18 × 5% = CN¥177.21 | CN¥177.21
= | CN¥3,721.39
# | Payment P3 | CN¥298.00 paid on 20 July 2026 by the App Store | 1 August 2026 to 31 July 2027 | https://store.example/
Bought at an app store | You paid through the App Store. Only the App Store can refund it.
= | CN¥0.00
# | Payment P2 | CN¥2,544.00 paid on 20 July 2026 by card | 1 October 2026 to 30 September 2027
Unused part | 242 of 365 days unused: CN¥2,400.00 × 242 / 365 = CN¥1,591.23 | CN¥1,591.23
Tax | Plus the same part of the tax: CN¥144.00 × 242 / 365 = CN¥95.47 | CN¥95.47
Goodwill | Plus 5% goodwill: CN¥1,686.70 × 5% = CN¥84.34 | CN¥84.34
= | CN¥1,771.04
== | CN¥5,492.43 | CN¥5,492.43
- | The days after 31 January 2027, the last day of service, count as unused.
- | We round each line to the nearest cent, or the smallest coin of the currency. A line exactly halfway goes to the even one, so that over many refunds nobody gains.
+ | Any replacement | Plus 10% bonus: CN¥5,492.43 × 10% = CN¥549.24 | CN¥6,041.67
Policy v1, worked out on 25 November 2026
`

const wordedChinese = `# | 付款P1 | 2026年7月20日以银行卡支付¥8,357.04 | 2026年8月1日至2027年7月31日
未使用部分 | 365天中有181天未使用：¥8,760.00 × 181 / 365 = ¥4,344.00 | ¥4,344.00
折扣 | 减去折扣的相应部分：¥876.00 × 181 / 365 = ¥434.40 | -¥434.40
税款 | 加上税款的相应部分：¥473.04 × 181 / 365 = ¥234.58 | ¥234.58
此前已退 | 减去此前已退的¥500.00 | -¥500.00
此前已抵扣 | 减去此前已抵扣的¥100.00 | -¥100.00
额外补偿 | 另加5%补偿：¥3,544.18 × 5% = ¥177.21 | ¥177.21
= | ¥3,721.39
# | 付款P3 | 2026年7月20日以App Store支付¥298.00 | 2026年8月1日至2027年7月31日 | https://store.example/
应用商店购买 | 此付款由App Store收取，只能由App Store退款
= | ¥0.00
# | 付款P2 | 2026年7月20日以银行卡支付¥2,544.00 | 2026年10月1日至2027年9月30日
未使用部分 | 365天中有242天未使用：¥2,400.00 × 242 / 365 = ¥1,591.23 | ¥1,591.23
税款 | 加上税款的相应部分：¥144.00 × 242 / 365 = ¥95.47 | ¥95.47
额外补偿 | 另加5%补偿：¥1,686.70 × 5% = ¥84.34 | ¥84.34
= | ¥1,771.04
== | ¥5,492.43 | ¥5,492.43
- | 2027年1月31日是服务的最后一天，此后已付费的天数视为未使用。
- | 每一行都舍入到最小货币单位（如分）；恰好在两者中间时取偶数，这样总体上对双方都公平。
+ | 任一替代产品 | 另加10%奖励：¥5,492.43 × 10% = ¥549.24 | ¥6,041.67
退款规则v1，计算日期2026年11月25日
`

func TestAQuoteIsWordedWithItsNumbers(t *testing.T) {
	t.Parallel()
	p := boats(t)
	for _, v := range vectors(t) {
		if v.Name != "everything together" {
			continue
		}
		q := v.quotes(t)[0]
		for tag, want := range map[string]string{"en": wordedEnglish, "zh-CN": wordedChinese} {
			got := page(quote.Word(locale.For(tag), q, p))
			gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
			for i := range max(len(gotLines), len(wantLines)) {
				if i >= len(gotLines) || i >= len(wantLines) || gotLines[i] != wantLines[i] {
					t.Fatalf("%s, line %d:\n%s", tag, i+1, got)
				}
			}
		}
		return
	}
	t.Fatal("the vector is gone")
}

// TestSmallAndDecimalFreeAmountsAreWorded looks at what a customer of little money reads.
func TestSmallAndDecimalFreeAmountsAreWorded(t *testing.T) {
	t.Parallel()
	p := boats(t)
	for name, want := range map[string]string{
		"below the minimum: credit only":                                   "CN¥4.96 is less than CN¥10.00, the smallest amount we refund. You can turn it into credit.",
		"below the minimum: lapses":                                        "CN¥4.96 is less than CN¥10.00, the smallest amount we refund",
		"JPY rounds to the yen":                                            "181 of 365 days unused: ¥1,000 × 181 / 365 = ¥496",
		"KWD has three":                                                    "KWD\u00a036.525 × 181 / 365 = KWD\u00a018.112",
		"months: one that has begun is used":                               "6 of 12 months unused: CN¥1,200.00 × 6 / 12 = CN¥600.00",
		"usage: 250 of 1000 units used":                                    "750 of 1,000 units unused: CN¥5,000.00 × 750 / 1,000 = CN¥3,750.00",
		"usage: more used than bought":                                     "All 1,000 units are used",
		"a discount, first":                                                "(CN¥8,760.00 − CN¥876.00 discount) × 181 / 365 = CN¥3,909.60",
		"tax on top, whole discount taken off":                             "Plus the tax on it: CN¥473.04 × CN¥3,468.00 / CN¥7,884.00 = CN¥208.08",
		"a refund before that exceeds the unused part":                     "Less CN¥4,344.00 of the CN¥5,000.00 already refunded",
		"goodwill is limited to what was paid":                             "CN¥1,000.00 × 5% = CN¥50.00, up to what you paid: CN¥0.00",
		"a bonus of its own for one":                                       "Fleet | Plus 12.5% bonus: CN¥4,344.00 × 12.5% = CN¥543.00 | CN¥4,887.00",
		"nothing began before the end of service: the whole period":        "365 of 365 days unused",
		"fixed goodwill over three payments, a remainder to divide":        "Plus this payment's share of the goodwill of CN¥100.01: CN¥33.34",
		"an app store purchase alone":                                      "You bought everything through app stores. Only they can refund it.",
		"all was refunded before":                                          "We have already given back what was unused",
		"the period ended long ago":                                        "None of the 366 days is unused",
		"tax in the price":                                                 "CN¥245.89 of the amount above is that tax, which we give back too: CN¥495.85 × 181 / 365",
		"a bonus that is rounded":                                          "Plus 3.33% bonus",
		"from the stop of sales":                                           "the last day of sales",
		"months from the 31st in a leap year: February begins on the 29th": "A month that has begun counts as used",
	} {
		found := false
		for _, v := range vectors(t) {
			if v.Name == name {
				found = true
				if got := page(quote.Word(locale.For("en"), v.quotes(t)[0], p)); !strings.Contains(got, want) {
					t.Errorf("%s:\n%swant %s", name, got, want)
				}
			}
		}
		if !found {
			t.Errorf("the vector %q is gone", name)
		}
	}
}

// TestEveryLineHasItsWords words any quote in both languages.
func TestEveryLineHasItsWords(t *testing.T) {
	t.Parallel()
	p := boats(t)
	rapid.Check(t, func(t *rapid.T) {
		throw := die(func(least, most int64) int64 { return rapid.Int64Range(least, most).Draw(t, "n") })
		quotes, err := quote.Compute(throw.input(int(throw(1, 4))))
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range quotes {
			for _, tag := range locale.Tags() {
				if got := page(quote.Word(locale.For(tag), q, p)); strings.Contains(got, "⟦") || strings.Contains(got, "<no value>") {
					t.Fatalf("%s:\n%s", tag, got)
				}
			}
		}
	})
}
