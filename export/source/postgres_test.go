package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/localtest"
	"offramp/export/connect"
	"offramp/export/source"
	"offramp/export/storage"
)

// product makes a retired product's database and opens it as a source and as its owner.
func product(t *testing.T, ddl string, o source.Options) (source.Source, *pgxpool.Pool) {
	t.Helper()
	d := localtest.EmptyDatabase(t)
	owner := d.Super(t)
	_, err := owner.Exec(context.Background(), ddl)
	must(t, err)
	return open(t, d.SuperURL, o), owner
}

func open(t *testing.T, address string, o source.Options) source.Source {
	t.Helper()
	s, err := connect.Open(context.Background(), address, o)
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

func begin(t *testing.T, s source.Source, customer string) source.Snapshot {
	t.Helper()
	snapshot, err := s.Begin(context.Background(), customer, "")
	must(t, err)
	t.Cleanup(snapshot.Close)
	return snapshot
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// all reads a query; nil prints as <nil>.
func all(t *testing.T, s source.Snapshot, q source.Query) (rows []string) {
	t.Helper()
	n, err := s.Rows(context.Background(), q, func(values [][]byte) error {
		cells := make([]string, len(values))
		for i, v := range values {
			if cells[i] = string(v); v == nil {
				cells[i] = "<nil>"
			}
		}
		rows = append(rows, strings.Join(cells, "|"))
		return nil
	})
	must(t, err)
	if n != int64(len(rows)) {
		t.Fatalf("said %d rows, gave %d", n, len(rows))
	}
	return rows
}

const notes = `
create table note (id bigint primary key, customer_id bigint not null, body text);
insert into note select i, i % 3, 'note ' || i from generate_series(1, 9) i;
insert into note values (100, 1, null), (101, 1, '');`

var notesOf = source.Query{Dataset: "notes", SQL: "select id, body from note where customer_id = :customer_id order by id;"}

func TestRowsOfOneCustomer(t *testing.T) {
	s, _ := product(t, notes, source.Options{})
	must(t, s.Ping(context.Background()))
	snapshot := begin(t, s, "1")
	columns, err := snapshot.Check(context.Background(), notesOf)
	must(t, err)
	if diff := cmp.Diff([]source.Column{{Name: "id", Type: "integer"}, {Name: "body", Type: "text"}}, columns); diff != "" {
		t.Fatal(diff)
	}
	n, err := snapshot.Count(context.Background(), notesOf)
	must(t, err)
	rows := all(t, snapshot, notesOf)
	if diff := cmp.Diff([]string{"1|note 1", "4|note 4", "7|note 7", "100|<nil>", "101|"}, rows); diff != "" || n != 5 {
		t.Fatal(n, diff)
	}
	counted := notesOf
	counted.CountSQL = "select 5 where :customer_id = '1'"
	if n, err := snapshot.Count(context.Background(), counted); err != nil || n != 5 {
		t.Fatal(n, err)
	}
	// The customer is data, whatever it holds.
	if rows := all(t, begin(t, s, "-1"), notesOf); len(rows) != 0 {
		t.Fatal(rows)
	}
	text := source.Query{SQL: "select id from note where body = :customer_id"}
	if rows := all(t, begin(t, s, "' or true --"), text); len(rows) != 0 {
		t.Fatal(rows)
	}
}

func TestTextFormsWhateverTheServersSettings(t *testing.T) {
	s, owner := product(t, "create type mood as enum ('sad')", source.Options{})
	_, err := owner.Exec(context.Background(), `do $$ begin execute 'alter database ' || current_database() || ' set timezone = ''Asia/Shanghai'''; 
		execute 'alter database ' || current_database() || ' set datestyle = ''SQL, DMY'''; execute 'alter database ' || current_database() || ' set bytea_output = ''escape'''; 
		execute 'alter database ' || current_database() || ' set intervalstyle = ''postgres_verbose'''; execute 'alter database ' || current_database() || ' set extra_float_digits = -5'; end $$`)
	must(t, err)
	for _, c := range []struct{ expression, kind, want string }{
		{"true", "boolean", "t"},
		{"9223372036854775807", "integer", "9223372036854775807"},
		{"0.10::numeric", "number", "0.10"},
		{"(0.1::float8 + 0.2)", "number", "0.30000000000000004"},
		{"'NaN'::float4", "number", "NaN"},
		{"date '2026-03-01'", "date", "2026-03-01"},
		{"time '14:05:00.5'", "time", "14:05:00.5"},
		{"timestamp '2026-03-01 14:05'", "timestamp", "2026-03-01 14:05:00"},
		{"timestamptz '2026-03-01 14:05+08'", "instant", "2026-03-01 06:05:00+00"},
		{"interval '1 day 2 hours'", "duration", "P1DT2H"},
		{`'\x00ff'::bytea`, "binary", `\x00ff`},
		{`'{"a": 1}'::jsonb`, "json", `{"a": 1}`},
		{"'6F1F64B0-1111-4222-8333-444455556666'::uuid", "uuid", "6f1f64b0-1111-4222-8333-444455556666"},
		{"array['a', null, 'b c']", "text", `{a,NULL,"b c"}`},
		{"'sad'::mood", "text", "sad"},
		{"'客户'::varchar(9)", "text", "客户"},
		{"null::int", "integer", "<nil>"},
	} {
		snapshot := begin(t, s, "1")
		q := source.Query{SQL: "select " + c.expression + " as v where :customer_id = '1'"}
		columns, err := snapshot.Check(context.Background(), q)
		must(t, err)
		if got := all(t, snapshot, q); columns[0].Type != c.kind || got[0] != c.want {
			t.Errorf("%s: %s %q, want %s %q", c.expression, columns[0].Type, got[0], c.kind, c.want)
		}
		snapshot.Close()
	}
}

func TestE07_LockedTableIsRetryableAndThePoolLives(t *testing.T) {
	ctx := context.Background()
	s, owner := product(t, notes, source.Options{LockTimeout: 100 * time.Millisecond})
	tx, err := owner.Begin(ctx)
	must(t, err)
	_, err = tx.Exec(ctx, "lock table note in access exclusive mode")
	must(t, err)
	for range 20 { // more often than the pool has connections
		snapshot := begin(t, s, "1")
		_, err := snapshot.Check(ctx, notesOf)
		var e *source.Error
		if !errors.As(err, &e) || e.Kind != source.Locked || !e.Retryable() || e.Dataset != "notes" {
			t.Fatal(err)
		}
		snapshot.Close()
	}
	must(t, tx.Rollback(ctx))
	if rows := all(t, begin(t, s, "1"), notesOf); len(rows) != 5 {
		t.Fatal(rows)
	}
}

func TestE08_ChangedSchemaFailsLoudlyAndNamesIt(t *testing.T) {
	ctx := context.Background()
	s, owner := product(t, notes, source.Options{})
	planned := notesOf
	planned.SQL = "select * from note where customer_id = :customer_id"
	before := begin(t, s, "1")
	var err error
	planned.Columns, err = before.Check(ctx, planned)
	must(t, err)
	before.Close() // its tables are locked against changes of the schema
	for _, c := range []struct{ ddl, undo, want string }{
		{"alter table note drop column body", "alter table note add column body text", `"notes": schema: column "body" is missing`},
		{"alter table note alter id type text using id::text", "alter table note alter id type bigint using id::bigint", `column "id" is now text, declared as integer`},
		{"alter table note add column extra int", "alter table note drop column extra", `column "extra" is not declared`},
		{"alter table note rename to remark", "alter table remark rename to note", `relation "note" does not exist`},
		{"alter table note rename customer_id to owner_id", "alter table note rename owner_id to customer_id", `column "customer_id" does not exist`},
	} {
		_, err := owner.Exec(ctx, c.ddl)
		must(t, err)
		snapshot := begin(t, s, "1")
		_, checked := snapshot.Check(ctx, planned)
		_, read := snapshot.Rows(ctx, planned, func([][]byte) error { t.Error("a row came"); return nil })
		snapshot.Close()
		for _, err := range []error{checked, read} {
			if source.KindOf(err) != source.Schema || !strings.Contains(fmt.Sprint(err), c.want) {
				t.Errorf("%s: %v", c.ddl, err)
			}
		}
		_, err = owner.Exec(ctx, c.undo)
		must(t, err)
	}
}

// TestCheckingGoesOnAfterAFault checks every dataset in one snapshot, good and bad.
func TestCheckingGoesOnAfterAFault(t *testing.T) {
	ctx := context.Background()
	s, _ := product(t, notes, source.Options{})
	snapshot := begin(t, s, "")
	for _, c := range []struct {
		sql  string
		want source.Kind
	}{
		{"select nope from note where customer_id = :customer_id", source.Schema},
		{"selec 1", source.Invalid},
		{"select 1, 2 as x, 3 as x where :customer_id = '1'", source.Schema},
		{"select :customer_id; drop table note", source.Invalid},
		{notesOf.SQL, ""},
	} {
		_, err := snapshot.Check(ctx, source.Query{Dataset: "d", SQL: c.sql})
		if source.KindOf(err) != c.want || (err != nil && !strings.Contains(err.Error(), `"d"`)) {
			t.Errorf("%s: %v", c.sql, err)
		}
	}
	if _, err := snapshot.Count(ctx, notesOf); source.KindOf(err) != source.Invalid {
		t.Errorf("a snapshot without a customer counted: %v", err)
	}
}

func TestE11_OneSnapshotForAllReaders(t *testing.T) {
	ctx := context.Background()
	s, owner := product(t, notes, source.Options{})
	first := begin(t, s, "1")
	_, err := owner.Exec(ctx, "delete from note; insert into note values (500, 1, 'late')")
	must(t, err)
	second, err := s.Begin(ctx, "1", first.Info().ID)
	must(t, err)
	defer second.Close()
	if diff := cmp.Diff(all(t, first, notesOf), all(t, second, notesOf)); diff != "" || len(all(t, second, notesOf)) != 5 {
		t.Fatal(diff)
	}
	if rows := all(t, begin(t, s, "1"), notesOf); len(rows) != 1 {
		t.Fatal(rows)
	}
	if time.Since(first.Info().AsOf).Abs() > time.Hour {
		t.Fatal(first.Info())
	}
	first.Close()
	if _, err := s.Begin(ctx, "1", "'; drop table note"); source.KindOf(err) != source.Invalid {
		t.Fatal(err)
	}
}

func TestSnapshotsOnlyRead(t *testing.T) {
	ctx := context.Background()
	s, owner := product(t, notes, source.Options{})
	snapshot := begin(t, s, "1")
	q := source.Query{SQL: "with gone as (delete from note where customer_id = :customer_id returning id) select * from gone"}
	if _, err := snapshot.Rows(ctx, q, func([][]byte) error { return nil }); err == nil {
		t.Fatal("a query deleted rows")
	}
	var n int
	must(t, owner.QueryRow(ctx, "select count(*) from note").Scan(&n))
	if n != 11 {
		t.Fatalf("%d rows are left", n)
	}
}

func TestReadingStopsAtOnce(t *testing.T) {
	s, _ := product(t, "create table big as select i as id, repeat('x', 1000) as body from generate_series(1, 200000) i", source.Options{})
	q := source.Query{SQL: "select * from big where :customer_id = '1'"}
	stop := errors.New("enough")
	snapshot := begin(t, s, "1")
	n, err := snapshot.Rows(context.Background(), q, func([][]byte) error { return stop })
	if !errors.Is(err, stop) || n != 0 {
		t.Fatal(n, err)
	}
	snapshot.Close()
	ctx, cancel := context.WithCancel(context.Background())
	snapshot = begin(t, s, "1")
	if _, err := snapshot.Rows(ctx, q, func([][]byte) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	snapshot.Close()
	if n, err := begin(t, s, "1").Count(context.Background(), q); err != nil || n != 200_000 {
		t.Fatal(n, err)
	}
}

func TestE02_LostConnectionIsRetryable(t *testing.T) {
	ctx := context.Background()
	s, owner := product(t, "create table big as select i as id, repeat('x', 1000) as body from generate_series(1, 50000) i", source.Options{})
	snapshot := begin(t, s, "1")
	var ended bool
	_, err := snapshot.Rows(ctx, source.Query{SQL: "select * from big where :customer_id = '1'"}, func([][]byte) error {
		if !ended {
			ended = true
			_, err := owner.Exec(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'offramp-export' and datname = current_database()")
			return err
		}
		return nil
	})
	if source.KindOf(err) != source.Unavailable {
		t.Fatal(err)
	}
	snapshot.Close()
	must(t, s.Ping(ctx))
}

func TestWrongAddressesAreNamed(t *testing.T) {
	d := localtest.EmptyDatabase(t)
	u, err := url.Parse(d.SuperURL)
	must(t, err)
	nobody, nowhere, closed := *u, *u, *u
	nobody.User = url.UserPassword("nobody", "secret")
	nowhere.Path = "/no_such_database"
	closed.Host = "127.0.0.1:1"
	for address, want := range map[string]source.Kind{nobody.String(): source.Denied, nowhere.String(): source.Denied, closed.String(): source.Unavailable} {
		err := open(t, address, source.Options{}).Ping(context.Background())
		if source.KindOf(err) != want || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"mysql://x", "postgres://u:secret@h:port/db", ":secret"} {
		if _, err := connect.Open(context.Background(), address, source.Options{}); source.KindOf(err) != source.Invalid || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestScansNameTablesWithoutAnIndex(t *testing.T) {
	s, owner := product(t, "create table big as select i as id, i % 100 as customer_id from generate_series(1, 20000) i; analyze big; set statement_timeout = 0", source.Options{})
	q := source.Query{Dataset: "big", SQL: "select * from big where customer_id = :customer_id"}
	scans := func(above int64) []source.Scan {
		got, err := begin(t, s, "1").(source.Adviser).Scans(context.Background(), q, above)
		must(t, err)
		return got
	}
	if got := scans(10_000); len(got) != 1 || got[0] != (source.Scan{Table: "public.big", Rows: 20_000}) {
		t.Fatal(got)
	}
	if got := scans(30_000); len(got) != 0 {
		t.Fatal(got)
	}
	_, err := owner.Exec(context.Background(), "create index on big (customer_id)")
	must(t, err)
	if got := scans(10_000); len(got) != 0 {
		t.Fatal(got)
	}
}

func TestObjects(t *testing.T) {
	ctx := context.Background()
	server := localtest.S3(t)
	name := server.Bucket(t)
	address := func(secret, bucket string) string {
		return fmt.Sprintf("s3+http://%s:%s@%s/%s", server.AccessKey, url.QueryEscape(secret), strings.TrimPrefix(server.Endpoint, "http://"), bucket)
	}
	config, err := storage.ParseURL(address(server.SecretKey, name))
	must(t, err)
	b, err := storage.Open(ctx, config)
	must(t, err)
	_, err = b.Put(ctx, "年/图.png", []byte("picture"), "image/png")
	must(t, err)
	o, err := connect.OpenObjects(ctx, address(server.SecretKey, name), source.Options{})
	must(t, err)
	must(t, o.Ping(ctx))
	body, size, err := o.Open(ctx, "年/图.png")
	must(t, err)
	got, err := io.ReadAll(body)
	must(t, err)
	must(t, body.Close())
	if string(got) != "picture" || size != 7 {
		t.Fatalf("%q, %d", got, size)
	}
	for _, key := range []string{"nothing", ""} {
		_, _, err = o.Open(ctx, key)
		var item *source.ObjectError
		if !errors.As(err, &item) || item.ItemReason() != "missing" {
			t.Errorf("%q: %v", key, err)
		}
	}
	// What concerns every attachment must never pass for one that is missing.
	for _, c := range []struct {
		address string
		want    source.Kind
	}{{address("wrong", name), source.Denied}, {address(server.SecretKey, "no-such-bucket"), source.Invalid}} {
		o, err := connect.OpenObjects(ctx, c.address, source.Options{})
		must(t, err)
		if err := o.Ping(ctx); source.KindOf(err) != c.want {
			t.Errorf("ping: %v", err)
		}
		if _, _, err := o.Open(ctx, "年/图.png"); source.KindOf(err) != c.want {
			t.Errorf("open: %v", err)
		}
	}
}
