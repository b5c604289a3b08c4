package export_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/export/storage"
	"offramp/internal/clock"
	"offramp/internal/db"
)

// order is what a worker process of these tests does.
type order struct {
	Database string
	Bucket   string // its address
	Sources  map[string]string
	Kill     string        // the point at which it kills itself
	Wait     string        // the point at which it waits for SIGTERM
	Drain    time.Duration // what it is given then
	Giant    bool          // exports are of many volumes
	Lanes    bool          // and some of them are of what only one job can read
}

const orderVariable = "OFFRAMP_TEST_WORKER"

// TestWorkerProcess is no test of its own: the test binary starts itself with it as a worker that can be killed.
func TestWorkerProcess(t *testing.T) {
	text := os.Getenv(orderVariable)
	if text == "" {
		t.Skip("started by other tests")
	}
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), o.Database, db.Options{MaxConns: 8, Clock: clock.NewManual(today)})
	if err != nil {
		t.Fatal(err)
	}
	sc, err := storage.ParseURL(o.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := storage.Open(t.Context(), sc)
	if err != nil {
		t.Fatal(err)
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	going := make(chan struct{})
	c := buildConfig(t, d, bucket, o.Sources, programme())
	if o.Giant {
		c = giant(c)
	}
	if o.Lanes {
		c = lanes(c)
	}
	client := newClient(t, c, func(at string) {
		switch at {
		case o.Kill:
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		case o.Wait:
			fmt.Println("waiting")
			<-going
		}
	}, 1, o.Drain)
	if err := client.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	<-terminated
	stopped := make(chan error, 1)
	go func() { stopped <- client.Stop(context.Background()) }()
	if o.Drain < time.Second {
		<-time.After(o.Drain + 200*time.Millisecond) // until River has cancelled what runs
	}
	close(going)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	fmt.Println("stopped")
}

func (w *world) process(o order) (cmd *exec.Cmd, lines *bufio.Scanner) {
	w.Helper()
	o.Database, o.Sources, o.Bucket = w.database.AppURL, w.product.urls, bucketURL(w.T, localtest.S3(w.T).Endpoint, w.name)
	text, err := json.Marshal(o)
	if err != nil {
		w.Fatal(err)
	}
	cmd = exec.CommandContext(w.Context(), os.Args[0], "-test.run=^TestWorkerProcess$", "-test.v")
	cmd.Env = append(os.Environ(), orderVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// TestE01_AKilledWorkerLeavesOneProvenObject kills a worker process by SIGKILL at each point, and lets another one find
// it.
func TestE01_AKilledWorkerLeavesOneProvenObject(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 14_000)
	for _, point := range []string{
		"claimed", "planned", "reading projects", "reading tasks", "files files", "closed", "uploaded", "proven", "sealing", "sealed",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p)
			owner, _ := w.customer("HZ-1")
			e := w.request(owner)
			victim, out := w.process(order{Kill: point, Drain: time.Second})
			for out.Scan() {
			}
			if err := victim.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("the worker was not killed at %q: %v", point, err)
			}
			dead, attempts := time.Now(), 2
			if point == "sealed" {
				attempts = 1
			} else if got := w.read(e); got.State != export.Running || got.Attempt != 1 {
				t.Fatalf("killed at %q: %s, attempt %d", point, got.State, got.Attempt)
			}
			w.work(w.config, nil)
			e = w.await(e, export.Ready)
			t.Logf("ready %v after the kill", time.Since(dead).Round(10*time.Millisecond))
			eventually(t, "the job is done", func() bool {
				var done bool
				err := w.db.Pool.QueryRow(t.Context(), `SELECT state = 'completed' FROM river_job WHERE kind = 'export'`).Scan(&done)
				return err == nil && done
			})
			if e.Attempt != attempts || e.Failures != 0 {
				t.Errorf("attempt %d, failures %d", e.Attempt, e.Failures)
			}
			w.proven(owner, e)
			w.records(e)
		})
	}
}

// records holds our list of objects against the bucket: one is sealed, none is being written.
func (w *world) records(e export.Export) {
	w.Helper()
	var writing, sealed int
	err := w.db.InTx(w.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		const sql = `SELECT count(*) FILTER (WHERE state = 'writing'), count(*) FILTER (WHERE state = 'sealed' AND key = $2) FROM export_object WHERE export_id = $1`
		return tx.Pgx.QueryRow(w.Context(), sql, e.ID, e.Volumes[0].Key).Scan(&writing, &sealed)
	})
	if err != nil || writing != 0 || sealed != 1 {
		w.Errorf("%d objects are being written, %d are sealed, %v", writing, sealed, err)
	}
}

// TestP06_SIGTERMInMidUpload ends a worker process politely while parts travel.
func TestP06_SIGTERMInMidUpload(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 14_000)
	for name, drain := range map[string]time.Duration{"drains": 30 * time.Second, "resumes": 10 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p)
			owner, _ := w.customer("HZ-1")
			e := w.request(owner)
			cmd, out := w.process(order{Wait: "reading tasks", Drain: drain})
			for out.Scan() && out.Text() != "waiting" {
			}
			if len(w.objects()) != 1 {
				t.Errorf("in mid-upload the bucket has %v", w.objects())
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(readRest(out))
			if err := cmd.Wait(); err != nil || !strings.Contains(string(rest), "stopped") {
				t.Fatalf("%v: %s", err, rest)
			}
			attempts := 1
			if name == "resumes" {
				if got := w.read(e); got.State != export.Running || got.Failures != 0 || len(w.objects()) != 0 {
					t.Errorf("handed back: %s, failures %d, objects %v", got.State, got.Failures, w.objects())
				}
				attempts = 2
				w.work(w.config, nil)
			}
			if e = w.await(e, export.Ready); e.Attempt != attempts {
				t.Errorf("attempt %d, want %d", e.Attempt, attempts)
			}
			w.proven(owner, e)
		})
	}
}

// readRest turns what a scanner still has into a reader.
func readRest(s *bufio.Scanner) io.Reader {
	var b strings.Builder
	for s.Scan() {
		b.WriteString(s.Text() + "\n")
	}
	return strings.NewReader(b.String())
}
