package help

import (
	"offramp/migration/assistance"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// newView is the form of a new request.
type newView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	about   []ui.SummaryRow
	hidden  []ui.Pair
	topic   ui.Choices
	text    ui.Area
	send    ui.Button
}

func buildNew(v *page.Visit, a about, d draft, refused error, layout ui.Page) newView {
	l, wrong := v.Locale, v.Faults(refused)
	view := newView{
		layout: layout, heading: ui.Heading{Title: l.T("help.new"), Lead: l.T("help.new.lead")}, send: ui.Button{Label: l.T("help.new.send"), Kind: ui.Primary},
		hidden: []ui.Pair{{Name: "page", Value: a.page}, {Name: "incident", Value: a.incident}},
	}
	view.topic = ui.Choices{Field: ui.Field{Locale: l, ID: "topic", Label: l.T("help.topic"), Error: wrong["topic"]}}
	for _, key := range assistance.Topics {
		view.topic.Options = append(view.topic.Options, ui.Option{Value: key, Label: l.T("help.topic." + key), Selected: key == d.topic})
	}
	view.text = ui.Area{
		Field: ui.Field{Locale: l, ID: "text", Label: l.T("help.words"), Hint: l.T("help.words.hint"), Error: wrong["text"]},
		Value: d.text, Rows: 8, MaxLength: assistance.MaxText,
	}
	for _, name := range []string{"topic", "text"} {
		if wrong[name] != "" {
			view.errors = append(view.errors, ui.FieldError{FieldID: name, Text: wrong[name]})
		}
	}
	view.layout.Narrow, view.layout.Errors = true, len(view.errors) > 0
	export := ""
	if a.export != nil {
		export = a.export.Reference()
	}
	view.about = aboutRows(v, export, a.refund, a.incident)
	return view
}

// aboutRows say what a request is about.
func aboutRows(v *page.Visit, export, refund, incident string) (rows []ui.SummaryRow) {
	for _, r := range []struct{ key, value string }{{"help.about.export", export}, {"help.about.refund", refund}, {"fault.incident", incident}} {
		if r.value != "" {
			rows = append(rows, ui.SummaryRow{Key: v.Locale.T(r.key), Value: r.value})
		}
	}
	return rows
}

// tones of the states, as a customer reads them.
var tones = map[assistance.State]ui.Tone{
	assistance.Open: ui.ToneInProgress, assistance.Answered: ui.ToneActionNeeded, assistance.Closed: ui.ToneCompleted,
}

// StateTag shows where a request stands.
func StateTag(v *page.Visit, s assistance.State) (ui.Tone, string) {
	return tones[s], v.Locale.T("help.state." + string(s))
}

// requestView is one request with what was said.
type requestView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	tone    ui.Tone
	tag     string
	facts   []ui.SummaryRow
	turns   []turn
	action  string
	text    ui.Area
	send    ui.Button
	finish  *ui.Action
}

// turn is what one side said.
type turn struct {
	who, when, text string
	ours            bool // the company's
	mark            bool // it says what was done, and not what was said
}

func buildRequest(v *page.Visit, c assistance.Conversation, text string, refused error, layout ui.Page) requestView {
	l, wrong := v.Locale, v.Faults(refused)
	view := requestView{
		layout: layout, heading: ui.Heading{Eyebrow: c.Reference(), Title: l.T("help.topic.title." + topicKey(c.Topic))}, action: URL(c.ID) + "/say",
		send: ui.Button{Label: l.T("help.say.send"), Kind: ui.Primary},
	}
	view.tone, view.tag = StateTag(v, c.State)
	view.facts = append([]ui.SummaryRow{{Key: l.T("help.sent"), Value: v.When(c.CreatedAt)}}, aboutRows(v, c.ExportReference, c.Refund, c.Incident)...)
	if c.State == assistance.Open {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("help.due"), Value: due(v, c.Request)})
	}
	view.turns = turns(v, c)
	label := "help.say"
	if c.State == assistance.Closed {
		label = "help.say.again"
	}
	view.text = ui.Area{Field: ui.Field{Locale: l, ID: "text", Label: l.T(label), Error: wrong["text"], Hint: l.T("help.say.hint")}, Value: text, MaxLength: assistance.MaxText}
	if wrong["text"] != "" {
		view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "text", Text: wrong["text"]}}, true
	}
	if c.State != assistance.Closed {
		view.finish = &ui.Action{URL: URL(c.ID) + "/close", Button: ui.Button{Label: l.T("help.close"), Kind: ui.Quiet}}
	}
	return view
}

// due says until when an answer was promised, and nothing that is not true any more.
func due(v *page.Visit, r assistance.Request) string {
	if r.Late(v.Now) {
		return v.Locale.T("help.due.late")
	}
	return v.When(r.DueAt)
}

func topicKey(topic string) string {
	if topic == "" {
		return "other"
	}
	return topic
}

// turns words the conversation: what was asked first, then what was said.
func turns(v *page.Visit, c assistance.Conversation) []turn {
	l := v.Locale
	name := func(id, name string) string {
		switch {
		case id == v.Who().ContactID:
			return l.T("help.you")
		case name != "":
			return name
		}
		return l.T("help.colleague")
	}
	first := c.Text
	if first == "" {
		first = l.T("help.missing_in", "Dataset", datasetName(v, c.Dataset))
	}
	if c.Expected != nil {
		first = l.T("ui.two", "First", first, "Then", l.T("help.counted", "Count", l.Number(*c.Expected)))
	}
	list := []turn{{who: name(c.ContactID, c.Asker), when: v.When(c.CreatedAt), text: first}}
	for _, e := range c.Entries {
		t := turn{who: name(e.Actor, e.Name), when: v.When(e.At), text: e.Text}
		switch e.Kind {
		case assistance.ByCustomer:
		case assistance.ByStaff:
			t.who, t.ours = l.T("help.us"), true
		case assistance.Settled, assistance.Reopened:
			t.mark, t.text = true, l.T("help.entry."+string(e.Kind))
			if e.Name == "" {
				t.who = l.T("help.us")
			}
		default:
			continue
		}
		list = append(list, t)
	}
	return list
}

func datasetName(v *page.Visit, key string) string {
	if d, ok := v.Programme.Dataset(key); ok && v.Locale.Pick(d.Name) != "" {
		return v.Locale.Pick(d.Name)
	}
	return key
}
