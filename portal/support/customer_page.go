package support

import (
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"offramp/export"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/migration/refund"
	"offramp/migration/replacement"
	"offramp/portal/console"
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
	layout   ui.Page
	heading  ui.Heading
	disabled *ui.Banner
	steps    []ui.Task
	work     []workCard      // what there is to work on, the most pressing first
	unused   []ui.SummaryRow // what the customer has not used, in one place
	dates    []ui.SummaryRow
	facts    []ui.SummaryRow
	imported []ui.SummaryRow // what the product's own file says besides, under its own names
	contacts contacts
	join     *joining
	exports  ui.Table
	older    string // said below the exports; empty: all are shown
	inside   []exportInside
	history  ui.History
	earlier  ui.History

	pressing int // how many of work are
}

// workCard is a part of the main column.
type workCard struct {
	card ui.Card
	body templ.Component
}

// historyShown is how many events stand open.
const historyShown = 8

// buildCustomer words the screen. Instants are in the programme's zone, as the agent reads them elsewhere.
func buildCustomer(v *page.Visit, s screen, layout ui.Page) customerView {
	l, c := v.Locale, s.file.Customer
	view := customerView{
		layout: layout, heading: ui.Heading{Eyebrow: eyebrow(v, s), Title: c.Name},
		dates: dates(v, s.file.Extensions), facts: facts(v, s), imported: imported(c), contacts: contactsOf(v, s), join: joinForm(v, s),
		exports: exports(v, s), inside: insides(v, s.exports),
		history: ui.History{Locale: l, Zone: v.Zone()}, earlier: ui.History{Locale: l, Zone: v.Zone()},
	}
	if c.State != migration.Active {
		view.disabled = &ui.Banner{Tone: "warn", Title: l.T("console.account.disabled"), Text: l.T("console.account.disabled.text")}
	}
	for _, step := range migration.Steps {
		view.steps = append(view.steps, ui.Task{Name: l.T("console.step." + string(step)), Status: string(s.file.Journey.Status[step])})
	}
	if s.more {
		view.older = l.T("console.exports.older", "Count", exportsShown)
	}
	for i, e := range s.file.History {
		if i < historyShown {
			view.history.Events = append(view.history.Events, event(v, e, s.file.Names))
		} else {
			view.earlier.Events = append(view.earlier.Events, event(v, e, s.file.Names))
		}
	}
	view.arrange(v, s)
	return view
}

// arrange puts what staff have to act on first and gathers what the customer has not used.
func (view *customerView) arrange(v *page.Visit, s screen) {
	l := v.Locale
	part := func(id, title, none string, used, pressing bool, body templ.Component) {
		one := workCard{ui.Card{ID: id, Title: l.T(title)}, body}
		switch {
		case !used:
			view.unused = append(view.unused, ui.SummaryRow{Key: l.T(title), Value: l.T(none)})
		case pressing:
			view.work = slices.Insert(view.work, view.pressing, one)
			view.pressing++
		default:
			view.work = append(view.work, one)
		}
	}
	waits := slices.ContainsFunc(s.requests, func(r assistance.Request) bool { return r.State == assistance.Open })
	money := slices.ContainsFunc(s.refunds, func(r refund.Refund) bool { return console.RefundTurn(r.State) == console.Problem })
	part("data", "export.title", "console.exports.none", len(s.exports) > 0, len(s.exports) > 0 && s.exports[0].State == export.Failed, exportsCard(*view))
	part("asked", "console.help", "console.help.none_own", len(s.requests) > 0, waits, ui.DataTable(ownRequests(v, s.requests)))
	part("money", "console.refunds", "console.refunds.none", len(s.refunds) > 0, money, ui.DataTable(refunds(v, s.refunds)))
	choice := buildChoice(v, s.choice)
	part("choice", "nav.replacements", "console.choice.none", s.choice.Choice != nil || len(choice.fits) > 0, false, choiceBody(l, choice))
}

// eyebrow is what a caller is identified by.
func eyebrow(v *page.Visit, s screen) string {
	parts := []string{s.file.Customer.Ref, page.TierName(v.Locale, v.Programme, s.file.Customer.Tier)}
	if s.code != "" {
		parts = append(parts, v.Locale.T("help.code")+" "+s.code)
	}
	return strings.Join(parts, " · ")
}

func facts(v *page.Visit, s screen) []ui.SummaryRow {
	l, c := v.Locale, s.file.Customer
	zone := migration.Location(c.Zone, v.Programme.Zone)
	rows := []ui.SummaryRow{
		{Key: l.T("console.account"), Value: l.T("console.account." + c.State)},
		{Key: l.T("console.language"), Value: locale.For(c.Locale).T("language.name")},
		{Key: l.T("console.zone"), Value: l.ZoneName(zone, v.Now)},
		{Key: l.T("console.local_time"), Value: v.Dates().Clock(v.Now, zone)},
	}
	return rows
}

// imported is what came with the customer besides what every customer has.
func imported(c migration.Customer) (rows []ui.SummaryRow) {
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

// dates are the programme's dates as they stand for this customer, with the days that are left.
func dates(v *page.Visit, list []migration.Extension) []ui.SummaryRow {
	l, zone := v.Locale, v.Programme.Zone
	var rows []ui.SummaryRow
	for _, d := range v.Programme.Schedule(list, v.Now) {
		left := l.N("time.days_left", d.DaysLeft)
		switch {
		case d.Past:
			left = l.T("ui.dates.past")
		case d.DaysLeft == 0:
			left = l.T("time.today")
		}
		notes := []string{left}
		if d.Extended() {
			text := l.T("console.dates.extended", "Date", v.OurDay(d.Was.End(zone)))
			if d.Reason != "" {
				text = l.T("ui.two", "First", text, "Then", page.ExtensionReason(l, d.Reason))
			}
			notes = append(notes, text, l.T("console.dates.granted", "Date", v.Day(d.MovedAt)))
		}
		rows = append(rows, ui.SummaryRow{Key: v.OurDay(d.Minute), Body: ui.Lines(ui.Text(page.MilestoneName(l, d.Milestone)), notes...)})
	}
	return rows
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
