package writeback

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// Sinks lists where status changes go now: the sinks that the programme names, with their addresses and secrets. It is
// asked again and again, so that a new version of the programme takes effect.
type Sinks func(ctx context.Context) ([]Sink, error)

// Options are what a Service needs.
type Options struct {
	Sinks  Sinks
	Client *http.Client // of internal/outbound; its time-out and cap bound each try
	Source string       // CloudEvents source: the portal's address
	Logger *slog.Logger
}

// Service delivers, and is what staff may ask about deliveries. Safe for concurrent use.
type Service struct {
	Options
	db     *db.DB
	store  store
	pauses pauses
}

// New works on d and its clock.
func New(d *db.DB, o Options) *Service { return &Service{Options: o, db: d} }

// Filter narrows a list of deliveries; empty fields do not. Limit defaults to 50.
type Filter struct {
	Sink          string
	State         State
	CustomerID    string
	Limit, Offset int
}

// Summary is how a sink stands.
type Summary struct {
	Sink       string
	Pending    int
	Parked     int
	Oldest     *time.Time // pending delivery, by its creation
	DisabledAt *time.Time // nil: it is on
	Reason     string     // why it was switched off
}

// List returns deliveries within scope, newest first.
func (s *Service) List(ctx context.Context, scope db.Scope, f Filter) (list []Delivery, err error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	err = s.db.InTx(ctx, scope, func(tx *db.Tx) error {
		list, err = s.store.list(ctx, tx, f)
		return err
	})
	return list, err
}

// Summary returns how each sink of the programme stands.
func (s *Service) Summary(ctx context.Context, scope db.Scope) (list []Summary, err error) {
	sinks, err := s.Sinks(ctx)
	if err != nil {
		return nil, err
	}
	err = s.db.InTx(ctx, scope, func(tx *db.Tx) error {
		list, err = s.store.summary(ctx, tx, names(sinks))
		return err
	})
	return list, err
}

// Replay sends a parked delivery again, or with an empty eventID all parked ones of the sink, and returns how many.
// The message keeps its id. ErrUnknownDelivery when a named one is not parked.
func (s *Service) Replay(ctx context.Context, staffID, sink, eventID string) (n int, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if n, err = s.store.replay(ctx, tx, sink, eventID); err != nil {
			return err
		}
		if n == 0 && eventID != "" {
			return ErrUnknownDelivery
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "sink.replay", Object: "sink " + sink,
			Detail: map[string]any{"event": eventID, "deliveries": n},
		})
	})
	return n, err
}

// Enable switches a sink on that was switched off. What waited is sent in order. ErrUnknownSink when it was not off.
func (s *Service) Enable(ctx context.Context, staffID, sink string) error {
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if err := s.store.enable(ctx, tx, sink); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: staffID, ActorKind: audit.Staff, Act: "sink.enable", Object: "sink " + sink})
	})
}

// disable switches a sink off because its receiver said so.
func (s *Service) disable(ctx context.Context, sink, reason string) error {
	return s.db.InTx(ctx, systemScope, func(tx *db.Tx) error {
		changed, err := s.store.disable(ctx, tx, sink, reason)
		if err != nil || !changed {
			return err
		}
		s.Logger.ErrorContext(ctx, "sink disabled", slog.String("sink", sink), slog.String("reason", reason))
		return audit.Record(ctx, tx, audit.Entry{
			Actor: "write-back", ActorKind: audit.System, Act: "sink.disable", Object: "sink " + sink, Detail: map[string]any{"reason": reason},
		})
	})
}

func names(sinks []Sink) []string {
	list := make([]string, 0, len(sinks))
	for _, sink := range sinks {
		list = append(list, sink.Name)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
