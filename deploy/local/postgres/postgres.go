// Package postgres runs a PostgreSQL server of its own for the demonstration and the tests: from the programs of this
// machine, or from a bundle that is downloaded and checked.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"offramp/deploy/local/process"

	"github.com/jackc/pgx/v5"
)

// The roles of a local server. Any of them signs in from this machine without a password.
const (
	SuperRole = "postgres"       // may everything; for setting up only
	OwnerRole = "offramp_owner"  // owns databases and their schema; row-level security applies to it
	WebRole   = "offramp_web"    // what the portal signs in as, a member of offramp_serve
	WorkRole  = "offramp_worker" // what the workers and commands sign in as, a member of offramp_work
	AppRole   = "offramp_both"   // a member of offramp_app, as installations have that did not part the two
)

// Options say how to run a server. Dir is required.
type Options struct {
	Dir       string       // holds pgdata/, postgres.log and port; kept between runs
	Port      int          // 0: the one used last time if it is free, else any free one
	Throwaway bool         // give up safety on disk for speed: for tests
	Cache     string       // where downloaded binaries are kept; default the user's cache directory
	Progress  func(string) // told what takes longer than a moment; may be nil
}

// Server is a running PostgreSQL server.
type Server struct {
	Port    int
	Version string // such as "15.18"
	child   *process.Child
	dir     string
}

// Start finds PostgreSQL's programs, prepares the data directory when it is new, starts the server and makes sure of
// its roles. ctx bounds the start; the server runs until Stop, or until this process ends.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	bin, err := findPostgres(ctx, o.Cache, o.Progress)
	if err != nil {
		return nil, err
	}
	o.Dir, err = filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", o.Dir, err)
	}
	data := filepath.Join(o.Dir, "pgdata")
	if err := errors.Join(os.MkdirAll(o.Dir, 0o755), os.MkdirAll(data, 0o700)); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	who, err := chooseAccount(o.Dir, bin)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(clearStale(data), who.take(data)); err != nil {
		return nil, err
	}
	if err := initialise(ctx, bin, o, who); err != nil {
		return nil, err
	}
	p, err := launch(ctx, bin, o, who)
	if err != nil {
		return nil, err
	}
	if err := p.ensureRoles(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// clearStale removes the lock of a server that is gone and complains about one that is not.
func clearStale(data string) error {
	lock := filepath.Join(data, "postmaster.pid")
	content, err := os.ReadFile(lock)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", lock, err)
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err == nil && isPostgresOn(pid, data) {
		return fmt.Errorf("a PostgreSQL server (process %d) already works in %s: if no other demo is running, stop it with: kill -INT %d", pid, data, pid)
	}
	if err := os.Remove(lock); err != nil {
		return fmt.Errorf("remove stale %s: %w", lock, err)
	}
	return nil
}

// initialise runs initdb on an empty data directory. It works in a neighbour and renames, so that an interrupted run
// leaves nothing that looks finished.
func initialise(ctx context.Context, bin string, o Options, who account) error {
	data := filepath.Join(o.Dir, "pgdata")
	if _, err := os.Stat(filepath.Join(data, "initialised")); err == nil {
		return nil
	}
	o.Progress("Preparing a new PostgreSQL data directory ...")
	if err := errors.Join(os.RemoveAll(data), os.Mkdir(data, 0o700), who.take(data)); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	args := []string{"-D", data, "-U", SuperRole, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"}
	if o.Throwaway {
		args = append(args, "--no-sync")
	}
	var out bytes.Buffer
	cmd := postgresCommand(bin, "initdb", args, o.Dir, who, syscall.SIGKILL, &out)
	c, err := process.Start(cmd)
	if err != nil {
		return explainStart(err, o.Dir, who)
	}
	select {
	case <-c.Done:
	case <-ctx.Done():
		return errors.Join(ctx.Err(), c.Stop(time.Second))
	}
	if c.Err != nil {
		return fmt.Errorf("prepare PostgreSQL in %s: %w: %s", data, c.Err, process.Tail(out.Bytes()))
	}
	return os.WriteFile(filepath.Join(data, "initialised"), nil, 0o644) // after a crash PostgreSQL opens every file of its own
}

func postgresCommand(bin, name string, args []string, dir string, who account, death syscall.Signal, out io.Writer) *exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, name), args...) // our own programs; stopped by signals in an order that a context cannot express
	cmd.SysProcAttr = who.attributes(death)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	return cmd
}

