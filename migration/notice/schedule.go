package notice

import (
	"slices"
	"time"

	"offramp/migration"
)

// Stage is one due day of a notice.
type Stage struct {
	Days int           // from the milestone; 0 for a notice with a fixed day
	Day  migration.Day // where the customer is
}

// at is the instant at which a stage is due in a zone.
func (s Stage) at(hour int, zone *time.Location) time.Time {
	y, m, d := s.Day.Date()
	return time.Date(y, m, d, hour, 0, 0, 0, zone)
}

// stages lists the due days of a notice in order, for a customer to whom the milestone is on base. A reminder that would fall
// on a holiday comes on the last day before that is none, but the one on the milestone's own day, which stays.
func stages(n migration.Notice, base migration.Day, holidays []migration.Day) []Stage {
	if n.On.Milestone == "" {
		return []Stage{{0, n.On.Day}}
	}
	list := make([]Stage, 0, len(n.On.Days))
	for _, days := range n.On.Days {
		day := base.AddDays(days)
		for n.Kind == migration.NoticeReminder && days != 0 && slices.Contains(holidays, day) {
			day = day.AddDays(-1)
		}
		list = append(list, Stage{days, day})
	}
	slices.SortStableFunc(list, func(a, b Stage) int { return b.Day.DaysUntil(a.Day) })
	return list
}

// dueIn returns the latest stage that is due in a zone at now.
func dueIn(list []Stage, hour int, zone *time.Location, now time.Time) (Stage, bool) {
	for _, s := range slices.Backward(list) {
		if !s.at(hour, zone).After(now) {
			return s, true
		}
	}
	return Stage{}, false
}

// quietUntil returns when sending to a zone may go on: now itself outside the quiet hours.
func quietUntil(p migration.NoticePlan, zone *time.Location, now time.Time) time.Time {
	local := now.In(zone)
	if h := local.Hour(); h >= p.QuietTo && h < p.QuietFrom {
		return now
	}
	day := migration.DayOf(local)
	if local.Hour() >= p.QuietFrom {
		day = day.AddDays(1)
	}
	return Stage{Day: day}.at(p.QuietTo, zone)
}

// expires is the last moment at which a stage of a reminder is of any use: the end of the milestone's day in the programme's
// zone. Other notices do not expire.
func expires(p *migration.Programme, n migration.Notice, base migration.Day) (time.Time, bool) {
	if n.Kind != migration.NoticeReminder {
		return time.Time{}, false
	}
	return base.End(p.Zone), true
}
