package customer

import (
	"offramp/export"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/portal/ui"
)

// askView is the form of a request for help with an export.
type askView struct {
	layout   ui.Page
	back     string
	heading  ui.Heading
	errors   []ui.FieldError
	action   string
	dataset  ui.Selection
	expected ui.Input
	text     ui.Area
	send     ui.Button
	w        exportWords
	asked    []helpCard // already, about this export
}

// helpCard is one request about an export, as its customer sees it.
type helpCard struct {
	title string
	tone  ui.Tone
	tag   string
	rows  []ui.SummaryRow
	open  ui.Link
}

// askedFrom is the page that leads to the form: the check of a file that is there, else the export's own.
func askedFrom(w exportWords, e export.Export) string {
	if e.Downloadable(w.now) && !e.Lost(w.now) {
		return exportURL(e) + "/check"
	}
	return exportURL(e)
}

// buildAsk words the form with what it holds; refused is why it came back, nil at first.
func buildAsk(w exportWords, e export.Export, f helpForm, asked []assistance.Request, refused error, layout ui.Page) askView {
	l, said := w.l, w.fieldErrors(refused)
	view := askView{
		layout: layout, back: askedFrom(w, e), action: helpURL(e), errors: said.list("dataset", "expected", "text"),
		heading: ui.Heading{Eyebrow: e.Reference(), Title: l.T("help.missing"), Lead: l.T("help.lead", "Reference", e.Reference())},
		send:    ui.Button{Label: l.T("help.send"), Kind: ui.Primary},
	}
	view.w = w
	for _, r := range asked {
		view.asked = append(view.asked, w.helpCard(r))
	}
	view.layout.Narrow, view.layout.Errors = true, len(view.errors) > 0
	view.dataset = ui.Selection{Field: w.field(said, "dataset", "help.dataset"), Options: []ui.Option{{Value: "", Label: l.T("help.dataset.none"), Selected: f.dataset == ""}}}
	for _, d := range w.p.Datasets {
		if w.holds(e.Selection, d.Key) {
			view.dataset.Options = append(view.dataset.Options, ui.Option{Value: d.Key, Label: w.dataset(d.Key), Selected: f.dataset == d.Key})
		}
	}
	view.expected = ui.Input{Field: w.field(said, "expected", "help.expected"), Value: f.expected, InputMode: "numeric", Width: "medium", MaxLength: 25}
	view.expected.Hint, view.expected.Optional = l.T("help.expected.hint"), true
	view.text = ui.Area{Field: w.field(said, "text", "help.text"), Value: f.text, Rows: 6, MaxLength: assistance.MaxText}
	view.text.Hint = l.T("help.text.hint")
	return view
}

// helpTones of the states of a request.
var helpTones = map[assistance.State]ui.Tone{
	assistance.Open: ui.ToneInProgress, assistance.Answered: ui.ToneActionNeeded, assistance.Closed: ui.ToneCompleted,
}

// helpCard words one request about an export.
func (w exportWords) helpCard(r assistance.Request) helpCard {
	l := w.l
	card := helpCard{title: l.T("help.one", "Reference", r.Reference()), tone: helpTones[r.State], tag: l.T("help.state." + string(r.State))}
	row := func(key, value string) {
		if value != "" {
			card.rows = append(card.rows, ui.SummaryRow{Key: l.T(key), Value: value})
		}
	}
	row("help.sent", w.When(r.CreatedAt))
	if r.Dataset != "" {
		row("help.dataset", w.dataset(r.Dataset))
	}
	if r.Expected != nil {
		row("help.expected", l.Number(*r.Expected))
	}
	row("help.text", r.Text)
	row("help.answer", r.Answer)
	card.open = ui.Link{Label: l.T("help.open_request"), Hidden: r.Reference(), URL: "/help/" + r.ID}
	return card
}

// datasetKeys are the keys of the programme's datasets.
func datasetKeys(p *migration.Programme) []string {
	keys := make([]string, len(p.Datasets))
	for i, d := range p.Datasets {
		keys[i] = d.Key
	}
	return keys
}
