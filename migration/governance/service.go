package governance

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/governance/approval"
	"offramp/migration/governance/risk"
)

// Notices tells what the notices' part sees. notice.Service is one.
type Notices interface {
	// Standing counts within a transaction: notices whose words nobody has approved as they are now, customers of a core tier
	// with whom nobody has spoken, customers whom nothing has reached, and calls that are open.
	Standing(ctx context.Context, tx *db.Tx, p *migration.Programme) (unapproved, talks, unreached, calls int64, announced bool, err error)
}

// Programmes is what plans need of the programme.
type Programmes interface {
	Active(ctx context.Context) (*migration.Programme, error)
}

// By is who acts.
type By struct {
	ID      string // identity id
	Manager bool   // a programme manager
}

// Service is what staff may ask of the plan. Safe for concurrent use.
type Service struct {
	db         *db.DB
	programmes Programmes
	notices    Notices
	log        *slog.Logger
	store      store
}

// NewService returns the service.
func NewService(d *db.DB, programmes Programmes, notices Notices, log *slog.Logger) *Service {
	return &Service{db: d, programmes: programmes, notices: notices, log: log}
}

// Start starts a plan from a template's text. The first plan whose gates block anything leads. ErrRunning where a plan of the
// template runs, or another one leads already; migration.Findings for a faulty text. For programme managers.
func (s *Service) Start(ctx context.Context, by By, source []byte) error {
	t, err := ReadTemplate(source)
	if err != nil {
		return err
	}
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.StaffScope(by.ID), func(tx *db.Tx) error {
		id := rand.Text()
		if err := s.store.insert(ctx, tx, id, by.ID, t, source, p); err != nil {
			return err
		}
		return record(ctx, tx, by, "workspace.start", "plan "+t.Key, map[string]any{"items": len(t.Items)})
	})
}

// Change replaces the running plan that leads by one of another template, such as light by retirement. Items of the same key keep
// their state, owner, evidence and history of the plan before; gates that were open have to be opened again. For programme managers.
func (s *Service) Change(ctx context.Context, by By, source []byte) error {
	t, err := ReadTemplate(source)
	if err != nil {
		return err
	}
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.StaffScope(by.ID), func(tx *db.Tx) error {
		before, err := s.store.leading(ctx, tx, true)
		if err != nil {
			return err
		}
		if before.Template == t.Key {
			return ErrRunning
		}
		if err := s.store.end(ctx, tx, before.ID, by.ID); err != nil {
			return err
		}
		id := rand.Text()
		if err := s.store.insert(ctx, tx, id, by.ID, t, source, p); err != nil {
			return err
		}
		kept, err := s.store.carry(ctx, tx, before.ID, id)
		if err != nil {
			return err
		}
		return record(ctx, tx, by, "workspace.change", "plan "+t.Key, map[string]any{"before": before.Template, "kept": kept})
	})
}

// Templates lists the running plans' templates, the leading one first. For staff.
func (s *Service) Templates(ctx context.Context, staffID string) (keys []string, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		keys, err = s.store.templates(ctx, tx)
		return err
	})
	return keys, err
}

// Show returns the running plan of a template; an empty key: the leading one. ErrNoPlan. For staff.
func (s *Service) Show(ctx context.Context, staffID, template string) (plan Plan, err error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return Plan{}, err
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		plan, err = s.read(ctx, tx, p, template, false)
		return err
	})
	return plan, err
}

