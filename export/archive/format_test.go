package archive

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// anyText draws text that is likely to hurt.
func anyText() *rapid.Generator[string] {
	hurtful := []string{"", " ", "\"", ",", "\r\n", "\n", "\r", "=1+1", "+1", "-1", "@x", "\tx", "\x00", "\u2028", "\x7f", "客户", "👩‍👩‍👧", "'", `\`, `\N`, "NULL", "\u202egnp"}
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(hurtful), rapid.StringN(0, 80, -1)), 0, 4).Draw(t, "parts"), "")
	}).Filter(utf8.ValidString)
}

// anyRows draws columns of text and rows with NULLs.
func anyRows(t *rapid.T) ([]Column, [][]*string) {
	n := rapid.IntRange(1, 5).Draw(t, "columns")
	columns := make([]Column, n)
	for i := range columns {
		columns[i] = Column{Name: anyText().Draw(t, "name") + string(rune('a'+i)), Type: "text"}
	}
	rows := make([][]*string, rapid.IntRange(0, 8).Draw(t, "rows"))
	for i := range rows {
		rows[i] = make([]*string, n)
		for j := range rows[i] {
			if rapid.IntRange(0, 3).Draw(t, "null") > 0 {
				s := anyText().Draw(t, "value")
				rows[i][j] = &s
			}
		}
	}
	return columns, rows
}

func encodeAll(t *rapid.T, f format, rows [][]*string) []byte {
	out := f.open(nil)
	for _, r := range rows {
		values := make([][]byte, len(r))
		for i, v := range r {
			if v != nil {
				values[i] = append([]byte{}, *v...)
			}
		}
		var err error
		if out, err = f.row(out, values); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestCSVRoundTrip reads with encoding/csv, for which NULL and "" are the same and CRLF inside a field becomes LF, and
// with a reader of a few lines, for which they are not.
func TestCSVRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		columns, rows := anyRows(t)
		out := encodeAll(t, newCSV(columns), rows)
		exact := parseCSV(t, string(out))
		library, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
		if err != nil || len(exact) != len(rows)+1 {
			t.Fatalf("%v, %d records of %d: %q", err, len(exact), len(rows)+1, out)
		}
		skipped := len(exact) - len(library) // encoding/csv passes over empty lines: one column, NULL
		for i, r := range rows {
			for j, want := range r {
				got := exact[i+1][j]
				if (got == nil) != (want == nil) || (got != nil && *got != *want) {
					t.Fatalf("row %d column %d: %v, want %v", i, j, got, want)
				}
				if skipped == 0 && want != nil && library[i+1][j] != strings.ReplaceAll(*want, "\r\n", "\n") {
					t.Fatalf("row %d column %d: %q, want %q", i, j, library[i+1][j], *want)
				}
			}
		}
		c := csvCounter{rows: -1}
		for len(out) > 0 { // in pieces, as files are read
			n := min(len(out), 3)
			_, _ = c.Write(out[:n])
			out = out[n:]
		}
		if c.count() != int64(len(rows)) {
			t.Fatalf("counted %d rows of %d", c.count(), len(rows))
		}
	})
}

// parseCSV is RFC 4180 with nil for an unquoted empty field.
func parseCSV(t *rapid.T, s string) (records [][]*string) {
	for len(s) > 0 {
		var record []*string
		for {
			var field *string
			if strings.HasPrefix(s, `"`) {
				var b strings.Builder
				for s = s[1:]; ; s = s[1:] {
					if strings.HasPrefix(s, `""`) {
						s = s[1:]
					} else if strings.HasPrefix(s, `"`) {
						break
					}
					b.WriteByte(s[0])
				}
				s = s[1:]
				v := b.String()
				field = &v
			} else if i := strings.IndexAny(s, ",\r"); i > 0 {
				v := s[:i]
				field, s = &v, s[i:]
			}
			record = append(record, field)
			if strings.HasPrefix(s, ",") {
				s = s[1:]
				continue
			}
			if !strings.HasPrefix(s, "\r\n") {
				t.Fatalf("no end of record: %.20q", s)
			}
			s = s[2:]
			break
		}
		records = append(records, record)
	}
	return records
}

func TestJSONLinesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		columns, rows := anyRows(t)
		out := encodeAll(t, newJSON(columns), rows)
		if bytes.Count(out, []byte("\n")) != len(rows) {
			t.Fatalf("%d lines for %d rows", bytes.Count(out, []byte("\n")), len(rows))
		}
		d := json.NewDecoder(bytes.NewReader(out))
		for i, r := range rows {
			var got map[string]*string
			if err := d.Decode(&got); err != nil {
				t.Fatalf("row %d: %v in %q", i, err, out)
			}
			for j, c := range columns {
				v, ok := got[c.Name]
				if !ok || (v == nil) != (r[j] == nil) || (v != nil && *v != *r[j]) {
					t.Fatalf("row %d column %q: %v, want %v", i, c.Name, v, r[j])
				}
			}
		}
		if err := d.Decode(new(any)); err != io.EOF {
			t.Fatal(err)
		}
	})
}

