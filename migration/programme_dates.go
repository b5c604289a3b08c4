package migration

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rules from the field, on which the checks of dates rest.
const (
	minExportDays    = 30 // from the announcement to the last day of export; below, a programme is refused
	businessNotice   = 6  // months from the announcement to the end of service; below, a warning
	consumerNotice   = 3
	spokenToEarliest = 14 // days before the announcement on which customers of core tiers are spoken to
	spokenToLatest   = 7
)

// milestoneOrder lists the milestones in the order in which they happen.
var milestoneOrder = []string{Announcement, SignUpStop, SalesStop, ServiceEnd, ExportDeadline, Erasure}

// keyDates must be set in every programme.
var keyDates = []string{Announcement, SalesStop, ServiceEnd, ExportDeadline}

func (c *checker) milestones() {
	at := map[string]int{} // key -> index in the file
	for i, m := range c.p.Milestones {
		path := fmt.Sprintf("milestones[%d]", i)
		first, twice := at[m.Key]
		switch {
		case m.Key == "":
			c.errorf(path+".key", "is missing; known: %s", strings.Join(milestoneOrder, ", "))
		case !slices.Contains(milestoneOrder, m.Key):
			c.errorf(path+".key", "%q is no milestone; known: %s", m.Key, strings.Join(milestoneOrder, ", "))
		case twice:
			c.errorf(path+".key", "%s is here twice; it was first milestones[%d]", m.Key, first)
		default:
			at[m.Key] = i
		}
		if m.Day.IsZero() {
			c.errorf(path+".day", "is missing; write it such as 2027-01-31")
		}
		c.text(path+".name", m.Name, false)
		c.text(path+".effect", m.Effect, false)
	}
	for _, key := range keyDates {
		if _, ok := at[key]; !ok {
			c.errorf("milestones", "%s is missing; a programme sets at least %s", key, strings.Join(keyDates, ", "))
		}
	}
	c.order(at)
	c.notice(at)
}

// order checks that the milestones follow one another; two may share a day.
func (c *checker) order(at map[string]int) {
	last := Milestone{}
	for _, key := range milestoneOrder {
		i, ok := at[key]
		if !ok || c.p.Milestones[i].Day.IsZero() {
			continue
		}
		m := c.p.Milestones[i]
		path := fmt.Sprintf("milestones[%d].day", i)
		switch {
		case m.Day.Before(last.Day):
			c.errorf(path, "%s on %s comes before %s on %s; it must not", key, m.Day, last.Key, last.Day)
		case key == Erasure && !m.Day.After(last.Day):
			c.errorf(path, "data would be erased on the last day of export; erase it later")
		}
		last = m
	}
}

// notice checks how long customers have.
func (c *checker) notice(at map[string]int) {
	announced, ok := c.dayOf(at, Announcement)
	if !ok {
		return
	}
	if deadline, ok := c.dayOf(at, ExportDeadline); ok && !deadline.Before(announced) {
		if days := announced.DaysUntil(deadline); days < minExportDays {
			c.errorf(fmt.Sprintf("milestones[%d].day", at[ExportDeadline]),
				"customers would have %d days to export their data after the announcement on %s; give them at least %d, until %s or later",
				days, announced, minExportDays, announced.AddDays(minExportDays))
		}
	}
	end, ok := c.dayOf(at, ServiceEnd)
	months, usual := businessNotice, "6 to 12"
	if c.p.Product.Kind == Consumer {
		months, usual = consumerNotice, "3 to 6"
	}
	if ok && c.p.Product.Kind != "" && end.Before(announced.addMonths(months)) {
		c.warnf(fmt.Sprintf("milestones[%d].day", at[ServiceEnd]),
			"the service ends %d days after the announcement; customers of a %s product usually have %s months", announced.DaysUntil(end), c.p.Product.Kind, usual)
	}
}

func (c *checker) dayOf(at map[string]int, key string) (Day, bool) {
	i, ok := at[key]
	if !ok || c.p.Milestones[i].Day.IsZero() {
		return Day{}, false
	}
	return c.p.Milestones[i].Day, true
}

// spokenTo checks that customers of core tiers hear it from a person before they read it.
func (c *checker) spokenTo(path string, t Tier) {
	announced := Day{}
	if m, ok := c.p.Milestone(Announcement); ok {
		announced = m.Day
	}
	switch {
	case t.Core && t.SpokenTo.IsZero():
		c.errorf(path+".spoken_to", "is missing; customers of a core tier are spoken to in person, one to two weeks before the announcement")
	case t.SpokenTo.IsZero() || announced.IsZero():
	case t.SpokenTo.Before(announced.AddDays(-spokenToEarliest)), t.SpokenTo.After(announced.AddDays(-spokenToLatest)):
		c.warnf(path+".spoken_to", "%s is not one to two weeks before the announcement: %s to %s",
			t.SpokenTo, announced.AddDays(-spokenToEarliest), announced.AddDays(-spokenToLatest))
	}
}

// addMonths returns the same day n months later, or the month's last day where that month is shorter.
func (d Day) addMonths(n int) Day {
	first := time.Date(d.year, d.month+time.Month(n), 1, 12, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Day{first.Year(), first.Month(), min(d.day, last)}
}
