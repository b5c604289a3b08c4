package migration

import (
	"context"
	"slices"

	"offramp/internal/db"
	"offramp/internal/outbox"
)

// told is one event for one customer among many.
type told struct {
	CustomerID string
	Ref        string // the customer's number in the retired product
	Event      Event
}

// chunk is how many customers one statement concerns: enough to make round trips cheap, few enough to bound memory.
const chunk = 1000

// tellAll tells many customers, at most one event each, as Tell tells one: in the caller's transaction, with the folded rows
// and the events that leave. A customer without a journey starts one.
func (s *Service) tellAll(ctx context.Context, tx *db.Tx, list []told) error {
	for part := range slices.Chunk(list, chunk) {
		ids := make([]string, len(part))
		for i, t := range part {
			ids[i] = t.CustomerID
		}
		journeys, err := s.store.lockJourneys(ctx, tx, ids)
		if err != nil {
			return err
		}
		nexts, leaving := make([]Journey, len(part)), make([]outbox.Event, len(part))
		for i := range part {
			t := &part[i]
			if t.Event.At.IsZero() {
				t.Event.At = tx.Now
			}
			current, ok := journeys[t.CustomerID]
			if !ok {
				current = Journey{CustomerID: t.CustomerID}
			}
			if nexts[i], err = current.Apply(t.Event); err != nil {
				return err
			}
			leaving[i] = statusChanged(nexts[i], t.Ref, t.Event.Kind)
		}
		if err := s.store.appendEvents(ctx, tx, part, nexts); err != nil {
			return err
		}
		if err := outbox.AppendAll(ctx, tx, leaving); err != nil {
			return err
		}
	}
	return nil
}

// statusChanged is what other systems are told of a journey that has moved.
func statusChanged(j Journey, ref string, cause EventKind) outbox.Event {
	return outbox.Event{
		Type: StatusChanged, CustomerID: j.CustomerID, Version: j.Version, Subject: ref,
		Data: map[string]any{"customer_ref": ref, "version": j.Version, "cause": cause, "steps": j.Status},
	}
}
