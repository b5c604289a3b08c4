package source_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/deploy/local/localtest"
	"offramp/export/connect"
	"offramp/export/source"
)

// mysqlProduct makes a retired product's database and opens it as a source and as its owner.
func mysqlProduct(t *testing.T, ddl string, o source.Options) (source.Source, localtest.MariaDBDatabase) {
	t.Helper()
	d := localtest.MariaDB(t)
	change(t, d.Owner, ddl)
	return open(t, d.URL, o), d
}

func change(t *testing.T, owner *sql.DB, ddl string) {
	t.Helper()
	_, err := owner.ExecContext(context.Background(), ddl)
	must(t, err)
}

func TestTextFormsOfMySQL(t *testing.T) {
	ddl := `create table v (id int primary key, z int(8) zerofill, d double, b bit(10), y year, dd date, tt time(3), ts timestamp null, dt datetime(6),
		e enum('x','y'), st set('p','q'), bl blob, bb binary(4), g point, dc decimal(12,3) zerofill, tb boolean, ub bigint unsigned, tx text, u uuid, j json);
		set time_zone = '+08:00', sql_mode = '';
		insert into v values (1, 5, 0.1e0+0.2e0, 5, 2026, '0000-00-00', '-500:01:02.5', '2026-03-01 14:05:00', '2026-03-01 14:05:00.5', 'x', 'p,q', 0x00ff, 'ab', point(1,2), 1.5, 2, 18446744073709551615, '客\\😀', '6F1F64B0-1111-4222-8333-444455556666', '{"b":1,"a":"客"}'),
		(2, null, null, null, null, null, null, null, null, null, null, '', null, null, null, null, null, '', null, null)`
	jsonType, jsonText := "text", `{"b":1,"a":"客"}`
	if !localtest.MariaDB(t).Server.IsMariaDB() { // MySQL has no type for UUIDs, and one for JSON
		jsonType, jsonText = "json", `{"a": "客", "b": 1}`
		ddl = strings.NewReplacer("u uuid", "u char(36)", "6F1F64B0", "6f1f64b0").Replace(ddl)
	}
	s, _ := mysqlProduct(t, ddl, source.Options{})
	for _, c := range []struct{ column, kind, want, empty string }{
		{"z", "integer", "5", "<nil>"},
		{"d", "number", "0.30000000000000004", "<nil>"},
		{"b", "integer", "5", "<nil>"},
		{"y", "integer", "2026", "<nil>"},
		{"dd", "date", "0000-00-00", "<nil>"},
		{"tt", "text", "-500:01:02.500", "<nil>"},
		{"ts", "instant", "2026-03-01 06:05:00+00", "<nil>"},
		{"dt", "timestamp", "2026-03-01 14:05:00.500000", "<nil>"},
		{"e", "text", "x", "<nil>"},
		{"st", "text", "p,q", "<nil>"},
		{"bl", "binary", `\x00ff`, `\x`},
		{"bb", "binary", `\x61620000`, "<nil>"},
		{"g", "binary", `\x000000000101000000000000000000f03f0000000000000040`, "<nil>"},
		{"dc", "number", "1.500", "<nil>"},
		{"tb", "integer", "2", "<nil>"},
		{"ub", "integer", "18446744073709551615", "<nil>"},
		{"tx", "text", `客\😀`, ""},
		{"u", "text", "6f1f64b0-1111-4222-8333-444455556666", "<nil>"},
		{"j", jsonType, jsonText, "<nil>"},
	} {
		q := source.Query{SQL: "select " + c.column + " from v where :customer_id = '1' order by id"}
		snapshot := begin(t, s, "1")
		columns, err := snapshot.Check(context.Background(), q)
		must(t, err)
		if got := all(t, snapshot, q); columns[0].Type != c.kind || got[0] != c.want || got[1] != c.empty {
			t.Errorf("%s: %s %q, want %s %q, %q", c.column, columns[0].Type, got, c.kind, c.want, c.empty)
		}
		snapshot.Close()
	}
}

