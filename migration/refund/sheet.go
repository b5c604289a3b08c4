package refund

import (
	"io"
	"time"

	"offramp/internal/money"
	"offramp/internal/spreadsheet"
)

// cell is one value of a file: text, an amount in decimal digits, or an instant. CSV files write text for all of them.
type cell struct {
	text    string
	number  bool
	digits  int // of a number: after the point
	at      time.Time
	heading bool
}

func said(s string) cell { return cell{text: s} }

// amount is minor units of a currency, with as many digits after the point as it has.
func amount(minor int64, currency string) cell {
	digits, _ := money.Digits(currency)
	return cell{text: money.Format(minor, currency), number: true, digits: digits}
}

// when is an instant on the clock of a zone: in a spreadsheet a date, in CSV as RFC 3339.
func when(t time.Time, zone *time.Location) cell {
	return cell{text: t.In(zone).Format(time.RFC3339), at: t.In(zone)}
}

// table is a file that is written row by row, in constant memory.
type table interface {
	// begin begins a sheet with a name. A CSV file has no names, and one sheet.
	begin(name string) error
	row(cells []cell) error
	// end finishes the file, or gives up where err says so. It returns err, or why it cannot be finished.
	end(err error) error
}

func newSheet(format Format, w io.Writer) (table, error) {
	switch format {
	case CSV:
		return &csvSheet{spreadsheet.NewWriter(w)}, nil
	case XLSX:
		return newXLSX(w), nil
	}
	return nil, ErrFilter.Field("format", "refund.filter.format", nil)
}

type csvSheet struct{ w *spreadsheet.Writer }

func (s *csvSheet) begin(string) error { return nil }

func (s *csvSheet) row(cells []cell) error {
	record := make([]spreadsheet.Cell, len(cells))
	for i, c := range cells {
		record[i] = spreadsheet.Cell{Text: c.text, Number: c.number}
	}
	return s.w.Write(record)
}

func (s *csvSheet) end(err error) error {
	if err != nil {
		return err
	}
	return s.w.Flush()
}
