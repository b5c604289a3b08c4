package bankday_test

import (
	"testing"
	"time"

	"offramp/internal/bank/bankday"
)

func TestTheBankPaysOnItsNextWorkingDay(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	holidays, err := bankday.ParseDays([]string{"2027-02-05..2027-02-11", "2026-12-03"})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, at, currency, want string
		calendar                 bankday.Calendar
	}{
		{"a working day", "2026-12-01T10:00:00Z", "EUR", "2026-12-01", bankday.Calendar{}},
		{"a Saturday", "2026-12-05T10:00:00Z", "CNY", "2026-12-07", bankday.Calendar{}},
		{"already tomorrow in Shanghai", "2026-11-30T20:00:00Z", "CNY", "2026-12-01", bankday.Calendar{Zone: shanghai}},
		{"before the bank closes", "2026-12-01T08:29:59Z", "CNY", "2026-12-01", bankday.Calendar{Zone: shanghai, CutOff: 16*time.Hour + 30*time.Minute}},
		{"after it", "2026-12-01T08:30:00Z", "CNY", "2026-12-02", bankday.Calendar{Zone: shanghai, CutOff: 16*time.Hour + 30*time.Minute}},
		{"after it on a Friday", "2026-12-04T09:00:00Z", "CNY", "2026-12-07", bankday.Calendar{Zone: shanghai, CutOff: 16*time.Hour + 30*time.Minute}},
		{"its own holidays", "2027-02-05T01:00:00Z", "CNY", "2027-02-12", bankday.Calendar{Zone: shanghai, Holidays: holidays}},
		{"one holiday", "2026-12-03T01:00:00Z", "CNY", "2026-12-04", bankday.Calendar{Holidays: holidays}},
		{"Christmas, for euros", "2026-12-25T10:00:00Z", "EUR", "2026-12-28", bankday.Calendar{}},
		{"Christmas, for others", "2026-12-25T10:00:00Z", "CNY", "2026-12-25", bankday.Calendar{}},
		{"Good Friday 2027", "2027-03-26T10:00:00Z", "EUR", "2027-03-30", bankday.Calendar{}},
		{"Good Friday 2038", "2038-04-23T10:00:00Z", "EUR", "2038-04-27", bankday.Calendar{}},
		{"New Year", "2026-12-31T23:30:00Z", "EUR", "2027-01-04", bankday.Calendar{Zone: shanghai}},
	} {
		at, err := time.Parse(time.RFC3339, row.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := row.calendar.Next(at, row.currency).Format("2006-01-02"); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func TestDaysAndTimesThatAreNoneAreRefused(t *testing.T) {
	for _, bad := range []string{"", "2027-02-30", "15.2.2027", "2027-02-15..2027-02-14", "2027-01-01..2029-01-01"} {
		if _, err := bankday.ParseDays([]string{bad}); err == nil {
			t.Errorf("%q", bad)
		}
	}
	for _, bad := range []string{"25:00", "16", "4pm", "00:00"} {
		if _, err := bankday.ParseTime(bad); err == nil {
			t.Errorf("%q", bad)
		}
	}
}
