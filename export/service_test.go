package export_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"offramp/export"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

func TestAnExportFromRequestToConfirmation(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 20)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")

	e := w.request(owner)
	if e.State != export.Queued || !strings.HasPrefix(e.Reference(), "EX-1") || e.Locale != "en" || w.step(owner) != migration.InProgress {
		t.Fatalf("requested: %+v, step %s", e, w.step(owner))
	}
	_, err := w.service.Link(t.Context(), owner, w.prog, e.ID, 1)
	wantIs(t, err, export.ErrNotReady)
	w.work(w.config, nil)
	e = w.await(e, export.Ready)
	if e.RowsDone != 32 || e.RowsTotal != 32 || e.Attempt != 1 || !e.ExpiresAt.Equal(today.Add(7*24*time.Hour)) || e.Progress != nil {
		t.Errorf("ready: %+v", e)
	}
	if d := e.AsOf.Sub(today).Abs(); d > time.Minute {
		t.Errorf("as of %v, the portal's day is %v", e.AsOf, today)
	}
	if w.step(owner) != migration.ActionNeeded || !slices.Contains(w.mails(), "export_ready") {
		t.Errorf("step %s, mails %v", w.step(owner), w.mails())
	}

	_, err = w.service.MarkChecked(t.Context(), owner, w.prog, e.ID)
	wantIs(t, err, export.ErrNotDownloaded)
	report := w.proven(owner, e)
	if report.Rows != 64 || report.Manifest.Export != e.Reference() || len(report.Receipt.Attachments) != 1 || report.Receipt.Attachments[0].Exported != 2 {
		t.Errorf("archive: %+v", report)
	}
	for range 2 {
		if e, err = w.service.MarkChecked(t.Context(), owner, w.prog, e.ID); err != nil || e.CheckedAt == nil {
			t.Fatalf("checked: %v, %v", e.CheckedAt, err)
		}
	}
	if w.step(owner) != migration.Completed {
		t.Errorf("step %s", w.step(owner))
	}
	if got, err := w.service.Get(t.Context(), owner, e.ID); err != nil || len(got.Volumes) != 1 || got.Volumes[0].Key != "" || got.Cause != "" || got.SHA256 == "" {
		t.Errorf("a customer reads %+v and %q, %v", got.Volumes, got.Cause, err)
	}
	acts := w.acts()
	if diff := cmp.Diff([]string{"export.request", "export.ready", "export.download", "export.check"}, acts); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

// acts lists the audit log.
func (w *world) acts() (acts []string) {
	w.Helper()
	err := w.db.InTx(w.Context(), db.StaffScope("test"), func(tx *db.Tx) error {
		return tx.Gorm.Raw(`SELECT act FROM audit ORDER BY seq`).Scan(&acts).Error
	})
	if err != nil {
		w.Fatal(err)
	}
	return acts
}

func TestWhoMayExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &product{})
	owner, member := w.customer("HZ-1")
	stranger, _ := w.customer("HZ-2")
	for _, try := range []struct {
		name    string
		who     migration.Who
		members bool
		want    error
	}{
		{"owner", owner, false, nil},
		{"member", member, false, export.ErrOwnersOnly},
		{"member where the programme allows it", member, true, nil},
		{"nobody", migration.Who{CustomerID: owner.CustomerID}, true, export.ErrOwnersOnly},
	} {
		w.prog.Export.Members = try.members
		_, err := w.service.Request(t.Context(), try.who, w.prog, export.Selection{})
		if !equalErr(err, try.want) {
			t.Errorf("%s: %v, want %v", try.name, err, try.want)
		}
	}
	e := w.request(owner)
	if e.RequestedBy != owner.ContactID {
		t.Errorf("requested by %s", e.RequestedBy)
	}
	_, err := w.service.Get(t.Context(), stranger, e.ID)
	wantIs(t, err, export.ErrNotFound)
	for name, act := range map[string]func(migration.Who) error{
		"cancel": func(who migration.Who) error { _, err := w.service.Cancel(t.Context(), who, w.prog, e.ID); return err },
		"retry":  func(who migration.Who) error { _, err := w.service.Retry(t.Context(), who, w.prog, e.ID); return err },
		"check": func(who migration.Who) error {
			_, err := w.service.MarkChecked(t.Context(), who, w.prog, e.ID)
			return err
		},
		"link": func(who migration.Who) error { _, err := w.service.Link(t.Context(), who, w.prog, e.ID, 1); return err },
		"read": func(who migration.Who) error {
			_, err := w.service.Content(t.Context(), who, w.prog, e.ID, 1)
			return err
		},
	} {
		if err := act(stranger); !equalErr(err, export.ErrNotFound) {
			t.Errorf("%s by a stranger: %v", name, err)
		}
		w.prog.Export.Members = false
		if err := act(member); !equalErr(err, export.ErrOwnersOnly) {
			t.Errorf("%s by a member: %v", name, err)
		}
	}
	list, more, err := w.service.List(t.Context(), stranger, 0, 10)
	if len(list) != 0 || more || err != nil {
		t.Errorf("a stranger lists %v, %v, %v", list, more, err)
	}
}

