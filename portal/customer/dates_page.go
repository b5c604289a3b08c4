package customer

import (
	"github.com/a-h/templ"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/customer/calendar"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// datesView is everything that the dates page shows.
type datesView struct {
	layout  ui.Page
	heading ui.Heading
	changed *ui.Banner // a date has moved since they were noted
	dates   []dateCard
	note    noteCard
	feed    feedCard
	help    ui.Help
}

// dateCard is one date.
type dateCard struct {
	card   ui.Card
	moment templ.Component
	rows   []ui.SummaryRow
}

// noteCard completes step 1, or says that it is completed.
type noteCard struct {
	l      *locale.Locale
	status migration.Status
	text   string
	button *ui.Action // nil: nothing to do, or not for this reader
}

// feedCard is the calendar file and the subscription.
type feedCard struct {
	l       *locale.Locale
	file    ui.Link
	address string // empty: no subscription
	since   string
	actions []ui.Action
}

// buildDates turns what was read into what is shown.
func buildDates(v *page.Visit, plan migration.Plan, layout ui.Page, code string) datesView {
	l, d := v.Locale, newDated(v, plan.Extensions)
	view := datesView{layout: layout, help: help(v, code), note: buildNote(v, plan.Journey)}
	view.heading = ui.Heading{
		Eyebrow: l.T("step.dates"), Title: l.T("dates.title"),
		Lead: l.T("dates.lead", "Zone", l.ZoneName(v.Programme.Zone, v.Now)),
	}
	for _, date := range d.dates {
		was := noted(plan.Journey, date)
		view.dates = append(view.dates, d.card(date, was))
		if !was.IsZero() {
			view.changed = &ui.Banner{Tone: "warn", Title: l.T("dates.changed"), Text: l.T("dates.changed.text")}
		}
	}
	return view
}

// noted returns the day that a date had when the customer noted it, if it has moved since.
func noted(j migration.Journey, date migration.Date) migration.Day {
	was := j.Detail.Changed[date.Key]
	if was.IsZero() {
		was = j.Detail.Days[date.Key]
	}
	if was == date.Day {
		return migration.Day{}
	}
	return was
}

// card words one date; was is the day it had when it was noted, if that was another.
func (d dated) card(date migration.Date, was migration.Day) dateCard {
	l, zone := d.l, d.p.Zone
	c := dateCard{
		card:   ui.Card{ID: "date-" + date.Key, Title: page.MilestoneName(l, date.Milestone), Meta: d.left(date)},
		moment: moment(d, date),
	}
	if !was.IsZero() {
		c.card.Aside = ui.Tag("", ui.ToneActionNeeded, l.T("dates.changed.tag"))
	}
	add := func(key, value string) {
		if value != "" {
			c.rows = append(c.rows, ui.SummaryRow{Key: l.T(key), Value: value})
		}
	}
	if when, own := d.ownTime(date.Minute); when != "" {
		add("dates.own", l.T("dates.own.value", "When", when, "Zone", own))
	}
	if !was.IsZero() {
		add("dates.was", d.OurFullDay(was.End(zone)))
	}
	if date.Extended() {
		add("dates.extended", d.extension(date))
	}
	add("dates.effect", page.MilestoneEffect(l, date.Milestone))
	return c
}

func (d dated) extension(date migration.Date) string {
	others := d.OurDay(date.Was.End(d.p.Zone))
	if date.Reason == "" {
		return d.l.T("dates.extended.value", "Date", others)
	}
	return d.l.T("dates.extended.reason", "Date", others, "Reason", page.ExtensionReason(d.l, date.Reason))
}

func buildNote(v *page.Visit, j migration.Journey) noteCard {
	l := v.Locale
	n := noteCard{l: l, status: j.Status[migration.StepDates]}
	switch {
	case n.status == migration.Completed && j.Detail.NotedAt != nil:
		n.text = l.T("dates.noted", "Date", v.When(*j.Detail.NotedAt))
	case !v.Owner():
		n.text = l.T("dates.owner_only")
	default:
		n.text = l.T("dates.note.text")
		n.button = &ui.Action{URL: "/plan/dates", Button: ui.Button{Label: l.T("dates.note"), Kind: ui.Primary}}
	}
	return n
}

// subscribe shows the contact's own subscription; feed is nil when there is none.
func (view *datesView) subscribe(v *page.Visit, feed *calendar.Feed, absolute func(path string) string) {
	l := v.Locale
	f := feedCard{l: l, file: ui.Link{Label: l.T("dates.calendar.file"), URL: "/plan/dates.ics", Icon: ui.IconCalendar, Download: true}}
	act := func(key, url string, kind ui.Kind) {
		f.actions = append(f.actions, ui.Action{URL: url, Button: ui.Button{Label: l.T(key), Kind: kind}})
	}
	if feed == nil {
		act("dates.calendar.create", "/plan/calendar", ui.Plain)
	} else {
		f.address = absolute("/calendar/" + feed.Token + ".ics")
		f.since = l.T("dates.calendar.since", "Date", v.Day(feed.CreatedAt))
		act("dates.calendar.renew", "/plan/calendar", ui.Plain)
		act("dates.calendar.stop", "/plan/calendar/stop", ui.Quiet)
	}
	view.feed = f
}
