package source

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// postgresDialect restricts queries of PostgreSQL. The server infers the values' types from what they are compared with, so
// that conditions around a query reach the indexes inside it.
type postgresDialect struct{}

func (postgresDialect) name(column string) string {
	return wrapped + "." + pgx.Identifier{column}.Sanitize()
}

func (postgresDialect) place(a *question, value string) string {
	a.values = append(a.values, value)
	return "$" + strconv.Itoa(len(a.values))
}

func (d postgresDialect) key(a *question, _ Column, value string) string { return d.place(a, value) }

// text uses the type's output function, as reading does: casting would turn t into true and trim char(n). No collation takes
// part.
func (postgresDialect) text(column string) string { return "format('%s', " + column + `) collate "C"` }

// inner is the dataset's query with the customer as its one value.
func (s *snapshot) inner(q Query, sql string) (question, error) {
	if s.customer == "" {
		return question{}, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("a snapshot without a customer can only check")}
	}
	if err := unclean(q, s.customer); err != nil {
		return question{}, err
	}
	bound, err := bind(q.Dataset, sql)
	return question{sql: bound, values: []string{s.customer}}, err
}

// ask is the query as it is to be read: with its range and conditions, in the order of the dataset's own query.
func (s *snapshot) ask(ctx context.Context, q Query) (question, error) {
	a, err := s.inner(q, q.SQL)
	if err != nil || !q.restricted() {
		return a, err
	}
	from, err := s.from(ctx, &a, q)
	a.sql = "select * from " + from
	return a, err
}

// from is the restricted query in parentheses, for another that is put around it.
func (s *snapshot) from(ctx context.Context, a *question, q Query) (string, error) {
	if !q.restricted() {
		return within(a.sql), nil
	}
	columns, err := s.columns(ctx, q)
	if err != nil {
		return "", err
	}
	where, err := conditions(postgresDialect{}, a, q, columns)
	return within(a.sql) + where, err
}

// columns prepares a dataset's query once.
func (s *snapshot) columns(ctx context.Context, q Query) ([]Column, error) {
	if known, ok := s.known[q.SQL]; ok {
		return known, nil
	}
	sql, err := bind(q.Dataset, q.SQL)
	if err != nil {
		return nil, err
	}
	columns, err := s.prepare(ctx, q, sql)
	if err != nil {
		return nil, err
	}
	if s.known == nil {
		s.known = map[string][]Column{}
	}
	s.known[q.SQL] = columns
	return columns, nil
}

func (s *snapshot) prepare(ctx context.Context, q Query, sql string) ([]Column, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.CountTimeout, s.tooLong(q, "checking"))
	defer cancel()
	description, err := s.pg.Prepare(ctx, "", sql, nil)
	if err != nil {
		return nil, s.failed(ctx, q, err)
	}
	columns := columnsOf(description.Fields)
	if len(columns) == 0 {
		return nil, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("the query returns no columns")}
	}
	return columns, nil
}

// Check implements Snapshot. It prepares the query as it is read, and with the statements that weigh and cut it.
func (s *snapshot) Check(ctx context.Context, q Query) ([]Column, error) {
	columns, err := s.columns(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := compare(q.Dataset, q.Columns, columns); err != nil {
		return nil, err
	}
	if err := checkColumns(q, columns); err != nil {
		return nil, err
	}
	if !q.restricted() && q.Key == "" {
		return columns, nil
	}
	sql, err := bind(q.Dataset, q.SQL)
	if err != nil {
		return nil, err
	}
	a := question{sql: sql, values: []string{s.customer}}
	where, err := conditions(postgresDialect{}, &a, q, columns)
	if err != nil {
		return nil, err
	}
	order := ""
	if q.Key != "" { // a type without an order, such as json, fails here
		order = " order by " + postgresDialect{}.name(q.Key)
	}
	_, err = s.prepare(ctx, q, "select * from "+within(a.sql)+where+order)
	return columns, err
}

// checkColumns looks for the columns that a query names.
func checkColumns(q Query, columns []Column) error {
	if q.Key != "" {
		if _, err := columnNamed(q, columns, q.Key, "which its row_key names"); err != nil {
			return err
		}
	}
	_, _, err := FindFileColumns(q, columns)
	return err
}

// exec runs a query, in text both ways.
func (s *snapshot) exec(ctx context.Context, a question) *pgconn.ResultReader {
	values := make([][]byte, len(a.values))
	for i, v := range a.values {
		values[i] = []byte(v)
	}
	return s.pg.ExecParams(ctx, a.sql, values, nil, nil, nil)
}

// Rows implements Snapshot.
func (s *snapshot) Rows(ctx context.Context, q Query, yield func(values [][]byte) error) (int64, error) {
	a, err := s.ask(ctx, q)
	if err != nil {
		return 0, err
	}
	// Cancelling closes the connection at once; closing the reader alone would first read the rest of the rows.
	inner, watch, cancel := watchStall(ctx, q, s.opts.QueryTimeout)
	defer cancel()
	reader := s.exec(inner, a)
	n, err := read(reader, q, watch, yield)
	if err != nil {
		cancel()
		_, _ = reader.Close()
		return n, err
	}
	if _, err := reader.Close(); err != nil {
		return n, s.failed(inner, q, err)
	}
	return n, nil
}

func read(reader *pgconn.ResultReader, q Query, watch *stall, yield func(values [][]byte) error) (n int64, err error) {
	// There are no columns when the query failed; the reader's Close tells why.
	if fields := reader.FieldDescriptions(); len(fields) > 0 {
		if err := compare(q.Dataset, q.Columns, columnsOf(fields)); err != nil {
			return 0, err
		}
	}
	for reader.NextRow() {
		if q.MaxRows > 0 && n == q.MaxRows {
			return n, tooMany(q)
		}
		watch.turn()
		if err := yield(reader.Values()); err != nil {
			return n, err
		}
		watch.turn()
		n++
	}
	return n, nil
}

// row runs a query that has one row.
func (s *snapshot) row(ctx context.Context, q Query, a question, doing string) ([][]byte, error) {
	if known, ok := s.counted[a.sql]; ok && len(a.values) == 1 {
		return known, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.CountTimeout, s.tooLong(q, doing))
	defer cancel()
	result := s.exec(ctx, a).Read()
	if result.Err != nil {
		return nil, s.failed(ctx, q, result.Err)
	}
	if len(result.Rows) != 1 {
		return nil, nil
	}
	return result.Rows[0], nil
}

// Count implements Snapshot.
func (s *snapshot) Count(ctx context.Context, q Query) (int64, error) {
	declared := q.CountSQL != "" && !q.restricted()
	text := q.SQL
	if declared {
		text = q.CountSQL
	}
	a, err := s.inner(q, text)
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

func readCount(q Query, row [][]byte) (int64, error) {
	if len(row) != 1 {
		return 0, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("the count query must return one row with one column")}
	}
	n, err := strconv.ParseInt(string(row[0]), 10, 64)
	if err != nil || n < 0 {
		return 0, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("the count query returned " + strconv.Quote(string(row[0])))}
	}
	return n, nil
}

func bind(dataset, sql string) (string, error) {
	bound, err := Bind(sql)
	if err != nil {
		return "", &Error{Kind: Invalid, Dataset: dataset, Cause: err}
	}
	return strings.TrimSpace(bound), nil
}
