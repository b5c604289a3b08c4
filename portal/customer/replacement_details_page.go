package customer

import (
	"github.com/a-h/templ"

	"offramp/migration"
	"offramp/migration/replacement"
	"offramp/portal/ui"
)

// below is the level of headings in a programme's texts, which stand in cards.
const below = 3

// detailsView is everything about one replacement.
type detailsView struct {
	layout  ui.Page
	heading ui.Heading
	news    []ui.Banner
	text    templ.Component // nil: the programme says no more
	fit     *fitLines
	counted string
	groups  []compareGroup // with one cell a row
	steps   []phrase       // of the guide
	guide   *ui.Link
	files   *ui.Link // what it takes from an export
	price   []string
	list    []phrase
	effort  []phrase
	offer   []phrase
	choose  *ui.Link
	why     string // in the place of choose: why it cannot be chosen by this reader now
	reach   []ui.Link
	help    ui.Help
}

// details words one replacement.
func (w replacementWords) details(r migration.Replacement, o own, layout ui.Page, code string) detailsView {
	l, name := w.l, w.name(r)
	view := detailsView{layout: layout, help: help(w.v, code), heading: ui.Heading{Eyebrow: w.kind(r), Title: name, Lead: l.Pick(r.Summary)}}
	view.layout.Title = name
	view.news = w.standing(r, o)
	if text := l.Pick(r.Text); text != "" {
		view.text = ui.Markdown(text, below)
	}
	if len(w.p.Features) > 0 {
		f := w.fitLines(r, o.Usage)
		view.fit = &f
		view.counted = w.news(o, wish{keys: []string{r.Key}}).counted
	}
	s := slots{use: w.slots(o, nil).use}
	one := []migration.Replacement{r}
	view.groups = append([]compareGroup{w.data(one)}, w.features(one, s)...)
	view.groups = append(view.groups, w.limits(one), w.place(one))
	view.price, view.list, view.effort = w.price(replacement.PriceFor(w.p, r, o.customer, w.now)), w.listPrice(r), w.effort(r)
	view.offer = w.offer(r)
	if r.Guide != nil {
		for _, step := range r.Guide.Steps {
			view.steps = append(view.steps, w.say(step.Title))
		}
		view.guide = &ui.Link{Label: l.T("choice.guide.open"), URL: replacementURL(r.Key, "guide")}
	}
	if r.Import != nil {
		view.files = &ui.Link{Label: l.T("choice.files"), URL: importURL(r.Key)}
	}
	view.choose, view.why = w.door(r, o)
	view.reach = w.reach(r)
	return view
}

// door leads to choosing, or says why this reader cannot choose a replacement now.
func (w replacementWords) door(r migration.Replacement, o own) (*ui.Link, string) {
	l, name := w.l, w.name(r)
	mine, ok := o.chosen(w.p)
	switch {
	case ok && mine.Key == r.Key:
		return &ui.Link{Label: l.T("choice.decided.open"), URL: replacementURL(r.Key, "done")}, ""
	case r.Withdrawn:
		return nil, l.T("choice.withdrawn.short")
	case !w.p.StepsInEffect().Choose:
		return nil, l.T("choice.closed")
	case o.Choice != nil && !o.Choice.Changeable():
		return nil, l.T("choice.carried_out")
	case !w.v.Owner():
		return nil, l.T("choice.owner_only")
	}
	return &ui.Link{Label: l.T("choice.choose", "Product", name), URL: replacementURL(r.Key, "choose"), Icon: ui.IconArrow}, ""
}