func TestValues(t *testing.T) {
	for _, c := range []struct{ kind, in, csv, json string }{
		{"integer", "9223372036854775807", "9223372036854775807", "9223372036854775807"},
		{"number", "-0.10", "-0.10", "-0.10"},
		{"number", "1e+20", "1e+20", "1e+20"},
		{"number", "NaN", "NaN", `"NaN"`},
		{"number", "-Infinity", "-Infinity", `"-Infinity"`},
		{"boolean", "t", "true", "true"},
		{"boolean", "f", "false", "false"},
		{"timestamp", "2026-03-01 14:05:00", "2026-03-01T14:05:00", `"2026-03-01T14:05:00"`},
		{"instant", "2026-03-01 14:05:00.123456+00", "2026-03-01T14:05:00.123456Z", `"2026-03-01T14:05:00.123456Z"`},
		{"instant", "0044-03-15 10:00:00+00 BC", "0044-03-15T10:00:00Z BC", `"0044-03-15T10:00:00Z BC"`},
		{"instant", "infinity", "infinity", `"infinity"`},
		{"date", "12026-03-01", "12026-03-01", `"12026-03-01"`},
		{"duration", "P1DT2H", "P1DT2H", `"P1DT2H"`},
		{"json", "{\"a\":\n [1.10]}", "\"{\"\"a\"\":\n [1.10]}\"", `{"a":[1.10]}`},
		{"json", "null", "null", "null"},
		{"binary", `\x`, `""`, `""`},
		{"uuid", "6f1f64b0-1111-4222-8333-444455556666", "6f1f64b0-1111-4222-8333-444455556666", `"6f1f64b0-1111-4222-8333-444455556666"`},
		{"text", " x", `" x"`, `" x"`},
		{"something new", "a\"b", `"a""b"`, `"a\"b"`},
	} {
		columns := []Column{{Name: "v", Type: c.kind}}
		got, err := newCSV(columns).row(nil, text(c.in))
		must(t, err)
		if string(got) != c.csv+"\r\n" {
			t.Errorf("%s %q as CSV: %q, want %q", c.kind, c.in, got, c.csv)
		}
		got, err = newJSON(columns).row(nil, text(c.in))
		must(t, err)
		if string(got) != `{"v":`+c.json+"}\n" {
			t.Errorf("%s %q as JSON: %q, want %q", c.kind, c.in, got, c.json)
		}
	}
}

func TestBinary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw")
		got, ok := appendBinary(nil, []byte(`\x`+hex.EncodeToString(raw)))
		if !ok || string(got) != base64.StdEncoding.EncodeToString(raw) {
			t.Fatalf("%q, %v", got, ok)
		}
	})
}

// TestI06_SpreadsheetCopyIsDefused also holds the machine copy to the bytes of the source.
func TestI06_SpreadsheetCopyIsDefused(t *testing.T) {
	columns := []Column{{Name: "=name", Type: "text"}, {Name: "n", Type: "number"}, {Name: "at", Type: "instant"}, {Name: "doc", Type: "json"}}
	for _, v := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "%0A=1"} {
		row := text(v, "-12.5", "2026-03-01 00:00:00+00", "-1")
		machine, err := newCSV(columns).row(nil, row)
		must(t, err)
		record, err := csv.NewReader(bytes.NewReader(append([]byte("x,x,x,x\r\n"), machine...))).ReadAll()
		must(t, err)
		if record[1][0] != v || record[1][1] != "-12.5" || record[1][3] != "-1" {
			t.Errorf("the machine copy of %q is %q", v, record[1])
		}
		f := newSpreadsheet(columns)
		sheet, err := f.row(f.open(nil), row)
		must(t, err)
		body, bom := bytes.CutPrefix(sheet, []byte("\ufeff"))
		record, err = csv.NewReader(bytes.NewReader(body)).ReadAll()
		must(t, err)
		if !bom || record[0][0] != "'=name" || record[1][0] != "'"+v || record[1][1] != "-12.5" || record[1][2] != "2026-03-01T00:00:00Z" || record[1][3] != "'-1" {
			t.Errorf("the spreadsheet copy of %q is %q, %q", v, record[0], record[1])
		}
	}
	sheet, err := newSpreadsheet([]Column{{Name: "d", Type: "date"}, {Name: "b", Type: "binary"}, {Name: "n", Type: "number"}}).row(nil, text("-infinity", `\xf8`, "-Infinity"))
	must(t, err)
	if string(sheet) != "'-infinity,'+A==,'-Infinity\r\n" {
		t.Errorf("%q", sheet)
	}
	_, result := sample(t)
	kinds := map[string]Kind{}
	for _, f := range result.Manifest.Files {
		kinds[f.Path] = f.Kind
	}
	if kinds["data/tasks.csv"] != KindMachine || kinds["data/tasks.spreadsheet.csv"] != KindSpreadsheet {
		t.Fatalf("%v", kinds)
	}
}
