package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"offramp/migration"
	"offramp/migration/governance"
)

// tickEvery is how often the workplan's items are compared with what the portal sees.
const tickEvery = time.Minute

// tick keeps the workplan's items as facts say, until ctx ends.
func (p *parts) tick(ctx context.Context, plans *governance.Service) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		if err := plans.Tick(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, migration.ErrNoProgramme) {
			p.log.ErrorContext(ctx, "the workplan's items were not compared with the facts", slog.Any("error", err))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
