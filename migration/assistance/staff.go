package assistance

import (
	"context"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
)

// Listed is a request with the customer's number and name, as staff see it.
type Listed struct {
	Request
	CustomerRef  string
	CustomerName string
	Tier         string
	Locale       string
	ContactName  string
	OwnerName    string
}

// Desk is a request as it lies before the person who answers it.
type Desk struct {
	Listed
	Entries []Entry
	Rounds  []Round
	Others  []Looker
	Team    []Colleague
}

// Heard is the number of the last entry that was said.
func (d Desk) Heard() int { return heard(d.Entries) }

// Looker is a colleague who has the same request open.
type Looker struct {
	ID, Name string
	Writing  bool
}

// Colleague may be given requests.
type Colleague struct{ ID, Name string }

// CustomerOf returns who asked under a number; empty for nobody. For staff.
func (s *Service) CustomerOf(ctx context.Context, staffID string, number int64) (customerID string, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		customerID, err = s.store.customerOf(ctx, tx, number)
		return err
	})
	return customerID, err
}

// ListOf returns a customer's latest requests, newest first. For staff who have opened the customer's file, which is
// recorded there.
func (s *Service) ListOf(ctx context.Context, staffID, customerID string) ([]Request, error) {
	return s.store.ofExport(ctx, s.db, db.StaffScope(staffID), customerID, "")
}

// View returns one request with its conversation, records that it was looked at, and shows it to colleagues as open on this person's
// screen. ErrNotFound. For staff.
func (s *Service) View(ctx context.Context, staffID, id string) (d Desk, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if d.Listed, err = s.store.listed(ctx, tx, id); err != nil {
			return err
		}
		if d.Entries, err = s.store.entries(ctx, tx, id); err != nil {
			return err
		}
		d.Entries = older(d.Request, d.Entries)
		if d.Rounds, err = s.store.rounds(ctx, tx, id); err != nil {
			return err
		}
		if d.Team, err = s.store.team(ctx, tx); err != nil {
			return err
		}
		if d.Others, err = s.store.present(ctx, tx, id, staffID, false); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "help.view", Object: subject(d.Request), CustomerID: d.CustomerID,
		})
	})
	return d, err
}

// Present says that a person still has a request open, and who else has, and the number of the last entry that was said. ErrNotFound.
// For staff who have opened it, which is recorded there.
func (s *Service) Present(ctx context.Context, staffID, id string, writing bool) (others []Looker, heard int, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if heard, err = s.store.heard(ctx, tx, id); err != nil {
			return err
		}
		others, err = s.store.present(ctx, tx, id, staffID, writing)
		return err
	})
	return others, heard, err
}

// Reply is an answer.
type Reply struct {
	Text    string
	Heard   int  // the last entry that its writer has read, as Desk.Heard
	Settled bool // nothing more is expected
}

// Answer answers a request, also once more; the contact gets a mail each time. Whoever answers a request that nobody has taken takes
// it. ErrNotFound, ErrMoved, ErrNoAnswer, ErrFull; ErrMeanwhile where something was said that the writer has not read. For staff.
func (s *Service) Answer(ctx context.Context, staffID string, p *migration.Programme, id string, reply Reply) (Request, error) {
	text, key, args := said(reply.Text, "help.answer.none")
	if key != "" {
		return Request{}, ErrNoAnswer.Field("answer", key, args)
	}
	return s.change(ctx, db.StaffScope(staffID), id, func(tx *db.Tx, r Request) (Request, *audit.Entry, error) {
		last, err := s.store.heard(ctx, tx, id)
		switch {
		case err != nil:
			return r, nil, err
		case last > reply.Heard:
			return r, nil, ErrMeanwhile
		case r.State == Closed:
			return r, nil, ErrMoved
		}
		if r.Owner == "" {
			if err := s.add(ctx, tx, &r, Entry{Kind: Given, Actor: staffID, Text: staffID}); err != nil {
				return r, nil, err
			}
			r.Owner = staffID
		}
		if err := s.add(ctx, tx, &r, Entry{Kind: ByStaff, Actor: staffID, Text: text}); err != nil {
			return r, nil, err
		}
		r.State, r.Answer, r.AnsweredAt, r.AnsweredBy, r.SnoozedUntil = Answered, text, &tx.Now, staffID, nil
		if err := s.answerRound(ctx, tx, p, r); err != nil {
			return r, nil, err
		}
		if err := s.write(ctx, tx, mail.HelpAnswered, r, nil); err != nil {
			return r, nil, err
		}
		act := &audit.Entry{Actor: staffID, ActorKind: audit.Staff, Act: "help.answer", Detail: map[string]any{"entry": r.Said, "settled": reply.Settled}}
		if !reply.Settled {
			return r, act, nil
		}
		r, _, err = s.end(ctx, tx, p, r, staffID, audit.Staff)
		return r, act, err
	})
}

// AddNote writes something for colleagues. ErrNotFound, ErrNoNote, ErrFull. For staff.
func (s *Service) AddNote(ctx context.Context, staffID, id, text string) (Request, error) {
	text, key, args := said(text, "help.note.none")
	if key != "" {
		return Request{}, ErrNoNote.Field("note", key, args)
	}
	return s.staffAct(ctx, staffID, id, "help.note", func(tx *db.Tx, r *Request) (bool, error) {
		return true, s.add(ctx, tx, r, Entry{Kind: Note, Actor: staffID, Text: text})
	})
}

