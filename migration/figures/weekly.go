package figures

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/governance/post"
)

// weeklyHour is when the report of the week before is drafted, on Monday on the programme's clock.
const weeklyHour = 6

// Path of the page of weekly reports, which their mails lead to.
const weeklyPath = "/console/figures/weekly"

// MaxNote is how long a manager's note may be, in characters.
const MaxNote = 2000

// What managers may meet.
var (
	ErrNoWeek  = fault.New(fault.NotFound, "figures.weekly.unknown")
	ErrDecided = fault.New(fault.Conflict, "figures.weekly.decided")
	ErrNote    = fault.New(fault.Invalid, "figures.weekly.note_long")
)

// States of a weekly report.
const (
	Draft   = "draft"
	Sent    = "sent"
	Dropped = "dropped"
)

// Content is a report's text in CommonMark by department and language.
type Content map[string]migration.Text

// Weekly is the report of one week.
type Weekly struct {
	Week      migration.Day // its Monday
	Content   Content
	State     string
	Note      string
	MadeAt    time.Time
	DecidedBy string // identity id; empty: a draft
	DecidedAt *time.Time
	Mails     int // colleagues it was sent to
}

// draft writes the report of the week before, once, from Monday morning on. It is written from what has just been counted.
func (s *Service) draft(ctx context.Context, tx *db.Tx, p *migration.Programme) error {
	monday := Monday(tx.Now, p.Zone)
	if tx.Now.Before(monday.Start(p.Zone).Add(weeklyHour * time.Hour)) {
		return nil
	}
	week := monday.AddDays(-7)
	known, err := s.store.drafted(ctx, tx, week)
	if err != nil || known {
		return err
	}
	reports := map[string]Report{}
	any := false
	for _, spec := range Specs {
		r := Report{Spec: spec}
		if r.Rows, err = s.store.rows(ctx, tx, spec.Key, week.AddDays(-7), week); err != nil {
			return err
		}
		any = any || len(r.Rows) > 0
		reports[spec.Key] = r
	}
	if !any {
		return nil // there is nothing to say yet
	}
	items, err := s.store.items(ctx, tx, week.Start(p.Zone), monday.Start(p.Zone))
	if err != nil {
		return err
	}
	return s.store.addWeekly(ctx, tx, week, contentOf(p, reports, items, week))
}

// Weeklies lists the latest reports, newest first.
func (s *Service) Weeklies(ctx context.Context, staffID string) (list []Weekly, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err = s.store.weeklies(ctx, tx)
		return err
	})
	return list, err
}

// Send has a draft mailed to colleagues, each with the parts of their departments, or drops it. It takes a programme manager.
func (s *Service) Send(ctx context.Context, staffID string, week migration.Day, note string, send bool) error {
	if len([]rune(note)) > MaxNote {
		return ErrNote.Field("note", "figures.weekly.note_long", map[string]any{"Limit": MaxNote})
	}
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		state := Dropped
		if send {
			state = Sent
		}
		w, err := s.store.decide(ctx, tx, week, state, note, staffID)
		if err != nil {
			return err
		}
		told := 0
		if send {
			people, err := s.store.readers(ctx, tx)
			if err != nil {
				return err
			}
			for _, r := range people {
				body := w.Content.For(r.Departments, note)
				if len(body) == 0 {
					continue
				}
				told++
				if err := post.Ask(ctx, tx, post.Mail{
					To: r.ID, Kind: "weekly", About: week.String(), Path: weeklyPath, Detail: map[string]any{"Week": week.String(), "Body": body},
				}); err != nil {
					return err
				}
			}
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "figures." + state, Object: "weekly report " + week.String(),
			Detail: map[string]any{"mails": told},
		})
	})
}

// For puts a reader's departments together, in the languages that there are, with the manager's note before them.
func (c Content) For(departments []string, note string) map[string]string {
	body := map[string]string{}
	for _, d := range departments {
		for tag, text := range c[d] {
			if body[tag] != "" {
				body[tag] += "\n\n"
			}
			body[tag] += text
		}
	}
	if note != "" {
		for tag := range body {
			body[tag] = quoted(note) + "\n\n" + body[tag]
		}
	}
	return body
}

// errWeekly names what the database refuses.
func errWeekly(err error) error {
	if db.IsCheck(err, "figure_weekly_stays") {
		return ErrDecided.Wrap(err)
	}
	return errors.Join(fmt.Errorf("decide on a weekly report"), err)
}
