package export

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
)

// What the tests in export_test reach.

// RegisterAt is Register with a function that is told each point at which a worker may die.
func RegisterAt(workers *river.Workers, c Config, at func(point string)) {
	b := newBuilder(c)
	b.at = at
	register(workers, b)
}

// Attempt makes one attempt without a queue.
func Attempt(ctx context.Context, c Config, e Export, at func(point string)) error {
	b := newBuilder(c)
	if at != nil {
		b.at = at
	}
	return b.run(ctx, task{exportID: e.ID, customerID: e.CustomerID, job: -rand.Int64N(1 << 40)})
}

// Sweep makes one sweep.
func Sweep(ctx context.Context, c Config) error { return newSweeper(newBuilder(c)).run(ctx) }

// SweepBucket removes unknown objects that are older than age.
func SweepBucket(ctx context.Context, c Config, age time.Duration) error {
	s := newSweeper(newBuilder(c))
	s.orphanAge = age
	return s.orphans(ctx)
}
