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

func openPostgres(ctx context.Context, url string, o Options) (Source, error) {
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
	s := &snapshot{conn: conn, pg: conn.Conn().PgConn(), customer: customer, opts: p.opts}
	if err := s.begin(ctx, join); err != nil {
		s.Close()
		return nil, classify(ctx, "", err)
	}
	return s, nil
}

// The settings fix the text form of every type, whatever the server's own are, and keep two readings of one query in
// one order. Nothing ends a snapshot that waits for a slow upload. Compiling a query pays where it computes, not where it only
// hands rows out; servers before 11 cannot.
const settings = `
set local datestyle = 'ISO, YMD';
set local timezone = 'UTC';
set local intervalstyle = 'iso_8601';
set local bytea_output = 'hex';
set local extra_float_digits = 3;
set local standard_conforming_strings = on;
set local synchronize_seqscans = off;
set local max_parallel_workers_per_gather = 0;
select set_config('jit', 'off', true) where current_setting('jit', true) is not null;
set local statement_timeout = 0;
set local idle_in_transaction_session_timeout = 0;
set local row_security = on;
set local client_encoding = 'UTF8';`

// A failed statement takes the transaction back to here, so that checking goes on with the next dataset.
const savepoint = "savepoint begun;"

// snapshot is one transaction on one connection.
type snapshot struct {
	conn     *pgxpool.Conn
	pg       *pgconn.PgConn
	customer string
	opts     Options
	info     Info
	known    map[string][]Column // by a query's text
}

func (s *snapshot) begin(ctx context.Context, join string) error {
	sql := "begin isolation level repeatable read read only;"
	if join != "" {
		sql += "set transaction snapshot '" + join + "';"
	}
	sql += settings + "set local lock_timeout = " + strconv.FormatInt(s.opts.LockTimeout.Milliseconds(), 10) + ";"
	sql += "select pg_export_snapshot(), extract(epoch from now())::numeric(20,6)::text;" + savepoint
	results, err := s.pg.Exec(ctx, sql).ReadAll()
	if err != nil {
		return err
	}
	last := results[len(results)-2]
	if len(last.Rows) != 1 {
		return errors.New("the snapshot's name was not returned")
	}
	seconds, err := strconv.ParseFloat(string(last.Rows[0][1]), 64)
	if err != nil {
		return err
	}
	s.info = Info{ID: string(last.Rows[0][0]), AsOf: time.UnixMicro(int64(seconds * 1e6)).UTC(), Steady: true}
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