func explainStart(err error, dir string, who account) error {
	if who.namespace {
		return fmt.Errorf("PostgreSQL does not run as root, its user cannot enter %s, and this machine refuses user namespaces: choose a directory such as /var/tmp/offramp or run as an ordinary user: %w", dir, err)
	}
	return err
}

// Stop ends the server: first politely, then at once. It returns when the process is gone.
func (p *Server) Stop() error {
	select {
	case <-p.child.Done:
		return nil
	default:
		return p.child.Stop(10*time.Second, syscall.SIGINT, syscall.SIGQUIT)
	}
}

// Done is closed when the server has ended, whoever ended it.
func (p *Server) Done() <-chan struct{} { return p.child.Done }

// URL is the address of a database for a role.
func (p *Server) URL(database, role string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Host: fmt.Sprintf("127.0.0.1:%d", p.Port), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// SuperURL is the address of the maintenance database for the superuser.
func (p *Server) SuperURL() string { return p.URL("postgres", SuperRole) }

// CreateDatabase makes an empty database owned by OwnerRole. One that exists is left as it is.
func (p *Server) CreateDatabase(ctx context.Context, name string) error {
	return p.CopyDatabase(ctx, name, "template1")
}

// CopyDatabase makes a database owned by OwnerRole from a template that nobody is connected to. One that exists is left
// as it is.
func (p *Server) CopyDatabase(ctx context.Context, name, template string) error {
	return p.super(ctx, func(conn *pgx.Conn) error {
		var exists bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil || exists {
			return err
		}
		// Copying files is what tests need: three times faster than copying through the log.
		_, err := conn.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s OWNER %s TEMPLATE %s STRATEGY FILE_COPY", quote(name), quote(OwnerRole), quote(template)))
		if err != nil {
			return fmt.Errorf("create database %s: %w", name, err)
		}
		return nil
	})
}

// DropDatabase removes a database and whoever is connected to it.
func (p *Server) DropDatabase(ctx context.Context, name string) error {
	return p.super(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop database %s: %w", name, err)
		}
		return nil
	})
}

func (p *Server) super(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, p.SuperURL())
	if err != nil {
		return fmt.Errorf("reach the local PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return do(conn)
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// rolesSQL makes the roles once. The owner needs CREATEROLE for the schema's own group role.
const rolesSQL = `
DO $$
DECLARE name text; of text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'offramp_owner') THEN
    CREATE ROLE offramp_owner LOGIN CREATEROLE CREATEDB NOSUPERUSER NOBYPASSRLS;
  END IF;
  FOREACH name IN ARRAY ARRAY['offramp_app', 'offramp_serve', 'offramp_work'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', name);
    END IF;
  END LOOP;
  FOR name, of IN VALUES ('offramp_web', 'offramp_serve'), ('offramp_worker', 'offramp_work'), ('offramp_both', 'offramp_app') LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS', name);
    END IF;
    IF NOT pg_has_role(name, of, 'MEMBER') THEN
      EXECUTE format('GRANT %I TO %I', of, name);
    END IF;
  END LOOP;
  IF pg_has_role('offramp_web', 'offramp_app', 'MEMBER') THEN
    REVOKE offramp_app FROM offramp_web; -- of a directory that an older release made
  END IF;
END $$`

func (p *Server) ensureRoles(ctx context.Context) error {
	return p.super(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, rolesSQL); err != nil {
			return fmt.Errorf("create roles: %w", err)
		}
		return nil
	})
}
