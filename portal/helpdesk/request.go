package helpdesk

import (
	"strconv"
	"time"

	"github.com/a-h/templ"

	"offramp/export"
	"offramp/internal/locale"
	"offramp/migration/assistance"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/support"
	"offramp/portal/ui"
)

// shown is what was read about a request, and what its forms hold.
type shown struct {
	desk   assistance.Desk
	export *export.Export // nil: it is about none
	names  map[string]string
	form   form
}

// requestView is one request.
type requestView struct {
	layout   ui.Page
	heading  ui.Heading
	errors   []ui.FieldError
	tone     ui.Tone
	tag      string
	warning  *ui.Banner
	presence presence
	facts    []ui.SummaryRow
	about    []ui.SummaryRow // the export
	inside   templ.Component
	times    []ui.SummaryRow
	turns    []turn
	open     bool
	url      string
	heard    string
	answer   ui.Area
	settled  ui.Choices
	send     ui.Button
	note     ui.Area
	addNote  ui.Button
	owner    ui.Selection
	give     ui.Button
	snooze   *ui.Selection
	putOff   ui.Button
	back     *ui.Action
	settle   *ui.Action
}

// turn is something that was said or done.
type turn struct {
	who, when, text string
	tag             string // that only colleagues read it
	done            bool   // it says what was done
}

// snoozes are for how many days a request can be put off.
var snoozes = []int{1, 2, 3, 7, 14}

func buildRequest(v *page.Visit, s shown, layout ui.Page) requestView {
	l, d, wrong := v.Locale, s.desk, v.Faults(s.form.refused)
	view := requestView{
		layout: layout, heading: ui.Heading{Eyebrow: d.CustomerRef + " · " + d.CustomerName, Title: l.T("help.one", "Reference", d.Reference())},
		tone: console.HelpTurn(d.State), tag: l.T("staff.help.state." + string(d.State)), open: d.State != assistance.Closed, url: URL(d.ID),
		heard: strconv.Itoa(d.Heard()), presence: buildPresence(v, d.ID, d.Others, false), facts: facts(v, s), times: times(v, d), turns: turns(v, s),
		send: ui.Button{Label: l.T("console.help.send"), Kind: ui.Primary}, addNote: ui.Button{Label: l.T("helpdesk.note.add")},
		give: ui.Button{Label: l.T("helpdesk.give")}, putOff: ui.Button{Label: l.T("helpdesk.snooze.do")},
	}
	if s.export != nil {
		view.about, view.inside = support.AboutExport(v, *s.export)
	}
	if s.form.meanwhile {
		view.warning = &ui.Banner{Tone: "warn", Title: l.T("help.meanwhile"), Text: l.T("help.meanwhile.text")}
	}
	label := "help.answer"
	if d.State == assistance.Answered {
		label = "console.help.again"
	}
	view.answer = ui.Area{
		Field: ui.Field{Locale: l, ID: "answer", Label: l.T(label), Hint: l.T("helpdesk.answer.hint", "Language", languageName(d.Locale)), Error: wrong["answer"]},
		Value: s.form.answer, Rows: 8, MaxLength: assistance.MaxText,
	}
	view.settled = ui.Choices{
		Field:   ui.Field{Locale: l, ID: "settled", Label: l.T("helpdesk.then")},
		Options: []ui.Option{{Value: "yes", Label: l.T("helpdesk.settles"), Hint: l.T("helpdesk.settles.hint")}},
	}
	view.note = ui.Area{Field: ui.Field{Locale: l, ID: "note", Label: l.T("helpdesk.note"), Hint: l.T("helpdesk.note.hint"), Error: wrong["note"]}, Value: s.form.note, Rows: 3, MaxLength: assistance.MaxText}
	for _, name := range []string{"answer", "note", "owner", "days"} {
		if wrong[name] != "" {
			view.errors = append(view.errors, ui.FieldError{FieldID: name, Text: wrong[name]})
		}
	}
	view.layout.Errors = len(view.errors) > 0
	view.acts(v, d, wrong)
	return view
}

// acts are what can be done besides answering.
func (view *requestView) acts(v *page.Visit, d assistance.Desk, wrong map[string]string) {
	l := v.Locale
	view.owner = ui.Selection{
		Field:   ui.Field{Locale: l, ID: "owner", Label: l.T("helpdesk.owner"), Error: wrong["owner"]},
		Options: []ui.Option{{Value: "", Label: l.T("helpdesk.nobody"), Selected: d.Owner == ""}},
	}
	for _, c := range d.Team {
		view.owner.Options = append(view.owner.Options, ui.Option{Value: c.ID, Label: c.Name, Selected: c.ID == d.Owner})
	}
	if d.State == assistance.Open && d.SnoozedUntil == nil {
		view.snooze = &ui.Selection{Field: ui.Field{Locale: l, ID: "days", Label: l.T("helpdesk.snooze"), Hint: l.T("helpdesk.snooze.hint"), Error: wrong["days"]}}
		for _, n := range snoozes {
			view.snooze.Options = append(view.snooze.Options, ui.Option{Value: strconv.Itoa(n), Label: l.N("time.days", n)})
		}
	}
	if d.SnoozedUntil != nil {
		view.back = &ui.Action{URL: view.url + "/snooze", Button: ui.Button{Label: l.T("helpdesk.wake")}, Hidden: []ui.Pair{{Name: "days", Value: "0"}}}
	}
	if view.open {
		view.settle = &ui.Action{URL: view.url + "/close", Button: ui.Button{Label: l.T("helpdesk.close"), Kind: ui.Quiet}}
	}
}

