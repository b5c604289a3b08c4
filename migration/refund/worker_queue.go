package refund

import (
	"context"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/mail"
)

// PayoutQueue is where payments wait. They are as slow as a provider, so they have a queue of their own.
const PayoutQueue = "payout"

// maxJobAttempts is out of reach: what becomes of an attempt is its own business, kept in its row.
const maxJobAttempts = 1000

// PayArgs is the job that brings one attempt forward: it calls the provider, or looks up what became of a call.
type PayArgs struct {
	RefundID string `json:"refund_id"`
	Number   int    `json:"number"`
}

// Kind is the job's stable name.
func (PayArgs) Kind() string { return "refund_pay" }

// InsertOpts puts the job in its queue.
func (PayArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: PayoutQueue, MaxAttempts: maxJobAttempts}
}

// HandOutArgs is the job that hands what was released to those who pay: the attempts of a batch, or of one refund that is tried
// again. Whoever releases enqueues it; the payments themselves only a worker enqueues.
type HandOutArgs struct {
	BatchID  string `json:"batch_id,omitempty"`
	RefundID string `json:"refund_id,omitempty"`
}

// Kind is the job's stable name.
func (HandOutArgs) Kind() string { return "refund_hand_out" }

// InsertOpts puts the job in its queue.
func (HandOutArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: PayoutQueue, MaxAttempts: maxJobAttempts}
}

// EventArgs is the job that folds one event of a provider in.
type EventArgs struct {
	Provider string `json:"provider"`
	ID       string `json:"id"`
}

// Kind is the job's stable name.
func (EventArgs) Kind() string { return "refund_event" }

// InsertOpts puts the job in its queue.
func (EventArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: PayoutQueue, MaxAttempts: maxJobAttempts}
}

// ReconcileArgs is the job that looks up what is unknown and picks up what a worker left behind.
type ReconcileArgs struct{}

// Kind is the job's stable name.
func (ReconcileArgs) Kind() string { return "refund_reconcile" }

// InsertOpts keeps one at a time; the next one makes good what this one could not.
func (ReconcileArgs) InsertOpts() river.InsertOpts { return oneAtATime() }

// DailyArgs is the job that closes what is over, removes old drafts and checks the ledger.
type DailyArgs struct{}

// Kind is the job's stable name.
func (DailyArgs) Kind() string { return "refund_daily" }

// InsertOpts keeps one at a time.
func (DailyArgs) InsertOpts() river.InsertOpts { return oneAtATime() }

// RefreshArgs is the job that follows a programme or a customer's own day that has changed.
type RefreshArgs struct{}

// Kind is the job's stable name.
func (RefreshArgs) Kind() string { return "refund_refresh" }

// InsertOpts keeps one at a time; the next one makes good what this one could not.
func (RefreshArgs) InsertOpts() river.InsertOpts { return oneAtATime() }

func oneAtATime() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// mailAll enqueues many mails in the caller's transaction.
func mailAll(ctx context.Context, tx *db.Tx, queue *jobs.Client, letters []mail.Args) error {
	list := make([]river.InsertManyParams, len(letters))
	for i, l := range letters {
		list[i] = river.InsertManyParams{Args: l}
	}
	return queue.InsertManyTx(ctx, tx, list)
}

// payAll enqueues many attempts in the caller's transaction.
func payAll(ctx context.Context, tx *db.Tx, queue *jobs.Client, attempts []PayArgs) error {
	list := make([]river.InsertManyParams, len(attempts))
	for i, a := range attempts {
		list[i] = river.InsertManyParams{Args: a}
	}
	return queue.InsertManyTx(ctx, tx, list)
}

// foldAll enqueues many events in the caller's transaction.
func foldAll(ctx context.Context, tx *db.Tx, queue *jobs.Client, events []EventArgs) error {
	list := make([]river.InsertManyParams, len(events))
	for i, e := range events {
		list[i] = river.InsertManyParams{Args: e}
	}
	return queue.InsertManyTx(ctx, tx, list)
}
