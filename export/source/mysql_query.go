package source

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// mysqlSnapshot is one transaction on one connection.
type mysqlSnapshot struct {
	source   *mysqlSource
	conn     *sql.Conn
	id       int64 // of the connection
	customer string
	opts     Options
	info     Info
	known    map[string][]Column // by a query's text
	safe     map[string]bool     // queries that the customer's reference may be given to
	broken   bool                // a statement was left in the middle
}

// mysqlDialect restricts queries of MySQL and MariaDB.
type mysqlDialect struct{}

func (mysqlDialect) name(column string) string {
	return wrapped + ".`" + strings.ReplaceAll(column, "`", "``") + "`"
}

func (mysqlDialect) place(a *question, value string) string {
	a.values = append(a.values, value)
	return "?"
}

// key gives numbers and bytes their type: compared with a text, numbers would be rounded and bytes be read as characters.
func (d mysqlDialect) key(a *question, column Column, value string) string {
	switch column.Type {
	case "integer":
		kind := "unsigned"
		if strings.HasPrefix(value, "-") {
			kind = "signed"
		}
		return "cast(" + d.place(a, value) + " as " + kind + ")"
	case "binary":
		return "unhex(" + d.place(a, strings.TrimPrefix(value, `\x`)) + ")"
	case "instant":
		value = strings.TrimSuffix(value, "+00")
	}
	return d.place(a, value)
}

// text compares bytes: no collation takes part, nor do spaces at the end count for nothing.
func (mysqlDialect) text(column string) string {
	return "cast(cast(" + column + " as char character set utf8mb4) as binary)"
}

// start sends a question. The server takes the values apart from the text, and still answers with text: PREPARE reads the
// query from a variable, EXECUTE the values.
// Source: MySQL manual, "Prepared Statements"; MariaDB documentation, "EXECUTE Statement".
func (s *mysqlSnapshot) start(ctx context.Context, a question) (*sql.Rows, error) {
	set, args := "set @offramp_query = ?", []any{a.sql}
	using := make([]string, len(a.values))
	for i, v := range a.values {
		using[i] = "@offramp_" + strconv.Itoa(i)
		set += ", " + using[i] + " = ?"
		args = append(args, v)
	}
	if _, err := s.conn.ExecContext(ctx, set, args...); err != nil {
		return nil, err
	}
	if _, err := s.conn.ExecContext(ctx, "prepare offramp from @offramp_query"); err != nil {
		return nil, err
	}
	execute := "execute offramp"
	if len(using) > 0 {
		execute += " using " + strings.Join(using, ", ")
	}
	return s.conn.QueryContext(ctx, execute)
}

// run asks a question and hands on the rows in a Column's text form. found is told the columns first.
func (s *mysqlSnapshot) run(ctx context.Context, q Query, a question, found func([]Column) error, yield func(values [][]byte) error) error {
	// Cancelling closes the connection at once; closing the rows alone would first read the rest of them.
	inner, watch, cancel := watchStall(ctx, q, s.opts.QueryTimeout)
	defer cancel()
	rows, err := s.start(inner, a)
	if err != nil {
		s.broken = s.broken || inner.Err() != nil
		return classifyMySQL(inner, q.Dataset, err)
	}
	defer func() { _ = rows.Close() }()
	err = readMySQL(rows, q, watch, found, yield)
	if err != nil {
		s.broken = true
		cancel()
		return err
	}
	if err := rows.Err(); err != nil {
		s.broken = true
		return classifyMySQL(inner, q.Dataset, err)
	}
	return nil
}

func readMySQL(rows *sql.Rows, q Query, watch *stall, found func([]Column) error, yield func(values [][]byte) error) error {
	columns, shapes, err := mysqlColumns(q, rows)
	if err != nil {
		return err
	}
	if err := found(columns); err != nil {
		return err
	}
	raw, places, values := make([]sql.RawBytes, len(columns)), make([]any, len(columns)), make([][]byte, len(columns))
	for i := range raw {
		places[i] = &raw[i]
	}
	var arena []byte
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return &Error{Kind: Unavailable, Dataset: q.Dataset, Cause: err}
		}
		arena = arena[:0]
		for i, v := range raw {
			values[i] = v
			if shapes[i] != nil && v != nil {
				begin := len(arena)
				arena = shapes[i](arena, v)
				values[i] = arena[begin:len(arena):len(arena)]
			}
		}
		watch.turn()
		if err := yield(values); err != nil {
			return err
		}
		watch.turn()
	}
	return nil
}

