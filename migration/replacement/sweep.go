package replacement

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
)

// ahead is how long before its end an offer is spoken of.
const ahead = 7 * 24 * time.Hour

// kinds of what was told of an offer.
const (
	noticeExpiring = "expiring" // to those who chose it and have a code
	noticeEnding   = "ending"   // to those who have not decided
)

// sweepChunk is how many customers one transaction tells.
const sweepChunk = 200

// sweeper does what time brings about.
type sweeper struct {
	*Service
	counter *Counter
}

// run sweeps once. It may be killed at any line and run any number of times; what one part fails at keeps no other from its
// turn.
func (s *sweeper) run(ctx context.Context, p *migration.Programme) error {
	return errors.Join(s.enqueueCounts(ctx, p), s.tellWithdrawn(ctx, p), s.serveAll(ctx, p), s.tellOffers(ctx, p), s.measure(ctx, p), s.tidy(ctx))
}

// enqueueCounts asks for the counts that are due.
func (s *sweeper) enqueueCounts(ctx context.Context, p *migration.Programme) error {
	keys, err := s.counter.due(ctx, p)
	if err != nil || len(keys) == 0 {
		return err
	}
	return s.db.InTx(ctx, db.SystemScope("ask for counts of features"), func(tx *db.Tx) error {
		for _, key := range keys {
			if _, err := s.queue.InsertTx(ctx, tx, FeatureArgs{Feature: key}, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// tellWithdrawn tells the customers whose choice the programme offers no more.
func (s *sweeper) tellWithdrawn(ctx context.Context, p *migration.Programme) error {
	var offered []string
	for _, r := range p.Offered() {
		offered = append(offered, r.Key)
	}
	for {
		n, err := s.tellSomeWithdrawn(ctx, p, offered)
		if err != nil || n < sweepChunk {
			return err
		}
	}
}

func (s *sweeper) tellSomeWithdrawn(ctx context.Context, p *migration.Programme, offered []string) (n int, err error) {
	err = s.db.InTx(ctx, db.SystemScope("tell of withdrawn replacements"), func(tx *db.Tx) error {
		list, err := s.store.gone(ctx, tx, offered, sweepChunk)
		if err != nil {
			return err
		}
		n = len(list)
		for _, c := range list {
			if err := s.store.setState(ctx, tx, c.ID, Withdrawn, c.Reason); err != nil {
				return err
			}
			if err := s.store.leave(ctx, tx, c.CustomerID, ""); err != nil {
				return err
			}
			e := migration.Event{Kind: migration.ChoiceWithdrawn, Actor: audit.System, Choice: c.detail()}
			if _, err := s.journeys.Tell(ctx, tx, c.CustomerID, e); err != nil {
				return err
			}
			r, ok := p.Replacement(c.Replacement)
			if !ok {
				r.Key = c.Replacement
			}
			if err := s.write(ctx, tx, mail.ChoiceWithdrawn, c.CustomerID, c.By, c.ID, letterOf(r, nil)); err != nil {
				return err
			}
		}
		for _, c := range list {
			entry := audit.Entry{Actor: "system", ActorKind: audit.System, Act: "choice.withdrawn", Object: object(c.Replacement), CustomerID: c.CustomerID}
			if err := audit.Record(ctx, tx, entry); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// serveAll gives codes to those who wait.
func (s *sweeper) serveAll(ctx context.Context, p *migration.Programme) error {
	var errs []error
	for _, r := range p.Offered() {
		if r.Offer == nil || !r.Offer.Pool {
			continue
		}
		errs = append(errs, s.db.InTx(ctx, db.SystemScope("serve who waits for a code"), func(tx *db.Tx) error {
			n, err := s.serve(ctx, tx, p, r)
			if err != nil || n == 0 {
				return err
			}
			return audit.Record(ctx, tx, audit.Entry{Actor: "system", ActorKind: audit.System, Act: "codes.serve", Object: object(r.Key), Detail: map[string]any{"served": n}})
		}))
	}
	return errors.Join(errs...)
}

// tellOffers tells of offers that end within a week: those who have a code by mail, those who have not decided on the plan.
func (s *sweeper) tellOffers(ctx context.Context, p *migration.Programme) error {
	now := s.db.Clock.Now()
	var errs []error
	for _, r := range p.Offered() {
		if r.Offer == nil || r.Offer.Until.IsZero() {
			continue
		}
		until := r.Offer.Until.End(p.Zone)
		if now.After(until) || now.Add(ahead).Before(until) {
			continue
		}
		for _, kind := range []string{noticeExpiring, noticeEnding} {
			if kind == noticeExpiring && !r.Offer.Pool && r.Offer.Code == "" {
				continue
			}
			errs = append(errs, s.tellOffer(ctx, r, until, kind))
		}
	}
	return errors.Join(errs...)
}

func (s *sweeper) tellOffer(ctx context.Context, r migration.Replacement, until time.Time, kind string) error {
	for {
		n := 0
		err := s.db.InTx(ctx, db.SystemScope("tell of an offer that ends"), func(tx *db.Tx) error {
			list, err := s.store.toTell(ctx, tx, r, kind, sweepChunk)
			if err != nil {
				return err
			}
			n = len(list)
			for _, one := range list {
				if err := s.tellOne(ctx, tx, r, until, kind, one); err != nil {
					return fmt.Errorf("tell %s that an offer ends: %w", one.customerID, err)
				}
			}
			return nil
		})
		if err != nil || n < sweepChunk {
			return err
		}
	}
}

func (s *sweeper) tellOne(ctx context.Context, tx *db.Tx, r migration.Replacement, until time.Time, kind string, to recipient) error {
	if kind == noticeEnding {
		_, err := s.journeys.Tell(ctx, tx, to.customerID, migration.Event{
			Kind: migration.ChoiceOfferEnding, Actor: audit.System, Choice: &migration.ChoiceDetail{Replacement: r.Key, Own: r.Own(), OfferUntil: &until},
		})
		return err
	}
	letter := letterOf(r, &until)
	if letter["code"] == "" {
		letter["sealed"], letter["owner"] = to.sealed, to.codeID
	}
	return s.write(ctx, tx, mail.OfferExpiring, to.customerID, to.contactID, r.Key+" "+r.Offer.Until.String(), letter)
}

// measure shows the pools to whoever watches.
func (s *sweeper) measure(ctx context.Context, p *migration.Programme) error {
	pools, err := s.Pools(ctx, p)
	for _, pool := range pools {
		waitingCustomers.WithLabelValues(pool.Replacement).Set(float64(pool.Waiting))
		freeCodes.WithLabelValues(pool.Replacement).Set(float64(pool.Free))
		if pool.Waiting > 0 {
			s.log.WarnContext(ctx, "customers wait for offer codes; import more", slog.String("replacement", pool.Replacement), slog.Int64("waiting", pool.Waiting))
		}
	}
	return err
}

// keepReports is how long the ids of reports are kept: longer than anybody may send one again.
const keepReports = 30 * 24 * time.Hour

func (s *sweeper) tidy(ctx context.Context) error {
	return s.db.InTx(ctx, db.SystemScope("tidy reports"), func(tx *db.Tx) error { return s.store.dropReports(ctx, tx, tx.Now.Add(-keepReports)) })
}
