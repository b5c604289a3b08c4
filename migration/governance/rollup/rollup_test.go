package rollup_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/localtest"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/governance/rollup"
)

type house struct {
	*testing.T
	*rollup.Service
	db     *db.DB
	clock  *clock.Manual
	super  *pgxpool.Pool
	worker *rollup.Service // with a worker's rights alone
}

type programmes struct{ p *migration.Programme }

func (p programmes) Active(context.Context) (*migration.Programme, error) { return p.p, nil }

func openHouse(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	h := &house{T: t, clock: clock.NewManual(time.Date(2026, 5, 7, 2, 0, 0, 0, time.UTC))}
	database := localtest.Database(t)
	h.super = database.Super(t)
	h.db = database.Open(t, db.Options{Clock: h.clock, MaxConns: 8})
	h.Service = rollup.New(h.db, programmes{&migration.Programme{Zone: time.UTC}}, slog.New(slog.DiscardHandler))
	h.worker = rollup.New(database.Work(t, db.Options{Clock: h.clock, MaxConns: 2}), programmes{&migration.Programme{Zone: time.UTC}}, slog.New(slog.DiscardHandler))
	h.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at)
		SELECT 'c' || n, 'C-' || n, 'Customer ' || n, CASE WHEN n % 3 = 0 THEN 'core' ELSE 'standard' END, 'en', 'UTC', now(), now() FROM generate_series(1, 30) n`)
	h.exec(`INSERT INTO journey (customer_id, version, dates, export, choose, settle, confirm, updated_at)
		SELECT id, 1, 'not_started', 'not_started', 'not_needed', 'not_needed', 'not_started', now() FROM customer`)
	return h
}

// exec changes something as the product does.
func (h *house) exec(sql string, args ...any) {
	h.Helper()
	err := h.db.InTx(h.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(h.Context(), sql, args...)
		return err
	})
	if err != nil {
		h.Error(err)
	}
}

// truth is what a look at every customer gives.
func (h *house) truth() string {
	h.Helper()
	var list string
	const sql = `SELECT coalesce(string_agg(tier || ' ' || step || ' ' || status || ' ' || n, E'\n' ORDER BY tier, step, status), '') FROM (
		SELECT c.tier, u.step, u.status, count(*) AS n FROM customer c JOIN journey j ON j.customer_id = c.id,
		       unnest(ARRAY[j.dates, j.export, j.choose, j.settle, j.confirm]::text[]) WITH ORDINALITY u (status, step)
		 WHERE c.state = 'active' GROUP BY 1, 2, 3) t`
	if err := h.super.QueryRow(h.Context(), sql).Scan(&list); err != nil {
		h.Fatal(err)
	}
	return list
}

func (h *house) same(when string) {
	h.Helper()
	c, err := h.Read(h.Context(), "mia")
	if err != nil {
		h.Fatal(err)
	}
	var lines []string
	for _, one := range c.List {
		lines = append(lines, fmt.Sprintf("%s %d %s %d", one.Tier, one.Step, one.Status, one.N))
	}
	if got, want := strings.Join(lines, "\n"), h.truth(); got != want {
		h.Errorf("%s: the figures are\n%s\nthe customers\n%s", when, got, want)
	}
}

// TestG09_FiguresAreTheCustomersOwnRows has customers step, come, go and change their tier from many sides while workers fold, some of
// which die in the middle.
func TestG09_FiguresAreTheCustomersOwnRows(t *testing.T) {
	h := openHouse(t)
	h.same("before any fold")
	statuses := []string{"not_started", "in_progress", "completed", "problem"}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 40 { // each worker goes its own way through customers, steps and statuses
				id, status := fmt.Sprintf("c%d", 1+(i*(7+worker))%30), statuses[(i+worker)%len(statuses)]
				step := []string{"dates", "export", "confirm"}[(i/2+worker)%3]
				h.exec(`UPDATE journey SET ` + step + ` = '` + status + `' WHERE customer_id = '` + id + `'`)
				if worker == 0 {
					h.exec(`UPDATE customer SET state = CASE state WHEN 'active' THEN 'disabled' ELSE 'active' END WHERE id = $1`, id)
				}
			}
		})
	}
	for range 2 {
		group.Go(func() {
			for range 20 {
				if err := h.worker.Tick(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Go(func() { // a worker that is killed while it folds
		for range 10 {
			tx, err := h.super.Begin(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtextextended('journey_rollup', 0)); DELETE FROM journey_delta`)
			if err != nil {
				t.Error(err)
			}
			_ = tx.Rollback(t.Context())
		}
	})
	group.Wait()
	if err := h.worker.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.same("after the storm")
	h.exec(`UPDATE customer SET tier = 'core' WHERE id IN ('c1', 'c2')`)
	h.same("after a change of tiers, before a fold")
	h.exec(`UPDATE journey SET progress = '{}'`) // no step
	var deltas int
	if err := h.super.QueryRow(t.Context(), `SELECT count(*) FROM journey_delta`).Scan(&deltas); err != nil || deltas > 4 {
		t.Errorf("%d deltas, %v", deltas, err)
	}
	if err := h.worker.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.same("after it")
}

