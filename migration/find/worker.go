package find

import (
	"context"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// IndexArgs is the job that brings customers who have changed into the index.
type IndexArgs struct{}

// Kind is the job's stable name.
func (IndexArgs) Kind() string { return "customer_search" }

// InsertOpts keeps one at a time; the next one makes good what this one could not.
func (IndexArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}}}
}

type indexWorker struct {
	river.WorkerDefaults[IndexArgs]
	service *Service
}

// indexLimit is how long one job goes on; the next one continues.
const indexLimit = 30 * time.Second

// Work indexes until nothing is left. It may be killed at any line and run any number of times.
func (w *indexWorker) Work(ctx context.Context, _ *river.Job[IndexArgs]) error {
	begun := time.Now()
	for more := true; more && time.Since(begun) < indexLimit; {
		var err error
		if more, err = w.service.Index(ctx, atOnce); err != nil {
			return err
		}
	}
	return nil
}

// Register adds the job to a process's workers.
func Register(workers *river.Workers, s *Service) { river.AddWorker(workers, &indexWorker{service: s}) }

// Periodic enqueues the job each half minute.
func Periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(30*time.Second), func() (river.JobArgs, *river.InsertOpts) { return IndexArgs{}, nil },
			&river.PeriodicJobOpts{ID: "customer_search", RunOnStart: true}),
	}
}
