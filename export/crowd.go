package export

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// passing is how long one piece of a large export waits while small ones are built in the same process. With pieces of 256 KiB a large
// one then goes on at 10 MB/s or so, and takes a tenth of a processor.
const passing = 20 * time.Millisecond

// crowd counts the small exports that this process builds, so that a large one lets them go first. Each thread may step back
// behind others of the machine, but what a large export causes in the databases and the store is theirs alone to rank.
type crowd struct{ small atomic.Int64 }

// enter counts one more until leave is called.
func (c *crowd) enter() (leave func()) {
	c.small.Add(1)
	return func() { c.small.Add(-1) }
}

// letPass waits for a moment while small exports are built.
func (c *crowd) letPass(ctx context.Context) {
	if c.small.Load() > 0 {
		pause(ctx, passing)
	}
}

// mostAtOnce is what a volume may pack without a pause, in bytes; a larger piece counts as so much.
const mostAtOnce = 1 << 20

// gait is what a volume of a large export does before each piece: it lets small exports pass, and keeps to the rate. When ctx has
// ended it does not wait; what the piece is for ends by itself.
func (b *builder) gait(ctx context.Context) func(size int) {
	limit := rate.NewLimiter(rate.Inf, mostAtOnce)
	if b.Rate > 0 {
		limit.SetLimit(rate.Limit(b.Rate))
	}
	return func(size int) {
		b.crowd.letPass(ctx)
		_ = limit.WaitN(ctx, min(size, mostAtOnce))
	}
}
