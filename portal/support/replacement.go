package support

import (
	"offramp/migration/replacement"
	"offramp/portal/console"
	"offramp/portal/customer"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// choiceCard is what support sees of step 3.
type choiceCard struct {
	facts []ui.SummaryRow
	fits  []customer.FitText
	note  string // how old the counts are
}

// buildChoice words what was decided, and how the replacements fit.
func buildChoice(v *page.Visit, o replacement.Overview) choiceCard {
	l := v.Locale
	card := choiceCard{fits: customer.Fits(v, o), note: l.T("choice.counted.never")}
	if !o.CountedAt.IsZero() {
		card.note = l.T("console.counted", "When", v.When(o.CountedAt))
	}
	c := o.Choice
	if c == nil {
		card.facts = []ui.SummaryRow{{Key: l.T("choice.row.decision"), Value: l.T("console.choice.none")}}
		return card
	}
	add := func(key, value string) {
		if value != "" {
			card.facts = append(card.facts, ui.SummaryRow{Key: l.T(key), Value: value})
		}
	}
	if c.Decision == replacement.Chosen {
		add("choice.row.product", customer.ReplacementName(v, c.Replacement))
	}
	card.facts = append(card.facts, ui.SummaryRow{Key: l.T("choice.row.state"), Body: ui.Tag("", console.ChoiceTurn(c.State), customer.ChoiceWord(l, *c))})
	add("choice.row.at", v.When(c.At))
	if !c.ChangedAt.Equal(c.At) {
		add("choice.row.changed", v.When(c.ChangedAt))
	}
	if len(c.Losses) > 0 {
		add("choice.row.losses", l.N("choice.losses.accepted", len(c.Losses)))
	}
	if c.Reason != "" {
		add("choice.row.reason", reasonText(v, c.Reason))
	}
	add("console.choice.text", c.Text)
	if r, ok := v.Programme.Replacement(c.Replacement); ok {
		if code, ok := o.CodeFor(r); ok {
			add("choice.code", codeState(v, code))
		}
		add("choice.guide", customer.GuideProgress(l, r, o.Ticks[r.Key]))
	}
	add("choice.hand_over", customer.HandOverState(v, o.HandOver))
	return card
}

// reasonText words a reason by its key.
func reasonText(v *page.Visit, key string) string {
	if id := "replacement.reason." + key; v.Locale.Has(id) {
		return v.Locale.T(id)
	}
	return key
}

// codeState says whether a customer has a code. The code itself is the customer's alone: its end tells two of them apart.
func codeState(v *page.Visit, c replacement.Code) string {
	l := v.Locale
	if c.Waiting {
		return l.T("console.code.waiting", "When", v.When(c.At))
	}
	end := []rune(c.Code)
	if len(end) > 6 {
		end = end[len(end)-2:]
	} else {
		end = nil
	}
	return l.T("console.code.drawn", "End", string(end), "When", v.When(c.At))
}
