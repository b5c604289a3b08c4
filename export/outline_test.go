package export_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river"

	"offramp/export"
	"offramp/export/connect"
	"offramp/export/outline"
	"offramp/export/source"
	"offramp/internal/jobs"
	"offramp/migration"
)

// lookUp starts a worker for the queue on which outlines are made.
func (w *world) lookUp(c export.Config) {
	w.Helper()
	workers := river.NewWorkers()
	outline.Register(workers, outline.Config{DB: c.DB, Sources: c.Sources, Programmes: c.Programmes})
	client, err := jobs.New(c.DB, jobs.Config{ID: "outline", Workers: workers, Queues: map[string]int{river.QueueDefault: 2}, Logger: c.Logger, Drain: time.Second})
	if err != nil {
		w.Fatal(err)
	}
	if err := client.Start(context.Background()); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = client.Stop(context.Background()) })
}

func (w *world) outlines() *outline.Service {
	w.Helper()
	return outline.New(w.db, inserter(w.T, w.db))
}

func (w *world) outline(who migration.Who) outline.Outline {
	w.Helper()
	o, err := w.outlines().Latest(w.Context(), who, w.prog)
	if err != nil {
		w.Fatal(err)
	}
	return o
}

func (w *world) askOutline(who migration.Who) {
	w.Helper()
	if err := w.outlines().Ask(w.Context(), who, w.prog); err != nil {
		w.Fatal(err)
	}
}

// jobsOf counts the jobs of a kind, in some states or in any.
func (w *world) jobsOf(kind string, states ...string) (n int) {
	w.Helper()
	const sql = `SELECT count(*) FROM river_job WHERE kind = $1 AND ($2::text[] IS NULL OR state::text = ANY ($2))`
	if err := w.db.Pool.QueryRow(w.Context(), sql, kind, states).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

func TestOutlineSaysWhatTheDataComesTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newProduct(t))
	filter := func(key, sql string) migration.Filter {
		return migration.Filter{Key: key, Query: migration.Query{Source: "product", SQL: sql}}
	}
	w.prog.Export.Filters = []migration.Filter{
		filter("project", "SELECT id, name FROM projects WHERE customer = :customer_id ORDER BY id LIMIT 3"),
		filter("many", "SELECT i, NULL FROM generate_series(1, 501) i WHERE :customer_id <> ''"),
		filter("wrong", "SELECT nothing FROM projects WHERE customer = :customer_id"),
	}
	owner, member := w.customer("HZ-1")
	other, _ := w.customer("HZ-2")
	w.product.fill(t, "HZ-1", 20)
	w.product.fill(t, "HZ-2", 700)
	if o := w.outline(owner); !o.MadeAt.IsZero() || o.Fresh(w.prog, today) || o.Pending(today) {
		t.Errorf("an outline out of nothing: %+v", o)
	}
	wantIs(t, w.outlines().Ask(t.Context(), member, w.prog), export.ErrOwnersOnly)
	for range 3 {
		w.askOutline(owner)
	}
	if n := w.jobsOf("export_outline"); n != 1 {
		t.Errorf("%d jobs for three questions", n)
	}
	if o := w.outline(owner); !o.Pending(today) {
		t.Errorf("not under way: %+v", o)
	}
	w.lookUp(w.config)
	eventually(t, "the outline comes", func() bool { return w.outline(owner).Fresh(w.prog, today) })
	o := w.outline(owner)
	rows := map[string][2]int64{}
	for _, d := range o.Datasets {
		rows[d.Dataset] = [2]int64{d.Rows, d.Files}
		if !d.Steady || d.Bytes <= 0 || d.Unknown {
			t.Errorf("%+v", d)
		}
	}
	if diff := cmp.Diff(map[string][2]int64{"projects": {20, 0}, "tasks": {10, 0}, "files": {2, 2}}, rows); diff != "" {
		t.Error("rows and files (-want +got):\n" + diff)
	}
	if f, ok := o.Filter("project"); !ok || len(f.Choices) != 3 || f.Choices[0].Value != "1" || len(f.Choices[0].Label) < 100 {
		t.Errorf("projects: %+v", f)
	}
	if f, ok := o.Filter("many"); !ok || len(f.Choices) != outline.MaxChoices || !f.More || f.Choices[9] != (outline.Choice{Value: "10", Label: "10"}) {
		t.Errorf("many: %d choices, %t", len(f.Choices), ok)
	}
	if _, ok := o.Filter("wrong"); ok {
		t.Error("a query that fails offers choices")
	}
	if theirs := w.outline(other); len(theirs.Datasets) > 0 {
		t.Errorf("another customer sees %+v", theirs)
	}
	w.askOutline(owner) // it is known
	if n := w.jobsOf("export_outline"); n != 1 {
		t.Errorf("%d jobs for what is known", n)
	}
	eventually(t, "the queue knows that the job has ended", func() bool { return w.jobsOf("export_outline", "completed") == 1 })
	w.clock.Set(today.Add(2 * time.Hour))
	w.askOutline(owner)
	if n := w.jobsOf("export_outline"); n != 2 {
		t.Errorf("%d jobs, want another one for what is old", n)
	}
	w.prog.Version = 2
	if o := w.outline(owner); len(o.Datasets) > 0 {
		t.Errorf("the outline of another programme: %+v", o)
	}
}

func TestOutlineOfASourceThatIsAwaySaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newProduct(t))
	owner, _ := w.customer("HZ-1")
	away, err := url.Parse(w.product.urls["product"])
	if err != nil {
		t.Fatal(err)
	}
	away.Host = "127.0.0.1:1"
	sources := connect.New(map[string]string{"product": away.String()}, source.Options{})
	t.Cleanup(sources.Close)
	w.config.Sources = sources
	w.lookUp(w.config)
	w.askOutline(owner)
	eventually(t, "the failure is known", func() bool { return w.outline(owner).Failed })
	if o := w.outline(owner); o.Pending(today) || o.Fresh(w.prog, today) {
		t.Errorf("%+v", o)
	}
	before := w.jobsOf("export_outline")
	w.askOutline(owner) // too soon
	if n := w.jobsOf("export_outline"); n != before {
		t.Errorf("%d jobs", n)
	}
	e, err := w.outlines().Estimate(t.Context(), w.outline(owner), w.prog, export.Selection{Formats: []string{export.CSV}})
	if err != nil || !e.Partial || e.Volumes != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	p := programme()
	o := outline.Outline{Version: 1, Datasets: []outline.Dataset{
		{Dataset: "projects", Weight: source.Weight{Rows: 10, Bytes: 10 << 30}},
		{Dataset: "tasks", Weight: source.Weight{Rows: 5, Bytes: 1 << 20}},
		{Dataset: "files", Weight: source.Weight{Rows: 3, Bytes: 100, Files: 3, FileBytes: 5 << 30}},
	}}
	all := export.Selection{Formats: []string{export.CSV, export.JSONL}}
	for name, c := range map[string]struct {
		sel  export.Selection
		pace outline.Pace
		want string
	}{
		"all":       {all, outline.Pace{Rate: 15 << 20}, "18 rows, 3 files, 6 volumes, 17m7s, false false"},
		"nothing":   {export.Selection{Datasets: []string{"gone"}, Formats: []string{export.CSV}}, outline.Pace{}, "0 rows, 0 files, 1 volumes, 3s, false false"},
		"big files": {export.Selection{Formats: all.Formats, VolumeSize: 50}, outline.Pace{Rate: 15 << 20, Wait: time.Minute}, "18 rows, 3 files, 1 volumes, 18m7s, false false"},
		"narrowed":  {export.Selection{Datasets: []string{"tasks"}, Formats: all.Formats, From: migration.NewDay(2026, 1, 1)}, outline.Pace{}, "5 rows, 0 files, 1 volumes, 3s, true false"},
	} {
		e := outline.EstimateOf(o, p, c.sel, c.pace)
		got := fmt.Sprintf("%d rows, %d files, %d volumes, %s, %t %t", e.Rows, e.Files, e.Volumes, e.Duration.Round(time.Second), e.AtMost, e.Partial)
		if got != c.want {
			t.Errorf("%s: %s, want %s (packed %d)", name, got, c.want, e.Packed)
		}
	}
	o.Datasets = o.Datasets[:2]
	if e := outline.EstimateOf(o, p, all, outline.Pace{}); !e.Partial {
		t.Error("a dataset of unknown size is not told of")
	}
}
