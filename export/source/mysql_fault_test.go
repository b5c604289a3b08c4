package source_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
	"offramp/export/source"
)

// mysqlKeys are columns that a query may be cut by, as expressions over a number that is unique.
var mysqlKeys = []string{"i", "cast(i * 3 as decimal(30,2))", "unhex(md5(i))", "concat(char(65 + (i * 7) % 26), i)", "cast('2026-01-01' as datetime) + interval i second", "cast('2026-01-01' as date) + interval i day", "i - 2500"}

func TestSharesAreTheWholeQueryOfMySQL(t *testing.T) {
	s, d := mysqlProduct(t, "create table item (i bigint primary key, customer_id varchar(9), body text, file text, size bigint)", source.Options{})
	rapid.Check(t, func(r *rapid.T) {
		change(t, d.Owner, "truncate item")
		for _, i := range rapid.SliceOfNDistinct(rapid.Int64Range(1, 5000), 0, 30, rapid.ID).Draw(r, "rows") {
			change(t, d.Owner, fmt.Sprintf("insert into item values (%d, '1', if(%[1]d %% 2, 'a', 'b'), if(%[1]d %% 3, 'f', null), if(%[1]d %% 5, %[1]d, null)), (-%[1]d, '2', 'canary', 'canary', 1)", i))
		}
		q := source.Query{Dataset: "items", Key: "k", Files: source.FileColumns{Key: "file", Size: "size"}}
		q.SQL = "select " + rapid.SampledFrom(mysqlKeys).Draw(r, "key") + " as k, i, body, file, size from item where customer_id = :customer_id order by i desc -- all"
		if rapid.Bool().Draw(r, "restricted") {
			q.Where = []source.Condition{{Column: "body", In: []string{"a", "c"}}}
		}
		snap := begin(t, s, "1")
		defer snap.Close()
		holdShares(r, t, snap, q, rapid.Int64Range(0, 500).Draw(r, "per row"), rapid.Int64Range(1, 20_000).Draw(r, "most"))
	})
}

func TestE07_LocksAndStallsOfMySQL(t *testing.T) {
	ctx := context.Background()
	s, d := mysqlProduct(t, "create table item (id int primary key, customer_id int); insert into item values (1, 1), (2, 1)", source.Options{LockTimeout: time.Second, QueryTimeout: time.Second})
	q := source.Query{Dataset: "items", SQL: "select id from item where customer_id = :customer_id order by id"}
	locker, err := d.Owner.Conn(ctx)
	must(t, err)
	_, err = locker.ExecContext(ctx, "lock tables item write")
	must(t, err)
	patient := open(t, d.URL, source.Options{LockTimeout: time.Second})
	snap := begin(t, patient, "1")
	var e *source.Error
	if _, err := snap.Check(ctx, q); !errors.As(err, &e) || e.Kind != source.Locked || !e.Retryable() || e.Dataset != "items" {
		t.Error(err)
	}
	snap.Close()
	_, err = locker.ExecContext(ctx, "unlock tables")
	must(t, err)
	must(t, locker.Close())
	snap = begin(t, s, "1")
	naps := source.Query{Dataset: "naps", SQL: "select id, if(id = 2, benchmark(20000000000, md5(id)), 0) from item where customer_id = :customer_id"}
	if _, err := snap.Rows(ctx, naps, func([][]byte) error { return nil }); source.KindOf(err) != source.Locked || !strings.Contains(err.Error(), "no row came for 1s") {
		t.Error(err)
	}
	snap.Close()
	// The server does not go on with what nobody waits for.
	var running int
	for deadline := time.Now().Add(20 * time.Second); ; {
		must(t, d.Owner.QueryRowContext(ctx, "select count(*) from information_schema.processlist where db = database() and command in ('Query', 'Execute') and id <> connection_id()").Scan(&running))
		if running == 0 || time.Now().After(deadline) {
			break
		}
	}
	if rows := all(t, begin(t, s, "1"), q); running != 0 || len(rows) != 2 {
		t.Fatal(running, rows)
	}
}