func languageName(tag string) string { return locale.For(tag).T("language.name") }

// facts are what helps to answer.
func facts(v *page.Visit, s shown) []ui.SummaryRow {
	l, d := v.Locale, s.desk
	rows := []ui.SummaryRow{{Key: l.T("console.customer"), Body: ui.A(ui.Link{Label: d.CustomerName + " · " + d.CustomerRef, URL: customerURL(d.CustomerID)})}}
	fact := func(key, value string) {
		if value != "" {
			rows = append(rows, ui.SummaryRow{Key: l.T(key), Value: value})
		}
	}
	fact("console.tier", page.TierName(l, v.Programme, d.Tier))
	fact("console.language", languageName(d.Locale))
	fact("console.name", d.ContactName)
	fact("helpdesk.topic", topicName(v, d.Topic))
	fact("help.about.page", d.Page)
	fact("help.about.refund", d.Refund)
	fact("fault.incident", d.Incident)
	fact("help.dataset", datasetName(v, d.Dataset))
	if d.Expected != nil {
		fact("help.expected", l.Number(*d.Expected))
	}
	return rows
}

func datasetName(v *page.Visit, key string) string {
	if d, ok := v.Programme.Dataset(key); ok && v.Locale.Pick(d.Name) != "" {
		return v.Locale.Pick(d.Name)
	}
	return key
}

// times say what was promised, and how long each round took.
func times(v *page.Visit, d assistance.Desk) (rows []ui.SummaryRow) {
	l := v.Locale
	if d.State == assistance.Open {
		rows = append(rows,
			ui.SummaryRow{Key: l.T("helpdesk.priority"), Body: priority(v, d.Request).Body},
			ui.SummaryRow{Key: l.T("helpdesk.when.due"), Value: moment(v, assistance.All, d.Request)})
	}
	if d.SnoozedUntil != nil {
		rows = append(rows, ui.SummaryRow{Key: l.T("helpdesk.when.back"), Value: v.When(*d.SnoozedUntil)})
	}
	for _, r := range d.Rounds {
		if r.AnsweredAt != nil {
			rows = append(rows, ui.SummaryRow{Key: l.T("helpdesk.round.answer", "Round", r.N), Value: duration(l, r.ToAnswer)})
		}
		if r.EndedAt != nil {
			rows = append(rows, ui.SummaryRow{Key: l.T("helpdesk.round.settled", "Round", r.N), Value: duration(l, r.ToSettle)})
		}
	}
	return rows
}

func duration(l *locale.Locale, d time.Duration) string {
	if d < time.Minute {
		return l.T("helpdesk.at_once")
	}
	return l.Duration(d)
}

// turns are what was asked, said and done, oldest first.
func turns(v *page.Visit, s shown) []turn {
	l, d := v.Locale, s.desk
	first := d.Text
	if first == "" {
		first = l.T("help.missing_in", "Dataset", datasetName(v, d.Dataset))
	}
	list := []turn{{who: d.ContactName, when: v.When(d.CreatedAt), text: first}}
	for _, e := range d.Entries {
		t := turn{who: s.name(v, e), when: v.When(e.At), text: e.Text, done: !e.Spoken() && e.Kind != assistance.Note}
		switch e.Kind {
		case assistance.Note:
			t.tag = l.T("helpdesk.note.tag")
		case assistance.Given:
			t.text = l.T("helpdesk.entry.given", "Who", s.person(v, e.Text))
			if e.Text == "" {
				t.text = l.T("helpdesk.entry.back")
			}
		case assistance.Snoozed:
			if until, err := time.Parse(time.RFC3339, e.Text); err == nil {
				t.text = l.T("helpdesk.entry.snoozed", "Until", v.When(until))
			}
		case assistance.Woken, assistance.Late, assistance.Settled, assistance.Reopened:
			t.text = l.T("helpdesk.entry." + string(e.Kind))
		}
		list = append(list, t)
	}
	return list
}

func (s shown) name(v *page.Visit, e assistance.Entry) string {
	if e.Name != "" {
		return e.Name
	}
	return s.person(v, e.Actor)
}

func (s shown) person(v *page.Visit, id string) string {
	switch {
	case id == "worker":
		return v.Locale.T("helpdesk.system")
	case s.names[id] != "":
		return s.names[id]
	}
	return id
}

// presence is who else has a request open.
type presence struct {
	live  templ.Attributes
	lines []string
	news  string // that the conversation has gone on
	url   string
	again string
}

// presenceEvery is how often a page says that it is open; shorter than a screen is seen for.
const presenceEvery = "every 20s"

func buildPresence(v *page.Visit, id string, others []assistance.Looker, news bool) presence {
	l := v.Locale
	view := presence{live: templ.Attributes{
		"hx-post": URL(id) + "/presence", "hx-trigger": presenceEvery, "hx-swap": "outerHTML", "hx-include": "#reply-form",
	}}
	for _, o := range others {
		key := "helpdesk.looks"
		if o.Writing {
			key = "helpdesk.writes"
		}
		name := o.Name
		if name == "" {
			name = o.ID
		}
		view.lines = append(view.lines, l.T(key, "Who", name))
	}
	if news {
		view.news, view.url, view.again = l.T("helpdesk.news"), URL(id), l.T("helpdesk.news.read")
	}
	return view
}
