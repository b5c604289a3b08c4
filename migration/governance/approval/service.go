package approval

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

const (
	maxTitle = 200 // characters
	maxBody  = 30_000
	maxWords = 2000
)

// Programmes is what approvals need of the programme.
type Programmes interface {
	Active(ctx context.Context) (*migration.Programme, error)
}

// Service is what may be done about papers. Safe for concurrent use.
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

// Create writes a draft and returns its id. For programme managers.
func (s *Service) Create(ctx context.Context, by string, w Words) (id string, err error) {
	err = s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		id, err = s.CreateIn(ctx, tx, by, w)
		return err
	})
	return id, err
}

// CreateIn is Create within a transaction.
func (s *Service) CreateIn(ctx context.Context, tx *db.Tx, by string, w Words) (id string, err error) {
	if w, err = w.checked(); err != nil {
		return "", err
	}
	id = rand.Text()
	if err := s.store.insert(ctx, tx, id, by, w); err != nil {
		return "", err
	}
	return id, record(ctx, tx, by, "approval.create", id, map[string]any{"kind": w.Kind, "title": w.Title})
}

// Edit changes a paper's words; version is that of the page. What was submitted or approved is void by that, and who decides about it is
// told. ErrChanged, ErrUnknown. For programme managers.
func (s *Service) Edit(ctx context.Context, by, id string, version int, w Words) error {
	return s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error { return s.EditIn(ctx, tx, by, id, version, w) })
}

// EditIn is Edit within a transaction.
func (s *Service) EditIn(ctx context.Context, tx *db.Tx, by, id string, version int, w Words) error {
	w, err := w.checked()
	if err != nil {
		return err
	}
	d, err := s.desk(ctx, tx, by, id, true)
	if err != nil {
		return err
	}
	if d.Paper.Version != version {
		return ErrChanged
	}
	if err := s.store.edit(ctx, tx, id, by, w); err != nil {
		return err
	}
	after, err := s.store.paper(ctx, tx, by, id, false)
	if err != nil {
		return err
	}
	if after.State == Void && d.Paper.State != Void {
		if err := s.tellRound(ctx, tx, d, "approval_void"); err != nil {
			return err
		}
	}
	return record(ctx, tx, by, "approval.edit", id, map[string]any{"before": d.Paper.Hash, "after": after.Hash, "state": after.State})
}

// ShowIn is Show within a transaction, of a paper that nobody else changes meanwhile.
func (s *Service) ShowIn(ctx context.Context, tx *db.Tx, by, id string) (Desk, error) {
	return s.desk(ctx, tx, by, id, true)
}

// Withdraw takes a paper back from those who decide. For programme managers.
func (s *Service) Withdraw(ctx context.Context, by, id string) error {
	return s.act(ctx, by, id, func(tx *db.Tx, d Desk, _ *migration.Programme) error {
		if d.Paper.State != Open {
			return ErrState
		}
		if err := s.store.end(ctx, tx, d, Withdrawn, ""); err != nil {
			return err
		}
		if err := s.tellRound(ctx, tx, d, "approval_withdrawn"); err != nil {
			return err
		}
		return record(ctx, tx, by, "approval.withdraw", id, map[string]any{"round": d.Paper.Round})
	})
}

// Discuss notes a talk with somebody who will decide. For all staff.
func (s *Service) Discuss(ctx context.Context, by, id string, t Talk) error {
	t.Whom, t.Said, t.Agreed, t.Unsolved = cut(t.Whom, maxTitle), cut(t.Said, maxWords), cut(t.Agreed, maxWords), cut(t.Unsolved, maxWords)
	wrong := ErrInput
	if t.Whom == "" {
		wrong = wrong.Field("whom", "approval.no_whom", nil)
	}
	if t.Said == "" {
		wrong = wrong.Field("said", "approval.no_said", nil)
	}
	if !slices.Contains(Concerns, t.Concern) {
		wrong = wrong.Field("concern", "approval.no_concern", nil)
	}
	if len(wrong.Fields) > 0 {
		return wrong
	}
	return s.act(ctx, by, id, func(tx *db.Tx, _ Desk, _ *migration.Programme) error {
		if err := s.store.talk(ctx, tx, id, by, t); err != nil {
			return err
		}
		return record(ctx, tx, by, "approval.talk", id, map[string]any{"concern": t.Concern})
	})
}

