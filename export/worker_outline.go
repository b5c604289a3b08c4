package export

import (
	"context"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// OutlineArgs is the job that looks up what a customer's data comes to.
type OutlineArgs struct {
	CustomerID string `json:"customer_id"`
}

// Kind is the job's stable name.
func (OutlineArgs) Kind() string { return "export_outline" }

// InsertOpts keeps one at a time for each customer, beside the queue of exports: somebody looks at a form.
func (OutlineArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 2, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// outlineWorker runs the outliner as a job.
type outlineWorker struct {
	river.WorkerDefaults[OutlineArgs]
	outline *outliner
}

// Work looks once. It may be killed at any line and run any number of times.
func (w *outlineWorker) Work(ctx context.Context, job *river.Job[OutlineArgs]) error {
	return w.outline.run(ctx, job.Args.CustomerID)
}

// NextRetry is soon: whoever looks at the form still sits there.
func (w *outlineWorker) NextRetry(*river.Job[OutlineArgs]) time.Time {
	return time.Now().Add(5 * time.Second)
}
