package auth_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"offramp/auth"
	"offramp/internal/jobs"
)

func TestSweepRunsByItself(t *testing.T) {
	w := newWorld(t)
	w.exec(`INSERT INTO sign_in (token_hash, realm, state, nonce, verifier, return_to, created_at, expires_at)
		VALUES ('used', 'customer', '', '', '', '', $1, $2)`, w.clock.Now(), w.clock.Now().Add(10*time.Minute))
	w.clock.Advance(time.Hour)
	workers := river.NewWorkers()
	auth.Register(workers, w.db)
	client, err := jobs.New(w.db, jobs.Config{
		ID: "test", Workers: workers, Queues: map[string]int{river.QueueDefault: 1}, Periodic: auth.Periodic(), Logger: slog.New(slog.DiscardHandler), Drain: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); w.count(`SELECT count(*) FROM sign_in`) > 0; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the sweep did not run")
		}
	}
}
