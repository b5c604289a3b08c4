package customer

import (
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"offramp/migration"
	"offramp/migration/notice"
	"offramp/portal/customer/inbox"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// planView is everything that the plan page shows.
type planView struct {
	layout  ui.Page
	heading ui.Heading
	over    *ui.Banner    // all dates have passed
	news    []ui.Banner   // about the last day to export
	count   *ui.Countdown // nil when they have
	tasks   ui.TaskList
	early   *ui.Link // to step 5 while it cannot be started otherwise
	export  exportCard

	message    templ.Component // that the reader was sent lately
	exportCard templ.Component // of export
	settleCard templ.Component // of step 4
	settles    bool            // there is a step 4
	products   *productsView   // nil: there is nothing to choose from
	dates      ui.KeyDates
	help       ui.Help
}

// buildPlan turns what was read into what is shown.
func buildPlan(v *page.Visit, plan migration.Plan, layout ui.Page, code string) planView {
	d := newDated(v, plan.Extensions)
	s := steps{v: v, j: plan.Journey, d: d}
	view := planView{
		layout: layout, heading: planHeading(v), count: countdown(d), export: buildExport(v, plan, d),
		tasks: ui.TaskList{Locale: v.Locale, Title: v.Locale.T("plan.tasks"), Tasks: s.tasks()},
		dates: d.keyDates(dateLinks(v)), help: help(v, code),
	}
	view.news = deadlineNews(d, plan)
	if view.count == nil {
		view.over = &ui.Banner{Tone: "info", Title: v.Locale.T("plan.over"), Text: v.Locale.T("plan.over.text")}
	} else {
		view.count.Next = s.next()
	}
	view.exportCard, view.settleCard = exportSection(view.export), settleSection(buildSettle(v, plan.Journey))
	view.message = messageNews(v)
	view.settles = plan.Journey.Detail.Rules.Settle
	if plan.Journey.Status[migration.StepConfirm] == migration.CannotStart && v.Owner() {
		view.early = &ui.Link{Label: v.Locale.T("confirm.early"), URL: urls[migration.StepConfirm]}
	}
	view.products = newReplacementWords(v).products(plan.Journey)
	view.layout.HTMX = view.export.running
	return view
}

// messageShown is how long the plan speaks of a message.
const messageShown = 14 * 24 * time.Hour

// messageNews says that the reader was sent a message lately; nothing, mostly.
func messageNews(v *page.Visit) templ.Component {
	i := slices.IndexFunc(v.Messages, func(m notice.Latest) bool { return m.ContactID == v.Who().ContactID })
	if i < 0 || v.Now.Sub(v.Messages[i].At) > messageShown {
		return templ.NopComponent
	}
	m := v.Messages[i]
	return ui.BannerNote(v.Locale, ui.Banner{
		Tone: "info", Title: v.Locale.T("plan.message", "Day", v.Day(m.At)), Text: m.Subject,
		Link: &ui.Link{Label: v.Locale.T("plan.message.read"), URL: inbox.Path},
	})
}

func planHeading(v *page.Visit) ui.Heading {
	l, p := v.Locale, v.Programme
	thanks := l.Pick(p.Thanks)
	if thanks == "" {
		thanks = l.T("plan.lead", "Product", l.Pick(p.Product.Name))
	}
	return ui.Heading{
		Eyebrow: l.T("plan.account", "Org", v.Session.CustomerName, "Ref", v.Session.CustomerRef),
		Title:   l.T("plan.title"),
		Lead:    strings.TrimSpace(l.T("plan.intro", "Thanks", thanks, "Reason", l.Pick(p.Reason))),
	}
}

// countdown counts to the first of the dates that matter to a customer and still lies ahead; nil when none does.
func countdown(d dated) *ui.Countdown {
	c := &ui.Countdown{Locale: d.l, Zone: d.p.Zone, Track: d.track(), Days: -1}
	for _, key := range []string{migration.ServiceEnd, migration.ExportDeadline, migration.Erasure} {
		date, ok := migration.Find(d.dates, key)
		if ok && !date.Past && c.Days < 0 {
			c.Days, c.Until = date.DaysLeft, d.l.T("plan.until."+key)
			if date.DaysLeft == 0 {
				c.Until = d.l.T("plan.today." + key)
			}
		}
	}
	if c.Days < 0 {
		return nil
	}
	if date, ok := migration.Find(d.dates, migration.ServiceEnd); ok {
		c.Dates = append(c.Dates, ui.CountdownDate{Label: page.MilestoneName(d.l, date.Milestone), At: date.Minute, When: d.told(date, d.OurFullDay(date.Minute)), Left: d.left(date)})
	}
	if date, ok := migration.Find(d.dates, migration.ExportDeadline); ok {
		c.Dates = append(c.Dates, ui.CountdownDate{Label: d.l.T("plan.count.export"), At: date.Minute, When: d.told(date, d.OurFullDay(date.Minute)), Left: d.left(date)})
	}
	return c
}

func dateLinks(v *page.Visit) []ui.Link {
	return []ui.Link{
		{Label: v.Locale.T("plan.all_dates"), URL: "/plan/dates"},
		{Label: v.Locale.T("ui.dates.calendar"), URL: "/plan/dates.ics", Icon: ui.IconCalendar, Download: true},
		{Label: v.Locale.T("ui.dates.subscribe"), URL: "/plan/dates#calendar"},
	}
}

// help is who to turn to, the same on every page.
func help(v *page.Visit, code string) ui.Help {
	l, h := v.Locale, v.Programme.Help
	card := ui.Help{Locale: l, FAQURL: "/" + l.Tag() + "/faq", Email: h.Email, Phone: h.Phone, PhoneNumber: dial(h.Phone), Code: code}
	var tag string
	if card.Hours, tag = l.PickLang(h.Hours); tag != l.Tag() {
		card.Lang = tag
	}
	if code != "" { // a customer, who may have asked already
		card.Links = []ui.Link{{Label: l.T("help.new.go"), URL: "/help/new"}, {Label: l.T("help.requests"), URL: "/help#requests"}}
	}
	return card
}

// Help is who to turn to, for pages of a customer that have a folder of their own.
func Help(v *page.Visit, code string) ui.Help { return help(v, code) }

// dial leaves of a telephone number what a telephone needs.
func dial(number string) string {
	return strings.Map(func(r rune) rune {
		if r == '+' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, number)
}
