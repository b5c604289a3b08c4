package source_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"offramp/export/source"
)

// fixture is a source with a real server behind it, as conform needs it. Every source of rows has one in TestConformance:
// a new source adds its own there. What a source cannot do it declares here, and conform holds it to saying so.
type fixture struct {
	name     string
	source   source.Source
	query    source.Query // the customer's rows; another customer's hold the word canary
	customer string
	other    string   // who has the canary
	want     []string // the customer's rows in order, as all prints them; none of them NULL in the key's column
	columns  []source.Column
	hostile  []string                // references that must be refused or give nothing
	write    func(t *testing.T)      // adds a row of the customer's and removes one; nil: nobody writes
	ranges   bool                    // it can be read in ranges and cut
	where    []source.Condition      // conditions that leave the first row alone; nil: it cannot be restricted
	broken   map[string]source.Query // queries that Check refuses, by what the error must say
}

// injections are references that would do harm if they became part of a query, a path or a prefix.
var injections = []string{
	"' OR 1=1 --", `" or ""="`, `\' or 1=1 #`, "1; drop table note", "%", "_", "*", "1 or 1=1", "1/**/or/**/true", "$1", ":customer_id", "..", "../HZ-2",
	".", "/", "HZ-1/../HZ-2", "HZ-1%2f..%2fHZ-2", "?x=1", "#", "HZ-2\x00", "\x00", "\xff", "HZ-1\r\nX: y", strings.Repeat("9", 400),
}

func TestConformance(t *testing.T) {
	for _, make := range []func(t *testing.T) fixture{postgresFixture, mariadbFixture, apiFixture, folderFixture, bucketFixture} {
		f := make(t)
		t.Run(f.name, func(t *testing.T) { conform(t, f) })
	}
}

// conform holds a source to what its interface promises.
func conform(t *testing.T, f fixture) {
	t.Run("reads", func(t *testing.T) { conformReading(t, f) })
	t.Run("Z03 customers are apart", func(t *testing.T) { conformApart(t, f) })
	t.Run("ranges", func(t *testing.T) { conformRanges(t, f) })
	t.Run("conditions", func(t *testing.T) { conformConditions(t, f) })
	t.Run("stops", func(t *testing.T) { conformStopping(t, f) })
	t.Run("E08 names faults", func(t *testing.T) { conformFaults(t, f) })
	t.Run("E11 steadiness", func(t *testing.T) { conformSteadiness(t, f) })
}

func conformReading(t *testing.T, f fixture) {
	ctx := context.Background()
	must(t, f.source.Ping(ctx))
	snap := begin(t, f.source, f.customer)
	columns, err := snap.Check(ctx, f.query)
	must(t, err)
	if diff := cmp.Diff(f.columns, columns); diff != "" {
		t.Error(diff)
	}
	for range 2 { // a reading does not depend on those before
		if diff := cmp.Diff(f.want, all(t, snap, f.query)); diff != "" {
			t.Error(diff)
		}
	}
	n, err := snap.Count(ctx, f.query)
	weight, weighed := snap.Weigh(ctx, f.query)
	if err != nil || weighed != nil || n != int64(len(f.want)) || weight.Rows != n || weight.Bytes <= 0 {
		t.Errorf("%d rows, counted %d, %v, weighed %+v, %v", len(f.want), n, err, weight, weighed)
	}
	capped := f.query
	capped.MaxRows = n - 1
	read, err := snap.Rows(ctx, capped, func([][]byte) error { return nil })
	if source.KindOf(err) != source.Invalid || read > n-1 || !strings.Contains(err.Error(), capped.Dataset) || !strings.Contains(err.Error(), fmt.Sprint(n-1)) {
		t.Errorf("more rows than allowed: %d, %v", read, err)
	}
}

func conformApart(t *testing.T, f fixture) {
	if rows := strings.Join(all(t, begin(t, f.source, f.other), f.query), " "); !strings.Contains(rows, "canary") {
		t.Fatalf("the other customer has no canary: %s", rows)
	}
	if rows := strings.Join(all(t, begin(t, f.source, f.customer), f.query), " "); strings.Contains(rows, "canary") {
		t.Fatal(rows)
	}
	for _, customer := range append(slices.Clone(injections), f.hostile...) {
		snap, err := f.source.Begin(context.Background(), customer, "")
		if err != nil {
			continue
		}
		_, err = snap.Rows(context.Background(), f.query, func(values [][]byte) error { t.Errorf("%q got %q", customer, values); return nil })
		if err != nil && source.KindOf(err) == "" {
			t.Errorf("%q: %v is no error of a source", customer, err)
		}
		snap.Close()
	}
	if snap, err := f.source.Begin(context.Background(), "", ""); err == nil {
		if _, err := snap.Rows(context.Background(), f.query, func([][]byte) error { t.Error("nobody got a row"); return nil }); source.KindOf(err) != source.Invalid {
			t.Errorf("a snapshot of nobody: %v", err)
		}
		snap.Close()
	}
	if rows := all(t, begin(t, f.source, f.customer), f.query); len(rows) != len(f.want) {
		t.Error("an attack left traces", rows)
	}
}

