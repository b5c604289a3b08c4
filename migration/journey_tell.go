package migration

import (
	"context"

	"offramp/internal/db"
)

// Told is one event for one customer among many.
type Told struct {
	CustomerID string
	Ref        string // the customer's number in the retired product
	Event      Event
}

// TellAll tells many customers, at most one event each, as Tell tells one: in the caller's transaction, a thousand at a time.
func (s *Service) TellAll(ctx context.Context, tx *db.Tx, list []Told) error {
	events := make([]told, len(list))
	for i, t := range list {
		events[i] = told(t)
	}
	return s.tellAll(ctx, tx, events)
}
