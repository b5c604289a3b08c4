package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

//go:embed dates/*.json
var dateFiles embed.FS

// dateForms says how a language writes days; the patterns name y, m (number), M (name), d and w (weekday).
type dateForms struct {
	Long     string     `json:"long"`
	Full     string     `json:"full"`
	Months   [12]string `json:"months"` // for {M} only
	Weekdays [7]string  `json:"weekdays"`
}

func loadDates(tag string) (f dateForms) {
	path := "dates/" + tag + ".json"
	raw, err := dateFiles.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		panic(fmt.Sprintf("locale: read %s: %v", path, err))
	}
	return f
}

func (f dateForms) write(pattern string, t time.Time) string {
	return strings.NewReplacer(
		"{y}", strconv.Itoa(t.Year()),
		"{m}", strconv.Itoa(int(t.Month())),
		"{M}", f.Months[t.Month()-1],
		"{d}", strconv.Itoa(t.Day()),
		"{w}", f.Weekdays[t.Weekday()],
	).Replace(pattern)
}

// in moves t to a zone; a nil zone leaves it where it is.
func in(t time.Time, zone *time.Location) time.Time {
	if zone == nil {
		return t
	}
	return t.In(zone)
}

// Date writes a day for running text: 31 January 2027, 2027年1月31日.
func (l *Locale) Date(t time.Time, zone *time.Location) string {
	return l.forms.write(l.forms.Long, in(t, zone))
}

// FullDate writes a day with its weekday: Sun, 31 January 2027.
func (l *Locale) FullDate(t time.Time, zone *time.Location) string {
	return l.forms.write(l.forms.Full, in(t, zone))
}

// DateTime writes a minute for tables: 2027-01-31 10:24.
func (l *Locale) DateTime(t time.Time, zone *time.Location) string {
	return in(t, zone).Format("2006-01-02 15:04")
}

// Clock writes the time of day by the 24-hour clock: 10:24.
func (l *Locale) Clock(t time.Time, zone *time.Location) string {
	return in(t, zone).Format("15:04")
}

// DateClock writes a day and its minute for running text: 31 January 2027, 10:24.
func (l *Locale) DateClock(t time.Time, zone *time.Location) string {
	return l.T("time.date_clock", "Date", l.Date(t, zone), "Clock", l.Clock(t, zone))
}

// ISO writes the machine value for a datetime attribute (RFC 3339, with the zone's offset).
func (l *Locale) ISO(t time.Time, zone *time.Location) string {
	return in(t, zone).Format(time.RFC3339)
}

// ZoneName names a zone with the offset it has at an instant: Beijing time (UTC+8).
func (l *Locale) ZoneName(zone *time.Location, at time.Time) string {
	if utc(zone) {
		return "UTC"
	}
	return l.T("time.zone", "Zone", l.ZoneOnly(zone), "Offset", Offset(zone, at))
}

// ZoneOnly names a zone: Beijing time. A zone without a name of its own is called after its city.
func (l *Locale) ZoneOnly(zone *time.Location) string {
	name := zone.String()
	if utc(zone) {
		return "UTC"
	}
	if id := "zone." + name; l.Has(id) {
		return l.T(id)
	}
	city, ok := l.cities[name]
	if !ok {
		city = strings.ReplaceAll(name[strings.LastIndex(name, "/")+1:], "_", " ")
	}
	return l.T("time.zone_city", "City", city)
}

func utc(zone *time.Location) bool { return zone.String() == "UTC" || zone.String() == "Etc/UTC" }

// Offset writes a zone's distance from UTC at an instant: UTC+8, UTC-3:30.
func Offset(zone *time.Location, at time.Time) string {
	_, seconds := at.In(zone).Zone()
	if seconds == 0 {
		return "UTC"
	}
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	s := "UTC" + sign + strconv.Itoa(seconds/3600)
	if minutes := seconds % 3600 / 60; minutes != 0 {
		s += ":" + strconv.Itoa(minutes/10) + strconv.Itoa(minutes%10)
	}
	return s
}
