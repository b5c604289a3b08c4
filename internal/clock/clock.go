// Package clock is where the product learns what time it is. Domain instants come from a Clock that is handed in, so that
// a demonstration can live on another day and a test on any. Protocols that compare with the world's time (request
// signatures, identity tokens, the job queue) use the system's time directly.
package clock

import (
	"sync"
	"time"
)

// Clock tells the present instant in UTC, to the microsecond: PostgreSQL keeps no more.
type Clock interface {
	Now() time.Time
}

type shifted time.Duration

func (s shifted) Now() time.Time {
	return time.Now().Add(time.Duration(s)).UTC().Truncate(time.Microsecond)
}

// System is the machine's clock.
func System() Clock { return shifted(0) }

// Shifted runs by d ahead of the machine's clock (behind it, when d is negative).
func Shifted(d time.Duration) Clock { return shifted(d) }

// Manual stands still until it is moved. For tests. Safe for concurrent use.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// NewManual starts at t.
func NewManual(t time.Time) *Manual { return &Manual{now: t.UTC().Truncate(time.Microsecond)} }

// Now returns the instant last set.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Set moves the clock to t.
func (m *Manual) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = t.UTC().Truncate(time.Microsecond)
}

// Advance moves the clock by d.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}
