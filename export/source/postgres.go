package source

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const defaultConns = 8

// postgres reads from PostgreSQL by the lowest layer of pgx: text in, text out.
type postgres struct {
	pool *pgxpool.Pool
	opts Options
}

// OpenPostgres prepares a PostgreSQL database by its URL. It does not connect yet: [Source.Ping] does. pool_max_conns in the
// URL bounds the connections (8 unless told).
func OpenPostgres(ctx context.Context, url string, o Options) (Source, error) {
	o = o.WithDefaults()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, &Error{Kind: Invalid, Cause: err} // pgx masks the password in this error
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = defaultConns
	}
	config.MaxConnIdleTime = time.Minute
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "offramp-export"
	}
	// A dataset's query is text of the programme's file: never cached under a name that a pooler could mix up.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, &Error{Kind: Invalid, Cause: err}
	}
	return &postgres{pool: pool, opts: o}, nil
}

// Ping implements Source.
func (p *postgres) Ping(ctx context.Context) error {
	return classify(ctx, "", p.pool.Ping(ctx))
}

// Close implements Source.
func (p *postgres) Close() { p.pool.Close() }

var snapshotID = regexp.MustCompile(`^[0-9A-Fa-f-]{1,64}$`)

// Begin implements Source.
func (p *postgres) Begin(ctx context.Context, customer, join string) (Snapshot, error) {
	if join != "" && !snapshotID.MatchString(join) {
		return nil, &Error{Kind: Invalid, Cause: fmt.Errorf("%q is no snapshot", join)}
	}
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, classify(ctx, "", err)
	}
	s := &snapshot{pool: p.pool, conn: conn, pg: conn.Conn().PgConn(), customer: customer, opts: p.opts}
	if err := s.begin(ctx, join); err != nil {
		s.Close()
		return nil, classify(ctx, "", err)
	}
	return s, nil
}

// The settings fix the text form of every type, whatever the server's own are, and keep two readings of one query in
// one order. Nothing ends a snapshot that waits for a slow upload. Compiling a query pays where it computes, not where it only
// hands rows out; servers before 11 cannot. One statement sets them all, and tells which instant it is.
var beginSQL = func() string {
	var b strings.Builder
	b.WriteString("select ")
	for _, s := range [][2]string{
		{"datestyle", "ISO, YMD"},
		{"timezone", "UTC"},
		{"intervalstyle", "iso_8601"},
		{"bytea_output", "hex"},
		{"extra_float_digits", "3"},
		{"standard_conforming_strings", "on"},
		{"synchronize_seqscans", "off"},
		{"max_parallel_workers_per_gather", "0"},
		{"statement_timeout", "0"},
		{"idle_in_transaction_session_timeout", "0"},
		{"row_security", "on"},
		{"client_encoding", "UTF8"},
	} {
		fmt.Fprintf(&b, "set_config('%s', '%s', true), ", s[0], s[1])
	}
	b.WriteString("CASE WHEN current_setting('jit', true) IS NOT NULL THEN set_config('jit', 'off', true) END, ")
	return b.String() + "set_config('lock_timeout', '%d', true), pg_export_snapshot(), extract(epoch from now())::numeric(20,6)::text;"
}()

// A failed statement takes the transaction back to here, so that checking goes on with the next dataset.
const savepoint = "savepoint begun;"

// snapshot is one transaction on one connection.
type snapshot struct {
	pool     *pgxpool.Pool
	conn     *pgxpool.Conn
	pg       *pgconn.PgConn
	customer string
	opts     Options
	info     Info
	known    map[string][]Column // by a query's text
	counted  map[string][][]byte // what was asked at once, by its text: the one row
}

func (s *snapshot) begin(ctx context.Context, join string) error {
	sql := "begin isolation level repeatable read read only;"
	if join != "" {
		sql += "set transaction snapshot '" + join + "';"
	}
	sql += fmt.Sprintf(beginSQL, s.opts.LockTimeout.Milliseconds()) + savepoint
	results, err := s.pg.Exec(ctx, sql).ReadAll()
	if err != nil {
		return err
	}
	last := results[len(results)-2]
	if len(last.Rows) != 1 || len(last.Rows[0]) < 2 {
		return errors.New("the snapshot's name was not returned")
	}
	said := last.Rows[0][len(last.Rows[0])-2:]
	seconds, err := strconv.ParseFloat(string(said[1]), 64)
	if err != nil {
		return err
	}
	s.info = Info{ID: string(said[0]), AsOf: time.UnixMicro(int64(seconds * 1e6)).UTC(), Steady: true}
	return nil
}

// Info implements Snapshot.
func (s *snapshot) Info() Info { return s.info }

// Close implements Snapshot.
func (s *snapshot) Close() {
	if s.conn == nil {
		return
	}
	// The rollback must go out even when the export was cancelled. A connection that cannot say it is dropped.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if !s.pg.IsClosed() {
		_, _ = s.pg.Exec(ctx, "rollback").ReadAll()
	}
	s.conn.Release()
	s.conn = nil
}

func (s *snapshot) tooLong(q Query, doing string) error {
	return &Error{Kind: Locked, Dataset: q.Dataset, Cause: fmt.Errorf("%s took longer than %s", doing, s.opts.CountTimeout)}
}

// failed classifies err and makes the transaction usable again, if the connection lives.
func (s *snapshot) failed(ctx context.Context, q Query, err error) error {
	if !s.pg.IsClosed() && s.pg.TxStatus() == 'E' {
		_, _ = s.pg.Exec(ctx, "rollback to savepoint begun").ReadAll()
	}
	return classify(ctx, q.Dataset, err)
}

// CheckTable implements Source.
func (p *postgres) CheckTable(ctx context.Context, sql string) (columns []Column, err error) {
	err = p.plainly(ctx, func(s *snapshot) error {
		description, err := s.pg.Prepare(ctx, "", strip(sql), nil)
		if err != nil {
			return classify(ctx, "", err)
		}
		if columns = columnsOf(description.Fields); len(columns) == 0 {
			return &Error{Kind: Invalid, Cause: errors.New("the query returns no columns")}
		}
		return s.plan(ctx, Query{}, strip(sql), nil)
	})
	return columns, err
}

// Table implements Source.
func (p *postgres) Table(ctx context.Context, sql string, yield func(columns []Column, values [][]byte) error) error {
	return p.plainly(ctx, func(s *snapshot) error {
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		reader := s.pg.ExecParams(inner, strip(sql), nil, nil, nil, nil)
		columns := columnsOf(reader.FieldDescriptions())
		for reader.NextRow() {
			if err := yield(columns, reader.Values()); err != nil {
				cancel()
				_, _ = reader.Close()
				return err
			}
		}
		_, err := reader.Close()
		return classify(ctx, "", err)
	})
}

// plainly runs do in a read-only snapshot without a customer.
func (p *postgres) plainly(ctx context.Context, do func(*snapshot) error) error {
	opened, err := p.Begin(ctx, "", "")
	if err != nil {
		return err
	}
	defer opened.Close()
	s, ok := opened.(*snapshot)
	if !ok {
		return &Error{Kind: Invalid, Cause: errors.New("the snapshot is not of PostgreSQL")}
	}
	return do(s)
}
