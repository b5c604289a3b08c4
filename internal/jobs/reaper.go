package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	reapEvery = 500 * time.Millisecond
	// grace is how long a worker is seen without its lock before its jobs are returned.
	grace = 2 * time.Second
	// ownEvery is how often a client compares the queue with what it really runs.
	ownEvery = 5 * time.Second
	// ownGrace covers the tries that River makes to report an outcome.
	ownGrace = time.Minute
)

// reaper returns the jobs of workers that died. It writes River's table and is tied to River's pinned version.
type reaper struct {
	pool    *pgxpool.Pool
	self    string
	running *running
	logger  *slog.Logger
	dead    map[string]time.Time // worker -> when it was first seen without its lock, in an unbroken row of looks
	idle    map[int64]time.Time  // own job that is not running here -> when that was first seen
	ownAt   time.Time
}

func newReaper(pool *pgxpool.Pool, self string, running *running, logger *slog.Logger) *reaper {
	return &reaper{pool: pool, self: self, running: running, logger: logger, dead: map[string]time.Time{}, idle: map[int64]time.Time{}}
}

// run looks until ctx ends. A look that fails forgets what was seen: after an outage every worker gets its grace anew.
func (r *reaper) run(ctx context.Context) {
	for sleep(ctx, reapEvery) {
		if err := r.look(ctx, time.Now()); err != nil && ctx.Err() == nil {
			clear(r.dead)
			clear(r.idle)
			r.logger.WarnContext(ctx, "look for dead workers", slog.Any("error", err))
		}
	}
}

func (r *reaper) look(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := r.lookAtOthers(ctx, now); err != nil {
		return err
	}
	if now.Sub(r.ownAt) < ownEvery {
		return nil
	}
	r.ownAt = now
	return r.lookAtOwn(ctx, now)
}

// deadSQL lists the workers of running jobs whose lock is free, and holds those locks until the transaction ends: a worker
// cannot come back to life in between. Clients that are not ours are left alone.
const deadSQL = `
	SELECT w FROM (SELECT DISTINCT attempted_by[array_upper(attempted_by, 1)] AS w FROM river_job WHERE state = 'running') x
	 WHERE starts_with(w, '` + idPrefix + `') AND w <> $1
	   AND pg_try_advisory_xact_lock(hashtextextended('offramp worker ' || w, 0))`

func (r *reaper) lookAtOthers(ctx context.Context, now time.Time) error {
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, deadSQL, r.self)
		if err != nil {
			return fmt.Errorf("find dead workers: %w", err)
		}
		dead, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("find dead workers: %w", err)
		}
		due := overdue(r.dead, dead, now, grace)
		if len(due) == 0 {
			return nil
		}
		const jobs = `attempted_by[array_upper(attempted_by, 1)] = ANY ($1)`
		return r.giveBack(ctx, tx, jobs, due, "its worker died")
	})
}

// lookAtOwn compares the queue with what runs here. A job whose outcome could not be reported, because the database was
// away, would otherwise stay "running" for ever; and an attempt whose job is no longer ours is cancelled.
func (r *reaper) lookAtOwn(ctx context.Context, now time.Time) error {
	const own = `SELECT id, attempt FROM river_job WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $1`
	before := r.running.attempts()
	rows, err := r.pool.Query(ctx, own, r.self)
	if err != nil {
		return fmt.Errorf("list own jobs: %w", err)
	}
	listed, err := pgx.CollectRows(rows, pgx.RowToStructByPos[attempt])
	if err != nil {
		return fmt.Errorf("list own jobs: %w", err)
	}
	for _, a := range before {
		if !slices.Contains(listed, a) && !r.running.owns(ctx, a) {
			r.running.cancel(a)
		}
	}
	var lost []int64
	for _, a := range listed {
		if !r.running.has(a) {
			lost = append(lost, a.ID)
		}
	}
	due := overdue(r.idle, lost, now, ownGrace)
	if len(due) == 0 {
		return nil
	}
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		return r.giveBack(ctx, tx, `id = ANY ($1)`, due, "its outcome was not recorded")
	})
}

// giveBackSQL makes running jobs available again, or ends them where no attempt is left or someone cancelled them.
const giveBackSQL = `
	UPDATE river_job SET scheduled_at = now(),
	       state = CASE WHEN metadata ? 'cancel_attempted_at' THEN 'cancelled' WHEN attempt < max_attempts THEN 'available' ELSE 'discarded' END::river_job_state,
	       finalized_at = CASE WHEN metadata ? 'cancel_attempted_at' OR attempt >= max_attempts THEN now() END,
	       errors = array_append(errors, jsonb_build_object('at', to_char(now() AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
	           'attempt', attempt, 'error', $2::text, 'trace', ''))
	 WHERE state = 'running' AND `

type returned struct {
	ID                 int64
	Kind, Queue, State string
}

// giveBack returns the jobs that the condition names and wakes the workers of their queues.
func (r *reaper) giveBack(ctx context.Context, tx pgx.Tx, condition string, which any, reason string) error {
	rows, err := tx.Query(ctx, giveBackSQL+condition+` RETURNING id, kind, queue, state::text`, which, reason)
	if err != nil {
		return fmt.Errorf("return jobs: %w", err)
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[returned])
	if err != nil {
		return fmt.Errorf("return jobs: %w", err)
	}
	queues := map[string]bool{}
	for _, j := range jobs {
		queues[j.Queue] = true
		jobsReturned.WithLabelValues(j.Kind, j.State).Inc()
		r.logger.WarnContext(ctx, "job returned", slog.String("job_kind", j.Kind), slog.Int64("job_id", j.ID), slog.String("state", j.State), slog.String("reason", reason))
	}
	const notify = `SELECT pg_notify(current_schema() || '.river_insert', json_build_object('queue', q)::text) FROM unnest($1::text[]) q`
	if _, err := tx.Exec(ctx, notify, slices.Collect(maps.Keys(queues))); err != nil {
		return fmt.Errorf("wake workers: %w", err)
	}
	return nil
}

// overdue notes in seen when each of now's suspects was first seen, forgets those that are no longer suspect, and returns
// those that have been for at least wait.
func overdue[K comparable](seen map[K]time.Time, suspects []K, now time.Time, wait time.Duration) (due []K) {
	maps.DeleteFunc(seen, func(k K, _ time.Time) bool { return !slices.Contains(suspects, k) })
	for _, k := range suspects {
		first, known := seen[k]
		if !known {
			seen[k] = now
			continue
		}
		if now.Sub(first) >= wait {
			due = append(due, k)
		}
	}
	return due
}
