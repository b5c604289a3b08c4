package application

import (
	"strconv"
	"strings"

	"offramp/internal/textdiff"
	"offramp/migration/governance/application"
	"offramp/migration/governance/approval"
	"offramp/portal/approvals"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// reportView is the page of the report.
type reportView struct {
	layout   ui.Page
	heading  ui.Heading
	errors   []ui.FieldError
	links    []ui.Link
	write    *ui.Link
	start    *ui.Empty // nobody has written anything
	facts    []ui.SummaryRow
	sections []sectionView
	submit   *submitView
	changed  []textdiff.Part // since what was submitted last
}

type sectionView struct {
	card   ui.Card
	text   string
	none   string // said in place of the text
	tables []tableView
}

type tableView struct {
	title, none, source string
	table               *ui.Table
	edit                *ui.Link
}

type submitView struct {
	text   string
	warn   *ui.Banner
	action ui.Action
}

func buildReport(v *page.Visit, d application.Desk, manager bool, faults map[string]string, layout ui.Page) reportView {
	l, doc := v.Locale, build(v, d)
	view := reportView{layout: layout, heading: ui.Heading{Eyebrow: l.T("application.title"), Title: doc.title, Lead: l.T("application.lead")}}
	if doc.title == view.heading.Eyebrow {
		view.heading.Eyebrow = ""
	}
	view.links = []ui.Link{
		{Label: l.T("application.docx"), URL: Path + "/application.docx", Download: true}, {Label: l.T("application.xlsx"), URL: Path + "/application.xlsx", Download: true},
	}
	for _, f := range doc.facts {
		view.facts = append(view.facts, ui.SummaryRow{Key: f[0], Value: f[1]})
	}
	if p := d.Paper; p != nil {
		view.links = append(view.links, ui.Link{Label: l.T("application.paper"), URL: approvals.Path + "/" + p.Paper.ID})
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("application.paper"), Value: l.T("approval.state." + p.Paper.State)}, ui.SummaryRow{Key: l.T("approval.hash"), Body: fingerprint(p.Paper.Hash)})
		own := inLanguageOf(v, d)
		if now := build(own, d).text(own.Locale); now != p.Paper.Body {
			view.changed = textdiff.Words(p.Paper.Body, now)
		}
	}
	for _, s := range doc.sections {
		view.sections = append(view.sections, buildSection(v, s, manager, faults[s.key] != ""))
		if wrong := faults[s.key]; wrong != "" {
			view.errors = append(view.errors, ui.FieldError{FieldID: s.key, Label: s.title, Text: wrong})
		}
	}
	view.layout.Errors = len(view.errors) > 0
	if !manager {
		return view
	}
	view.write = &ui.Link{Label: l.T("application.write"), URL: Path + "/write"}
	if d.Report.Version == 0 {
		view.start = &ui.Empty{ID: "start", Title: l.T("application.start"), Text: l.T("application.start.text"), Action: view.write}
		return view
	}
	view.submit = buildSubmit(v, d)
	return view
}

func buildSection(v *page.Visit, s section, manager, wrong bool) sectionView {
	l := v.Locale
	one := sectionView{card: ui.Card{ID: s.key, Title: s.title}, text: s.text}
	if s.text == "" && !s.attachment {
		one.none = l.T("application.unwritten")
	}
	if wrong {
		one.none = l.T("application.empty_section")
	}
	for _, t := range s.tables {
		tv := tableView{title: t.title, source: t.source}
		if len(t.rows) == 0 {
			tv.none = t.none
		} else {
			tv.table = t.shown(s.key)
		}
		if manager && t.own {
			tv.edit = &ui.Link{Label: l.T("application.enter"), Hidden: t.title, URL: Path + "/tables/" + t.key}
		}
		one.tables = append(one.tables, tv)
	}
	return one
}

// shown is the table as pages show it.
func (t table) shown(section string) *ui.Table {
	shown := ui.Table{ID: section + "-" + t.key, Caption: t.title, Plain: true}
	for i, name := range t.head {
		shown.Columns = append(shown.Columns, ui.Column{Label: name, Numeric: t.right[i], Key: i == 1})
	}
	for _, row := range t.rows {
		var cells []ui.Cell
		for _, c := range row {
			cells = append(cells, ui.Cell{Text: c.text})
		}
		shown.Rows = append(shown.Rows, ui.Row{Cells: cells})
	}
	return &shown
}

