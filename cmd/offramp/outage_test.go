package main

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
)

// written is what a process prints, read while it runs.
type written struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// until waits for a process to print something.
func (w *written) until(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(60 * time.Second)
	for !strings.Contains(w.String(), text) {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("it does not print %q:\n%s", text, w.String())
		}
	}
}

// TestAWorkerSaysOnceThatItsDatabaseIsAway takes the database from a whole worker, with its queue, lock and dispatcher,
// and gives it back.
func TestAWorkerSaysOnceThatItsDatabaseIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	address, err := url.Parse(w.database.WorkURL)
	if err != nil {
		t.Fatal(err)
	}
	network := localtest.Toxiproxy(t, address.Host)
	address.Host = network.Address
	env := w.with("OFFRAMP_DATABASE_URL", address.String(), "OFFRAMP_WORK_DRAIN", "1s").env
	var out written
	c := &console{out: &out, err: &out}
	for name, value := range env {
		c.environ = append(c.environ, name+"="+value)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"work"}, c) }()
	out.until(t, `"msg":"working"`)
	before := len(out.String())
	network.Cut()
	out.until(t, "outage_since")
	<-time.After(6 * time.Second) // in which it says nothing more
	said := out.String()[before:]
	if n := strings.Count(said, "\n"); n > 8 || strings.Count(said, "outage_since") != 1 { // what breaks at first has no word of its own for it
		t.Errorf("%d lines about a database that is away for 6 s:\n%s", n, said)
	}
	network.Join()
	out.until(t, "the database answers again")
	stop()
	<-ended
}
