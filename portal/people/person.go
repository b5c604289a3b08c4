package people

import (
	"offramp/auth/people"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/portal/page"
	"offramp/portal/signin"
	"offramp/portal/ui"
)

// personView is the page about one person.
type personView struct {
	layout   ui.Page
	heading  ui.Heading
	errors   []ui.FieldError
	notes    []ui.Banner
	facts    []ui.SummaryRow
	sessions ui.Table
	end      *ui.Action // nil: none is open
	waiting  []ui.SummaryRow
	confirm  *ui.Action
	withdraw *ui.Action
	change   *changeForm // nil: something waits, or it is about the reader
	history  *ui.Table
}

// changeForm shuts somebody out or lets them in.
type changeForm struct {
	title, text string
	url         string
	reason      ui.Area
	button      ui.Button
}

func buildPerson(v *page.Visit, f people.File, names map[string]string, reason string, refused error, layout ui.Page) personView {
	l, at := v.Locale, personURL(f.Ref)
	view := personView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("people.kind." + string(f.Kind)), Title: f.Name, Lead: what(v, f.Person)},
		facts: []ui.SummaryRow{
			{Key: l.T("people.access"), Body: accessTag(l, f.Person)},
			{Key: l.T("people.email"), Value: address(f.Person)},
			{Key: l.T("people.signed_in"), Value: instant(v, f.SignedInAt)},
			{Key: l.T("people.sessions"), Value: l.Number(int64(f.Sessions))},
		},
		sessions: ui.Table{ID: "sessions-t", Plain: true, Caption: l.T("console.table", "Title", l.T("people.open_sessions")), Empty: l.T("people.no_sessions"), Columns: []ui.Column{
			{Label: l.T("people.device")}, {Label: l.T("people.begun")}, {Label: l.T("people.seen")},
		}},
	}
	if f.CustomerOff && !f.Disabled {
		view.notes = append(view.notes, ui.Banner{Tone: "warn", Title: l.T("people.customer_off.note")})
	}
	for _, s := range f.Open {
		begun, seen := s.CreatedAt, s.SeenAt
		view.sessions.Rows = append(view.sessions.Rows, ui.Row{Cells: []ui.Cell{
			{Text: signin.Device(l, s.UserAgent)}, {Text: instant(v, &begun)}, {Text: instant(v, &seen)},
		}})
	}
	if f.Sessions > 0 {
		view.end = &ui.Action{URL: at + "/end-sessions", Button: ui.Button{Label: l.T("people.end"), Kind: ui.Danger}}
	}
	me := f.Kind == people.Staff && f.ID == v.Session.IdentityID
	switch waiting := f.Waiting(); {
	case waiting != nil:
		view.proposed(v, *waiting, names)
	case me:
		view.notes = append(view.notes, ui.Banner{Tone: "info", Title: l.T("people.self.note")})
	default:
		view.form(v, f, reason, refused)
	}
	if len(f.Changes) > 0 {
		view.history = historyTable(v, f.Changes, names)
	}
	return view
}

// proposed shows what waits for a second person, and what the reader may do about it.
func (view *personView) proposed(v *page.Visit, x people.Change, names map[string]string) {
	l, at := v.Locale, Path+"/changes/"+x.ID
	asked := x.ProposedAt
	view.waiting = []ui.SummaryRow{
		{Key: l.T("people.wish"), Value: l.T("people.act." + x.Act)},
		{Key: l.T("people.reason"), Value: x.Reason},
		{Key: l.T("people.proposed_by"), Value: proposer(names, x)},
		{Key: l.T("people.since"), Value: instant(v, &asked)},
	}
	if x.Who.ID == v.Session.IdentityID {
		return
	}
	if x.ProposedBy != v.Session.IdentityID {
		view.confirm = &ui.Action{URL: at + "/confirm", Button: ui.Button{Label: l.T("people.confirm." + x.Act), Kind: ui.Danger}}
	}
	view.withdraw = &ui.Action{URL: at + "/withdraw", Button: ui.Button{Label: l.T("people.withdraw"), Kind: ui.Plain}}
}

// form is where the reader shuts somebody out or lets them in.
func (view *personView) form(v *page.Visit, f people.File, reason string, refused error) {
	l, act, kind := v.Locale, people.Disable, ui.Danger
	if f.Disabled {
		act, kind = people.Enable, ui.Primary
	}
	button := "people." + act
	if f.Kind == people.Staff {
		button = "people.propose_" + act
	}
	view.change = &changeForm{
		title: l.T("people.act." + act), text: l.T("people." + act + "." + string(f.Kind)), url: personURL(f.Ref) + "/" + act,
		reason: ui.Area{Field: ui.Field{Locale: l, ID: "reason", Label: l.T("people.reason"), Hint: l.T("people.reason.hint")}, Value: reason, Rows: 3, MaxLength: 500},
		button: ui.Button{Label: l.T(button), Kind: kind},
	}
	if x, ok := fault.As(refused); ok && len(x.Fields) > 0 {
		view.change.reason.Error = l.T(x.Fields[0].Key, "Limit", x.Fields[0].Args["Limit"])
		view.errors = []ui.FieldError{{FieldID: "reason", Text: view.change.reason.Error}}
		view.layout.Errors = true
	}
}

func historyTable(v *page.Visit, changes []people.Change, names map[string]string) *ui.Table {
	l := v.Locale
	t := &ui.Table{ID: "history-t", Plain: true, Caption: l.T("console.table", "Title", l.T("people.history")), Columns: []ui.Column{
		{Label: l.T("people.since")},
		{Label: l.T("people.wish")},
		{Label: l.T("people.state")},
		{Label: l.T("people.reason"), Wide: true},
		{Label: l.T("people.by")},
		{Label: l.T("people.decided_by")},
	}}
	for _, x := range changes {
		asked, decided := x.ProposedAt, ""
		if x.DecidedBy != "" {
			decided = nameOf(names, x.DecidedBy)
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: instant(v, &asked)}, {Text: l.T("people.act." + x.Act)}, {Text: l.T("people.state." + x.State)}, {Text: x.Reason}, {Text: proposer(names, x)}, {Text: decided},
		}})
	}
	return t
}

// address is whole for staff and masked for customers, whose address support reveals on record.
func address(x people.Person) string {
	if x.Kind == people.Staff {
		return x.Email
	}
	return locale.Mask(x.Email)
}