// Give hands a request to a colleague, or back to all with an empty owner. ErrNotFound, ErrMoved once it is settled, ErrOwner for
// somebody who is no active member of support. For staff.
func (s *Service) Give(ctx context.Context, staffID, id, owner string) (Request, error) {
	return s.staffAct(ctx, staffID, id, "help.give", func(tx *db.Tx, r *Request) (bool, error) {
		if r.State == Closed {
			return false, ErrMoved
		}
		if r.Owner == owner {
			return false, nil
		}
		if owner != "" {
			team, err := s.store.team(ctx, tx)
			if err != nil {
				return false, err
			}
			if !among(team, owner) {
				return false, ErrOwner.Field("owner", "help.owner.bad", nil)
			}
		}
		r.Owner = owner
		return true, s.add(ctx, tx, r, Entry{Kind: Given, Actor: staffID, Text: owner})
	})
}

func among(team []Colleague, id string) bool {
	for _, c := range team {
		if c.ID == id {
			return true
		}
	}
	return false
}

// maxSnooze is how far ahead a request may be put off.
const maxSnooze = 30 * 24 * time.Hour

// Snooze takes an open request out of the queue until an instant, or puts it back with the zero one. What was promised is not put off:
// one that is due comes back by itself. ErrNotFound, ErrMoved unless it is open, ErrSnooze. For staff.
func (s *Service) Snooze(ctx context.Context, staffID, id string, until time.Time) (Request, error) {
	return s.staffAct(ctx, staffID, id, "help.snooze", func(tx *db.Tx, r *Request) (bool, error) {
		if r.State != Open {
			return false, ErrMoved
		}
		if until.IsZero() {
			if r.SnoozedUntil == nil {
				return false, nil
			}
			r.SnoozedUntil = nil
			return true, s.add(ctx, tx, r, Entry{Kind: Woken, Actor: staffID})
		}
		if !until.After(tx.Now) || until.After(tx.Now.Add(maxSnooze)) {
			return false, ErrSnooze.Field("until", "help.snooze.bad", map[string]any{"Days": int(maxSnooze / (24 * time.Hour))})
		}
		until = until.UTC()
		r.SnoozedUntil = &until
		return true, s.add(ctx, tx, r, Entry{Kind: Snoozed, Actor: staffID, Text: until.Format(time.RFC3339)})
	})
}

// Settle ends a request without an answer, such as one that was answered on the telephone. ErrNotFound. For staff.
func (s *Service) Settle(ctx context.Context, staffID string, p *migration.Programme, id string) (Request, error) {
	return s.change(ctx, db.StaffScope(staffID), id, func(tx *db.Tx, r Request) (Request, *audit.Entry, error) {
		return s.end(ctx, tx, p, r, staffID, audit.Staff)
	})
}

// staffAct is a change by staff that says nothing to the customer.
func (s *Service) staffAct(ctx context.Context, staffID, id, act string, step func(*db.Tx, *Request) (bool, error)) (Request, error) {
	return s.change(ctx, db.StaffScope(staffID), id, func(tx *db.Tx, r Request) (Request, *audit.Entry, error) {
		changed, err := step(tx, &r)
		if err != nil || !changed {
			return r, nil, err
		}
		return r, &audit.Entry{Actor: staffID, ActorKind: audit.Staff, Act: act, Detail: map[string]any{"entry": r.Said}}, nil
	})
}

// Shelf is a part of the queue.
type Shelf string

// The shelves.
const (
	All          Shelf = "all"      // open, most pressing first
	Mine         Shelf = "mine"     // likewise, of the person who looks
	Unowned      Shelf = "unowned"  // likewise, of nobody
	SnoozedShelf Shelf = "snoozed"  // the next to come back first
	AnsweredOnes Shelf = "answered" // latest answer first
)

// Shelves lists them as they are shown.
var Shelves = []Shelf{Mine, All, Unowned, SnoozedShelf, AnsweredOnes}

// Cursor is the place behind which a page begins; the zero one is the beginning.
type Cursor struct {
	Priority int
	At       time.Time // due, back, or answered, as the shelf is ordered
	Number   int64
}

// Queue returns a page of a shelf, and where the next one begins; nil: there is none. The look is recorded. For staff.
func (s *Service) Queue(ctx context.Context, staffID string, shelf Shelf, after Cursor, limit int) (list []Listed, next *Cursor, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if list, err = s.store.queued(ctx, tx, shelf, staffID, after, limit+1); err != nil {
			return err
		}
		if len(list) > limit {
			list = list[:limit]
			last := list[limit-1]
			next = &Cursor{Priority: int(last.Priority), At: last.place(shelf), Number: last.Number}
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "help.list", Object: strings.TrimSpace("requests for help " + string(shelf)), Detail: map[string]any{"found": len(list)},
		})
	})
	return list, next, err
}

// place is what a shelf is ordered by, within the same priority.
func (l Listed) place(shelf Shelf) time.Time {
	switch {
	case shelf == SnoozedShelf && l.SnoozedUntil != nil:
		return *l.SnoozedUntil
	case shelf == AnsweredOnes && l.AnsweredAt != nil:
		return *l.AnsweredAt
	}
	return l.DueAt
}
