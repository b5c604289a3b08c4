package auth

import (
	"context"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"offramp/internal/db"
)

// SweepArgs is the job that removes what is past: see Service.Sweep.
type SweepArgs struct{}

// Kind is the job's stable name.
func (SweepArgs) Kind() string { return "auth_sweep" }

// InsertOpts keeps one at a time; the next one makes good what this one could not.
func (SweepArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}}}
}

type sweepWorker struct {
	river.WorkerDefaults[SweepArgs]
	service *Service
}

// Work sweeps. It may be killed at any line and run any number of times.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[SweepArgs]) error {
	return w.service.Sweep(ctx)
}

// Register adds the sweep to a process's workers. It needs no provider.
func Register(workers *river.Workers, d *db.DB) {
	river.AddWorker(workers, &sweepWorker{service: NewService(d, Config{})})
}

// Periodic enqueues the sweep every ten minutes.
func Periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(10*time.Minute), func() (river.JobArgs, *river.InsertOpts) { return SweepArgs{}, nil },
			&river.PeriodicJobOpts{ID: "auth_sweep", RunOnStart: true}),
	}
}