// standing is what must be known of a replacement before reading on: it is chosen, withdrawn, its offer is over.
func (w replacementWords) standing(r migration.Replacement, o own) (list []ui.Banner) {
	l := w.l
	if mine, ok := o.chosen(w.p); ok && mine.Key == r.Key {
		list = append(list, *w.decided(o))
	}
	if r.Withdrawn {
		list = append(list, ui.Banner{Tone: "warn", Title: l.T("choice.withdrawn", "Product", w.name(r)), Text: l.T("choice.withdrawn.text"), Link: w.others()})
	}
	if state, until := replacement.OfferFor(w.p, r, w.tier, w.now); state == replacement.OfferEnded && !r.Withdrawn {
		list = append(list, ui.Banner{Tone: "info", Title: l.T("choice.offer.ended", "Date", w.OurDay(until)), Text: l.T("choice.offer.ended.text", "Product", w.name(r))})
	}
	return list
}

func (w replacementWords) others() *ui.Link {
	return &ui.Link{Label: w.l.T("choice.others"), URL: "/replacements"}
}

// reach is whom to turn to about a replacement.
func (w replacementWords) reach(r migration.Replacement) (links []ui.Link) {
	if r.URL != "" {
		links = append(links, ui.Link{Label: w.l.T("choice.site"), URL: r.URL})
	}
	if r.Contact == nil {
		return links
	}
	for _, one := range []struct{ text, url string }{
		{r.Contact.Email, "mailto:" + r.Contact.Email}, {r.Contact.Phone, "tel:" + dial(r.Contact.Phone)}, {r.Contact.URL, r.Contact.URL},
	} {
		if one.text != "" {
			links = append(links, ui.Link{Label: one.text, URL: one.url})
		}
	}
	return links
}

// chooseView is what a customer reads and agrees to before choosing.
type chooseView struct {
	layout  ui.Page
	back    string
	heading ui.Heading
	errors  []ui.FieldError
	news    []ui.Banner
	facts   []ui.SummaryRow
	action  string
	losses  []string
	hidden  []ui.Pair
	accept  ui.Field
	ticked  bool
	next    *ui.Button // nil: it cannot be chosen
}

// choose words the form; refused is why it comes back, nil at first.
func (w replacementWords) choose(r migration.Replacement, o own, check replacement.Check, f consent, refused error, layout ui.Page) chooseView {
	l, name := w.l, w.name(r)
	view := chooseView{layout: layout, back: replacementURL(r.Key), action: replacementURL(r.Key, "check"), heading: ui.Heading{
		Eyebrow: l.T("step.choose"), Title: l.T("choice.choose", "Product", name), Lead: l.T("choice.choose.lead"),
	}}
	view.layout.Title, view.layout.Narrow = view.heading.Title, true
	view.news = w.before(r, o, check, refused)
	view.facts = w.terms(r, check)
	view.losses = w.losses(check.Losses)
	for _, x := range check.Losses {
		view.hidden = append(view.hidden, ui.Pair{Name: "loss", Value: x.Key})
	}
	if check.Offer == replacement.OfferOpen {
		view.hidden = append(view.hidden, ui.Pair{Name: "offer", Value: "yes"})
	}
	view.accept, view.ticked = ui.Field{Locale: l, ID: "accept", Label: l.N("choice.accept", len(view.losses))}, f.accept
	if said := w.forms().fieldErrors(refused); len(said) > 0 {
		view.accept.Error, view.errors = said["accept"], said.list("accept")
	}
	view.layout.Errors = len(view.errors) > 0
	if !check.CarriedOut && w.v.Owner() && w.p.StepsInEffect().Choose {
		view.next = &ui.Button{Label: l.T("ui.continue"), Kind: ui.Primary}
	}
	return view
}

