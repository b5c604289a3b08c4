package writeback

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"offramp/internal/db"
)

// systemScope is the dispatcher's: it delivers every customer's events.
var systemScope = db.SystemScope("write-back")

const (
	lookEvery  = 250 * time.Millisecond // for new events and due deliveries
	claimSize  = 250                    // customers a transaction
	senders    = 16                     // calls at a time to one sink
	settleSize = 200                    // outcomes a transaction
	settleWait = 25 * time.Millisecond  // for more outcomes to share it
)

// deliver claims and sends what is due for one sink until ctx ends or, with once, until nothing is left to claim, and
// returns how many runs it claimed. Customers are served side by side, a customer's deliveries one after the other.
func (s *Service) deliver(ctx context.Context, sink Sink, once bool) (n int, err error) {
	sender, err := newSender(sink, s.Source, s.Client)
	if err != nil {
		return 0, err
	}
	// Calls under way may end after ctx: their outcome is known to the receiver and must be known here.
	outcomes, settled := make(chan outcome, settleSize), make(chan struct{})
	go func() { defer close(settled); s.settleAll(context.WithoutCancel(ctx), sink.Name, outcomes) }()
	var group sync.WaitGroup
	defer func() { group.Wait(); close(outcomes); <-settled }()
	slots := make(chan struct{}, senders)
	for ctx.Err() == nil {
		runs, until, err := s.claim(ctx, sink.Name)
		if err != nil {
			return n, err
		}
		n += len(runs)
		for _, run := range runs {
			slots <- struct{}{}
			group.Go(func() {
				defer func() { <-slots }()
				s.sendRun(ctx, sender, run, until, outcomes)
			})
		}
		switch {
		case len(runs) > 0:
		case once:
			return n, nil
		default:
			wait(ctx, lookEvery)
		}
	}
	return n, nil
}

// claim leases what is due and returns it as one run per customer, each in order.
func (s *Service) claim(ctx context.Context, sink string) (runs [][]parcel, until time.Time, err error) {
	if s.pauses.until(sink).After(s.db.Clock.Now()) {
		return nil, until, nil
	}
	var parcels []parcel
	err = s.db.InTx(ctx, systemScope, func(tx *db.Tx) error {
		until = tx.Now.Add(lease)
		parcels, err = s.store.claim(ctx, tx, sink, claimSize, until)
		return err
	})
	slices.SortFunc(parcels, func(a, b parcel) int {
		return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.Version, b.Version), cmp.Compare(a.EventID, b.EventID))
	})
	for i, p := range parcels {
		if i == 0 || p.CustomerID != parcels[i-1].CustomerID {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], p)
	}
	return runs, until, err
}

// sendRun sends one customer's deliveries in order. After one that has to be tried again the rest is let go.
func (s *Service) sendRun(ctx context.Context, sender *sender, run []parcel, until time.Time, outcomes chan<- outcome) {
	sink := sender.sink.Name
	blocked := false
	for _, p := range run {
		now := s.db.Clock.Now()
		paused := s.pauses.until(sink).After(now)
		if blocked || paused || ctx.Err() != nil || until.Sub(now) < sendMargin {
			outcomes <- letGo(p, now)
			blocked = true
			continue
		}
		a := sender.send(context.WithoutCancel(ctx), p)
		o := settle(p, a, s.db.Clock.Now())
		blocked = o.state == Pending
		if !a.delivered() {
			s.note(ctx, sink, p, a, o)
		}
		deliveries.WithLabelValues(sink, result(o)).Inc()
		outcomes <- o
	}
}

// note logs a failed try and draws its consequences for the sink as a whole.
func (s *Service) note(ctx context.Context, sink string, p parcel, a answer, o outcome) {
	s.Logger.WarnContext(ctx, "delivery failed", slog.String("sink", sink), slog.String("event", p.EventID),
		slog.Int("attempt", p.Attempts+1), slog.String("fault", a.fault), slog.String("state", string(o.state)))
	if a.retry > 0 {
		s.pauses.set(sink, s.db.Clock.Now().Add(a.retry))
	}
	if a.gone() {
		if err := s.disable(context.WithoutCancel(ctx), sink, a.fault); err != nil {
			s.complain(ctx, "disable sink "+sink, err)
		}
	}
}

// settleAll records outcomes in batches until the channel is closed.
func (s *Service) settleAll(ctx context.Context, sink string, outcomes <-chan outcome) {
	for first := range outcomes {
		batch := []outcome{first}
		for timer := time.NewTimer(settleWait); len(batch) < settleSize; {
			select {
			case o, open := <-outcomes:
				if open {
					batch = append(batch, o)
					continue
				}
			case <-timer.C:
			}
			timer.Stop()
			break
		}
		err := s.db.InTx(ctx, systemScope, func(tx *db.Tx) error { return s.store.settle(ctx, tx, sink, batch) })
		if err != nil { // the leases end by themselves, and what was delivered is delivered again under its id
			s.complain(ctx, "settle deliveries to "+sink, err)
		}
	}
}

func (s *Service) complain(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		s.Logger.ErrorContext(ctx, "write-back: "+what, slog.Any("error", err))
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
