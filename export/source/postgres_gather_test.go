package source_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/export/source"
)

// gather asks a snapshot of PostgreSQL several things at once.
func gather(t *testing.T, snap source.Snapshot, room int, queries ...source.Query) ([]*source.Gathered, error) {
	t.Helper()
	g, ok := snap.(source.Gatherer)
	if !ok {
		t.Fatalf("%T gathers nothing", snap)
	}
	return g.Gather(context.Background(), queries, room)
}

const gatheredDDL = notes + `
create table paper (id bigint primary key, customer_id bigint, file text, size text);
insert into paper values (1, 1, 'a', '10'), (2, 1, null, '5'), (3, 1, 'b', 'unknown'), (4, 2, 'c', '1');`

var papersOf = source.Query{
	Dataset: "papers", SQL: "select id, file, size from paper where customer_id = :customer_id order by id", Files: source.FileColumns{Key: "file", Size: "size"},
}

func TestGatherSaysWhatOneByOneSays(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, _ := product(t, gatheredDDL, source.Options{})
	none := source.Query{Dataset: "none", SQL: "select id, body from note where customer_id = :customer_id and id < 0"}
	declared := notesOf
	declared.CountSQL = "select 5 where :customer_id = '1'"
	queries := []source.Query{notesOf, papersOf, none, declared}
	snap := begin(t, s, "1")
	got, err := gather(t, snap, 1<<20, queries...)
	must(t, err)
	for i, q := range queries {
		columns, err := snap.Check(ctx, q)
		must(t, err)
		weight, err := snap.Weigh(ctx, q)
		must(t, err)
		weight.Bytes, got[i].Weight.Bytes = 0, 0 // one is an estimate
		if diff := cmp.Diff(columns, got[i].Columns) + cmp.Diff(weight, got[i].Weight); diff != "" {
			t.Errorf("%d: %s", i, diff)
		}
		for range 2 { // as often as one likes
			if diff := cmp.Diff(all(t, snap, q), all(t, rowsOf{snap, got[i]}, q)); diff != "" {
				t.Errorf("%d: %s", i, diff)
			}
		}
	}
	if w := got[1].Weight; w.Rows != 3 || w.Files != 2 || w.FileBytes != 10+64<<10 {
		t.Errorf("papers weigh %+v", w)
	}
}

// rowsOf gives what was gathered in place of a snapshot's rows.
type rowsOf struct {
	source.Snapshot
	g *source.Gathered
}

func (r rowsOf) Rows(ctx context.Context, _ source.Query, yield func([][]byte) error) (int64, error) {
	return r.g.Rows(ctx, yield)
}

func TestE11_WhatIsGatheredIsOfOneInstant(t *testing.T) {
	t.Parallel()
	s, owner := product(t, gatheredDDL, source.Options{})
	snap := begin(t, s, "1")
	_, err := owner.Exec(context.Background(), "delete from note; delete from paper")
	must(t, err)
	got, err := gather(t, snap, 1<<20, notesOf, papersOf)
	must(t, err)
	if got[0].Weight.Rows != 5 || got[1].Weight.Rows != 3 || len(all(t, rowsOf{snap, got[0]}, notesOf)) != 5 {
		t.Errorf("%+v, %+v", got[0].Weight, got[1].Weight)
	}
}

func TestGatherLeavesWhatIsLarge(t *testing.T) {
	t.Parallel()
	s, owner := product(t, gatheredDDL+`insert into note select i, 7, repeat('x', 100) from generate_series(1000, 11001) i;
		insert into note values (20000, 8, repeat('y', 5000))`, source.Options{})
	for customer, want := range map[string]int{"7": 10_002, "8": 1} { // too many rows, found by counting; too many bytes, found by reading
		snap := begin(t, s, customer)
		got, err := gather(t, snap, 4000, papersOf, notesOf)
		if err != nil || got != nil {
			t.Fatalf("customer %s: %v, %v", customer, got, err)
		}
		if i := snap.Info(); i.ID == "" || !i.Steady || time.Since(i.AsOf).Abs() > time.Hour {
			t.Errorf("customer %s: %+v", customer, i)
		}
		_, err = owner.Exec(context.Background(), "delete from note where customer_id = "+customer)
		must(t, err)
		weight, err := snap.Weigh(context.Background(), notesOf)
		must(t, err)
		if rows := all(t, snap, notesOf); len(rows) != want || weight.Rows != int64(want) {
			t.Errorf("customer %s: %d rows, weighed %d, afterwards", customer, len(rows), weight.Rows)
		}
	}
}

func TestGatherNamesTheDatasetThatFails(t *testing.T) {
	t.Parallel()
	s, _ := product(t, gatheredDDL, source.Options{})
	late := source.Query{Dataset: "late", SQL: "select 1 / (customer_id - 1) as x, id from note where customer_id = :customer_id", CountSQL: "select 5 where :customer_id = '1'"}
	declared := notesOf
	declared.Columns = []source.Column{{Name: "id", Type: "integer"}, {Name: "body", Type: "integer"}}
	most := notesOf
	most.MaxRows = 4
	keyed := notesOf
	keyed.Key = "nothing"
	part := notesOf
	part.Where = []source.Condition{{Column: "id", In: []string{"1"}}}
	for name, c := range map[string]struct {
		q    source.Query
		kind source.Kind
		want string
	}{
		"missing table":  {source.Query{Dataset: "gone", SQL: "select id from gone where customer_id = :customer_id"}, source.Schema, `"gone"`},
		"missing column": {source.Query{Dataset: "files", SQL: papersOf.SQL, Files: source.FileColumns{Key: "nothing"}}, source.Schema, `"files"`},
		"while reading":  {late, source.Invalid, `"late"`},
		"other types":    {declared, source.Schema, `column "body" is now text`},
		"too many rows":  {most, source.Invalid, `"notes"`},
		"no such key":    {keyed, source.Schema, "row_key"},
		"a part":         {part, source.Invalid, "only whole queries"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			snap := begin(t, s, "1")
			_, err := gather(t, snap, 1<<20, papersOf, c.q)
			if source.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Fatal(err)
			}
		})
	}
}