func conformRanges(t *testing.T, f fixture) {
	ctx := context.Background()
	snap := begin(t, f.source, f.customer)
	shares, err := snap.Split(ctx, f.query, 1000, 2000)
	must(t, err)
	if !f.ranges {
		q, from := f.query, "1"
		q.Range.From = &from
		if _, err := snap.Check(ctx, q); len(shares) != 1 || source.KindOf(err) != source.Invalid {
			t.Errorf("%d shares; a range: %v", len(shares), err)
		}
		return
	}
	var got []string
	for _, share := range shares {
		q := f.query
		q.Range = share.Range
		rows := all(t, snap, q)
		if int64(len(rows)) != share.Rows || share.Rows > 2 {
			t.Errorf("share %+v has %d rows", share, len(rows))
		}
		got = append(got, rows...)
	}
	want := slices.Clone(f.want)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(shares) < 2 {
		t.Error(len(shares), diff)
	}
}

func conformConditions(t *testing.T, f fixture) {
	ctx := context.Background()
	snap, q := begin(t, f.source, f.customer), f.query
	if f.where == nil {
		q.Where = []source.Condition{{Column: f.columns[0].Name, In: []string{"x"}}}
		if _, err := snap.Check(ctx, q); source.KindOf(err) != source.Invalid {
			t.Errorf("it cannot be restricted, but said %v", err)
		}
		return
	}
	q.Where = f.where
	_, err := snap.Check(ctx, q)
	must(t, err)
	n, err := snap.Count(ctx, q)
	if diff := cmp.Diff(f.want[:1], all(t, snap, q)); diff != "" || err != nil || n != 1 {
		t.Error(n, err, diff)
	}
	for _, value := range injections {
		if strings.Contains(value, "\x00") || !utf8.ValidString(value) {
			continue
		}
		q.Where = []source.Condition{{Column: f.where[0].Column, In: []string{value}}}
		if rows := all(t, snap, q); len(rows) > 0 {
			t.Errorf("%q gave %q", value, rows)
		}
	}
}

func conformStopping(t *testing.T, f fixture) {
	stop := errors.New("enough")
	for range 12 { // more often than a pool has connections
		snap := begin(t, f.source, f.customer)
		if n, err := snap.Rows(context.Background(), f.query, func([][]byte) error { return stop }); !errors.Is(err, stop) || n != 0 {
			t.Fatal(n, err)
		}
		snap.Close()
		snap.Close()
		snap = begin(t, f.source, f.customer)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := snap.Rows(ctx, f.query, func([][]byte) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		snap.Close()
	}
	if rows := all(t, begin(t, f.source, f.customer), f.query); len(rows) != len(f.want) {
		t.Fatal(rows)
	}
}

func conformFaults(t *testing.T, f fixture) {
	for want, q := range f.broken {
		snap := begin(t, f.source, f.customer)
		_, err := snap.Check(context.Background(), q)
		if kind := source.KindOf(err); kind != source.Schema && kind != source.Invalid || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), q.Dataset) {
			t.Errorf("%v, want %s", err, want)
		}
		if _, err := snap.Check(context.Background(), f.query); err != nil {
			t.Errorf("checking does not go on after %s: %v", want, err)
		}
		snap.Close()
	}
}

func conformSteadiness(t *testing.T, f fixture) {
	snap := begin(t, f.source, f.customer)
	info := snap.Info()
	if info.AsOf.IsZero() || info.ID != "" && !info.Steady || info.Free && info.Steady {
		t.Errorf("%+v", info)
	}
	if f.write == nil {
		return
	}
	for range 3 {
		f.write(t)
		if got := all(t, snap, f.query); info.Steady && !cmp.Equal(f.want, got) {
			t.Fatal(cmp.Diff(f.want, got))
		}
	}
	if got := all(t, begin(t, f.source, f.customer), f.query); cmp.Equal(f.want, got) {
		t.Error("nothing was written")
	}
}

const (
	conformDDL = `create table note (id bigint primary key, customer_id varchar(500) not null, body text, project varchar(20), changed timestamp null);
insert into note values (5, '1', null, 'a', '2026-01-05 10:00:00'), (1, '1', '', 'a', '2026-01-01 10:00:00'), (2, '1', '1客"', 'b', null), (30, '1', 'x', 'A', '2026-01-30 10:00:00'),
 (4, '2', 'canary', 'a', '2026-01-05 10:00:00'), (6, '2', 'canary', 'b', null);`
	conformWrite = "insert into note select max(id) + 1, '1', 'late', 'a', null from note; delete from note where id = (select i from (select min(id) as i from note where customer_id = '1') x)"
)

