package source_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/export/connect"
	"offramp/export/source"
)

// canary is a customer's value that no error may repeat: errors reach logs and support.
const canary = "Xq7-Wang"

// quotesNothing reads queries whose rows make the server fail with a value in its message.
func quotesNothing(t *testing.T, s source.Source, queries map[string]string) {
	t.Helper()
	for name, sql := range queries {
		q := source.Query{Dataset: "d", SQL: sql}
		for what, read := range map[string]func(source.Snapshot) error{
			"rows": func(v source.Snapshot) error {
				_, err := v.Rows(t.Context(), q, func([][]byte) error { return nil })
				return err
			},
			"weigh": func(v source.Snapshot) error { _, err := v.Weigh(t.Context(), q); return err },
			"split": func(v source.Snapshot) error {
				k := q
				k.Key = "id"
				_, err := v.Split(t.Context(), k, 1, 1)
				return err
			},
		} {
			snapshot := begin(t, s, "HZ-1")
			err := read(snapshot)
			snapshot.Close()
			if err == nil && what == "rows" {
				t.Errorf("%s: it does not fail", name)
			}
			if err != nil && (strings.Contains(err.Error(), "Xq7") || strings.Contains(err.Error(), "Wang")) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}

func TestErrorsOfPostgreSQLQuoteNoValue(t *testing.T) {
	s, _ := product(t, `CREATE TABLE t (id int, customer text, v text);
		INSERT INTO t VALUES (1, 'HZ-1', '`+canary+`');
		CREATE FUNCTION raises(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no %', $1 USING DETAIL = $1, HINT = $1; END $$;
		CREATE FUNCTION misraises(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no %', $1 USING ERRCODE = '42P01'; END $$;
		CREATE FUNCTION dynamic(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT "' || $1 || '"'; RETURN ''; END $$;
		CREATE DOMAIN small AS text CHECK (length(value) < 3)`, source.Options{})
	expressions := map[string]string{
		"a number": "v::int", "a date": "v::date", "an interval": "v::interval", "a uuid": "v::uuid", "json": "v::json", "jsonb": "('{' || v)::jsonb",
		"a path": "v::jsonpath", "bytes": "decode(v, 'hex')", "base64": "decode(v || '*', 'base64')", "an address": "v::inet", "xml": "xmlparse(document '<' || v)",
		"a regular expression": "'a' ~ ('[' || v)", "a table": "v::regclass", "a type": "v::regtype", "a role": "v::regrole", "a schema": "v::regnamespace",
		"a function": "v::regproc", "a search": "(v || ' & &')::tsquery", "a query": "query_to_xml('select ' || v, true, true, '')", "a setting": "current_setting(v)",
		"a sequence": "nextval(v)::text", "an encoding": "convert_to(v, v)", "an array": "v::int[]", "a range": "v::int4range", "an enum of bits": "v::bit(3)",
		"a function that raises": "raises(v)", "one that raises as a missing table": "misraises(v)", "one that runs what it is given": "dynamic(v)",
		"a domain": "v::small", "a division": "1 / (length(v) - " + fmt.Sprint(len(canary)) + ")", "a zone": "now() AT TIME ZONE v", "a format": "format(v || '%z')",
		"a collation": "to_timestamp(v, 'YYYY-MM-DD')", "a number by pattern": "to_number(v, v)", "a file": "pg_read_file(v)", "a large object": "lo_get(length(v)::oid)::text",
	}
	queries := map[string]string{}
	for name, e := range expressions {
		queries[name] = "SELECT id, " + e + " AS x FROM t WHERE customer = :customer_id"
	}
	delete(queries, "a number by pattern") // gives NULL
	quotesNothing(t, s, queries)
}

func TestErrorsOfMySQLQuoteNoValue(t *testing.T) {
	s, d := mysqlProduct(t, "create table t (id int primary key, customer varchar(9), v varchar(99)); insert into t values (1, 'HZ-1', '"+canary+"')", source.Options{})
	change(t, d.Owner, "create function raises(v varchar(99)) returns int deterministic begin signal sqlstate '45000' set message_text = v; return 1; end")
	change(t, d.Owner, "create function misraises(v varchar(99)) returns int deterministic begin signal sqlstate '42000' set message_text = v; return 1; end")
	queries := map[string]string{}
	for name, e := range map[string]string{
		"a function that raises": "raises(v)", "one that raises as a bad query": "misraises(v)",
		"a path of xml": "extractvalue('<a/>', concat('/', v, '['))", "a change of xml": "updatexml(v, concat('/', v, '['), v)",
		"a regular expression": "'a' regexp concat('[', v)", "two rows": "(select v from t union all select concat(v, 1) from t)",
		"a geometry": "st_geomfromtext(v)",
	} {
		queries[name] = "select id, " + e + " as x from t where customer = :customer_id"
	}
	if !strings.Contains(strings.ToLower(os.Getenv("OFFRAMP_MYSQL_BIN")), "mysqld") { // MariaDB warns where MySQL fails
		delete(queries, "a geometry")
		delete(queries, "a regular expression")
	}
	quotesNothing(t, s, queries)
}

// TestErrorsOfDirectoriesQuoteNoName breaks each access in turn: a name may be a person's.
func TestErrorsOfDirectoriesQuoteNoName(t *testing.T) {
	dir := t.TempDir()
	name := canary + ".pdf"
	for _, sub := range []string{"HZ-1", "HZ-1/" + canary} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	must(t, os.Symlink("/nowhere/"+canary, filepath.Join(dir, "HZ-1", "broken")))
	must(t, os.Symlink(filepath.Join(dir, "HZ-1", "loop"), filepath.Join(dir, "HZ-1", "loop")))
	o, err := connect.OpenObjects(context.Background(), "file://"+dir, source.Options{})
	must(t, err)
	for what, key := range map[string]string{
		"missing": "HZ-1/" + name, "a directory": "HZ-1/" + canary, "a file in place of a directory": "HZ-1/" + canary + "/x/y", "outside": "../" + canary,
		"a broken link": "HZ-1/broken", "a loop": "HZ-1/loop", "too long": "HZ-1/" + strings.Repeat(canary, 60), "no name at all": "HZ-1/" + canary + "\x00",
	} {
		body, _, err := o.Open(context.Background(), key)
		if err == nil {
			_ = body.Close()
			t.Errorf("%s: it does not fail", what)
			continue
		}
		if strings.Contains(err.Error(), "Xq7") || strings.Contains(err.Error(), "Wang") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