func TestE08_ChangedSchemaOfMySQLIsNamed(t *testing.T) {
	s, d := mysqlProduct(t, "create table item (id int primary key, customer_id int, body text); insert into item values (1, 1, 'x')", source.Options{})
	q := source.Query{Dataset: "items", SQL: "select * from item where customer_id = :customer_id"}
	before := begin(t, s, "1")
	var err error
	q.Columns, err = before.Check(context.Background(), q)
	must(t, err)
	before.Close()
	for _, c := range []struct{ ddl, undo, want string }{
		{"alter table item drop column body", "alter table item add column body text", `column "body" is missing`},
		{"alter table item modify id varchar(9)", "alter table item modify id int", `column "id" is now text, declared as integer`},
		{"rename table item to thing", "rename table thing to item", "item' doesn't exist"},
	} {
		change(t, d.Owner, c.ddl)
		snap := begin(t, s, "1")
		_, checked := snap.Check(context.Background(), q)
		_, read := snap.Rows(context.Background(), q, func([][]byte) error { t.Error("a row came"); return nil })
		snap.Close()
		for _, err := range []error{checked, read} {
			if source.KindOf(err) != source.Schema || !strings.Contains(fmt.Sprint(err), c.want) || !strings.Contains(fmt.Sprint(err), `"items"`) {
				t.Errorf("%s: %v", c.ddl, err)
			}
		}
		change(t, d.Owner, c.undo)
	}
}

// TestE09_LargeAndOddValues reads 100 MB in one value, and every byte there is.
func TestE09_LargeAndOddValues(t *testing.T) {
	const size = 100 << 20
	pg, owner := product(t, "create table v (id int, body text, raw bytea)", source.Options{})
	_, err := owner.Exec(context.Background(), fmt.Sprintf(`insert into v values (1, repeat('0123456789', %d), '\x00ff5c0a')`, size/10))
	must(t, err)
	my, d := mysqlProduct(t, "create table v (id int, body longtext, raw blob, nul text)", source.Options{})
	change(t, d.Owner, fmt.Sprintf("insert into v values (1, repeat('0123456789', %d), 0x00ff5c0a, concat('a', char(0), 'b'))", size/10))
	for name, s := range map[string]source.Source{"PostgreSQL": pg, "MariaDB": my} {
		n, err := begin(t, s, "1").Rows(context.Background(), source.Query{SQL: "select body, raw from v where id = :customer_id"}, func(v [][]byte) error {
			if len(v[0]) != size/10*10 || string(v[0][size-size%10-10:]) != "0123456789" || string(v[1]) != `\x00ff5c0a` {
				t.Errorf("%s: %d bytes, %s", name, len(v[0]), v[1])
			}
			return nil
		})
		if err != nil || n != 1 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if got := all(t, begin(t, my, "1"), source.Query{SQL: "select nul from v where id = :customer_id"}); got[0] != "a\x00b" {
		t.Errorf("%q", got)
	}
}

// TestE02_AServerThatDiesIsRetryable kills a server in the middle of a reading and starts it again.
func TestE02_AServerThatDiesIsRetryable(t *testing.T) {
	ctx := context.Background()
	localtest.MariaDB(t) // says what to install
	dir := filepath.Join(t.TempDir(), "m")
	server, err := local.StartMariaDB(ctx, local.MariaDBOptions{Dir: dir})
	must(t, err)
	root, err := server.Open("")
	must(t, err)
	change(t, root, "set global innodb_flush_log_at_trx_commit = 1; create database p; create table p.item (id int primary key, customer_id int, body text); insert into p.item select seq, 1, repeat('x', 1000) from "+localtest.Numbers(20000))
	must(t, root.Close())
	s := open(t, fmt.Sprintf("mysql://root@127.0.0.1:%d/p", server.Port), source.Options{})
	q := source.Query{Dataset: "items", SQL: "select * from item where customer_id = :customer_id"}
	snap := begin(t, s, "1")
	ended := false
	_, err = snap.Rows(ctx, q, func([][]byte) error {
		if !ended {
			ended = true
			return server.Stop()
		}
		return nil
	})
	snap.Close()
	if _, again := s.Begin(ctx, "1", ""); source.KindOf(err) != source.Unavailable || source.KindOf(again) != source.Unavailable {
		t.Fatal(err, again)
	}
	server, err = local.StartMariaDB(ctx, local.MariaDBOptions{Dir: dir, Port: server.Port})
	must(t, err)
	defer func() { must(t, server.Stop()) }()
	if n, err := begin(t, s, "1").Count(ctx, q); err != nil || !cmp.Equal(n, int64(20000)) {
		t.Fatal(n, err)
	}
}