// inner is the dataset's query with the customer in each place for it.
func (s *mysqlSnapshot) inner(ctx context.Context, q Query, text string) (question, error) {
	if s.customer == "" {
		return question{}, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("a snapshot without a customer can only check")}
	}
	if err := unclean(q, s.customer); err != nil {
		return question{}, err
	}
	a, err := bindMySQL(q, text, s.customer)
	if err != nil {
		return a, err
	}
	return a, s.guard(ctx, q, text)
}

func bindMySQL(q Query, text, customer string) (question, error) {
	bound, n, err := BindMySQL(text)
	if err != nil {
		return question{}, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: err}
	}
	a := question{sql: bound}
	for range n {
		a.values = append(a.values, customer)
	}
	return a, nil
}

// ask is the query as it is to be read. These servers give up the order of a query that others are put around; restricted
// queries come in the order of the key.
func (s *mysqlSnapshot) ask(ctx context.Context, q Query) (question, error) {
	a, err := s.inner(ctx, q, q.SQL)
	if err != nil || !q.restricted() {
		return a, err
	}
	from, err := s.from(ctx, &a, q)
	a.sql = "select * from " + from
	if q.Key != "" {
		a.sql += " order by " + mysqlDialect{}.name(q.Key)
	}
	return a, err
}

// from is the restricted query in parentheses, for another that is put around it.
func (s *mysqlSnapshot) from(ctx context.Context, a *question, q Query) (string, error) {
	if !q.restricted() {
		return within(a.sql), nil
	}
	columns, err := s.columns(ctx, q)
	if err != nil {
		return "", err
	}
	where, err := conditions(mysqlDialect{}, a, q, columns)
	return within(a.sql) + where, err
}

// columns asks for a dataset's columns once.
func (s *mysqlSnapshot) columns(ctx context.Context, q Query) ([]Column, error) {
	if known, ok := s.known[q.SQL]; ok {
		return known, nil
	}
	a, err := bindMySQL(q, q.SQL, s.customer)
	if err != nil {
		return nil, err
	}
	columns, err := s.describe(ctx, q, a)
	if err == nil {
		s.known[q.SQL] = columns
	}
	return columns, err
}

// describe has a question prepared and answered with no rows.
func (s *mysqlSnapshot) describe(ctx context.Context, q Query, a question) (columns []Column, err error) {
	ctx, cancel := s.limited(ctx, q, "checking")
	defer cancel()
	a.sql = "select * from " + within(a.sql) + " limit 0"
	err = s.run(ctx, q, a, func(found []Column) error { columns = found; return nil }, func([][]byte) error { return nil })
	return columns, err
}

func (s *mysqlSnapshot) limited(ctx context.Context, q Query, doing string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.opts.CountTimeout, &Error{Kind: Locked, Dataset: q.Dataset, Cause: fmt.Errorf("%s took longer than %s", doing, s.opts.CountTimeout)})
}

// Check implements Snapshot.
func (s *mysqlSnapshot) Check(ctx context.Context, q Query) ([]Column, error) {
	columns, err := s.columns(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(compare(q.Dataset, q.Columns, columns), checkColumns(q, columns)); err != nil {
		return nil, err
	}
	if !q.restricted() && q.Key == "" {
		return columns, nil
	}
	a, err := bindMySQL(q, q.SQL, s.customer)
	if err != nil {
		return nil, err
	}
	where, err := conditions(mysqlDialect{}, &a, q, columns)
	if err != nil {
		return nil, err
	}
	a.sql = "select 1 from " + within(a.sql) + where
	_, err = s.describe(ctx, q, a)
	return columns, err
}

// Rows implements Snapshot.
func (s *mysqlSnapshot) Rows(ctx context.Context, q Query, yield func(values [][]byte) error) (n int64, err error) {
	a, err := s.ask(ctx, q)
	if err != nil {
		return 0, err
	}
	err = s.run(ctx, q, a, func(found []Column) error { return compare(q.Dataset, q.Columns, found) }, func(values [][]byte) error {
		if q.MaxRows > 0 && n == q.MaxRows {
			return tooMany(q)
		}
		if err := yield(values); err != nil {
			return err
		}
		n++
		return nil
	})
	return n, err
}
