package migration

import (
	"fmt"
	"time"
)

// Day is a calendar day without a zone, written 2027-01-31. The zero Day means none.
type Day struct {
	year  int
	month time.Month
	day   int
}

// NewDay makes a day from its parts.
func NewDay(year int, month time.Month, day int) Day { return Day{year, month, day} }

// ParseDay reads 2027-01-31. A day that no calendar has, such as 30 February, is an error.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Day{}, fmt.Errorf("%q is no day such as 2027-01-31", s)
	}
	return DayOf(t), nil
}

// DayOf returns the calendar day of an instant in the instant's own zone.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day{y, m, d}
}

// IsZero reports whether no day is set.
func (d Day) IsZero() bool { return d == Day{} }

// String writes 2027-01-31, or nothing for the zero Day.
func (d Day) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day)
}

// Start returns the first moment of the day in zone, which is after midnight where the clock skips it.
func (d Day) Start(zone *time.Location) time.Time {
	t := time.Date(d.year, d.month, d.day, 0, 0, 0, 0, zone)
	for DayOf(t).Before(d) { // midnight does not exist that day: time.Date may answer with the evening before
		t = t.Add(30 * time.Minute)
	}
	return t
}

// End returns the last moment of the day in zone, a nanosecond before the next day starts: the rule for deadlines.
func (d Day) End(zone *time.Location) time.Time {
	return d.AddDays(1).Start(zone).Add(-time.Nanosecond)
}

// AddDays returns the day n days later.
func (d Day) AddDays(n int) Day {
	return DayOf(time.Date(d.year, d.month, d.day+n, 12, 0, 0, 0, time.UTC))
}

// Before reports whether d comes before o.
func (d Day) Before(o Day) bool { return d.number() < o.number() }

// After reports whether d comes after o.
func (d Day) After(o Day) bool { return d.number() > o.number() }

// DaysUntil returns the whole days from d to o, negative when o lies before d.
func (d Day) DaysUntil(o Day) int { return o.number() - d.number() }

// number counts days from a fixed origin.
func (d Day) number() int {
	return int(time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// MarshalText writes the day as text.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the day from text; empty text is the zero Day.
func (d *Day) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Day{}
		return nil
	}
	parsed, err := ParseDay(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Date returns the day's parts.
func (d Day) Date() (year int, month time.Month, day int) { return d.year, d.month, d.day }
