package source

import (
	"strings"
	"testing"
)

func TestBind(t *testing.T) {
	for _, c := range []struct{ name, in, want, fault string }{
		{name: "plain", in: "select * from t where c = :customer_id", want: "select * from t where c = $1"},
		{name: "twice", in: "select :customer_id, :customer_id", want: "select $1, $1"},
		{name: "cast after", in: "select * from t where c = :customer_id::bigint", want: "select * from t where c = $1::bigint"},
		{name: "cast is no parameter", in: "select a::customer_id from t where c=:customer_id", want: "select a::customer_id from t where c=$1"},
		{name: "string", in: "select ':customer_id', 'it''s :x' from t where c=:customer_id", want: "select ':customer_id', 'it''s :x' from t where c=$1"},
		{name: "escape string", in: `select E'\':x', e'a\\' from t where c=:customer_id`, want: `select E'\':x', e'a\\' from t where c=$1`},
		{name: "backslash in a plain string", in: `select '\' from t where c=:customer_id`, want: `select '\' from t where c=$1`},
		{name: "name that ends in e", in: `select namE'\' from t where c=:customer_id`, want: `select namE'\' from t where c=$1`},
		{name: "quoted name", in: `select "a:b;"":c" from t where c=:customer_id`, want: `select "a:b;"":c" from t where c=$1`},
		{name: "line comment", in: "select 1 -- it's :x;\n, :customer_id", want: "select 1 -- it's :x;\n, $1"},
		{name: "nested comment", in: "select /* :x /* ; */ ' */ :customer_id", want: "select /* :x /* ; */ ' */ $1"},
		{name: "dollar quote", in: "select $$ :x ; ' $$, $a$ $$ :y $a$, :customer_id", want: "select $$ :x ; ' $$, $a$ $$ :y $a$, $1"},
		{name: "dollar in a name", in: "select a$b$ from t where c=:customer_id", want: "select a$b$ from t where c=$1"},
		{name: "slice", in: "select a[1:2], a[:] from t where c=:customer_id", want: "select a[1:2], a[:] from t where c=$1"},
		{name: "last semicolon", in: "select :customer_id ; \n", want: "select $1"},
		{name: "Chinese", in: "select '客户' as 客户 where c=:customer_id", want: "select '客户' as 客户 where c=$1"},
		{name: "no parameter", in: "select * from t", fault: "does not use :customer_id"},
		{name: "only in a comment", in: "select * from t -- :customer_id", fault: "does not use :customer_id"},
		{name: "other parameter", in: "select :customer", fault: "unknown parameter :customer "},
		{name: "longer name", in: "select :customer_id2", fault: "unknown parameter :customer_id2"},
		{name: "numbered", in: "select $1", fault: "numbered parameter"},
		{name: "two statements", in: "select :customer_id; drop table t", fault: "second statement at character 20"},
		{name: "open string", in: "select 'abc", fault: "a quote without end at character 8"},
		{name: "open comment", in: "select /* /* */ :customer_id", fault: "a comment without end"},
		{name: "open dollar quote", in: "select $x$ :customer_id", fault: "a dollar quote without end"},
		{name: "NUL", in: "select \x00 :customer_id", fault: "NUL"},
		{name: "empty", in: " ; ", fault: "empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Bind(c.in)
			switch {
			case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
				t.Fatalf("error %v, want one with %q", err, c.fault)
			case c.fault == "" && (err != nil || got != c.want):
				t.Fatalf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// FuzzBind holds what must be true of any input: it ends, and what it returns differs from the input only in that
// parameters became $1.
func FuzzBind(f *testing.F) {
	for _, s := range []string{"select :customer_id", "E'\\", "$a$", "/*/**/", "a::b", "\"", "::::customer_id", "select $$:customer_id"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, err := Bind(in)
		if err != nil {
			return
		}
		in = strings.TrimRight(in, "; \t\r\n")
		for i, j := 0, 0; i < len(in) || j < len(out); {
			switch {
			case i < len(in) && j < len(out) && in[i] == out[j]:
				i, j = i+1, j+1
			case strings.HasPrefix(in[i:], ":"+parameter) && strings.HasPrefix(out[j:], "$1"):
				i, j = i+1+len(parameter), j+2
			default:
				t.Fatalf("%q became %q", in, out)
			}
		}
	})
}
