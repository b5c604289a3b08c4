package profile

import (
	"errors"
	"fmt"
	"slices"

	"offramp/export/archive"
	"offramp/export/source"
	"offramp/internal/expression"
)

// File is one file for the replacement. It is safe for concurrent use.
type File struct {
	Replacement string   // key
	Name        string   // such as issues.csv
	Format      string   // csv or jsonl
	Dataset     string   // key of the dataset whose rows it is made from
	Columns     []string // of the file, in order; every value is text

	columns []string // of the dataset, as declared
	where   *expression.Expression
	cells   []cell
	needed  []int
}

// cell makes one column of the file. constant, from and value exclude each other.
type cell struct {
	name      string
	constant  []byte
	from      int // place among the dataset's declared columns; -1: none
	value     *expression.Expression
	mapped    map[string][]byte
	otherwise []byte // nil: values that mapped does not have stay
}

// RowError is why one row cannot be made. The row is then missing from the file and named in the receipt.
type RowError struct {
	Column string // of the file; empty: where
	Cause  error
}

// Error names the column.
func (e *RowError) Error() string {
	if e.Column == "" {
		return "where: " + e.Cause.Error()
	}
	return fmt.Sprintf("column %q: %v", e.Column, e.Cause)
}

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Cause }

// ItemReason is the reason that the receipt gives; the catalogue words it as export.failure.<reason>.
func (e *RowError) ItemReason() string {
	var failed *expression.Error
	if errors.As(e.Cause, &failed) {
		return failed.Reason
	}
	return "not_converted"
}

// ItemColumn is the file's column that failed.
func (e *RowError) ItemColumn() string { return e.Column }

// Row returns what makes a row of the file out of a row that a source gave with these columns, for the customer with this
// reference in the retired product. The function returned is for one reader; its result is valid until its next call. keep
// is false for a row that where leaves out. Its errors are *RowError and about that row alone.
func (f *File) Row(customer string, columns []source.Column) (func(values [][]byte) (out [][]byte, keep bool, err error), error) {
	m := &maker{
		file: f, row: expression.Row{Customer: customer, Values: make([][]byte, len(f.columns))},
		place: make([]int, len(f.columns)), kind: make([]string, len(f.columns)),
		out: make([][]byte, len(f.cells)), text: make([]byte, 0, 1024), seen: make([]byte, 0, 1024),
	}
	for i, name := range f.columns {
		at := slices.IndexFunc(columns, func(c source.Column) bool { return c.Name == name })
		if at < 0 {
			return nil, &source.Error{Kind: source.Schema, Dataset: f.Dataset, Cause: fmt.Errorf("column %q, which %s is made from, is missing", name, f.Name)}
		}
		m.place[i], m.kind[i] = at, columns[at].Type
	}
	return m.make, nil
}

// maker makes the rows of one file for one reader.
type maker struct {
	file  *File
	row   expression.Row // as expressions see it
	place []int          // declared column -> place in the source's row
	kind  []string       // declared column -> type
	out   [][]byte
	text  []byte // holds values of out that are not the source's own
	seen  []byte // holds values of row that are not the source's own
}

func (m *maker) make(values [][]byte) (out [][]byte, keep bool, err error) {
	m.text = m.text[:0]
	if err := m.see(values); err != nil {
		return nil, false, err
	}
	if m.file.where != nil {
		keep, err := m.file.where.Holds(&m.row)
		if err != nil || !keep {
			return nil, false, wrapped("", err)
		}
	}
	for i := range m.file.cells {
		c := &m.file.cells[i]
		v, err := m.cell(c, values)
		if err != nil {
			return nil, false, &RowError{c.name, err}
		}
		if v != nil && c.mapped != nil {
			if is, ok := c.mapped[string(v)]; ok {
				v = is
			} else if c.otherwise != nil {
				v = c.otherwise
			}
		}
		m.out[i] = v
	}
	return m.out, true, nil
}

func wrapped(column string, err error) error {
	if err == nil {
		return nil
	}
	return &RowError{column, err}
}

// see prepares the values that expressions look at. A boolean stays t or f, as they expect it.
func (m *maker) see(values [][]byte) error {
	m.seen = m.seen[:0]
	for _, i := range m.file.needed {
		v := values[m.place[i]]
		m.row.Values[i] = v
		if v == nil || archive.IsText(m.kind[i]) || m.kind[i] == "boolean" {
			continue
		}
		start, ok := len(m.seen), false
		if m.seen, ok = archive.AppendText(m.seen, m.kind[i], v); !ok {
			return &RowError{m.file.columns[i], errUnreadable}
		}
		m.row.Values[i] = m.seen[start:]
	}
	return nil
}

var errUnreadable = errors.New("the value is not of its column's type")

// cell gives a value before it is mapped; nil is NULL.
func (m *maker) cell(c *cell, values [][]byte) ([]byte, error) {
	switch {
	case c.constant != nil:
		return c.constant, nil
	case c.value != nil:
		start := len(m.text)
		text, null, err := c.value.Append(m.text, &m.row)
		if err != nil || null {
			return nil, err
		}
		m.text = text
		return text[start:], nil
	}
	v, kind := values[m.place[c.from]], m.kind[c.from]
	if v == nil || archive.IsText(kind) {
		return v, nil
	}
	start, ok := len(m.text), false
	if m.text, ok = archive.AppendText(m.text, kind, v); !ok {
		return nil, errUnreadable
	}
	return m.text[start:], nil
}
