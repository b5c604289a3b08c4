package export_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/internal/db"
	"offramp/migration"
)

const entries = 6000

// laneWorld is a giant whose programme also reads a table of several volumes from MariaDB, whose snapshots nobody can
// join.
func laneWorld(t *testing.T) (*world, localtest.MariaDBDatabase, migration.Who, export.Export) {
	t.Helper()
	p, m := newGiant(t), localtest.MariaDB(t)
	for _, sql := range []string{
		`CREATE TABLE ledger (id bigint PRIMARY KEY, customer varchar(40) NOT NULL, body text CHARACTER SET utf8mb4, KEY (customer, id)) ENGINE = InnoDB`,
		fmt.Sprintf(`INSERT INTO ledger SELECT seq, IF(seq %% 3 = 0, 'HZ-2', 'HZ-1'), CONCAT('帐 ', IF(seq %% 3 = 0, 'CANARY-HZ-2', ''), %s) FROM %s`,
			strings.TrimSuffix(strings.Repeat("MD5(RAND()), ", 32), ", "), localtest.Numbers(entries*3/2)),
	} {
		if _, err := m.Owner.ExecContext(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	p.urls["ledger"] = m.URL
	w := newWorld(t, p)
	w.config = lanes(w.config)
	w.prog = w.config.Programmes.(fixed).Programme
	owner, _ := w.customer("HZ-1")
	return w, m, owner, w.request(owner)
}

// lanes makes exports as giant does, with MariaDB's table in place of some of PostgreSQL's.
func lanes(c export.Config) export.Config {
	c = giant(c)
	p := c.Programmes.(fixed).Programme
	p.Datasets = append(p.Datasets[:5], migration.Dataset{
		Key: "ledger", Name: migration.Text{"en": "ledger", "zh-CN": "ledger"}, RowKey: "id",
		Query: migration.Query{Source: "ledger", SQL: "SELECT id, body FROM ledger WHERE customer = :customer_id ORDER BY id"},
	})
	return c
}

// laneBuilders are the jobs that built volumes of what cannot be joined, and of the rest.
func (w *world) laneBuilders(e export.Export) (lanes, others map[int64]int) {
	w.Helper()
	lanes, others = map[int64]int{}, map[int64]int{}
	err := w.db.InTx(w.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		rows, err := tx.Pgx.Query(w.Context(), `SELECT builder, lane FROM export_volume WHERE export_id = $1`, e.ID)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var builder int64
			var lane bool
			if err := rows.Scan(&builder, &lane); err != nil {
				return err
			}
			if lane {
				lanes[builder]++
			} else {
				others[builder]++
			}
		}
		return rows.Err()
	})
	if err != nil {
		w.Fatal(err)
	}
	return lanes, others
}

// ledgerHeld holds that the volumes have each of the customer's entries once, as they were at the export's instant.
func (w *world) ledgerHeld(who migration.Who, e export.Export) {
	w.Helper()
	if rows, parts := w.rowsOf(who, e, "ledger"); rows != entries || parts < 3 {
		w.Errorf("%d entries of %d in %d parts", rows, entries, parts)
	}
	for _, v := range e.Volumes {
		body := w.fetchVolume(who, e, v.Number)
		if bytes.Contains(body, []byte("CANARY-HZ-2")) || bytes.Contains(body, []byte("too late")) {
			w.Errorf("volume %d holds what is another's, or later", v.Number)
		}
	}
}

// TestE11_MariaDBIsReadByOneWhileOthersHelp exports several volumes from MariaDB and several from PostgreSQL, by two
// workers at once, while the tables change: one job has MariaDB's snapshot and builds all its volumes; the other one
// helps with the rest.
func TestE11_MariaDBIsReadByOneWhileOthersHelp(t *testing.T) {
	t.Parallel()
	w, m, owner, e := laneWorld(t)
	planned, changed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(changed)
		<-planned
		for _, sql := range []string{
			`DELETE FROM ledger WHERE id % 7 = 0`, `UPDATE ledger SET body = 'too late' WHERE id % 5 = 0`,
			`INSERT INTO ledger SELECT 1000000 + seq, 'HZ-1', 'too late' FROM ` + localtest.Numbers(500),
		} {
			if _, err := m.Owner.ExecContext(t.Context(), sql); err != nil {
				t.Error(err)
			}
		}
	}()
	var once, first, joined sync.Once
	helped := make(chan struct{})
	at := func(point string) {
		switch {
		case point == "planned":
			once.Do(func() { close(planned) })
		case strings.HasPrefix(point, "reading ledger"):
			arrives(t, changed, "the changes")
		case point == "joined": // by whichever worker has taken the helping job
			joined.Do(func() { close(helped) })
		case strings.HasPrefix(point, "reading slab"):
			first.Do(func() { arrives(t, helped, "a helper") }) // while there is something left to help with
		}
	}
	w.work(w.config, at)
	second := w.config
	second.Sources = w.configOn(w.bucket).Sources
	w.work(second, at)
	e = w.await(e, export.Ready)
	lanes, others := w.laneBuilders(e)
	if len(lanes) != 1 || len(others) == 0 {
		t.Errorf("MariaDB's volumes were built by %v, the others by %v", lanes, others)
	}
	w.ledgerHeld(owner, e)
}

// TestE01_TheReaderOfMariaDBDies kills the worker that sees MariaDB's instant, in the midst of its volumes: the instant
// is lost, and a new attempt shows another one throughout.
func TestE01_TheReaderOfMariaDBDies(t *testing.T) {
	t.Parallel()
	w, _, owner, e := laneWorld(t)
	victim, out := w.process(order{Kill: "reading ledger", Drain: time.Second, Lanes: true})
	for out.Scan() {
	}
	if err := victim.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the worker was not killed: %v", err)
	}
	was := w.read(e)
	if was.State != export.Running || !slices.ContainsFunc(was.Volumes, func(v export.Volume) bool { return v.State == export.VolumeSealed }) {
		t.Fatalf("it is %s: %+v", was.State, was.Volumes)
	}
	w.work(w.config, nil)
	e = w.await(e, export.Ready)
	if e.Attempt <= was.Attempt || e.Failures != 0 {
		t.Errorf("attempt %d after %d, failures %d", e.Attempt, was.Attempt, e.Failures)
	}
	w.ledgerHeld(owner, e)
}
