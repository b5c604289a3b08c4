package export

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
)

// DeliveryQueue is where copies into customers' buckets wait. They are as slow as somebody else's network, so they have a
// queue of their own.
const DeliveryQueue = "delivery"

// DeliverArgs is the job that copies one export into its customer's bucket.
type DeliverArgs struct {
	DeliveryID string `json:"delivery_id"`
	CustomerID string `json:"customer_id"`
}

// Kind is the job's stable name.
func (DeliverArgs) Kind() string { return "export_deliver" }

// InsertOpts puts the job in its queue.
func (DeliverArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: DeliveryQueue, MaxAttempts: maxJobAttempts}
}

type deliveryWorker struct {
	river.WorkerDefaults[DeliverArgs]
	courier *courier
}

// Work makes one attempt. It may be killed at any line and run any number of times.
func (w *deliveryWorker) Work(ctx context.Context, job *river.Job[DeliverArgs]) error {
	err := w.courier.run(ctx, job.Args)
	if errors.Is(err, errGivenUp) {
		return river.JobCancel(err)
	}
	return err
}

// NextRetry waits a little longer after each attempt.
func (w *deliveryWorker) NextRetry(job *river.Job[DeliverArgs]) time.Time {
	waits := w.courier.Backoff
	return time.Now().Add(waits[min(max(job.Attempt, 1), len(waits))-1])
}

// RegisterDelivery adds what copies exports into customers' buckets to a process's workers.
func RegisterDelivery(workers *river.Workers, c DeliveryConfig) {
	river.AddWorker(workers, &deliveryWorker{courier: newCourier(c)})
}
