package connect_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/export/connect"
	"offramp/export/source"
	"offramp/internal/db"
)

// replicas are the sources of several worker processes that share a database, with an API behind one key.
func replicas(t *testing.T, n int, options string, answer http.HandlerFunc) (all []source.Objects, d *db.DB) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	database := localtest.Database(t)
	for range n {
		d = database.Open(t, db.Options{MaxConns: 4})
		s := connect.New(map[string]string{"files": server.URL + "/" + options}, source.Options{}).WithPace(d, slog.New(slog.DiscardHandler))
		t.Cleanup(s.Close)
		o, err := s.Objects(t.Context(), "files")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all, d
}

func fetchObject(ctx context.Context, o source.Objects, key string) error {
	body, _, err := o.Open(ctx, key)
	if err != nil {
		return err
	}
	return body.Close()
}

// TestTheRateHoldsForAllProcesses has three of them ask as fast as they may: together they take as long as one would.
func TestTheRateHoldsForAllProcesses(t *testing.T) {
	t.Parallel()
	const requests, perSecond = 45, 50
	for _, options := range []string{fmt.Sprintf("?rate=%d", perSecond), "?rate=2.5"} { // some are reserved at once; each alone
		n, each := requests, time.Second/perSecond
		if options == "?rate=2.5" {
			n, each = 6, 400*time.Millisecond
		}
		var first, last atomic.Int64
		all, _ := replicas(t, 3, options, func(http.ResponseWriter, *http.Request) {
			now := time.Now().UnixNano()
			first.CompareAndSwap(0, now)
			last.Store(now)
		})
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() {
				if err := fetchObject(t.Context(), all[i%len(all)], "x"); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		// What the last reservation leaves over may belong to a process that has nothing more to ask.
		if took, least := time.Duration(last.Load()-first.Load()), time.Duration(n-1)*each*9/10; took < least {
			t.Errorf("%s: %d requests in %v, at that rate they take %v", options, n, took, least)
		}
	}
}

// TestAllProcessesWaitWhenOneIsSentAway: Retry-After is for everybody.
func TestAllProcessesWaitWhenOneIsSentAway(t *testing.T) {
	t.Parallel()
	busy := make(chan struct{})
	var asked atomic.Int64
	all, d := replicas(t, 2, "?rate=1000&tries=2", func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			close(busy)
		}
	})
	began := time.Now()
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := fetchObject(t.Context(), all[0], "x"); err != nil {
			t.Error(err)
		}
	})
	<-busy
	hold := func() bool {
		var held bool
		err := d.Pool.QueryRow(t.Context(), `SELECT next_at > clock_timestamp() + interval '200 ms' FROM source_pace WHERE source = 'files'`).Scan(&held)
		return err == nil && held || asked.Load() > 1
	}
	for deadline := time.Now().Add(90 * time.Second); !hold(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the others do not hear of it")
		}
	}
	if err := fetchObject(t.Context(), all[1], "y"); err != nil {
		t.Error(err)
	}
	wait.Wait()
	if took := time.Since(began); took < 900*time.Millisecond || asked.Load() != 3 {
		t.Errorf("%d requests in %v", asked.Load(), took)
	}
	if err := all[0].Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := d.Pool.Exec(t.Context(), `UPDATE source_pace SET next_at = now() + interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	// A process may use up what it has reserved, 200 requests at this rate; then it has no turn either.
	var err error
	for n := 0; err == nil && n <= 200; n++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err = fetchObject(ctx, all[1], "z")
		cancel()
	}
	if source.KindOf(err) != source.Locked && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with no turn for an hour: %v", err)
	}
}

// TestAProcessWithoutTheDatabasePacesItself goes on when the pace cannot be asked for.
func TestAProcessWithoutTheDatabasePacesItself(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	all, d := replicas(t, 1, "?rate=200", func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	d.Close()
	began := time.Now()
	for range 5 {
		if err := fetchObject(t.Context(), all[0], "x"); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 4*time.Second/200 || asked.Load() != 5 {
		t.Errorf("%d requests in %v", asked.Load(), took)
	}
}
