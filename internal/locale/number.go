package locale

import (
	"math"
	"strconv"
	"time"
)

// Number writes a whole number in groups of thousands: 1,284,930.
func (l *Locale) Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Size writes an amount of data in decimal units, as disks and browsers count
// them: 512 B, 12 KB, 9.3 GB.
func (l *Locale) Size(bytes int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB", "PB"}
	value, unit := float64(bytes), 0
	// 999.95 would be written as 1000.0, so the next unit starts there.
	for value >= 999.95 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	digits := 1
	if unit < 2 {
		digits = 0
	}
	return strconv.FormatFloat(value, 'f', digits, 64) + " " + units[unit]
}

// Percent writes part of whole with one digit: 13.6%. It says 100.0% only when
// nothing is left, and 0.0% only when there is nothing; no whole gives "--".
func (l *Locale) Percent(part, whole int64) string {
	if whole <= 0 {
		return Nothing
	}
	tenths := math.Round(float64(part) * 1000 / float64(whole))
	if part < whole {
		tenths = math.Min(tenths, 999)
	}
	if part > 0 {
		tenths = math.Max(tenths, 1)
	}
	return strconv.FormatFloat(tenths/10, 'f', 1, 64) + "%"
}

// Nothing stands where a value is missing.
const Nothing = "--"

// Duration writes a length of time no finer than a reader can use: less than a
// minute, minutes to ten, then steps of five minutes, hours, and days from two
// on. It rounds up, so that what it says is enough.
func (l *Locale) Duration(d time.Duration) string { return l.duration("time.duration", d) }

// ETA writes how long something will still take: about 6 minutes left.
func (l *Locale) ETA(d time.Duration) string { return l.duration("time.eta", d) }

func (l *Locale) duration(prefix string, d time.Duration) string {
	if d < time.Minute {
		return l.T(prefix + ".moment")
	}
	minutes := ceil(d, time.Minute)
	if minutes > 10 {
		minutes = (minutes + 4) / 5 * 5
	}
	switch {
	case minutes < 60:
		return l.N(prefix+".minutes", minutes)
	case d <= 48*time.Hour:
		return l.N(prefix+".hours", max(1, ceil(d, time.Hour)))
	default:
		return l.N(prefix+".days", ceil(d, 24*time.Hour))
	}
}

func ceil(d, unit time.Duration) int { return int((d + unit - 1) / unit) }
