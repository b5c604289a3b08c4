package export_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/export/archive"
	"offramp/internal/db"
	"offramp/migration"
)

// selective is a world whose programme lets customers choose, and a customer with four projects around March in
// Beijing.
func selective(t *testing.T) (*world, migration.Who) {
	t.Helper()
	p := newProduct(t)
	p.fill(t, "HZ-1", 0)
	_, err := p.pool.Exec(t.Context(), `INSERT INTO projects VALUES (1, 'HZ-1', 'one', '2026-01-01 00:00+00'), (2, 'HZ-1', 'two', '2026-02-28 16:30+00'),
		(3, 'HZ-1', 'three', '2026-03-31 15:59:59.9+00'), (4, 'HZ-1', 'four', '2026-03-31 16:00+00')`)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, p)
	w.prog.Export.Filters = []migration.Filter{{Key: "project", Name: migration.Text{"en": "Project"}}}
	d := &w.prog.Datasets[0]
	d.Filters, d.Period, d.Changed, d.RowKey = map[string]string{"project": "id"}, "created_at", "created_at", "id"
	w.prog.Datasets[1].Period = "due" // days: all of them 2026-12-31
	w.prog.Replacements = []migration.Replacement{{Key: "other", Name: migration.Text{"en": "Other"}, Import: &migration.ImportProfile{Files: []migration.ImportFile{{
		Name: "issues.csv", Dataset: "tasks", Columns: []migration.ImportColumn{{Name: "Title", From: "title"}, {Name: "Done", Value: "row.done == true ? 'yes' : 'no'"}},
	}}}}}
	owner, _ := w.customer("HZ-1")
	return w, owner
}

// export builds an export of a selection and returns the rows of each dataset in its archive.
func (w *world) export(who migration.Who, sel export.Selection) (export.Export, archive.Report, map[string]int64) {
	w.Helper()
	e, err := w.service.Request(w.Context(), who, w.prog, sel)
	if err != nil {
		w.Fatal(err)
	}
	if err := export.Attempt(w.Context(), w.config, e, nil); err != nil {
		w.Fatal(err)
	}
	e = w.await(e, export.Ready)
	report := w.verified(who, e)
	rows := map[string]int64{}
	for _, c := range report.Receipt.Datasets {
		rows[c.Dataset] = c.Exported
	}
	return e, report, rows
}

func TestASelectionIsApplied(t *testing.T) {
	t.Parallel()
	w, owner := selective(t)
	for name, c := range map[string]struct {
		sel  export.Selection
		want map[string]int64
	}{
		"all":     {export.Selection{}, map[string]int64{"projects": 4, "tasks": 10, "files": 2}},
		"dataset": {export.Selection{Datasets: []string{"tasks"}}, map[string]int64{"tasks": 10}},
		"filter":  {export.Selection{Filters: map[string][]string{"project": {"4", "1", "4"}}}, map[string]int64{"projects": 2, "tasks": 10, "files": 2}},
		"nothing": {export.Selection{Filters: map[string][]string{"project": {}}}, map[string]int64{"projects": 4, "tasks": 10, "files": 2}},
		// March in Beijing begins and ends eight hours before March in Greenwich.
		"period":  {export.Selection{From: migration.NewDay(2026, 3, 1), Until: migration.NewDay(2026, 3, 31)}, map[string]int64{"projects": 2, "tasks": 0, "files": 2}},
		"days":    {export.Selection{From: migration.NewDay(2026, 12, 31), Until: migration.NewDay(2026, 12, 31)}, map[string]int64{"projects": 0, "tasks": 10, "files": 2}},
		"formats": {export.Selection{Formats: []string{"parquet", "csv"}, Browse: true, Spreadsheet: true}, map[string]int64{"projects": 4, "tasks": 10, "files": 2}},
	} {
		_, _, rows := w.export(owner, c.sel)
		if !maps.Equal(rows, c.want) {
			t.Errorf("%s: %v, want %v", name, rows, c.want)
		}
	}
}

