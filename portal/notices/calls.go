package notices

import (
	"offramp/internal/sms"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// callsView lists the calls that wait.
type callsView struct {
	more    string // that more calls follow
	errors  []ui.FieldError
	layout  ui.Page
	heading ui.Heading
	none    *ui.Empty
	calls   []callCard
}

type callCard struct {
	card    ui.Card
	facts   []ui.SummaryRow
	script  string
	take    *ui.Action
	url     string
	outcome ui.Selection
	note    ui.Area
	end     ui.Button

	reason  ui.Area // of a waiver
	ask     ui.Button
	asked   *ui.Banner // somebody asks that the call need not be made
	confirm *ui.Action // nil: the reader asked
	waive   string     // where a waiver is asked for
	open    string     // which of the forms came back: end or waive
}

// refuse shows a form that came back as it was sent, with what is wrong beside each field.
func (card *callCard) refuse(v *page.Visit, r refusedCall) (list []ui.FieldError) {
	bad := v.Faults(r.err)
	card.open, card.note.Value, card.reason.Value = r.act, r.note, r.reason
	for i := range card.outcome.Options {
		card.outcome.Options[i].Selected = card.outcome.Options[i].Value == r.outcome
	}
	for _, f := range []*ui.Field{&card.outcome.Field, &card.note.Field, &card.reason.Field} {
		if f.Error = bad[f.Name]; f.Error != "" {
			list = append(list, ui.FieldError{FieldID: f.ID, Text: f.Error})
		}
	}
	return list
}

func buildCalls(v *page.Visit, list []notice.Call, names map[string]string, refused refusedCall, layout ui.Page) callsView {
	l := v.Locale
	view := callsView{layout: layout, heading: ui.Heading{Title: l.T("notice.calls"), Lead: l.T("notice.calls.lead")}}
	if len(list) == 0 {
		view.none = &ui.Empty{ID: "none", Title: l.T("notice.calls.none"), Text: l.T("notice.calls.none.text")}
	}
	if len(list) > callsShown {
		list, view.more = list[:callsShown], l.T("ui.more.oldest", "Count", l.Number(callsShown))
	}
	for _, c := range list {
		card := callCardOf(v, c, names)
		if refused.call == c.ID {
			view.errors, view.layout.Errors = card.refuse(v, refused), true
		}
		view.calls = append(view.calls, card)
	}
	return view
}

// takenBy is who has taken a call, or who is to, as the programme says.
func takenBy(v *page.Visit, c notice.Call, names map[string]string) string {
	if who := v.Programme.Notices.CallOwner; c.Owner == "" && who != "" {
		return v.Locale.T("notice.call.for", "Who", who)
	}
	return nameOf(names, c.Owner)
}

func callCardOf(v *page.Visit, c notice.Call, names map[string]string) callCard {
	l, url := v.Locale, CallsPath+"/"+c.ID
	tone, word := console.Ours, l.T("notice.call.due", "Day", v.DayOf(c.DueDay))
	if c.DueDay.Before(migration.DayOf(v.Now.In(v.Programme.Zone))) {
		tone, word = console.Problem, l.T("notice.call.late", "Day", v.DayOf(c.DueDay))
	}
	card := callCard{
		card: ui.Card{ID: "call-" + c.ID, Title: c.Customer + " · " + c.Ref, Aside: ui.Tag("", tone, word)}, url: url + "/end", script: c.Script,
		facts: []ui.SummaryRow{
			{Key: l.T("notice.tier"), Value: tierName(v, c.Tier)},
			{Key: l.T("notice.call.why"), Value: page.NoticeName(l, v.Programme, c.Notice)},
			{Key: l.T("notice.call.contact"), Value: c.Contact},
			{Key: l.T("notice.call.owner"), Value: takenBy(v, c, names)},
		},
		outcome: ui.Selection{
			Field:   ui.Field{Locale: l, ID: "outcome-" + c.ID, Name: "outcome", Label: l.T("notice.call.outcome")},
			Options: []ui.Option{{Value: "", Label: l.T("notice.call.choose"), Selected: true}}, Width: "medium",
		},
		note: ui.Area{Field: ui.Field{Locale: l, ID: "note-" + c.ID, Name: "note", Label: l.T("notice.call.note"), Optional: true}, Rows: 3, MaxLength: 2000},
		end:  ui.Button{Label: l.T("notice.call.end"), Kind: ui.Primary},
	}
	if c.Followed != nil {
		card.facts = append(card.facts, ui.SummaryRow{Key: l.T("notice.call.followed"), Value: v.When(*c.Followed)})
	}
	if c.Phone != "" {
		card.facts = append(card.facts, ui.SummaryRow{Key: l.T("phone.number"), Value: sms.Pretty(c.Phone)})
	}
	if c.Attempts > 0 {
		card.facts = append(card.facts, ui.SummaryRow{Key: l.T("notice.call.outcome"), Value: l.N("notice.call.attempts", c.Attempts)})
	}
	card.waiver(v, c, names, url)
	for _, o := range notice.Outcomes {
		card.outcome.Options = append(card.outcome.Options, ui.Option{Value: o, Label: l.T("notice.outcome." + o)})
	}
	if c.Owner != v.Session.IdentityID {
		card.take = &ui.Action{URL: url + "/take", Button: ui.Button{Label: l.T("notice.call.take"), Kind: ui.Plain}}
	}
	return card
}

// waiver is what can be done so that the call need not be made.
func (card *callCard) waiver(v *page.Visit, c notice.Call, names map[string]string, url string) {
	l := v.Locale
	card.waive, card.ask = url+"/waive", ui.Button{Label: l.T("reach.ask"), Kind: ui.Plain}
	card.reason = ui.Area{Field: ui.Field{Locale: l, ID: "reason-" + c.ID, Name: "reason", Label: l.T("reach.reason")}, Rows: 2, MaxLength: 2000}
	if c.AskedBy == "" {
		return
	}
	card.asked = &ui.Banner{Tone: "warn", Title: l.T("reach.asked_by", "Who", nameOf(names, c.AskedBy), "Reason", c.Note)}
	if c.AskedBy == v.Session.IdentityID {
		card.asked.Text = l.T("reach.own")
		return
	}
	card.confirm = &ui.Action{URL: url + "/confirm-waiver", Button: ui.Button{Label: l.T("reach.confirm"), Kind: ui.Primary}}
}
