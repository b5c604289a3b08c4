package export

import (
	"context"
	"fmt"
	"slices"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/jobs"
)

// QueueNames are the queues that exports wait in.
var QueueNames = []string{Queue, QueueLarge}

// Pause keeps the workers from beginning further exports of these queues, and records who did so. What runs goes on to its end;
// customers whose export waits read why. Pausing again changes nothing.
func Pause(ctx context.Context, d *db.DB, queue *jobs.Client, operator string, names []string) error {
	return turn(ctx, d, operator, "queue.pause", names, queue.PauseTx)
}

// Resume lets the workers go on, and records who did so.
func Resume(ctx context.Context, d *db.DB, queue *jobs.Client, operator string, names []string) error {
	return turn(ctx, d, operator, "queue.resume", names, queue.ResumeTx)
}

func turn(ctx context.Context, d *db.DB, operator, act string, names []string, do func(context.Context, *db.Tx, string) error) error {
	return d.InTx(ctx, db.SystemScope(act), func(tx *db.Tx) error {
		for _, name := range names {
			if !slices.Contains(QueueNames, name) {
				return fmt.Errorf("%q is no queue of exports; there are %v", name, QueueNames)
			}
			if err := do(ctx, tx, name); err != nil {
				return err
			}
			if err := audit.Record(ctx, tx, audit.Entry{Actor: operator, ActorKind: audit.Operator, Act: act, Object: "queue " + name}); err != nil {
				return err
			}
		}
		return nil
	})
}
