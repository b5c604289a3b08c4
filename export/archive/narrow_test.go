package archive

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnArchiveSaysWhatItWasNarrowedTo in words for people and in its receipt for programs.
func TestAnArchiveSaysWhatItWasNarrowedTo(t *testing.T) {
	t.Parallel()
	h := sampleHeader
	h.Locale = "zh-CN"
	h.Narrowed = []Narrowing{
		{By: ByDatasets, Datasets: []string{"tasks", "files"}},
		{By: ByFilter, Filter: "project", Name: "Project\r\n\u202e<b>", Values: []string{"1"}, Datasets: []string{"tasks"}, Whole: []string{"files"}},
		{By: ByPeriod, From: "2026-03-01", Until: "2026-03-31", Datasets: []string{}, Whole: []string{"tasks", "files"}},
		{By: ByChanges, Since: "EX-100007", Datasets: []string{"tasks"}, Whole: []string{"files"}},
		{By: ByRepair, Since: "EX-100008", Datasets: []string{"files"}, Whole: []string{"tasks"}},
	}
	var b bytes.Buffer
	w, err := NewWriter(&b, h, Options{})
	must(t, err)
	must(t, w.AddDataset(context.Background(), Dataset{Name: "tasks", Title: "任务", Columns: []Column{{Name: "id", Type: "integer"}}, Source: 1}, reader([][][]byte{text("1")})))
	h.Narrowed[0].Datasets[0] = "changed later"
	result, err := w.Close()
	must(t, err)
	h.Narrowed[0].Datasets[0] = "tasks"
	report := verify(t, b.Bytes())
	if diff := cmp.Diff(h.Narrowed, report.Receipt.Narrowed); diff != "" || !report.OK() {
		t.Errorf("receipt (-want +got):\n%s%v", diff, report.Problems)
	}
	if diff := cmp.Diff(report.Receipt.Narrowed, result.Manifest.Narrowed); diff != "" {
		t.Errorf("manifest (-receipt +manifest):\n%s", diff)
	}
	z := open(t, b.Bytes())
	for _, text := range []string{
		"This is not all your data", "Chosen datasets: tasks, files.\r\n", "Project  [U+202E]<b>: only what you chose. Not narrowed, so complete: files.\r\n",
		"Period: 1 March 2026 to 31 March 2026. Not narrowed, so complete: tasks, files.", "changed since EX-100007", "Keep EX-100007 as well.",
		"Only what was missing from EX-100008.", "本次导出不是全部数据", "以下数据集不受此项影响，为完整内容：tasks、files。", "请一并保留EX-100008。",
	} {
		if !strings.Contains(file(t, z, "README.txt"), text) {
			t.Errorf("README.txt lacks %q", text)
		}
	}
	for _, text := range []string{"<h3>本次导出的范围</h3>", "&lt;b&gt;：仅包含所选的部分。", "2026年3月1日至2026年3月31日", "为完整内容：\u2068任务\u2069、\u2068files\u2069"} {
		if !strings.Contains(file(t, z, "index.html"), text) {
			t.Errorf("index.html lacks %q", text)
		}
	}
}

// TestVolumesOfOneExportAreNarrowedAlike, or do not belong together. An earlier version's volume says nothing of it.
func TestVolumesOfOneExportAreNarrowedAlike(t *testing.T) {
	t.Parallel()
	one := Narrowing{By: ByPeriod, From: "2026-03-01", Datasets: []string{"tasks"}}
	other := Narrowing{By: ByPeriod, From: "2026-03-02", Datasets: []string{"tasks"}}
	volume := func(n int, narrowed ...Narrowing) Receipt {
		return Receipt{Schema: receiptSchema, Export: "EX-1", Volume: n, Of: 2, Narrowed: narrowed}
	}
	for name, c := range map[string]struct {
		second  []Narrowing
		refused bool
	}{"alike": {[]Narrowing{one}, false}, "silent": {nil, false}, "another": {[]Narrowing{other}, true}} {
		whole, err := Combine([]Receipt{volume(1, one), volume(2, c.second...)})
		if (err != nil) != c.refused {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff([]Narrowing{one}, whole.Narrowed); err == nil && diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
