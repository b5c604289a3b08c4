package workspace

import (
	"github.com/a-h/templ"

	"offramp/migration"
	"offramp/migration/governance"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// desk is what was read of one item.
type desk struct {
	plan    governance.Plan
	item    governance.Item
	history []governance.Entry
	names   map[string]string
	people  []governance.Colleague
	me      governance.By
	asked   asked
}

// itemView is the page of an item.
type itemView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	back    string
	version string
	why     string
	note    *ui.Banner
	waits   []ui.Link
	state   templ.Component
	facts   []ui.SummaryRow
	finish  *finishForm
	reopen  *ui.Action
	assign  *assignForm
	waiver  waiverView
	comment commentForm
	history []entryView
}

type finishForm struct {
	url    string
	note   ui.Area
	link   ui.Input
	button ui.Button
}

type assignForm struct {
	url    string
	owner  ui.Selection
	day    ui.Input
	button ui.Button
}

type commentForm struct {
	url    string
	text   ui.Area
	button ui.Button
}

type entryView struct{ what, when, text string }

func buildItem(v *page.Visit, d desk, layout ui.Page) itemView {
	l, i := v.Locale, d.item
	tone, word := stateOf(v, i)
	phase, _ := d.plan.Phase(i.Phase)
	view := itemView{
		layout: layout, heading: ui.Heading{Eyebrow: l.Pick(phase.Name), Title: l.Pick(i.Name)}, back: Path + "/" + d.plan.Template + "/items",
		version: version(i), why: l.Pick(i.Why), state: ui.Tag("", tone, word), facts: d.facts(v),
	}
	for _, key := range i.Waits {
		first, _ := d.plan.Item(key)
		view.waits = append(view.waits, ui.Link{Label: l.Pick(first.Name), URL: itemURL(d.plan.Template, key)})
	}
	if i.Fact != "" {
		view.note = &ui.Banner{Tone: "info", Title: l.T("workspace.by_portal.title"), Text: l.T("workspace.by_portal.text", "Rule", i.Fact)}
	}
	d.forms(v, &view)
	for _, e := range d.history {
		view.history = append(view.history, d.entry(v, e))
	}
	return view
}

func (d desk) facts(v *page.Visit) []ui.SummaryRow {
	l, i := v.Locale, d.item
	due := deadline(v, i.Day)
	if i.State == governance.Done {
		due = date(v, i.Day)
	}
	if !i.Own {
		due = l.T("workspace.counted_from", "Date", due, "Milestone", l.T("milestone."+i.Milestone), "Days", i.Days)
	}
	need := l.T("workspace.must")
	if !i.Must {
		need = l.T("workspace.should")
	}
	rows := []ui.SummaryRow{
		{Key: l.T("workspace.owner"), Value: named(l, d.names, i.Owner)},
		{Key: l.T("workspace.department"), Value: l.T("workspace.department." + i.Department)},
		{Key: l.T("workspace.due"), Value: due},
		{Key: l.T("workspace.need"), Value: need},
	}
	if i.High {
		rows = append(rows, ui.SummaryRow{Key: l.T("workspace.priority"), Value: l.T("workspace.priority.high")})
	}
	if i.State == governance.Done {
		who := l.T("workspace.by_portal")
		if i.EndedBy != "" {
			who = named(l, d.names, i.EndedBy)
		}
		rows = append(rows, ui.SummaryRow{Key: l.T("workspace.state.done"), Value: l.T("workspace.done_by", "Who", who, "When", v.When(i.EndedAt))})
	}
	if i.Note != "" {
		rows = append(rows, ui.SummaryRow{Key: l.T("workspace.note"), Value: i.Note})
	}
	if i.Link != "" {
		rows = append(rows, ui.SummaryRow{Key: l.T("workspace.link"), Body: ui.A(ui.Link{Label: i.Link, URL: i.Link})})
	}
	return rows
}

