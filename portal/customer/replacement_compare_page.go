package customer

import (
	"net/url"
	"slices"

	"github.com/a-h/templ"

	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/replacement"
	"offramp/portal/ui"
)

// compareView is everything that the comparison shows.
type compareView struct {
	layout  ui.Page
	heading ui.Heading
	news    templ.Component
	empty   *ui.Empty // nil: there is something to compare
	pick    *pick     // nil: there is nothing to pick from
	table   compared
	rest    ui.Link         // shows the rows that are left out
	decline templ.Component // none of these, and not yet
	help    ui.Help
}

// pick chooses what to compare.
type pick struct {
	products ui.Choices
	all      bool
	open     bool // it was used, or is wrong
}

// news is what stands above the comparison.
type news struct {
	banners []ui.Banner
	counted string     // how old the counts are; empty: nothing is counted
	refresh *ui.Action // counts anew
}

// badge marks a product.
type badge struct {
	tone      ui.Tone
	text, why string
}

// wish is what a reader wants to compare.
type wish struct {
	keys    []string     // in the programme's order
	all     bool         // with the rows in which all are alike
	dropped bool         // something was asked for that is not offered
	error   *fault.Field // too many were asked for
	asked   []string     // as it was asked, to show the form again
}

// query is the one address of a wish.
func (x wish) query() string {
	values := url.Values{}
	if len(x.asked) > 0 {
		values["with"] = x.keys
	}
	if x.all {
		values.Set("all", "yes")
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// wished reads what to compare: what was asked for, else the first few with those among them that are chosen or recommended.
func wished(p *migration.Programme, asked []string, all bool, first ...string) wish {
	x := wish{all: all, asked: asked}
	var known []string
	for _, r := range p.Replacements {
		if !r.Withdrawn || slices.Contains(first, r.Key) {
			known = append(known, r.Key)
		}
	}
	for _, key := range asked {
		if !slices.Contains(known, key) {
			x.dropped = true
		}
	}
	if x.keys = ordered(known, asked); len(x.keys) > maxCompared {
		x.error = &fault.Field{Name: "with", Key: "choice.pick.many", Args: map[string]any{"Limit": maxCompared}}
	}
	if len(x.keys) == 0 || x.error != nil {
		x.keys = few(known, first)
	}
	return x
}

// few are the first of the keys, with those of first among them.
func few(known, first []string) []string {
	chosen := ordered(known, first)
	for _, key := range known {
		if len(chosen) < maxCompared && !slices.Contains(chosen, key) {
			chosen = append(chosen, key)
		}
	}
	return ordered(known, chosen[:min(len(chosen), maxCompared)])
}

// own is what is the customer's alone of the pages about replacements.
type own struct {
	replacement.Overview
	customer migration.Customer
}

// chosen is the replacement that counts now; false: none.
func (o own) chosen(p *migration.Programme) (migration.Replacement, bool) {
	if o.Choice == nil || o.Choice.Decision != replacement.Chosen {
		return migration.Replacement{}, false
	}
	return p.Replacement(o.Choice.Replacement)
}

// buildCompare puts the page together from what is shared and what stands in the slots.
func (w replacementWords) buildCompare(x wish, s slots, above, decline templ.Component, layout ui.Page, code string) compareView {
	l := w.l
	view := compareView{layout: layout, news: above, decline: decline, help: help(w.v, code), heading: ui.Heading{
		Eyebrow: l.T("step.choose"), Title: l.T("choice.title"), Lead: l.T("choice.lead", "Product", l.Pick(w.p.Product.Name)),
	}}
	var list []migration.Replacement
	successor := false
	for _, r := range w.p.Replacements {
		successor = successor || r.Own() && !r.Withdrawn
		if slices.Contains(x.keys, r.Key) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		view.empty = &ui.Empty{
			ID: "none", Title: l.T("choice.empty"), Text: l.T("choice.empty.text"), Action: &ui.Link{Label: l.T("next.export.go"), URL: "/exports"},
		}
		return view
	}
	if !successor {
		view.heading.Lead = l.T("choice.lead.none", "Product", l.Pick(w.p.Product.Name))
	}
	view.table = w.compare(list, s, !x.all && len(list) > 1)
	whole := x
	whole.all = true
	view.rest = ui.Link{Label: l.T("choice.rest"), URL: "/replacements" + whole.query()}
	view.pick = w.pick(x)
	view.layout.Errors = x.error != nil
	return view
}

// pick is the form that chooses what to compare; nil where there is only one product.
func (w replacementWords) pick(x wish) *pick {
	l := w.l
	p := &pick{all: x.all, open: x.error != nil || x.all || len(x.asked) > 0, products: ui.Choices{Field: ui.Field{Locale: l, ID: "with", Label: l.T("choice.pick"), Hint: l.T("choice.pick.hint", "Limit", maxCompared)}}}
	if x.error != nil {
		p.products.Error = l.T(x.error.Key, w.forms().args(x.error.Args)...)
	}
	shown := x.keys
	if x.error != nil {
		shown = x.asked
	}
	for _, r := range w.p.Replacements {
		if !r.Withdrawn || slices.Contains(x.keys, r.Key) {
			p.products.Options = append(p.products.Options, ui.Option{Value: r.Key, Label: w.name(r), Hint: w.kind(r), Selected: slices.Contains(shown, r.Key)})
		}
	}
	if len(p.products.Options) < 2 {
		return nil
	}
	return p
}

// news words what a customer must know before comparing.
func (w replacementWords) news(o own, x wish) news {
	l := w.l
	var n news
	if b := w.decided(o); b != nil {
		n.banners = append(n.banners, *b)
	}
	if x.dropped {
		n.banners = append(n.banners, ui.Banner{Tone: "info", Title: l.T("choice.dropped")})
	}
	if len(w.p.Features) == 0 || len(x.keys) == 0 {
		return n
	}
	if best, ok := replacement.Recommend(w.p, o.Usage); ok && o.Choice == nil {
		if r, ok := w.p.Replacement(best.Replacement); ok {
			n.banners = append(n.banners, ui.Banner{
				Tone: "info", Title: l.T("choice.recommended.title", "Product", w.name(r)), Text: w.reason(best, r),
				Link: &ui.Link{Label: l.T("choice.view", "Product", w.name(r)), URL: replacementURL(r.Key)},
			})
		}
	}
	n.refresh = &ui.Action{URL: "/replacements/refresh", Button: ui.Button{Label: l.T("choice.refresh"), Kind: ui.Quiet}}
	switch {
	case o.Counting:
		n.counted, n.refresh = l.T("choice.counting"), nil
	case o.CountedAt.IsZero():
		n.counted = l.T("choice.counted.never")
	default:
		n.counted = l.T("choice.counted", "When", w.moment(o.CountedAt))
	}
	for _, c := range o.Usage {
		if c.Stale && !o.Counting {
			n.counted = l.T("choice.counted.stale", "When", w.moment(o.CountedAt))
		}
	}
	return n
}

// reason says why a replacement is recommended.
func (w replacementWords) reason(best replacement.Recommendation, r migration.Replacement) string {
	return w.l.N(best.Reason, best.Used, "Product", w.name(r), "Covered", best.Covered, "Used", best.Used)
}

// slots are filled with what is the customer's own.
func (w replacementWords) slots(o own, keys []string) slots {
	s := slots{badge: map[string]templ.Component{}, price: map[string]templ.Component{}, fit: map[string]templ.Component{}, use: map[string]templ.Component{}}
	best, _ := replacement.Recommend(w.p, o.Usage)
	for _, key := range keys {
		r, ok := w.p.Replacement(key)
		if !ok {
			continue
		}
		s.badge[key] = ownBadge(w.badge(o, r, best))
		s.price[key] = ownPrice(w.price(replacement.PriceFor(w.p, r, o.customer, w.now)))
		s.fit[key] = briefFit(w.l, w.fitLines(r, o.Usage))
	}
	for _, f := range w.p.Features {
		if f.Counted() {
			s.use[f.Key] = ownUse(w.use(o.Usage[f.Key]))
		}
	}
	return s
}

// use says how often the customer uses a feature.
func (w replacementWords) use(c replacement.Count) string {
	switch {
	case !c.Known:
		return w.l.T("choice.use.unknown")
	case c.Uses == 0:
		return w.l.T("choice.use.none")
	}
	return w.l.T("choice.use", "Count", w.l.Number(c.Uses))
}

// badge marks what is chosen, withdrawn or recommended.
func (w replacementWords) badge(o own, r migration.Replacement, best replacement.Recommendation) badge {
	l := w.l
	switch mine, ok := o.chosen(w.p); {
	case ok && mine.Key == r.Key:
		return badge{tone: ui.ToneCompleted, text: l.T("choice.badge.chosen")}
	case r.Withdrawn:
		return badge{tone: ui.ToneNotNeeded, text: l.T("choice.badge.withdrawn")}
	case best.Replacement == r.Key:
		return badge{tone: ui.ToneInProgress, text: l.T("choice.badge.recommended"), why: w.reason(best, r)}
	}
	return badge{}
}

// decided tells what was decided in step 3, and where to go on; nil when nothing is.
func (w replacementWords) decided(o own) *ui.Banner {
	l, c := w.l, o.Choice
	if c == nil {
		return nil
	}
	at := w.Day(c.At)
	switch c.Decision {
	case replacement.None, replacement.Later:
		return &ui.Banner{
			Tone: "info", Title: l.T("choice.decided."+string(c.Decision), "Date", at),
			Link: &ui.Link{Label: l.T("choice.undo.go"), URL: "/replacements/undo"},
		}
	}
	name := ReplacementName(w.v, c.Replacement)
	return &ui.Banner{
		Tone: stateTone(c.State), Title: l.T("choice.decided.chosen", "Product", name, "Date", at), Text: l.T("choice.state."+string(c.State)+".text", "Product", name),
		Link: &ui.Link{Label: l.T("choice.decided.open"), URL: replacementURL(c.Replacement, "done")},
	}
}

// stateTone is the tone of a banner about a choice.
func stateTone(s replacement.State) string {
	switch s {
	case replacement.Failed, replacement.Withdrawn:
		return "warn"
	}
	return "ok"
}