// Show returns a paper with its rounds, newest first. ErrUnknown. For staff.
func (s *Service) Show(ctx context.Context, by, id string) (d Desk, err error) {
	err = s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		d, err = s.desk(ctx, tx, by, id, false)
		return err
	})
	return d, err
}

// Page is how many papers a list shows.
const Page = 50

// List returns papers, newest first, from behind the one called after: those that wait for the reader, those they wrote, or all.
// more: others follow. For staff.
func (s *Service) List(ctx context.Context, by, show, after string) (list []Paper, more bool, err error) {
	err = s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		list, err = s.store.list(ctx, tx, by, show, after, Page+1)
		return err
	})
	if len(list) > Page {
		list, more = list[:Page], true
	}
	return list, more, err
}

// desk gathers a paper.
func (s *Service) desk(ctx context.Context, tx *db.Tx, by, id string, lock bool) (d Desk, err error) {
	if d.Paper, err = s.store.paper(ctx, tx, by, id, lock); err != nil {
		return Desk{}, err
	}
	if d.Rounds, err = s.store.rounds(ctx, tx, by, id); err != nil {
		return Desk{}, err
	}
	d.Talks, err = s.store.talks(ctx, tx, id)
	return d, err
}

// act changes a paper that nobody else changes meanwhile.
func (s *Service) act(ctx context.Context, by, id string, do func(*db.Tx, Desk, *migration.Programme) error) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.StaffScope(by), func(tx *db.Tx) error {
		d, err := s.desk(ctx, tx, by, id, true)
		if err != nil {
			return err
		}
		return do(tx, d, p)
	})
}

var (
	amount   = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,2})?$`)
	currency = regexp.MustCompile(`^[A-Z]{3}$`)
)

// checked is the draft as it is stored. ErrInput names faulty fields.
func (w Words) checked() (Words, error) {
	w.Title, w.Body, w.Currency = strings.Join(strings.Fields(w.Title), " "), strings.TrimSpace(w.Body), strings.ToUpper(strings.TrimSpace(w.Currency))
	w.Budget = strings.NewReplacer(",", "", " ", "", "\u00a0", "", "，", "").Replace(w.Budget)
	wrong := ErrInput
	if n := len([]rune(w.Title)); n == 0 || n > maxTitle {
		wrong = wrong.Field("title", "approval.no_title", nil)
	}
	if n := len([]rune(w.Body)); n == 0 || n > maxBody {
		wrong = wrong.Field("body", "approval.no_body", nil)
	}
	if !slices.Contains(Kinds, w.Kind) {
		wrong = wrong.Field("kind", "approval.no_kind", nil)
	}
	if w.Budget == "" {
		w.Budget = "0"
	}
	switch {
	case !amount.MatchString(w.Budget):
		wrong = wrong.Field("budget", "approval.no_budget", nil)
	case strings.Trim(w.Budget, "0.") != "" && !currency.MatchString(w.Currency):
		wrong = wrong.Field("currency", "approval.no_currency", nil)
	case w.Currency != "" && !currency.MatchString(w.Currency):
		wrong = wrong.Field("currency", "approval.no_currency", nil)
	}
	if len(wrong.Fields) > 0 {
		return Words{}, wrong
	}
	return w, nil
}

func cut(text string, bound int) string {
	text = strings.TrimSpace(text)
	if runes := []rune(text); len(runes) > bound {
		return string(runes[:bound])
	}
	return text
}

func record(ctx context.Context, tx *db.Tx, by, act, id string, detail map[string]any) error {
	return audit.Record(ctx, tx, audit.Entry{Actor: by, ActorKind: audit.Staff, Act: act, Object: "paper " + id, Detail: detail})
}

// named turns a refusal of the database into what people are told.
func named(err error) error {
	for constraint, told := range map[string]*fault.Error{
		"approval_requester": ErrRequester, "approval_stand_in": ErrNotAsked, "approval_words": ErrChanged, "approval_early": ErrEarly,
		"approval_decided": ErrDecided, "approval_delegate_one": ErrTwice, "approval_delegate_circle": ErrCircle, "approval_role": ErrNotAsked,
	} {
		if db.IsCheck(err, constraint) {
			return told.Wrap(err)
		}
	}
	if db.IsUnique(err, "approval_seat_one_person") {
		return ErrDecided.Wrap(err)
	}
	if err != nil {
		return fmt.Errorf("approval: %w", err)
	}
	return nil
}
