package approvals

import (
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"offramp/internal/textdiff"
	"offramp/migration"
	"offramp/migration/governance"
	"offramp/migration/governance/approval"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// listView is the list of papers.
type listView struct {
	layout  ui.Page
	heading ui.Heading
	links   []ui.Link
	write   *ui.Link
	show    ui.Selection
	none    *ui.Empty
	table   ui.Table
	pages   ui.Pages
}

func buildList(v *page.Visit, list []approval.Paper, names map[string]string, show string, more, manager bool, layout ui.Page) listView {
	l := v.Locale
	view := listView{
		layout: layout, heading: ui.Heading{Title: l.T("approval.title"), Lead: l.T("approval.lead")},
		links: []ui.Link{{Label: l.T("application.title"), URL: ApplicationPath}, {Label: l.T("approval.delegates"), URL: DelegatesPath}, {Label: l.T("approval.paths"), URL: PathsPath}},
		show:  ui.Selection{Field: ui.Field{Locale: l, ID: "show", Label: l.T("approval.show")}, Width: "medium"},
		pages: ui.Pages{Locale: l},
	}
	for _, one := range []string{"waits", "mine", "all"} {
		view.show.Options = append(view.show.Options, ui.Option{Value: one, Label: l.T("approval.show." + one), Selected: one == show})
	}
	if manager {
		view.write = &ui.Link{Label: l.T("approval.new"), URL: Path + "/new"}
	}
	if len(list) == 0 {
		text := l.T("approval.none.all")
		if show == "waits" {
			text = l.T("approval.none.waits")
		}
		view.none = &ui.Empty{ID: "none", Title: l.T("approval.none"), Text: text}
	}
	view.table = ui.Table{ID: "papers", Caption: l.T("approval.title"), Columns: []ui.Column{
		{Label: l.T("approval.paper")}, {Label: l.T("approval.state"), Key: true}, {Label: l.T("approval.kind")}, {Label: l.T("approval.author")}, {Label: l.T("approval.last_changed")},
	}}
	for _, p := range list {
		state := ui.Tag("", tones[p.State], l.T("approval.state."+p.State))
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: p.Title, URL: paperURL(p.ID)}, {Body: state}, {Text: l.T("approval.kind." + p.Kind)}, {Text: named(names, p.Author)}, {Text: v.When(p.ChangedAt)},
		}})
	}
	if more {
		view.pages.NextURL = Path + "?show=" + show + "&after=" + list[len(list)-1].ID
	}
	return view
}

// writeView is the form of a paper's words.
type writeView struct {
	layout      ui.Page
	heading     ui.Heading
	errors      []ui.FieldError
	back, url   string
	version     string
	warn        *ui.Banner
	kind        ui.Selection
	title       ui.Input
	body        ui.Area
	budget, cur ui.Input
	button      ui.Button
}

func buildWrite(v *page.Visit, p approval.Paper, a asked, layout ui.Page) writeView {
	l := v.Locale
	view := writeView{
		layout: layout, heading: ui.Heading{Title: layout.Title}, back: Path, url: Path + "/new", version: strconv.Itoa(p.Version),
		button: ui.Button{Label: l.T("approval.save"), Kind: ui.Primary},
	}
	if p.ID != "" {
		view.back, view.url = paperURL(p.ID), paperURL(p.ID)+"/edit"
		if p.State == approval.Open || p.State == approval.Approved {
			view.warn = &ui.Banner{Tone: "warn", Title: l.T("approval.edit.void")}
		}
	}
	value := func(name, kept string) (string, string) {
		if a.fault == nil {
			return kept, ""
		}
		return a.of(v, "write", name)
	}
	field := func(name, label, hint, wrong string, optional bool) ui.Field {
		if wrong != "" {
			view.errors = append(view.errors, ui.FieldError{FieldID: name, Label: label, Text: wrong})
		}
		return ui.Field{Locale: l, ID: name, Label: label, Hint: hint, Error: wrong, Optional: optional}
	}
	kind, wrong := value("kind", p.Kind)
	view.kind = ui.Selection{Field: field("kind", l.T("approval.kind"), "", wrong, false)}
	for _, k := range approval.Kinds {
		view.kind.Options = append(view.kind.Options, ui.Option{Value: k, Label: l.T("approval.kind." + k), Selected: k == kind})
	}
	text, wrong := value("title", p.Title)
	view.title = ui.Input{Field: field("title", l.T("approval.field.title"), "", wrong, false), Value: text, MaxLength: 200, Spellcheck: true}
	text, wrong = value("body", p.Body)
	view.body = ui.Area{Field: field("body", l.T("approval.field.body"), l.T("approval.field.body.hint"), wrong, false), Value: text, Rows: 16, MaxLength: 30_000}
	text, wrong = value("budget", strings.TrimSuffix(strings.TrimPrefix(p.Budget, "0.00"), ".00"))
	view.budget = ui.Input{Field: field("budget", l.T("approval.field.budget"), l.T("approval.field.budget.hint"), wrong, true), Value: text, InputMode: "decimal", Width: "medium"}
	text, wrong = value("currency", p.Currency)
	view.cur = ui.Input{Field: field("currency", l.T("approval.field.currency"), l.T("approval.field.currency.hint"), wrong, true), Value: text, MaxLength: 3, Width: "short"}
	return view
}

