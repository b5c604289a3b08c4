package customer

import (
	"slices"
	"strconv"
	"strings"

	"offramp/export"
	"offramp/export/outline"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// offer is what a customer can choose from.
type offer struct {
	plan    migration.Plan
	outline outline.Outline
	lock    bool            // the files can be locked by a password
	earlier []export.Export // ready ones, of which "changes since" can be asked; newest first
}

// newExportView is the form of a new export, or why there is none.
type newExportView struct {
	layout       ui.Page
	heading      ui.Heading
	blocked      *ui.Banner // in place of the form
	refused      *ui.Banner // above the form: it was fine, and still nothing could be started
	errors       []ui.FieldError
	sizes        outlineView
	scope        ui.Choices
	some         details // what to export
	datasets     ui.Choices
	filters      []picks
	period       *period     // nil: no dataset has a date
	since        *ui.Choices // nil: there is nothing to compare with
	how          details     // formats and files
	formats      ui.Choices
	extras       []extra // further copies
	lock         bool    // the last of them is the question of a password
	volume       ui.Choices
	replacements *ui.Choices // nil: none reads files of ours
	losses       []ui.Link   // what each of them has no place for
	mail         string
	next         ui.Button
}

// details is a part of the form that stands behind its title until it is wanted.
type details struct {
	id, title string
	open      bool
}

// picks is a filter: a list of values to choose from, long at times.
type picks struct {
	ui.Choices
	search string // label of the field that a script adds above a long list; empty: the list is short
	note   string // which datasets it does not touch
}

// extra is one box to tick.
type extra struct {
	ui.Field
	on bool
}

// period is the two ends of the days that an export covers.
type period struct {
	legend, hint string
	from, until  ui.Input
}

// searchFrom is the length from which a list of values can be searched.
const searchFrom = 12

// buildNewExport words the form with what it holds; refused is why it came back, nil at first.
func buildNewExport(v *page.Visit, o offer, f exportForm, refused error, layout ui.Page) newExportView {
	l, w := v.Locale, newExportWords(v, o.plan)
	view := newExportView{layout: layout, heading: ui.Heading{Eyebrow: l.T("step.export"), Title: l.T("export.new"), Lead: l.T("export.new.lead")}}
	view.layout.Narrow, view.layout.HTMX = true, true
	if open, why := w.door(o.plan); !open {
		view.blocked = why
		return view
	}
	said := w.fieldErrors(refused)
	w.askWhat(&view, o, f, said)
	w.askHow(&view, o, f, said)
	view.errors = said.list(view.fields()...)
	if view.layout.Errors = len(view.errors) > 0; !view.layout.Errors && refused != nil {
		if e, ok := fault.As(refused); ok {
			view.refused = &ui.Banner{Tone: "warn", Title: l.T(e.Key, w.args(e.Args)...)}
		}
	}
	view.sizes = w.outline(o.outline)
	view.mail = w.mail()
	view.next = ui.Button{Label: l.T("export.form.next"), Kind: ui.Primary}
	return view
}

// fields are the names of the fields that the form has, in order.
func (v newExportView) fields() []string {
	names := []string{"scope", "dataset"}
	for _, p := range v.filters {
		names = append(names, p.ID)
	}
	if v.period != nil {
		names = append(names, "from", "until")
	}
	if v.since != nil {
		names = append(names, "since")
	}
	if v.replacements != nil {
		names = append(names, "replacement")
	}
	if names = append(names, "format", "spreadsheet", "browse"); v.lock {
		names = append(names, "locked")
	}
	return append(names, "volume")
}

func (w exportWords) field(said said, name, key string) ui.Field {
	return ui.Field{Locale: w.l, ID: name, Label: w.l.T(key), Error: said[name]}
}

// askWhat words the questions about what is exported.
func (w exportWords) askWhat(view *newExportView, o offer, f exportForm, said said) {
	l := w.l
	view.scope = ui.Choices{Field: w.field(said, "scope", "export.form.scope"), Options: []ui.Option{
		{Value: scopeAll, Label: l.T("export.scope.all"), Hint: l.T("export.form.scope.all.hint"), Selected: f.scope == scopeAll},
		{Value: scopeSome, Label: l.T("export.form.scope.some"), Hint: l.T("export.form.scope.some.hint"), Selected: f.scope == scopeSome},
	}}
	view.some = details{id: "some", title: l.T("export.form.some"), open: f.scope == scopeSome}
	view.datasets = ui.Choices{Field: w.field(said, "dataset", "export.form.dataset"), Options: w.datasetOptions(o.outline, f.datasets)}
	view.datasets.Hint = l.T("export.form.dataset.hint")
	for _, filter := range w.p.Export.Filters {
		view.filters = append(view.filters, w.picks(filter, o.outline, f.filters[filter.Key], said))
	}
	if with, without := w.split(func(d migration.Dataset) bool { return d.Period != "" }); with != "" {
		view.period = &period{
			legend: l.T("export.form.period"), hint: w.untouched("export.form.period.hint", "export.form.period.whole", without),
			from:  ui.Input{Field: w.field(said, "from", "export.form.from"), Type: "date", Value: f.from, Width: "medium"},
			until: ui.Input{Field: w.field(said, "until", "export.form.until"), Type: "date", Value: f.until, Width: "medium"},
		}
	}
	if len(o.earlier) > 0 {
		view.since = w.since(o.earlier, f.since, said)
	}
	for _, name := range view.fields()[1:] {
		inside := !slices.Contains([]string{"replacement", "format", "spreadsheet", "browse", "volume"}, name)
		view.some.open = view.some.open || inside && said[name] != ""
	}
}

// since offers what changed after an earlier export.
func (w exportWords) since(earlier []export.Export, chosen string, said said) *ui.Choices {
	_, without := w.split(func(d migration.Dataset) bool { return d.Changed != "" })
	c := &ui.Choices{Field: w.field(said, "since", "export.form.since"), Options: []ui.Option{
		{Value: "", Label: w.l.T("export.form.since.all"), Selected: chosen == ""},
	}}
	c.Hint = w.untouched("export.form.since.hint", "export.form.since.whole", without)
	for _, e := range earlier {
		c.Options = append(c.Options, ui.Option{
			Value: e.ID, Label: w.l.T("export.since", "Reference", e.Reference(), "Date", w.When(*e.AsOf)), Selected: chosen == e.ID,
		})
	}
	return c
}

// askHow words the questions about the files.
func (w exportWords) askHow(view *newExportView, o offer, f exportForm, said said) {
	l := w.l
	view.how = details{id: "how", title: l.T("export.form.how"), open: said["format"]+said["spreadsheet"]+said["browse"]+said["locked"]+said["volume"] != ""}
	view.formats = ui.Choices{Field: w.field(said, "format", "export.form.format")}
	for _, format := range formats {
		view.formats.Options = append(view.formats.Options, ui.Option{
			Value: format, Label: l.T("export.format." + format), Hint: l.T("export.format." + format + ".hint"), Selected: slices.Contains(f.formats, format),
		})
	}
	view.extras = []extra{
		{Field: w.field(said, "spreadsheet", "export.form.spreadsheet.yes"), on: f.spreadsheet},
		{Field: w.field(said, "browse", "export.form.browse.yes"), on: f.browse},
	}
	view.extras[0].Hint, view.extras[1].Hint = l.T("export.form.spreadsheet.hint"), l.T("export.form.browse.hint")
	if view.lock = o.lock; view.lock {
		lock := extra{Field: w.field(said, "locked", "export.form.locked.yes"), on: f.locked}
		lock.Hint = l.T("export.form.locked.hint")
		view.extras = append(view.extras, lock)
	}
	view.volume = ui.Choices{Field: w.field(said, "volume", "export.form.volume")}
	view.volume.Hint = l.T("export.form.volume.hint")
	for _, size := range export.VolumeSizes {
		text := strconv.Itoa(size)
		view.volume.Options = append(view.volume.Options, ui.Option{
			Value: text, Label: text + " GiB", Hint: l.T("export.form.volume." + text), Selected: f.volume == text || f.volume == "" && size == export.DefaultVolumeSize,
		})
	}
	options := []ui.Option{{Value: "", Label: l.T("export.form.replacement.none"), Selected: f.replacement == ""}}
	for _, r := range w.p.Replacements {
		if r.Import == nil {
			continue
		}
		name := w.replacement(r.Key)
		options = append(options, ui.Option{
			Value: r.Key, Label: l.T("export.form.replacement.for", "Replacement", name), Hint: l.T("export.form.replacement.hint"), Selected: f.replacement == r.Key,
		})
		view.losses = append(view.losses, ui.Link{Label: l.T("export.form.replacement.losses", "Replacement", name), URL: importURL(r.Key)})
	}
	if len(options) > 1 {
		view.replacements = &ui.Choices{Field: w.field(said, "replacement", "export.form.replacement"), Options: options}
	}
}

// datasetOptions are the datasets with what is known about their size.
func (w exportWords) datasetOptions(o outline.Outline, chosen []string) []ui.Option {
	options := make([]ui.Option, 0, len(w.p.Datasets))
	for _, d := range w.p.Datasets {
		options = append(options, ui.Option{
			Value: d.Key, Label: w.dataset(d.Key), Hint: w.datasetHint(d, o), Selected: slices.Contains(chosen, d.Key),
		})
	}
	return options
}

// datasetHint says what a dataset is and how large.
func (w exportWords) datasetHint(d migration.Dataset, o outline.Outline) string {
	size := w.l.T("export.outline.unknown")
	if known, ok := o.Dataset(d.Key); ok {
		size = w.amount(known.Rows, known.Files, known.Size())
	}
	if about := w.l.Pick(d.Description); about != "" {
		return w.l.T("export.form.dataset.about", "About", about, "Size", size)
	}
	return size
}

// amount says how much there is: rows, files, size.
func (w exportWords) amount(rows, files, bytes int64) string {
	parts := []string{w.rows(rows)}
	if files > 0 {
		parts = append(parts, w.files(files))
	}
	return strings.Join(append(parts, w.l.Size(bytes)), " · ")
}

func (w exportWords) rows(n int64) string {
	return w.l.N("export.rows", int(n), "Number", w.l.Number(n))
}

func (w exportWords) files(n int64) string {
	return w.l.N("export.files", int(n), "Number", w.l.Number(n))
}

// picks words one of the programme's filters with the values that this customer has.
func (w exportWords) picks(f migration.Filter, o outline.Outline, chosen []string, said said) picks {
	id := filterField(f.Key)
	pick := picks{Choices: ui.Choices{Field: ui.Field{Locale: w.l, ID: id, Label: w.filter(f), Error: said[id], Optional: true}}}
	_, without := w.split(func(d migration.Dataset) bool { return d.Filters[f.Key] != "" })
	pick.Hint = w.untouched("export.form.filter.hint", "export.form.filter.whole", without)
	known, ok := o.Filter(f.Key)
	for _, value := range chosen { // also where the choices are not known any more
		if !slices.ContainsFunc(known.Choices, func(c outline.Choice) bool { return c.Value == value }) {
			pick.Options = append(pick.Options, ui.Option{Value: value, Label: value, Selected: true})
		}
	}
	for _, c := range known.Choices {
		pick.Options = append(pick.Options, ui.Option{Value: c.Value, Label: c.Label, Selected: slices.Contains(chosen, c.Value)})
	}
	if len(pick.Options) > searchFrom {
		pick.search = w.l.T("export.form.filter.search", "Filter", w.filter(f))
	}
	switch {
	case !ok:
		pick.note = w.l.T("export.form.filter.unknown")
	case known.More:
		pick.note = w.l.T("export.form.filter.more", "Count", w.l.Number(outline.MaxChoices))
	case len(known.Choices) == 0:
		pick.note = w.l.T("export.form.filter.none")
	}
	return pick
}

// split names the datasets for which something holds, and those for which it does not.
func (w exportWords) split(holds func(migration.Dataset) bool) (with, without string) {
	var yes, no []string
	for _, d := range w.p.Datasets {
		if holds(d) {
			yes = append(yes, w.dataset(d.Key))
		} else {
			no = append(no, w.dataset(d.Key))
		}
	}
	return w.list(yes), w.list(no)
}

// untouched says what something does and which datasets come whole in spite of it.
func (w exportWords) untouched(hint, whole, without string) string {
	if without == "" {
		return w.l.T(hint)
	}
	return w.l.T("export.sentences", "First", w.l.T(hint), "Second", w.l.T(whole, "Datasets", without))
}

// mail says who hears when the export is ready.
func (w exportWords) mail() string {
	if w.v.Session.MailTo == "" {
		return w.l.T("export.form.no_mail")
	}
	return w.l.T("export.form.mail", "Email", locale.Mask(w.v.Session.MailTo))
}

// args makes instants readable in the reader's own zone.
func (w exportWords) args(args map[string]any) []any {
	kv := make([]any, 0, 2*len(args))
	for name, value := range args {
		kv = append(kv, name, w.readable(value))
	}
	return kv
}
