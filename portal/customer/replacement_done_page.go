package customer

import (
	"offramp/migration"
	"offramp/migration/replacement"
	"offramp/portal/ui"
)

// doneView confirms a choice.
type doneView struct {
	layout  ui.Page
	panel   ui.Confirmation
	news    []ui.Banner
	code    string // to copy; empty: none, or not for this reader
	about   []string
	state   []ui.SummaryRow
	next    []ui.Link
	primary *ui.Link
	undo    *ui.Link
}

// done words a choice that was made.
func (w replacementWords) done(r migration.Replacement, o own, layout ui.Page) doneView {
	l, name, c := w.l, w.name(r), o.Choice
	view := doneView{layout: layout, panel: ui.Confirmation{Locale: l, Title: l.T("choice.done", "Product", name)}}
	view.layout.Title, view.layout.Narrow = view.panel.Title, true
	w.tellCode(&view, r, o)
	if c.State != replacement.Made {
		view.news = append(view.news, ui.Banner{Tone: stateTone(c.State), Title: l.T("choice.state."+string(c.State)+".title", "Product", name), Text: l.T("choice.state."+string(c.State)+".text", "Product", name)})
	}
	view.state = w.history(r, o)
	link := func(key, url string) { view.next = append(view.next, ui.Link{Label: l.T(key), URL: url}) }
	if r.SignUp != nil && w.v.Owner() && (c.State == replacement.Made || c.State == replacement.Failed) {
		view.primary = &ui.Link{Label: l.T("choice.sign_up", "Product", name), URL: replacementURL(r.Key, "hand-over"), Icon: ui.IconArrow}
	}
	if r.Guide != nil {
		link("choice.guide.open", replacementURL(r.Key, "guide"))
	}
	if r.Import != nil {
		link("choice.files", importURL(r.Key))
	}
	link("choice.details", replacementURL(r.Key))
	link("nav.plan", "/plan")
	if w.v.Owner() && c.Changeable() {
		view.undo = &ui.Link{Label: l.T("choice.undo.go"), URL: "/replacements/undo"}
	}
	return view
}

// tellCode shows the code of the offer, or the place on the waiting list.
func (w replacementWords) tellCode(view *doneView, r migration.Replacement, o own) {
	l := w.l
	code, ok := o.CodeFor(r)
	switch {
	case !ok:
		return
	case !w.v.Owner():
		view.about = append(view.about, l.T("choice.code.owner"))
	case code.Waiting:
		view.news = append(view.news, ui.Banner{Tone: "info", Title: l.T("choice.code.waiting"), Text: l.T("choice.code.waiting.text", "Date", w.Day(code.At))})
	default:
		view.code = code.Code
		view.about = append(view.about, l.T("choice.code.mailed"))
	}
	if code.Until != nil && !code.Waiting {
		key := "choice.code.until"
		if w.now.After(*code.Until) {
			key = "choice.code.ended"
		}
		view.about = append(view.about, l.T(key, "Date", w.OurDay(*code.Until)))
	}
}

// history is what was recorded of a choice and what the replacement has reported since.
func (w replacementWords) history(r migration.Replacement, o own) []ui.SummaryRow {
	l, c := w.l, o.Choice
	rows := []ui.SummaryRow{
		{Key: l.T("choice.row.at"), Value: w.moment(c.At)},
		{Key: l.T("choice.row.state"), Body: ui.Tag("", ChoiceTone(*c), ChoiceWord(l, *c))},
	}
	if !c.ChangedAt.IsZero() && !c.ChangedAt.Equal(c.At) {
		rows = append(rows, ui.SummaryRow{Key: l.T("choice.row.changed"), Value: w.moment(c.ChangedAt)})
	}
	if len(c.Losses) > 0 {
		rows = append(rows, ui.SummaryRow{Key: l.T("choice.row.losses"), Value: l.N("choice.losses.accepted", len(c.Losses))})
	}
	if h := o.HandOver; h != nil && h.Replacement == r.Key {
		rows = append(rows, ui.SummaryRow{Key: l.T("choice.hand_over"), Value: HandOverState(w.v, h)})
	}
	if text := GuideProgress(l, r, o.Ticks[r.Key]); text != "" {
		rows = append(rows, ui.SummaryRow{Key: l.T("choice.guide"), Value: text})
	}
	return rows
}

// progressOf counts the steps of a replacement's guide that are ticked off.
func progressOf(r migration.Replacement, ticks map[string]replacement.Tick) (done, all int) {
	if r.Guide == nil {
		return 0, 0
	}
	for _, step := range r.Guide.Steps {
		if _, ok := ticks[step.Key]; ok {
			done++
		}
	}
	return done, len(r.Guide.Steps)
}

// undoView asks whether a decision is to be taken back.
type undoView struct {
	layout  ui.Page
	heading ui.Heading
	nothing *ui.Banner // nothing is decided, or nothing can be changed
	rows    []ui.SummaryRow
	after   []string
	confirm *ui.Action
	keep    ui.Link // the page that led here
}

func (w replacementWords) undo(o own, layout ui.Page) undoView {
	l, c := w.l, o.Choice
	view := undoView{layout: layout, heading: ui.Heading{Eyebrow: l.T("step.choose"), Title: l.T("choice.undo"), Lead: l.T("choice.undo.lead")}, keep: ui.Link{Label: l.T("choice.undo.keep"), URL: "/replacements"}}
	switch {
	case c == nil:
		view.nothing = &ui.Banner{Tone: "info", Title: l.T("choice.undo.nothing")}
		return view
	case !c.Changeable():
		view.nothing = &ui.Banner{Tone: "info", Title: l.T("choice.carried_out")}
		return view
	case !w.v.Owner():
		view.nothing = &ui.Banner{Tone: "info", Title: l.T("choice.owner_only")}
		return view
	}
	what := l.T("choice.word." + string(c.Decision))
	if c.Decision == replacement.Chosen {
		what = ReplacementName(w.v, c.Replacement)
		view.keep.URL = replacementURL(c.Replacement, "done")
	}
	view.rows = []ui.SummaryRow{{Key: l.T("choice.row.decision"), Value: what}, {Key: l.T("choice.row.at"), Value: w.moment(c.At)}}
	if c.Reason != "" {
		view.rows = append(view.rows, ui.SummaryRow{Key: l.T("choice.row.reason"), Value: l.T("replacement.reason." + c.Reason)})
	}
	if _, drawn := o.Codes[c.Replacement]; drawn {
		view.after = append(view.after, l.T("choice.undo.code"))
	}
	view.after = append(view.after, l.T("choice.undo.after"))
	view.confirm = &ui.Action{URL: "/replacements/undo", Button: ui.Button{Label: l.T("choice.undo.confirm"), Kind: ui.Primary}}
	return view
}
