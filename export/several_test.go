package export_test

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/export"
	"offramp/export/archive"
	"offramp/internal/db"
	"offramp/migration"
)

// held is a large export whose second volume has been picked by a worker, which waits.
type held struct {
	*world
	owner   migration.Who
	export  export.Export
	release func()
}

func holdGiant(t *testing.T, change func(*world)) *held {
	t.Helper()
	h := &held{}
	h.world, h.owner, h.export = giantWorld(t, newGiant(t))
	change(h.world)
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h.work(h.config, func(point string) {
		if point == "picked" {
			once.Do(func() { close(reached) })
			<-release
		}
	})
	h.release = sync.OnceFunc(func() { close(release) })
	t.Cleanup(h.release) // before the worker is stopped
	arrives(t, reached, "the second volume")
	return h
}

// TestE13_AHundredClicksDuringALargeExport asks over and over, over three replicas, while volumes are built: it stays
// one export, nobody is called to help twice, and each volume is built once.
func TestE13_AHundredClicksDuringALargeExport(t *testing.T) {
	t.Parallel()
	h := holdGiant(t, func(*world) {})
	jobs := `SELECT count(*) FROM river_job WHERE kind = 'export'`
	before := h.count(jobs)
	var all sync.WaitGroup
	ids := make([]string, 100)
	services := make([]*export.Service, 3)
	for i := range services {
		d := h.database.Open(t, db.Options{Clock: h.clock, MaxConns: 6})
		services[i] = export.NewService(d, migration.NewService(d), inserter(t, d), h.bucket, export.Options{})
	}
	for i := range ids {
		all.Go(func() {
			if i == len(ids)/2 { // the volumes go on in the midst of them
				h.release()
			}
			e, err := services[i%len(services)].Request(t.Context(), h.owner, h.prog, export.Selection{})
			if err != nil {
				t.Error(err)
			}
			ids[i] = e.ID
		})
	}
	all.Wait()
	if slices.Sort(ids); ids[0] != h.export.ID || ids[len(ids)-1] != h.export.ID {
		t.Errorf("the clicks got %v", slices.Compact(ids))
	}
	e := h.await(h.export, export.Ready)
	if n := h.count(jobs); n != before || h.count(`SELECT count(*) FROM export`) != 1 || len(h.audited("export.request")) != 1 {
		t.Errorf("%d jobs after %d, %d requests on record", n, before, len(h.audited("export.request")))
	}
	if n := slices.Max(h.tries(e)); n != 1 {
		t.Errorf("a volume was begun %d times", n)
	}
	h.whole(h.owner, e, giantProjects+12)
}

// TestE14_TheDeadlinePassesBetweenTwoVolumes: the moment of the request decides for all of them; the files stay for
// their full time, and who was kept waiting gets more.
func TestE14_TheDeadlinePassesBetweenTwoVolumes(t *testing.T) {
	t.Parallel()
	h := holdGiant(t, func(w *world) { w.prog.Milestones[0].Day = migration.NewDay(2026, time.December, 3) })
	if got := h.read(h.export); got.Volumes[0].State != export.VolumeSealed || got.Volumes[2].State != export.VolumeWaiting {
		t.Fatalf("%+v", got.Volumes)
	}
	last := migration.NewDay(2026, time.December, 3).End(h.prog.Zone).Add(time.Nanosecond)
	h.clock.Set(last)
	if again := h.request(h.owner); again.ID != h.export.ID {
		t.Error("the live export is not returned after the deadline")
	}
	late, _ := h.customer("HZ-2")
	_, err := h.service.Request(t.Context(), late, h.prog, export.Selection{})
	wantIs(t, err, export.ErrDeadline)
	h.release()
	e := h.await(h.export, export.Ready)
	h.whole(h.owner, e, giantProjects+12)
	if !e.ExpiresAt.Equal(last.Add(7 * 24 * time.Hour)) {
		t.Errorf("it can be downloaded until %v", e.ExpiresAt)
	}
	if got := h.extension(h.owner); !strings.HasSuffix(got, " late_export") {
		t.Errorf("the extension is %q", got)
	}
}

// TestARowTooManyFailsLoudly bounds the rows of a dataset: in one volume, and in one that is cut into parts, of which
// each is within the bound.
func TestARowTooManyFailsLoudly(t *testing.T) {
	t.Parallel()
	p := newGiant(t)
	p.fill(t, "HZ-2", 11)
	cut := programme()
	cut.Datasets[0].RowKey = "id"
	for name, c := range map[string]struct {
		customer string
		rows     int64
		parts    int
	}{"one volume": {"HZ-2", 11, 1}, "parts": {"HZ-1", giantProjects, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p)
			owner, _ := w.customer(c.customer)
			w.config.Programmes, w.config.Large, w.config.Unit = fixed{cut}, 1<<20, 1<<20
			few := w.config
			few.MaxRows = c.rows - 1
			e := w.request(owner)
			worker := w.work(few, nil)
			e = w.await(e, export.Failed)
			if !strings.Contains(e.Cause, `"projects"`) || !strings.Contains(e.Cause, "more rows than the") || len(w.objects()) != 0 || !slices.Contains(w.mails(), "export_failed") {
				t.Errorf("cause %q, bucket %v, mails %v", e.Cause, w.objects(), w.mails())
			}
			if err := worker.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			enough := w.configOn(w.bucket)
			enough.Programmes, enough.Large, enough.Unit, enough.MaxRows = w.config.Programmes, w.config.Large, w.config.Unit, c.rows
			w.work(enough, nil)
			e = w.await(w.request(owner), export.Ready)
			got, parts := w.rowsOf(owner, e, "projects")
			if got != c.rows || parts < c.parts {
				t.Errorf("%d rows of %d in %d parts", got, c.rows, parts)
			}
		})
	}
}

// rowsOf counts a dataset's rows in all volumes, each of which it proves, and the parts that they come in.
func (w *world) rowsOf(who migration.Who, e export.Export, dataset string) (rows int64, parts int) {
	w.Helper()
	for _, v := range e.Volumes {
		body := w.fetchVolume(who, e, v.Number)
		report, err := archive.Verify(w.Context(), bytes.NewReader(body), int64(len(body)), archive.Expected{Size: v.Size, SHA256: v.SHA256})
		if err != nil || !report.OK() {
			w.Errorf("volume %d: %v, %v", v.Number, report.Problems, err)
		}
		for _, c := range report.Receipt.Datasets {
			if c.Dataset == dataset {
				rows, parts = rows+c.Exported, parts+1
			}
		}
	}
	return rows, parts
}
