package risks

import (
	"cmp"
	"net/url"
	"strconv"

	"github.com/a-h/templ"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/governance"
	"offramp/migration/governance/risk"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

func today(v *page.Visit) migration.Day { return migration.DayOf(v.Now.In(v.Programme.Zone)) }

func day(v *page.Visit, d migration.Day) string { return v.OurDay(d.End(v.Programme.Zone)) }

// level is how much a score weighs, in a word and a tone.
func level(l *locale.Locale, score int) (ui.Tone, string) {
	switch {
	case score >= risk.High:
		return console.Problem, l.T("risk.level.high")
	case score >= risk.Medium:
		return console.Ours, l.T("risk.level.medium")
	}
	return console.Over, l.T("risk.level.low")
}

func owner(l *locale.Locale, r risk.Risk) string {
	if !r.OwnerActs {
		return l.T("risk.owner.gone", "Who", r.OwnerName)
	}
	return r.OwnerName
}

type listView struct {
	layout  ui.Page
	heading ui.Heading
	create  *ui.Link
	late    *ui.Banner
	class   ui.Selection
	state   ui.Selection
	whose   ui.Selection
	heat    ui.Table
	table   ui.Table
	none    *ui.Empty
	all     *ui.Link // where one number of the heat map is open
}

// filter is what the reader asked for; states: open, late, closed, all.
type filter struct{ class, state, whose, likelihood, impact string }

func (f filter) matches(r risk.Risk, today migration.Day) bool {
	switch {
	case f.class != "" && r.Class != f.class, f.whose != "" && r.Owner != f.whose:
		return false
	case f.state == "closed":
		return !r.Open()
	case f.state == "late":
		return r.Late(today)
	case f.state == "all":
		return true
	}
	return r.Open()
}

func (f filter) url() string {
	q := url.Values{}
	for k, v := range map[string]string{"class": f.class, "state": f.state, "whose": f.whose, "likelihood": f.likelihood, "impact": f.impact} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if len(q) == 0 {
		return Path
	}
	return Path + "?" + q.Encode()
}

func buildList(v *page.Visit, list []risk.Risk, me risk.By, query page.Form, layout ui.Page) listView {
	l := v.Locale
	f := filter{query.Get("class"), query.Get("state"), query.Get("whose"), query.Get("likelihood"), query.Get("impact")}
	view := listView{layout: layout, heading: ui.Heading{Title: l.T("risk.title"), Lead: l.T("risk.lead")}}
	if me.Manager {
		view.create = &ui.Link{Label: l.T("risk.new"), URL: Path + "/new"}
	}
	view.class = choice(l, "class", f.class, append([]string{""}, risk.Classes...), "risk.class.")
	view.state = choice(l, "state", f.state, []string{"", "late", "closed", "all"}, "risk.state.")
	view.whose = ui.Selection{Field: ui.Field{Locale: l, ID: "whose", Label: l.T("risk.owner")}, Options: []ui.Option{{Label: l.T("risk.whose.all")}}, Width: "medium"}
	seen, counts, late := map[string]bool{}, map[[2]int]int{}, 0
	view.table = ui.Table{ID: "risks", Caption: l.T("risk.list"), Columns: []ui.Column{
		{Label: l.T("risk.risk")},
		{Label: l.T("risk.score"), Numeric: true},
		{Label: l.T("risk.class")},
		{Label: l.T("risk.owner")},
		{Label: l.T("risk.review")},
		{Label: l.T("risk.state")},
	}}
	for _, r := range list {
		if !seen[r.Owner] {
			seen[r.Owner] = true
			view.whose.Options = append(view.whose.Options, ui.Option{Value: r.Owner, Label: owner(l, r), Selected: r.Owner == f.whose})
		}
		if r.Late(today(v)) {
			late++
		}
		if !f.matches(r, today(v)) {
			continue
		}
		counts[[2]int{r.Likelihood, r.Impact}]++
		if (f.likelihood == "" || f.likelihood == strconv.Itoa(r.Likelihood)) && (f.impact == "" || f.impact == strconv.Itoa(r.Impact)) {
			view.table.Rows = append(view.table.Rows, line(v, r))
		}
	}
	view.heat = heat(l, f, counts)
	if f.likelihood+f.impact != "" {
		all := f
		all.likelihood, all.impact = "", ""
		view.all = &ui.Link{Label: l.T("risk.whole_map"), URL: all.url()}
	}
	if late > 0 {
		view.late = &ui.Banner{Tone: "warn", Title: l.N("risk.late", late), Text: l.T("risk.late.text")}
	}
	if len(view.table.Rows) == 0 {
		view.none = &ui.Empty{ID: "none", Title: l.T("risk.none"), Text: l.T("risk.none.text")}
	}
	return view
}

func line(v *page.Visit, r risk.Risk) ui.Row {
	l := v.Locale
	_, word := level(l, r.Score())
	tone, state := stateOf(v, r)
	return ui.Row{Cells: []ui.Cell{
		{Text: r.Title, URL: Path + "/" + r.ID},
		{Text: strconv.Itoa(r.Score()), Note: word},
		{Text: l.T("risk.class." + r.Class)},
		{Text: owner(l, r)},
		{Text: day(v, r.Review)},
		{Body: ui.Tag("", tone, state)},
	}}
}

func stateOf(v *page.Visit, r risk.Risk) (ui.Tone, string) {
	switch {
	case !r.Open():
		return console.Done, v.Locale.T("risk.closed")
	case r.Late(today(v)):
		return console.Problem, v.Locale.T("risk.review_late")
	}
	return console.Ours, v.Locale.T("risk.open")
}

// heat counts risks by likelihood, the greatest above, and impact.
func heat(l *locale.Locale, f filter, counts map[[2]int]int) ui.Table {
	t := ui.Table{ID: "heat", Caption: l.T("console.table", "Title", l.T("risk.heat")), Columns: []ui.Column{{Label: l.T("risk.heat.corner")}}, Plain: true}
	for impact := 1; impact <= 5; impact++ {
		t.Columns = append(t.Columns, ui.Column{Label: l.T("risk.heat.impact", "N", impact), Numeric: true})
	}
	for likelihood := 5; likelihood >= 1; likelihood-- {
		row := ui.Row{Cells: []ui.Cell{{Text: l.T("risk.likelihood." + strconv.Itoa(likelihood))}}}
		for impact := 1; impact <= 5; impact++ {
			n := counts[[2]int{likelihood, impact}]
			if n == 0 {
				row.Cells = append(row.Cells, ui.Cell{Text: "0"})
				continue
			}
			one := f
			one.likelihood, one.impact = strconv.Itoa(likelihood), strconv.Itoa(impact)
			tone, word := level(l, likelihood*impact)
			hidden := l.T("risk.heat.cell", "Likelihood", likelihood, "Impact", impact)
			row.Cells = append(row.Cells, ui.Cell{Body: heatCell(ui.Link{Label: strconv.Itoa(n), URL: one.url(), Hidden: hidden}, tone, word)})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func choice(l *locale.Locale, name, chosen string, values []string, words string) ui.Selection {
	s := ui.Selection{Field: ui.Field{Locale: l, ID: name, Label: l.T("risk." + name)}, Width: "medium"}
	for _, value := range values {
		s.Options = append(s.Options, ui.Option{Value: value, Label: l.T(words + cmp.Or(value, "any")), Selected: value == chosen})
	}
	return s
}

// formView is the form of a risk.
type formView struct {
	url, version      string
	title             ui.Input
	class, likelihood ui.Selection
	impact, owner     ui.Selection
	plan, sign        ui.Area
	review            ui.Input
	button            ui.Button
	errors            []ui.FieldError
}

type newView struct {
	layout  ui.Page
	heading ui.Heading
	form    formView
}

func buildNew(v *page.Visit, people []governance.Colleague, a asked, layout ui.Page) newView {
	view := newView{layout: layout, heading: ui.Heading{Title: v.Locale.T("risk.new")}, form: buildForm(v, risk.Risk{}, people, a)}
	view.layout.Errors = len(view.form.errors) > 0
	view.form.url, view.form.version = Path+"/new", "0"
	return view
}

func buildForm(v *page.Visit, r risk.Risk, people []governance.Colleague, a asked) formView {
	l := v.Locale
	value := func(name, now string) string {
		if a.fault != nil && a.what == "edit" {
			return a.form.Get(name)
		}
		return now
	}
	digit := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	grades := []string{"", "1", "2", "3", "4", "5"}
	f := formView{
		url: Path + "/" + r.ID + "/edit", version: strconv.Itoa(r.Version), button: ui.Button{Label: l.T("risk.save"), Kind: ui.Primary},
		title:      ui.Input{Field: ui.Field{Locale: l, ID: "title", Label: l.T("risk.name"), Hint: l.T("risk.name.hint")}, Value: value("title", r.Title), MaxLength: 200, Spellcheck: true},
		class:      choice(l, "class", value("class", r.Class), append([]string{""}, risk.Classes...), "risk.pick_class."),
		likelihood: choice(l, "likelihood", value("likelihood", digit(r.Likelihood)), grades, "risk.likelihood."),
		impact:     choice(l, "impact", value("impact", digit(r.Impact)), grades, "risk.impact."),
		owner:      ui.Selection{Field: ui.Field{Locale: l, ID: "owner", Label: l.T("risk.owner")}, Options: []ui.Option{{Label: l.T("risk.pick")}}, Width: "medium"},
		plan:       ui.Area{Field: ui.Field{Locale: l, ID: "plan", Label: l.T("risk.plan"), Hint: l.T("risk.plan.hint")}, Value: value("plan", r.Plan), Rows: 4, MaxLength: 4000},
		sign:       ui.Area{Field: ui.Field{Locale: l, ID: "sign", Label: l.T("risk.sign"), Hint: l.T("risk.sign.hint"), Optional: true}, Value: value("sign", r.Sign), Rows: 2, MaxLength: 1000},
		review:     ui.Input{Field: ui.Field{Locale: l, ID: "review", Label: l.T("risk.review")}, Type: "date", Width: "medium"},
	}
	if !r.Review.IsZero() {
		f.review.Value = page.DayValue(r.Review)
	}
	f.review.Value = value("review", f.review.Value)
	for _, c := range peopleOf(people, r) {
		f.owner.Options = append(f.owner.Options, ui.Option{Value: c.ID, Label: c.Name, Selected: c.ID == value("owner", r.Owner)})
	}
	for _, field := range []*ui.Field{&f.title.Field, &f.class.Field, &f.likelihood.Field, &f.impact.Field, &f.plan.Field, &f.sign.Field, &f.owner.Field, &f.review.Field} {
		f.errors = append(f.errors, a.mark("edit", field)...)
	}
	return f
}

// mark writes the fault of a field of the form that was refused into it.
func (a asked) mark(what string, f *ui.Field) []ui.FieldError {
	if a.what != what {
		return nil
	}
	for _, one := range fields(a.fault) {
		if one.Name == f.ID {
			var args []any
			for k, v := range one.Args {
				args = append(args, k, v)
			}
			f.Error = f.Locale.T(one.Key, args...)
			return []ui.FieldError{{FieldID: f.ID, Label: f.Label, Text: f.Error}}
		}
	}
	return nil
}

// desk is what was read of one risk.
type desk struct {
	risk    risk.Risk
	history []risk.Entry
	people  []governance.Colleague
	names   map[string]string
	me      risk.By
	asked   asked
}

type riskView struct {
	layout   ui.Page
	heading  ui.Heading
	errors   []ui.FieldError
	note     *ui.Banner
	state    templ.Component
	facts    []ui.SummaryRow
	form     *formView
	end      string // where it is closed, or opened again; empty: not by this reader
	version  string
	evidence ui.Area
	proof    *ui.Input
	button   ui.Button
	history  []entryView
}

type entryView struct {
	what, when, text string
	changes          []string
}

func buildRisk(v *page.Visit, d desk, layout ui.Page) riskView {
	l, r := v.Locale, d.risk
	tone, word := stateOf(v, r)
	view := riskView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("risk.class." + r.Class), Title: r.Title}, state: ui.Tag("", tone, word), facts: facts(v, r),
		version: strconv.Itoa(r.Version),
	}
	for _, e := range d.history {
		view.history = append(view.history, d.entry(v, e))
	}
	if d.asked.fault != nil && len(fields(d.asked.fault)) == 0 {
		view.note = &ui.Banner{Tone: "warn", Title: l.T("risk.changed"), Text: l.T("risk.changed.text")}
	}
	if !d.me.Manager && r.Owner != d.me.ID {
		return view
	}
	kept := func(what, name string) string {
		if d.asked.fault != nil && d.asked.what == what {
			return d.asked.form.Get(name)
		}
		return ""
	}
	if !r.Open() {
		view.end, view.button = Path+"/"+r.ID+"/reopen", ui.Button{Label: l.T("risk.reopen"), Kind: ui.Plain}
		view.evidence = ui.Area{Field: ui.Field{Locale: l, ID: "reason", Label: l.T("risk.reason")}, Value: kept("reopen", "reason"), Rows: 2, MaxLength: 1000}
		view.errors = d.asked.mark("reopen", &view.evidence.Field)
	} else {
		form := buildForm(v, r, d.people, d.asked)
		view.form, view.errors = &form, form.errors
		view.end, view.button = Path+"/"+r.ID+"/close", ui.Button{Label: l.T("risk.close"), Kind: ui.Plain}
		view.evidence = ui.Area{Field: ui.Field{Locale: l, ID: "evidence", Label: l.T("risk.evidence")}, Value: kept("close", "evidence"), Rows: 2, MaxLength: 2000}
		view.proof = &ui.Input{Field: ui.Field{Locale: l, ID: "proof", Label: l.T("risk.proof"), Hint: l.T("risk.proof.hint")}, Value: kept("close", "proof"), MaxLength: 500}
		view.errors = append(view.errors, d.asked.mark("close", &view.evidence.Field)...)
		view.errors = append(view.errors, d.asked.mark("close", &view.proof.Field)...)
	}
	view.layout.Errors = len(view.errors) > 0
	return view
}

func facts(v *page.Visit, r risk.Risk) []ui.SummaryRow {
	l := v.Locale
	tone, word := level(l, r.Score())
	rows := []ui.SummaryRow{
		{Key: l.T("risk.score"), Body: heatCell(ui.Link{Label: strconv.Itoa(r.Score())}, tone, word)},
		{Key: l.T("risk.likelihood"), Value: l.T("risk.likelihood." + strconv.Itoa(r.Likelihood))},
		{Key: l.T("risk.impact"), Value: l.T("risk.impact." + strconv.Itoa(r.Impact))},
		{Key: l.T("risk.owner"), Value: owner(l, r)},
		{Key: l.T("risk.review"), Value: day(v, r.Review)},
		{Key: l.T("risk.plan"), Value: r.Plan},
	}
	if r.Sign != "" {
		rows = append(rows, ui.SummaryRow{Key: l.T("risk.sign"), Value: r.Sign})
	}
	if r.Open() {
		return rows
	}
	proof := ui.SummaryRow{Key: l.T("risk.proof"), Value: r.Proof}
	if risk.IsLink(r.Proof) {
		proof = ui.SummaryRow{Key: l.T("risk.proof"), Body: ui.A(ui.Link{Label: r.Proof, URL: r.Proof})}
	}
	return append(rows, ui.SummaryRow{Key: l.T("risk.evidence"), Value: r.Evidence}, proof)
}

func (d desk) entry(v *page.Visit, e risk.Entry) entryView {
	l := v.Locale
	view := entryView{what: l.T("risk.entry."+e.Act, "Who", cmp.Or(d.names[e.By], e.By)), when: v.When(e.At), text: e.Text}
	for _, c := range e.Changes {
		before, after := d.said(v, c.Field, c.Before), d.said(v, c.Field, c.After)
		field := l.T("risk." + map[bool]string{true: "name", false: c.Field}[c.Field == "title"])
		if before == "" {
			view.changes = append(view.changes, l.T("risk.entry.set", "Field", field, "After", after))
			continue
		}
		view.changes = append(view.changes, l.T("risk.entry.change", "Field", field, "Before", before, "After", cmp.Or(after, l.T("risk.entry.nothing"))))
	}
	return view
}

// said words a value that was recorded.
func (d desk) said(v *page.Visit, field, value string) string {
	switch {
	case value == "":
		return ""
	case field == "class" || field == "likelihood" || field == "impact":
		return v.Locale.T("risk." + field + "." + value)
	case field == "owner":
		return cmp.Or(d.names[value], value)
	case field == "review":
		if at, err := migration.ParseDay(value); err == nil {
			return day(v, at)
		}
	}
	return value
}
