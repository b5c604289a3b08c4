package customer

import (
	"strings"
	"time"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// States of a date on the line of time.
const (
	past   = "past"
	next   = "next"
	future = "future"
)

// dated is one programme's dates as one reader sees them at one instant.
type dated struct {
	page.Dates
	l     *locale.Locale
	p     *migration.Programme
	own   *time.Location // the reader's zone
	now   time.Time
	dates []migration.Date
}

func newDated(v *page.Visit, extensions []migration.Extension) dated {
	return dated{Dates: v.Dates(), l: v.Locale, p: v.Programme, own: v.Zone(), now: v.Now, dates: v.Programme.Schedule(extensions, v.Now)}
}

// states names the state of each date: the first that has not passed is next.
func (d dated) states() []string {
	states, found := make([]string, len(d.dates)), false
	for i, date := range d.dates {
		switch {
		case date.Past:
			states[i] = past
		case !found:
			states[i], found = next, true
		default:
			states[i] = future
		}
	}
	return states
}

// day writes a milestone's day as running text; empty where the programme has no such milestone.
func (d dated) day(key string) string {
	date, ok := migration.Find(d.dates, key)
	if !ok {
		return ""
	}
	return d.OurDay(date.Minute)
}

// open reports whether a milestone still lies ahead; a programme without it sets no limit.
func (d dated) open(key string) bool {
	date, ok := migration.Find(d.dates, key)
	return !ok || !date.Past
}

// ownTime writes a deadline in the reader's zone, where clocks there show another time than the programme's.
func (d dated) ownTime(at time.Time) (when, zone string) {
	_, ours := at.In(d.p.Zone).Zone()
	if _, theirs := at.In(d.own).Zone(); ours == theirs {
		return "", ""
	}
	return d.When(at), d.l.ZoneName(d.own, at)
}

// told writes a date that lies ahead as its day, and one that has passed as the day since when it holds.
func (d dated) told(date migration.Date, day string) string {
	if date.Past {
		return d.l.T("dates.since", "Day", day)
	}
	return day
}

// left says how long a date is away.
func (d dated) left(date migration.Date) string {
	switch {
	case date.Past:
		return d.l.T("ui.dates.past")
	case date.DaysLeft == 0:
		return d.l.T("time.today")
	}
	return d.l.N("time.days_left", date.DaysLeft)
}

// keyDates is the card of all dates.
func (d dated) keyDates(links []ui.Link) ui.KeyDates {
	k := ui.KeyDates{Locale: d.l, Title: d.l.T("plan.dates"), Zone: d.p.Zone, At: d.now, Links: links}
	states := d.states()
	for i, date := range d.dates {
		k.Items = append(k.Items, ui.KeyDate{
			At: date.Minute, When: d.told(date, d.DayOf(date.Day)), What: page.MilestoneName(d.l, date.Milestone), Effect: d.effect(date),
			State: states[i], Days: date.DaysLeft,
		})
	}
	return k
}

// effect is what a date that lies ahead means, with the reader's own time and an extension where they differ.
func (d dated) effect(date migration.Date) string {
	if date.Past {
		return ""
	}
	parts := []string{page.MilestoneEffect(d.l, date.Milestone)}
	if date.Extended() {
		parts = append(parts, d.l.T("plan.extended", "Date", d.OurDay(date.Was.End(d.p.Zone))))
	}
	if when, zone := d.ownTime(date.Minute); when != "" {
		parts = append(parts, d.l.T("plan.own_zone", "When", when, "Zone", zone))
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// track is the line from the first date to the last.
func (d dated) track() *ui.Track {
	if len(d.dates) < 2 {
		return nil
	}
	first, last := d.dates[0].At, d.dates[len(d.dates)-1].At
	place := func(t time.Time) float64 {
		return min(1, max(0, float64(t.Sub(first))/float64(last.Sub(first))))
	}
	t := &ui.Track{Now: place(d.now)}
	for i, state := range d.states() {
		t.Marks = append(t.Marks, ui.TrackMark{At: place(d.dates[i].At), State: state})
	}
	return t
}
