package source

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// stall watches a reading. Only the time in which the source is waited for counts: whoever takes the rows, such as an
// upload, may be as slow as it likes. It costs two additions a row.
type stall struct {
	turns atomic.Int64 // even: the source is waited for; odd: it waits for us
}

// watchStall returns a context that ends, with an error of kind Locked as its cause, when a row has not come for the limit.
func watchStall(ctx context.Context, q Query, limit time.Duration) (context.Context, *stall, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := new(stall)
	go s.watch(ctx, limit, func() {
		cancel(&Error{Kind: Locked, Dataset: q.Dataset, Cause: fmt.Errorf("no row came for %s", limit)})
	})
	return ctx, s, func() { cancel(nil) }
}

func (s *stall) watch(ctx context.Context, limit time.Duration, end func()) {
	tick := time.NewTicker(max(limit/16, time.Millisecond))
	defer tick.Stop()
	seen, since := int64(-1), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			turn := s.turns.Load()
			if turn != seen || turn%2 == 1 {
				seen, since = turn, now
				continue
			}
			if now.Sub(since) >= limit {
				end()
				return
			}
		}
	}
}

// turn says that it is the other's turn now.
func (s *stall) turn() { s.turns.Add(1) }
