package page

import (
	"time"

	"offramp/auth"
	"offramp/internal/locale"
	"offramp/migration"
)

// Dates writes days and instants as one reader reads them. What happened, and when a download ends, is told in the reader's own zone;
// a day of the programme in the programme's, which is named where the reader's clock shows another time. Pages write no date by
// another way: TestPagesWriteDatesByOneFamily holds them.
type Dates struct {
	l     *locale.Locale
	own   *time.Location // the reader's
	ours  *time.Location // the programme's
	staff bool           // who compares many instants
}

// Dates are the visitor's.
func (v *Visit) Dates() Dates {
	d := Dates{l: v.Locale, own: v.Zone(), ours: v.Zone(), staff: v.Session != nil && v.Session.Realm == auth.Staff}
	if v.Programme != nil {
		d.ours = v.Programme.Zone
	}
	return d
}

// DatesIn are those of a programme for a reader of whom only the language is known.
func DatesIn(l *locale.Locale, zone *time.Location) Dates { return Dates{l: l, own: zone, ours: zone} }

// When writes an instant in the reader's zone: as running text for customers, short for staff.
func (d Dates) When(at time.Time) string {
	if d.staff {
		return d.l.DateTime(at, d.own)
	}
	return d.l.DateClock(at, d.own)
}

// Day writes the day of an instant in the reader's zone.
func (d Dates) Day(at time.Time) string { return d.l.Date(at, d.own) }

// OurDay writes a day of the programme.
func (d Dates) OurDay(at time.Time) string {
	return d.named("time.day_zone", d.l.Date(at, d.ours), at)
}

// OurFullDay writes a day of the programme with its weekday, where it stands by itself.
func (d Dates) OurFullDay(at time.Time) string {
	return d.named("time.full_day_zone", d.l.FullDate(at, d.ours), at)
}

// OurWhen writes an instant on the programme's clock, which is named where the reader's shows another time.
func (d Dates) OurWhen(at time.Time) string {
	text := d.l.DateClock(at, d.ours)
	if d.staff {
		text = d.l.DateTime(at, d.ours)
	}
	return d.named("time.when_zone", text, at)
}

// DayOf writes a day of the programme's calendar, with no word on its zone: for what is compared with another such day.
func (d Dates) DayOf(day migration.Day) string { return d.l.Date(day.Start(d.ours), d.ours) }

// FullDayOf is DayOf with the weekday.
func (d Dates) FullDayOf(day migration.Day) string { return d.l.FullDate(day.Start(d.ours), d.ours) }

// DayValue is a day as a field of the type date takes it.
func DayValue(day migration.Day) string { return day.String() }

// Clock writes what the clocks of another zone show, for a reader who is told the zone beside it.
func (d Dates) Clock(at time.Time, zone *time.Location) string { return d.l.DateTime(at, zone) }

// There writes an instant as the clocks of another zone show it, with that zone.
func (d Dates) There(at time.Time, zone *time.Location) string {
	return d.l.T("time.when_zone", "When", d.l.DateTime(at, zone), "Zone", d.l.ZoneName(zone, at))
}

// Typed writes a minute as staff type it into a field.
func (d Dates) Typed(at time.Time) string { return d.l.DateTime(at, d.own) }

// Away reports whether the reader's clock shows another time than the programme's at an instant.
func (d Dates) Away(at time.Time) bool {
	_, ours := at.In(d.ours).Zone()
	_, own := at.In(d.own).Zone()
	return ours != own
}

// ZoneNote says in which zone the times on a page are.
func (d Dates) ZoneNote(now time.Time) string {
	return d.l.T("time.zone_note", "Zone", d.l.ZoneName(d.own, now))
}

func (d Dates) named(id, text string, at time.Time) string {
	if !d.Away(at) {
		return text
	}
	return d.l.T(id, "When", text, "Zone", d.l.ZoneOnly(d.ours))
}

// When writes an instant in the visitor's zone: as running text for customers, short for staff, who compare many.
func (v *Visit) When(at time.Time) string { return v.Dates().When(at) }

// Day writes the day of an instant in the visitor's zone.
func (v *Visit) Day(at time.Time) string { return v.Dates().Day(at) }

// OurDay writes a day of the programme, with its zone where the visitor's clock shows another time.
func (v *Visit) OurDay(at time.Time) string { return v.Dates().OurDay(at) }

// OurFullDay is OurDay with the weekday.
func (v *Visit) OurFullDay(at time.Time) string { return v.Dates().OurFullDay(at) }

// DayOf writes a day of the programme's calendar.
func (v *Visit) DayOf(day migration.Day) string { return v.Dates().DayOf(day) }
