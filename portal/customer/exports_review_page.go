package customer

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/export/archive/locked"
	"offramp/export/outline"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// reviewView shows what was chosen and what it comes to, before anything is started.
type reviewView struct {
	layout   ui.Page
	heading  ui.Heading
	chosen   []ui.SummaryRow
	estimate []ui.SummaryRow
	unknown  string // said in place of the estimate
	notes    []string
	mail     string
	errors   []ui.FieldError
	password *passwordView // of files that are to be locked
	start    ui.Action
	change   ui.Action
}

// buildReview words the check of an order; known says whether e is worth saying.
func buildReview(v *page.Visit, o offer, f exportForm, sel export.Selection, e outline.Estimate, refused error, layout ui.Page) reviewView {
	l, w := v.Locale, newExportWords(v, o.plan)
	w.earlier, w.offered = o.earlier, o.outline
	view := reviewView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("step.export"), Title: l.T("export.review"), Lead: l.T("export.review.lead")},
		chosen: w.chosen(sel), notes: w.limits(sel, o.outline), mail: w.mail(),
	}
	view.layout.Narrow = true
	if sel.Locked {
		view.password, view.errors = w.password(sel.Password, refused)
		view.layout.Errors = len(view.errors) > 0
	}
	if o.outline.Datasets == nil {
		view.unknown = l.T("export.review.unknown")
	} else {
		view.estimate = w.estimate(e, sel)
	}
	hidden := f.pairs(v.Programme)
	view.start = ui.Action{URL: "/exports", Hidden: hidden, Button: ui.Button{Label: l.T("export.start"), Kind: ui.Primary}}
	view.change = ui.Action{URL: "/exports/new", Hidden: hidden, Button: ui.Button{Label: l.T("export.review.change")}}
	return view
}

// passwordView asks for the password of files. It is shown once, in plain letters, since it has to be kept.
type passwordView struct {
	title, keep string
	input       ui.Input
}

// password words it. refused is what is wrong with the password; nil at first.
func (w exportWords) password(password export.Password, refused error) (*passwordView, []ui.FieldError) {
	said := w.fieldErrors(refused)
	v := &passwordView{title: w.l.T("export.password.title"), keep: w.l.T("export.password.keep"), input: ui.Input{
		Field: w.field(said, passwordField, "export.password.label"), Value: string(password), Autocomplete: "off", Width: "medium",
	}}
	hint := "export.password.hint"
	if refused != nil { // it is the reader's own now
		hint = "export.password.hint.own"
	}
	v.input.Hint = w.l.T(hint, "Min", locked.MinLength, "Max", locked.MaxLength)
	return v, said.list(passwordField)
}

// badPassword reports whether an error is about the password of the files.
func badPassword(err error) bool {
	e, ok := fault.As(err)
	return ok && slices.ContainsFunc(e.Fields, func(f fault.Field) bool { return f.Name == passwordField })
}

// passwordPageView asks for the password of files that are built once more.
type passwordPageView struct {
	layout   ui.Page
	heading  ui.Heading
	back     string
	errors   []ui.FieldError
	password *passwordView
	start    ui.Action
}

// askPassword is the page for it; do is where it leads, such as "/again".
func (p *Pages) askPassword(c echo.Context, e export.Export, do string, password export.Password, refused error) error {
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	v, status := page.Of(c), http.StatusOK
	l, w := v.Locale, newExportWords(v, plan)
	if refused != nil {
		status = http.StatusUnprocessableEntity
	}
	view := passwordPageView{
		layout: p.Layout(c, l.T("export.password.ask"), "exports"), back: exportURL(e),
		heading: ui.Heading{Eyebrow: l.T("step.export"), Title: l.T("export.password.ask"), Lead: l.T("export.password.ask.lead")},
		start:   ui.Action{URL: exportURL(e) + do, Button: ui.Button{Label: l.T("export.start"), Kind: ui.Primary}},
	}
	view.password, view.errors = w.password(password, refused)
	view.layout.Narrow, view.layout.Errors, view.layout.Path = true, len(view.errors) > 0, exportURL(e)
	return page.Render(c, status, passwordPage(view))
}

