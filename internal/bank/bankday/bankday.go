// Package bankday knows on which days a bank works, so that a file never asks it to pay on a day that is past or closed.
package bankday

import (
	"fmt"
	"strings"
	"time"
)

// Calendar is when a bank works. The zero value works from Monday to Friday, in UTC. Safe for concurrent use.
type Calendar struct {
	Zone     *time.Location  // of the bank; nil: UTC
	CutOff   time.Duration   // after midnight, in Zone: what comes later is paid on the next day; 0: until midnight
	Holidays map[string]bool // more days on which it is closed, such as 2027-02-15
}

const layout = "2006-01-02"

// Next is the day on which the bank can pay what it is given at an instant: that day, or the next on which it works. Euros also
// need the day to be one of TARGET's (the Eurosystem's). It is midnight UTC; its year, month and day count.
func (c Calendar) Next(at time.Time, currency string) time.Time {
	zone := c.Zone
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	since := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
	if c.CutOff > 0 && since >= c.CutOff {
		day = day.AddDate(0, 0, 1)
	}
	for c.closed(day, currency) {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

func (c Calendar) closed(day time.Time, currency string) bool {
	weekday := day.Weekday()
	return weekday == time.Saturday || weekday == time.Sunday || c.Holidays[day.Format(layout)] || currency == "EUR" && target(day)
}

// target reports whether TARGET is closed on a weekday: New Year, Good Friday, Easter Monday, 1 May, 25 and 26 December (ECB/2000/12).
func target(day time.Time) bool {
	switch day.Format("01-02") {
	case "01-01", "05-01", "12-25", "12-26":
		return true
	}
	sunday := easter(day.Year())
	return day.Equal(sunday.AddDate(0, 0, -2)) || day.Equal(sunday.AddDate(0, 0, 1))
}

// easter is Easter Sunday of a Gregorian year (Butcher's rule).
func easter(year int) time.Time {
	golden, century := year%19, year/100
	shift := (19*golden + century - century/4 - (century-(century+8)/25+1)/3 + 15) % 30
	week := (32 + 2*(century%4) + 2*(year%100/4) - shift - year%100%4) % 7
	late := (golden + 11*shift + 22*week) / 451
	n := shift + week - 7*late + 114
	return time.Date(year, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}

// ParseDays reads days such as 2027-02-15, and spans such as 2027-02-15..2027-02-19, of at most a year.
func ParseDays(list []string) (map[string]bool, error) {
	days := map[string]bool{}
	for _, text := range list {
		from, to, span := strings.Cut(text, "..")
		if !span {
			to = from
		}
		first, err := time.Parse(layout, from)
		if err != nil {
			return nil, fmt.Errorf("%q is no day such as 2027-02-15", text)
		}
		last, err := time.Parse(layout, to)
		if err != nil || last.Before(first) || last.Sub(first) > 366*24*time.Hour {
			return nil, fmt.Errorf("%q is no span such as 2027-02-15..2027-02-19", text)
		}
		for ; !first.After(last); first = first.AddDate(0, 0, 1) {
			days[first.Format(layout)] = true
		}
	}
	return days, nil
}

// ParseTime reads a time of day such as 16:30; empty is 0.
func ParseTime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	at, err := time.Parse("15:04", text)
	if err != nil || at.Hour() == 0 && at.Minute() == 0 {
		return 0, fmt.Errorf("%q is no time of day such as 16:30", text)
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, nil
}
