package customer

import (
	"slices"

	"offramp/migration"
	"offramp/portal/ui"
)

// chooseHint says where step 3 stands.
func (s steps) chooseHint() string {
	l, c := s.v.Locale, s.j.Detail.Choice
	if c == nil {
		return l.N("step.choose.hint", len(s.v.Programme.Offered()))
	}
	args := []any{"Product", ReplacementName(s.v, c.Replacement)}
	if c.OfferUntil != nil {
		args = append(args, "Date", s.v.OurDay(*c.OfferUntil))
	}
	if c.State == "offer_ending" && c.OfferUntil == nil {
		return l.T("step.choose.hint.deferred")
	}
	return l.T("step.choose.hint."+c.State, args...)
}

// chooseNext is the message about what to do in step 3.
func (s steps) chooseNext() string {
	c := s.j.Detail.Choice
	if c == nil {
		return s.v.Locale.T("next.choose")
	}
	return s.v.Locale.T("next.choose."+c.State, "Product", ReplacementName(s.v, c.Replacement))
}

// chooseURL is where step 3 goes on: at the choice, where one was made.
func (s steps) chooseURL() string {
	if c := s.j.Detail.Choice; c != nil && c.Replacement != "" && c.State != "offer_ending" {
		return replacementURL(c.Replacement, "done")
	}
	return urls[migration.StepChoose]
}

// confirmHint says where step 5 stands.
func (s steps) confirmHint(status migration.Status) string {
	l := s.v.Locale
	switch {
	case status == migration.Completed && s.j.Detail.ConfirmedAt != nil:
		return l.T("step.confirm.hint.done", "Date", s.v.Day(*s.j.Detail.ConfirmedAt))
	case !s.j.Settled():
		return l.T("step.confirm.hint")
	}
	return l.T("step.confirm.hint.open")
}

// maxProducts is how many replacements the plan page shows.
const maxProducts = 3

// productsView is the plan page's part about replacements.
type productsView struct {
	title string
	all   ui.Link
	cards []productCard
}

// productCard is one replacement with the same facts as every other.
type productCard struct {
	id, badge   string
	chosen      bool
	name, about phrase
	facts       []productFact
	link        ui.Link
}

type productFact struct {
	label string
	lines []phrase
}

// products words the part; nil where there is nothing to choose from. What is chosen comes first.
func (w replacementWords) products(j migration.Journey) *productsView {
	if j.Status[migration.StepChoose] == migration.NotNeeded || len(w.p.Replacements) == 0 {
		return nil
	}
	l, mine := w.l, ""
	if c := j.Detail.Choice; c != nil {
		mine = c.Replacement
	}
	list := w.p.Offered()
	if r, ok := w.p.Replacement(mine); ok {
		list = slices.DeleteFunc(list, func(o migration.Replacement) bool { return o.Key == mine })
		list = append([]migration.Replacement{r}, list...)
	}
	if len(list) == 0 {
		return nil
	}
	view := &productsView{title: l.T("nav.replacements"), all: ui.Link{Label: l.N("choice.compare_all", len(list)), URL: "/replacements"}}
	for _, r := range list[:min(len(list), maxProducts)] {
		view.cards = append(view.cards, w.card(r, r.Key == mine))
	}
	return view
}

func (w replacementWords) card(r migration.Replacement, chosen bool) productCard {
	l := w.l
	c := productCard{
		id: "product-" + r.Key, badge: w.kind(r), chosen: chosen, name: phrase{text: w.name(r), lang: w.say(r.Name).lang}, about: w.say(r.Summary),
		link: ui.Link{Label: l.T("choice.view", "Product", w.name(r)), URL: replacementURL(r.Key)},
	}
	if chosen {
		c.badge = l.T("choice.badge.chosen")
		c.link = ui.Link{Label: l.T("choice.decided.open"), URL: replacementURL(r.Key, "done")}
	}
	c.facts = []productFact{
		{l.T("choice.row.price"), w.listPrice(r)[:1]},
		{l.T("choice.row.offer"), w.offer(r)},
		{l.T("choice.row.effort"), w.effort(r)},
	}
	return c
}
