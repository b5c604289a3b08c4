package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
)

// Queue is where copies into customers' buckets wait. They are as slow as somebody else's network, so they have a
// queue of their own.
const Queue = "delivery"

// Args is the job that copies one export into its customer's bucket.
type Args struct {
	DeliveryID string `json:"delivery_id"`
	CustomerID string `json:"customer_id"`
}

// Kind is the job's stable name.
func (Args) Kind() string { return "export_deliver" }

// maxJobAttempts is out of reach: how often to try is the delivery's own business, counted in its row.
const maxJobAttempts = 1000

// InsertOpts puts the job in its queue.
func (Args) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: maxJobAttempts}
}

// Worker runs the deliverer as a job.
type Worker struct {
	river.WorkerDefaults[Args]
	deliverer *deliverer
}

// Work makes one attempt. It may be killed at any line and run any number of times.
func (w *Worker) Work(ctx context.Context, job *river.Job[Args]) error {
	err := w.deliverer.run(ctx, job.Args)
	if errors.Is(err, errGivenUp) {
		return river.JobCancel(err)
	}
	return err
}

// NextRetry waits a little longer after each attempt.
func (w *Worker) NextRetry(job *river.Job[Args]) time.Time {
	waits := w.deliverer.Backoff
	return time.Now().Add(waits[min(max(job.Attempt, 1), len(waits))-1])
}

// NewWorker makes the worker of one process.
func NewWorker(c Config) *Worker {
	return &Worker{deliverer: newDeliverer(c)}
}

// Register adds what copies exports into customers' buckets to a process's workers.
func Register(workers *river.Workers, c Config) {
	river.AddWorker(workers, NewWorker(c))
}