func TestCheckProgrammeTriesWhatRestricts(t *testing.T) {
	t.Parallel()
	w, _ := selective(t)
	w.prog.Export.Filters[0].Query = migration.Query{Source: "product", SQL: "SELECT id::text, name FROM projects WHERE customer = :customer_id"}
	if problems := w.config.Sources.CheckProgramme(t.Context(), w.prog); len(problems) != 0 {
		t.Errorf("%v", problems)
	}
	d, f := &w.prog.Datasets[0], &w.prog.Export.Filters[0]
	for want, spoil := range map[string]func() func(){
		`column "no", which its row_key names, is missing`:            func() func() { d.RowKey = "no"; return func() { d.RowKey = "id" } },
		`column "no", which is its period, is missing`:                func() func() { d.Period = "no"; return func() { d.Period = "created_at" } },
		`column "name" is text; a period or a change needs`:           func() func() { d.Changed = "name"; return func() { d.Changed = "created_at" } },
		`column "no", which is its column for the filter project, is`: func() func() { d.Filters["project"] = "no"; return func() { d.Filters["project"] = "id" } },
		`value and label; this one has 1 columns`:                     func() func() { f.SQL = "SELECT id FROM projects WHERE customer = :customer_id"; return func() {} },
	} {
		mend := spoil()
		problems := w.config.Sources.CheckProgramme(t.Context(), w.prog)
		mend()
		if len(problems) == 0 || !strings.Contains(problems[0].Message, want) {
			t.Errorf("want %s, got %v", want, problems)
		}
		f.SQL = "SELECT id::text, name FROM projects WHERE customer = :customer_id"
	}
}

func TestAnExportHoldsTheReplacementsFiles(t *testing.T) {
	t.Parallel()
	w, owner := selective(t)
	_, report, _ := w.export(owner, export.Selection{Replacement: "other"})
	if len(report.Receipt.Imports) != 1 || report.Receipt.Imports[0].Exported != 10 {
		t.Fatalf("%+v", report.Receipt.Imports)
	}
	if !slices.ContainsFunc(report.Manifest.Files, func(f archive.File) bool { return f.Path == "import/other/issues.csv" }) {
		t.Error("the file is not in the archive")
	}
}

func TestChangesSinceTheLastExport(t *testing.T) {
	t.Parallel()
	w, owner := selective(t)
	first, _, _ := w.export(owner, export.Selection{})
	part, _, _ := w.export(owner, export.Selection{Filters: map[string][]string{"project": {"1"}}})
	_, err := w.product.pool.Exec(t.Context(), `INSERT INTO projects VALUES (5, 'HZ-1', 'new', now()), (6, 'HZ-1', 'stamped before, seen after', now() - interval '10 min')`)
	if err != nil {
		t.Fatal(err)
	}
	// Tasks and files have no column of changes, so that they come whole.
	if _, _, rows := w.export(owner, export.Selection{Since: first.ID}); !maps.Equal(rows, map[string]int64{"projects": 2, "tasks": 10, "files": 2}) {
		t.Errorf("since the first: %v", rows)
	}
	if _, _, rows := w.export(owner, export.Selection{Since: part.ID}); rows["projects"] != 6 {
		t.Errorf("since one that held a part: %v", rows)
	}
	other, _ := w.customer("HZ-2")
	_, err = w.service.Request(t.Context(), other, w.prog, export.Selection{Since: first.ID})
	wantIs(t, err, export.ErrSelection)
}

// TestOnlyWhatFailedIsRebuilt takes an attachment away and a row's encoding apart, mends both, and repairs the export.
func TestOnlyWhatFailedIsRebuilt(t *testing.T) {
	t.Parallel()
	w, owner := selective(t)
	bucket := openBucket(t, localtest.S3(t).Endpoint, w.product.bucket, false)
	if err := bucket.Delete(t.Context(), "HZ-1/1"); err != nil {
		t.Fatal(err)
	}
	broken, report, _ := w.export(owner, export.Selection{})
	if broken.Receipt.Complete || report.Receipt.Attachments[0].Failed != 1 {
		t.Fatalf("%+v", report.Receipt)
	}
	if _, err := bucket.Put(t.Context(), "HZ-1/1", []byte("CANARY-HZ-1 back again"), "image/png"); err != nil {
		t.Fatal(err)
	}
	mended, report, rows := w.export(owner, export.Selection{Repair: broken.ID})
	if !mended.Receipt.Complete || !maps.Equal(rows, map[string]int64{"files": 1}) {
		t.Errorf("mended: %v, %+v", rows, mended.Receipt)
	}
	if a := report.Receipt.Attachments; len(a) != 1 || a[0].Source != 1 || a[0].Exported != 1 {
		t.Errorf("attachments: %+v", a)
	}
	_, err := w.service.Request(t.Context(), owner, w.prog, export.Selection{Repair: mended.ID})
	wantIs(t, err, export.ErrSelection)
	other, _ := w.customer("HZ-2")
	_, err = w.service.Request(t.Context(), other, w.prog, export.Selection{Repair: broken.ID})
	wantIs(t, err, export.ErrSelection)
}