// forms are what the reader may do.
func (d desk) forms(v *page.Visit, view *itemView) {
	l, i, url := v.Locale, d.item, itemURL(d.plan.Template, d.item.Key)
	view.comment = commentForm{
		url: url + "/comment", button: ui.Button{Label: l.T("workspace.comment"), Kind: ui.Plain},
		text: ui.Area{Field: ui.Field{Locale: l, ID: "text", Label: l.T("workspace.comment.label")}, Rows: 2, MaxLength: 2000},
	}
	d.fillArea("comment", view, &view.comment.text)
	if !d.me.Manager && i.Owner != d.me.ID {
		return
	}
	if i.State == governance.Done {
		if i.Fact == "" {
			view.reopen = &ui.Action{
				URL: url + "/reopen", Hidden: []ui.Pair{{Name: "version", Value: version(i)}}, Button: ui.Button{Label: l.T("workspace.reopen_item"), Kind: ui.Quiet},
			}
		}
		return
	}
	if i.Fact == "" && len(i.Waits) == 0 {
		view.finish = d.finish(v, url, view)
	}
	view.assign = &assignForm{
		url: url + "/assign", owner: colleagues(v, "owner", d.people, i.Owner, l.T("workspace.nobody")),
		day:    ui.Input{Field: ui.Field{Locale: l, ID: "day", Label: l.T("workspace.own_day"), Hint: l.T("workspace.own_day.hint"), Optional: true}, Type: "date", Width: "medium"},
		button: ui.Button{Label: l.T("workspace.assign"), Kind: ui.Plain},
	}
	if i.Own {
		view.assign.day.Value = page.DayValue(i.Day)
	}
	d.asked.fill("assign", &view.assign.day)
	if fault := d.asked.wrong(l, view.assign.owner.Field); d.asked.what == "assign" && fault != "" {
		view.assign.owner.Error = fault
		view.errors = append(view.errors, ui.FieldError{FieldID: "owner", Text: fault})
	}
	view.collect(view.assign.day)
	view.waiver = buildWaiver(v, d.plan.Template, i.Key, "waive", i.Waiver, d.names, d.me, d.asked)
	if view.waiver.button.Label != "" && i.Must {
		view.waiver.url = url + "/waive"
		view.collect(view.waiver.reason, view.waiver.until)
	}
}

func (d desk) finish(v *page.Visit, url string, view *itemView) *finishForm {
	l := v.Locale
	f := finishForm{
		url: url + "/done", button: ui.Button{Label: l.T("workspace.finish"), Kind: ui.Primary},
		note: ui.Area{Field: ui.Field{Locale: l, ID: "note", Label: l.T("workspace.note"), Optional: d.item.Evidence != governance.EvidenceNote}, Rows: 3, MaxLength: 2000},
		link: ui.Input{Field: ui.Field{Locale: l, ID: "link", Label: l.T("workspace.link"), Hint: l.T("workspace.link.hint"), Optional: d.item.Evidence != governance.EvidenceLink}, Type: "url", MaxLength: 500},
	}
	d.fillArea("done", view, &f.note)
	d.asked.fill("done", &f.link)
	view.collect(f.link)
	return &f
}

// fillArea is fill for a field of several lines.
func (d desk) fillArea(what string, view *itemView, a *ui.Area) {
	if d.asked.fault == nil || d.asked.what != what {
		return
	}
	a.Value, a.Error = d.asked.form.Get(a.ID), d.asked.wrong(a.Locale, a.Field)
	if a.Error != "" {
		view.errors = append(view.errors, ui.FieldError{FieldID: a.ID, Text: a.Error})
	}
}

func (view *itemView) collect(inputs ...ui.Input) {
	for _, i := range inputs {
		if i.Error != "" {
			view.errors = append(view.errors, ui.FieldError{FieldID: i.ID, Text: i.Error})
		}
	}
}

// dayText writes a day that was recorded as a value.
func dayText(v *page.Visit, value string) string {
	day, err := migration.ParseDay(value)
	if err != nil {
		return value
	}
	return v.DayOf(day)
}

func (d desk) entry(v *page.Visit, e governance.Entry) entryView {
	l := v.Locale
	who := l.T("workspace.by_portal")
	if e.By != "" {
		who = named(l, d.names, e.By)
	}
	view := entryView{when: v.When(e.At)}
	switch e.Act {
	case "assigned":
		view.what = l.T("workspace.entry.assigned", "Who", who, "Owner", named(l, d.names, e.Text))
	case "due":
		view.what = l.T("workspace.entry.due", "Who", who, "Day", dayText(v, e.Text))
		if e.Text == "" {
			view.what = l.T("workspace.entry.due_none", "Who", who)
		}
	default:
		view.what, view.text = l.T("workspace.entry."+e.Act, "Who", who), e.Text
	}
	return view
}
