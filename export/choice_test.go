package export_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/export/archive"
	"offramp/migration"
)

// TestAReceiptSaysWhatItIsOf narrows an export in each way: the archive and the export's record name the datasets that
// came whole all the same.
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

// TestAPageThatKeepsFailingDoesNotStopTheRest builds an export whose API refuses one page: after some tries the other
// rows and datasets arrive, the page's rows are named, and a rebuild of what failed brings them once the API gives
// them.
func TestAPageThatKeepsFailingDoesNotStopTheRest(t *testing.T) {
	t.Parallel()
	var healed atomic.Bool
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		if page == 2 && !healed.Load() {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if page > 3 {
			fmt.Fprint(w, `[]`)
			return
		}
		fmt.Fprintf(w, `[{"id":%d},{"id":%d}]`, 2*page, 2*page+1)
	}))
	t.Cleanup(api.Close)
	p := newProduct(t)
	p.fill(t, "HZ-1", 3)
	p.urls["api"] = api.URL + "/?rate=1000&tries=1"
	w := newWorld(t, p)
	w.prog.Datasets = append(w.prog.Datasets, migration.Dataset{
		Key: "notes", Name: migration.Text{"en": "notes"}, Columns: []migration.Column{{Name: "id", Type: "integer"}},
		Query: migration.Query{Source: "api"}, Request: &migration.Request{Path: "/notes?of=:customer_id", Paging: migration.Paging{
			By: migration.PagingPage, Parameter: "page", First: 1, Size: 2, SizeParameter: "size",
		}},
	})
	owner, _ := w.customer("HZ-1")
	e := w.request(owner)
	w.work(w.config, nil)
	e = w.await(e, export.Ready)
	w.proven(owner, e)
	count := func(e export.Export, dataset string) archive.Count {
		i := slices.IndexFunc(e.Receipt.Datasets, func(c archive.Count) bool { return c.Dataset == dataset })
		return e.Receipt.Datasets[i]
	}
	want := archive.Count{Dataset: "notes", Source: 6, Exported: 4, Failed: 2, Failures: []archive.Failure{{Item: "3", Reason: "page_failed"}, {Item: "4", Reason: "page_failed"}}}
	if diff := cmp.Diff(want, count(e, "notes")); diff != "" || count(e, "projects").Exported != 3 {
		t.Errorf("%s\n%+v", diff, count(e, "projects"))
	}
	healed.Store(true)
	again, err := w.service.Request(t.Context(), owner, w.prog, export.Selection{Repair: e.ID})
	if err != nil {
		t.Fatal(err)
	}
	again = w.await(again, export.Ready)
	if c := count(again, "notes"); c.Exported != 6 || c.Failed != 0 || len(again.Receipt.Datasets) != 1 {
		t.Errorf("rebuilt: %+v", again.Receipt.Datasets)
	}
}
