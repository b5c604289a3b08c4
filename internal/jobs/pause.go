package jobs

import (
	"context"
	"fmt"

	"offramp/internal/db"
)

// knownSQL makes a queue known that no worker has worked yet. A worker that comes later keeps what it finds.
const knownSQL = `INSERT INTO river_queue (name, created_at, metadata, updated_at) VALUES ($1, now(), '{}', now()) ON CONFLICT (name) DO NOTHING`

// PauseTx stops a queue in the caller's transaction: no worker fetches another job of it, now and after a restart, until it is
// resumed. Jobs that run go on to their end. A queue that no worker has worked yet can be paused, too; pausing again changes
// nothing.
func (c *Client) PauseTx(ctx context.Context, tx *db.Tx, queue string) error {
	if _, err := tx.Pgx.Exec(ctx, knownSQL, queue); err != nil {
		return fmt.Errorf("pause queue %s: %w", queue, err)
	}
	if err := c.river.QueuePauseTx(ctx, tx.Pgx, queue, nil); err != nil {
		return fmt.Errorf("pause queue %s: %w", queue, err)
	}
	return nil
}

// ResumeTx lets workers fetch jobs of a paused queue again. Resuming one that is not paused changes nothing.
func (c *Client) ResumeTx(ctx context.Context, tx *db.Tx, queue string) error {
	if _, err := tx.Pgx.Exec(ctx, knownSQL, queue); err != nil {
		return fmt.Errorf("resume queue %s: %w", queue, err)
	}
	if err := c.river.QueueResumeTx(ctx, tx.Pgx, queue, nil); err != nil {
		return fmt.Errorf("resume queue %s: %w", queue, err)
	}
	return nil
}
