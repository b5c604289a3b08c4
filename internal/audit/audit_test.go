package audit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
	"offramp/internal/clock"
	"offramp/internal/db"
)

var noon = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)

// record writes n entries of customers c0, c1 and none, in turn.
func record(t testing.TB, d *db.DB, n int) {
	t.Helper()
	for i := range n {
		e := audit.Entry{Actor: fmt.Sprintf("actor-%d", i), ActorKind: audit.Customer, Act: "export.request", Object: fmt.Sprintf("export EX-%d", i), Detail: map[string]any{"n": i, "名": "数据"}}
		if i%3 < 2 {
			e.CustomerID = fmt.Sprintf("c%d", i%3)
		}
		if err := d.InTx(t.Context(), db.NoScope(), func(tx *db.Tx) error { return audit.Record(t.Context(), tx, e) }); err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t testing.TB, d *db.DB, kept ...audit.Head) audit.Report {
	t.Helper()
	r, err := audit.Verify(t.Context(), d, kept...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnUntouchedLogHolds(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	if r := verify(t, d); r.Break != nil || r.Checked != 0 {
		t.Errorf("empty log: %+v", r)
	}
	record(t, d, 5)
	first := verify(t, d)
	if first.Break != nil || first.Checked != 5 || first.Head.Seq != 5 {
		t.Errorf("%+v", first)
	}
	kept, err := audit.ParseHead(first.Head.String())
	if err != nil {
		t.Fatal(err)
	}
	record(t, d, 3)
	if r := verify(t, d, kept); r.Break != nil || r.Checked != 8 {
		t.Errorf("with a kept head: %+v", r)
	}
}

func TestWritersAtOnceMakeOneChain(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { record(t, d, 10) })
	}
	group.Wait()
	if r := verify(t, d); r.Break != nil || r.Checked != 80 {
		t.Errorf("%+v, %+v", r, r.Break)
	}
}

func TestL01_TheApplicationCannotChangeTheLog(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	record(t, d, 3)
	for _, sql := range []string{
		`UPDATE audit SET actor = 'x'`, `DELETE FROM audit`, `TRUNCATE audit`, `UPDATE audit_head SET seq = 0`,
		`DELETE FROM audit_head`, `TRUNCATE audit_head`, `INSERT INTO audit_head (seq, hash) VALUES (9, '')`,
		`ALTER TABLE audit DISABLE TRIGGER audit_chain`, `DROP TRIGGER audit_chain ON audit`, `DROP TABLE audit`,
		`ALTER TABLE audit DISABLE ROW LEVEL SECURITY`, `SET session_replication_role = replica`,
		`CREATE OR REPLACE FUNCTION audit_digest(a audit) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$`,
		`CREATE RULE r AS ON INSERT TO audit DO INSTEAD NOTHING`, `GRANT UPDATE ON audit TO PUBLIC`,
	} {
		err := d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
			_, err := tx.Pgx.Exec(t.Context(), sql)
			return err
		})
		var pg *pgconn.PgError
		if strings.HasPrefix(sql, "GRANT") && err == nil {
			continue // granting what one may not grant is a warning only; the UPDATE above stays denied
		}
		if !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("%s: %v, want insufficient privilege", sql, err)
		}
	}
	if r := verify(t, d); r.Break != nil || r.Checked != 3 {
		t.Errorf("%+v", r)
	}
}

func TestL01_TheApplicationCannotForgeALink(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	record(t, d, 2)
	forged := `INSERT INTO audit (seq, at, actor, actor_kind, act, object, prev_hash, hash) VALUES (1000, now(), 'x', 'system', 'x', 'x', '\x00', '\x00')`
	if _, err := d.Pool.Exec(t.Context(), forged); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, d); r.Break != nil || r.Head.Seq != 3 {
		t.Errorf("%+v", r)
	}
}

func TestL02_TheVerifierNamesTheFirstBrokenPlace(t *testing.T) {
	t.Parallel()
	const relink = `UPDATE audit a SET hash = audit_digest(a) WHERE seq IN (3, 4)`
	for _, c := range []struct {
		name   string
		tamper []string
		want   audit.Break
	}{
		{"actor edited", []string{`UPDATE audit SET actor = 'someone' WHERE seq = 4`}, audit.Break{Seq: 4, Kind: audit.Edited}},
		{"detail edited", []string{`UPDATE audit SET detail = detail || '{"n": 99}' WHERE seq = 2`}, audit.Break{Seq: 2, Kind: audit.Edited}},
		{"time moved by a microsecond", []string{`UPDATE audit SET at = at + interval '1 microsecond' WHERE seq = 5`}, audit.Break{Seq: 5, Kind: audit.Edited}},
		{"customer removed", []string{`UPDATE audit SET customer_id = NULL WHERE seq = 1`}, audit.Break{Seq: 1, Kind: audit.Edited}},
		{"edited and hashed anew", []string{`UPDATE audit SET actor = 'someone' WHERE seq = 3`, relink}, audit.Break{Seq: 4, Kind: audit.OutOfOrder}},
		{"swapped", []string{
			`UPDATE audit SET seq = 1003 WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = 1003`,
		}, audit.Break{Seq: 3, Kind: audit.Edited}},
		{"swapped and hashed anew", []string{
			`UPDATE audit SET seq = 1003 WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = 1003`, relink,
		}, audit.Break{Seq: 3, Kind: audit.OutOfOrder}},
		{"one removed", []string{`DELETE FROM audit WHERE seq = 3`}, audit.Break{Seq: 3, Kind: audit.Missing}},
		{"first removed", []string{`DELETE FROM audit WHERE seq = 1`}, audit.Break{Seq: 1, Kind: audit.Missing}},
		{"tail cut", []string{`DELETE FROM audit WHERE seq > 5`}, audit.Break{Seq: 6, Kind: audit.Cut}},
		{"emptied", []string{`TRUNCATE audit`}, audit.Break{Seq: 1, Kind: audit.Cut}},
		{"head set back", []string{`UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM audit WHERE seq = 5)`}, audit.Break{Seq: 5, Kind: audit.Rewritten}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			database := localtest.Database(t)
			d := database.Open(t)
			record(t, d, 7)
			super := database.Super(t)
			for _, sql := range c.tamper {
				if _, err := super.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			if r := verify(t, d); r.Break == nil || *r.Break != c.want {
				t.Errorf("found %+v, want %+v", r.Break, c.want)
			}
		})
	}
}

