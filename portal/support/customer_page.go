package support

import (
	"slices"
	"strings"
	"time"

	"offramp/export"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/migration/refund"
	"offramp/migration/replacement"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// screen is what was read about a customer.
type screen struct {
	file     migration.File
	exports  []export.Export
	more     bool // there are older exports
	requests []assistance.Request
	choice   replacement.Overview
	refunds  []refund.Refund
	revealed string // the contact whose address is shown
	code     string
}

// customerView is the one screen about a customer.
type customerView struct {
	layout     ui.Page
	heading    ui.Heading
	disabled   *ui.Banner
	steps      []ui.Task
	facts      []ui.SummaryRow
	extensions []ui.SummaryRow
	contacts   ui.Table
	join       *joining
	exports    ui.Table
	older      string // said below the exports; empty: all are shown
	inside     []exportInside
	choice     choiceCard
	refunds    ui.Table
	asked      ui.Table
	history    ui.History
}

// buildCustomer words the screen. Instants are in the programme's zone, as the agent reads them elsewhere.
func buildCustomer(v *page.Visit, s screen, layout ui.Page) customerView {
	l, c := v.Locale, s.file.Customer
	view := customerView{
		layout: layout, heading: ui.Heading{Eyebrow: c.Ref + " · " + page.TierName(v.Locale, v.Programme, c.Tier), Title: c.Name},
		facts: facts(v, s), extensions: extensions(v, s.file.Extensions), contacts: contacts(v, s), join: joinForm(v, s), exports: exports(v, s), inside: insides(v, s.exports), asked: ownRequests(v, s.requests), choice: buildChoice(v, s.choice),
		refunds: refunds(v, s.refunds),
		history: ui.History{Locale: l, Zone: v.Zone()},
	}
	if c.State != migration.Active {
		view.disabled = &ui.Banner{Tone: "warn", Title: l.T("console.account.disabled"), Text: l.T("console.account.disabled.text")}
	}
	for _, step := range migration.Steps {
		view.steps = append(view.steps, ui.Task{Name: l.T("step." + string(step)), Status: string(s.file.Journey.Status[step])})
	}
	if s.more {
		view.older = l.T("console.exports.older", "Count", exportsShown)
	}
	for _, e := range s.file.History {
		view.history.Events = append(view.history.Events, event(v, e, s.file.Names))
	}
	return view
}

func facts(v *page.Visit, s screen) []ui.SummaryRow {
	l, c := v.Locale, s.file.Customer
	zone := migration.Location(c.Zone, v.Programme.Zone)
	rows := []ui.SummaryRow{
		{Key: l.T("console.number"), Value: c.Ref},
		{Key: l.T("console.tier"), Value: page.TierName(v.Locale, v.Programme, c.Tier)},
		{Key: l.T("console.account"), Value: l.T("console.account." + c.State)},
		{Key: l.T("console.language"), Value: locale.For(c.Locale).T("language.name")},
		{Key: l.T("console.zone"), Value: l.ZoneName(zone, v.Now)},
		{Key: l.T("console.local_time"), Value: l.DateTime(v.Now, zone)},
		{Key: l.T("help.code"), Value: s.code},
	}
	keys := make([]string, 0, len(c.Attributes))
	for key := range c.Attributes {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		rows = append(rows, ui.SummaryRow{Key: key, Value: c.Attributes[key]})
	}
	return rows
}

func extensions(v *page.Visit, list []migration.Extension) []ui.SummaryRow {
	l, zone := v.Locale, v.Programme.Zone
	var rows []ui.SummaryRow
	for _, e := range list {
		name := e.Milestone
		if m, ok := v.Programme.Milestone(e.Milestone); ok {
			name = page.MilestoneName(l, m)
		}
		text := l.T("console.extension", "Date", l.Date(e.Day.End(zone), zone), "Granted", l.ShortDate(e.GrantedAt, zone))
		if e.Reason != "" {
			text += " " + page.ExtensionReason(l, e.Reason)
		}
		rows = append(rows, ui.SummaryRow{Key: name, Value: text})
	}
	return rows
}

// contacts lists the people of a customer with their addresses masked, but for the one that was asked for.
func contacts(v *page.Visit, s screen) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "contacts", Caption: l.T("console.table", "Title", l.T("console.contacts")), Plain: true, Empty: l.T("ui.table.none"), Columns: []ui.Column{
		{Label: l.T("console.name")}, {Label: l.T("console.role")}, {Label: l.T("help.mail")}, {Label: l.T("console.account")}, {Label: l.T("console.action"), Hidden: true},
	}}
	for _, c := range s.file.Contacts {
		email, action := address(l, c.Email), ui.Cell{}
		if c.ID == s.revealed {
			email = c.Email
			action.Text = l.T("console.revealed")
		} else if mailed(c.Email) {
			action.Body = ui.PostAction(ui.Action{
				URL: customerURL(s.file.Customer.ID) + "/reveal", Hidden: []ui.Pair{{Name: "contact", Value: c.ID}},
				Button: ui.Button{Label: l.T("console.reveal"), Kind: ui.Quiet},
			})
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: c.Name}, {Text: l.T("console.contact." + c.Role)}, {Text: email}, {Text: l.T("console.account." + c.State)}, action,
		}})
	}
	return t
}

// mailed reports whether mail can go to an address; a contact that a sign-in made may have none.
func mailed(email string) bool { return email != "" && !strings.HasSuffix(email, ".invalid") }

// address is a masked address, or that there is none.
func address(l *locale.Locale, email string) string {
	if !mailed(email) {
		return l.T("console.contact.no_address")
	}
	return locale.Mask(email)
}

// since says how long something has been going on.
func since(v *page.Visit, at time.Time) string { return v.Locale.Duration(v.Now.Sub(at)) }
