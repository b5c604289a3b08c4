package audit

import (
	"context"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// HeadArgs is the job that signs the chain's end and keeps it: see Keeper.Keep.
type HeadArgs struct{}

// Kind is the job's stable name.
func (HeadArgs) Kind() string { return "audit_head" }

// InsertOpts keeps one at a time.
func (HeadArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 20, UniqueOpts: river.UniqueOpts{ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}}}
}

type headWorker struct {
	river.WorkerDefaults[HeadArgs]
	keeper *Keeper
}

// Work keeps one head. Doing it again keeps another.
func (w *headWorker) Work(ctx context.Context, _ *river.Job[HeadArgs]) error {
	_, err := w.keeper.Keep(ctx)
	return err
}

// Register adds the keeping of heads to a process's workers.
func Register(workers *river.Workers, k *Keeper) { river.AddWorker(workers, &headWorker{keeper: k}) }

// Periodic keeps a head each day, and when a worker begins to lead.
func Periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(24*time.Hour), func() (river.JobArgs, *river.InsertOpts) { return HeadArgs{}, nil },
			&river.PeriodicJobOpts{ID: "audit_head", RunOnStart: true}),
	}
}
