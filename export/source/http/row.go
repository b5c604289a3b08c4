package http

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"offramp/export/source"
)

// further, as the name of a declared column, says that rows may have fields which are not declared, and need not have
// those that are. Such fields are not exported.
const further = "*"

// shape turns an API's rows into values.
type shape struct {
	dataset string
	columns []source.Column
	open    bool // further was declared
	at      map[string]int
	convert []converter

	ever   []bool  // each column: some row had it
	last   []int64 // each column: number of the last row that had it
	spans  [][2]int
	buffer []byte
	values [][]byte

	lost    *source.Lost
	instead []byte // stands for a value that is not of its column's type; nil: that ends the reading
	bad     int64  // rows with one
	badRow  int64  // the last of them
	first   error  // what was wrong with the first of them
}

// newShape checks the declared columns. An API tells no types of its own, so each column must have one.
func newShape(q source.Query) (*shape, error) {
	s := &shape{dataset: q.Dataset, instead: q.Unconverted, lost: q.Lost, at: map[string]int{}, buffer: make([]byte, 0, 256)}
	for _, c := range q.Columns {
		if c.Name == further {
			s.open = true
			continue
		}
		convert, ok := converters[c.Type]
		if !ok {
			return nil, s.fail(source.Invalid, "column %q needs a type, since an API tells none: text, integer, number, boolean, date, time, timestamp, instant, duration, binary, json or uuid", c.Name)
		}
		if _, twice := s.at[c.Name]; twice {
			return nil, s.fail(source.Invalid, "column %q is declared twice", c.Name)
		}
		s.at[c.Name] = len(s.columns)
		s.columns, s.convert = append(s.columns, c), append(s.convert, convert)
	}
	n := len(s.columns)
	if n == 0 {
		return nil, s.fail(source.Invalid, "the dataset of an HTTP API must declare its columns with their types")
	}
	s.ever, s.last, s.spans, s.values = make([]bool, n), make([]int64, n), make([][2]int, n), make([][]byte, n)
	return s, nil
}

func (s *shape) fail(kind source.Kind, format string, args ...any) error {
	return &source.Error{Kind: kind, Dataset: s.dataset, Cause: fmt.Errorf(format, args...)}
}

// row turns row n, counted from 1, into values that are good until the next call.
func (s *shape) row(n int64, item []byte) ([][]byte, error) {
	if mark := markOf(s.lost, item); mark != nil {
		for i := range s.values {
			s.values[i] = mark
		}
		return s.values, nil
	}
	if item[0] != '{' {
		err := s.refuse(n, s.fail(source.Schema, "row %d is %s in place of an object", n, nameOf(item)))
		for i := range s.values {
			s.values[i] = s.instead
		}
		return s.values, err
	}
	s.buffer = s.buffer[:0]
	for i := range s.spans {
		s.spans[i] = [2]int{-1, -1}
	}
	if err := members(item, func(key, value []byte) error { return s.member(n, key, value) }); err != nil {
		var own *source.Error
		if errors.As(err, &own) {
			return nil, err
		}
		return nil, s.fail(source.Inconsistent, "row %d: %w", n, err)
	}
	for i, span := range s.spans {
		if s.values[i] = nil; span[0] == refused {
			s.values[i] = s.instead
		} else if span[0] >= 0 {
			s.values[i] = s.buffer[span[0]:span[1]:span[1]]
		}
	}
	return s.values, nil
}

func (s *shape) member(n int64, key, value []byte) error {
	i, ok := s.at[string(key)]
	if !ok {
		if s.open {
			return nil
		}
		return s.fail(source.Schema, "row %d has %s, which is not declared; add it to the columns, or a column %q to leave such fields out", n, fieldName(key), further)
	}
	if s.last[i] == n {
		return s.fail(source.Inconsistent, "row %d has the field %q twice", n, key)
	}
	s.last[i], s.ever[i] = n, true
	if value[0] == 'n' {
		return nil
	}
	start := len(s.buffer)
	if s.buffer, ok = s.convert[i](s.buffer, value); !ok {
		s.buffer, s.spans[i] = s.buffer[:start], [2]int{refused, refused}
		return s.refuse(n, s.fail(source.Schema, "column %q: row %d has %s that is no %s, as which it is declared", key, n, nameOf(value), s.columns[i].Type))
	}
	s.spans[i] = [2]int{start, len(s.buffer)}
	return nil
}

const (
	refused = -2 // in spans: of a value that is not of its column's type
	// maxRefused is after how many rows that are all refused no further one is read.
	maxRefused = 1000
)

// refuse notes a row that is not as it was declared. It is an error where nothing may stand in its place, and where no row at all is
// as declared: then it is the declaration that is wrong.
func (s *shape) refuse(n int64, err error) error {
	if s.instead == nil {
		return err
	}
	if s.badRow != n {
		s.bad, s.badRow = s.bad+1, n
	}
	if s.first == nil {
		s.first = err
	}
	if s.bad == n && n >= maxRefused {
		return s.first
	}
	return nil
}

// fieldNames are what programs call their fields. What has other characters may be a customer's data as well, such as the name of a
// person under which an object keeps something, and is not repeated.
var fieldNames = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$.:-]{0,39}$`)

func fieldName(key []byte) string {
	if !fieldNames.Match(key) {
		return "a field with a name that is no program's"
	}
	return fmt.Sprintf("the field %q", key)
}

// end is called after the last row. A column that no row had has been dropped or renamed: leaving it empty would be a
// silent omission.
func (s *shape) end(rows int64) error {
	if s.bad == rows && rows > 1 {
		return s.first
	}
	if i := slices.Index(s.ever, false); rows > 0 && i >= 0 && !s.open {
		return s.fail(source.Schema, "column %q is missing: none of %d rows has the field; if the API leaves out what is empty, add a column %q", s.columns[i].Name, rows, further)
	}
	return nil
}