// TestZ03_ReferencesAreNeverReadAsNumbers: the server itself finds 1 equal to '1 or so'.
func TestZ03_ReferencesAreNeverReadAsNumbers(t *testing.T) {
	s, _ := mysqlProduct(t, `create table item (id bigint primary key, customer_id bigint, code varchar(20), body text);
		insert into item values (1, 1, '1x', 'one'), (2, 0, 'acme', 'nobody'), (3, 9007199254740992, '2', 'big'), (4, 9007199254740993, '1', 'bigger')`, source.Options{})
	number := source.Query{Dataset: "items", SQL: "select body from item where customer_id = :customer_id"}
	code := source.Query{Dataset: "items", SQL: "select body from item where code = :customer_id"}
	sum := source.Query{Dataset: "sum", SQL: "select count(*) as n from item where code = :customer_id"}
	for _, c := range []struct{ customer, number, code, sum string }{
		{"1", "one", "bigger", "1"},
		{"9007199254740993", "bigger", "", "0"},
		{"1x", "refused", "one", "1"},
		{"acme", "refused", "nobody", "1"},
		{"1' OR 1=1 -- ", "refused", "", "0"},
		{" 1", "refused", "", "0"},
		{"1e0", "refused", "", "0"},
		{"01", "refused", "", "0"},
		{"%", "refused", "", "0"},
		{`\' or 1=1 #`, "refused", "", "0"},
		{"77", "", "", "0"},
		{"77x", "", "", "0"},
	} {
		for _, x := range []struct {
			q    source.Query
			want string
		}{{number, c.number}, {code, c.code}, {sum, c.sum}} {
			snapshot := begin(t, s, c.customer)
			var rows []string
			_, err := snapshot.Rows(context.Background(), x.q, func(v [][]byte) error { rows = append(rows, string(v[0])); return nil })
			_, counted := snapshot.Count(context.Background(), x.q)
			if x.want == "refused" {
				if source.KindOf(err) != source.Invalid || source.KindOf(counted) != source.Invalid || len(rows) > 0 || !strings.Contains(err.Error(), "compares the customer's reference with a number") {
					t.Errorf("%q: %v %v %v", c.customer, rows, err, counted)
				}
			} else if got := strings.Join(rows, ","); err != nil || counted != nil || got != x.want {
				t.Errorf("%q: %q, want %q: %v", c.customer, got, x.want, err)
			}
			snapshot.Close()
		}
	}
}

