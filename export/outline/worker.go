package outline

import (
	"context"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"offramp/export"
	"offramp/export/connect"
	"offramp/internal/db"
)

// Args is the job that looks up what a customer's data comes to.
type Args struct {
	CustomerID string `json:"customer_id"`
}

// Kind is the job's stable name.
func (Args) Kind() string { return "export_outline" }

// InsertOpts keeps one at a time for each customer, beside the queue of exports: somebody looks at a form.
func (Args) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 2, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// Config is what looking up takes. All fields are required.
type Config struct {
	DB         *db.DB
	Sources    *connect.Sources
	Programmes export.Programmes
}

// Register adds what looks up outlines to a process's workers.
func Register(workers *river.Workers, c Config) {
	river.AddWorker(workers, &worker{outline: newOutliner(c)})
}

// worker runs the outliner as a job.
type worker struct {
	river.WorkerDefaults[Args]
	outline *outliner
}

// Work looks once. It may be killed at any line and run any number of times.
func (w *worker) Work(ctx context.Context, job *river.Job[Args]) error {
	return w.outline.run(ctx, job.Args.CustomerID)
}

// NextRetry is soon: whoever looks at the form still sits there.
func (w *worker) NextRetry(*river.Job[Args]) time.Time {
	return time.Now().Add(5 * time.Second)
}
