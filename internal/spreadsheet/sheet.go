package spreadsheet

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"

	"offramp/internal/money"
)

// Cell is one value of a file that is written: a text, a number in decimal digits, or an instant. CSV files write the text of all.
type Cell struct {
	Text    string
	Number  bool      // Text is a decimal number of ours, whose sign means no harm
	Digits  int       // of a number: after the point
	At      time.Time // an instant, on the clock of its zone
	Heading bool      // stands over a column
}

// Said is a cell of text.
func Said(s string) Cell { return Cell{Text: s} }

// Heading stands over a column.
func Heading(s string) Cell { return Cell{Text: s, Heading: true} }

// Whole is a whole number.
func Whole(n int64) Cell { return Cell{Text: strconv.FormatInt(n, 10), Number: true} }

// Amount is minor units of a currency, with as many digits after the point as it has.
func Amount(minor int64, currency string) Cell {
	digits, _ := money.Digits(currency)
	return Cell{Text: money.Format(minor, currency), Number: true, Digits: digits}
}

// Instant is an instant on the clock of a zone: in a spreadsheet a date, in CSV as RFC 3339.
func Instant(t time.Time, zone *time.Location) Cell {
	return Cell{Text: t.In(zone).Format(time.RFC3339), At: t.In(zone)}
}

// Sheet is a file that is written row by row, in constant memory.
type Sheet interface {
	// Begin begins a sheet with a name. A CSV file has no names, and one sheet.
	Begin(name string) error
	Row(cells []Cell) error
	// End finishes the file, or gives up where err says so. It returns err, or why it cannot be finished.
	End(err error) error
}

// NewCSV writes a CSV file to w.
func NewCSV(w io.Writer) Sheet { return csvSheet{NewWriter(w)} }

type csvSheet struct{ w *Writer }

func (s csvSheet) Begin(string) error     { return nil }
func (s csvSheet) Row(cells []Cell) error { return s.w.Write(cells) }

func (s csvSheet) End(err error) error {
	if err != nil {
		return err
	}
	return s.w.Flush()
}

// Writer writes a table for people: UTF-8 with a byte order mark, separated by commas, each line ended by CR LF, each text
// defused and, where something in it separates, in quotes.
type Writer struct {
	w       *bufio.Writer
	started bool
}

// NewWriter writes to w. Flush ends the file.
func NewWriter(w io.Writer) *Writer { return &Writer{w: bufio.NewWriter(w)} }

// Write adds one line.
func (w *Writer) Write(cells []Cell) error {
	var b strings.Builder
	if !w.started {
		w.started = true
		b.WriteString(Mark)
	}
	for i, c := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		if c.Number {
			b.WriteString(c.Text)
			continue
		}
		text := Defused(c.Text)
		if strings.ContainsAny(text, ",;\"\t\r\n") || strings.TrimSpace(text) != text {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		b.WriteString(text)
	}
	b.WriteString("\r\n")
	_, err := w.w.WriteString(b.String())
	return err
}

// Flush writes what is held.
func (w *Writer) Flush() error { return w.w.Flush() }
