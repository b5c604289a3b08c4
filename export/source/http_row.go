package source

import (
	"errors"
	"fmt"
	"slices"
)

// further, as the name of a declared column, says that rows may have fields which are not declared, and need not have
// those that are. Such fields are not exported.
const further = "*"

// shape turns an API's rows into values.
type shape struct {
	dataset string
	columns []Column
	open    bool // further was declared
	at      map[string]int
	convert []converter

	ever   []bool  // each column: some row had it
	last   []int64 // each column: number of the last row that had it
	spans  [][2]int
	buffer []byte
	values [][]byte
}

// newShape checks the declared columns. An API tells no types of its own, so each column must have one.
func newShape(q Query) (*shape, error) {
	s := &shape{dataset: q.Dataset, at: map[string]int{}, buffer: make([]byte, 0, 256)}
	for _, c := range q.Columns {
		if c.Name == further {
			s.open = true
			continue
		}
		convert, ok := converters[c.Type]
		if !ok {
			return nil, s.fail(Invalid, "column %q needs a type, since an API tells none: text, integer, number, boolean, date, time, timestamp, instant, duration, binary, json or uuid", c.Name)
		}
		if _, twice := s.at[c.Name]; twice {
			return nil, s.fail(Invalid, "column %q is declared twice", c.Name)
		}
		s.at[c.Name] = len(s.columns)
		s.columns, s.convert = append(s.columns, c), append(s.convert, convert)
	}
	n := len(s.columns)
	if n == 0 {
		return nil, s.fail(Invalid, "the dataset of an HTTP API must declare its columns with their types")
	}
	s.ever, s.last, s.spans, s.values = make([]bool, n), make([]int64, n), make([][2]int, n), make([][]byte, n)
	return s, nil
}

func (s *shape) fail(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Dataset: s.dataset, Cause: fmt.Errorf(format, args...)}
}

// row turns row n, counted from 1, into values that are good until the next call.
func (s *shape) row(n int64, item []byte) ([][]byte, error) {
	if item[0] != '{' {
		return nil, s.fail(Schema, "row %d is %s in place of an object", n, nameOf(item))
	}
	s.buffer = s.buffer[:0]
	for i := range s.spans {
		s.spans[i] = [2]int{-1, -1}
	}
	if err := members(item, func(key, value []byte) error { return s.member(n, key, value) }); err != nil {
		var own *Error
		if errors.As(err, &own) {
			return nil, err
		}
		return nil, s.fail(Inconsistent, "row %d: %w", n, err)
	}
	for i, span := range s.spans {
		if s.values[i] = nil; span[0] >= 0 {
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
		return s.fail(Schema, "row %d has the field %q, which is not declared; add it to the columns, or a column %q to leave such fields out", n, key, further)
	}
	if s.last[i] == n {
		return s.fail(Inconsistent, "row %d has the field %q twice", n, key)
	}
	s.last[i], s.ever[i] = n, true
	if value[0] == 'n' {
		return nil
	}
	start := len(s.buffer)
	if s.buffer, ok = s.convert[i](s.buffer, value); !ok {
		return s.fail(Schema, "column %q: row %d has %s that is no %s, as which it is declared", key, n, nameOf(value), s.columns[i].Type)
	}
	s.spans[i] = [2]int{start, len(s.buffer)}
	return nil
}

// end is called after the last row. A column that no row had has been dropped or renamed: leaving it empty would be a
// silent omission.
func (s *shape) end(rows int64) error {
	if i := slices.Index(s.ever, false); rows > 0 && i >= 0 && !s.open {
		return s.fail(Schema, "column %q is missing: none of %d rows has the field; if the API leaves out what is empty, add a column %q", s.columns[i].Name, rows, further)
	}
	return nil
}
