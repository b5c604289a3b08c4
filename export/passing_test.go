package export

import (
	"context"
	"testing"
	"time"
)

func TestALargeExportLetsSmallOnesPass(t *testing.T) {
	t.Parallel()
	var c crowd
	waited := func(ctx context.Context) time.Duration {
		began := time.Now()
		c.letPass(ctx)
		return time.Since(began)
	}
	first, second := c.enter(), c.enter()
	first()
	if got := waited(t.Context()); got < passing {
		t.Errorf("it waits %v while one is built, not %v", got, passing)
	}
	second()
	shortest := passing
	for range 100 { // a busy machine may hold up one
		shortest = min(shortest, waited(t.Context()))
	}
	if shortest >= passing {
		t.Errorf("it waits %v for nobody", shortest)
	}
	defer c.enter()()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	for range 1000 {
		c.letPass(ended)
	}
	if took := time.Since(began); took > 500*passing {
		t.Errorf("it waits although its own export has ended: %v", took)
	}
}
