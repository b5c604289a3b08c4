package export_test

import (
	"slices"
	"sync"
	"testing"

	"offramp/export"
	"offramp/internal/jobs"
)

func (w *world) queue() *jobs.Client { return inserter(w.T, w.db) }

// TestAPausedQueueBeginsNothing pauses while one export runs and another waits.
func TestAPausedQueueBeginsNothing(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 5)
	p.fill(t, "HZ-2", 5)
	w := newWorld(t, p)
	first, _ := w.customer("HZ-1")
	second, _ := w.customer("HZ-2")
	reached, release := make(chan struct{}), make(chan struct{})
	e := w.request(first)
	var once sync.Once
	w.work(w.config, func(at string) {
		if at == "reading tasks" {
			once.Do(func() {
				close(reached)
				<-release
			})
		}
	})
	<-reached
	if err := export.Pause(t.Context(), w.db, w.queue(), "olga", export.QueueNames); err != nil {
		t.Fatal(err)
	}
	paused := w.request(second)
	close(release)
	w.await(e, export.Ready) // what ran goes on to its end
	got, err := w.service.Get(t.Context(), second, paused.ID)
	if err != nil || got.State != export.Queued || got.Delayed != "export.delayed_paused" {
		t.Errorf("%s, %q, %v", got.State, got.Delayed, err)
	}
	if err := export.Resume(t.Context(), w.db, w.queue(), "olga", []string{export.Queue}); err != nil {
		t.Fatal(err)
	}
	w.await(paused, export.Ready)
	if acts := w.acts(); !slices.Contains(acts, "queue.pause") || !slices.Contains(acts, "queue.resume") {
		t.Errorf("audit: %v", acts)
	}
	if err := export.Pause(t.Context(), w.db, w.queue(), "olga", []string{"mail"}); err == nil {
		t.Error("a queue of others was paused")
	}
}

// TestAWaitingExportSaysWhy leaves exports in a queue that nobody works.
func TestAWaitingExportSaysWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &product{})
	var last export.Export
	for _, ref := range []string{"HZ-1", "HZ-2", "HZ-3"} {
		owner, _ := w.customer(ref)
		last = w.request(owner)
	}
	if got := w.read(last); got.Ahead != 2 || got.Delayed != "" {
		t.Errorf("%d ahead, %q", got.Ahead, got.Delayed)
	}
	if _, err := w.db.Pool.Exec(t.Context(), `UPDATE river_job SET scheduled_at = scheduled_at - interval '5 minutes'`); err != nil {
		t.Fatal(err)
	}
	if got := w.read(last); got.Ahead != 2 || got.Delayed != "export.delayed_queue" {
		t.Errorf("%d ahead, %q", got.Ahead, got.Delayed)
	}
	urgent, _ := w.customer("HZ-4")
	w.clock.Set(w.prog.Milestones[0].Day.Start(w.prog.Zone).AddDate(0, 0, -13))
	first := w.request(urgent)
	if got := w.read(first); got.Ahead != 0 {
		t.Errorf("%d before an urgent one", got.Ahead)
	}
	if got := w.read(last); got.Ahead != 3 {
		t.Errorf("%d ahead after an urgent one", got.Ahead)
	}
}
