package customer

import (
	"strings"
	"time"

	"offramp/export"
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
	start    ui.Action
	change   ui.Action
}

// buildReview words the check of an order; known says whether e is worth saying.
func buildReview(v *page.Visit, o offer, f exportForm, sel export.Selection, e export.Estimate, layout ui.Page) reviewView {
	l, w := v.Locale, newExportWords(v, o.plan)
	w.earlier, w.offered = o.earlier, o.outline
	view := reviewView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("step.export"), Title: l.T("export.review"), Lead: l.T("export.review.lead")},
		chosen: w.chosen(sel), notes: w.limits(sel, o.outline), mail: w.mail(),
	}
	view.layout.Narrow = true
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
func (w exportWords) estimate(e export.Estimate, sel export.Selection) []ui.SummaryRow {
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
func (w exportWords) limits(sel export.Selection, o export.Outline) (notes []string) {
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
