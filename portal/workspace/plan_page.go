package workspace

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"offramp/migration"
	"offramp/migration/governance"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// planView is the page of a plan.
type planView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	links   []ui.Link
	now     *nowView // nil: every phase is done
	over    ui.Banner
	phases  ui.Table
	details []phaseView
	mine    []mineView
	seen    []ui.SummaryRow
	others  []ui.Link
	start   []ui.Action
}

// nowView is the phase that is worked on.
type nowView struct {
	card    ui.Card
	text    string
	missing []ui.Link // what keeps the gate shut; without an address for facts
	more    *ui.Link  // the rest of it
	open    *ui.Action
}

type mineView struct {
	link ui.Link
	when string
}

type phaseView struct {
	card   ui.Card
	rows   []ui.SummaryRow
	facts  []factView
	replan *replanForm
	reopen *reopenForm
}

type factView struct {
	title, text string
	state       templ.Component
	waiver      waiverView
}

type replanForm struct {
	url    string
	edge   ui.Selection
	day    ui.Input
	reason ui.Input
	button ui.Button
}

type reopenForm struct {
	url    string
	reason ui.Input
	button ui.Button
}

// missingShown is how much of what a gate lacks stands above the fold.
const missingShown = 6

// mineShown is how many of the reader's own items stand beside the plan.
const mineShown = 7

func buildPlan(v *page.Visit, p governance.Plan, builtIn []governance.Template, running []string, names map[string]string, me governance.By, a asked, layout ui.Page) planView {
	l := v.Locale
	b := planBuilder{v, p, builtIn, names, me, a}
	view := planView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("workspace.title"), Title: l.Pick(p.Name), Lead: b.lead()},
		links: []ui.Link{{Label: l.T("workspace.items"), URL: Path + "/" + p.Template + "/items"}},
		now:   b.now(), over: ui.Banner{Tone: "ok", Title: l.T("workspace.all_done")},
		phases: b.table(), mine: b.mine(), seen: b.seen(),
	}
	for _, f := range p.Phases {
		view.details = append(view.details, b.detail(f))
	}
	for _, d := range view.details {
		for _, i := range d.inputs() {
			if i.Error != "" {
				view.errors = append(view.errors, ui.FieldError{FieldID: i.ID, Text: i.Error})
			}
		}
	}
	view.others, view.start = b.others(running)
	return view
}

// inputs are the fields of a phase's forms.
func (d phaseView) inputs() (list []ui.Input) {
	for _, f := range d.facts {
		list = append(list, f.waiver.reason, f.waiver.until)
	}
	if d.replan != nil {
		list = append(list, d.replan.day, d.replan.reason)
	}
	if d.reopen != nil {
		list = append(list, d.reopen.reason)
	}
	return list
}

type planBuilder struct {
	v       *page.Visit
	p       governance.Plan
	builtIn []governance.Template
	names   map[string]string
	me      governance.By
	a       asked
}

func (b planBuilder) lead() string {
	l, done := b.v.Locale, 0
	for _, i := range b.p.Items {
		if i.State == governance.Done || i.Waived() {
			done++
		}
	}
	return l.T("workspace.lead", "Done", done, "All", len(b.p.Items))
}

// now is the phase whose gate comes next.
func (b planBuilder) now() *nowView {
	l := b.v.Locale
	f, ok := b.p.Now()
	if !ok {
		return nil
	}
	view := nowView{card: ui.Card{
		ID: "now", Title: l.T("workspace.gate_of", "Gate", l.Pick(f.Gate.Name)),
		Aside: ui.Tag("", console.Ours, l.T("workspace.gate.shut")),
	}}
	for _, m := range f.Gate.Missing {
		link := ui.Link{Label: l.Pick(m.Name)}
		if m.Kind == "item" {
			link.URL = itemURL(b.p.Template, m.Key)
		}
		view.missing = append(view.missing, link)
	}
	if len(view.missing) > 0 {
		view.text = l.N("workspace.gate.lacks", len(view.missing), "Phase", l.Pick(f.Name))
		if n := len(view.missing) - missingShown; n > 0 {
			view.missing = view.missing[:missingShown]
			view.more = &ui.Link{Label: l.N("workspace.gate.more", n), URL: Path + "/" + b.p.Template + "/items"}
		}
		return &view
	}
	view.text = l.T("workspace.gate.ready", "Phase", l.Pick(f.Name))
	if b.me.Manager {
		view.open = &ui.Action{URL: b.url(f) + "/open", Button: ui.Button{Label: l.T("workspace.gate.open"), Hidden: l.Pick(f.Gate.Name), Kind: ui.Primary}}
	}
	return &view
}

func (b planBuilder) url(f governance.Phase) string {
	return Path + "/" + b.p.Template + "/phases/" + f.Key
}

var phaseTones = map[string]ui.Tone{
	governance.PhaseDone: console.Done, governance.PhaseOpen: console.Ours, governance.PhaseWaiting: console.Over,
}

