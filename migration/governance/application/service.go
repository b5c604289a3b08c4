package application

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/governance"
	"offramp/migration/governance/approval"
	"offramp/migration/governance/rollup"
)

// MaxWords bounds a section, in characters, so that the whole report fits a paper.
const MaxWords = 2500

// Sections are the five sections, in order.
var Sections = []string{"background", "feasibility", "timetable", "resources", "benefit"}

// Programmes is what reports need of the programme.
type Programmes interface {
	Active(ctx context.Context) (*migration.Programme, error)
}

// Service is what staff may ask of the report. Safe for concurrent use.
type Service struct {
	db         *db.DB
	programmes Programmes
	approvals  *approval.Service
	rollups    *rollup.Service
	plans      *governance.Service
	log        *slog.Logger
	store      store
}

// New works on d.
func New(d *db.DB, programmes Programmes, approvals *approval.Service, rollups *rollup.Service, plans *governance.Service, log *slog.Logger) *Service {
	return &Service{db: d, programmes: programmes, approvals: approvals, rollups: rollups, plans: plans, log: log}
}

// Words are what people write.
type Words struct {
	Title                                                  string
	Background, Feasibility, Timetable, Resources, Benefit string
	Budget, Currency                                       string
}

// Section is the words of one section.
func (w Words) Section(key string) string {
	return map[string]string{
		"background": w.Background, "feasibility": w.Feasibility, "timetable": w.Timetable, "resources": w.Resources, "benefit": w.Benefit,
	}[key]
}

// Report is the report as it is written now.
type Report struct {
	Words
	Version   int // 0: nothing was written
	PaperID   string
	Locale    string // of the paper
	ChangedBy string
	ChangedAt time.Time
}

// Refunds are the refunds of one currency, in minor units.
type Refunds struct {
	Currency             string
	N                    int64
	Amount, Settled, Due int64 // asked for; of it paid; of it still to be paid
}

// Tally is a number of something.
type Tally struct {
	Key string
	N   int64
}

// Known is what the product knows at an instant.
type Known struct {
	At       time.Time
	Counts   rollup.Counts
	Plan     *governance.Plan // nil: none runs
	Refunds  []Refunds
	Requests []Tally // help requests by topic
	Choices  []Tally // what counts of customers' decisions: a replacement's key, or "none", "later"
}

// Desk is the report with everything about it.
type Desk struct {
	Report Report
	Tables map[string]Table
	Known  Known
	Paper  *approval.Desk // nil: never submitted
}

// Show returns the report. For staff.
func (s *Service) Show(ctx context.Context, by string) (d Desk, err error) {
	err = s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		d.Known.At = tx.Now
		if d.Report, err = s.store.report(ctx, tx, false); err != nil {
			return err
		}
		if d.Tables, err = s.store.tables(ctx, tx); err != nil {
			return err
		}
		if d.Known.Refunds, err = s.store.refunds(ctx, tx); err != nil {
			return err
		}
		if d.Known.Requests, err = s.store.requests(ctx, tx); err != nil {
			return err
		}
		d.Known.Choices, err = s.store.choices(ctx, tx)
		return err
	})
	if err != nil {
		return Desk{}, err
	}
	if d.Known.Counts, err = s.rollups.Read(ctx, by); err != nil {
		return Desk{}, err
	}
	switch plan, err := s.plans.Show(ctx, by, ""); {
	case err == nil:
		d.Known.Plan = &plan
	case !isNoPlan(err):
		return Desk{}, err
	}
	if d.Report.PaperID != "" {
		paper, err := s.approvals.Show(ctx, by, d.Report.PaperID)
		if err != nil {
			return Desk{}, err
		}
		d.Paper = &paper
	}
	return d, nil
}

// Write saves the words; version is that of the page. ErrInput, ErrChanged. For programme managers.
func (s *Service) Write(ctx context.Context, by string, version int, w Words) error {
	w, err := w.checked()
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		if err := s.store.write(ctx, tx, by, version, w); err != nil {
			return err
		}
		return record(ctx, tx, by, "application.write", "report", map[string]any{"version": version + 1})
	})
}

// Enter saves a table; version is that of the page. ErrUnknown, ErrInput, ErrChanged. For programme managers.
func (s *Service) Enter(ctx context.Context, by string, version int, t Table, day string) error {
	if !slices.Contains(Tables, t.Key) {
		return ErrUnknown
	}
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		t, err := t.checked(day, migration.DayOf(tx.Now.In(p.Zone)))
		if err != nil {
			return err
		}
		if err := s.store.enter(ctx, tx, by, version, t); err != nil {
			return err
		}
		return record(ctx, tx, by, "application.enter", "table "+t.Key, map[string]any{"rows": len(t.Rows()), "source": t.Source})
	})
}

// Submit writes the report as a paper, with the text that the page made of it, and returns the paper's id. Where there is a paper, it is
// changed, in its language. version is that of the words on the page. ErrInput names sections that say nothing. ErrChanged, ErrSame. For programme managers.
func (s *Service) Submit(ctx context.Context, by string, version int, text, locale string) (id string, err error) {
	err = s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		r, err := s.store.report(ctx, tx, true)
		if err != nil {
			return err
		}
		if err := r.complete(); err != nil {
			return err
		}
		if r.Version != version {
			return ErrChanged
		}
		w := approval.Words{Kind: Kind, Title: r.Title, Body: text, Budget: r.Budget, Currency: r.Currency}
		if id, err = s.put(ctx, tx, by, r, w, locale); err != nil {
			return err
		}
		return record(ctx, tx, by, "application.submit", "report", map[string]any{"paper": id, "version": version})
	})
	return id, err
}

// put writes the paper, or changes the one that there is.
func (s *Service) put(ctx context.Context, tx *db.Tx, by string, r Report, w approval.Words, locale string) (id string, err error) {
	if r.PaperID == "" {
		if id, err = s.approvals.CreateIn(ctx, tx, by, w); err != nil {
			return "", named(err)
		}
		return id, s.store.link(ctx, tx, id, locale)
	}
	d, err := s.approvals.ShowIn(ctx, tx, by, r.PaperID)
	if err != nil {
		return "", err
	}
	if p := d.Paper; p.Title == w.Title && p.Body == strings.TrimSpace(w.Body) && p.Budget == r.Budget && p.Currency == w.Currency {
		return "", ErrSame
	}
	return r.PaperID, named(s.approvals.EditIn(ctx, tx, by, r.PaperID, d.Paper.Version, w))
}

// complete is ErrInput where something is missing that a report must say.
func (r Report) complete() error {
	wrong := ErrInput
	for _, key := range Sections {
		if r.Section(key) == "" {
			wrong = wrong.Field(key, "application.empty_section", nil)
		}
	}
	if len(wrong.Fields) > 0 {
		return wrong
	}
	return nil
}

func record(ctx context.Context, tx *db.Tx, by, act, object string, detail map[string]any) error {
	return audit.Record(ctx, tx, audit.Entry{Actor: by, ActorKind: audit.Staff, Act: act, Object: "application " + object, Detail: detail})
}
