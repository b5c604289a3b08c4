package assistance

import (
	"time"

	"offramp/migration"
	"offramp/migration/assistance/hours"
)

// Priority orders the queue; 1 comes first.
type Priority int

// The priorities. Raised is what was promised and is late.
const (
	Raised Priority = 1
	Urgent Priority = 2
	Normal Priority = 3
	Calm   Priority = 4
)

// Days before one of the customer's last days from which a request presses.
const (
	urgentDays = 7
	normalDays = 60
)

// deadlines are the last days that a customer can miss.
var deadlines = []string{migration.ServiceEnd, migration.ExportDeadline}

// DaysLeft is how many days are left until the next last day of a customer, and none where all are past.
func DaysLeft(p *migration.Programme, list []migration.Extension, now time.Time) (days int, any bool) {
	for _, d := range p.Schedule(list, now) {
		for _, key := range deadlines {
			if d.Key == key && !d.Past && (!any || d.DaysLeft < days) {
				days, any = d.DaysLeft, true
			}
		}
	}
	return days, any
}

// priorityOf is by the days that are left; those of a tier that is spoken to in person come one step earlier. A request about an error
// page or a failed export is nobody's to weigh: its topic changes nothing.
func priorityOf(p *migration.Programme, tier string, list []migration.Extension, now time.Time) Priority {
	days, left := DaysLeft(p, list, now)
	priority := Calm
	switch {
	case left && days <= urgentDays:
		priority = Urgent
	case left && days <= normalDays:
		priority = Normal
	}
	for _, t := range p.Tiers {
		if t.Key == tier && t.Core && priority > Urgent {
			priority--
		}
	}
	return priority
}

// Working hours within which an answer is promised where the programme says nothing.
const (
	answerHours = 8
	urgentHours = 2
)

// dueAt is until when an answer is promised.
func dueAt(p *migration.Programme, priority Priority, from time.Time) time.Time {
	n, usual := p.Help.AnswerHours, answerHours
	if priority <= Urgent {
		n, usual = p.Help.UrgentHours, urgentHours
	}
	if n == 0 {
		n = usual
	}
	return hours.Of(p).Add(from, time.Duration(n)*time.Hour)
}
