package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mysqlSource reads from MySQL 8.0 and MariaDB 10.2 or later, as text from the server to the archive.
type mysqlSource struct {
	db   *sql.DB
	opts Options
}

// OpenMySQL prepares a MySQL or MariaDB database by its URL, as [OpenPostgres] does.
func OpenMySQL(u *url.URL, o Options) (Source, error) {
	o = o.WithDefaults()
	config, conns, err := mysqlConfig(u)
	if err != nil {
		return nil, &Error{Kind: Invalid, Cause: err}
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, &Error{Kind: Invalid, Cause: errors.New("the source's URL cannot be used")} // the cause might repeat the URL
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(-1) // a connection serves one snapshot: the next customer never meets what the last one left in it
	return &mysqlSource{db: db, opts: o}, nil
}

// mysqlConfig reads an address such as mariadb://reader:secret@db.example:3306/product?tls=true. Parameters are tls (true,
// skip-verify, preferred, false), tls_ca (a file), connect_timeout (seconds) and pool_max_conns.
func mysqlConfig(u *url.URL) (*mysql.Config, int, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	if u.Port() == "" {
		c.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	if u.Hostname() == "" || c.DBName == "" {
		return nil, 0, errors.New("the source's URL needs a host and a database, as in mysql://user:password@db.example:3306/product")
	}
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.Timeout, c.TLSConfig, c.Logger = 10*time.Second, "preferred", &mysql.NopLogger{}
	conns := defaultConns
	for name, values := range u.Query() {
		if err := mysqlParameter(c, &conns, u.Hostname(), name, values[0]); err != nil {
			return nil, 0, err
		}
	}
	return c, conns, nil
}

func mysqlParameter(c *mysql.Config, conns *int, host, name, value string) error {
	switch name {
	case "tls":
		if value != "true" && value != "false" && value != "preferred" && value != "skip-verify" {
			return fmt.Errorf("tls=%s in the source's URL is none of true, skip-verify, preferred and false", value)
		}
		c.TLSConfig = value
	case "tls_ca":
		pem, err := os.ReadFile(value) //nolint:gosec // the operator's own configuration
		if err != nil {
			return fmt.Errorf("tls_ca in the source's URL: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("tls_ca in the source's URL: %s holds no certificate", value)
		}
		c.TLS = &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}
	case "connect_timeout", "pool_max_conns":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return fmt.Errorf("%s in the source's URL must be a whole number above 0", name)
		}
		if name == "pool_max_conns" {
			*conns = n
		} else {
			c.Timeout = time.Duration(n) * time.Second
		}
	default:
		return fmt.Errorf("the source's URL has the unknown parameter %q (known are tls, tls_ca, connect_timeout and pool_max_conns)", name)
	}
	return nil
}

// Ping implements Source.
func (m *mysqlSource) Ping(ctx context.Context) error {
	return classifyMySQL(ctx, "", m.db.PingContext(ctx))
}

// Close implements Source.
func (m *mysqlSource) Close() { _ = m.db.Close() }

// Begin implements Source. These servers cannot share a snapshot between connections.
func (m *mysqlSource) Begin(ctx context.Context, customer, join string) (Snapshot, error) {
	if join != "" {
		return nil, &Error{Kind: Invalid, Cause: errors.New("a snapshot of MySQL or MariaDB cannot be joined")}
	}
	return m.begin(ctx, customer)
}

func (m *mysqlSource) begin(ctx context.Context, customer string) (*mysqlSnapshot, error) {
	conn, err := m.db.Conn(ctx)
	if err != nil {
		return nil, classifyMySQL(ctx, "", err)
	}
	s := &mysqlSnapshot{source: m, conn: conn, customer: customer, opts: m.opts, known: map[string][]Column{}, safe: map[string]bool{}}
	if err := s.begin(ctx); err != nil {
		s.Close()
		return nil, classifyMySQL(ctx, "", err)
	}
	return s, nil
}

// mysqlSettings fix the text form of every type and how queries are read, and see to it that nothing ends a snapshot that
// waits for a slow upload.
const mysqlSettings = `set session sql_mode = 'NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', sql_select_limit = default, max_join_size = default,
 net_write_timeout = 86400, net_read_timeout = 86400, wait_timeout = 86400, lock_wait_timeout = %[1]d, innodb_lock_wait_timeout = %[1]d`

func (s *mysqlSnapshot) begin(ctx context.Context) error {
	var version string
	if err := s.conn.QueryRowContext(ctx, "select version(), connection_id()").Scan(&version, &s.id); err != nil {
		return err
	}
	own := "max_execution_time = 0"
	if strings.Contains(version, "MariaDB") {
		own = "max_statement_time = 0, idle_transaction_timeout = 0, idle_readonly_transaction_timeout = 0"
	}
	seconds := int64((s.opts.LockTimeout + time.Second - 1) / time.Second)
	for _, statement := range []string{
		"set names utf8mb4",
		fmt.Sprintf(mysqlSettings, seconds) + ", " + own,
		"set session transaction isolation level repeatable read",
		"start transaction with consistent snapshot, read only",
	} {
		if _, err := s.conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	// Tables of other engines show changes as they are made.
	var micros, unsteady int64
	err := s.conn.QueryRowContext(ctx, `select cast(unix_timestamp(now(6)) * 1000000 as signed), (select count(*) from information_schema.tables
		where table_schema = database() and table_type = 'BASE TABLE' and engine not in ('InnoDB', 'ROCKSDB', 'BLACKHOLE'))`).Scan(&micros, &unsteady)
	s.info = Info{AsOf: time.UnixMicro(micros).UTC(), Steady: unsteady == 0}
	return err
}

// Info implements Snapshot. Without an ID: one reader must read everything.
func (s *mysqlSnapshot) Info() Info { return s.info }

// Close implements Snapshot. The end of the connection ends the transaction.
func (s *mysqlSnapshot) Close() {
	if s.conn == nil {
		return
	}
	_ = s.conn.Close()
	s.conn = nil
	if !s.broken || s.id == 0 {
		return
	}
	// A server does not notice that nobody waits for a statement's answer any more; it would go on for hours.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = s.source.db.ExecContext(ctx, "kill "+strconv.FormatInt(s.id, 10))
}

// CheckTable implements Source.
func (m *mysqlSource) CheckTable(ctx context.Context, sql string) (columns []Column, err error) {
	s, err := m.begin(ctx, "")
	if err != nil {
		return nil, err
	}
	defer s.Close()
	a, err := tableMySQL(sql)
	if err != nil {
		return nil, err
	}
	return s.describe(ctx, Query{}, a)
}

// Table implements Source.
func (m *mysqlSource) Table(ctx context.Context, sql string, yield func(columns []Column, values [][]byte) error) error {
	s, err := m.begin(ctx, "")
	if err != nil {
		return err
	}
	defer s.Close()
	a, err := tableMySQL(sql)
	if err != nil {
		return err
	}
	var columns []Column
	return s.run(ctx, Query{}, a, func(found []Column) error { columns = found; return nil },
		func(values [][]byte) error { return yield(columns, values) })
}
