package schema_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/localtest"
	"offramp/deploy/schema"
)

// TestSchemaProcess is no test of its own: TestP02 starts twenty of it, each a process that brings the schema up.
func TestSchemaProcess(t *testing.T) {
	url := os.Getenv("OFFRAMP_TEST_SCHEMA_DATABASE")
	if url == "" {
		t.Skip("started by TestP02")
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 3
	config.ConnConfig.RuntimeParams["application_name"] = fmt.Sprintf("schema-%d", os.Getpid())
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	result, err := schema.Up(ctx, pool)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("applied %d %d\n", len(result.Applied), result.RiverApplied)
}

type process struct {
	*exec.Cmd
	out bytes.Buffer
}

func startAll(t *testing.T, url string, n int) map[int]*process {
	t.Helper()
	all := map[int]*process{}
	for range n {
		p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSchemaProcess$", "-test.v")}
		p.Env = append(os.Environ(), "OFFRAMP_TEST_SCHEMA_DATABASE="+url)
		p.Stdout, p.Stderr = &p.out, &p.out
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		all[p.Process.Pid] = p
	}
	return all
}

// holder waits until the process that holds the schema's lock stands still in the middle of its work, and returns its id.
func holder(t *testing.T, super *pgxpool.Pool) int {
	t.Helper()
	const sql = `
		SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		 WHERE l.locktype = 'advisory' AND l.granted AND a.application_name LIKE 'schema-%' AND a.datname = current_database()
		   AND EXISTS (SELECT FROM pg_stat_activity w WHERE w.application_name = a.application_name AND w.wait_event_type = 'Lock')`
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		var name string
		if err := super.QueryRow(t.Context(), sql).Scan(&name); err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimPrefix(name, "schema-"))
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	t.Fatal("no process began to apply the schema")
	return 0
}

func TestP02_TwentyProcessesAtOnceAndTheHolderIsKilled(t *testing.T) {
	t.Parallel()
	database := localtest.EmptyDatabase(t)
	super := database.Super(t)
	// A table of that name, not committed, stops whoever is first in the middle of its first file.
	brake, err := super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := brake.Exec(t.Context(), `CREATE TABLE public.programme_version ()`); err != nil {
		t.Fatal(err)
	}
	const processes = 20
	all := startAll(t, database.OwnerURL, processes)
	victim := holder(t, super)
	if err := all[victim].Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = all[victim].Wait()
	if err := brake.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	workers := 0
	for pid, p := range all {
		if pid == victim {
			continue
		}
		if err := p.Wait(); err != nil {
			t.Errorf("process %d: %v\n%s", pid, err, p.out.String())
		}
		if !strings.Contains(p.out.String(), "applied 0 0\n") {
			workers++
		}
	}
	if workers != 1 {
		t.Errorf("%d processes applied something, want 1", workers)
	}
	whole(t, database.Owner(t))
}

// whole fails unless every change is applied, once.
func whole(t *testing.T, owner *pgxpool.Pool) {
	t.Helper()
	changes, err := schema.Status(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		var n int
		if err := owner.QueryRow(t.Context(), `SELECT count(*) FROM goose_db_version WHERE version_id = $1`, c.Version).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n != 1 || c.AppliedAt.IsZero() {
			t.Errorf("%s is recorded %d times, applied at %v", c.File, n, c.AppliedAt)
		}
	}
	if len(changes) < 4 {
		t.Errorf("%d changes", len(changes))
	}
	var jobs int
	if err := owner.QueryRow(t.Context(), `SELECT count(*) FROM river_job`).Scan(&jobs); err != nil {
		t.Errorf("the queue's tables: %v", err)
	}
	var swelling string
	const gin = `SELECT coalesce(string_agg(indexrelid::regclass::text, ' '), '') FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_am m ON m.oid = i.relam
		WHERE m.amname = 'gin' AND indrelid = 'river_job'::regclass`
	if err := owner.QueryRow(t.Context(), gin).Scan(&swelling); err != nil || swelling != "" {
		t.Errorf("indexes of the queue that swell and that nothing uses: %s, %v", swelling, err)
	}
}

func TestUpIsRepeatable(t *testing.T) {
	t.Parallel()
	owner := localtest.Database(t).Owner(t)
	result, err := schema.Up(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Applied) != 0 || result.RiverApplied != 0 {
		t.Errorf("a second run applied %v and %d of the queue's", result.Applied, result.RiverApplied)
	}
	whole(t, owner)
}

func TestUpGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	database := localtest.EmptyDatabase(t)
	owner := database.Owner(t)
	held, err := pgx.Connect(t.Context(), database.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close(context.Background()) }()
	if _, err := held.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, int64(0x6f666672616d70)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := schema.Up(ctx, owner); err == nil || !strings.Contains(err.Error(), "another process holds it") {
		t.Errorf("%v", err)
	}
}
