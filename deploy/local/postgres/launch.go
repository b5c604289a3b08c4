package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"offramp/deploy/local/process"

	"github.com/jackc/pgx/v5"
)

// errPortTaken says that somebody else got the port between our choice and the server's start.
var errPortTaken = errors.New("port taken")

// errLingering says that the processes of a server which was killed on the same directory have not all ended yet.
var errLingering = errors.New("the server before has not quite ended")

// lingerLimit is how long those may take; they end as soon as they notice that their parent is gone.
const lingerLimit = 15 * time.Second

// launch starts the server, on another port when the first turns out to be taken, and again while an earlier one
// lingers.
func launch(ctx context.Context, bin string, o Options, who account) (*Server, error) {
	const tries = 5
	fixed, began := o.Port != 0, time.Now()
	for try := 1; ; try++ {
		port, err := choosePort(ctx, o)
		if err != nil {
			return nil, err
		}
		p, err := launchOn(ctx, port, bin, o, who)
		if err == nil {
			return p, os.WriteFile(filepath.Join(o.Dir, "port"), []byte(strconv.Itoa(port)), 0o644) // no secret
		}
		if errors.Is(err, errLingering) && time.Since(began) < lingerLimit && ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
			try--
			continue
		}
		if !errors.Is(err, errPortTaken) || fixed || try == tries {
			return nil, err
		}
	}
}

func choosePort(ctx context.Context, o Options) (int, error) {
	if o.Port != 0 {
		if !process.PortFree(ctx, o.Port) {
			return 0, fmt.Errorf("port %d for PostgreSQL is taken by another program: choose another port or stop it", o.Port)
		}
		return o.Port, nil
	}
	if last, err := os.ReadFile(filepath.Join(o.Dir, "port")); err == nil {
		if port, err := strconv.Atoi(strings.TrimSpace(string(last))); err == nil && process.PortFree(ctx, port) {
			return port, nil
		}
	}
	return process.FreePort(ctx)
}

func launchOn(ctx context.Context, port int, bin string, o Options, who account) (*Server, error) {
	logName := filepath.Join(o.Dir, "postgres.log")
	log, err := os.OpenFile(logName, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644) // for the one who runs it to read
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own
	death := syscall.SIGINT
	if o.Throwaway {
		death = syscall.SIGQUIT
	}
	c, err := process.Start(postgresCommand(bin, "postgres", serverArguments(port, o), o.Dir, who, death, log))
	if err != nil {
		return nil, explainStart(err, o.Dir, who)
	}
	p := &Server{Port: port, child: c, dir: o.Dir}
	if err := p.await(ctx); err != nil {
		_ = p.child.Stop(10*time.Second, syscall.SIGQUIT)
		content, _ := os.ReadFile(logName)
		if strings.Contains(string(content), "could not bind") {
			return nil, fmt.Errorf("start PostgreSQL on port %d: %w", port, errPortTaken)
		}
		if strings.Contains(string(content), "pre-existing shared memory block") {
			return nil, fmt.Errorf("start PostgreSQL in %s: %w: %s", o.Dir, errLingering, process.Tail(content))
		}
		return nil, fmt.Errorf("start PostgreSQL in %s: %w: %s", o.Dir, err, process.Tail(content))
	}
	return p, nil
}

func serverArguments(port int, o Options) []string {
	args := []string{"-D", filepath.Join(o.Dir, "pgdata"), "-p", strconv.Itoa(port)}
	set := func(pairs ...string) {
		for _, pair := range pairs {
			args = append(args, "-c", pair)
		}
	}
	set("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "shared_buffers=128MB", "timezone=UTC",
		"log_timezone=UTC", "log_min_messages=warning", "log_min_error_statement=panic", "logging_collector=off")
	if o.Throwaway {
		set("fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
			"dynamic_shared_memory_type=mmap")
	}
	return args
}

// await waits until the server in our data directory answers on our port. Another server may answer there instead.
func (p *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, p.SuperURL())
		if err == nil {
			return p.identify(ctx, conn)
		}
		select {
		case <-p.child.Done:
			return fmt.Errorf("it ended at once: %w", p.child.Err)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *Server) identify(ctx context.Context, conn *pgx.Conn) error {
	defer func() { _ = conn.Close(ctx) }()
	var data string
	const sql = "SELECT current_setting('data_directory'), split_part(current_setting('server_version'), ' ', 1)"
	if err := conn.QueryRow(ctx, sql).Scan(&data, &p.Version); err != nil {
		return fmt.Errorf("ask the server who it is: %w", err)
	}
	if data != filepath.Join(p.dir, "pgdata") {
		return errPortTaken
	}
	return nil
}
