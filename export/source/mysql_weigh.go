package source

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Count implements Snapshot.
func (s *mysqlSnapshot) Count(ctx context.Context, q Query) (int64, error) {
	declared := q.CountSQL != "" && !q.restricted()
	text := q.SQL
	if declared {
		text = q.CountSQL
	}
	a, err := s.inner(ctx, q, text)
	if err != nil {
		return 0, err
	}
	if !declared {
		from, err := s.from(ctx, &a, q)
		if err != nil {
			return 0, err
		}
		a.sql = "select count(*) from " + from
	}
	row, err := s.row(ctx, q, a, "counting")
	if err != nil {
		return 0, err
	}
	return readCount(q, row)
}

// row runs a query that has one row.
func (s *mysqlSnapshot) row(ctx context.Context, q Query, a question, doing string) (row [][]byte, err error) {
	ctx, cancel := s.limited(ctx, q, doing)
	defer cancel()
	n := 0
	err = s.run(ctx, q, a, func([]Column) error { return nil }, func(values [][]byte) error {
		if n++; n > 1 {
			return &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("the count query must return one row with one column")}
		}
		for _, v := range values {
			row = append(row, []byte(string(v)))
		}
		return nil
	})
	return row, err
}

// Weigh implements Snapshot.
func (s *mysqlSnapshot) Weigh(ctx context.Context, q Query) (w Weight, err error) {
	if q.Files.Key == "" {
		w.Rows, err = s.Count(ctx, q)
	} else {
		w, err = s.weighFiles(ctx, q)
	}
	if err != nil || w.Rows == 0 {
		return w, err
	}
	if q.MaxRows > 0 && w.Rows > q.MaxRows {
		return w, tooMany(q)
	}
	columns, err := s.columns(ctx, q)
	if err != nil {
		return w, err
	}
	widths := make([]string, len(columns))
	for i, c := range columns {
		if widths[i] = "coalesce(length(" + (mysqlDialect{}).name(c.Name) + "), 0) + 1"; c.Type == "binary" {
			widths[i] = "2 * " + widths[i]
		}
	}
	a, err := s.inner(ctx, q, q.SQL)
	if err != nil {
		return w, err
	}
	from, err := s.from(ctx, &a, q)
	if err != nil {
		return w, err
	}
	a.sql = "select cast(coalesce(avg(w), 0) as unsigned) from (select " + strings.Join(widths, " + ") + " as w from " + from + fmt.Sprintf(" limit %d) as sampled", sampled)
	row, err := s.row(ctx, q, a, "weighing")
	if err != nil {
		return w, err
	}
	width, err := readCount(q, row)
	w.Bytes = w.Rows * width
	return w, err
}

// weighFiles counts rows and attachments in one go.
func (s *mysqlSnapshot) weighFiles(ctx context.Context, q Query) (w Weight, err error) {
	size, err := s.sizeOf(ctx, q)
	if err != nil {
		return w, err
	}
	a, err := s.inner(ctx, q, q.SQL)
	if err != nil {
		return w, err
	}
	from, err := s.from(ctx, &a, q)
	if err != nil {
		return w, err
	}
	a.sql = "select count(*), count(f), coalesce(sum(f), 0) from (select " + size + " as f from " + from + ") as weighed"
	row, err := s.row(ctx, q, a, "weighing")
	if err != nil {
		return w, err
	}
	return readWeight(q, row)
}

// sizeOf is what a row's attachment weighs, in SQL; NULL where it has none. What is no whole number says nothing.
func (s *mysqlSnapshot) sizeOf(ctx context.Context, q Query) (string, error) {
	if q.Files.Key == "" {
		return "cast(null as signed)", nil
	}
	columns, err := s.columns(ctx, q)
	if err != nil {
		return "", err
	}
	_, at, err := FindFileColumns(q, columns)
	if err != nil {
		return "", err
	}
	says := "null"
	if at >= 0 {
		name := mysqlDialect{}.name(q.Files.Size)
		if says = name; columns[at].Type != "integer" {
			says = "case when " + name + " regexp '^-?[0-9]{1,18}$' then cast(" + name + " as signed) end"
		}
	}
	return fmt.Sprintf("case when %s is not null then greatest(coalesce(%s, %d), 0) end", mysqlDialect{}.name(q.Files.Key), says, unsized), nil
}

// Split implements Snapshot: one statement, in the order of the key's own comparisons.
func (s *mysqlSnapshot) Split(ctx context.Context, q Query, perRow, most int64) ([]Share, error) {
	if q.Key == "" {
		w, err := s.Weigh(ctx, q)
		w.Bytes = w.Rows * perRow
		return []Share{{Range: q.Range, Weight: w}}, err
	}
	columns, err := s.columns(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := checkColumns(q, columns); err != nil {
		return nil, err
	}
	size, err := s.sizeOf(ctx, q)
	if err != nil {
		return nil, err
	}
	a, err := s.inner(ctx, q, q.SQL)
	if err != nil {
		return nil, err
	}
	from, err := s.from(ctx, &a, q)
	if err != nil {
		return nil, err
	}
	rows := "select " + mysqlDialect{}.name(q.Key) + " as k, " + size + " as s from " + from
	a.sql = cutSQL(rows, max(perRow, 0), most, func(sum string) string { return "cast(" + sum + " as signed)" }, func(a, b string) string { return "(" + a + ") div " + b })
	ctx, cancel := s.limited(ctx, q, "cutting")
	defer cancel()
	var c cutter
	err = s.run(ctx, q, a, func([]Column) error { return nil }, func(values [][]byte) error {
		r, err := readCut(values)
		if err != nil {
			return &Error{Kind: Invalid, Dataset: q.Dataset, Cause: err}
		}
		c.add(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.end(q, max(perRow, 0), most)
}

// readWeight reads rows, attachments and their bytes.
func readWeight(q Query, row [][]byte) (w Weight, err error) {
	if len(row) != 3 {
		return w, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("weighing gave no answer")}
	}
	for i, to := range []*int64{&w.Rows, &w.Files, &w.FileBytes} {
		if *to, err = strconv.ParseInt(string(row[i]), 10, 64); err != nil {
			return w, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: err}
		}
	}
	return w, nil
}