// Someone who may write every table can cut the tail or rewrite the chain without a trace inside the database.
func TestL02_AHeadKeptElsewhereCatchesAConsistentForgery(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper []string
		want   audit.Break
	}{
		"tail and head cut": {
			[]string{`DELETE FROM audit WHERE seq > 5`, `UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM audit WHERE seq = 5)`},
			audit.Break{Seq: 6, Kind: audit.Cut},
		},
		"last entry replaced": {
			[]string{
				`UPDATE audit SET actor = 'someone' WHERE seq = 7`, `UPDATE audit a SET hash = audit_digest(a) WHERE seq = 7`,
				`UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE seq = 7)`,
			},
			audit.Break{Seq: 7, Kind: audit.Rewritten},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := localtest.Database(t)
			d := database.Open(t)
			record(t, d, 7)
			kept := verify(t, d).Head
			super := database.Super(t)
			for _, sql := range c.tamper {
				if _, err := super.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			if r := verify(t, d); r.Break != nil {
				t.Fatalf("the forgery is not consistent: %+v", r.Break)
			}
			if r := verify(t, d, kept); r.Break == nil || *r.Break != c.want {
				t.Errorf("found %+v, want %+v", r.Break, c.want)
			}
		})
	}
}

func TestL03_WithoutItsAuditRowTheActDoesNotHappen(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	d := database.Open(t)
	if _, err := database.Super(t).Exec(t.Context(), `REVOKE INSERT ON audit FROM offramp_app`); err != nil {
		t.Fatal(err)
	}
	err := d.InTx(t.Context(), db.NoScope(), func(tx *db.Tx) error {
		if _, err := tx.Pgx.Exec(t.Context(), `INSERT INTO sink (name) VALUES ('crm')`); err != nil {
			return err
		}
		return audit.Record(t.Context(), tx, audit.Entry{Actor: "s", ActorKind: audit.Staff, Act: "sink.enable", Object: "sink crm"})
	})
	if err == nil {
		t.Fatal("the act went through without its audit row")
	}
	var n int
	if err := d.Pool.QueryRow(t.Context(), `SELECT count(*) FROM sink`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows of the act are there, %v", n, err)
	}
}

func TestListIsScopedFilteredAndPaged(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(noon)
	d := localtest.DB(t, db.Options{Clock: c})
	for range 4 {
		record(t, d, 3) // c0, c1, none
		c.Advance(time.Hour)
	}
	seqs := func(scope db.Scope, f audit.Filter, p audit.Page) (got []int64) {
		t.Helper()
		list, err := audit.List(t.Context(), d, scope, f, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			got = append(got, r.Seq)
		}
		return got
	}
	auditor := db.StaffScope("auditor")
	for name, test := range map[string]struct{ got, want []int64 }{
		"no scope":      {seqs(db.NoScope(), audit.Filter{}, audit.Page{}), nil},
		"one customer":  {seqs(db.CustomerScope("c1"), audit.Filter{}, audit.Page{}), []int64{11, 8, 5, 2}},
		"another's":     {seqs(db.CustomerScope("c1"), audit.Filter{CustomerID: "c0"}, audit.Page{}), nil},
		"first page":    {seqs(auditor, audit.Filter{}, audit.Page{Size: 3}), []int64{12, 11, 10}},
		"next page":     {seqs(auditor, audit.Filter{}, audit.Page{Before: 10, Size: 3}), []int64{9, 8, 7}},
		"act's family":  {seqs(auditor, audit.Filter{Act: "export.", CustomerID: "c0"}, audit.Page{}), []int64{10, 7, 4, 1}},
		"other act":     {seqs(auditor, audit.Filter{Act: "refund."}, audit.Page{}), nil},
		"actor":         {seqs(auditor, audit.Filter{Actor: "actor-2"}, audit.Page{}), []int64{12, 9, 6, 3}},
		"within a time": {seqs(auditor, audit.Filter{From: noon.Add(time.Hour), To: noon.Add(2 * time.Hour)}, audit.Page{}), []int64{6, 5, 4}},
	} {
		if !slices.Equal(test.got, test.want) {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
	list, err := audit.List(t.Context(), d, auditor, audit.Filter{Actor: "actor-1"}, audit.Page{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r := list[0]; r.CustomerID != "c1" || r.Detail["名"] != "数据" || !r.At.Equal(noon.Add(3*time.Hour)) || r.Object != "export EX-1" {
		t.Errorf("%+v", r)
	}
}
