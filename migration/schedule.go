package migration

import "time"

// Date is one milestone as it stands for one customer at one instant. Every surface that shows a date (pages, calendar,
// mail) takes it from Schedule, so that they cannot disagree.
type Date struct {
	Milestone
	At       time.Time // the last moment: until then it has not happened
	Minute   time.Time // the minute of At, as it is written
	Day      Day       // in the programme's zone, extension included
	Was      Day       // the programme's day, where an extension moved it; else zero
	Reason   string    // of the extension
	MovedAt  time.Time // the extension was granted
	Past     bool
	DaysLeft int // whole days in the programme's zone; 0 on the day itself, negative afterwards
}

// Extended reports whether this customer has more time than others.
func (d Date) Extended() bool { return !d.Was.IsZero() }

// Schedule returns the milestones in order of their days, as they stand at now for a customer with these extensions. An
// extension to an earlier day is none.
func (p *Programme) Schedule(extensions []Extension, now time.Time) []Date {
	today := DayOf(now.In(p.Zone))
	dates := make([]Date, 0, len(p.Milestones))
	for _, m := range p.Milestones {
		d := Date{Milestone: m, Day: m.Day}
		for _, e := range extensions {
			if e.Milestone == m.Key && e.Day.After(m.Day) {
				d.Day, d.Was, d.Reason, d.MovedAt = e.Day, m.Day, e.Reason, e.GrantedAt
			}
		}
		d.At = d.Day.End(p.Zone)
		d.Minute = d.At.Truncate(time.Minute)
		d.Past = now.After(d.At)
		d.DaysLeft = today.DaysUntil(d.Day)
		dates = append(dates, d)
		for i := len(dates) - 1; i > 0 && dates[i].Day.Before(dates[i-1].Day); i-- {
			dates[i], dates[i-1] = dates[i-1], dates[i]
		}
	}
	return dates
}

// Find returns the date with this milestone key.
func Find(dates []Date, key string) (Date, bool) {
	for _, d := range dates {
		if d.Key == key {
			return d, true
		}
	}
	return Date{}, false
}
