package notice

import (
	"context"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Foreseen is one message that is to go out on a day, as things stand now.
type Foreseen struct {
	Notice                      string
	CustomerID, Ref, Name, Tier string
	Zone                        string // of the customer
	Stage                       int
	At                          time.Time
}

// Forecast is what one notice will do on a day.
type Forecast struct {
	Notice migration.Notice
	Held   string     // why it would not go as things stand; empty: it would
	Due    []Foreseen // up to the limit that was asked for, in order of the customers' numbers
	Count  int        // of all that are due
	// Not counts the customers who will not get it, by why: told (they have this stage or a later one), done (the step is
	// completed), audience (the rule does not mean them), rule (it has no result for them).
	Not map[string]int
}

// whole is that of a forecast without a bound.
const whole = 1 << 30

// Foresee tells who gets what on a day, counted where each customer is, if nothing changes until then: nobody acts, no date moves,
// and everything that is due before is sent. Notices with nothing due on the day are left out. For staff.
func (s *Service) Foresee(ctx context.Context, staffID string, day migration.Day, limit int) (list []Forecast, err error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = whole
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		zones, err := s.store.zones(ctx, tx)
		if err != nil {
			return err
		}
		held, err := s.held(ctx, tx, p)
		if err != nil {
			return err
		}
		for _, n := range p.Notices.List { // corrections go out at once and are no part of a forecast
			f := Forecast{Notice: n, Held: held[n.Key].Held, Not: map[string]int{}}
			waves, err := s.waves(ctx, tx, p, n)
			if err != nil {
				return err
			}
			due := false
			for _, w := range waves {
				w.stages = stagesOn(p, n, w.day(), zones, day)
				due = due || len(w.stages) > 0
				some, not, err := s.store.foresee(ctx, tx, w, limit-len(f.Due))
				if err != nil {
					return err
				}
				f.Due = append(f.Due, some...)
				f.Count += not[""]
				delete(not, "")
				for why, n := range not {
					f.Not[why] += n
				}
			}
			if due {
				list = append(list, f)
			}
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.foresee", Object: "notices", Detail: map[string]any{"day": day},
		})
	})
	return list, err
}

// stagesOn is the stage that falls on a day, in each zone.
func stagesOn(p *migration.Programme, n migration.Notice, base migration.Day, zones []string, day migration.Day) (list []zoneStage) {
	for _, s := range stages(n, base, p.Notices.Holidays) {
		if s.Day != day {
			continue
		}
		list = list[:0] // two stages that a holiday puts on one day are one: the later one
		for _, name := range zones {
			zone := migration.Location(name, p.Zone)
			at := s.at(p.Notices.Hour, zone)
			if end, expires := expires(p, n, base); expires && at.After(end) {
				continue
			}
			list = append(list, zoneStage{name, s, at})
		}
	}
	return list
}
