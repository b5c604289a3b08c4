package jobs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"offramp/deploy/local/localtest"
	"offramp/internal/db"
	"offramp/internal/jobs"
)

// stallArgs is a job that hangs on its first attempt and ends at once on the next.
type stallArgs struct {
	Always bool `json:"always"`
}

func (stallArgs) Kind() string { return "stall" }

type stallWorker struct {
	river.WorkerDefaults[stallArgs]
	started chan string // id of the client that runs the attempt
	done    chan string
}

func (w *stallWorker) Work(ctx context.Context, job *river.Job[stallArgs]) error {
	client := job.AttemptedBy[len(job.AttemptedBy)-1]
	w.started <- client
	if job.Attempt == 1 || job.Args.Always {
		<-ctx.Done()
		return ctx.Err()
	}
	w.done <- client
	return nil
}

func newStall() *stallWorker {
	return &stallWorker{started: make(chan string, 16), done: make(chan string, 16)}
}

func newClient(t testing.TB, d *db.DB, name string, w *stallWorker, drain time.Duration) *jobs.Client {
	t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, w)
	c, err := jobs.New(d, jobs.Config{
		ID: name, Workers: workers, Queues: map[string]int{river.QueueDefault: 4},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), Drain: drain,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func start(t testing.TB, c *jobs.Client) {
	t.Helper()
	if err := c.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := c.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func enqueue(t testing.TB, d *db.DB, args river.JobArgs, opts *river.InsertOpts) (id int64) {
	t.Helper()
	inserter, err := jobs.NewInserter(d)
	if err != nil {
		t.Fatal(err)
	}
	err = d.InTx(t.Context(), db.NoScope(), func(tx *db.Tx) error {
		id, err = inserter.InsertTx(t.Context(), tx, args, opts)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func receive[T any](t testing.TB, from <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(20 * time.Second):
		t.Fatalf("timed out: %s", what)
	}
	return v
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("timed out: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func state(t testing.TB, d *db.DB, id int64) (state string, attempt int) {
	t.Helper()
	if err := d.Pool.QueryRow(t.Context(), `SELECT state, attempt FROM river_job WHERE id = $1`, id).Scan(&state, &attempt); err != nil {
		t.Fatal(err)
	}
	return state, attempt
}

// TestWorkerProcess is no test of its own: the test binary starts itself with it as a worker that can be killed.
func TestWorkerProcess(t *testing.T) {
	url := os.Getenv("OFFRAMP_TEST_WORKER_DATABASE")
	if url == "" {
		t.Skip("started by other tests")
	}
	d, err := db.Open(context.Background(), url, db.Options{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	w := newStall()
	if err := newClient(t, d, "victim", w, time.Second).Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	for id := range w.started {
		fmt.Println("started by " + id)
	}
}

// startVictim starts a worker process and returns it once it runs a job.
func startVictim(t *testing.T, url string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWorkerProcess$", "-test.v")
	cmd.Env = append(os.Environ(), "OFFRAMP_TEST_WORKER_DATABASE="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 64)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			if strings.HasPrefix(s.Text(), "started by ") {
				lines <- s.Text()
			}
		}
	}()
	receive(t, lines, "the worker process takes the job")
	return cmd
}

func TestAKilledWorkersJobIsBackWithinSeconds(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	d := database.Open(t)
	id := enqueue(t, d, stallArgs{}, nil)
	victim := startVictim(t, database.AppURL)
	w := newStall()
	start(t, newClient(t, d, "survivor", w, time.Second))

	killed := time.Now()
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	receive(t, w.done, "the survivor takes the job")
	if took := time.Since(killed); took > 6*time.Second {
		t.Errorf("the job came back after %v", took)
	} else {
		t.Logf("the job came back after %v", took)
	}
	eventually(t, "the job is completed", func() bool { s, _ := state(t, d, id); return s == "completed" })
	if _, attempt := state(t, d, id); attempt != 2 {
		t.Errorf("attempt %d, want 2", attempt)
	}
}

func TestAKilledWorkersLastAttemptIsDiscarded(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	d := database.Open(t)
	id := enqueue(t, d, stallArgs{}, &river.InsertOpts{MaxAttempts: 1})
	victim := startVictim(t, database.AppURL)
	start(t, newClient(t, d, "survivor", newStall(), time.Second))
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	eventually(t, "the job is discarded", func() bool { s, _ := state(t, d, id); return s == "discarded" })
	if _, attempt := state(t, d, id); attempt != 1 {
		t.Errorf("attempt %d, want 1", attempt)
	}
}

func TestForeignClientsAreLeftAlone(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	id := enqueue(t, d, stallArgs{}, nil)
	mine := enqueue(t, d, stallArgs{}, nil)
	const run = `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '1 hour', attempted_by = ARRAY[$2] WHERE id = $1`
	for job, client := range map[int64]string{id: "someone_else", mine: "offramp.gone.X"} {
		if _, err := d.Pool.Exec(t.Context(), run, job, client); err != nil {
			t.Fatal(err)
		}
	}
	w := newStall()
	start(t, newClient(t, d, "a", w, time.Second))
	receive(t, w.done, "the dead client's job")
	if s, attempt := state(t, d, id); s != "running" || attempt != 1 {
		t.Errorf("the foreign client's job is %s, attempt %d", s, attempt)
	}
}

// A worker that only lost its connection takes its lock again within the grace and keeps its jobs.
func TestALostLockIsTakenAgain(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	d := database.Open(t)
	w := newStall()
	c := newClient(t, d, "a", w, 100*time.Millisecond)
	start(t, c)
	start(t, newClient(t, d, "b", newStall(), time.Second))
	enqueue(t, d, stallArgs{}, nil)
	kill := `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1`
	if _, err := database.Super(t).Exec(t.Context(), kill, c.ID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the loss is noticed", func() bool { return jobs.Losses(c) == 1 })
	eventually(t, "the lock is taken again", c.Live)
}

func TestE12_ALostAttemptDoesNotSettleTheJob(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	d := database.Open(t)
	w := newStall()
	c := newClient(t, d, "a", w, time.Second)
	start(t, c)
	id := enqueue(t, d, stallArgs{Always: true}, nil)
	receive(t, w.started, "the job runs")
	// Another worker has taken it, as after a network partition.
	const take = `UPDATE river_job SET attempt = 2, attempted_by = array_append(attempted_by, 'someone_else') WHERE id = $1`
	if _, err := d.Pool.Exec(t.Context(), take, id); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lost attempt ends", func() bool { return jobs.Running(c) == 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Stop(ctx); err != nil { // all reports are written by then
		t.Fatal(err)
	}
	if s, attempt := state(t, d, id); s != "running" || attempt != 2 {
		t.Errorf("the lost attempt settled the job: %s, attempt %d", s, attempt)
	}
}

func TestP06_StopDrainsThenGivesTheJobBack(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	w := newStall()
	c := newClient(t, d, "a", w, 300*time.Millisecond)
	start(t, c)
	id := enqueue(t, d, stallArgs{Always: true}, nil)
	receive(t, w.started, "the job runs")
	began := time.Now()
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("stopped after %v, before the drain had ended", took)
	}
	if s, attempt := state(t, d, id); s != "available" || attempt != 0 {
		t.Errorf("state %s, attempt %d: want available at once, the attempt not counted", s, attempt)
	}
}

func TestAJobExistsOnlyIfItsCauseDoes(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	c, err := jobs.NewInserter(d)
	if err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err = d.InTx(t.Context(), db.NoScope(), func(tx *db.Tx) error {
		if _, err := c.InsertTx(t.Context(), tx, stallArgs{}, nil); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	enqueue(t, d, stallArgs{}, nil)
	var n int
	if err := d.Pool.QueryRow(t.Context(), `SELECT count(*) FROM river_job`).Scan(&n); err != nil || n != 1 {
		t.Fatalf("%d jobs, %v; want the committed one", n, err)
	}
}
