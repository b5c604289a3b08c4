package export_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/export/archive"
	"offramp/migration"
)

// TestAReceiptSaysWhatItIsOf narrows an export in each way: the archive and the export's record name the datasets that came
// whole all the same.
func TestAReceiptSaysWhatItIsOf(t *testing.T) {
	t.Parallel()
	w, owner := selective(t)
	bucket := openBucket(t, localtest.S3(t).Endpoint, w.product.bucket, false)
	if err := bucket.Delete(t.Context(), "HZ-1/1"); err != nil {
		t.Fatal(err)
	}
	first, report, _ := w.export(owner, export.Selection{})
	if report.Receipt.Narrowed != nil {
		t.Errorf("everything is narrowed to %+v", report.Receipt.Narrowed)
	}
	all := []string{"projects", "tasks", "files"}
	for name, c := range map[string]struct {
		sel  export.Selection
		want []archive.Narrowing
	}{
		"datasets and a filter": {
			export.Selection{Datasets: all[:2], Filters: map[string][]string{"project": {"4", "1"}}},
			[]archive.Narrowing{
				{By: archive.ByDatasets, Datasets: all[:2]},
				{By: archive.ByFilter, Filter: "project", Name: "Project", Values: []string{"1", "4"}, Datasets: all[:1], Whole: all[1:2]},
			},
		},
		"a period": {
			export.Selection{From: migration.NewDay(2026, 3, 1)},
			[]archive.Narrowing{{By: archive.ByPeriod, From: "2026-03-01", Datasets: all[:2], Whole: all[2:]}},
		},
		"changes": {
			export.Selection{Since: first.ID},
			[]archive.Narrowing{{By: archive.ByChanges, Since: first.Reference(), Datasets: all[:1], Whole: all[1:]}},
		},
		"a repair": {
			export.Selection{Repair: first.ID},
			[]archive.Narrowing{{By: archive.ByRepair, Since: first.Reference(), Datasets: all[2:]}},
		},
	} {
		e, report, _ := w.export(owner, c.sel)
		for place, got := range map[string][]archive.Narrowing{"the archive": report.Receipt.Narrowed, "the record": e.Receipt.Narrowed} {
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, place, diff)
			}
		}
	}
}
