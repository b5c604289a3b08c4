package figures

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"offramp/internal/db"
	"offramp/migration"
)

const (
	countEvery = 15 * time.Minute
	share      = 20 // of the time, one part in so many goes into counting at most
)

// Programmes is what figures need of the programme.
type Programmes interface {
	Active(ctx context.Context) (*migration.Programme, error)
}

// Service counts and reads. Safe for concurrent use, on any number of processes.
type Service struct {
	db         *db.DB
	store      store
	programmes Programmes
	log        *slog.Logger
}

// New works on d.
func New(d *db.DB, programmes Programmes, log *slog.Logger) *Service {
	return &Service{db: d, programmes: programmes, log: log}
}

var system = db.SystemScope("figures")

// Tick counts anew where the last count is old enough: a quarter of an hour, and longer where counting takes long. One process counts
// at a time. It returns migration.ErrNoProgramme where there is nothing to count.
func (s *Service) Tick(ctx context.Context) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, system, func(tx *db.Tx) error {
		mine, err := s.store.lead(ctx, tx)
		if err != nil || !mine {
			return err
		}
		at, took, err := s.store.last(ctx, tx)
		if err != nil || !at.IsZero() && !tx.Now.Before(at) && tx.Now.Sub(at) < max(countEvery, share*took) {
			return err
		}
		return s.count(ctx, tx, p)
	})
}

// CountNow counts whatever the age of the last count. For tests and the demonstration.
func (s *Service) CountNow(ctx context.Context) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, system, func(tx *db.Tx) error { return s.count(ctx, tx, p) })
}

func (s *Service) count(ctx context.Context, tx *db.Tx, p *migration.Programme) error {
	began := time.Now()
	if err := s.store.count(ctx, tx, p.Zone.String(), Monday(tx.Now, p.Zone)); err != nil {
		return err
	}
	took := time.Since(began)
	s.log.InfoContext(ctx, "figures counted", slog.Duration("took", took))
	return errors.Join(s.store.counted(ctx, tx, took), s.draft(ctx, tx, p))
}

// Read returns a report over the weeks from the first to the last day given; zero days leave that end open. For
// staff: nothing in it is about anybody, so that the look is not recorded.
func (s *Service) Read(ctx context.Context, staffID, key string, from, to migration.Day) (Report, error) {
	spec, err := SpecOf(key)
	if err != nil {
		return Report{}, err
	}
	if !from.IsZero() && !to.IsZero() && from.After(to) {
		return Report{}, ErrPeriod.Field("from", "figures.period", nil)
	}
	r := Report{Spec: spec}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) (err error) {
		if r.At, _, err = s.store.last(ctx, tx); err != nil {
			return err
		}
		r.Rows, err = s.store.rows(ctx, tx, key, from, to)
		return err
	})
	return r, err
}
