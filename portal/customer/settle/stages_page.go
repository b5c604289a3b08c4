package settle

import (
	"slices"

	"offramp/internal/locale"
	"offramp/migration/refund"
	"offramp/portal/page"
)

// stageLines say when each stage of a refund is over, and what is late.
func stageLines(v *page.Visit, list []refund.Stage, m refund.Method) []string {
	l := v.Locale
	var lines []string
	for _, s := range list {
		what := l.T("settle.stage." + string(s.Key))
		if s.Key == refund.StagePay && m == refund.Credit {
			what = l.T("settle.stage.pay.credit")
		}
		lines = append(lines, l.T("settle.stage.line", "What", what, "When", stageTime(v, l, s)))
	}
	return lines
}

// paidToo adds to the stages of a credit those in which its rest is paid.
func paidToo(credit, rest []string) []string {
	for _, line := range rest {
		if !slices.Contains(credit, line) {
			credit = append(credit, line)
		}
	}
	return credit
}

func stageTime(v *page.Visit, l *locale.Locale, s refund.Stage) string {
	switch {
	case s.Over:
		return l.T("settle.stage.over")
	case s.By.IsZero():
		return l.T("settle.stage.days", "Days", l.Number(int64(s.Days)))
	case s.Late:
		return l.T("settle.stage.late", "Date", v.OurDay(s.By))
	}
	return l.T("settle.stage.by", "Date", v.OurDay(s.By), "Days", l.Number(int64(s.Days)))
}

// creditText says what a credit toward a replacement is worth: its price, what of it is covered, and what becomes of the rest.
func creditText(v *page.Visit, c refund.CreditOffer, currency string) string {
	l := v.Locale
	if c.Price == 0 {
		return l.Money(c.Amount(), currency)
	}
	text := l.T("settle.credit.line", "Total", l.Money(c.Amount(), currency), "Price", l.Money(c.Price, currency), "Covered", l.Money(c.Covered(), currency))
	if c.Rest > 0 {
		text = l.T("settle.credit.both", "Line", text, "Rest", restText(v, c.Replacement, c.Rest, c.Rule, currency))
	}
	return text
}

// restText says what becomes of what is over the price.
func restText(v *page.Visit, replacement string, rest int64, rule, currency string) string {
	return v.Locale.T("settle.credit.rest."+rule, "Rest", v.Locale.Money(rest, currency), "Name", replacementName(v, replacement))
}

func replacementName(v *page.Visit, key string) string {
	if r, ok := v.Programme.Replacement(key); ok {
		return v.Locale.Pick(r.Name)
	}
	return key
}
