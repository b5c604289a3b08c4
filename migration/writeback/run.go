package writeback

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"offramp/internal/db"
)

const (
	sinksEvery   = 5 * time.Second  // for changes of the list of sinks
	figuresEvery = 15 * time.Second // for what is waiting
	compareEvery = time.Hour        // for events without their deliveries
	spreadSize   = 1000             // events a transaction
	compareSize  = 2000             // events a transaction
)

// Run delivers until ctx ends, then lets calls under way end and records what they came to. Any number of processes may
// run it at once, whatever each of them can serve.
func (s *Service) Run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		for ctx.Err() == nil {
			next := compareEvery
			if _, err := s.Compare(ctx); err != nil {
				s.complain(ctx, "compare events with deliveries", err)
				next = sinksEvery
			}
			wait(ctx, next)
		}
	})
	stops := map[Sink]context.CancelFunc{}
	var known, figured time.Time
	for ctx.Err() == nil {
		if time.Since(known) >= sinksEvery {
			known = time.Now()
			if sinks, err := s.serve(ctx); err == nil {
				s.follow(ctx, &group, stops, sinks)
			} else {
				s.complain(ctx, "list sinks", err)
			}
		}
		if time.Since(figured) >= figuresEvery {
			figured = time.Now()
			s.figure(ctx)
		}
		n, err := s.spread(ctx)
		if err != nil {
			s.complain(ctx, "spread events", err)
		}
		if n == 0 {
			wait(ctx, lookEvery)
		}
	}
}

// serve returns the sinks that this worker can serve of those that the programme names, and says of each whether it can.
func (s *Service) serve(ctx context.Context) (able []Sink, err error) {
	if s.Record != nil {
		if err := s.Record(ctx); err != nil {
			return nil, err
		}
	}
	wants := map[string]Want{}
	err = s.db.InTx(ctx, systemScope, func(tx *db.Tx) error {
		names, err := s.store.declared(ctx, tx)
		if err != nil {
			return err
		}
		for _, name := range names {
			sink := s.End(name)
			sink.Name = name
			if wants[name] = sink.Wants(); wants[name] == Nothing {
				able = append(able, sink)
			}
		}
		return s.store.report(ctx, tx, s.Worker, wants)
	})
	if err != nil {
		return nil, err
	}
	s.announce(ctx, wants)
	return able, nil
}

// announce says of each sink when this worker cannot serve it, again from time to time while that is so, and when it can again.
func (s *Service) announce(ctx context.Context, wants map[string]Want) {
	for sink, want := range wants {
		unserved.WithLabelValues(sink).Set(0)
		if want == Nothing {
			if s.unserved.end(sink) {
				s.Logger.InfoContext(ctx, "sink is served again", slog.String("sink", sink))
			}
			continue
		}
		unserved.WithLabelValues(sink).Set(1)
		if s.unserved.due(sink, string(want), time.Now()) {
			s.Logger.WarnContext(ctx, "this worker cannot serve a sink: its deliveries wait for a worker that can",
				slog.String("sink", sink), slog.String("wants", string(want)))
		}
	}
	for _, sink := range s.unserved.others(wants) {
		s.unserved.end(sink)
		unserved.DeleteLabelValues(sink)
	}
}

// figure puts what waits for each sink into the metrics.
func (s *Service) figure(ctx context.Context) {
	list, err := s.Summary(ctx, systemScope)
	if err != nil {
		s.complain(ctx, "summarise sinks", err)
		return
	}
	for _, sum := range list {
		waiting.WithLabelValues(sum.Sink).Set(float64(sum.Pending))
		parked.WithLabelValues(sum.Sink).Set(float64(sum.Parked))
		disabled.WithLabelValues(sum.Sink).Set(0)
		if sum.DisabledAt != nil {
			disabled.WithLabelValues(sum.Sink).Set(1)
		}
		oldest.WithLabelValues(sum.Sink).Set(sum.Lag(s.db.Clock.Now()).Seconds())
	}
}

// Compare holds every event against the deliveries that should have come of it, makes those that are missing, and returns how many
// that were. One process does so at a time; the others find the lock taken and return 0.
func (s *Service) Compare(ctx context.Context) (total int, err error) {
	if s.Record != nil {
		if err := s.Record(ctx); err != nil {
			return 0, err
		}
	}
	for after, more := "", true; more && err == nil && ctx.Err() == nil; {
		err = s.db.InTx(ctx, systemScope, func(tx *db.Tx) error {
			mine, err := alone(ctx, tx, "offramp outbox compare")
			if err != nil || !mine {
				more = false
				return err
			}
			c, err := s.store.compare(ctx, tx, after, compareSize)
			after, more = c.last, c.events == compareSize
			for sink, n := range c.made {
				total += n
				repaired.WithLabelValues(sink).Add(float64(n))
				s.Logger.WarnContext(ctx, "events had no delivery; they have one now", slog.String("sink", sink), slog.Int("events", n))
			}
			return err
		})
	}
	return total, err
}

// follow starts a dispatcher for each new sink and stops those of sinks that are gone or have a new address or secret.
func (s *Service) follow(ctx context.Context, group *sync.WaitGroup, stops map[Sink]context.CancelFunc, sinks []Sink) {
	for sink, stop := range stops {
		if !slices.Contains(sinks, sink) {
			stop()
			delete(stops, sink)
		}
	}
	for _, sink := range sinks {
		if _, runs := stops[sink]; runs {
			continue
		}
		own, stop := context.WithCancel(ctx)
		stops[sink] = stop
		group.Go(func() {
			for own.Err() == nil {
				if _, err := s.deliver(own, sink, false); err != nil {
					s.complain(own, "deliver to "+sink.Name, err)
					wait(own, sinksEvery)
				}
			}
		})
	}
}

// Sweep delivers everything that is due now and that this worker can serve, and returns when it is done. For tests and for the
// command line.
func (s *Service) Sweep(ctx context.Context) error {
	sinks, err := s.serve(ctx)
	if err != nil {
		return err
	}
	for n := -1; n != 0; {
		if n, err = s.spread(ctx); err != nil {
			return err
		}
	}
	for _, sink := range sinks {
		for n := -1; n != 0; { // what a customer has beyond one claim comes with the next
			if n, err = s.deliver(ctx, sink, true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) spread(ctx context.Context) (n int, err error) {
	err = s.db.InTx(ctx, systemScope, func(tx *db.Tx) error {
		n, err = s.store.spread(ctx, tx, spreadSize)
		return err
	})
	return n, err
}
