package source_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"offramp/deploy/local/localtest"
	"offramp/export/source"
)

// cutKeys are columns that a query may be cut by, as expressions over a number that is unique.
var cutKeys = map[string]string{
	"bigint":    "(i * 1000003) % 2147483647 - 1000000",
	"numeric":   "(i * 7.5)::numeric(30,2)",
	"uuid":      "md5(i::text)::uuid",
	"text":      "(array['é','E','e','ß','客','a b','''; drop table x; --','%','\\'])[1 + i % 9] || i",
	"german":    `(chr((65 + (i * 7) % 58)::int) || i) collate "und-x-icu"`,
	"timestamp": "timestamp '2026-01-01' + i * interval '0.000001 second'",
	"instant":   "timestamptz '2026-01-01' + i * interval '1.5 hours'",
	"date":      "date '2026-01-01' + i::int",
	"bytea":     "decode(md5(i::text), 'hex')",
	"bpchar":    "i::text::char(12)",
	"float":     "i::float8 / 3",
}

// TestSharesAreTheWholeQuery cuts random data by every kind of key.
func TestSharesAreTheWholeQuery(t *testing.T) {
	s, owner := product(t, "create table item (i bigint primary key, customer_id text, body text, file text, size bigint)", source.Options{})
	names := make([]string, 0, len(cutKeys))
	for name := range cutKeys {
		names = append(names, name)
	}
	slices.Sort(names)
	rapid.Check(t, func(r *rapid.T) {
		rows := rapid.SliceOfNDistinct(rapid.Int64Range(1, 5000), 0, 60, rapid.ID).Draw(r, "rows")
		fill(t, owner, rows, rapid.Int64Range(0, 9000).Draw(r, "size"))
		kind := rapid.SampledFrom(names).Draw(r, "key")
		q := source.Query{
			Dataset: "items", Key: "k", Files: source.FileColumns{Key: "file", Size: "size"},
			SQL: "select " + cutKeys[kind] + " as k, i, body, file, size from item where customer_id = :customer_id order by i desc -- all",
		}
		if rapid.Bool().Draw(r, "restricted") {
			q.Where = []source.Condition{{Column: "body", In: []string{"a", "c"}}}
		}
		perRow, most := rapid.Int64Range(0, 500).Draw(r, "per row"), rapid.Int64Range(1, 20_000).Draw(r, "most")
		snap := begin(t, s, "1")
		defer snap.Close()
		holdShares(r, t, snap, q, perRow, most)
	})
}

func fill(t *testing.T, owner *pgxpool.Pool, rows []int64, size int64) {
	t.Helper()
	_, err := owner.Exec(context.Background(), "truncate item")
	must(t, err)
	_, err = owner.Exec(context.Background(), `insert into item select i, '1', (array['a','b','c',null])[1 + i % 4],
		case when i % 3 > 0 then 'f' || i end, case when i % 5 > 0 then i % ($2::bigint + 1) end from unnest($1::bigint[]) i`, rows, size)
	must(t, err)
	_, err = owner.Exec(context.Background(), "insert into item select -i, '2', 'canary', 'canary', 1 from unnest($1::bigint[]) i", rows)
	must(t, err)
}

// holdShares holds what Split gives against the whole.
func holdShares(r *rapid.T, t *testing.T, snap source.Snapshot, q source.Query, perRow, most int64) {
	whole := all(t, snap, q)
	weight, err := snap.Weigh(context.Background(), q)
	must(t, err)
	shares, err := snap.Split(context.Background(), q, perRow, most)
	must(t, err)
	var sum source.Weight
	var got []string
	for i, share := range shares {
		part := q
		part.Range = share.Range
		if (share.Range.From == nil) != (i == 0) || (share.Range.Before == nil) != (i == len(shares)-1) {
			r.Fatalf("share %d of %d has the range %v", i, len(shares), share.Range)
		}
		rows := all(t, snap, part)
		again, err := snap.Weigh(context.Background(), part)
		must(t, err)
		if share.Rows != int64(len(rows)) || share.Bytes != share.Rows*perRow || again.Rows != share.Rows || again.Files != share.Files || again.FileBytes != share.FileBytes {
			r.Fatalf("share %d has %d rows: %+v, weighed %+v", i, len(rows), share.Weight, again)
		}
		if share.Bytes+share.FileBytes > most && share.Rows > 1 {
			r.Fatalf("share %d weighs %d of at most %d, with %d rows", i, share.Bytes+share.FileBytes, most, share.Rows)
		}
		got = append(got, rows...)
		sum.Rows, sum.Files, sum.FileBytes = sum.Rows+share.Rows, sum.Files+share.Files, sum.FileBytes+share.FileBytes
	}
	if weight.Bytes = 0; sum != weight {
		r.Fatalf("shares weigh %+v, the whole %+v", sum, weight)
	}
	slices.Sort(whole)
	slices.Sort(got)
	if diff := cmp.Diff(whole, got); diff != "" {
		r.Fatal(diff)
	}
}