func (b planBuilder) table() ui.Table {
	l := b.v.Locale
	t := ui.Table{ID: "phases", Caption: l.T("workspace.phases"), Columns: []ui.Column{
		{Label: l.T("workspace.phase")},
		{Label: l.T("workspace.state"), Key: true},
		{Label: l.T("workspace.from")},
		{Label: l.T("workspace.to")},
		{Label: l.T("workspace.progress")},
	}}
	for _, f := range b.p.Phases {
		done, all := 0, 0
		for _, i := range b.p.In(f.Key) {
			if !i.Must {
				continue
			}
			all++
			if i.State == governance.Done || i.Waived() {
				done++
			}
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: l.Pick(f.Name), URL: "#phase-" + f.Key},
			{Body: ui.Tag("", phaseTones[f.State], l.T("workspace.phase."+f.State))},
			{Text: b.edge(f.From)},
			{Text: b.edge(f.To)},
			{Text: l.T("workspace.of", "Part", done, "Whole", all)},
		}})
	}
	return t
}

// edge is the day that counts, and the one that was planned first where it is another.
func (b planBuilder) edge(d governance.Days) string {
	l := b.v.Locale
	now := date(b.v, d.Current())
	switch {
	case !d.Actual.IsZero() && d.Actual != d.Planned:
		return l.T("workspace.actual_planned", "Actual", now, "Planned", date(b.v, d.Planned))
	case !d.Actual.IsZero():
		return l.T("workspace.actual", "Actual", now)
	case !d.Replanned.IsZero() && d.Replanned != d.Planned:
		return l.T("workspace.now_planned", "Now", now, "Planned", date(b.v, d.Planned))
	}
	return now
}

func (b planBuilder) detail(f governance.Phase) phaseView {
	l := b.v.Locale
	view := phaseView{card: ui.Card{ID: "phase-" + f.Key, Title: l.Pick(f.Name), Aside: ui.Tag("", phaseTones[f.State], l.T("workspace.phase."+f.State))}}
	if why := cmp.Or(f.To.Reason, f.From.Reason); why != "" {
		view.rows = append(view.rows, ui.SummaryRow{Key: l.T("workspace.replanned_why"), Value: why})
	}
	gate := l.T("workspace.gate.shut")
	if f.Gate.Open {
		gate = l.T("workspace.gate.opened", "Who", named(l, b.names, f.Gate.OpenedBy), "When", b.v.When(f.Gate.OpenedAt))
		if !f.Gate.Until.IsZero() {
			gate += " " + l.T("workspace.gate.until", "Date", until(b.v, f.Gate.Until))
		}
	} else if !f.Gate.OpenedAt.IsZero() {
		gate = l.T("workspace.gate.waiver_ended", "Date", until(b.v, f.Gate.Until))
	}
	view.rows = append(view.rows, ui.SummaryRow{Key: l.T("workspace.gate_of", "Gate", l.Pick(f.Gate.Name)), Value: gate})
	if len(f.Gate.Blocks) > 0 {
		var acts []string
		for _, act := range f.Gate.Blocks {
			acts = append(acts, l.T("workspace.act."+act))
		}
		view.rows = append(view.rows, ui.SummaryRow{Key: l.T("workspace.blocks"), Value: enumerate(l, acts)})
	}
	for _, fact := range f.Gate.Facts {
		view.facts = append(view.facts, b.fact(f, fact))
	}
	if b.me.Manager {
		view.replan = b.replan(f)
		if f.State == governance.PhaseDone {
			view.reopen = &reopenForm{
				url:    b.url(f) + "/reopen",
				reason: ui.Input{Field: ui.Field{Locale: l, ID: "reopen-" + f.Key, Name: "reason", Label: l.T("workspace.reason"), Hint: l.T("workspace.reopen.hint")}, MaxLength: 500, Spellcheck: true},
				button: ui.Button{Label: l.T("workspace.reopen"), Hidden: l.Pick(f.Name), Kind: ui.Danger},
			}
			b.a.fill("reopen "+f.Key, &view.reopen.reason)
		}
	}
	return view
}

func (b planBuilder) fact(f governance.Phase, fact governance.Fact) factView {
	l := b.v.Locale
	view := factView{title: l.Pick(fact.Name), text: fact.Rule}
	switch {
	case fact.Holds:
		view.state = ui.Tag("", console.Done, l.T("workspace.fact.holds"))
	case fact.Fault != "":
		view.state, view.text = ui.Tag("", console.Problem, l.T("workspace.fact.fault")), fact.Fault
	case fact.Waiver != nil && fact.Waiver.Counts:
		view.state = ui.Tag("", console.Over, l.T("workspace.state.waived"))
	default:
		view.state = ui.Tag("", console.Ours, l.T("workspace.fact.not"))
	}
	if !fact.Holds {
		form := "waive " + f.Key + " " + fact.Key
		view.waiver = buildWaiver(b.v, b.p.Template, "", form, fact.Waiver, b.names, b.me, b.a)
		if view.waiver.button.Label != "" {
			view.waiver.url = b.url(f) + "/facts/" + fact.Key + "/waive"
		}
	}
	return view
}

