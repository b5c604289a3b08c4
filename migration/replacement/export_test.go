package replacement

import (
	"context"

	"offramp/migration"
)

// NewSweep is one sweep, for tests.
func NewSweep(s *Service, c *Counter) func(context.Context, *migration.Programme) error {
	return (&sweeper{Service: s, counter: c}).run
}