// pathsView is the paths that papers can take.
type pathsView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	list    []pathView
	add     *pathForm
}

type pathView struct {
	card    ui.Card
	picture picture
	about   []ui.SummaryRow
	source  string
}

type pathForm struct {
	source ui.Area
	faults []string
	button ui.Button
}

func buildPaths(v *page.Visit, list []approval.Path, sources map[string]string, source string, refused migration.Findings, manager bool, layout ui.Page) pathsView {
	l := v.Locale
	view := pathsView{layout: layout, heading: ui.Heading{Title: l.T("approval.paths"), Lead: l.T("approval.paths.lead")}}
	for _, p := range list {
		one := pathView{card: ui.Card{ID: "path-" + p.Key, Title: l.Pick(p.Name), Meta: p.Key}, picture: draw(l, "picture-"+p.Key, p, nil), source: sources[p.Key]}
		for _, n := range p.Nodes() {
			said := []string{needs(l, n)}
			if n.When != "" {
				said = append(said, condition(v, n))
			}
			one.about = append(one.about, ui.SummaryRow{Key: l.Pick(n.Name), Value: strings.Join(said, " · ")})
		}
		view.list = append(view.list, one)
	}
	if manager {
		f := pathForm{source: ui.Area{Field: ui.Field{Locale: l, ID: "source", Label: l.T("approval.path.source")}, Value: source, Rows: 14}, button: ui.Button{Label: l.T("approval.path.save"), Kind: ui.Primary}}
		for _, found := range refused {
			f.faults = append(f.faults, strconv.Itoa(found.Line)+":"+strconv.Itoa(found.Column)+" "+found.Path+" "+found.Message)
		}
		if len(refused) > 0 {
			f.source.Error = l.T("approval.no_source") + " " + strings.Join(f.faults, " · ")
			view.errors = []ui.FieldError{{FieldID: "source", Label: f.source.Label, Text: f.source.Error}}
		}
		view.add = &f
	}
	return view
}

// delegatesView is who decides for whom.
type delegatesView struct {
	layout      ui.Page
	heading     ui.Heading
	errors      []ui.FieldError
	none        *ui.Empty
	table       ui.Table
	to          ui.Selection
	first, last ui.Input
	reason      ui.Input
	button      ui.Button
}

func buildDelegates(v *page.Visit, list []approval.Delegation, people []governance.Colleague, names map[string]string, me string, a asked, layout ui.Page) delegatesView {
	l := v.Locale
	view := delegatesView{
		layout: layout, heading: ui.Heading{Title: l.T("approval.delegates"), Lead: l.T("approval.delegates.lead")},
		button: ui.Button{Label: l.T("approval.delegate.do"), Kind: ui.Primary},
	}
	field := func(name string) (ui.Field, string) {
		value, wrong := a.of(v, "delegate", name)
		label := l.T("approval.delegate." + name)
		if wrong != "" {
			view.errors, view.layout.Errors = append(view.errors, ui.FieldError{FieldID: name, Label: label, Text: wrong}), true
		}
		return ui.Field{Locale: l, ID: name, Label: label, Error: wrong}, value
	}
	f, value := field("to")
	view.to = pick(f, people, value, me)
	f, value = field("first")
	view.first = ui.Input{Field: f, Value: value, Type: "date", Width: "medium"}
	f, value = field("last")
	view.last = ui.Input{Field: f, Value: value, Type: "date", Width: "medium"}
	f, value = field("reason")
	view.reason = ui.Input{Field: f, Value: value, MaxLength: 500, Spellcheck: true}
	if len(list) == 0 {
		view.none = &ui.Empty{ID: "none", Title: l.T("approval.none"), Text: l.T("approval.delegates.none")}
	}
	view.table = ui.Table{ID: "delegates", Caption: l.T("approval.delegates.now"), Columns: []ui.Column{
		{Label: l.T("approval.delegate.who")}, {Label: l.T("approval.delegate.to")}, {Label: l.T("approval.when")}, {Label: l.T("approval.delegate.reason")}, {Label: l.T("approval.delegate.end"), Hidden: true},
	}}
	for _, d := range list {
		var end templ.Component
		if d.Principal == me {
			end = ui.PostAction(ui.Action{URL: DelegatesPath + "/" + d.ID + "/end", Button: ui.Button{Label: l.T("approval.delegate.end"), Hidden: named(names, d.Delegate), Kind: ui.Quiet}})
		}
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: named(names, d.Principal)},
			{Text: named(names, d.Delegate)},
			{Text: l.T("approval.delegate.of", "From", v.OurDay(d.StartsAt), "To", v.OurDay(d.EndsAt))},
			{Text: d.Reason},
			{Body: end},
		}})
	}
	return view
}

// pick is a choice of one colleague, without some.
func pick(f ui.Field, people []governance.Colleague, chosen string, without ...string) ui.Selection {
	s := ui.Selection{Field: f, Width: "medium", Options: []ui.Option{{}}}
	for _, c := range people {
		if !slices.Contains(without, c.ID) {
			s.Options = append(s.Options, ui.Option{Value: c.ID, Label: c.Name, Selected: c.ID == chosen})
		}
	}
	return s
}

// compared is what changed between two contents, paragraph by paragraph so that both stay readable.
func compared(was, is string) []textdiff.Part { return textdiff.Words(was, is) }
