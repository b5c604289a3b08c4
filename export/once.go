package export

import (
	"context"
	"math/rand/v2"
)

// BuildOnce returns a function that makes one attempt at an export as the job does, but without the queue. The
// benchmark uses it to measure what the queue costs.
func BuildOnce(c Config) func(context.Context, Args) error {
	b := newBuilder(c)
	return func(ctx context.Context, a Args) error {
		job := -rand.Int64N(1 << 40) //nolint:gosec // to differ from others, not secret
		return b.run(ctx, task{exportID: a.ExportID, customerID: a.CustomerID, job: job})
	}
}
