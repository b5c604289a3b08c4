package export

import (
	"context"
	"testing"
	"time"
)

func TestALargeExportLetsSmallOnesPass(t *testing.T) {
	t.Parallel()
	var c throttle
	waited := func(ctx context.Context) time.Duration {
		began := time.Now()
		c.yield(ctx)
		return time.Since(began)
	}
	first, second := c.enter(), c.enter()
	first()
	if got := waited(t.Context()); got < yieldFor {
		t.Errorf("it waits %v while one is built, not %v", got, yieldFor)
	}
	second()
	shortest := yieldFor
	for range 100 { // a busy machine may hold up one
		shortest = min(shortest, waited(t.Context()))
	}
	if shortest >= yieldFor {
		t.Errorf("it waits %v for nobody", shortest)
	}
	defer c.enter()()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	for range 1000 {
		c.yield(ended)
	}
	if took := time.Since(began); took > 500*yieldFor {
		t.Errorf("it waits although its own export has ended: %v", took)
	}
}

func TestALargeExportKeepsToItsRate(t *testing.T) {
	t.Parallel()
	const pieces = 44 // of 256 KiB: 11 MiB, of which one goes at once
	took := func(ctx context.Context, bytesPerSecond int64) time.Duration {
		b := &builder{Config: Config{Rate: bytesPerSecond}}
		step, began := b.pieceLimit(ctx), time.Now()
		for range pieces {
			step(256 << 10)
		}
		return time.Since(began)
	}
	if got := took(t.Context(), 100<<20); got < 95*time.Millisecond {
		t.Errorf("11 MiB at 100 MiB/s took %v", got)
	}
	shortest := time.Hour
	for range 20 { // a busy machine may hold up one
		shortest = min(shortest, took(t.Context(), 0))
	}
	if shortest > 50*time.Millisecond {
		t.Errorf("without a rate it took %v", shortest)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got := took(ended, 1); got > time.Minute {
		t.Errorf("it keeps to its rate although its own export has ended: %v", got)
	}
	b := &builder{Config: Config{Rate: 1 << 30}}
	b.pieceLimit(t.Context())(100 << 20) // more at once than any rate lets go must not stop it for ever
}
