package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// Overview is what operators see of the queue at one instant.
type Overview struct {
	Queues  []QueueStatus
	Workers []WorkerStatus
}

// QueueStatus is one queue. Waiting jobs could run now, Later ones wait for their time or for another try.
type QueueStatus struct {
	Name                    string
	Waiting, Running, Later int64
	Oldest                  *time.Time // since when the job that waits longest could have run; nil: none waits
	PausedAt                *time.Time
}

// WorkerStatus is one process that works, by the lock that shows it alive.
type WorkerStatus struct {
	ID      string
	Since   time.Time
	Running int64
}

const queuesSQL = `
	SELECT q.name, count(*) FILTER (WHERE j.state = 'available'), count(*) FILTER (WHERE j.state = 'running'),
	       count(*) FILTER (WHERE j.state IN ('scheduled', 'retryable', 'pending')),
	       min(j.scheduled_at) FILTER (WHERE j.state = 'available'), q.paused_at
	  FROM (SELECT name, paused_at FROM river_queue
	        UNION ALL
	        SELECT DISTINCT queue, NULL::timestamptz FROM river_job WHERE queue NOT IN (SELECT name FROM river_queue)
	           AND state IN ('available', 'running', 'scheduled', 'retryable', 'pending')) q
	  LEFT JOIN river_job j ON j.queue = q.name AND j.state IN ('available', 'running', 'scheduled', 'retryable', 'pending')
	 GROUP BY q.name, q.paused_at ORDER BY q.name`

// A worker is alive while its lock is held. pg_locks shows whose to every role, and pg_stat_activity would not.
const workersSQL = `
	SELECT w.id, w.since,
	       (SELECT count(*) FROM river_job j WHERE j.state = 'running' AND j.attempted_by[array_upper(j.attempted_by, 1)] = w.id)
	  FROM queue_worker w
	 WHERE EXISTS (SELECT FROM pg_locks l
	                WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
	                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
	                  AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('offramp worker ' || w.id, 0))
	 ORDER BY w.since, w.id`

// Look reads the overview.
func Look(ctx context.Context, d *db.DB) (o Overview, err error) {
	rows, err := d.Pool.Query(ctx, queuesSQL)
	if err == nil {
		o.Queues, err = pgx.CollectRows(rows, pgx.RowToStructByPos[QueueStatus])
	}
	if err != nil {
		return o, fmt.Errorf("look at the queues: %w", err)
	}
	rows, err = d.Pool.Query(ctx, workersSQL)
	if err == nil {
		o.Workers, err = pgx.CollectRows(rows, pgx.RowToStructByPos[WorkerStatus])
	}
	if err != nil {
		return o, fmt.Errorf("look at the workers: %w", err)
	}
	return o, nil
}