// TestALargeDatasetIsCutByItsKey cuts one dataset with its attachments into volumes that two workers build.
func TestALargeDatasetIsCutByItsKey(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 9000)
	w := newWorld(t, p)
	w.prog.Datasets[0].RowKey, w.prog.Datasets[2].RowKey = "id", "id"
	w.config.Large, w.config.Unit = 1<<20, 1<<20
	second := w.configOn(w.bucket)
	second.Large, second.Unit = 1<<20, 1<<20
	owner, _ := w.customer("HZ-1")
	e := w.request(owner)
	w.work(w.config, nil)
	w.work(second, nil)
	e = w.await(e, export.Ready)
	if len(e.Volumes) < 4 || len(e.Volumes) > 20 {
		t.Errorf("%d volumes", len(e.Volumes))
	}
	var reports []archive.VolumeReport
	for _, v := range e.Volumes {
		if v.Size > 4<<20 {
			t.Errorf("volume %d has %d bytes", v.Number, v.Size)
		}
		body := w.fetchVolume(owner, e, v.Number)
		report, err := archive.Verify(t.Context(), bytes.NewReader(body), int64(len(body)), archive.Expected{Size: v.Size, SHA256: v.SHA256})
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, archive.VolumeReport{Name: fmt.Sprintf("%d.zip", v.Number), Report: report})
	}
	if set := archive.Together(reports); !set.OK() {
		t.Errorf("%+v", set)
	}
	want := map[string]int64{"projects": 9000, "tasks": 10, "files": 2}
	for _, c := range e.Receipt.Datasets {
		if c.Exported != want[c.Dataset] {
			t.Errorf("%s: %d rows", c.Dataset, c.Exported)
		}
	}
	if got, err := w.service.Volumes(t.Context(), owner, e.ID); err != nil || len(got) != len(e.Volumes) || len(got[0].Slices) == 0 || got[0].Key != "" {
		t.Errorf("%+v, %v", got, err)
	}
	var at time.Time
	err := w.db.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(t.Context(), `SELECT max(at) FROM export_download WHERE volume = $1`, len(e.Volumes)).Scan(&at)
	})
	if err != nil || at.IsZero() {
		t.Errorf("the last volume's download is not recorded: %v", err)
	}
}

// TestObjectsAreADataset exports a customer's prefix of a bucket beside rows of a database, in several volumes: each
// job lists the bucket for itself.
func TestObjectsAreADataset(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 3000)
	p.fill(t, "HZ-10", 1)
	w := newWorld(t, p)
	w.prog.Datasets = append(w.prog.Datasets, migration.Dataset{
		Key: "uploads", Name: migration.Text{"en": "Uploads", "zh-CN": "Uploads"}, Query: migration.Query{Source: "attachments"},
		Objects: &migration.ObjectQuery{Prefix: ":customer_id/"},
	})
	if problems := w.config.Sources.CheckProgramme(t.Context(), w.prog); len(problems) != 0 {
		t.Errorf("%v", problems)
	}
	owner, _ := w.customer("HZ-1")
	_, report, rows := w.export(owner, export.Selection{})
	if rows["uploads"] != 2 || len(report.Receipt.Attachments) != 2 || report.Receipt.Attachments[1].Exported != 2 || len(report.Manifest.Sources) != 2 {
		t.Errorf("%v, %+v, %+v", rows, report.Receipt.Attachments, report.Manifest.Sources)
	}
	w.prog.Datasets[0].RowKey = "id"
	for range 2 {
		c := w.configOn(w.bucket)
		c.Large, c.Unit = 1<<20, 1<<19
		w.work(c, nil)
	}
	e := w.await(w.request(owner), export.Ready)
	if len(e.Volumes) < 3 || !e.Receipt.Complete {
		t.Errorf("%d volumes, %+v", len(e.Volumes), e.Receipt)
	}
	for _, c := range e.Receipt.Attachments {
		if c.Exported != 2 {
			t.Errorf("%+v", c)
		}
	}
}