func (b planBuilder) replan(f governance.Phase) *replanForm {
	l := b.v.Locale
	form := replanForm{
		url: b.url(f) + "/replan",
		edge: ui.Selection{Field: ui.Field{Locale: l, ID: "edge-" + f.Key, Name: "edge", Label: l.T("workspace.edge")}, Width: "medium", Options: []ui.Option{
			{Value: "to", Label: l.T("workspace.to")}, {Value: "from", Label: l.T("workspace.from")},
		}},
		day:    ui.Input{Field: ui.Field{Locale: l, ID: "day-" + f.Key, Name: "day", Label: l.T("workspace.day")}, Type: "date", Width: "medium"},
		reason: ui.Input{Field: ui.Field{Locale: l, ID: "why-" + f.Key, Name: "reason", Label: l.T("workspace.reason")}, MaxLength: 500, Spellcheck: true},
		button: ui.Button{Label: l.T("workspace.replan"), Hidden: l.Pick(f.Name), Kind: ui.Plain},
	}
	if b.a.what == "replan "+f.Key && b.a.form.Get("edge") == "from" {
		form.edge.Options[1].Selected = true
	}
	b.a.fill("replan "+f.Key, &form.day, &form.reason)
	return &form
}

// mine lists the reader's own open items, those due first.
func (b planBuilder) mine() (list []mineView) {
	var own []governance.Item
	for _, i := range b.p.Items {
		if i.Owner == b.me.ID && i.State == governance.Open && !i.Waived() {
			own = append(own, i)
		}
	}
	slices.SortStableFunc(own, func(x, y governance.Item) int { return y.Day.DaysUntil(x.Day) })
	for _, i := range own[:min(len(own), mineShown)] {
		list = append(list, mineView{ui.Link{Label: b.v.Locale.Pick(i.Name), URL: itemURL(b.p.Template, i.Key)}, deadline(b.v, i.Day)})
	}
	return list
}

// seen words the facts.
func (b planBuilder) seen() (rows []ui.SummaryRow) {
	l, f := b.v.Locale, b.p.Facts
	for _, one := range []struct {
		name string
		n    int64
	}{
		{"customers", f.Customers},
		{"unreached", f.Unreached},
		{"unexported", f.Unexported},
		{"unmoved", f.Unmoved},
		{"refunds_open", f.RefundsOpen},
		{"refunds_unknown", f.RefundsUnknown},
		{"notices_unapproved", f.NoticesUnapproved},
		{"talks_open", f.TalksOpen},
		{"calls_open", f.CallsOpen},
		{"help_open", f.HelpOpen},
	} {
		rows = append(rows, ui.SummaryRow{Key: l.T("workspace.fact." + one.name), Value: l.Number(one.n)})
	}
	var approved []string
	for _, kind := range f.Approved {
		approved = append(approved, l.T("approval.kind."+kind))
	}
	rows = append(rows, ui.SummaryRow{Key: l.T("workspace.fact.approved"), Value: enumerate(l, approved)})
	announced := l.T("workspace.no")
	if f.Announced {
		announced = l.T("workspace.yes")
	}
	return append(rows, ui.SummaryRow{Key: l.T("workspace.fact.announced"), Value: announced})
}

// others are the other plans that run, and those that may be started or changed to.
func (b planBuilder) others(running []string) (links []ui.Link, start []ui.Action) {
	l := b.v.Locale
	leads := func(t governance.Template) bool {
		return slices.ContainsFunc(t.Phases, func(p governance.PhaseRule) bool { return len(p.Gate.Blocks) > 0 })
	}
	for _, t := range b.builtIn {
		switch {
		case t.Key == b.p.Template:
		case slices.Contains(running, t.Key):
			links = append(links, ui.Link{Label: l.Pick(t.Name), URL: Path + "/" + t.Key})
		case !b.me.Manager:
		case leads(t) && b.p.Leading:
			start = append(start, ui.Action{
				URL: Path + "/change", Hidden: []ui.Pair{{Name: "template", Value: t.Key}},
				Button: ui.Button{Label: l.T("workspace.change_to", "Template", l.Pick(t.Name)), Kind: ui.Quiet},
			})
		case !leads(t):
			start = append(start, ui.Action{
				URL: Path, Hidden: []ui.Pair{{Name: "template", Value: t.Key}},
				Button: ui.Button{Label: l.T("workspace.start_beside", "Template", l.Pick(t.Name)), Kind: ui.Quiet},
			})
		}
	}
	return links, start
}

func version(i governance.Item) string { return strconv.Itoa(i.Version) }

// today is the programme's day.
func today(v *page.Visit) migration.Day { return migration.DayOf(v.Now.In(v.Programme.Zone)) }