func equalErr(err, want error) bool {
	if want == nil {
		return err == nil
	}
	f, ok := fault.As(err)
	return ok && f.Is(want)
}

func TestSelectionsAreCanonical(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &product{})
	owner, _ := w.customer("HZ-1")
	for _, sel := range []export.Selection{{Datasets: []string{"invoices"}}, {Formats: []string{"xml"}}} {
		_, err := w.service.Request(t.Context(), owner, w.prog, sel)
		wantIs(t, err, export.ErrSelection)
	}
	e, err := w.service.Request(t.Context(), owner, w.prog, export.Selection{Datasets: []string{"tasks", "projects", "tasks"}, Formats: []string{"jsonl", "jsonl"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(export.Selection{Datasets: []string{"projects", "tasks"}, Formats: []string{"jsonl"}}, e.Selection, cmpopts.EquateComparable(migration.Day{})); diff != "" {
		t.Errorf("selection (-want +got):\n%s", diff)
	}
}

// TestE14_TheMomentOfTheRequestDecides lets the deadline pass while an export waits.
func TestE14_TheMomentOfTheRequestDecides(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 5)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	late, _ := w.customer("HZ-2")
	last := time.Date(2027, 3, 2, 15, 59, 59, 999_999_000, time.UTC) // the end of the day in Beijing, as PostgreSQL keeps it
	w.clock.Set(last)
	e := w.request(owner)
	w.clock.Advance(time.Microsecond)
	_, err := w.service.Request(t.Context(), late, w.prog, export.Selection{})
	wantIs(t, err, export.ErrDeadline)
	if again := w.request(owner); again.ID != e.ID {
		t.Error("the live export is not returned after the deadline")
	}
	if err := w.db.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Gorm.Exec(`INSERT INTO extension VALUES (?, 'export_deadline', '2027-03-03', 'asked', 'staff', now())`, late.CustomerID).Error
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.Request(t.Context(), late, w.prog, export.Selection{}); err != nil {
		t.Errorf("with an extension: %v", err)
	}
	w.work(w.config, nil)
	w.await(e, export.Ready)
}

// TestE13_AHundredClicksAreOneExport asks at once over three replicas.
func TestE13_AHundredClicksAreOneExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &product{})
	owner, _ := w.customer("HZ-1")
	services := make([]*export.Service, 3)
	for i := range services {
		d := w.database.Open(t, db.Options{Clock: w.clock, MaxConns: 6})
		services[i] = export.NewService(d, migration.NewService(d), inserter(t, d), w.bucket, export.Options{})
	}
	ids := make([]string, 100)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			e, err := services[i%3].Request(t.Context(), owner, w.prog, export.Selection{})
			if err != nil {
				t.Error(err)
			}
			ids[i] = e.ID
		})
	}
	all.Wait()
	if slices.Sort(ids); len(slices.Compact(ids)) != 1 || ids[0] == "" {
		t.Errorf("got %d exports", len(slices.Compact(ids)))
	}
	var queued int
	if err := w.db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'export'`).Scan(&queued); err != nil || queued != 1 {
		t.Errorf("%d jobs, %v", queued, err)
	}
	if acts := w.acts(); len(acts) != 1 {
		t.Errorf("audit: %v", acts)
	}
}

func TestADaysRequestsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &product{})
	owner, _ := w.customer("HZ-1")
	for range 10 {
		e := w.request(owner)
		if _, err := w.service.Cancel(t.Context(), owner, w.prog, e.ID); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Hour)
	}
	_, err := w.service.Request(t.Context(), owner, w.prog, export.Selection{})
	f, _ := fault.As(err)
	if !equalErr(err, export.ErrLimited) || f.Args["Hours"] != 14 || !f.Args["Again"].(time.Time).Equal(today.Add(24*time.Hour)) {
		t.Fatalf("%v, %v", err, f)
	}
	w.clock.Set(today.Add(24 * time.Hour))
	e := w.request(owner)

	list, more, err := w.service.List(t.Context(), owner, 0, 4)
	if err != nil || len(list) != 4 || !more || list[0].ID != e.ID {
		t.Fatalf("first page: %d, %v, %v", len(list), more, err)
	}
	list, more, err = w.service.List(t.Context(), owner, list[3].Number, 8)
	if err != nil || len(list) != 7 || more {
		t.Errorf("second page: %d, %v, %v", len(list), more, err)
	}
}
