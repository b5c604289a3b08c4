package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// attempt is one try of one job.
type attempt struct {
	ID     int64
	Number int
}

// running knows the attempts that run in this process. As River's middleware it surrounds each of them.
type running struct {
	river.MiddlewareDefaults
	pool    *pgxpool.Pool
	self    string
	live    *liveness
	mu      sync.Mutex
	cancels map[attempt]context.CancelCauseFunc
}

func newRunning(pool *pgxpool.Pool, self string, live *liveness) *running {
	return &running{pool: pool, self: self, live: live, cancels: map[attempt]context.CancelCauseFunc{}}
}

// Work runs one attempt. If the client's lock was lost meanwhile and the job was given to another worker, the attempt's
// outcome is kept from the queue.
func (r *running) Work(ctx context.Context, job *rivertype.JobRow, inner func(context.Context) error) error {
	a := attempt{ID: job.ID, Number: job.Attempt}
	began, losses := time.Now(), r.live.losses.Load()
	inside, cancel := context.WithCancelCause(ctx)
	r.add(a, cancel)
	defer func() { // also when the attempt panics
		defer cancel(nil)
		r.remove(a)
		observe(job.Kind, time.Since(began))
		if taken := errors.Is(context.Cause(inside), errTaken); taken || r.live.losses.Load() != losses && !r.owns(ctx, a) {
			_ = river.MetadataSet(ctx, "disowned", disowned{})
		}
	}()
	return inner(inside)
}

// owns asks the queue whether the attempt is still this client's: it runs, or has ended and was not given to anyone else.
// In doubt it is not: then nobody reports, and the job is given back.
func (r *running) owns(ctx context.Context, a attempt) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	const sql = `SELECT EXISTS (SELECT FROM river_job WHERE id = $1 AND attempt = $2
		AND state IN ('running', 'completed', 'cancelled', 'discarded') AND attempted_by[array_upper(attempted_by, 1)] = $3)`
	var mine bool
	err := r.pool.QueryRow(ctx, sql, a.ID, a.Number, r.self).Scan(&mine)
	return err == nil && mine
}

// disowned is metadata that cannot be written. River reports nothing of an attempt whose metadata it cannot encode; that
// is the one way to keep an outcome from it. TestE12_ALostAttemptDoesNotSettleTheJob holds this.
type disowned struct{}

// MarshalJSON always fails.
func (disowned) MarshalJSON() ([]byte, error) { return nil, errTaken }

func (r *running) add(a attempt, cancel context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancels[a] = cancel
}

func (r *running) remove(a attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.cancels, a)
}

func (r *running) has(a attempt) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.cancels[a]
	return ok
}

// attempts lists what runs now.
func (r *running) attempts() []attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]attempt, 0, len(r.cancels))
	for a := range r.cancels {
		list = append(list, a)
	}
	return list
}

// cancel ends an attempt whose job was given to another worker.
func (r *running) cancel(a attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel, ok := r.cancels[a]; ok {
		cancel(errTaken)
	}
}
