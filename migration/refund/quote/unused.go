package quote

import (
	"time"

	"offramp/migration"
)

// share is how much of a payment is unused: part of whole days, months or units. From and until are the unused days.
type share struct {
	part, whole int64
	from, until migration.Day
}

// unused counts what of a payment is unused after lastDay, which itself counts as used: a service that ends on a day runs
// to that day's last moment. A whole of 0 means that nothing can be counted.
func (p Payment) unused(basis string, lastDay migration.Day) share {
	s := share{from: p.PeriodStart, until: p.PeriodEnd}
	if !lastDay.Before(p.PeriodStart) {
		s.from = lastDay.AddDays(1)
	}
	switch basis {
	case migration.BasisUsage:
		return share{part: max(0, p.Units-p.UnitsUsed), whole: p.Units}
	case migration.BasisMonths:
		s.part, s.whole, s.from = months(p.PeriodStart, p.PeriodEnd, lastDay)
	default:
		s.whole = int64(p.PeriodStart.DaysUntil(p.PeriodEnd)) + 1
		s.part = min(max(0, int64(lastDay.DaysUntil(p.PeriodEnd))), s.whole)
	}
	if s.part == 0 {
		s.from, s.until = migration.Day{}, migration.Day{}
	}
	return s
}

// months counts the months of a period, and those that begin after lastDay: a month that has begun is used. Months run from
// the period's first day to the day before the same day of the next month, or that month's last day where it has no such
// day: 31 January, 28 February, 31 March. A last month that is cut short counts as one.
func months(start, end, lastDay migration.Day) (unused, whole int64, from migration.Day) {
	y, m, d := start.Date()
	for first := start; !first.After(end); first = monthly(y, int(m)+int(whole), d) {
		if first.After(lastDay) {
			if unused == 0 {
				from = first
			}
			unused++
		}
		whole++
	}
	return unused, whole, from
}

// monthly is day d of a month, or the month's last day where that is earlier. Months above 12 are of later years.
func monthly(year, month, d int) migration.Day {
	last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC)
	return migration.NewDay(last.Year(), last.Month(), min(d, last.Day()))
}
