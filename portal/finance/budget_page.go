package finance

import (
	"fmt"
	"math/bits"

	"offramp/internal/locale"
	"offramp/migration/refund"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// budgetCard holds where the money stands against what was set aside, one bar for each currency.
type budgetCard struct {
	card  ui.Card
	lines []budgetLine
	scale []budgetPart // what the colours mean
}

type budgetLine struct {
	currency string
	used     string // of the budget; empty: none was set
	parts    []budgetPart
	note     string
}

// budgetPart is one kind of money in a bar.
type budgetPart struct {
	label, class string
	x, width     string // of the bar
}

// standPart is one of a standing's amounts by the end of its message's key.
type standPart struct {
	key    string
	amount int64
}

// standingParts are a standing's amounts from what is over to what is only asked for.
func standingParts(s refund.Standing) []standPart {
	return []standPart{
		{"paid_net", s.Paid}, {"credits", s.Credited}, {"on_the_way", s.OnTheWay}, {"unknown", s.Unknown}, {"returned", s.Returned}, {"owed", s.Approved}, {"due", s.Due},
	}
}

func newBudget(v *page.Visit, list []refund.BudgetFigure) *budgetCard {
	if len(list) == 0 {
		return nil
	}
	l := v.Locale
	b := &budgetCard{card: ui.Card{ID: "budget", Title: l.T("finance.budget")}}
	for _, p := range standingParts(refund.Standing{}) {
		b.scale = append(b.scale, budgetPart{label: l.T("refund.column." + p.key), class: "money--" + p.key})
	}
	for _, f := range list {
		b.lines = append(b.lines, newBudgetLine(l, f))
	}
	return b
}

// newBudgetLine draws a bar whose whole is the budget, or what is used where that is more or none was set.
func newBudgetLine(l *locale.Locale, f refund.BudgetFigure) budgetLine {
	total, whole := f.Total(), max(f.Budget, f.Total(), 1)
	line := budgetLine{currency: f.Currency, note: l.T("finance.budget.none", "Used", l.MoneyWhole(total, f.Currency))}
	if f.Budget > 0 {
		line.used = l.Percent(total, f.Budget)
		line.note = l.T("finance.budget.note", "Used", l.MoneyWhole(total, f.Currency), "Budget", l.MoneyWhole(f.Budget, f.Currency))
	}
	var at int64
	for _, p := range standingParts(f.Standing) {
		if p.amount <= 0 {
			continue
		}
		line.parts = append(line.parts, budgetPart{
			label: l.T("finance.part", "What", l.T("refund.column."+p.key), "Amount", l.Money(p.amount, f.Currency)), class: "money--" + p.key,
			x: percent(at, whole), width: percent(p.amount, whole),
		})
		at += p.amount
	}
	return line
}

func percent(part, whole int64) string {
	high, low := bits.Mul64(uint64(part), 100_00)
	share, _ := bits.Div64(high, low, uint64(whole)) // a part is at most the whole, so this fits
	return fmt.Sprintf("%d.%02d%%", share/100, share%100)
}

// said is the bar for those who hear the page.
func (l budgetLine) said() string {
	text := l.currency + " " + l.note
	for _, p := range l.parts {
		text += "; " + p.label
	}
	return text
}