func TestKeysThatCannotCutAreNamed(t *testing.T) {
	s, _ := product(t, `create table item (k text, customer_id int, j json); insert into item values ('a', 1), ('b', 1), ('b', 1), ('c', 2), (null, 2), (null, 2)`, source.Options{})
	q := source.Query{Dataset: "items", SQL: "select k, j from item where customer_id = :customer_id", Key: "k"}
	for customer, want := range map[string]string{"1": `dataset "items": schema: its row_key "k" has a value twice`, "2": `its row_key "k" has 2 rows without a value`} {
		if _, err := begin(t, s, customer).Split(context.Background(), q, 10, 10); source.KindOf(err) != source.Schema || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for key, want := range map[string]string{"j": "json", "nope": `column "nope", which its row_key names, is missing`} {
		q.Key = key
		snap := begin(t, s, "1")
		_, checked := snap.Check(context.Background(), q)
		_, split := snap.Split(context.Background(), q, 10, 10)
		for _, err := range []error{checked, split} {
			if source.KindOf(err) != source.Schema || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
	}
}

func TestConditionsUseIndexesAndKeepTheOrder(t *testing.T) {
	ctx := context.Background()
	s, owner := product(t, `create table big as select i as id, i % 10 as customer_id, 'p' || i % 7 as project, i % 2 = 0 as done,
		timestamptz '2026-01-01' + i * interval '1 minute' as changed from generate_series(1, 50000) i; create unique index on big (customer_id, id); analyze big`, source.Options{})
	q := source.Query{Dataset: "big", SQL: "select id, project, done, changed from big where customer_id = :customer_id order by id desc", Key: "id"}
	from, before := "40000", "40050"
	q.Range = source.Range{From: &from, Before: &before}
	snap := begin(t, s, "1")
	if got := all(t, snap, q); len(got) != 5 || !strings.HasPrefix(got[0], "40041|") || !strings.HasPrefix(got[4], "40001|") {
		t.Fatal(got)
	}
	if scans, err := snap.(source.Adviser).Scans(ctx, q, 1000); err != nil || len(scans) != 0 {
		t.Fatal("the range does not reach the index", scans, err)
	}
	q.Range = source.Range{}
	for _, c := range []struct {
		where source.Condition
		want  int
	}{
		{source.Condition{Column: "project", In: []string{"p1", "p2"}}, 1429},
		{source.Condition{Column: "project", In: []string{"p1') or true --"}}, 0},
		{source.Condition{Column: "project", In: []string{}}, 0},
		{source.Condition{Column: "done", In: []string{"t"}}, 0},
		{source.Condition{Column: "done", In: []string{"f"}}, 5000},
		{source.Condition{Column: "id", In: []string{"1", "11", "2"}}, 2},
		{source.Condition{Column: "changed", From: "2026-01-01T00:30:00+00:30"}, 5000},
		{source.Condition{Column: "changed", From: "2026-01-01T00:00:00Z", Before: "2026-01-02"}, 144},
	} {
		q.Where = []source.Condition{c.where}
		_, err := snap.Check(ctx, q)
		must(t, err)
		n, err := snap.Count(ctx, q)
		if got := all(t, snap, q); err != nil || len(got) != c.want || n != int64(c.want) {
			t.Errorf("%+v: %d rows, counted %d, %v; want %d", c.where, len(got), n, err, c.want)
		}
	}
	for _, c := range []struct {
		where source.Condition
		kind  source.Kind
		want  string
	}{
		{source.Condition{Column: "nope", In: []string{"x"}}, source.Schema, `column "nope", which a filter, period or change names, is missing`},
		{source.Condition{Column: "project", From: "2026-01-01"}, source.Schema, `column "project" is text: a period or a change needs`},
		{source.Condition{Column: "changed", Before: "yesterday"}, source.Invalid, `"yesterday" is neither`},
	} {
		q.Where = []source.Condition{c.where}
		if _, err := snap.Check(ctx, q); source.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"big"`) {
			t.Errorf("%+v: %v", c.where, err)
		}
	}
	_, err := owner.Exec(ctx, "select 1")
	must(t, err)
}

func TestE11_HoldersHandOnOneInstant(t *testing.T) {
	ctx := context.Background()
	s, owner := product(t, notes, source.Options{})
	first := begin(t, s, "1")
	want := all(t, first, notesOf)
	write := func() {
		_, err := owner.Exec(ctx, "insert into note select max(id) + 1, 1, 'late' from note; delete from note where id = (select min(id) from note)")
		must(t, err)
	}
	holder := source.Snapshot(first)
	for range 4 {
		write()
		next, err := s.Begin(ctx, "1", holder.Info().ID)
		must(t, err)
		defer next.Close()
		if next.Info().ID == holder.Info().ID || !next.Info().Steady {
			t.Fatal(next.Info())
		}
		write()
		holder.Close()
		if diff := cmp.Diff(want, all(t, next, notesOf)); diff != "" {
			t.Fatal(diff)
		}
		holder = next
	}
	gone := holder.Info().ID
	holder.Close()
	if _, err := s.Begin(ctx, "1", gone); err == nil {
		t.Fatal("a snapshot that nobody holds was joined")
	}
}

func TestE07_AStalledReadingEndsAndASlowReaderDoesNot(t *testing.T) {
	ctx := context.Background()
	s, _ := product(t, "create table big as select i as id, repeat('x', 1000) as body from generate_series(1, 20000) i", source.Options{QueryTimeout: time.Second})
	snap := begin(t, s, "1")
	began := time.Now()
	_, err := snap.Rows(ctx, source.Query{Dataset: "naps", SQL: "select i, pg_sleep(case when i = 3 then 60 else 0 end)::text from generate_series(1, 9) i where :customer_id = '1'"}, func([][]byte) error { return nil })
	if source.KindOf(err) != source.Locked || !strings.Contains(fmt.Sprint(err), `"naps": locked: no row came for 1s`) || time.Since(began) > 20*time.Second {
		t.Fatal(err)
	}
	snap.Close()
	snap = begin(t, s, "1") // the pool lives
	slow := time.NewTimer(1500 * time.Millisecond)
	n, err := snap.Rows(ctx, source.Query{SQL: "select * from big where :customer_id = '1'"}, func([][]byte) error {
		if slow != nil {
			<-slow.C // an upload that takes longer than a row may
			slow = nil
		}
		return nil
	})
	if err != nil || n != 20_000 {
		t.Fatal(n, err)
	}
}

func TestMoreRowsThanAllowedAreNamed(t *testing.T) {
	s, _ := product(t, notes, source.Options{})
	for most, fails := range map[int64]bool{4: true, 5: false} {
		q := notesOf
		q.MaxRows = most
		_, weighed := begin(t, s, "1").Weigh(context.Background(), q)
		n, read := begin(t, s, "1").Rows(context.Background(), q, func([][]byte) error { return nil })
		for _, err := range []error{weighed, read} {
			if (err != nil) != fails || fails && (source.KindOf(err) != source.Invalid || !strings.Contains(err.Error(), `"notes": invalid: it has more rows than the 4`)) {
				t.Error(most, n, err)
			}
		}
	}
}

func TestMissingRightsShowBeforeAnythingIsRead(t *testing.T) {
	ctx := context.Background()
	d := localtest.EmptyDatabase(t)
	owner := d.Super(t)
	_, err := owner.Exec(ctx, "create table secret (id int, customer_id uuid)")
	must(t, err)
	s := open(t, d.AppURL, source.Options{})
	if _, err := s.CheckTable(ctx, "select id from secret"); source.KindOf(err) != source.Denied || !strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	q := source.Query{Dataset: "secrets", SQL: "select id from secret where customer_id = :customer_id"}
	if _, err := begin(t, s, "0").(source.Adviser).Scans(ctx, q, 1000); source.KindOf(err) != source.Denied || !strings.Contains(err.Error(), `"secrets"`) {
		t.Error(err)
	}
	my, m := mysqlProduct(t, "create table secret (id int, customer_id int)", source.Options{})
	_, err = my.CheckTable(ctx, "select id from secret")
	must(t, err)
	change(t, m.Owner, "drop user if exists other@'127.0.0.1'; create user other@'127.0.0.1'; create table open_to_all (id int); grant select on open_to_all to other@'127.0.0.1'")
	my = open(t, m.Server.URL(m.Name, url.User("other")), source.Options{})
	if _, err := my.CheckTable(ctx, "select id from secret"); source.KindOf(err) != source.Denied {
		t.Error(err)
	}
	if _, err := begin(t, my, "1").Check(ctx, q); source.KindOf(err) != source.Denied || !strings.Contains(err.Error(), `"secrets"`) {
		t.Error(err)
	}
}
