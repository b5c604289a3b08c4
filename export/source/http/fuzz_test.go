package http

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"offramp/export/source"
)

// FuzzJSONRows holds what must be true of any answer: it is refused, or every value in it is given as encoding/json reads
// it, and a row is what was declared.
func FuzzJSONRows(f *testing.F) {
	for _, s := range []string{
		`[{"v":1,"w":"x"}]`, `[ {"v" : -1.5e+7 , "w":null} , {} ]`, `[{"v":"\ud83d\ude00\u00e9\\\"\/\b"}]`, `[{"v":"2026-03-01T14:05:00.50+08:00"}]`,
		`[{"v":{"a":[1,{"b":"]}"}]}}]`, `[{"\u0076":true}]`, `[{"v":"aGVsbG8="},{"v":"P1DT2H"},{"v":"14:05Z"},{"v":"NaN"}]`, `[{"v":"\ud83d"}]`, `{"v":[]}`, `[1,[],"x"]`, "[{\"v\":\"\xff\"}]", `[`, ``,
	} {
		for i := range byte(len(kinds)) {
			f.Add(s, i)
		}
	}
	f.Fuzz(func(t *testing.T, page string, kind byte) {
		if soundJSON([]byte(page)) != nil {
			return
		}
		whole, err := lookUp([]byte(page), "")
		if err != nil || whole == nil || whole[0] != '[' {
			return
		}
		var want []json.RawMessage
		if err := json.Unmarshal([]byte(page), &want); err != nil {
			t.Fatal(err)
		}
		declared := kinds[int(kind)%len(kinds)]
		shape, err := newShape(source.Query{Columns: []source.Column{{Name: "v", Type: declared}, {Name: further}}})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		err = elements(whole, func(item []byte) error {
			if !bytes.Equal(item, want[n]) {
				t.Fatalf("item %d is %q, not %q", n, item, want[n])
			}
			n++
			if values, err := shape.row(int64(n), item); err == nil {
				checkValue(t, declared, item, values[0])
			}
			return nil
		})
		if err != nil || n != len(want) {
			t.Fatalf("%d items of %d, %v", n, len(want), err)
		}
	})
}

var kinds = []string{"text", "integer", "number", "boolean", "date", "time", "timestamp", "instant", "duration", "binary", "json", "uuid"}

// checkValue holds a value against what encoding/json reads.
func checkValue(t *testing.T, kind string, item, value []byte) {
	var row map[string]any
	d := json.NewDecoder(bytes.NewReader(item))
	d.UseNumber()
	if err := d.Decode(&row); err != nil {
		t.Fatal(err)
	}
	v, there := row["v"]
	if value == nil {
		if v != nil {
			t.Fatalf("%q became NULL", item)
		}
		return
	}
	if !there || v == nil || !utf8.Valid(value) {
		t.Fatalf("%q became %q", item, value)
	}
	s, isText := v.(string)
	n, isNumber := v.(json.Number)
	var ok bool
	switch kind {
	case "text":
		ok = !isText && !isNumber || string(value) == s || string(value) == n.String()
	case "integer", "number":
		ok = string(value) == s || string(value) == n.String()
	case "boolean":
		ok = (string(value) == "t") == (v == true)
	case "json":
		ok = json.Valid(value)
	case "instant":
		ok = strings.HasSuffix(string(value), "+00") && value[10] == ' '
	case "binary":
		ok = len(value)%2 == 0 && strings.HasPrefix(string(value), `\x`)
	default:
		ok = isText && len(value) > 0
	}
	if !ok {
		t.Fatalf("%s %q became %q", kind, item, value)
	}
}

// FuzzLinkHeader holds that a header is read or refused, and that a link which was read stands in it.
func FuzzLinkHeader(f *testing.F) {
	for _, s := range []string{
		`<https://a.example/x?page=2>; rel="next", <https://a.example/x?page=9>; rel="last"`, `</x>; title="a, <b>; rel=next"; rel=prev, <?c=1>;rel="up NEXT"`,
		`<>;rel=next`, `<x>`, `<x>;;rel = next`, `<x>; rel="a\"b"`, `x; rel=next`, `<x; rel=next`, `<x>; rel="next`, `<x>; anchor="#y"; rel=next`, ",,", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		next, err := nextLink([]string{header})
		if err != nil && next != "" || next != "" && (!strings.Contains(header, "<"+next+">") || !strings.Contains(strings.ToLower(header), "next")) {
			t.Fatalf("%q gave %q, %v", header, next, err)
		}
	})
}

func TestNextLink(t *testing.T) {
	for _, c := range []struct {
		headers []string
		want    string
		fault   bool
	}{
		{nil, "", false},
		{[]string{`<https://a.example/x?page=2>; rel="next", <https://a.example/x?page=9>; rel="last"`}, "https://a.example/x?page=2", false},
		{[]string{`</a>; rel=prev`, `</b>; rel=next`}, "/b", false},
		{[]string{`</a>; title="x, </no>; rel=next"; rel=prev`}, "", false},
		{[]string{`<?c=1>;rel="up NEXT"; rel=prev`}, "?c=1", false},
		{[]string{`<?c=1>; rel=prev; rel=next`}, "", false},
		{[]string{`</a>; rel=next; anchor="#other"`}, "", false},
		{[]string{`</a>; rel=next, </a>; rel=next`}, "/a", false},
		{[]string{`</a>; rel=next, </b>; rel=next`}, "", true},
		{[]string{`</a; rel=next`}, "", true},
		{[]string{`/a; rel=next`}, "", true},
		{[]string{`<>; rel=next`}, "", true},
		{[]string{`</a>; rel="next`}, "", true},
		{[]string{`</a> rel=next`}, "", true},
	} {
		if got, err := nextLink(c.headers); got != c.want || (err != nil) != c.fault {
			t.Errorf("%q: %q, %v", c.headers, got, err)
		}
	}
}

// FuzzBindPath holds that no reference leads out of its place in the path or the query.
func FuzzBindPath(f *testing.F) {
	for _, s := range []string{"HZ-1", "../x", "a/b", "a&b=c", "a?b", "a#b", "%2e%2e", "a\r\nb", "客户", ".", "x;y", "+", " "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, customer string) {
		for _, path := range []string{"/a/:customer_id/b?x=1", "/a?c=:customer_id&x=1", "/a/x-:customer_id/b?x=1"} {
			bound, err := bindPath(path, customer)
			if err != nil {
				continue
			}
			u, err := url.Parse("https://api.example.com" + bound)
			if err != nil || u.Host != "api.example.com" || u.Query().Get("x") != "1" || u.Fragment != "" {
				t.Fatalf("%q: %q, %v", customer, bound, err)
			}
			at, q := strings.Split(u.EscapedPath(), "/"), u.Query()
			if strings.Contains(path, "?c=") {
				if q.Get("c") != customer || len(q) != 2 || len(at) != 2 {
					t.Fatalf("%q: %q", customer, bound)
				}
				continue
			}
			got, err := url.PathUnescape(at[2])
			if err != nil || strings.TrimPrefix(got, "x-") != strings.TrimPrefix(customer, "x-") || len(at) != 4 || len(q) != 1 || source.IsDots(got) {
				t.Fatalf("%q: %q", customer, bound)
			}
		}
	})
}
