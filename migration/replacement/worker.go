package replacement

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"offramp/migration"
)

// WorkerConfig is what the jobs of step 3 stand on.
type WorkerConfig struct {
	CounterConfig
	Service *Service
}

// SweepArgs is the job that serves who waits for a code, tells of offers that end and of products that were withdrawn, and
// asks for counts that are due.
type SweepArgs struct{}

// Kind is the job's stable name.
func (SweepArgs) Kind() string { return "replacement_sweep" }

// InsertOpts keeps one at a time; the next one makes good what this one could not.
func (SweepArgs) InsertOpts() river.InsertOpts { return oneAtATime(1) }

// FeatureArgs is the job that counts one feature for all customers.
type FeatureArgs struct {
	Feature string `json:"feature"`
}

// Kind is the job's stable name.
func (FeatureArgs) Kind() string { return "feature_count" }

// InsertOpts keeps one at a time for each feature.
func (FeatureArgs) InsertOpts() river.InsertOpts { return oneAtATime(3) }

// CustomerArgs is the job that counts what one customer uses.
type CustomerArgs struct {
	CustomerID string `json:"customer_id"`
}

// Kind is the job's stable name.
func (CustomerArgs) Kind() string { return "customer_count" }

// InsertOpts keeps one at a time for each customer.
func (CustomerArgs) InsertOpts() river.InsertOpts { return oneAtATime(2) }

func oneAtATime(tries int) river.InsertOpts {
	return river.InsertOpts{MaxAttempts: tries, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// Register adds the jobs to a process's workers.
func Register(workers *river.Workers, c WorkerConfig) {
	counter := NewCounter(c.CounterConfig)
	river.AddWorker(workers, &featureWorker{counter: counter})
	river.AddWorker(workers, &customerWorker{counter: counter})
	river.AddWorker(workers, &sweepWorker{counter: counter, sweep: &sweeper{Service: c.Service, counter: counter}})
}

// Periodic lists the jobs that run without being asked for.
func Periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(time.Minute), func() (river.JobArgs, *river.InsertOpts) { return SweepArgs{}, nil },
			&river.PeriodicJobOpts{ID: "replacement_sweep", RunOnStart: true}),
	}
}

type featureWorker struct {
	river.WorkerDefaults[FeatureArgs]
	counter *Counter
}

// Work counts once. It may be killed at any line and run any number of times.
func (w *featureWorker) Work(ctx context.Context, job *river.Job[FeatureArgs]) error {
	p, err := w.counter.Programmes.Active(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return nil
	}
	if err != nil {
		return err
	}
	return w.counter.CountAll(ctx, p, job.Args.Feature)
}

type customerWorker struct {
	river.WorkerDefaults[CustomerArgs]
	counter *Counter
}

// Work counts once. It may be killed at any line and run any number of times.
func (w *customerWorker) Work(ctx context.Context, job *river.Job[CustomerArgs]) error {
	p, err := w.counter.Programmes.Active(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return nil
	}
	if err != nil {
		return err
	}
	return w.counter.CountCustomer(ctx, p, job.Args.CustomerID)
}

type sweepWorker struct {
	river.WorkerDefaults[SweepArgs]
	counter *Counter
	sweep   *sweeper
}

// Work sweeps once.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[SweepArgs]) error {
	p, err := w.counter.Programmes.Active(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return nil
	}
	if err != nil {
		return err
	}
	return w.sweep.run(ctx, p)
}