// before is what must be known before choosing: what is chosen already, what has changed since the page was read.
func (w replacementWords) before(r migration.Replacement, o own, check replacement.Check, refused error) (list []ui.Banner) {
	l := w.l
	if key := changed(refused); key != "" {
		list = append(list, ui.Banner{Tone: "warn", Title: l.T(key), Text: l.T(key + ".text")})
	}
	mine, ok := o.chosen(w.p)
	switch {
	case !w.p.StepsInEffect().Choose:
		list = append(list, ui.Banner{Tone: "info", Title: l.T("choice.closed")})
	case check.CarriedOut:
		list = append(list, ui.Banner{Tone: "info", Title: l.T("choice.carried_out")})
	case !w.v.Owner():
		list = append(list, ui.Banner{Tone: "info", Title: l.T("choice.owner_only")})
	case ok && mine.Key == r.Key:
		list = append(list, ui.Banner{
			Tone: "info", Title: l.T("choice.keep", "Product", w.name(r)), Text: l.T("choice.keep.text"),
			Link: &ui.Link{Label: l.T("choice.decided.open"), URL: replacementURL(r.Key, "done")},
		})
	case ok:
		list = append(list, ui.Banner{
			Tone: "info", Title: l.T("choice.change", "Product", w.name(mine)), Text: l.T("choice.change.text", "Product", w.name(r)),
			Link: &ui.Link{Label: l.T("choice.change.keep", "Product", w.name(mine)), URL: replacementURL(mine.Key, "done")},
		})
	}
	return list
}

// terms are what the choice comes with.
func (w replacementWords) terms(r migration.Replacement, check replacement.Check) []ui.SummaryRow {
	l := w.l
	offer := func() templ.Component {
		lines := w.offer(r)
		if check.Code && check.Scarce {
			lines = append(lines, plain(l.T("choice.code.scarce")))
		} else if check.Code {
			lines = append(lines, plain(l.T("choice.code.comes")))
		}
		return phrases(lines)
	}
	return []ui.SummaryRow{
		{Key: l.T("choice.row.product"), Value: w.name(r)},
		{Key: l.T("choice.row.pay"), Body: ownPrice(w.price(check.Price))},
		{Key: l.T("choice.row.offer"), Body: offer()},
		{Key: l.T("choice.row.effort"), Body: phrases(w.effort(r))},
	}
}

// choiceCheckView shows what is about to be chosen.
type choiceCheckView struct {
	layout  ui.Page
	back    string
	heading ui.Heading
	rows    []ui.SummaryRow
	next    []string
	confirm ui.Action
}

func (w replacementWords) choiceCheck(r migration.Replacement, o own, check replacement.Check, f consent, layout ui.Page) choiceCheckView {
	l, again := w.l, replacementURL(r.Key, "choose")
	view := choiceCheckView{layout: layout, back: again, rows: w.terms(r, check), heading: ui.Heading{
		Eyebrow: l.T("choice.choose", "Product", w.name(r)), Title: l.T("choice.check"), Lead: l.T("choice.check.lead"),
	}}
	view.layout.Narrow = true
	view.rows[0].ChangeURL = "/replacements"
	losses := l.T("choice.losses.none")
	if len(f.losses) > 0 {
		losses = l.N("choice.losses.accepted", len(f.losses))
	}
	view.rows = append(view.rows, ui.SummaryRow{Key: l.T("choice.row.losses"), Value: losses, ChangeURL: again})
	view.next = w.after(r, o, check)
	view.confirm = ui.Action{URL: again, Button: ui.Button{Label: l.T("choice.confirm"), Kind: ui.Primary}}
	for _, key := range f.losses {
		view.confirm.Hidden = append(view.confirm.Hidden, ui.Pair{Name: "loss", Value: key})
	}
	if f.accept {
		view.confirm.Hidden = append(view.confirm.Hidden, ui.Pair{Name: "accept", Value: "yes"})
	}
	if f.offer {
		view.confirm.Hidden = append(view.confirm.Hidden, ui.Pair{Name: "offer", Value: "yes"})
	}
	return view
}

// after says what follows from a choice.
func (w replacementWords) after(r migration.Replacement, o own, check replacement.Check) []string {
	l := w.l
	list := []string{l.T("choice.after.record")}
	switch {
	case check.Code && check.Scarce:
		list = append(list, l.T("choice.after.wait"))
	case check.Code:
		list = append(list, l.T("choice.after.code"))
	}
	if mine, ok := o.chosen(w.p); ok && mine.Key != r.Key {
		list = append(list, l.T("choice.after.instead", "Product", w.name(mine)))
	}
	return append(list, l.T("choice.after.change"))
}