// read gathers a plan and judges it.
func (s *Service) read(ctx context.Context, tx *db.Tx, p *migration.Programme, template string, lock bool) (Plan, error) {
	row, err := s.store.running(ctx, tx, template, lock)
	if err != nil {
		return Plan{}, err
	}
	t, err := ReadTemplate([]byte(row.Source))
	if err != nil {
		return Plan{}, fmt.Errorf("read the template of plan %s: %w", row.ID, err)
	}
	plan := Plan{ID: row.ID, Template: row.Template, Name: t.Name, Leading: row.Leading, StartedBy: row.StartedBy, StartedAt: row.StartedAt}
	if plan.Facts, err = s.facts(ctx, tx, p); err != nil {
		return Plan{}, err
	}
	if plan.Items, err = s.store.items(ctx, tx, row.ID, p); err != nil {
		return Plan{}, err
	}
	gates, err := s.store.gates(ctx, tx, row.ID)
	if err != nil {
		return Plan{}, err
	}
	days, err := s.store.days(ctx, tx, row.ID)
	if err != nil {
		return Plan{}, err
	}
	for _, rule := range t.Phases {
		f := Phase{Key: rule.Key, Name: rule.Name, From: days[rule.Key+" from"], To: days[rule.Key+" to"]}
		f.Gate = Gate{Name: rule.Gate.Name, Blocks: rule.Gate.Blocks}
		if g, ok := gates[rule.Key]; ok {
			f.Gate.Open, f.Gate.OpenedBy, f.Gate.OpenedAt, f.Gate.Until = g.open(tx.Now), g.OpenedBy, g.OpenedAt, g.until()
		}
		for _, fact := range rule.Gate.Facts {
			f.Gate.Facts = append(f.Gate.Facts, Fact{FactRule: fact})
		}
		plan.Phases = append(plan.Phases, f)
	}
	waivers, err := s.store.waivers(ctx, tx, row.ID)
	if err != nil {
		return Plan{}, err
	}
	plan.judge(waivers)
	return plan, nil
}

// facts gathers what the portal sees.
func (s *Service) facts(ctx context.Context, tx *db.Tx, p *migration.Programme) (Facts, error) {
	f, err := s.store.facts(ctx, tx)
	if err != nil {
		return Facts{}, err
	}
	if f.Approved, err = approval.ApprovedKinds(ctx, tx); err != nil {
		return Facts{}, err
	}
	if f.OverdueRisks, f.OpenHighRisks, err = risk.Count(ctx, tx, migration.DayOf(tx.Now.In(p.Zone))); err != nil {
		return Facts{}, err
	}
	f.NoticesUnapproved, f.TalksOpen, f.Unreached, f.CallsOpen, f.Announced, err = s.notices.Standing(ctx, tx, p)
	return f, err
}

// Tick ticks the items whose facts hold, and opens them again where they do not hold any more, so that the checklist says what the
// portal sees; and tells owners of their items. It is repeatable; a worker calls it. A rule without a result leaves its item alone and is logged.
func (s *Service) Tick(ctx context.Context) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.SystemScope("workspace"), func(tx *db.Tx) error {
		left, err := s.store.release(ctx, tx)
		if err != nil {
			return err
		}
		if left > 0 {
			s.log.WarnContext(ctx, "open items whose owner has no role any more belong to nobody", slog.Int64("items", left))
		}
		if err := s.digest(ctx, tx, p); err != nil {
			return err
		}
		items, err := s.store.byFact(ctx, tx)
		if err != nil || len(items) == 0 {
			return err
		}
		facts, err := s.facts(ctx, tx, p)
		if err != nil {
			return err
		}
		for _, i := range items {
			holds, err := facts.Holds(i.Fact)
			if err != nil {
				s.log.WarnContext(ctx, "an item's fact has no result", slog.String("item", i.Key), slog.Any("error", err))
				continue
			}
			if holds == (i.State == Done) {
				continue
			}
			if err := s.store.tick(ctx, tx, i.ID, holds); err != nil {
				return err
			}
		}
		return nil
	})
}

// Allows reports whether an act may happen now: no plan leads, or the gates that block it are open.
func (s *Service) Allows(ctx context.Context, tx *db.Tx, act string) (bool, error) {
	return s.store.allows(ctx, tx, act)
}

func record(ctx context.Context, tx *db.Tx, by By, act, object string, detail map[string]any) error {
	return audit.Record(ctx, tx, audit.Entry{Actor: by.ID, ActorKind: audit.Staff, Act: act, Object: object, Detail: detail})
}

// clean trims a text and cuts it to a bound, in characters.
func clean(text string, bound int) string {
	text = strings.TrimSpace(text)
	if runes := []rune(text); len(runes) > bound {
		return string(runes[:bound])
	}
	return text
}

// end of a day in the programme's zone.
func endOf(p *migration.Programme, day migration.Day) time.Time { return day.End(p.Zone) }
