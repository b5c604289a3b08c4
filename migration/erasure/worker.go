package erasure

import (
	"context"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"offramp/internal/db"
)

// Queue is where erasures wait: a long one holds up nothing else.
const Queue = "erasure"

// PlanArgs is the job that makes orders of a run.
type PlanArgs struct {
	RunID string `json:"run_id" river:"unique"`
}

// Kind is the job's stable name.
func (PlanArgs) Kind() string { return "erasure_plan" }

// InsertOpts keeps one for each run. It goes on where it was.
func (PlanArgs) InsertOpts() river.InsertOpts { return once() }

// Args is the job that carries one order out.
type Args struct {
	OrderID    string `json:"order_id" river:"unique"`
	CustomerID string `json:"customer_id"`
}

// Kind is the job's stable name.
func (Args) Kind() string { return "erasure" }

// InsertOpts keeps one for each order.
func (Args) InsertOpts() river.InsertOpts { return once() }

// SweepArgs is the job that finds what waits.
type SweepArgs struct{}

// Kind is the job's stable name.
func (SweepArgs) Kind() string { return "erasure_sweep" }

// InsertOpts keeps one at a time; the next one makes good what this one could not.
func (SweepArgs) InsertOpts() river.InsertOpts {
	o := once()
	o.MaxAttempts, o.Queue = 1, river.QueueDefault
	return o
}

func once() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: 1000, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}}}
}

// Inserter enqueues jobs in a transaction. jobs.Client is one.
type Inserter interface {
	InsertManyTx(ctx context.Context, tx *db.Tx, list []river.InsertManyParams) error
}

// Enqueuer puts orders into the queue.
func Enqueuer(queue Inserter) func(context.Context, *db.Tx, []Order) error {
	return func(ctx context.Context, tx *db.Tx, orders []Order) error {
		var list []river.InsertManyParams
		for _, o := range orders {
			list = append(list, river.InsertManyParams{Args: Args{OrderID: o.ID, CustomerID: o.CustomerID}})
		}
		return queue.InsertManyTx(ctx, tx, list)
	}
}

// PlanEnqueuer puts runs into the queue.
func PlanEnqueuer(queue Inserter) func(context.Context, *db.Tx, []string) error {
	return func(ctx context.Context, tx *db.Tx, runs []string) error {
		var list []river.InsertManyParams
		for _, id := range runs {
			list = append(list, river.InsertManyParams{Args: PlanArgs{RunID: id}})
		}
		return queue.InsertManyTx(ctx, tx, list)
	}
}

type planWorker struct {
	river.WorkerDefaults[PlanArgs]
	eraser *Eraser
}

// Work makes the orders that are still to come.
func (w *planWorker) Work(ctx context.Context, job *river.Job[PlanArgs]) error {
	return w.eraser.Plan(ctx, job.Args.RunID)
}

type worker struct {
	river.WorkerDefaults[Args]
	eraser *Eraser
}

// Work carries the order as far as it goes.
func (w *worker) Work(ctx context.Context, job *river.Job[Args]) error {
	return w.eraser.Run(ctx, job.Args.OrderID)
}

// NextRetry is soon: the order itself says when it is tried again after a trouble of its own.
func (w *worker) NextRetry(*river.Job[Args]) time.Time { return time.Now().Add(10 * time.Second) }

type sweepWorker struct {
	river.WorkerDefaults[SweepArgs]
	eraser *Eraser
	queue  Inserter
}

// Work enqueues what waits.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[SweepArgs]) error {
	return w.eraser.Sweep(ctx, PlanEnqueuer(w.queue))
}

// Register adds erasing to a process's workers.
func Register(workers *river.Workers, e *Eraser, queue Inserter) {
	river.AddWorker(workers, &planWorker{eraser: e})
	river.AddWorker(workers, &worker{eraser: e})
	river.AddWorker(workers, &sweepWorker{eraser: e, queue: queue})
}

// Periodic looks for what waits, and when a worker begins to lead.
func Periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(time.Minute), func() (river.JobArgs, *river.InsertOpts) { return SweepArgs{}, nil },
			&river.PeriodicJobOpts{ID: "erasure_sweep", RunOnStart: true}),
	}
}
