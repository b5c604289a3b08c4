package profile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/export/profile"
	"offramp/export/source"
	"offramp/internal/locale"
	"offramp/migration"
)

func text(s string) *string { return &s }

var datasets = []migration.Dataset{
	{Key: "tasks", Name: migration.Text{"en": "Tasks", "zh-CN": "任务"}, Columns: []migration.Column{
		{Name: "id", Type: "integer"},
		{Name: "title", Type: "text"},
		{Name: "state", Type: "text"},
		{Name: "open", Type: "boolean"},
		{Name: "at", Type: "instant"},
		{Name: "blob", Type: "binary"},
		{Name: "due", Type: "date", Meaning: migration.Text{"en": "Day on which it is due", "zh-CN": "截止日期"}},
	}, Files: &migration.Files{}},
	{Key: "comments", Name: migration.Text{"en": "Comments", "zh-CN": "评论"}},
}

// found is the same columns as a source gives them, in another order and with one more.
var found = []source.Column{
	{Name: "more", Type: "text"},
	{Name: "due", Type: "date"},
	{Name: "blob", Type: "binary"},
	{Name: "at", Type: "instant"},
	{Name: "open", Type: "boolean"},
	{Name: "state", Type: "text"},
	{Name: "title", Type: "text"},
	{Name: "id", Type: "integer"},
}

var tracker = migration.Replacement{Key: "tracker", Import: &migration.ImportProfile{
	Files: []migration.ImportFile{{
		Name: "issues.csv", Dataset: "tasks", Where: "row.state != 'gone'",
		Columns: []migration.ImportColumn{
			{Name: "No", Value: "customer + '-' + string(row.id)"},
			{Name: "Title", From: "title"},
			{Name: "Status", From: "state", Map: map[string]string{"open": "To do", "done": "完成", "void": ""}, Otherwise: text("Other")},
			{Name: "Priority", From: "state", Map: map[string]string{"open": "1"}},
			{Name: "Open", From: "open"},
			{Name: "At", From: "at"},
			{Name: "Year", Value: "has(row.at) ? timestamp(row.at).getFullYear() : 0", Map: map[string]string{"0": "never"}},
			{Name: "Still", Value: "row.open == null ? dyn(null) : row.open"},
			{Name: "Blob", From: "blob"},
			{Name: "Source", Constant: text("")},
		},
	}},
	Loses: []migration.Loss{
		{Dataset: "tasks", Column: "due", Text: migration.Text{"en": "Due days are lost.", "zh-CN": "截止日期会丢失。"}},
		{Text: migration.Text{"en": "Boards are lost.", "zh-CN": "看板会丢失。"}},
	},
}}

func compiled(t testing.TB, r migration.Replacement) *profile.Profile {
	t.Helper()
	p, findings := profile.Compile(r, datasets)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	return p
}

func row(values ...string) [][]byte {
	out := make([][]byte, len(values))
	for i, v := range values {
		if v != "NULL" {
			out[i] = []byte(v)
		}
	}
	return out
}

func shown(values [][]byte) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
		if v == nil {
			texts[i] = "NULL"
		}
	}
	return strings.Join(texts, "|")
}

func TestRowsBecomeTheReplacements(t *testing.T) {
	f := compiled(t, tracker).Files()[0]
	if f.Format != "csv" || f.Name != "issues.csv" || strings.Join(f.Columns, ",") != "No,Title,Status,Priority,Open,At,Year,Still,Blob,Source" {
		t.Errorf("file: %+v", f)
	}
	convert, err := f.Row("HZ-1", found)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		values [][]byte
		want   string
	}{
		{row("x", "2026-01-01", `\x6869`, "2026-03-01 14:05:00.5+00", "t", "open", "=1+1", "7"), "HZ-1-7|=1+1|To do|1|true|2026-03-01T14:05:00.5Z|2026|true|aGk=|"},
		{row("x", "NULL", "NULL", "NULL", "NULL", "void", "", "8"), "HZ-1-8|||void|NULL|NULL|never|NULL|NULL|"},
		{row("x", "NULL", "NULL", "NULL", "f", "odd", "NULL", "9"), "HZ-1-9|NULL|Other|odd|false|NULL|never|false|NULL|"},
		{row("x", "NULL", "NULL", "NULL", "f", "done", "中文", "9"), "HZ-1-9|中文|完成|done|false|NULL|never|false|NULL|"},
	} {
		out, keep, err := convert(c.values)
		if got := shown(out); err != nil || !keep || got != c.want {
			t.Errorf("got  %s, %t, %v\nwant %s", got, keep, err, c.want)
		}
	}
	if _, keep, err := convert(row("x", "NULL", "NULL", "NULL", "f", "gone", "", "9")); keep || err != nil {
		t.Errorf("where keeps a row: %v", err)
	}
}

