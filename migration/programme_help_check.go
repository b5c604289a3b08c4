package migration

import (
	"fmt"
	"slices"
	"strings"
)

// maxAnswerHours bounds what is promised in working hours.
const maxAnswerHours = 400

// working checks when requests for help are worked on, and how soon they are answered.
func (c *checker) working(h Help) {
	taken := map[string][]WorkingPeriod{}
	for i, w := range h.Working {
		if path := fmt.Sprintf("help.working[%d]", i); c.period(path, w) {
			c.weekdays(path, w, taken)
		}
	}
	for i, day := range h.Worked {
		if slices.Contains(h.Closed, day) {
			c.errorf(fmt.Sprintf("help.worked[%d]", i), "%s is among help.closed as well", day)
		}
	}
	for _, x := range []struct {
		key   string
		hours int
	}{{"help.answer_hours", h.AnswerHours}, {"help.urgent_hours", h.UrgentHours}} {
		if c.has(x.key) && (x.hours < 1 || x.hours > maxAnswerHours) {
			c.errorf(x.key, "must lie between 1 and %d", maxAnswerHours)
		}
	}
}

// period reports whether a period has a beginning and a later end.
func (c *checker) period(path string, w WorkingPeriod) bool {
	from, err := ParseMinute(w.From)
	if err != nil {
		c.errorf(path+".from", "%v", err)
		return false
	}
	to, err := ParseMinute(w.To)
	if err != nil {
		c.errorf(path+".to", "%v", err)
		return false
	}
	if to <= from {
		c.errorf(path+".to", "must be later than %s; write a period over midnight as two", w.From)
		return false
	}
	return true
}

// weekdays checks the days of a period, none of which has another one at the same time.
func (c *checker) weekdays(path string, w WorkingPeriod, taken map[string][]WorkingPeriod) {
	if len(w.Days) == 0 {
		c.errorf(path+".days", "is missing; name weekdays such as mon")
	}
	for _, day := range w.Days {
		if !slices.Contains(Weekdays, day) {
			c.errorf(path+".days", "%q is none of %s", day, strings.Join(Weekdays, ", "))
		}
		for _, o := range taken[day] {
			if o.From < w.To && w.From < o.To {
				c.errorf(path+".from", "overlaps %s to %s on %s", o.From, o.To, day)
			}
		}
		taken[day] = append(taken[day], w)
	}
}
