package source

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// errTooMuch ends a gathering that does not fit.
var errTooMuch = errors.New("source: more than was to be gathered")

// Gather implements Gatherer. The counts go first: a query that is not small must not be read in vain.
func (s *snapshot) Gather(ctx context.Context, queries []Query, room int) ([]*Gathered, error) {
	if err := refuseRestricted(queries); err != nil {
		return nil, err
	}
	all, err := s.weighAll(ctx, queries)
	if err != nil {
		return nil, err
	}
	rows := int64(0)
	for i, g := range all {
		if rows += g.Weight.Rows; queries[i].MaxRows > 0 && g.Weight.Rows > queries[i].MaxRows {
			return nil, tooMany(queries[i])
		}
	}
	if rows > gatherRows {
		return nil, nil
	}
	err = s.readAll(ctx, queries, all, room)
	if errors.Is(err, errTooMuch) {
		return nil, s.again(ctx)
	}
	return all, err
}

// again begins the snapshot anew on another connection: reading was broken off, which closed this one.
func (s *snapshot) again(ctx context.Context) error {
	s.Close()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return classify(ctx, "", err)
	}
	s.conn, s.pg, s.known, s.counted = conn, conn.Conn().PgConn(), nil, nil
	return classify(ctx, "", s.begin(ctx, ""))
}

// weighAll asks for every query's rows and attachments at once, and remembers the answers for Weigh.
func (s *snapshot) weighAll(ctx context.Context, queries []Query) ([]*Gathered, error) {
	asked, batch := make([]question, len(queries)), &pgconn.Batch{}
	for i, q := range queries {
		var err error
		if asked[i], err = s.counting(q); err != nil {
			return nil, err
		}
		asked[i].queue(batch)
	}
	all := make([]*Gathered, len(queries))
	s.counted = map[string][][]byte{}
	err := s.all(ctx, queries, batch, func(i int, r *pgconn.ResultReader) error {
		result := r.Read()
		if result.Err != nil {
			return result.Err
		}
		if len(result.Rows) != 1 {
			_, err := readCount(queries[i], nil)
			return err
		}
		s.counted[asked[i].sql] = result.Rows[0]
		all[i] = new(Gathered)
		if queries[i].Files.Key != "" {
			var err error
			all[i].Weight, err = readWeight(queries[i], result.Rows[0])
			return err
		}
		n, err := readCount(queries[i], result.Rows[0])
		all[i].Weight.Rows = n
		return err
	})
	return all, err
}

// counting is the question for a query's rows, or for its rows and attachments, without knowing its columns.
func (s *snapshot) counting(q Query) (question, error) {
	if q.CountSQL != "" && q.Files.Key == "" {
		return s.inner(q, q.CountSQL)
	}
	a, err := s.inner(q, q.SQL)
	if err != nil {
		return a, err
	}
	if q.Files.Key == "" {
		a.sql = "select count(*) from " + within(a.sql)
		return a, nil
	}
	a.sql = weighFilesSQL(sizeSQL(q, "text"), within(a.sql))
	return a, nil
}

// readAll reads all queries into memory, at most room bytes.
func (s *snapshot) readAll(ctx context.Context, queries []Query, all []*Gathered, room int) error {
	batch := &pgconn.Batch{}
	for _, q := range queries {
		a, err := s.inner(q, q.SQL)
		if err != nil {
			return err
		}
		a.queue(batch)
	}
	return s.all(ctx, queries, batch, func(i int, r *pgconn.ResultReader) error {
		q, g := queries[i], all[i]
		fields := r.FieldDescriptions()
		if len(fields) == 0 { // it failed, or has none
			if _, err := r.Close(); err != nil {
				return err
			}
			return &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("the query returns no columns")}
		}
		g.Columns = columnsOf(fields)
		if err := compare(q.Dataset, q.Columns, g.Columns); err != nil {
			return err
		}
		if err := checkColumns(q, g.Columns); err != nil {
			return err
		}
		for r.NextRow() {
			g.held.add(r.Values())
			if g.held.size() > room {
				return errTooMuch
			}
		}
		room -= g.held.size()
		g.Weight.Bytes = int64(len(g.held.values))
		_, err := r.Close()
		return err
	})
}

// queue adds the question to a batch, in text both ways.
func (a question) queue(batch *pgconn.Batch) {
	values := make([][]byte, len(a.values))
	for i, v := range a.values {
		values[i] = []byte(v)
	}
	batch.ExecParams(a.sql, values, nil, nil, nil)
}

// all sends a batch with one statement for each query and has the answers read in order. No answer may take longer than one
// count may. An error of read's that is not the server's breaks the connection off.
func (s *snapshot) all(ctx context.Context, queries []Query, batch *pgconn.Batch, read func(i int, r *pgconn.ResultReader) error) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var at atomic.Int64
	timer := time.AfterFunc(s.opts.CountTimeout, func() { cancel(s.tooLong(queries[at.Load()], "reading "+strconv.Itoa(len(queries))+" datasets")) })
	defer timer.Stop()
	results := s.pg.ExecBatch(inner, batch)
	for i := 0; i < len(queries) && results.NextResult(); i++ {
		at.Store(int64(i))
		timer.Reset(s.opts.CountTimeout)
		err := read(i, results.ResultReader())
		if err != nil && !isServers(err) {
			cancel(err)
			_ = results.Close()
			return classify(ctx, queries[i].Dataset, err)
		}
		if err != nil {
			break
		}
		at.Store(int64(min(i+1, len(queries)-1)))
	}
	if err := results.Close(); err != nil {
		return s.failed(inner, queries[at.Load()], err)
	}
	return nil
}

// isServers reports whether the server said so itself: the connection is as good as before.
func isServers(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg)
}