func buildSubmit(v *page.Visit, d application.Desk) *submitView {
	l := v.Locale
	s := &submitView{text: l.T("application.submit.text"), action: ui.Action{
		URL: Path + "/submit", Button: ui.Button{Label: l.T("application.submit"), Kind: ui.Primary},
		Hidden: []ui.Pair{{Name: "version", Value: strconv.Itoa(d.Report.Version)}},
	}}
	if d.Paper == nil {
		return s
	}
	s.text, s.action.Button.Label = l.T("application.again.text"), l.T("application.again")
	if state := d.Paper.Paper.State; state == approval.Open || state == approval.Approved {
		s.warn = &ui.Banner{Tone: "warn", Title: l.T("application.void")}
	}
	return s
}

// formView is a form of this room.
type formView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	url     string
	version string
	inputs  []ui.Input // before the areas
	areas   []ui.Area
	after   []ui.Input
	button  ui.Button
}

// field is one field of a form, with what is wrong with it.
func (f *formView) field(v *page.Visit, r *refused, name, label, hint string, optional bool) ui.Field {
	field := ui.Field{Locale: v.Locale, ID: name, Label: label, Hint: hint, Optional: optional}
	if r != nil && r.faults[name] != "" {
		field.Error = r.faults[name]
		f.errors = append(f.errors, ui.FieldError{FieldID: name, Label: label, Text: field.Error})
	}
	return field
}

// kept is what was written into a field of a refused form, or else what is stored.
func (r *refused) kept(name, stored string) string {
	if r == nil {
		return stored
	}
	return r.form.Get(name)
}

func buildWrite(v *page.Visit, d application.Desk, r *refused, layout ui.Page) formView {
	l, w := v.Locale, d.Report.Words
	f := formView{
		layout: layout, heading: ui.Heading{Title: layout.Title, Lead: l.T("application.write.lead")}, url: Path + "/write",
		version: r.kept("version", strconv.Itoa(d.Report.Version)), button: ui.Button{Label: l.T("approval.save"), Kind: ui.Primary},
	}
	f.layout.Path = f.url
	title := w.Title
	if d.Report.Version == 0 {
		title = l.T("application.first_title", "Product", l.Pick(v.Programme.Product.Name))
	}
	f.inputs = []ui.Input{{Field: f.field(v, r, "title", l.T("approval.field.title"), "", false), Value: r.kept("title", title), MaxLength: 200, Spellcheck: true}}
	for i, key := range application.Sections {
		label := strconv.Itoa(i+1) + ". " + l.T("application.section."+key)
		f.areas = append(f.areas, ui.Area{
			Field: f.field(v, r, key, label, l.T("application.hint."+key), true), Value: r.kept(key, w.Section(key)), Rows: 7, MaxLength: application.MaxWords,
		})
	}
	budget := strings.TrimSuffix(w.Budget, ".00")
	if budget == "0" {
		budget = ""
	}
	f.after = []ui.Input{
		{Field: f.field(v, r, "budget", l.T("approval.field.budget"), l.T("approval.field.budget.hint"), true), Value: r.kept("budget", budget), InputMode: "decimal", Width: "medium"},
		{Field: f.field(v, r, "currency", l.T("approval.field.currency"), l.T("approval.field.currency.hint"), true), Value: r.kept("currency", w.Currency), MaxLength: 3, Width: "short"},
	}
	return f
}

func buildTable(v *page.Visit, key string, t application.Table, r *refused, layout ui.Page) formView {
	l := v.Locale
	f := formView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("application.title"), Title: layout.Title, Lead: l.T("application.table.lead")},
		url: Path + "/tables/" + key, version: r.kept("version", strconv.Itoa(t.Version)), button: ui.Button{Label: l.T("approval.save"), Kind: ui.Primary},
	}
	f.layout.Path = f.url
	lines := t.Lines
	if t.Version == 0 {
		lines = l.T("application.head." + key) // the columns that such tables have; anybody may write others
	}
	f.areas = []ui.Area{{
		Field: f.field(v, r, "lines", l.T("application.lines"), l.T("application.lines.hint"), true), Value: r.kept("lines", lines), Rows: 10, MaxLength: application.MaxLines,
	}}
	f.after = []ui.Input{
		{Field: f.field(v, r, "source", l.T("application.source"), l.T("application.source.hint"), false), Value: r.kept("source", t.Source), MaxLength: 200},
		{Field: f.field(v, r, "day", l.T("application.asof"), "", false), Value: r.kept("day", t.AsOf()), Type: "date", Width: "medium"},
	}
	return f
}
