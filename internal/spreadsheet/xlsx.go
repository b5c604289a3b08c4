package spreadsheet

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
)

// xlsxSheet writes a workbook (ECMA-376, SpreadsheetML) row by row to where it goes. Amounts are numbers whose digits come from
// minor units, never by way of a binary fraction; what a spreadsheet would round when it reads it stays text.
type xlsxSheet struct {
	zip   *zip.Writer
	sheet *bufio.Writer
	most  int      // rows of a sheet
	n     int      // rows of this one
	names []string // of the sheets so far
	name  string   // of this one and those on which it goes on
	on    int      // which of those it is, from 1
}

// xlsxRows is how many rows a sheet of a workbook holds; the rest goes on to another one (ECMA-376: 1,048,576).
const xlsxRows = 1_000_000

// xlsxDigits is how many digits of a number a spreadsheet keeps.
const xlsxDigits = 15

// The styles of cells, in the order of xlsxStyles; a number's style is styleNumber and its digits after the point.
const (
	styleText = iota
	styleHeading
	styleInstant
	styleNumber
)

// mostDigits is how many digits after the point there are styles for: ISO 4217 has up to four.
const mostDigits = 4

// NewXLSX writes a workbook to w.
func NewXLSX(w io.Writer) Sheet { return newXLSX(w) }

func newXLSX(w io.Writer) *xlsxSheet {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestSpeed) })
	return &xlsxSheet{zip: z, most: xlsxRows}
}

const (
	xlsxMain   = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	xlsxSheets = `<worksheet xmlns="` + xlsxMain + `"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>` +
		`<cols><col min="1" max="20" width="20" customWidth="1"/></cols><sheetData>`
)

// Begin implements Sheet.
func (s *xlsxSheet) Begin(name string) error {
	s.name, s.on = sheetName(name), 0
	return s.next()
}