// onceMore starts what rebuilds an export, after asking for a password where its files are locked.
func (p *Pages) onceMore(c echo.Context, do string, start func(e export.Export, password export.Password) (export.Export, error)) error {
	form, err := page.ReadForm(c, passwordInput)
	if err != nil {
		return err
	}
	was, err := p.Exports.Get(c.Request().Context(), page.Of(c).Who(), c.Param("id"))
	if err != nil {
		return err
	}
	password := export.Password(form.Get(passwordField))
	if was.Selection.Locked && !form.Has(passwordField) {
		return p.askPassword(c, was, do, export.Password(locked.Generate()), nil)
	}
	e, err := start(was, password)
	if badPassword(err) {
		return p.askPassword(c, was, do, password, err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, exportURL(e), "ok", "flash.export_requested")
}

// chosen lists what an export holds and how; the same rows stand on its page.
func (w exportWords) chosen(sel export.Selection) (rows []ui.SummaryRow) {
	l := w.l
	row := func(key, value string) {
		if value != "" {
			rows = append(rows, ui.SummaryRow{Key: l.T(key), Value: value})
		}
	}
	row("export.contents", w.contents(sel))
	for _, f := range w.p.Export.Filters {
		if chosen := sel.Filters[f.Key]; len(chosen) > 0 {
			rows = append(rows, ui.SummaryRow{Key: w.filter(f), Value: w.values(f.Key, chosen)})
		}
	}
	row("export.form.period", w.period(sel))
	row("export.form.since", w.sinceText(sel))
	row("export.formats", w.formats(sel))
	if sel.VolumeSize > 0 {
		row("export.form.volume", l.T("export.volume.most", "Size", sel.VolumeSize))
	}
	if sel.Replacement != "" {
		row("export.form.replacement", w.replacement(sel.Replacement))
	}
	if sel.Locked {
		row("export.locked.fact", l.T("export.locked.fact.yes"))
	}
	return rows
}

// valuesShown is how many of a filter's values are named.
const valuesShown = 5

// values names what was chosen of a filter, the first few.
func (w exportWords) values(key string, chosen []string) string {
	known, _ := w.offered.Filter(key)
	var names []string
	for _, value := range chosen[:min(len(chosen), valuesShown)] {
		name := value
		for _, c := range known.Choices {
			if c.Value == value {
				name = c.Label
			}
		}
		names = append(names, name)
	}
	text := strings.Join(names, " · ")
	if rest := len(chosen) - len(names); rest > 0 {
		text += " " + w.l.N("export.values.more", rest)
	}
	return text
}

// estimate says what it comes to. Estimates are always called so.
func (w exportWords) estimate(e outline.Estimate, sel export.Selection) []ui.SummaryRow {
	l := w.l
	about := func(text string) string {
		if e.AtMost {
			return l.T("export.estimate.most", "Amount", text)
		}
		return l.T("export.estimate.about", "Amount", text)
	}
	size := sel.VolumeSize
	if size == 0 {
		size = export.DefaultVolumeSize
	}
	soon := l.Duration(e.Duration)
	if e.Duration >= time.Minute { // "less than a minute" is a bound already
		soon = about(soon)
	}
	return []ui.SummaryRow{
		{Key: l.T("export.estimate.data"), Value: about(w.amount(e.Rows, e.Files, e.Bytes))},
		{Key: l.T("export.estimate.download"), Value: about(l.Size(e.Packed))},
		{Key: l.T("export.estimate.volumes"), Value: l.N("export.estimate.files", e.Volumes, "Size", size)},
		{Key: l.T("export.estimate.time"), Value: soon},
	}
}

// limits says in plain words what an export like this cannot give.
func (w exportWords) limits(sel export.Selection, o outline.Outline) (notes []string) {
	l := w.l
	of := func(key string, holds func(migration.Dataset) bool) {
		var names []string
		for _, d := range w.p.Datasets {
			if w.holds(sel, d.Key) && holds(d) {
				names = append(names, w.dataset(d.Key))
			}
		}
		if len(names) > 0 {
			notes = append(notes, l.T(key, "Datasets", w.list(names)))
		}
	}
	if sel.Since != "" {
		notes = append(notes, l.T("export.limit.deleted"))
		of("export.limit.since", func(d migration.Dataset) bool { return d.Changed == "" })
	}
	if !sel.From.IsZero() || !sel.Until.IsZero() {
		of("export.limit.period", func(d migration.Dataset) bool { return d.Period == "" })
	}
	for _, f := range w.p.Export.Filters {
		if len(sel.Filters[f.Key]) > 0 {
			of("export.limit.filter", func(d migration.Dataset) bool { return d.Filters[f.Key] == "" })
		}
	}
	of("export.limit.unsteady", func(d migration.Dataset) bool { known, ok := o.Dataset(d.Key); return ok && !known.Steady })
	if o.Datasets != nil {
		of("export.limit.unknown", func(d migration.Dataset) bool { _, ok := o.Dataset(d.Key); return !ok })
	}
	return notes
}