// TestG09_FoldsAddUp has steps folded between each other, without a count anew that would hide a wrong sum.
func TestG09_FoldsAddUp(t *testing.T) {
	h := openHouse(t)
	for i := range 6 {
		if err := h.worker.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.same(fmt.Sprintf("after fold %d", i))
		h.exec(`UPDATE journey SET export = CASE export WHEN 'completed' THEN 'problem' ELSE 'completed' END WHERE customer_id LIKE $1`, fmt.Sprintf("c%%%d", i))
		h.same(fmt.Sprintf("after step %d", i))
	}
	var at time.Time
	if err := h.super.QueryRow(t.Context(), `SELECT recounted_at FROM journey_rollup_state`).Scan(&at); err != nil || !at.Equal(h.clock.Now()) {
		t.Errorf("counted anew at %v, %v", at, err)
	}
}

func TestG09_ACountAnewMendsWhatIsWrong(t *testing.T) {
	h := openHouse(t)
	if err := h.worker.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.super.Exec(t.Context(), `UPDATE journey_rollup SET n = n + 7 WHERE tier = 'core' AND step = 1 AND status = 'not_started'`); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(25 * time.Hour)
	if err := h.worker.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.same("a day later")
	if c, err := h.Read(t.Context(), "mia"); err != nil || c.Drift != 7 {
		t.Errorf("drift %d, %v", c.Drift, err)
	}
	points, err := h.History(t.Context(), "mia")
	if err != nil || len(points) != 2 || points[0].Total != 30 || points[0].Done != 0 {
		t.Errorf("%v %v", points, err)
	}
}

func TestEachFigureOpensItsList(t *testing.T) {
	h := openHouse(t)
	h.exec(`UPDATE journey SET export = 'problem' WHERE customer_id IN ('c3', 'c4')`)
	h.exec(`UPDATE journey SET confirm = 'completed' WHERE customer_id IN ('c3', 'c5')`)
	c, err := h.Read(t.Context(), "mia")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []rollup.Query{{Step: 2, Status: "problem"}, {Step: 5}, {Step: 5, Tier: "core"}, {Step: 2, Status: "problem", Tier: "core"}} {
		list, _, err := h.List(t.Context(), "mia", q)
		if err != nil {
			t.Fatal(err)
		}
		want := c.At(q.Tier, q.Step, q.Status)
		if q.Status == "" {
			all, done := c.Of(q.Tier, q.Step)
			want = all - done
		}
		if int64(len(list)) != want {
			t.Errorf("%+v: %d in the list, %d in the figure", q, len(list), want)
		}
	}
}

func TestForecastHasARange(t *testing.T) {
	first := migration.NewDay(2026, 5, 1)
	var steady, uneven []rollup.Point
	sum := int64(0)
	for i := range 12 {
		steady = append(steady, rollup.Point{Day: first.AddDays(i), Done: int64(10 * i), Total: 200})
		if i > 0 {
			sum += []int64{0, 20}[i%2]
		}
		uneven = append(uneven, rollup.Point{Day: first.AddDays(i), Done: sum, Total: 200})
	}
	counts := func(done int64) rollup.Counts {
		return rollup.Counts{List: []rollup.Count{{Tier: "a", Step: 5, Status: "completed", N: done}, {Tier: "a", Step: 5, Status: "not_started", N: 200 - done}}}
	}
	today := first.AddDays(12)
	f := rollup.Foresee(steady, counts(110), today)
	if f.Pace < 9.99 || f.Pace > 10.01 || f.On.IsZero() || f.On.Before(today) {
		t.Errorf("steady: %+v", f)
	}
	g := rollup.Foresee(uneven, counts(sum), today)
	if !g.Early.Before(g.On) || !g.Late.After(g.On) {
		t.Errorf("uneven: %+v", g)
	}
	if f := rollup.Foresee(steady[:2], counts(10), today); !f.On.IsZero() {
		t.Errorf("two days: %+v", f)
	}
	still := []rollup.Point{{Day: first, Done: 5, Total: 200}, {Day: first.AddDays(5), Done: 5, Total: 200}, {Day: first.AddDays(9), Done: 5, Total: 200}}
	if f := rollup.Foresee(still, counts(5), today); !f.On.IsZero() || f.Days == 0 {
		t.Errorf("nobody moves: %+v", f)
	}
}
