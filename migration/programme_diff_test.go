package migration_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/migration"
)

func read(t *testing.T, src string) *migration.Programme {
	t.Helper()
	p, err := migration.ReadProgramme([]byte(src))
	if err != nil {
		t.Fatalf("%v\n%v", err, migration.FindingsOf(err))
	}
	return p
}

func TestDifferencesAreReadableAndInTheFilesOrder(t *testing.T) {
	old := read(t, sound)
	is := read(t, strings.NewReplacer(
		"2027-01-31", "2027-02-14",
		"{en: We stop., zh-CN: 我们停止。}", "{en: We close., zh-CN: 我们停止。}",
		"  - {key: sales_stop, day: 2026-08-01}", "  - {key: sales_stop, day: 2026-08-01}\n  - {key: sign_up_stop, day: 2026-07-01, effect: {en: No new accounts., zh-CN: 不能再注册。}}",
		"      - {name: name}\n", "      - {name: name, type: text}\n      - {name: note}\n",
		"where owner = :customer_id", "where owner = :customer_id  order by id",
		"  email: help@boats.example", "  email: help@boats.example\nsinks: [{name: crm}]\nsteps: {choose: true}\ncustomers: {source: product, query: select 1}",
	).Replace(sound))
	var got []string
	for _, c := range is.Differences(old) {
		got = append(got, c.String())
	}
	want := []string{
		"reason.en: We stop. -> We close.",
		"milestones[sign_up_stop]: (none) -> 2026-07-01",
		"milestones[sign_up_stop].effect.en: (none) -> No new accounts.",
		"milestones[sign_up_stop].effect.zh-CN: (none) -> 不能再注册。",
		"milestones[service_end].day: 2027-01-31 -> 2027-02-14",
		"datasets[boats].query: \n      select id, name, created_at::date, 'a:b' as note\n        from boat where owner = :customer_id{+  order by id+}",
		"datasets[boats].columns[name].type: (none) -> text",
		"datasets[boats].columns[note]: (none) -> present",
		"sinks[crm]: (none) -> present",
		"steps.choose: (none) -> true",
		"customers: (none) -> present",
		"customers.source: (none) -> product",
		"customers.query: (none) -> select 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if same := old.Differences(read(t, "# a comment\n"+sound)); len(same) != 0 {
		t.Errorf("a comment made differences: %v", same)
	}
	gone := old.Differences(is)
	if len(gone) != len(want)-4 || gone[len(gone)-1].New != "" {
		t.Errorf("the way back: %v", gone)
	}
}

func TestMovedDates(t *testing.T) {
	old := read(t, sound)
	is := read(t, strings.NewReplacer("2027-01-31", "2027-02-14", "2027-03-02", "2027-03-16").Replace(sound))
	got := is.Moved(old)
	if len(got) != 2 || got[0].Milestone != migration.ServiceEnd || got[0].Was.String() != "2027-01-31" || got[0].Day.String() != "2027-02-14" {
		t.Errorf("moved: %v", got)
	}
}

// TestTheWholeDifferenceOfALongValueIsSeen changes a query beyond what a line shows, and brings a dataset.
func TestTheWholeDifferenceOfALongValueIsSeen(t *testing.T) {
	query := "select id, name, created_at::date, 'a:b' as note"
	long := strings.Replace(query, " as note", strings.Repeat(" || ' and some more of it'", 20)+" as note", 1)
	old := read(t, strings.Replace(sound, query, long, 1))
	is := read(t, strings.Replace(strings.Replace(sound, query, long, 1), "owner = :customer_id", "owner = :customer_id OR true", 1))
	changes := is.Differences(old)
	if len(changes) != 1 || !strings.HasSuffix(changes[0].String(), "owner = :customer_id{+ OR true+}") || !strings.Contains(changes[0].String(), long) {
		t.Errorf("%v", changes)
	}
	more := read(t, strings.Replace(sound, "datasets:\n", "datasets:\n  - {key: crew, name: {en: Crew, zh-CN: 船员}, source: product, query: 'select id from crew where owner = :customer_id'}\n", 1))
	var got []string
	for _, c := range more.Differences(read(t, sound)) {
		got = append(got, c.String())
	}
	want := []string{
		"datasets[crew]: (none) -> present", "datasets[crew].name.en: (none) -> Crew", "datasets[crew].name.zh-CN: (none) -> 船员",
		"datasets[crew].source: (none) -> product", "datasets[crew].query: (none) -> select id from crew where owner = :customer_id",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