func TestMySQLOnlyReads(t *testing.T) {
	s, d := mysqlProduct(t, "create table item (id bigint primary key, customer_id bigint); insert into item values (1, 1)", source.Options{})
	snapshot := begin(t, s, "1")
	for _, sql := range []string{
		"delete from item where customer_id = :customer_id", "drop table item -- :customer_id\n", "select id from item where customer_id = :customer_id into outfile '/tmp/x'",
		"select * from item where customer_id = :customer_id; drop table item", "/*!50000 drop table item */ :customer_id", "select @x := :customer_id",
	} {
		if _, err := snapshot.Rows(context.Background(), source.Query{SQL: sql}, func([][]byte) error { return nil }); source.KindOf(err) != source.Invalid {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{"drop table item", "delete from item", "with x as (select 1) delete from item"} {
		if err := s.Table(context.Background(), sql, func([]source.Column, [][]byte) error { return nil }); err == nil {
			t.Errorf("%s: nothing was said", sql)
		}
	}
	var n int
	must(t, d.Owner.QueryRowContext(context.Background(), "select count(*) from item").Scan(&n))
	if n != 1 {
		t.Fatal(n)
	}
}

func TestFloatsThatWouldBeRoundedAreNamed(t *testing.T) {
	s, _ := mysqlProduct(t, "create table item (f float, customer_id int); insert into item values (16777216, 1)", source.Options{})
	snapshot := begin(t, s, "1")
	_, err := snapshot.Check(context.Background(), source.Query{Dataset: "items", SQL: "select f from item where customer_id = :customer_id"})
	if source.KindOf(err) != source.Schema || !strings.Contains(err.Error(), "select f + 0e0 as f") {
		t.Fatal(err)
	}
	if got := all(t, begin(t, s, "1"), source.Query{SQL: "select f + 0e0 as f from item where customer_id = :customer_id"}); got[0] != "1.6777216e+07" {
		t.Fatal(got)
	}
}

func TestAddressesOfMySQL(t *testing.T) {
	d := localtest.MariaDB(t)
	change(t, d.Owner, "create table item (id int, customer_id int); drop user if exists reader@'127.0.0.1'; create user reader@'127.0.0.1' identified by 'p@ss:word'; grant usage on *.* to reader@'127.0.0.1'")
	for address, want := range map[string]source.Kind{
		d.URL: "", d.Server.URL(d.Name, url.UserPassword("nobody", "secret")): source.Denied, d.Server.URL("no_such", url.User("root")): source.Denied,
		d.Server.URL(d.Name, url.UserPassword("reader", "p@ss:word")): source.Denied, "mysql://u:secret@127.0.0.1:1/db": source.Unavailable,
	} {
		err := open(t, address, source.Options{}).Ping(context.Background())
		if source.KindOf(err) != want || strings.Contains(fmt.Sprint(err), "secret") || strings.Contains(fmt.Sprint(err), "p@ss") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"mysql://u:secret@h:port/db", "mysql://u:secret@h", "mysql://u:secret@h/db?multiStatements=true", "mysql://u:secret@h/db?tls=maybe", "mysql://u:secret@h/db?tls_ca=/none"} {
		if _, err := connect.Open(context.Background(), address, source.Options{}); source.KindOf(err) != source.Invalid || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestTablesOfOtherEnginesAreNotSteady(t *testing.T) {
	s, d := mysqlProduct(t, "create table item (id int) engine=InnoDB", source.Options{})
	if info := begin(t, s, "1").Info(); !info.Steady || info.ID != "" || time.Since(info.AsOf).Abs() > time.Hour {
		t.Fatal(info)
	}
	change(t, d.Owner, "create table log (id int) engine=MyISAM")
	if begin(t, s, "1").Info().Steady {
		t.Fatal("a table without snapshots is called steady")
	}
}

func TestTableOfMySQL(t *testing.T) {
	s, _ := mysqlProduct(t, "create table customer (id int primary key, name varchar(20)); insert into customer values (1, 'Ann'), (2, null)", source.Options{})
	columns, err := s.CheckTable(context.Background(), "select id, name from customer order by id;")
	must(t, err)
	var got []string
	must(t, s.Table(context.Background(), "select id, name from customer order by id;", func(c []source.Column, v [][]byte) error {
		got = append(got, fmt.Sprintf("%v %s %t", c, v[0], v[1] == nil))
		return nil
	}))
	if diff := cmp.Diff([]string{"[{id integer} {name text}] 1 false", "[{id integer} {name text}] 2 true"}, got); diff != "" || len(columns) != 2 {
		t.Fatal(diff)
	}
	for sql, want := range map[string]source.Kind{"select nope from customer": source.Schema, "select 1 from nope": source.Schema, "selec": source.Invalid} {
		if _, err := s.CheckTable(context.Background(), sql); source.KindOf(err) != want {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// TestScansOfMySQLNameTablesWithoutAnIndex asks for advice before and after there is an index, for columns of several kinds and
// character sets, which the customer's reference must not keep from being used.
func TestScansOfMySQLNameTablesWithoutAnIndex(t *testing.T) {
	for _, kind := range []string{"int", "varchar(40)", "varchar(40) character set latin1", "varchar(40) character set utf8mb4 collate utf8mb4_bin", "varbinary(40)"} {
		s, d := mysqlProduct(t, fmt.Sprintf("create table big (id int primary key, customer_id %s); insert into big select seq, seq %% 100 from %s; analyze table big", kind, localtest.Numbers(20_000)), source.Options{})
		q := source.Query{Dataset: "big", SQL: "select b.id from big b where b.customer_id = :customer_id order by b.id"}
		scans := func(q source.Query, above int64) []source.Scan {
			snap := begin(t, s, "1")
			defer snap.Close()
			got, err := snap.(source.Adviser).Scans(context.Background(), q, above)
			must(t, err)
			return got
		}
		if got := scans(q, 2_000); len(got) != 1 || got[0].Table != "b" || got[0].Rows < 5_000 || got[0].Rows > 80_000 { // the server guesses from a few pages
			t.Errorf("%s: %v", kind, got)
		}
		if got := scans(q, 200_000); len(got) != 0 {
			t.Errorf("%s: %v", kind, got)
		}
		change(t, d.Owner, "create index by_customer on big (customer_id, id)")
		restricted := q
		restricted.Key, restricted.Range = "id", source.Range{From: new("5")}
		for _, q := range []source.Query{q, restricted} {
			if got := scans(q, 2_000); len(got) != 0 {
				t.Errorf("%s: %v", kind, got)
			}
		}
		if rows := all(t, begin(t, s, "1"), q); len(rows) != 200 {
			t.Errorf("%s: %d rows", kind, len(rows))
		}
	}
}
