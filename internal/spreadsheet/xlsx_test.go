package spreadsheet

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// read opens a workbook by who did not write it.
func read(t *testing.T, file *bytes.Buffer) *excelize.File {
	t.Helper()
	book, err := excelize.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	return book
}

// cellShape is the type, the raw value and the look of a cell.
func cellShape(t *testing.T, book *excelize.File, at string) (kind excelize.CellType, raw, shown, format string) {
	t.Helper()
	kind, err := book.GetCellType("Sheet", at)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = book.GetCellValue("Sheet", at, excelize.Options{RawCellValue: true}); err != nil {
		t.Fatal(err)
	}
	if shown, err = book.GetCellValue("Sheet", at); err != nil {
		t.Fatal(err)
	}
	id, err := book.GetCellStyle("Sheet", at)
	if err != nil {
		t.Fatal(err)
	}
	style, err := book.GetStyle(id)
	if err != nil {
		t.Fatal(err)
	}
	if style.CustomNumFmt != nil {
		format = *style.CustomNumFmt
	}
	return kind, raw, shown, format
}

func TestI04_AmountsInASpreadsheetAreExactNumbers(t *testing.T) {
	cases := []struct {
		minor              int64
		currency           string
		raw, shown, format string
		text               bool // beyond what a spreadsheet keeps
	}{
		{19005, "CNY", "190.05", "190.05", "#,##0.00", false},
		{1234567, "CNY", "12345.67", "12,345.67", "#,##0.00", false},
		{10, "EUR", "0.10", "0.10", "#,##0.00", false},
		{-7, "EUR", "-0.07", "-0.07", "#,##0.00", false},
		{0, "EUR", "0.00", "0.00", "#,##0.00", false},
		{1234567, "JPY", "1234567", "1,234,567", "#,##0", false},
		{1234567, "KWD", "1234.567", "1,234.567", "#,##0.000", false},
		{1234567, "CLF", "123.4567", "123.4567", "#,##0.0000", false},
		{999_999_999_999_999, "CNY", "9999999999999.99", "9,999,999,999,999.99", "#,##0.00", false},
		{999_999_999_999_999, "JPY", "999999999999999", "999,999,999,999,999", "#,##0", false},
		{1_000_000_000_000_000, "CNY", "10000000000000.00", "10000000000000.00", "", true},
		{math.MaxInt64, "CNY", "92233720368547758.07", "92233720368547758.07", "", true},
		{math.MinInt64 + 1, "KWD", "-9223372036854775.807", "-9223372036854775.807", "", true},
	}
	var file bytes.Buffer
	s := newXLSX(&file)
	for _, c := range cases {
		if err := s.Row([]Cell{Amount(c.minor, c.currency)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.End(nil); err != nil {
		t.Fatal(err)
	}
	book := read(t, &file)
	for i, c := range cases {
		kind, raw, shown, format := cellShape(t, book, fmt.Sprintf("A%d", i+1))
		number := kind == excelize.CellTypeUnset || kind == excelize.CellTypeNumber
		if number == c.text || raw != c.raw || shown != c.shown || format != c.format {
			t.Errorf("%d %s: type %d, %q shown as %q by %q", c.minor, c.currency, kind, raw, shown, format)
		}
	}
}

func TestDatesInASpreadsheetAreDatesOnTheZonesClock(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	s := newXLSX(&file)
	instants := []time.Time{
		time.Date(2026, time.December, 1, 2, 30, 15, 0, time.UTC), time.Date(2026, time.December, 31, 16, 0, 0, 0, time.UTC),
		time.Date(2028, time.February, 29, 15, 59, 59, 999, time.UTC), time.Date(1970, time.January, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, at := range instants {
		if err := s.Row([]Cell{Instant(at, zone)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.End(nil); err != nil {
		t.Fatal(err)
	}
	book := read(t, &file)
	for i, want := range []string{"2026-12-01 10:30", "2027-01-01 00:00", "2028-02-29 23:59", "1970-01-01 08:00"} {
		kind, raw, shown, _ := cellShape(t, book, fmt.Sprintf("A%d", i+1))
		if kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber || shown != want {
			t.Errorf("%s: type %d, %s shown as %s", want, kind, raw, shown)
		}
	}
}

func TestTextInASpreadsheetStaysAsItIs(t *testing.T) {
	texts := []string{`=HYPERLINK("x")`, "<b>&\"'", "  kept  ", "_x0041_", "河舟", "00123", "1e5", "x\x01y"}
	var file bytes.Buffer
	s := newXLSX(&file)
	for _, text := range texts {
		if err := s.Row([]Cell{Said(""), Said(text)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.End(nil); err != nil {
		t.Fatal(err)
	}
	book := read(t, &file)
	for i, want := range texts {
		at := fmt.Sprintf("B%d", i+1)
		_, raw, _, _ := cellShape(t, book, at)
		if want == "x\x01y" {
			want = "x\ufffdy" // XML has no place for it
		}
		if formula, err := book.GetCellFormula("Sheet", at); raw != want || formula != "" || err != nil {
			t.Errorf("%q, formula %q, %v, want %q", raw, formula, err, want)
		}
	}
}

func TestASpreadsheetGoesOnToAnotherSheet(t *testing.T) {
	var file bytes.Buffer
	s := newXLSX(&file)
	s.most = 3
	for i := range 7 {
		if err := s.Row([]Cell{Said(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.End(nil); err != nil {
		t.Fatal(err)
	}
	book := read(t, &file)
	var got []string
	for _, name := range book.GetSheetList() {
		rows, err := book.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			got = append(got, name+" "+r[0])
		}
	}
	if want := "[Sheet 0 Sheet 1 Sheet 2 Sheet 2 3 Sheet 2 4 Sheet 2 5 Sheet 3 6]"; fmt.Sprint(got) != want {
		t.Errorf("%v", got)
	}
	for i, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"} {
		if got := column(i); got != want {
			t.Errorf("column %d is %s", i, got)
		}
	}
}
