package spreadsheet

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// lines reads a file to its end: values joined by |, faults after !.
func lines(text string) (columns string, got []string, err error) {
	r := NewReader(strings.NewReader(text))
	for r.Err() == nil && r.Next() {
		if r.Fault() != "" {
			got = append(got, "!"+r.Fault())
			continue
		}
		got = append(got, strings.Join(r.Values(), "|"))
	}
	return strings.Join(r.Columns(), "|"), got, r.Err()
}

func utf16File(text, mark string, little bool) string {
	var b strings.Builder
	b.WriteString(mark)
	for _, u := range utf16.Encode([]rune(text)) {
		if little {
			b.Write([]byte{byte(u), byte(u >> 8)})
		} else {
			b.Write([]byte{byte(u >> 8), byte(u)})
		}
	}
	return b.String()
}

func TestFilesAreReadAsSpreadsheetProgramsSaveThem(t *testing.T) {
	plain := "ref,name\r\nA-1,Müller 远岸\r\n"
	want := []string{"A-1|Müller 远岸"}
	for name, file := range map[string]string{
		"Excel, CSV UTF-8":         "\ufeff" + plain,
		"LibreOffice":              strings.ReplaceAll(plain, "\r\n", "\n"),
		"Excel for Mac":            strings.ReplaceAll(plain, "\r\n", "\r"),
		"Excel, German":            strings.ReplaceAll(plain, ",", ";"),
		"WPS, tabs":                strings.ReplaceAll(plain, ",", "\t"),
		"Excel, Unicode text":      utf16File(strings.ReplaceAll(plain, ",", "\t"), "\xff\xfe", true),
		"UTF-16, big endian":       utf16File(plain, "\xfe\xff", false),
		"UTF-16 without a mark":    utf16File(plain, "", true),
		"sep line":                 "sep=;\r\n" + strings.ReplaceAll(plain, ",", ";"),
		"columns without a name":   "ref,name,,\r\nA-1,Müller 远岸,,\r\n",
		"a column without in them": "ref,,name\r\nA-1,,Müller 远岸\r\n",
		"rows of commas":           plain + ",\r\n,,,,\r\n  ,\r\n",
		"a cell touched far right": "ref,name\r\nA-1,Müller 远岸,,,,\r\n",
		"all in quotes":            "\"ref\",\"name\"\r\n\"A-1\",\"Müller 远岸\"\r\n",
	} {
		columns, got, err := lines(file)
		if columns != "ref|name" || err != nil {
			t.Errorf("%s: columns %q, %v", name, columns, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, got, _ := lines("ref,name\n=\"007\",\"=\"\"0012\"\"\"\n"); len(got) != 1 || got[0] != "007|0012" {
		t.Errorf("texts that keep their zeros: %q", got)
	}
}

func TestWhatAFileLosesIsSaid(t *testing.T) {
	for file, want := range map[string]string{
		"ref,name,\nA,B,C\n":      `column 3 has no name and holds "C"`,
		"ref,,name\nA,C,B\n":      `column 2 has no name and holds "C"`,
		"ref,name\nA,B,C\n":       "has 3 fields; the first line names 2 columns. Put a field that holds a comma in quotes",
		"ref,name\nA\n":           "has 1 fields; the first line names 2 columns",
		"ref,name\nA,M\xfcller\n": "not UTF-8; save the file as CSV UTF-8",
	} {
		if _, got, err := lines(file); err != nil || len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%q: %q, %v", file, got, err)
		}
	}
	for file, want := range map[string]string{
		"PK\x03\x04\x14\x00\x06": "is a workbook", "\xd0\xcf\x11\xe0\xa1": "is a workbook", "": "the file is empty", ",,\nA,B,C\n": "names no column",
	} {
		if _, _, err := lines(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestWhatSpreadsheetsDoToValues(t *testing.T) {
	for _, v := range []string{
		"2.026E+11", "1.07E+05", "1,07E+05", "2.026e+11", "#N/A", "#NV", "#N/D", "#REF!", "#NAME?", "#DIV/0!", "#¡VALOR!", "#BEZUG!", "Err:502", "########",
		"NULL", "null", `\N`, "NaN", "M\ufffdller", "MÃ¼ller", "锟斤拷", "????", "=VLOOKUP(A1,B:C,2)", "=\"x\"&A1",
	} {
		if Text(v) == nil || Key(v) == nil {
			t.Errorf("%q passes as a text or a key", v)
		}
	}
	for _, v := range []string{
		"20418.0", "20,418", "1.234.567", "6222020200000000000", "1-Mar", "Mar-01", "2026/1/2", "3月1日", "'007", "２０４１８", "None", "N/A", "TRUE", "¥20418", "12%",
	} {
		if Key(v) == nil {
			t.Errorf("%q passes as a key", v)
		}
		if err := Text(v); err != nil {
			t.Errorf("%q does not pass as a text: %v", v, err)
		}
	}
	for _, v := range []string{
		"HZ-20418", "007", "20418", "6222020200000000006", "1E5", "A-1", "2026-000123", "#12", "INV/2026/7", "pi_3Q8x", "HZ.20418", "null-7", "a@b.example", "MAR1", "客户-12",
	} {
		if err := Key(v); err != nil {
			t.Errorf("%q: %v", v, err)
		}
	}
	for _, v := range []string{"Null", "'s-Hertogenbosch BV", "What?? Ltd", "Àâ Ünïcode", "C# House", "1,000 Ideas", "-", "Âme Sœur", "林晓雯", "=)"} {
		if err := Text(v); err != nil {
			t.Errorf("%q: %v", v, err)
		}
	}
	if err := Key("2.026E+11"); !strings.Contains(err.Error(), `"2.026E+11" looks like a number that a spreadsheet shortened; format the column as text`) {
		t.Error(err)
	}
}

func TestDaysAndAmountsSayWhatIsMeant(t *testing.T) {
	for v, want := range map[string]string{
		"2027/1/31": "2027-01-31", "2027年1月31日": "2027-01-31", "2027.01.31": "2027-01-31", "2027-1-3": "2027-01-03", "12/06/2026": "12/06/2026", "soon": "soon",
	} {
		if got := Day(v); got != want {
			t.Errorf("%q: %q", v, got)
		}
	}
	for v, want := range map[string]string{
		"12/06/2026": "it could be 2026-06-12 or 2026-12-06", "31.1.2027": "write 2027-01-31", "1/31/27": "write 2027-01-31", "46418": "keeps the day 2027-01-31", "soon": "", "99/99/2026": "",
	} {
		if got := DayHint(v); !strings.HasPrefix(got, want) && !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q", v, got)
		}
	}
	for v, want := range map[string]string{
		"12,000.00": "write 12000.00", "12.000,00": "write 12000.00", "12000,5": "write 12000.5", "¥12,000": "write 12000", "12 000.00 CNY": "write 12000.00",
		"１２００": "write 1200", "12000.00": "", "many": "", "1,2,3": "",
	} {
		if got := AmountHint(v); got != want {
			t.Errorf("%q: %q", v, got)
		}
	}
}

func TestWrittenCellsAreDefused(t *testing.T) {
	var b strings.Builder
	w := NewWriter(&b)
	for _, row := range [][]Cell{
		{{Text: "客户"}, {Text: "=1+1"}, {Text: "\n=HYPERLINK(\"http://x\")"}, {Text: " =1+1"}, {Text: "＝1+1"}, {Text: "\u00a0\u200b@x"}, {Text: "|x"}, {Text: "-1.50", Number: true}, {Text: "a\"b"}},
		{},
	} {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "\ufeff" + `客户,'=1+1,"'` + "\n" + `=HYPERLINK(""http://x"")",' =1+1,'＝1+1,'` + "\u00a0\u200b" + `@x,'|x,-1.50,"a""b"` + "\r\n\r\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	for _, plain := range []string{"", "Müller", "６", " a=b", "'s"} {
		if got := Defused(plain); got != plain {
			t.Errorf("%q became %q", plain, got)
		}
	}
}
