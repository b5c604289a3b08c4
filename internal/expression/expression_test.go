package expression_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/internal/expression"
)

var columns = []expression.Column{
	{Name: "id", Type: "integer"},
	{Name: "title", Type: "text"},
	{Name: "done", Type: "boolean"},
	{Name: "hours", Type: "number"},
	{Name: "unit price"},
	{Name: "at", Type: "instant"},
}

func row(values ...string) *expression.Row {
	r := &expression.Row{Customer: "HZ-1"}
	for _, v := range values {
		if v == "NULL" {
			r.Values = append(r.Values, nil)
		} else {
			r.Values = append(r.Values, []byte(v))
		}
	}
	return r
}

func over(t testing.TB) *expression.Rows {
	t.Helper()
	rows, err := expression.Over(columns)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestValues(t *testing.T) {
	full, empty := row("7", "Fix it", "t", "2.50", "9", "2026-03-01T14:05:00Z"), row("NULL", "", "NULL", "NULL", "NULL", "NULL")
	rows := over(t)
	for _, c := range []struct{ text, full, empty string }{
		{`row.title + '!'`, "Fix it!", "!"},
		{`row.id`, "7", "NULL"},
		{`row.id == null ? 'none' : 'HZ-' + string(row.id)`, "HZ-7", "none"},
		{`has(row.id) ? row.id + 1 : 0`, "8", "0"},
		{`row.done`, "true", "NULL"},
		{`row.title == '' ? null : row.title`, "Fix it", "NULL"},
		{`customer + '/' + row.title.lowerAscii()`, "HZ-1/fix it", "HZ-1/"},
		{"row.`unit price`", "9", "NULL"},
		{`row.hours == null ? 0 : int(double(row.hours) * 60.0)`, "150", "0"},
		{`has(row.at) ? timestamp(row.at).getFullYear() : 0`, "2026", "0"},
		{`row.title.upperAscii().split(' ').join('-')`, "FIX-IT", ""},
		{`row.title.replace('i', '中', 1)`, "F中x it", ""},
		{`row.title == '' ? dyn(null) : 1`, "1", "NULL"},
	} {
		e, err := rows.Value(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		for i, r := range []*expression.Row{full, empty} {
			out, null, err := e.Append(nil, r)
			got := string(out)
			if null {
				got = "NULL"
			}
			if want := []string{c.full, c.empty}[i]; err != nil || got != want {
				t.Errorf("%s of row %d: got %q, %v, want %q", c.text, i, got, err, want)
			}
		}
	}
}

func TestWhatDoesNotCompileSaysWhy(t *testing.T) {
	rows := over(t)
	for text, want := range map[string]string{
		`row.titel`:                           `at 1:4 of the expression: the dataset has no column "titel"`,
		`row.id + row.title`:                  "no matching overload",
		`row`:                                 "gives offramp.row",
		`row == row ? 1 : 2`:                  "uses row as a whole",
		`offramp.row{title: 'x'}.id`:          "makes a structure",
		`double(row.hours)`:                   "gives double; a value is text",
		`[row.title]`:                         "gives list",
		`'%s'.format([row.title])`:            "uses format",
		`row.done ? 1 : null`:                 "write dyn(null) for no value",
		`now()`:                               "undeclared reference to 'now'",
		`row.title.matches('(')`:              "invalid matches argument",
		`'` + strings.Repeat("x", 4000) + `'`: "has 4002 characters",
		`row.title.split('').all(x, x == '') ? 1 : 2`: "undeclared reference to 'x'",
		`1 +`: "at 1:4 of the expression",
	} {
		if _, err := rows.Value(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, want %s", text, err, want)
		}
	}
	if _, err := rows.Condition(`row.title`); err == nil || !strings.Contains(err.Error(), "a condition says true or false") {
		t.Errorf("condition: %v", err)
	}
}

func TestAnExpressionTellsWhatItReads(t *testing.T) {
	e, err := over(t).Value("has(row.title) && row.done ? row.title + string(row.id) : row.`unit price`")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"done", "id", "title", "unit price"}, e.Columns()); diff != "" {
		t.Error(diff)
	}
}

// TestOneRowsTroubleIsNamed has what a customer's data may do to an expression.
func TestOneRowsTroubleIsNamed(t *testing.T) {
	rows := over(t)
	full := strings.Repeat("a", 1<<20)
	for _, c := range []struct{ text, id, title, reason string }{
		{`string(int(row.title))`, "1", "many", expression.Failed},
		{`row.id + 1`, "9223372036854775807", "", expression.Failed},
		{`row.id + 1`, "9223372036854775808", "", expression.Failed},
		{`row.title.replace('', row.title)`, "1", full, expression.TooMuch},
		{`row.title.split('').join(row.title)`, "1", full, expression.TooMuch},
		{`row.title`, "1", full + "a", expression.TooMuch},
		{`[row.title + row.title` + strings.Repeat(` + row.title + row.title`, 20) + `].join()`, "1", full, expression.TooMuch},
		{`dyn(row.title) == '' ? dyn(1.5) : dyn('x')`, "1", "", expression.Failed},
	} {
		e, err := rows.Value(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		_, _, err = e.Append(nil, row(c.id, c.title, "f", "1", "1", "1"))
		var failed *expression.Error
		if !errors.As(err, &failed) || failed.Reason != c.reason {
			t.Errorf("%s: got %.200v, want %s", c.text, err, c.reason)
		}
	}
	e, err := rows.Condition(`row.done`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Holds(row("1", "", "NULL", "1", "1", "1")); err == nil {
		t.Error("NULL was taken as a condition")
	}
}
