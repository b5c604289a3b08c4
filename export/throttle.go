package export

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// yieldFor is how long a large export waits before each piece while this process builds small ones. With pieces of 256
// KiB the large one then proceeds at about 10 MB/s and uses a tenth of a processor.
const yieldFor = 20 * time.Millisecond

// throttle counts the small exports that this process builds, so that large ones yield to them. Lowering the priority
// of a thread would not do: the load that a large export puts on the databases and the bucket is scheduled there.
type throttle struct{ small atomic.Int64 }

// enter counts one more until leave is called.
func (c *throttle) enter() (leave func()) {
	c.small.Add(1)
	return func() { c.small.Add(-1) }
}

// yield waits yieldFor if a small export is being built, or until ctx ends.
func (c *throttle) yield(ctx context.Context) {
	if c.small.Load() > 0 {
		pause(ctx, yieldFor)
	}
}

// mostAtOnce is the burst of the rate limit in bytes. A larger piece counts as this many.
const mostAtOnce = 1 << 20

// pieceLimit returns the function that a volume of a large export calls before each piece of size bytes: it yields to
// small exports and keeps to Config.Rate. After ctx has ended it returns at once; the caller stops by itself.
func (b *builder) pieceLimit(ctx context.Context) func(size int) {
	limit := rate.NewLimiter(rate.Inf, mostAtOnce)
	if b.Rate > 0 {
		limit.SetLimit(rate.Limit(b.Rate))
	}
	return func(size int) {
		b.throttle.yield(ctx)
		_ = limit.WaitN(ctx, min(size, mostAtOnce))
	}
}
