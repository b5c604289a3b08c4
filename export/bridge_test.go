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

// SmallOnes returns how many small exports are being built at each point of an attempt at one, and after it.
func SmallOnes(ctx context.Context, c Config, e Export) (during []int64, after int64, err error) {
	b := newBuilder(c)
	b.at = func(string) { during = append(during, b.throttle.small.Load()) }
	err = b.run(ctx, task{exportID: e.ID, customerID: e.CustomerID, job: -rand.Int64N(1 << 40)})
	return during, b.throttle.small.Load(), err
}

// Sweep makes one sweep.
func Sweep(ctx context.Context, c Config) error { return newSweeper(newBuilder(c)).run(ctx) }

// SweepBucket removes unknown objects that are older than age.
func SweepBucket(ctx context.Context, c Config, age time.Duration) error {
	s := newSweeper(newBuilder(c))
	s.orphanAge = age
	return s.orphans(ctx)
}
