// Package rollup counts where active customers stand in the five steps, per tier, without looking at every customer: the transaction of a
// step writes its change, and a worker folds changes into counts.
//
// What is read is the counts with the changes that are not folded yet, so that figures are those of the customers' own rows at every
// instant. One race is left: a tier that changes by an import while the same customer takes a step. Such a change asks for a count anew,
// which the next fold makes; another one is made each day, and what it mends is logged.
package rollup

import (
	"context"
	"log/slog"
	"math"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// recountEvery is how often everything is counted anew, to prove the counts.
const recountEvery = 24 * time.Hour

// Programmes is what rollups need of the programme.
type Programmes interface {
	Active(ctx context.Context) (*migration.Programme, error)
}

// Service reads and keeps the figures. Safe for concurrent use.
type Service struct {
	db         *db.DB
	programmes Programmes
	log        *slog.Logger
	store      store
}

// New works on d.
func New(d *db.DB, programmes Programmes, log *slog.Logger) *Service {
	return &Service{db: d, programmes: programmes, log: log}
}

// Count is how many customers of a tier are at a status in a step.
type Count struct {
	Tier   string
	Step   int // 1 to 5
	Status string
	N      int64
}

// Counts are all figures at an instant.
type Counts struct {
	List        []Count
	FoldedAt    *time.Time
	RecountedAt *time.Time
	Drift       int64 // what the last count anew mended
}

// passed reports whether nothing is left to do in a step.
func passed(status string) bool {
	return status == string(migration.Completed) || status == string(migration.NotNeeded)
}

// Of counts customers of a tier, or of all with an empty one, in a step: all, those who are through, and those at one status.
func (c Counts) Of(tier string, step int) (all, done int64) {
	for _, one := range c.List {
		if (tier == "" || one.Tier == tier) && one.Step == step {
			all += one.N
			if passed(one.Status) {
				done += one.N
			}
		}
	}
	return all, done
}

// At counts customers at a status in a step.
func (c Counts) At(tier string, step int, status string) (n int64) {
	for _, one := range c.List {
		if (tier == "" || one.Tier == tier) && one.Step == step && one.Status == status {
			n += one.N
		}
	}
	return n
}

// Tiers lists the tiers that have customers, in the order of their keys.
func (c Counts) Tiers() (list []string) {
	for _, one := range c.List { // in the order of tiers
		if len(list) == 0 || list[len(list)-1] != one.Tier {
			list = append(list, one.Tier)
		}
	}
	return list
}

// Read returns the figures as they are now. For staff.
func (s *Service) Read(ctx context.Context, staffID string) (c Counts, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		c, err = s.store.read(ctx, tx)
		return err
	})
	return c, err
}

// Point is how many customers had moved by the end of a day.
type Point struct {
	Day         migration.Day
	Done, Total int64
}

// History returns a point for each day that has figures, oldest first, of the last step. For staff.
func (s *Service) History(ctx context.Context, staffID string) (list []Point, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err = s.store.history(ctx, tx)
		return err
	})
	return list, err
}

// Customer is one of a list that a figure opens.
type Customer struct {
	ID, Ref, Name, Tier                    string
	Dates, Export, Choose, Settle, Confirm string
	SignedIn                               *time.Time
}

// Query says which customers: of a tier, or all; who are not through a step, or are at one status of it.
type Query struct {
	Tier, Status, After string // After: a customer's number
	Step                int
}

// Page is how many customers a list shows.
const Page = 50

// List returns the customers behind a figure, in order of their numbers. For staff; the look is recorded.
func (s *Service) List(ctx context.Context, staffID string, q Query) (list []Customer, more bool, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if list, err = s.store.list(ctx, tx, q, Page+1); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "overview.list", Object: "customers by step",
			Detail: map[string]any{"tier": q.Tier, "step": q.Step, "status": q.Status, "found": len(list)},
		})
	})
	if len(list) > Page {
		list, more = list[:Page], true
	}
	return list, more, err
}

// Tick folds what changed, counts anew where that is asked for or a day has passed, and keeps the day's figures. It is repeatable.
func (s *Service) Tick(ctx context.Context) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.SystemScope("rollup"), func(tx *db.Tx) error {
		mine, again, err := s.store.begin(ctx, tx, tx.Now.Add(-recountEvery))
		if err != nil || !mine {
			return err // another worker folds
		}
		if again {
			drift, err := s.store.recount(ctx, tx)
			if err != nil {
				return err
			}
			if drift != 0 {
				s.log.WarnContext(ctx, "counts of customers by step were mended", slog.Int64("customers", drift))
			}
		} else if err := s.store.fold(ctx, tx); err != nil {
			return err
		}
		return s.store.keepDay(ctx, tx, migration.DayOf(tx.Now.In(p.Zone)))
	})
}

// Forecast is when everybody will have moved at the pace of the last days.
type Forecast struct {
	Pace        float64       // customers a day
	Days        int           // that it is taken from
	On          migration.Day // zero: nobody moved
	Early, Late migration.Day // where four of five such forecasts lie; a zero Late: no end is in sight
}

const paceDays = 14

// Foresee takes the pace of the last two weeks for the rest. It needs three days of figures.
func Foresee(history []Point, now Counts, today migration.Day) Forecast {
	if len(history) < 3 {
		return Forecast{}
	}
	all, done := now.Of("", 5)
	gains := gainsOf(history, today)
	n := float64(len(gains))
	mean, spread := 0.0, 0.0
	for _, g := range gains {
		mean += g / n
	}
	for _, g := range gains {
		spread += (g - mean) * (g - mean) / max(1, n-1)
	}
	f := Forecast{Pace: mean, Days: len(gains)}
	if mean <= 0 || done >= all {
		return f
	}
	left := float64(all - done)
	day := func(pace float64) migration.Day { return today.AddDays(int(math.Ceil(min(left/pace, 36500)))) }
	margin := 1.28 * math.Sqrt(spread/n)
	f.On, f.Early = day(mean), day(mean+margin)
	if mean > margin {
		f.Late = day(mean - margin)
	}
	return f
}

// gainsOf are the customers who moved on each of the last days, without today, which is not over.
func gainsOf(history []Point, today migration.Day) (gains []float64) {
	at := func(day migration.Day) (done int64) {
		for _, p := range history {
			if p.Day.After(day) {
				break
			}
			done = p.Done
		}
		return done
	}
	first := history[0].Day
	for i := paceDays; i >= 1; i-- {
		if day := today.AddDays(-i); day.After(first) {
			gains = append(gains, float64(at(day)-at(day.AddDays(-1))))
		}
	}
	return gains
}

// Today is what waits for people.
type Today struct {
	Calls, CallsDue int64 // open ones; those due by today
	Mine            int64 // open items of the workplan that are the reader's
}

// Today counts what waits for people. For staff.
func (s *Service) Today(ctx context.Context, staffID string, day migration.Day) (t Today, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		t, err = s.store.today(ctx, tx, staffID, day)
		return err
	})
	return t, err
}
