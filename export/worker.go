package export

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration"
)

// Queues are where exports wait, by size class, so that a giant does not hold up a thousand small ones. Every export
// begins in Queue, where it is built if it is small, and else handed over. Sweeps run on river.QueueDefault.
const (
	Queue      = "export"
	QueueLarge = "export_large"
)

// Priorities of jobs; lower numbers go first. Who helps with an export stands back behind those who have not begun
// theirs.
const (
	PriorityUrgent  = 1 // the customer's deadline is near, or they have waited before
	PriorityUsual   = 2
	priorityHelpers = 2 // more than the export's own
)

// urgentSpan is how long before the customer's deadline an export becomes urgent.
const urgentSpan = 14 * day

// priorityAt is the priority of an export that is requested at an instant.
func priorityAt(now time.Time, p *migration.Programme, extensions map[string]migration.Day) int {
	if last, ok := Deadline(p, extensions); ok && now.Add(urgentSpan).After(last) {
		return PriorityUrgent
	}
	return PriorityUsual
}

// enqueue gives a live export its job.
func enqueue(ctx context.Context, tx *db.Tx, s store, queue *jobs.Client, e *Export, priority int) (err error) {
	if e.JobID, err = queue.InsertTx(ctx, tx, Args{ExportID: e.ID, CustomerID: e.CustomerID}, &river.InsertOpts{Priority: priority}); err != nil {
		return err
	}
	return s.setJob(ctx, tx, e.ID, e.JobID)
}

// insertLarge leaves an export to the workers of large ones.
func (b *builder) insertLarge(ctx context.Context, tx *db.Tx, a *attempt) (int64, error) {
	return b.Queue.InsertTx(ctx, tx, Args{ExportID: a.ID, CustomerID: a.CustomerID}, &river.InsertOpts{Queue: QueueLarge, Priority: a.priority})
}

// callHelpers asks other workers to build volumes of the attempt.
func (b *builder) callHelpers(ctx context.Context, tx *db.Tx, a *attempt, n int) error {
	for range n {
		args := HelpArgs{ExportID: a.ID, CustomerID: a.CustomerID, Attempt: a.Attempt}
		if _, err := b.Queue.InsertTx(ctx, tx, args, &river.InsertOpts{Priority: max(a.priority, PriorityUrgent) + priorityHelpers}); err != nil {
			return err
		}
	}
	return nil
}

// Args is the job that builds one export.
type Args struct {
	ExportID   string `json:"export_id"`
	CustomerID string `json:"customer_id"`
}

// Kind is the job's stable name.
func (Args) Kind() string { return "export" }

// maxJobAttempts is out of reach: how often to try is the export's own business, counted in its row.
const maxJobAttempts = 1000

// InsertOpts puts the job in its queue.
func (Args) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: maxJobAttempts}
}

// worker runs the builder as a job.
type worker struct {
	river.WorkerDefaults[Args]
	build *builder
}

// Work makes one attempt. It may be killed at any line and run any number of times.
func (w *worker) Work(ctx context.Context, job *river.Job[Args]) error {
	t := taskOf(job.JobRow, job.Args.ExportID, job.Args.CustomerID)
	return outcomeOf(w.build.run(ctx, t))
}

func taskOf(row *rivertype.JobRow, exportID, customerID string) task {
	return task{exportID: exportID, customerID: customerID, job: row.ID, priority: row.Priority, large: row.Queue == QueueLarge}
}

func outcomeOf(err error) error {
	if errors.Is(err, errGivenUp) {
		return river.JobCancel(err)
	}
	return err
}

// HelpArgs is the job that builds volumes of an export that another job has planned.
type HelpArgs struct {
	ExportID   string `json:"export_id"`
	CustomerID string `json:"customer_id"`
	Attempt    int    `json:"attempt"`
}

// Kind is the job's stable name.
func (HelpArgs) Kind() string { return "export_help" }

// InsertOpts puts the job in its queue.
func (HelpArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueLarge, MaxAttempts: maxJobAttempts}
}

// helper runs the builder as a job that helps.
type helper struct {
	river.WorkerDefaults[HelpArgs]
	build *builder
}

// Work builds volumes until none is left. It may be killed at any line and run any number of times.
func (w *helper) Work(ctx context.Context, job *river.Job[HelpArgs]) error {
	t := taskOf(job.JobRow, job.Args.ExportID, job.Args.CustomerID)
	return outcomeOf(w.build.help(ctx, t, job.Args.Attempt))
}

// NextRetry waits a little longer after each attempt.
func (w *helper) NextRetry(job *river.Job[HelpArgs]) time.Time { return w.build.nextRetry(job.Attempt) }

// NextRetry waits a little longer after each attempt.
func (w *worker) NextRetry(job *river.Job[Args]) time.Time {
	return w.build.nextRetry(job.Attempt)
}

func (b *builder) nextRetry(attempt int) time.Time {
	return time.Now().Add(b.Backoff[min(max(attempt, 1), len(b.Backoff))-1])
}

// Register adds what builds and sweeps exports to a process's workers.
func Register(workers *river.Workers, c Config) {
	b := newBuilder(c)
	register(workers, b)
}

func register(workers *river.Workers, b *builder) {
	s := newSweeper(b)
	river.AddWorker(workers, &worker{build: b})
	river.AddWorker(workers, &helper{build: b})
	river.AddWorker(workers, &sweepWorker{sweep: s})
	river.AddWorker(workers, &orphanWorker{sweep: s})
}

// SweepArgs is the job that expires exports, tells of it, and removes what nothing needs.
type SweepArgs struct{}

// Kind is the job's stable name.
func (SweepArgs) Kind() string { return "export_sweep" }

// InsertOpts keeps one at a time; the next one makes good what this one could not.
func (SweepArgs) InsertOpts() river.InsertOpts { return oneAtATime() }

// OrphanArgs is the job that compares the bucket with our records.
type OrphanArgs struct{}

// Kind is the job's stable name.
func (OrphanArgs) Kind() string { return "export_orphans" }

// InsertOpts keeps one at a time.
func (OrphanArgs) InsertOpts() river.InsertOpts { return oneAtATime() }

func oneAtATime() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

type sweepWorker struct {
	river.WorkerDefaults[SweepArgs]
	sweep *sweeper
}

// Work sweeps once.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[SweepArgs]) error {
	return w.sweep.run(ctx)
}

type orphanWorker struct {
	river.WorkerDefaults[OrphanArgs]
	sweep *sweeper
}

// Work looks through the bucket once.
func (w *orphanWorker) Work(ctx context.Context, _ *river.Job[OrphanArgs]) error {
	return w.sweep.orphans(ctx)
}

// Periodic lists the jobs that run without being asked for.
func Periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(time.Minute), func() (river.JobArgs, *river.InsertOpts) { return SweepArgs{}, nil },
			&river.PeriodicJobOpts{ID: "export_sweep", RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(time.Hour), func() (river.JobArgs, *river.InsertOpts) { return OrphanArgs{}, nil },
			&river.PeriodicJobOpts{ID: "export_orphans", RunOnStart: true}),
	}
}
