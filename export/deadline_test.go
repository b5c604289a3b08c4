package export_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"offramp/export"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// promised makes a world whose deadline is the day after tomorrow, with an export that was asked for now.
func promised(t *testing.T) (*world, migration.Who, export.Export) {
	t.Helper()
	p := newProduct(t)
	p.fill(t, "HZ-1", 3)
	w := newWorld(t, p)
	w.prog.Milestones[0].Day = migration.NewDay(2026, time.December, 3)
	owner, _ := w.customer("HZ-1")
	return w, owner, w.request(owner)
}

// finish builds the export after a wait.
func (w *world) finish(e export.Export, wait time.Duration) export.Export {
	w.Helper()
	w.clock.Advance(wait)
	if err := export.Attempt(w.Context(), w.config, e, nil); err != nil {
		w.Fatal(err)
	}
	return w.await(e, export.Ready)
}

func (w *world) extension(who migration.Who) string {
	w.Helper()
	plan, err := w.journey.Plan(w.Context(), db.CustomerScope(who.CustomerID), who.CustomerID)
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range plan.Extensions {
		if e.Milestone == migration.ExportDeadline {
			return fmt.Sprint(e.Day, " ", e.Reason)
		}
	}
	return ""
}

// moves counts how often the customer was told of another day.
func (w *world) moves(who migration.Who) (n int) {
	w.Helper()
	events, err := w.journey.History(w.Context(), db.CustomerScope(who.CustomerID), who.CustomerID)
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == migration.DatesChanged {
			n++
		}
	}
	return n
}

func TestE14_WhoWasKeptWaitingGetsMoreTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		promise int
		wait    time.Duration
		want    string
	}{
		{"as promised", 0, 24 * time.Hour, ""},
		{"later than promised", 0, 24*time.Hour + time.Second, "2026-12-09 late_export"},
		{"the programme promises more", 48, 30 * time.Hour, ""},
		{"the programme promises less", 2, 3 * time.Hour, "2026-12-08 late_export"},
		{"within a long promise, after the deadline", 24 * 30, 24 * 4 * time.Hour, "2026-12-12 late_export"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, owner, e := promised(t)
			w.prog.Export.PromiseHours = c.promise
			w.finish(e, c.wait)
			if got := w.extension(owner); got != c.want {
				t.Errorf("the extension is %q, want %q", got, c.want)
			}
			if want := min(len(c.want), 1); w.moves(owner) != want {
				t.Errorf("told %d times", w.moves(owner))
			}
		})
	}
}

func TestE14_MoreTimeIsNeverTakenBack(t *testing.T) {
	t.Parallel()
	w, owner, e := promised(t)
	e = w.finish(e, 25*time.Hour)
	if got := w.extension(owner); got != "2026-12-09 late_export" {
		t.Fatal(got)
	}
	journey, err := w.journey.Journey(t.Context(), db.CustomerScope(owner.CustomerID), owner.CustomerID)
	if err != nil {
		t.Fatal(err)
	}
	before := e
	before.ExpiresAt = new(e.ExpiresAt.Add(-48 * time.Hour))
	for _, again := range []export.Export{e, before} { // the same once more, and one that ends earlier
		if err := export.MoveDeadline(t.Context(), w.config, again, w.prog); err != nil {
			t.Fatal(err)
		}
	}
	after, err := w.journey.Journey(t.Context(), db.CustomerScope(owner.CustomerID), owner.CustomerID)
	if err != nil || after.Version != journey.Version || w.extension(owner) != "2026-12-09 late_export" {
		t.Errorf("version %d after %d, extension %s, %v", after.Version, journey.Version, w.extension(owner), err)
	}
	granted := w.audited("extension.grant")
	if len(granted) != 1 || granted[0].Object != "export "+e.Reference() || granted[0].ActorKind != audit.System {
		t.Errorf("audit: %v", granted)
	}
	if n := w.count(`SELECT count(*) FROM outbox_event WHERE customer_id = $1 AND version = $2`, owner.CustomerID, after.Version); n != 1 {
		t.Errorf("%d events tell other systems", n)
	}
}

func TestE14_AnExtensionThatReachesFurtherStays(t *testing.T) {
	t.Parallel()
	w, owner, e := promised(t)
	grant := migration.Grant{CustomerID: owner.CustomerID, Milestone: migration.ExportDeadline, Day: migration.NewDay(2027, 1, 31), Reason: "as agreed", Actor: "lin", ActorKind: audit.Staff}
	err := w.db.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		_, moved, err := w.journey.Extend(t.Context(), tx, w.prog, grant)
		if !moved {
			t.Error("the grant moved nothing")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.finish(e, 72*time.Hour)
	if got := w.extension(owner); got != "2027-01-31 as agreed" {
		t.Errorf("the extension is %q", got)
	}
	w.prog.Milestones = nil // a programme without a deadline sets none
	if err := export.MoveDeadline(t.Context(), w.config, w.read(e), w.prog); err != nil {
		t.Error(err)
	}
}

// TestE14_AskedForTooLate: nobody can ask after the deadline, so an export that says so was asked for by mistake of
// ours and moves nothing.
func TestE14_AskedForTooLate(t *testing.T) {
	t.Parallel()
	w, owner, e := promised(t)
	w.prog.Milestones[0].Day = migration.NewDay(2026, time.November, 30)
	w.finish(e, 72*time.Hour)
	if got := w.extension(owner); got != "" {
		t.Errorf("the extension is %q", got)
	}
}

// audited lists the audit entries of an act.
func (w *world) audited(act string) []audit.Entry {
	w.Helper()
	var list []audit.Entry
	rows, err := w.database.Super(w.T).Query(w.Context(), `SELECT actor, actor_kind, act, object, customer_id FROM audit WHERE act = $1 ORDER BY seq`, act)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var e audit.Entry
		if err := rows.Scan(&e.Actor, &e.ActorKind, &e.Act, &e.Object, &e.CustomerID); err != nil {
			w.Fatal(err)
		}
		list = append(list, e)
	}
	return slices.Clip(list)
}

func (w *world) count(sql string, args ...any) (n int) {
	w.Helper()
	if err := w.database.Super(w.T).QueryRow(w.Context(), sql, args...).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}
