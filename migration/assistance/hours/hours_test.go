package hours_test

import (
	"testing"
	"time"

	"offramp/migration"
	"offramp/migration/assistance/hours"
)

func shanghai(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func office(t *testing.T) hours.Calendar {
	t.Helper()
	return hours.Of(&migration.Programme{Zone: shanghai(t), Help: migration.Help{
		Working: []migration.WorkingPeriod{
			{Days: []string{"mon", "tue", "wed", "thu", "fri"}, From: "13:30", To: "18:00"},
			{Days: []string{"mon", "tue", "wed", "thu", "fri"}, From: "09:00", To: "12:00"},
		},
		Closed: []migration.Day{migration.NewDay(2026, time.October, 1), migration.NewDay(2026, time.October, 2)},
		Worked: []migration.Day{migration.NewDay(2026, time.October, 10)}, // a Saturday
	}})
}

func TestQ07_WorkingTimeKnowsNightsHolidaysAndSeveralPeriods(t *testing.T) {
	t.Parallel()
	c, zone := office(t), shanghai(t)
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, zone)
	}
	for name, x := range map[string]struct {
		from, to time.Time
		want     time.Duration
	}{
		"within a period":       {at(9, 28, 9, 30), at(9, 28, 10, 0), 30 * time.Minute},
		"over the lunch break":  {at(9, 28, 11, 0), at(9, 28, 14, 0), 90 * time.Minute},
		"in the night":          {at(9, 28, 20, 0), at(9, 29, 8, 0), 0},
		"over a night":          {at(9, 28, 17, 0), at(9, 29, 10, 0), 2 * time.Hour},
		"over a weekend":        {at(9, 25, 17, 30), at(9, 28, 9, 30), time.Hour},
		"over holidays":         {at(9, 30, 17, 0), at(10, 5, 9, 30), 90 * time.Minute},
		"a Saturday for a week": {at(10, 9, 17, 0), at(10, 10, 10, 0), 2 * time.Hour},
		"backwards":             {at(9, 29, 10, 0), at(9, 28, 10, 0), 0},
		"a whole week":          {at(9, 21, 0, 0), at(9, 28, 0, 0), 5 * 450 * time.Minute},
	} {
		if got := c.Between(x.from, x.to); got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
		if x.want > 0 && !c.Add(x.from, x.want).Equal(x.to) && name != "a whole week" {
			t.Errorf("%s: after %s it is %s, want %s", name, x.want, c.Add(x.from, x.want), x.to)
		}
	}
	if got, want := c.Add(at(10, 1, 10, 0), time.Hour), at(10, 5, 10, 0); !got.Equal(want) {
		t.Errorf("an hour from a holiday ends %s, want %s", got, want)
	}
}

func TestQ07_WallClockHoldsOverDaylightSaving(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c := hours.Of(&migration.Programme{Zone: zone, Help: migration.Help{Working: []migration.WorkingPeriod{{Days: []string{"sun", "mon"}, From: "09:00", To: "10:00"}}}})
	from := time.Date(2027, time.March, 28, 0, 0, 0, 0, zone) // clocks go forward at two
	if got := c.Between(from, from.Add(48*time.Hour)); got != 2*time.Hour {
		t.Errorf("two hours over the change count as %s", got)
	}
	if got, want := c.Add(from, 90*time.Minute), time.Date(2027, time.March, 29, 9, 30, 0, 0, zone); !got.Equal(want) {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestACalendarWithoutPeriodsNeverRests(t *testing.T) {
	t.Parallel()
	c := hours.Of(&migration.Programme{Zone: time.UTC})
	from := time.Date(2026, time.October, 3, 1, 0, 0, 0, time.UTC)
	if got := c.Between(from, from.Add(30*time.Hour)); got != 30*time.Hour {
		t.Errorf("%s", got)
	}
	if got := c.Add(from, 8*time.Hour); !got.Equal(from.Add(8 * time.Hour)) {
		t.Errorf("%s", got)
	}
}
