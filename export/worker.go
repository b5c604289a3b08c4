package export

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Queue is where exports wait. Sweeps run on river.QueueDefault, so that long exports do not hold them up.
const Queue = "export"

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
	err := w.build.run(ctx, job.Args)
	if errors.Is(err, errGivenUp) {
		return river.JobCancel(err)
	}
	return err
}

// NextRetry waits a little longer after each attempt.
func (w *worker) NextRetry(job *river.Job[Args]) time.Time {
	waits := w.build.Backoff
	return time.Now().Add(waits[min(max(job.Attempt, 1), len(waits))-1])
}

// Register adds what builds and sweeps exports to a process's workers.
func Register(workers *river.Workers, c Config) {
	b := newBuilder(c)
	register(workers, b)
}

func register(workers *river.Workers, b *builder) {
	s := newSweeper(b)
	river.AddWorker(workers, &worker{build: b})
	river.AddWorker(workers, &sweepWorker{sweep: s})
	river.AddWorker(workers, &orphanWorker{sweep: s})
	river.AddWorker(workers, &outlineWorker{outline: newOutliner(b.Config)})
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
