package oidc

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// holdFailure is for how long a failed fetch answers for the next ones, so that a crowd does not knock on a closed door.
const holdFailure = 500 * time.Millisecond

// errTooOften is a fetch that was not made because too many were made lately.
var errTooOften = errors.New("fetched too often lately; not asked again")

// remote keeps the last good copy of something that lives at the provider. Callers who need a newer one share a fetch, and
// fetches are limited however many callers ask.
type remote[T any] struct {
	fetch func(context.Context) (T, error)
	fresh time.Duration // an older copy is renewed when it is asked for, and still used when that fails
	limit *rate.Limiter

	mu      sync.Mutex
	value   T
	version int // 0: never fetched
	at      time.Time
	flight  *flight
	failed  time.Time // of the last fetch, if it failed
	failure error
}

// flight is a fetch under way.
type flight struct {
	done chan struct{}
	err  error
}

func newRemote[T any](fresh time.Duration, fetch func(context.Context) (T, error)) *remote[T] {
	// A handful at once covers a start and quick rotations; then one in fifteen seconds.
	return &remote[T]{fetch: fetch, fresh: fresh, limit: rate.NewLimiter(rate.Every(15*time.Second), 5)}
}

// get returns the copy at hand and its version, fetching it when there is none or it has grown old.
func (r *remote[T]) get(ctx context.Context) (T, int, error) {
	r.mu.Lock()
	value, version, old := r.value, r.version, time.Since(r.at) > r.fresh
	r.mu.Unlock()
	if version > 0 && !old {
		return value, version, nil
	}
	newer, v, err := r.newer(ctx, version)
	if err != nil && version > 0 {
		return value, version, nil
	}
	return newer, v, err
}

// newer returns a copy whose version is above seen: one that another caller has fetched meanwhile, or a new one.
func (r *remote[T]) newer(ctx context.Context, seen int) (T, int, error) {
	r.mu.Lock()
	if r.version > seen {
		defer r.mu.Unlock()
		return r.value, r.version, nil
	}
	f := r.flight
	if f == nil {
		if err := r.holdBack(); err != nil {
			defer r.mu.Unlock()
			return r.value, r.version, err
		}
		f = &flight{done: make(chan struct{})}
		r.flight = f
		go r.fly(context.WithoutCancel(ctx), f)
	}
	r.mu.Unlock()
	var none T
	select {
	case <-ctx.Done():
		return none, 0, ctx.Err()
	case <-f.done:
	}
	if f.err != nil {
		return none, 0, f.err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value, r.version, nil
}

// holdBack says why no fetch should be made now. The caller holds mu.
func (r *remote[T]) holdBack() error {
	if r.failure != nil && time.Since(r.failed) < holdFailure {
		return r.failure
	}
	if r.version > 0 && !r.limit.Allow() {
		return errTooOften
	}
	return nil
}

// fly fetches for everyone who waits; one caller's going away does not end it.
func (r *remote[T]) fly(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	value, err := r.fetch(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.value, r.at = value, time.Now()
		r.version++
	}
	r.failure, r.failed = err, time.Now()
	f.err, r.flight = err, nil
	close(f.done)
}
