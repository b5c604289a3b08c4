package export

import (
	"context"
	"math/rand/v2"
)

// Alone returns a function that makes one attempt at an export within this process, as the job does, but without the queue:
// for measuring what the queue costs.
func Alone(c Config) func(context.Context, Args) error {
	b := newBuilder(c)
	return func(ctx context.Context, a Args) error {
		return b.run(ctx, task{exportID: a.ExportID, customerID: a.CustomerID, job: -rand.Int64N(1 << 40)}) //nolint:gosec // to differ from others, not secret
	}
}
