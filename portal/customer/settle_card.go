package customer

import (
	"strings"

	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// settleHint says of step 4 what its status means. It bears no amounts, so that customers share the page; settleCard has them.
func (s steps) settleHint(status migration.Status) string {
	switch status {
	case migration.CannotStart:
		return s.v.Locale.T("step.settle.hint.wait")
	case migration.NotNeeded:
		return s.v.Locale.T("step.settle.not_needed")
	case migration.InProgress:
		return s.v.Locale.T("step.settle.hint.submitted")
	case migration.ActionNeeded:
		return s.v.Locale.T("step.settle.hint.action")
	case migration.Completed:
		return s.v.Locale.T("step.settle.hint.done")
	}
	return s.v.Locale.T("step.settle.hint")
}

// settleNext is the message of what to do next about step 4.
func settleNext(status migration.Status) string {
	switch status {
	case migration.ActionNeeded:
		return "next.settle.action"
	case migration.InProgress:
		return "next.settle.running"
	}
	return "next.settle"
}

// settleCard is the plan page's view of step 4; nil when the programme does not have it.
type settleCard struct {
	page   *page.Visit
	status migration.Status
	lines  []string
	action *ui.Link
}

func buildSettle(v *page.Visit, j migration.Journey) *settleCard {
	d := j.Detail.Settle
	if !j.Detail.Rules.Settle {
		return nil
	}
	l := v.Locale
	card := &settleCard{page: v, status: j.Status[migration.StepSettle], action: &ui.Link{Label: l.T("plan.settle.open"), URL: urls[migration.StepSettle]}}
	switch {
	case d == nil:
		card.lines, card.action = []string{l.T("step.settle.hint.wait")}, nil
	case len(d.Due) == 0 && len(d.Refunds) == 0:
		card.lines, card.action = []string{l.T("plan.settle.none")}, nil
	default:
		if len(d.Due) > 0 {
			card.lines = append(card.lines, l.T("plan.settle.estimate", "Amount", amounts(v, d.Due)))
		}
		for _, r := range d.Refunds {
			card.lines = append(card.lines, l.T("plan.settle.request", "Reference", r.Ref, "State", l.T("settle.state."+r.State), "Amount", l.Money(r.Amount.Minor, r.Amount.Currency)))
		}
	}
	return card
}

// amounts writes one amount for each currency.
func amounts(v *page.Visit, list []migration.Amount) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = v.Locale.Money(a.Minor, a.Currency)
	}
	return strings.Join(texts, " + ")
}