// sheetName is a name that spreadsheets take: at most 31 characters, with room for a number, and none of theirs.
func sheetName(name string) string {
	name = strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\`, r) {
			return ' '
		}
		return r
	}, name), " '")
	if r := []rune(name); len(r) > 27 {
		name = string(r[:27])
	}
	if name == "" {
		return "Sheet"
	}
	return name
}

// next begins another sheet of the workbook.
func (s *xlsxSheet) next() error {
	if err := s.endSheet(); err != nil {
		return err
	}
	s.on, s.n = s.on+1, 0
	name := s.name
	if s.on > 1 {
		name += " " + strconv.Itoa(s.on)
	}
	s.names = append(s.names, name)
	part, err := s.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", len(s.names)))
	if err != nil {
		return err
	}
	s.sheet = bufio.NewWriterSize(part, 32<<10)
	_, err = s.sheet.WriteString(xml.Header + xlsxSheets)
	return err
}

func (s *xlsxSheet) endSheet() error {
	if s.sheet == nil {
		return nil
	}
	if _, err := s.sheet.WriteString(`</sheetData></worksheet>`); err != nil {
		return err
	}
	return s.sheet.Flush()
}

// Row implements Sheet.
func (s *xlsxSheet) Row(cells []Cell) error {
	if len(s.names) == 0 {
		if err := s.Begin(""); err != nil {
			return err
		}
	}
	if s.n == s.most {
		if err := s.next(); err != nil {
			return err
		}
	}
	s.n++
	row := strconv.Itoa(s.n)
	_, _ = s.sheet.WriteString(`<row r="` + row + `">`)
	for i, c := range cells {
		s.cell(column(i)+row, c)
	}
	_, err := s.sheet.WriteString(`</row>`) // the first fault of a buffer stays with it
	return err
}

// column is the name of a column, from 0.
func column(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

func (s *xlsxSheet) cell(at string, c Cell) {
	switch {
	case !c.At.IsZero():
		s.value(at, styleInstant, serialOf(c.At))
	case c.Number && c.Digits <= mostDigits && significant(c.Text) <= xlsxDigits:
		s.value(at, styleNumber+c.Digits, c.Text)
	case c.Heading:
		s.text(at, styleHeading, c.Text)
	default:
		s.text(at, styleText, c.Text)
	}
}

func (s *xlsxSheet) value(at string, style int, digits string) {
	_, _ = fmt.Fprintf(s.sheet, `<c r="%s" s="%d"><v>%s</v></c>`, at, style, digits)
}

// coded is text that a spreadsheet would take for a character's code (ECMA-376, ST_Xstring).
var coded = regexp.MustCompile(`_(x[0-9A-Fa-f]{4}_)`)

// text writes a string in its place, which no spreadsheet takes for a formula.
func (s *xlsxSheet) text(at string, style int, text string) {
	if text == "" {
		return
	}
	_, _ = fmt.Fprintf(s.sheet, `<c r="%s" s="%d" t="inlineStr"><is><t xml:space="preserve">`, at, style)
	_ = xml.EscapeText(s.sheet, []byte(coded.ReplaceAllString(text, "_x005F_$1")))
	_, _ = s.sheet.WriteString(`</t></is></c>`)
}

// significant counts the digits of a number from its first that is not zero.
func significant(number string) int {
	return len(strings.TrimLeft(strings.Replace(strings.TrimPrefix(number, "-"), ".", "", 1), "0"))
}

// serialOf is the day and time of an instant on the clock of its zone, in days since the end of 1899, as spreadsheets count them.
func serialOf(t time.Time) string {
	const day, parts = 24 * 60 * 60, 10_000_000_000
	clock := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	seconds := int64(clock.Sub(time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC)) / time.Second)
	return fmt.Sprintf("%d.%010d", seconds/day, (seconds%day*parts+day/2)/day)
}

// End implements Sheet.
func (s *xlsxSheet) End(err error) error {
	if err == nil && len(s.names) == 0 {
		err = s.Begin("")
	}
	if err == nil {
		err = s.endSheet()
	}
	if err != nil {
		return err // without its directory the file opens nowhere
	}
	for _, part := range s.frame() {
		w, err := s.zip.Create(part.name)
		if err == nil {
			_, err = io.WriteString(w, xml.Header+part.text)
		}
		if err != nil {
			return err
		}
	}
	return s.zip.Close()
}

// xlsxPart is one file of the workbook.
type xlsxPart struct{ name, text string }

// frame is what stands around the sheets.
func (s *xlsxSheet) frame() []xlsxPart {
	const relations, office = "http://schemas.openxmlformats.org/package/2006/relationships", "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	const types = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	var sheets, links, kinds strings.Builder
	for at, name := range s.names {
		i := at + 1
		sheets.WriteString(`<sheet name="`)
		_ = xml.EscapeText(&sheets, []byte(name))
		fmt.Fprintf(&sheets, `" sheetId="%d" r:id="rId%d"/>`, i, i)
		fmt.Fprintf(&links, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, i, office, i)
		fmt.Fprintf(&kinds, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%sworksheet+xml"/>`, i, types)
	}
	return []xlsxPart{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="` + types + `sheet.main+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="` + types + `styles+xml"/>` + kinds.String() + `</Types>`},
		{"_rels/.rels", `<Relationships xmlns="` + relations + `"><Relationship Id="rId1" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook xmlns="` + xlsxMain + `" xmlns:r="` + office + `"><sheets>` + sheets.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + relations + `">` + links.String() +
			fmt.Sprintf(`<Relationship Id="rId%d" Type="%s/styles" Target="styles.xml"/></Relationships>`, len(s.names)+1, office)},
		{"xl/styles.xml", xlsxStyles()},
	}
}

// xlsxStyles are the looks of cells: plain, heading, instant, and one for each number of digits after the point.
func xlsxStyles() string {
	formats, looks := `<numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm"/>`, ""
	for digits := range mostDigits + 1 {
		code := "#,##0"
		if digits > 0 {
			code += "." + strings.Repeat("0", digits)
		}
		formats += fmt.Sprintf(`<numFmt numFmtId="%d" formatCode="%s"/>`, 165+digits, code)
		looks += fmt.Sprintf(`<xf numFmtId="%d" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>`, 165+digits)
	}
	return fmt.Sprintf(`<styleSheet xmlns="%s"><numFmts count="%d">%s</numFmts>`, xlsxMain, mostDigits+2, formats) +
		`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
		fmt.Sprintf(`<cellXfs count="%d"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>`, mostDigits+4) +
		`<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` + looks + `</cellXfs>` +
		`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`
}
