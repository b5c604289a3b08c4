package source

import (
	"context"
	"fmt"
	"strconv"
)

// Weigh implements Snapshot.
func (s *snapshot) Weigh(ctx context.Context, q Query) (w Weight, err error) {
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
	a, err := s.ask(ctx, q)
	if err != nil {
		return w, err
	}
	a.sql = "select coalesce(avg(octet_length(r::text)), 0)::bigint from (select * from " + within(a.sql) + fmt.Sprintf(" limit %d) as r", sampled)
	row, err := s.row(ctx, q, a, "weighing")
	if err != nil {
		return w, err
	}
	width, err := readCount(q, row)
	w.Bytes = w.Rows * width
	return w, err
}

// weighFiles counts rows and attachments in one go.
func (s *snapshot) weighFiles(ctx context.Context, q Query) (w Weight, err error) {
	size, err := s.sizeOf(ctx, q)
	if err != nil {
		return w, err
	}
	a, err := s.inner(q, q.SQL)
	if err != nil {
		return w, err
	}
	from, err := s.from(ctx, &a, q)
	if err != nil {
		return w, err
	}
	if known, ok := s.counted[weighFilesSQL(sizeSQL(q, "text"), from)]; ok {
		return readWeight(q, known)
	}
	a.sql = weighFilesSQL(size, from)
	row, err := s.row(ctx, q, a, "weighing")
	if err != nil {
		return w, err
	}
	return readWeight(q, row)
}

// sizeOf is what a row's attachment weighs, in SQL; NULL where it has none. What is no whole number says nothing.
func (s *snapshot) sizeOf(ctx context.Context, q Query) (string, error) {
	if q.Files.Key == "" {
		return "null::bigint", nil
	}
	columns, err := s.columns(ctx, q)
	if err != nil {
		return "", err
	}
	_, at, err := FindFileColumns(q, columns)
	if err != nil {
		return "", err
	}
	kind := ""
	if at >= 0 {
		kind = columns[at].Type
	}
	return sizeSQL(q, kind), nil
}

// sizeSQL is sizeOf where the type of the column with the sizes is known, or taken for text, which serves all.
func sizeSQL(q Query, kind string) string {
	says := "null::bigint"
	if q.Files.Size != "" {
		name := postgresDialect{}.name(q.Files.Size)
		if says = name + "::bigint"; kind != "integer" {
			says = "case when " + name + "::text ~ '^-?[0-9]{1,18}$' then " + name + "::text::bigint end"
		}
	}
	return fmt.Sprintf("case when %s is not null then greatest(coalesce(%s, %d), 0) end", postgresDialect{}.name(q.Files.Key), says, unsized)
}

func weighFilesSQL(size, from string) string {
	return "select count(*), count(f), coalesce(sum(f), 0)::bigint from (select " + size + " as f from " + from + ") as weighed"
}

// Split implements Snapshot: one statement, in the order of the key's own comparisons.
func (s *snapshot) Split(ctx context.Context, q Query, perRow, most int64) ([]Share, error) {
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
	a, err := s.inner(q, q.SQL)
	if err != nil {
		return nil, err
	}
	from, err := s.from(ctx, &a, q)
	if err != nil {
		return nil, err
	}
	rows := "select " + postgresDialect{}.name(q.Key) + " as k, " + size + " as s from " + from
	a.sql = cutSQL(rows, max(perRow, 0), most, func(sum string) string { return "(" + sum + ")::bigint" }, func(a, b string) string { return "(" + a + ") / " + b })
	return s.cut(ctx, q, a, perRow, most)
}

func (s *snapshot) cut(ctx context.Context, q Query, a question, perRow, most int64) ([]Share, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.CountTimeout, s.tooLong(q, "cutting"))
	defer cancel()
	reader := s.exec(ctx, a)
	var c cutter
	for reader.NextRow() {
		r, err := readCut(reader.Values())
		if err != nil {
			cancel()
			_, _ = reader.Close()
			return nil, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: err}
		}
		c.add(r)
	}
	if _, err := reader.Close(); err != nil {
		return nil, s.failed(ctx, q, err)
	}
	list, err := c.end(q, max(perRow, 0), most)
	if err == nil {
		list[0].Range.From, list[len(list)-1].Range.Before = q.Range.From, q.Range.Before
	}
	return list, err
}

// readCut reads a row of cutSQL.
func readCut(values [][]byte) (r cutRow, err error) {
	if values[0] != nil {
		key := string(values[0])
		r.key = &key
	}
	var numbers [9]int64
	for i := range numbers {
		if numbers[i], err = strconv.ParseInt(string(values[i+1]), 10, 64); err != nil {
			return r, err
		}
	}
	r.rows, r.keyed, r.files, r.bytes, r.own, r.ownFiles = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]
	r.boundary, r.duplicate, r.final = numbers[6] == 1, numbers[7] == 1, numbers[8] == 1
	return r, nil
}
