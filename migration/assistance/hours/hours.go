// Package hours counts working time: how much of it lies between two instants, and when so much of it will have passed. A day may have
// several working periods; holidays have none, and a day that is worked although its weekday is free is worked like another one.
package hours

import (
	"slices"
	"time"

	"offramp/migration"
)

// Calendar is when requests are worked on. Without periods that is always.
type Calendar struct {
	Zone    *time.Location
	Periods map[time.Weekday][]Period // in order, without overlap
	Closed  map[migration.Day]bool    // holidays
	Worked  map[migration.Day]bool    // worked like the first weekday, from Monday, that has periods
}

// Period is part of a day, in minutes since midnight.
type Period struct{ From, To int }

// horizon bounds how far the calendar looks ahead: one without a working day would have no end.
const horizon = 400

// Of reads a programme's calendar. The programme was checked when it was read.
func Of(p *migration.Programme) Calendar {
	c := Calendar{Zone: p.Zone, Periods: map[time.Weekday][]Period{}, Closed: map[migration.Day]bool{}, Worked: map[migration.Day]bool{}}
	for _, w := range p.Help.Working {
		from, _ := migration.ParseMinute(w.From)
		to, _ := migration.ParseMinute(w.To)
		for _, day := range w.Days {
			n := time.Weekday(slices.Index(migration.Weekdays, day))
			c.Periods[n] = append(c.Periods[n], Period{From: from, To: to})
		}
	}
	for _, list := range c.Periods {
		slices.SortFunc(list, func(a, b Period) int { return a.From - b.From })
	}
	for _, day := range p.Help.Closed {
		c.Closed[day] = true
	}
	for _, day := range p.Help.Worked {
		c.Worked[day] = true
	}
	return c
}

// of returns the periods of a day.
func (c Calendar) of(day migration.Day) []Period {
	if c.Closed[day] {
		return nil
	}
	list := c.Periods[day.Start(c.Zone).Weekday()]
	if len(list) > 0 || !c.Worked[day] {
		return list
	}
	for n := range 7 {
		if list := c.Periods[time.Weekday((n+1)%7)]; len(list) > 0 {
			return list
		}
	}
	return nil
}

// at is a minute of a day as the clock on the wall shows it.
func (c Calendar) at(day migration.Day, minute int) time.Time {
	noon := day.Start(c.Zone).Add(12 * time.Hour).In(c.Zone)
	return time.Date(noon.Year(), noon.Month(), noon.Day(), minute/60, minute%60, 0, 0, c.Zone)
}

// Between is the working time from one instant to another; none where they lie the other way round.
func (c Calendar) Between(from, to time.Time) (sum time.Duration) {
	if !from.Before(to) {
		return 0
	}
	if len(c.Periods) == 0 {
		return to.Sub(from)
	}
	last := migration.DayOf(to.In(c.Zone))
	for day := migration.DayOf(from.In(c.Zone)); !last.Before(day); day = day.AddDays(1) {
		for _, p := range c.of(day) {
			begin, end := later(c.at(day, p.From), from), earlier(c.at(day, p.To), to)
			sum += max(0, end.Sub(begin))
		}
	}
	return sum
}

// Add is when so much working time has passed since an instant. Where the calendar has no working day for more than a year it counts
// all hours.
func (c Calendar) Add(from time.Time, d time.Duration) time.Time {
	if len(c.Periods) == 0 {
		return from.Add(d)
	}
	left, day := d, migration.DayOf(from.In(c.Zone))
	for range horizon {
		for _, p := range c.of(day) {
			begin, end := later(c.at(day, p.From), from), c.at(day, p.To)
			if part := end.Sub(begin); part >= left && part > 0 {
				return begin.Add(left)
			} else if part > 0 {
				left -= part
			}
		}
		day = day.AddDays(1)
	}
	return from.Add(d)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
