package page

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/auth"
	"offramp/internal/locale"
	"offramp/migration"
)

// machine are the forms in which times are written for programs, files' names and fields, and not for readers.
var machine = []string{"time.RFC3339", "time.RFC3339Nano", `"2006-01"`, `"2006-01-02-1504"`, `"2006-01-02T15:04:05.000000Z07:00"`}

// TestPagesWriteDatesByOneFamily reads the sources of all pages: what a reader is told of days and instants comes from Dates.
func TestPagesWriteDatesByOneFamily(t *testing.T) {
	files, seen := token.NewFileSet(), 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			slices.Contains([]string{"../page", "../ui", "../customer/calendar"}, dir) { // the calendar's file has no reader's zone
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		seen++
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if why := ownForm(call); why != "" {
					t.Errorf("%s: %s; write it by page.Dates", files.Position(call.Pos()), why)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 150 {
		t.Fatalf("only %d files read", seen)
	}
}

// ownForm says by what a call writes a time for a reader; empty where it does not.
func ownForm(call *ast.CallExpr) string {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	switch name := f.Sel.Name; {
	case slices.Contains([]string{"FullDate", "DateTime", "DateClock"}, name) && len(call.Args) == 2,
		slices.Contains([]string{"Date", "Clock"}, name) && len(call.Args) == 2 && !isDates(f.X):
		return "the locale's " + name
	case name == "String" && len(call.Args) == 0 && slices.Contains([]string{"Day", "DueDay", "DayOf", "Was", "day", "was"}, last(f.X)):
		return "a day's value"
	case (name == "Format" || name == "AppendFormat") && len(call.Args) > 0:
		if layout := source(call.Args[len(call.Args)-1]); !slices.Contains(machine, layout) {
			return "the layout " + layout
		}
	}
	return ""
}

// last is the name that an expression ends with.
func last(x ast.Expr) string {
	text := source(x)
	return text[strings.LastIndexByte(text, '.')+1:]
}

// isDates reports whether an expression is a call of Dates, whose methods are the family's own.
func isDates(x ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && f.Sel.Name == "Dates"
}

func source(x ast.Expr) string {
	switch e := x.(type) {
	case *ast.BasicLit:
		return e.Value
	case *ast.SelectorExpr:
		return source(e.X) + "." + e.Sel.Name
	case *ast.Ident:
		return e.Name
	case *ast.CallExpr:
		return source(e.Fun)
	}
	return "of a calculation"
}

func TestDatesNameTheZoneThatIsNotTheReaders(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2027, 1, 31, 23, 59, 0, 0, shanghai)
	for _, c := range []struct {
		tag, zone             string
		staff                 bool
		when, ourDay, ourFull string
	}{
		{"en", "Asia/Shanghai", false, "31 January 2027, 23:59", "31 January 2027", "Sun, 31 January 2027"},
		{"en", "Asia/Singapore", false, "31 January 2027, 23:59", "31 January 2027", "Sun, 31 January 2027"},
		{"en", "Europe/Berlin", false, "31 January 2027, 16:59", "31 January 2027 (Beijing time)", "Sun, 31 January 2027 (Beijing time)"},
		{"zh-CN", "Europe/Berlin", false, "2027年1月31日 16:59", "2027年1月31日（北京时间）", "2027年1月31日（周日） 北京时间"},
		{"en", "Asia/Shanghai", true, "2027-01-31 23:59", "31 January 2027", "Sun, 31 January 2027"},
	} {
		s := &auth.Session{Realm: auth.Customers, Zone: c.zone}
		if c.staff {
			s.Realm = auth.Staff
		}
		v := &Visit{Locale: locale.For(c.tag), Session: s, Programme: &migration.Programme{Zone: shanghai}}
		if got := []string{v.When(end), v.OurDay(end), v.OurFullDay(end)}; !slices.Equal(got, []string{c.when, c.ourDay, c.ourFull}) {
			t.Errorf("%s in %s: %q", c.tag, c.zone, got)
		}
	}
}