// TestE08_ARowThatCannotBeMadeIsNamedAndTheNextOneIsMade has what only one row's data does wrong.
func TestE08_ARowThatCannotBeMadeIsNamedAndTheNextOneIsMade(t *testing.T) {
	convert, err := compiled(t, tracker).Files()[0].Row("HZ-1", found)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		values         [][]byte
		column, reason string
	}{
		{row("x", "NULL", "NULL", "NULL", "f", "open", "", "9223372036854775808"), "No", "rule_failed"},
		{row("x", "NULL", "NULL", "infinity", "f", "open", "", "1"), "Year", "rule_failed"},
		{row("x", "NULL", "zz", "NULL", "f", "open", "", "1"), "Blob", "not_converted"},
		{row("x", "NULL", "NULL", "NULL", "f", strings.Repeat("x", 2<<20), "", "1"), "", "rule_cost"},
	} {
		_, _, err := convert(c.values)
		var one interface {
			ItemReason() string
			ItemColumn() string
		}
		if !errors.As(err, &one) || one.ItemReason() != c.reason || one.ItemColumn() != c.column {
			t.Errorf("got %v, want %s in %q", err, c.reason, c.column)
			continue
		}
		for _, tag := range []string{"en", "zh-CN"} {
			if !locale.For(tag).Has("export.failure." + one.ItemReason()) {
				t.Errorf("%s has no words for %s", tag, one.ItemReason())
			}
		}
		if out, keep, err := convert(row("x", "NULL", "NULL", "NULL", "f", "open", "", "1")); err != nil || !keep || string(out[0]) != "HZ-1-1" {
			t.Errorf("the next row: %v", err)
		}
	}
}

func TestAMissingColumnFailsTheFile(t *testing.T) {
	_, err := compiled(t, tracker).Files()[0].Row("HZ-1", found[1:7])
	if source.KindOf(err) != source.Schema || !strings.Contains(err.Error(), `"id"`) {
		t.Errorf("got %v", err)
	}
}

func TestLossesAreNamedInTheProgrammesOrder(t *testing.T) {
	var got []string
	en := locale.For("en")
	for _, l := range compiled(t, tracker).Losses() {
		got = append(got, strings.Join([]string{l.Dataset, l.Column, l.Kind, l.In(en)}, " / "))
	}
	want := []string{
		" /  / declared / Boards are lost.",
		"tasks /  / files / Tasks: the entries move, the attached files do not. The export holds them under “attachments”.",
		"tasks /  / rows / Tasks: some entries are left out, because the replacement has no place for them.",
		"tasks / due / column / Due days are lost.",
		"tasks / Priority / values / Tasks: values that the replacement's “Priority” may not know move unchanged.",
		"tasks / Year / values / Tasks: values that the replacement's “Year” may not know move unchanged.",
		"comments /  / dataset / Comments: does not move.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	undeclared := tracker
	imported := *tracker.Import
	imported.Loses = nil
	undeclared.Import = &imported
	zh := locale.For("zh-CN")
	for _, l := range compiled(t, undeclared).Losses() {
		if l.Column == "due" && l.In(zh) != "任务：“due”（截止日期）不能迁移。" {
			t.Errorf("due: %s", l.In(zh))
		}
	}
}

func TestFindingsOfAnOlderProgramme(t *testing.T) {
	bad := migration.Replacement{Key: "r", Import: &migration.ImportProfile{Files: []migration.ImportFile{
		{Name: "a.csv", Dataset: "none"},
		{Name: "b.csv", Dataset: "tasks", Where: "1", Columns: []migration.ImportColumn{{Name: "x", From: "gone"}, {Name: "y", Value: "row.gone"}}},
	}}}
	p, findings := profile.Compile(bad, datasets)
	if p != nil || len(findings) != 4 {
		t.Fatalf("got %v", findings)
	}
	if got := findings[3].Path; got != "replacements[r].import.files[b.csv].columns[y].value" {
		t.Errorf("path %s", got)
	}
}

func BenchmarkRow(b *testing.B) {
	plain := []migration.ImportColumn{
		{Name: "a", From: "id"},
		{Name: "b", From: "title"},
		{Name: "c", From: "state", Map: map[string]string{"open": "1"}, Otherwise: text("2")},
		{Name: "d", From: "at"},
		{Name: "e", Constant: text("x")},
	}
	computed := append([]migration.ImportColumn{
		{Name: "a", Value: "'HZ-' + string(row.id)"},
		{Name: "b", Value: "row.title == null ? '' : row.title"},
	}, plain[2:]...)
	for name, columns := range map[string][]migration.ImportColumn{"copied": plain, "two computed": computed} {
		b.Run(name, func(b *testing.B) {
			r := migration.Replacement{Import: &migration.ImportProfile{Files: []migration.ImportFile{{Name: "f.csv", Dataset: "tasks", Columns: columns}}}}
			convert, err := compiled(b, r).Files()[0].Row("HZ-1", found)
			if err != nil {
				b.Fatal(err)
			}
			values := row("x", "2026-01-01", "NULL", "2026-03-01 14:05:00.5+00", "t", "open", "Draft the outline", "7")
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := convert(values); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func Example() {
	p, _ := profile.Compile(tracker, datasets)
	convert, _ := p.Files()[0].Row("HZ-1", found)
	out, _, _ := convert(row("x", "NULL", "NULL", "NULL", "f", "open", "Draft", "7"))
	fmt.Printf("%s %s %s\n", out[0], out[1], out[2])
	// Output: HZ-1-7 Draft To do
}
