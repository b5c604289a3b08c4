package source

import (
	"strings"
	"testing"
)

func TestBindMySQL(t *testing.T) {
	for _, c := range []struct{ name, in, want, fault string }{
		{name: "plain", in: "select * from t where c = :customer_id;", want: "select * from t where c = ?"},
		{name: "twice", in: "(select :customer_id) union select :customer_id", want: "(select ?) union select ?"},
		{name: "strings", in: `select ':x', "it''s \" ;", 'a\' ?' from t where c=:customer_id`, want: `select ':x', "it''s \" ;", 'a\' ?' from t where c=?`},
		{name: "names", in: "select `a``b:c?` from t where c=:customer_id", want: "select `a``b:c?` from t where c=?"},
		{name: "backslash in a name", in: "select `a\\` from t where c=:customer_id", want: "select `a\\` from t where c=?"},
		{name: "line comments", in: "select 1 -- :x ; '\n, 2 # ? ' :y\n, :customer_id", want: "select 1 -- :x ; '\n, 2 # ? ' :y\n, ?"},
		{name: "minus minus", in: "select 1--1, :customer_id", want: "select 1--1, ?"},
		{name: "carriage return ends no comment", in: "select 1 -- a\r, :customer_id", fault: "does not use"},
		{name: "comments do not nest", in: "select /* /* :x */ :customer_id", want: "select /* /* :x */ ?"},
		{name: "comment first", in: "-- all\nwith a as (select 1) select :customer_id", want: "-- all\nwith a as (select 1) select ?"},
		{name: "hint", in: "select /*+ x */ :customer_id", want: "select /*+ x */ ?"},
		{name: "column into", in: "select t.into from t where :customer_id", want: "select t.into from t where ?"},
		{name: "dollars are names", in: "select a$$b from t where c=:customer_id", want: "select a$$b from t where c=?"},
		{name: "server's comment", in: "select /*! 1, */ :customer_id", fault: "a comment that the server carries out"},
		{name: "MariaDB's comment", in: "select /*M! 1, */ :customer_id", fault: "a comment that the server carries out"},
		{name: "another statement", in: "update t set a = :customer_id", fault: `begins with "update"`},
		{name: "two statements", in: "select :customer_id; drop table t", fault: "second statement"},
		{name: "file", in: "select :customer_id INTO outfile 'x'", fault: "INTO, which writes"},
		{name: "assignment", in: "select @a := :customer_id", fault: "an assignment"},
		{name: "numbered", in: "select ?, :customer_id", fault: "a parameter without a name"},
		{name: "other parameter", in: "select :customer", fault: "unknown parameter :customer "},
		{name: "open string", in: `select 'a\'`, fault: "a quote without end"},
		{name: "open comment", in: "select /* :customer_id", fault: "a comment without end"},
		{name: "NUL", in: "select \x00 :customer_id", fault: "NUL"},
		{name: "no parameter", in: "select 1", fault: "does not use :customer_id"},
		{name: "empty", in: " ; ", fault: "empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, n, err := BindMySQL(c.in)
			switch {
			case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
				t.Fatalf("error %v, want one with %q", err, c.fault)
			case c.fault == "" && (err != nil || got != c.want || n != strings.Count(c.in, ":"+parameter)):
				t.Fatalf("%q, %d, %v; want %q", got, n, err, c.want)
			}
		})
	}
}

// FuzzBindMySQL holds what must be true of any input, as FuzzBind does.
func FuzzBindMySQL(f *testing.F) {
	for _, s := range []string{"select :customer_id", `select '\`, "select `", "select /*/:customer_id*/", "select -- \r:customer_id", `select "" '' :customer_id`, "#", "select @:customer_id"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, n, err := BindMySQL(in)
		if err != nil {
			return
		}
		in, seen := strip(in), 0
		for i, j := 0, 0; i < len(in) || j < len(out); {
			switch {
			case i < len(in) && j < len(out) && in[i] == out[j]:
				i, j = i+1, j+1
			case strings.HasPrefix(in[i:], ":"+parameter) && strings.HasPrefix(out[j:], "?"):
				i, j, seen = i+1+len(parameter), j+1, seen+1
			default:
				t.Fatalf("%q became %q", in, out)
			}
		}
		if seen != n {
			t.Fatalf("%q has %d parameters, said %d", in, seen, n)
		}
	})
}
