package writeback

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Summary is how a sink stands.
type Summary struct {
	Sink         string
	Named        bool // by the programme in effect; else nothing new goes there
	Pending      int
	Parked       int
	Oldest       *time.Time // pending delivery, by its creation
	DisabledAt   *time.Time // nil: it is on
	Reason       string     // why it was switched off
	TriedAt      *time.Time
	DeliveredAt  *time.Time // the last success
	FailingSince *time.Time // first failure with no success behind it; nil: it answers, or was never tried
	Answers      []Answer   // last ones, newest first
	Workers      []Server   // that were heard of within a minute, those that can serve it first
}

// Server is a worker with what it lacks to serve a sink.
type Server struct {
	Worker string `json:"worker"`
	Want   Want   `json:"want"`
}

// Health is one word for how a sink stands.
type Health string

// The words, from bad to good.
const (
	Off      Health = "off"      // switched off
	Unserved Health = "unserved" // no worker has its address and secret
	Failing  Health = "failing"  // the last tries failed
	Removed  Health = "removed"  // the programme names it no more
	Working  Health = "working"
	Untried  Health = "untried" // nothing was ever sent
)

// Health says how s stands.
func (s Summary) Health() Health {
	able := slices.ContainsFunc(s.Workers, func(w Server) bool { return w.Want == Nothing })
	switch {
	case !s.Named:
		return Removed
	case s.DisabledAt != nil:
		return Off
	case !able:
		return Unserved
	case s.FailingSince != nil:
		return Failing
	case s.TriedAt == nil:
		return Untried
	}
	return Working
}

// Lag is how long the oldest delivery has been waiting.
func (s Summary) Lag(now time.Time) time.Duration {
	if s.Oldest == nil {
		return 0
	}
	return max(0, now.Sub(*s.Oldest))
}

// Summary returns how each sink of the programme stands, and those that it named once.
func (s *Service) Summary(ctx context.Context, scope db.Scope) (list []Summary, err error) {
	err = s.db.InTx(ctx, scope, func(tx *db.Tx) error {
		list, err = s.store.summary(ctx, tx)
		return err
	})
	return list, err
}

// Sink returns how one sink stands. ErrUnknownSink when there is none of the name.
func (s *Service) Sink(ctx context.Context, scope db.Scope, name string) (Summary, error) {
	list, err := s.Summary(ctx, scope)
	if err != nil {
		return Summary{}, err
	}
	for _, sink := range list {
		if sink.Sink == name {
			return sink, nil
		}
	}
	return Summary{}, ErrUnknownSink
}

// scopeOf is whose rows an act of by reaches: every customer's.
func scopeOf(by migration.Actor) db.Scope {
	if by.Kind == audit.Staff {
		return db.StaffScope(by.ID)
	}
	return db.SystemScope("sinks")
}

func record(ctx context.Context, tx *db.Tx, by migration.Actor, act, sink string, detail map[string]any) error {
	return audit.Record(ctx, tx, audit.Entry{Actor: by.ID, ActorKind: by.Kind, Act: act, Object: "sink " + sink, Detail: detail})
}

// Replay sends a parked delivery again, or with an empty eventID all parked ones of the sink, and returns how many.
// The message keeps its id. ErrUnknownDelivery when a named one is not parked; ErrUnknownSink.
func (s *Service) Replay(ctx context.Context, by migration.Actor, sink, eventID string) (n int, err error) {
	if _, err := s.Sink(ctx, scopeOf(by), sink); err != nil {
		return 0, err
	}
	err = s.db.InTx(ctx, scopeOf(by), func(tx *db.Tx) error {
		if n, err = s.store.replay(ctx, tx, sink, eventID); err != nil {
			return err
		}
		if n == 0 && eventID != "" {
			return ErrUnknownDelivery
		}
		return record(ctx, tx, by, "sink.replay", sink, map[string]any{"event": eventID, "deliveries": n})
	})
	return n, err
}

// Enable switches a sink on that was switched off. What waited is sent in order. ErrUnknownSink; ErrSinkOn when it was not off.
func (s *Service) Enable(ctx context.Context, by migration.Actor, sink string) error {
	if _, err := s.Sink(ctx, scopeOf(by), sink); err != nil {
		return err
	}
	return s.db.InTx(ctx, scopeOf(by), func(tx *db.Tx) error {
		if err := s.store.enable(ctx, tx, sink); err != nil {
			return err
		}
		return record(ctx, tx, by, "sink.enable", sink, nil)
	})
}

// MissedSpan is a span of time of which a sink has missed events.
type MissedSpan struct {
	Sink         string
	Since, Until time.Time // by the event's own instant; both included
	Again        bool      // also what was delivered, for a receiver that has lost what it had
}

// Missed is what a span comes to.
type Missed struct {
	Never     int        // events that were never to go there
	Parked    int        // given up
	Waiting   int        // for another try
	Delivered int        // sent again only with Again
	Customers int        // whom it concerns
	Oldest    *time.Time // event of them
}

// Total is how many events are sent.
func (m Missed) Total(again bool) int {
	n := m.Never + m.Parked + m.Waiting
	if again {
		n += m.Delivered
	}
	return n
}

// CountMissed says what SendMissed would send, and changes nothing. ErrUnknownSink also for a sink that the programme names no more;
// ErrSpan.
func (s *Service) CountMissed(ctx context.Context, scope db.Scope, m MissedSpan) (found Missed, err error) {
	if err := s.checkSpan(ctx, scope, m); err != nil {
		return found, err
	}
	err = s.db.InTx(ctx, scope, func(tx *db.Tx) error {
		found, err = s.store.missed(ctx, tx, m)
		return err
	})
	return found, err
}

// SendMissed makes everything of a span due at once that did not arrive, in order of version for each customer and under the ids
// that the events have, and returns what that was. Errors as of CountMissed.
func (s *Service) SendMissed(ctx context.Context, by migration.Actor, m MissedSpan) (found Missed, err error) {
	if err := s.checkSpan(ctx, scopeOf(by), m); err != nil {
		return found, err
	}
	err = s.db.InTx(ctx, scopeOf(by), func(tx *db.Tx) error {
		if found, err = s.store.missed(ctx, tx, m); err != nil {
			return err
		}
		n, err := s.store.resend(ctx, tx, m)
		if err != nil {
			return err
		}
		return record(ctx, tx, by, "sink.send_missed", m.Sink, map[string]any{
			"since": m.Since.UTC().Format(time.RFC3339), "until": m.Until.UTC().Format(time.RFC3339), "again": m.Again, "deliveries": n,
		})
	})
	return found, err
}

func (s *Service) checkSpan(ctx context.Context, scope db.Scope, m MissedSpan) error {
	sink, err := s.Sink(ctx, scope, m.Sink)
	switch {
	case err != nil:
		return err
	case !sink.Named:
		return ErrUnknownSink
	case m.Since.IsZero() || !m.Since.Before(m.Until):
		return ErrSpan
	}
	return nil
}

// disable switches a sink off because its receiver said so.
func (s *Service) disable(ctx context.Context, sink, reason string) error {
	return s.db.InTx(ctx, systemScope, func(tx *db.Tx) error {
		changed, err := s.store.disable(ctx, tx, sink, reason)
		if err != nil || !changed {
			return err
		}
		s.Logger.ErrorContext(ctx, "sink disabled", slog.String("sink", sink), slog.String("reason", reason))
		return record(ctx, tx, migration.Actor{ID: "write-back", Kind: audit.System}, "sink.disable", sink, map[string]any{"reason": reason})
	})
}