// databaseFixture is what the databases have in common.
func databaseFixture(name string, s source.Source, write func(t *testing.T)) fixture {
	q := source.Query{Dataset: "notes", Key: "id", SQL: "select id, body, project, changed from note where customer_id = :customer_id order by id desc -- all"}
	broken := func(sql string, where ...source.Condition) source.Query {
		return source.Query{Dataset: "notes", SQL: sql, Where: where}
	}
	retyped := q
	retyped.Columns = []source.Column{{Name: "id", Type: "text"}, {Name: "body"}, {Name: "project"}, {Name: "changed"}}
	return fixture{
		name: name, source: s, query: q, customer: "1", other: "2", write: write, ranges: true,
		want:    []string{"30|x|A|2026-01-30 10:00:00", "5|<nil>|a|2026-01-05 10:00:00", "2|1客\"|b|<nil>", "1||a|2026-01-01 10:00:00"},
		where:   []source.Condition{{Column: "changed", From: "2026-01-06", Before: "2026-01-30T10:00:01Z"}, {Column: "project", In: []string{"A", "zz"}}},
		columns: []source.Column{{Name: "id", Type: "integer"}, {Name: "body", Type: "text"}, {Name: "project", Type: "text"}, {Name: "changed", Type: "timestamp"}},
		broken: map[string]source.Query{
			"nope":                    broken("select nope from note where customer_id = :customer_id"),
			"nothing_here":            broken("select * from nothing_here where customer_id = :customer_id"),
			"does not use":            broken("select * from note"),
			"second statement":        broken("select * from note where customer_id = :customer_id; drop table note"),
			`"none"`:                  broken(q.SQL, source.Condition{Column: "none", In: []string{"x"}}),
			"needs a date, timestamp": broken(q.SQL, source.Condition{Column: "body", From: "2026-01-01"}),
			`"id" is now integer`:     retyped,
		},
	}
}

func postgresFixture(t *testing.T) fixture {
	s, owner := product(t, conformDDL, source.Options{})
	return databaseFixture("PostgreSQL", s, func(t *testing.T) {
		_, err := owner.Exec(context.Background(), conformWrite)
		must(t, err)
	})
}

func mariadbFixture(t *testing.T) fixture {
	s, d := mysqlProduct(t, strings.Replace(conformDDL, "changed timestamp", "changed datetime", 1), source.Options{})
	return databaseFixture("MariaDB", s, func(t *testing.T) { change(t, d.Owner, conformWrite) })
}

func apiFixture(t *testing.T) fixture {
	s, _ := api(t, "", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/base/accounts/HZ-2/notes" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"data":{"items":[{"id":99,"body":"canary"}]},"meta":{}}`)
			return
		}
		honest(w, r)
	})
	f := fixture{name: "HTTP API", source: s, query: request(byCursor), customer: "HZ-1", other: "HZ-2", columns: request(byCursor).Columns}
	for i := range 10 {
		f.want = append(f.want, fmt.Sprintf("%d|note %d", i, i))
	}
	lost := request(byCursor)
	lost.Columns = []source.Column{{Name: "id", Type: "text"}}
	f.broken = map[string]source.Query{"body": lost}
	return f
}

func folderFixture(t *testing.T) fixture { return placeFixture(t, folder(t)) }

func bucketFixture(t *testing.T) fixture {
	p, _, _ := bucket(t)
	return placeFixture(t, p)
}

func placeFixture(t *testing.T, p place) fixture {
	for _, key := range []string{"HZ-1/a.txt", "HZ-1/b.txt", "HZ-1/c/客.txt", "HZ-1/d.txt"} {
		p.put(t, key, "12345")
	}
	p.put(t, "HZ-2/canary.txt", "12345")
	p.put(t, "HZ-10/canary.txt", "12345")
	s := open(t, p.address, source.Options{})
	f := fixture{name: p.name, source: s, query: objectsOf(":customer_id/"), customer: "HZ-1", other: "HZ-2", ranges: true, hostile: []string{"HZ", "HZ-", "H"}}
	snap := begin(t, s, "HZ-1")
	columns, err := snap.Check(context.Background(), f.query)
	must(t, err)
	f.columns, f.want = columns, all(t, snap, f.query) // what they hold is up to TestListingsAreRowsAndAttachments
	if len(f.want) != 4 {
		t.Fatal(f.want)
	}
	f.query.Columns = columns
	f.broken = map[string]source.Query{"nope": {Dataset: "files", Objects: f.query.Objects, Key: "key", Columns: []source.Column{{Name: "nope"}}}}
	return f
}
