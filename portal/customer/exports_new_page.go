package customer

import (
	"slices"
	"strings"

	"offramp/export"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Answers to the question of scope.
const (
	scopeAll  = "all"
	scopeSome = "some"
)

// exportForm is what the form of a new export says.
type exportForm struct {
	scope       string
	datasets    []string
	formats     []string
	spreadsheet bool
}

// newExportForm is the form before anybody has touched it.
func newExportForm() exportForm {
	return exportForm{scope: scopeAll, formats: []string{export.CSV, export.JSONL}}
}

func exportInputs(p *migration.Programme) []page.Input {
	return []page.Input{page.Line("scope", 10), page.Choices("dataset", len(p.Datasets)), page.Choices("format", 2), page.Line("spreadsheet", 3)}
}

func takeExportForm(f page.Form) exportForm {
	return exportForm{scope: f.Get("scope"), datasets: f.All("dataset"), formats: f.All("format"), spreadsheet: f.Get("spreadsheet") == "yes"}
}

// selection returns what was asked for. Its error names the fields to mend.
func (f exportForm) selection(p *migration.Programme) (export.Selection, error) {
	s, refusal := export.Selection{Spreadsheet: f.spreadsheet}, export.ErrSelection
	switch {
	case f.scope == scopeSome && len(f.datasets) == 0:
		refusal = refusal.Field("dataset", "export.form.dataset.none", nil)
	case f.scope == scopeSome:
		for _, d := range p.Datasets { // in the programme's order, each once
			if slices.Contains(f.datasets, d.Key) {
				s.Datasets = append(s.Datasets, d.Key)
			}
		}
		if slices.ContainsFunc(f.datasets, func(key string) bool { return !slices.Contains(s.Datasets, key) }) {
			refusal = refusal.Field("dataset", "export.form.dataset.unknown", nil)
		}
	case f.scope != scopeAll:
		refusal = refusal.Field("scope", "export.form.scope.none", nil)
	}
	for _, format := range []string{export.CSV, export.JSONL} {
		if slices.Contains(f.formats, format) {
			s.Formats = append(s.Formats, format)
		}
	}
	if len(s.Formats) == 0 || slices.ContainsFunc(f.formats, func(x string) bool { return !slices.Contains(s.Formats, x) }) {
		refusal = refusal.Field("format", "export.form.format.none", nil)
	}
	if len(refusal.Fields) > 0 {
		return export.Selection{}, refusal
	}
	return s, nil
}

// newExportView is the form of a new export, or why there is none.
type newExportView struct {
	layout      ui.Page
	heading     ui.Heading
	blocked     *ui.Banner // in place of the form
	refused     *ui.Banner // above the form: it was fine, and still nothing could be started
	errors      []ui.FieldError
	scope       ui.Choices
	datasets    ui.Choices
	formats     ui.Choices
	spreadsheet ui.Choices
	mail        string
	start       ui.Button
}

// buildNewExport words the form with what it holds; refused is why it came back, nil at first.
func buildNewExport(v *page.Visit, plan migration.Plan, f exportForm, refused error, layout ui.Page) newExportView {
	l, w := v.Locale, newExportWords(v, plan)
	view := newExportView{layout: layout, heading: ui.Heading{Eyebrow: l.T("step.export"), Title: l.T("export.new"), Lead: l.T("export.new.lead")}}
	view.layout.Narrow = true
	if open, why := w.door(plan); !open {
		view.blocked = why
		return view
	}
	said := fieldErrors(l, refused)
	if view.errors = said.list("scope", "dataset", "format", "spreadsheet"); len(view.errors) > 0 {
		view.layout.Errors = true
	} else if e, ok := fault.As(refused); ok {
		view.refused = &ui.Banner{Tone: "warn", Title: l.T(e.Key, w.args(e.Args)...)}
	}
	field := func(name, key string) ui.Field {
		return ui.Field{Locale: l, ID: name, Label: l.T(key), Error: said[name]}
	}
	view.scope = ui.Choices{Field: field("scope", "export.form.scope"), Options: []ui.Option{
		{Value: scopeAll, Label: l.T("export.scope.all"), Hint: l.T("export.form.scope.all.hint"), Selected: f.scope == scopeAll},
		{Value: scopeSome, Label: l.T("export.form.scope.some"), Hint: l.T("export.form.scope.some.hint"), Selected: f.scope == scopeSome},
	}}
	view.datasets = ui.Choices{Field: field("dataset", "export.form.dataset"), Options: w.datasetOptions(f.datasets)}
	view.datasets.Hint = l.T("export.form.dataset.hint")
	view.formats = ui.Choices{Field: field("format", "export.form.format"), Options: []ui.Option{
		{Value: export.CSV, Label: l.T("export.format.csv"), Hint: l.T("export.format.csv.hint"), Selected: slices.Contains(f.formats, export.CSV)},
		{Value: export.JSONL, Label: l.T("export.format.jsonl"), Hint: l.T("export.format.jsonl.hint"), Selected: slices.Contains(f.formats, export.JSONL)},
	}}
	view.spreadsheet = ui.Choices{Field: field("spreadsheet", "export.form.spreadsheet"), Options: []ui.Option{
		{Value: "yes", Label: l.T("export.form.spreadsheet.yes"), Hint: l.T("export.form.spreadsheet.hint"), Selected: f.spreadsheet},
	}}
	view.spreadsheet.Optional = true
	view.mail = w.mail()
	view.start = ui.Button{Label: l.T("export.start"), Kind: ui.Primary}
	return view
}

func (w exportWords) datasetOptions(chosen []string) []ui.Option {
	options := make([]ui.Option, 0, len(w.p.Datasets))
	for _, d := range w.p.Datasets {
		options = append(options, ui.Option{
			Value: d.Key, Label: w.dataset(d.Key), Hint: w.l.Pick(d.Description), Selected: slices.Contains(chosen, d.Key),
		})
	}
	return options
}

// mail says who hears when the export is ready.
func (w exportWords) mail() string {
	if !strings.Contains(w.v.Session.Email, "@") || strings.HasSuffix(w.v.Session.Email, ".invalid") {
		return w.l.T("export.form.no_mail")
	}
	return w.l.T("export.form.mail", "Email", locale.Mask(w.v.Session.Email))
}

// args makes instants readable in the reader's own zone.
func (w exportWords) args(args map[string]any) []any {
	kv := make([]any, 0, 2*len(args))
	for name, value := range args {
		kv = append(kv, name, w.readable(value))
	}
	return kv
}

// said are the words for what is wrong with a form, by field.
type said map[string]string

func fieldErrors(l *locale.Locale, err error) said {
	words := said{}
	if e, ok := fault.As(err); ok {
		for _, f := range e.Fields {
			if words[f.Name] == "" {
				words[f.Name] = l.T(f.Key, "Limit", f.Args["Limit"])
			}
		}
	}
	return words
}

// list returns the errors in the order of the form's fields.
func (s said) list(names ...string) (errors []ui.FieldError) {
	for _, name := range names {
		if s[name] != "" {
			errors = append(errors, ui.FieldError{FieldID: name, Text: s[name]})
		}
	}
	return errors
}
