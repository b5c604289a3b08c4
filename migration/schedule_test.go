package migration_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/migration"
)

func TestI05_ScheduleTurnsAtTheLastMoment(t *testing.T) {
	for _, name := range []string{"Asia/Shanghai", "Etc/GMT+12", "Pacific/Kiritimati", "Europe/Berlin", "America/Sao_Paulo"} {
		p := &migration.Programme{Zone: zone(t, name), Milestones: []migration.Milestone{
			{Key: migration.ServiceEnd, Day: migration.NewDay(2027, time.March, 28)}, // Berlin's clocks go forward
		}}
		end := migration.NewDay(2027, time.March, 29).Start(p.Zone)
		for _, c := range []struct {
			at   time.Time
			past bool
			left int
		}{
			{end.Add(-time.Second), false, 0},
			{end.Add(time.Second), true, -1},
			{end.Add(-24*time.Hour - 2*time.Hour), false, 1},
		} {
			d := p.Schedule(nil, c.at.UTC())[0]
			if d.Past != c.past || d.DaysLeft != c.left {
				t.Errorf("%s at %s: past %v, %d days left; want %v, %d", name, c.at, d.Past, d.DaysLeft, c.past, c.left)
			}
		}
	}
}

func TestScheduleTakesLaterDaysOnly(t *testing.T) {
	p := &migration.Programme{Zone: time.UTC, Milestones: []migration.Milestone{
		{Key: migration.ServiceEnd, Day: migration.NewDay(2027, time.January, 31)},
		{Key: migration.ExportDeadline, Day: migration.NewDay(2027, time.March, 2)},
		{Key: migration.Erasure, Day: migration.NewDay(2027, time.April, 1)},
	}}
	dates := p.Schedule([]migration.Extension{
		{Milestone: migration.ServiceEnd, Day: migration.NewDay(2027, time.March, 5)},
		{Milestone: migration.ExportDeadline, Day: migration.NewDay(2027, time.March, 1)},
	}, time.Date(2026, 11, 21, 2, 24, 0, 0, time.UTC))
	got := []string{}
	for _, d := range dates {
		got = append(got, d.Key+" "+d.Day.String()+" "+d.Was.String())
	}
	want := []string{"export_deadline 2027-03-02 ", "service_end 2027-03-05 2027-01-31", "erasure 2027-04-01 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
