package approval

import (
	"time"

	"offramp/migration"
)

// workingDays is the day that lies n working days after another one. Saturdays and Sundays are none; public holidays are not known.
func workingDays(from migration.Day, n int, zone *time.Location) migration.Day {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for n > 0 {
		from = from.AddDays(step)
		if day := from.Start(zone).Weekday(); day != time.Saturday && day != time.Sunday {
			n--
		}
	}
	return from
}

// decideFrom is when readers have had n whole working days.
func decideFrom(now time.Time, n int, zone *time.Location) time.Time {
	if n == 0 {
		return now
	}
	return workingDays(migration.DayOf(now.In(zone)), n, zone).Start(zone)
}

// dueAt is the end of the last of n working days.
func dueAt(from time.Time, n int, zone *time.Location) time.Time {
	return workingDays(migration.DayOf(from.In(zone)), n, zone).End(zone)
}

// remindAt is the beginning of the working day on which a decision is due, or of the one before where there is one in between.
func remindAt(due time.Time, zone *time.Location) time.Time {
	return workingDays(migration.DayOf(due.In(zone)), -1, zone).Start(zone)
}
