package migration_test

import (
	"testing"
	"time"

	"offramp/migration"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestI05_DeadlineIsTheLastMomentOfItsDay(t *testing.T) {
	for _, c := range []struct{ day, zone, want string }{
		{"2027-01-31", "Asia/Shanghai", "2027-01-31T15:59:59.999999999Z"},
		{"2028-02-29", "UTC", "2028-02-29T23:59:59.999999999Z"},
		{"2027-02-28", "Pacific/Kiritimati", "2027-02-28T09:59:59.999999999Z"}, // UTC+14
		{"2027-02-28", "Etc/GMT+12", "2027-03-01T11:59:59.999999999Z"},         // UTC-12
		{"2027-03-28", "Europe/Berlin", "2027-03-28T21:59:59.999999999Z"},      // clocks go forward that day
		{"2027-10-31", "Europe/Berlin", "2027-10-31T22:59:59.999999999Z"},      // and back
		{"2018-11-03", "America/Sao_Paulo", "2018-11-04T02:59:59.999999999Z"},  // the next midnight does not exist
		{"2018-11-04", "America/Sao_Paulo", "2018-11-05T01:59:59.999999999Z"},
	} {
		d, err := migration.ParseDay(c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.End(zone(t, c.zone)).UTC().Format(time.RFC3339Nano); got != c.want {
			t.Errorf("end of %s in %s = %s, want %s", c.day, c.zone, got, c.want)
		}
	}
}

func TestDayArithmetic(t *testing.T) {
	a := migration.NewDay(2026, time.November, 21)
	if n := a.DaysUntil(migration.NewDay(2027, time.January, 31)); n != 71 {
		t.Fatal(n)
	}
	if s := a.AddDays(10).String(); s != "2026-12-01" {
		t.Fatal(s)
	}
	if _, err := migration.ParseDay("2027-02-29"); err == nil {
		t.Fatal("29 February 2027 was accepted")
	}
	if !a.Before(a.AddDays(1)) || a.After(a) {
		t.Fatal("order")
	}
}
