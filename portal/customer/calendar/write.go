package calendar

import (
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
)

// Content is what a calendar is written from.
type Content struct {
	Locale    *locale.Locale
	Programme *migration.Programme
	Plan      migration.Plan
	Host      string // of the portal, for the events' names
	URL       string // of the plan page
	Now       time.Time
}

// Kind is the media type of a calendar.
const Kind = "text/calendar; charset=utf-8"

// Write returns the calendar. An event keeps its UID for ever; its SEQUENCE grows when the programme or an extension
// moves it, and a milestone that the customer had noted and that exists no more is cancelled.
func Write(c Content) []byte {
	cal := ics.NewCalendar()
	product := c.Locale.Pick(c.Programme.Product.Name)
	cal.SetProductId("-//Offramp//Migration portal//" + strings.ToUpper(c.Locale.Tag()))
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName(c.Locale.T("calendar.name", "Product", product))
	cal.SetTimezoneId(c.Programme.ZoneName)
	cal.SetRefreshInterval("P1D")
	cal.SetXPublishedTTL("P1D")
	for _, d := range c.Programme.Schedule(c.Plan.Extensions, c.Now) {
		c.add(cal, product, d)
	}
	for key, day := range c.Plan.Journey.Detail.Days {
		if _, there := c.Programme.Milestone(key); !there {
			c.cancel(cal, product, key, day)
		}
	}
	return []byte(cal.Serialize(ics.WithNewLineWindows)) // RFC 5545, section 3.1
}

func (c Content) add(cal *ics.Calendar, product string, d migration.Date) {
	what := c.Locale.T("calendar.event", "Product", product, "What", page.MilestoneName(c.Locale, d.Milestone))
	e := c.event(cal, d.Key, d.Minute, what)
	e.SetSequence(c.Programme.Version + seconds(d.MovedAt))
	key := "calendar.until"
	if d.Past {
		key = "calendar.since"
	}
	until := c.Locale.T(key, "Date", c.Locale.FullDate(d.Minute, c.Programme.Zone),
		"Clock", c.Locale.Clock(d.Minute, c.Programme.Zone), "Zone", c.Locale.ZoneName(c.Programme.Zone, d.Minute))
	e.SetDescription(strings.TrimSpace(page.MilestoneEffect(c.Locale, d.Milestone) + "\n" + until))
	if !d.Past {
		remind(e, "-P7D", c.Locale.N("calendar.alarm", 7, "What", what))
		remind(e, "-P1D", c.Locale.N("calendar.alarm", 1, "What", what))
	}
}

func (c Content) cancel(cal *ics.Calendar, product, key string, day migration.Day) {
	what := c.Locale.T("calendar.event", "Product", product, "What", page.MilestoneName(c.Locale, migration.Milestone{Key: key}))
	e := c.event(cal, key, day.End(c.Programme.Zone).Truncate(time.Minute), what)
	e.SetSequence(c.Programme.Version)
	e.SetStatus(ics.ObjectStatusCancelled)
}

func (c Content) event(cal *ics.Calendar, key string, at time.Time, what string) *ics.VEvent {
	e := cal.AddEvent(strings.ToLower(key+"-"+c.Plan.Journey.CustomerID) + "@" + c.Host)
	e.SetDtStampTime(c.Now)
	e.SetStartAt(at)
	e.SetEndAt(at.Add(time.Minute))
	e.SetSummary(what)
	e.SetURL(c.URL)
	e.SetTimeTransparency(ics.TransparencyTransparent)
	return e
}

func remind(e *ics.VEvent, before, text string) {
	a := e.AddAlarm()
	a.SetAction(ics.ActionDisplay)
	a.SetTrigger(before)
	a.SetDescription(text)
}

// epoch is before any extension; SEQUENCE is a 32-bit integer and lasts from it until 2088.
var epoch = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)

// seconds is a number that grows with every change of an extension.
func seconds(moved time.Time) int {
	if moved.IsZero() {
		return 0
	}
	return max(1, int(moved.Sub(epoch)/time.Second))
}
