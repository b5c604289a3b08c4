package export

import (
	"context"
	"sync/atomic"
	"time"
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
