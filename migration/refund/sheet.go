package refund

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"
)

// cell is one value of a file: text, or an amount in decimal digits.
type cell struct {
	text   string
	number bool
}

func said(s string) cell { return cell{text: s} }

// sheet is a table that is written row by row, in constant memory.
type table interface {
	row(cells []cell) error
	// end finishes the file, or gives up where err says so. It returns err, or why it cannot be finished.
	end(err error) error
}

func newSheet(format Format, w io.Writer) (table, error) {
	switch format {
	case CSV:
		return &csvSheet{csv.NewWriter(w)}, nil
	case XLSX:
		return newXLSX(w)
	}
	return nil, ErrFilter.Field("format", "refund.filter.format", nil)
}

type csvSheet struct{ w *csv.Writer }

func (s *csvSheet) row(cells []cell) error {
	if len(cells) == 0 {
		cells = []cell{{}}
	}
	record := make([]string, len(cells))
	for i, c := range cells {
		record[i] = c.text
		if !c.number {
			record[i] = inert(c.text)
		}
	}
	return s.w.Write(record)
}

func (s *csvSheet) end(err error) error {
	if err != nil {
		return err
	}
	s.w.Flush()
	return s.w.Error()
}

// inert keeps a spreadsheet from taking text for a formula (OWASP, CSV injection).
func inert(s string) string {
	if s != "" && strings.ContainsAny(s[:1], "=+-@\t\r") {
		return "'" + s
	}
	return s
}

// xlsxSheet leaves rows beyond some megabytes in a temporary file.
type xlsxSheet struct {
	file   *excelize.File
	stream *excelize.StreamWriter
	out    io.Writer
	n      int
	part   int
}

// xlsxRows is how many rows a sheet of a workbook holds; the rest goes on to another one (ECMA-376: 1,048,576).
const xlsxRows = 1_000_000

func newXLSX(w io.Writer) (*xlsxSheet, error) {
	s := &xlsxSheet{file: excelize.NewFile(), out: w}
	return s, s.next()
}

// next begins another sheet of the workbook.
func (s *xlsxSheet) next() (err error) {
	s.part, s.n = s.part+1, 0
	name := fmt.Sprintf("Sheet%d", s.part)
	if s.part > 1 {
		if err := s.stream.Flush(); err != nil {
			return err
		}
		if _, err := s.file.NewSheet(name); err != nil {
			return err
		}
	}
	s.stream, err = s.file.NewStreamWriter(name)
	return err
}

func (s *xlsxSheet) row(cells []cell) error {
	if s.n == xlsxRows {
		if err := s.next(); err != nil {
			return err
		}
	}
	s.n++
	values := make([]any, len(cells))
	for i, c := range cells {
		values[i] = c.text // as text, which no spreadsheet rounds or takes for a formula
	}
	at, err := excelize.CoordinatesToCellName(1, s.n)
	if err != nil {
		return err
	}
	return s.stream.SetRow(at, values)
}

func (s *xlsxSheet) end(err error) error {
	if err == nil {
		err = s.stream.Flush()
	}
	if err == nil {
		_, err = s.file.WriteTo(s.out)
	}
	return errors.Join(err, s.file.Close())
}
