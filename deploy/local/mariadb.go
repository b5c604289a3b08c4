package local

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"offramp/deploy/local/process"

	"github.com/go-sql-driver/mysql"
)

// errMariaDBPortTaken says that somebody else got the port between our choice and the server's start.
var errMariaDBPortTaken = errors.New("port taken")

// MariaDBOptions say how to run a server. Dir is required. Its data is thrown away: it serves tests only.
type MariaDBOptions struct {
	Dir  string // holds data/, mariadb.log and the socket
	Port int    // 0: any free one
}

// MariaDB is a running MariaDB server, or one of MySQL. The user root signs in from this machine without a password.
type MariaDB struct {
	Port    int
	Version string // such as "10.11.19-MariaDB" or "8.0.46"
	child   *process.Child
}

// mySQLBin is the variable with the program of a MySQL 8 server (mysqld), which is started in MariaDB's place when it is set.
const mySQLBin = "OFFRAMP_MYSQL_BIN"

// errNoMariaDB says what to install.
var errNoMariaDB = errors.New("no MariaDB on this machine: install it with: sudo apt-get install -y mariadb-server-core (it need not be running)")

// StartMariaDB prepares the data directory when it is new and starts the server. ctx bounds the start; the server runs until
// Stop, or until this process ends.
func StartMariaDB(ctx context.Context, o MariaDBOptions) (*MariaDB, error) {
	program, err := findMariaDB()
	if err != nil {
		return nil, err
	}
	if err := prepareMariaDB(ctx, program, o); err != nil {
		return nil, err
	}
	const tries = 5
	for try := 1; ; try++ {
		port := o.Port
		if port == 0 {
			if port, err = process.FreePort(ctx); err != nil {
				return nil, err
			}
		}
		m, err := launchMariaDB(ctx, program, port, o)
		if err == nil || !errors.Is(err, errMariaDBPortTaken) || o.Port != 0 || try == tries {
			return m, err
		}
	}
}

func findMariaDB() (string, error) {
	if program := os.Getenv(mySQLBin); program != "" {
		return program, nil
	}
	for _, name := range []string{"mariadbd", "/usr/sbin/mariadbd", "/usr/libexec/mariadbd", "/opt/homebrew/opt/mariadb/bin/mariadbd"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoMariaDB
}

// mariadbTables are the files that make the server's own tables.
var mariadbTables = []string{"mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"}

// prepareMariaDB has the server make its own tables in a new data directory.
func prepareMariaDB(ctx context.Context, program string, o MariaDBOptions) error {
	data := filepath.Join(o.Dir, "data")
	if _, err := os.Stat(filepath.Join(data, "prepared")); err == nil {
		return nil
	}
	if err := errors.Join(os.RemoveAll(data), os.MkdirAll(data, 0o700)); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	cmd, err := preparing(ctx, program, data)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("prepare %s in %s: %w: %s", program, data, err, process.Tail(out))
	}
	return os.WriteFile(filepath.Join(data, "prepared"), nil, 0o600)
}

// preparing is the command that makes the server's own tables. MySQL's server knows them; MariaDB's reads them from files.
func preparing(ctx context.Context, program, data string) (*exec.Cmd, error) {
	if isMySQL() {
		return exec.CommandContext(ctx, program, append(mariadbArguments(data), "--initialize-insecure")...), nil // a program for tests
	}
	if err := os.Mkdir(filepath.Join(data, "mysql"), 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of its tables: %w", err)
	}
	input := bytes.NewBufferString("use mysql;\n")
	for _, name := range mariadbTables {
		found, _ := filepath.Glob("/usr/share/m*/" + name)
		if len(found) == 0 {
			found, _ = filepath.Glob("/opt/homebrew/opt/mariadb/share/m*/" + name)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%w: %s is missing", errNoMariaDB, name)
		}
		content, err := os.ReadFile(found[0])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", found[0], err)
		}
		input.Write(content)
	}
	cmd := exec.CommandContext(ctx, program, append(mariadbArguments(data), "--bootstrap", "--skip-networking")...) // our own program
	cmd.Stdin = input
	return cmd, nil
}

func isMySQL() bool { return os.Getenv(mySQLBin) != "" }

func mariadbArguments(data string) []string {
	args := []string{
		"--no-defaults", "--datadir=" + data, "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=64M",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--skip-log-bin",
		"--max-allowed-packet=1G", "--character-set-server=utf8mb4", "--default-time-zone=+08:00",
	}
	if isMySQL() {
		args = append(args, "--mysqlx=OFF", "--secure-file-priv=NULL") // it knows root by the name of the machine, not by its address
	} else {
		args = append(args, "--skip-name-resolve")
	}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	return args
}

func launchMariaDB(ctx context.Context, program string, port int, o MariaDBOptions) (*MariaDB, error) {
	logName := filepath.Join(o.Dir, "mariadb.log")
	log, err := os.OpenFile(logName, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own
	args := append(mariadbArguments(filepath.Join(o.Dir, "data")), fmt.Sprintf("--port=%d", port), "--bind-address=127.0.0.1",
		"--socket="+filepath.Join(o.Dir, "socket"), "--pid-file="+filepath.Join(o.Dir, "pid"), "--performance-schema=OFF")
	cmd := exec.Command(program, args...) // stopped by signals in an order that a context cannot express
	cmd.SysProcAttr = process.Attributes(syscall.SIGKILL)
	cmd.Stdout, cmd.Stderr = log, log
	c, err := process.Start(cmd)
	if err != nil {
		return nil, err
	}
	m := &MariaDB{Port: port, child: c}
	if err := m.await(ctx, filepath.Join(o.Dir, "data")); err != nil {
		_ = c.Stop(time.Second)
		content, _ := os.ReadFile(logName)
		if strings.Contains(string(content), "Bind on TCP/IP port") {
			err = errMariaDBPortTaken
		}
		return nil, fmt.Errorf("start MariaDB in %s: %w: %s", o.Dir, err, process.Tail(content))
	}
	return m, nil
}

// await waits until the server in our data directory answers on our port.
func (m *MariaDB) await(ctx context.Context, data string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	db, err := m.Open("")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for {
		var dir string
		err := db.QueryRowContext(ctx, "select @@datadir, version()").Scan(&dir, &m.Version)
		if err == nil && strings.TrimSuffix(dir, "/") != data {
			return errMariaDBPortTaken
		}
		if err == nil {
			return nil
		}
		select {
		case <-m.child.Done:
			return fmt.Errorf("it ended at once: %w", m.child.Err)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// IsMariaDB reports whether the server is MariaDB, by its version, and not MySQL.
func (m *MariaDB) IsMariaDB() bool { return strings.Contains(m.Version, "MariaDB") }

// Open connects as root to a database, or to none when it is empty.
func (m *MariaDB) Open(database string) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = "root", "tcp", fmt.Sprintf("127.0.0.1:%d", m.Port), database
	c.MultiStatements, c.Logger, c.MaxAllowedPacket = true, &mysql.NopLogger{}, 1<<30
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("open MariaDB: %w", err)
	}
	return sql.OpenDB(connector), nil
}

// URL is the address of a database for a user.
func (m *MariaDB) URL(database string, user *url.Userinfo) string {
	u := url.URL{Scheme: "mariadb", User: user, Host: fmt.Sprintf("127.0.0.1:%d", m.Port), Path: "/" + database}
	return u.String()
}

// Stop ends the server at once, as a failure would. It returns when the process is gone.
func (m *MariaDB) Stop() error { return m.child.Stop(10*time.Second, syscall.SIGKILL) }
