package risk

import (
	"context"
	"crypto/rand"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

// What staff may meet.
var (
	ErrUnknown  = fault.New(fault.NotFound, "risk.not_found")
	ErrChanged  = fault.New(fault.Conflict, "risk.changed")     // somebody else changed it meanwhile
	ErrState    = fault.New(fault.Conflict, "risk.wrong_state") // its state does not allow the act
	ErrNotYours = fault.New(fault.Forbidden, "risk.not_yours")
	ErrInput    = fault.New(fault.Invalid, "fault.input") // fields say which
)

// Classes are the kinds of risks, in the order of pages.
var Classes = []string{"technical", "business", "legal", "public"}

// High is the least score, likelihood times impact, of a high risk; Medium likewise.
const (
	High   = 15
	Medium = 6
)

// Risk is one line of the register.
type Risk struct {
	ID, Title, Class string
	Likelihood       int
	Impact           int
	Plan, Sign       string // Sign: what would tell us that it happens
	Owner, OwnerName string
	OwnerActs        bool // the owner is active and has a role
	Review           migration.Day
	State            string // open or closed
	Evidence, Proof  string
	Version          int
}

// Score ranks risks.
func (r Risk) Score() int { return r.Likelihood * r.Impact }

// Open reports whether it may still happen.
func (r Risk) Open() bool { return r.State == "open" }

// Late reports whether its review is overdue.
func (r Risk) Late(today migration.Day) bool { return r.Open() && r.Review.Before(today) }

// Entry is one row of a risk's history.
type Entry struct {
	Act, Text, By string
	Changes       []Change
	At            time.Time
}

// Change is a field with its value before and after.
type Change struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// By is who acts.
type By struct {
	ID      string
	Manager bool
}

// Draft is what a person wrote of a risk.
type Draft struct{ Title, Class, Likelihood, Impact, Plan, Sign, Owner, Review string }

// Programmes is what the register needs of the programme.
type Programmes interface {
	Active(ctx context.Context) (*migration.Programme, error)
}

// Service is what staff may ask. Safe for concurrent use.
type Service struct {
	db         *db.DB
	programmes Programmes
	store      store
}

// New returns the service.
func New(d *db.DB, programmes Programmes) *Service { return &Service{db: d, programmes: programmes} }

// List returns every risk, the highest score first. For staff.
func (s *Service) List(ctx context.Context, staffID string) (list []Risk, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err = s.store.list(ctx, tx)
		return err
	})
	return list, err
}

// Open returns a risk with its history, the newest first. ErrUnknown. For staff.
func (s *Service) Open(ctx context.Context, staffID, id string) (r Risk, history []Entry, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if r, err = s.store.read(ctx, tx, id, false); err != nil {
			return err
		}
		history, err = s.store.history(ctx, tx, id)
		return err
	})
	return r, history, err
}

// Create writes a new risk and returns its id. For programme managers.
func (s *Service) Create(ctx context.Context, by By, d Draft) (id string, err error) {
	if !by.Manager {
		return "", ErrNotYours
	}
	err = s.inProgramme(ctx, by, func(tx *db.Tx, today migration.Day) error {
		r := Risk{ID: rand.Text(), State: "open"}
		if _, err := s.apply(ctx, tx, &r, d, today); err != nil {
			return err
		}
		id = r.ID
		if err := s.store.insert(ctx, tx, r); err != nil {
			return err
		}
		return s.note(ctx, tx, by, r.ID, "created", "", nil)
	})
	return id, err
}

// Change writes a risk anew that the reader has seen in this version. ErrChanged. For its owner and for programme managers.
func (s *Service) Change(ctx context.Context, by By, id string, version int, d Draft) error {
	return s.act(ctx, by, id, version, "open", func(tx *db.Tx, r Risk, today migration.Day) error {
		changes, err := s.apply(ctx, tx, &r, d, today)
		if err != nil || len(changes) == 0 {
			return err
		}
		if err := s.store.update(ctx, tx, r); err != nil {
			return err
		}
		return s.note(ctx, tx, by, id, "changed", "", changes)
	})
}

// Close ends a risk with words and the link or record that shows it. For its owner and for programme managers.
func (s *Service) Close(ctx context.Context, by By, id string, version int, evidence, proof string) error {
	return s.act(ctx, by, id, version, "open", func(tx *db.Tx, r Risk, _ migration.Day) error {
		r.State, r.Evidence, r.Proof = "closed", strings.TrimSpace(evidence), strings.TrimSpace(proof)
		if err := proved(r); err != nil {
			return err
		}
		if err := s.store.update(ctx, tx, r); err != nil {
			return err
		}
		return s.note(ctx, tx, by, id, "closed", r.Evidence, []Change{{Field: "proof", After: r.Proof}})
	})
}

// Reopen opens a closed risk again, with a reason. For its owner and for programme managers.
func (s *Service) Reopen(ctx context.Context, by By, id string, version int, reason string) error {
	return s.act(ctx, by, id, version, "closed", func(tx *db.Tx, r Risk, _ migration.Day) error {
		if reason = strings.TrimSpace(reason); reason == "" {
			return ErrInput.Field("reason", "risk.no_reason", nil)
		}
		r.State, r.Evidence, r.Proof = "open", "", ""
		if err := s.store.update(ctx, tx, r); err != nil {
			return err
		}
		return s.note(ctx, tx, by, id, "reopened", reason, nil)
	})
}

// IsLink reports whether a proof is a whole web address.
func IsLink(proof string) bool {
	u, err := url.Parse(proof)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func (s *Service) inProgramme(ctx context.Context, by By, act func(*db.Tx, migration.Day) error) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.StaffScope(by.ID), func(tx *db.Tx) error { return act(tx, migration.DayOf(tx.Now.In(p.Zone))) })
}

func (s *Service) act(ctx context.Context, by By, id string, version int, state string, act func(*db.Tx, Risk, migration.Day) error) error {
	return s.inProgramme(ctx, by, func(tx *db.Tx, today migration.Day) error {
		r, err := s.store.read(ctx, tx, id, true)
		switch {
		case err != nil:
			return err
		case !by.Manager && r.Owner != by.ID:
			return ErrNotYours
		case r.Version != version:
			return ErrChanged
		case r.State != state:
			return ErrState
		}
		return act(tx, r, today)
	})
}

func (s *Service) note(ctx context.Context, tx *db.Tx, by By, id, act, text string, changes []Change) error {
	if err := s.store.entry(ctx, tx, id, Entry{Act: act, Text: text, By: by.ID, Changes: changes}); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Actor: by.ID, ActorKind: audit.Staff, Act: "risk." + act, Object: "risk " + id})
}

// apply writes a draft into a risk and returns what changed by it. Every fault is told at once.
func (s *Service) apply(ctx context.Context, tx *db.Tx, r *Risk, d Draft, today migration.Day) ([]Change, error) {
	was, fresh := *r, r.Version == 0
	var wrong *fault.Error
	bad := func(field, key string) {
		if wrong == nil {
			wrong = ErrInput
		}
		wrong = wrong.Field(field, key, nil)
	}
	r.fill(d, bad)
	if fresh || r.Owner != was.Owner {
		known, err := s.store.acts(ctx, tx, r.Owner)
		if err != nil {
			return nil, err
		}
		if !known {
			bad("owner", "risk.no_owner")
		}
	}
	day, err := migration.ParseDay(d.Review)
	if err != nil || (fresh || day != was.Review) && day.Before(today) {
		bad("review", "risk.no_review")
	}
	if wrong != nil {
		return nil, wrong
	}
	r.Review = day
	return compare(was, *r), nil
}

// fill takes what a draft says that needs no look into the database.
func (r *Risk) fill(d Draft, bad func(field, key string)) {
	r.Title, r.Plan, r.Sign, r.Class, r.Owner = strings.TrimSpace(d.Title), strings.TrimSpace(d.Plan), strings.TrimSpace(d.Sign), d.Class, d.Owner
	if r.Title == "" {
		bad("title", "risk.no_title")
	}
	if !slices.Contains(Classes, r.Class) {
		bad("class", "risk.no_class")
	}
	var ok bool
	if r.Likelihood, ok = grade(d.Likelihood); !ok {
		bad("likelihood", "risk.no_grade")
	}
	if r.Impact, ok = grade(d.Impact); !ok {
		bad("impact", "risk.no_grade")
	}
	if r.Plan == "" {
		bad("plan", "risk.no_plan")
	}
}

// proved tells everything that a closed risk lacks.
func proved(r Risk) error {
	var wrong *fault.Error
	bad := func(field, key string) {
		if wrong == nil {
			wrong = ErrInput
		}
		wrong = wrong.Field(field, key, nil)
	}
	if r.Evidence == "" {
		bad("evidence", "risk.no_evidence")
	}
	switch {
	case r.Proof == "":
		bad("proof", "risk.no_proof")
	case strings.Contains(r.Proof, "://") && !IsLink(r.Proof):
		bad("proof", "risk.bad_link")
	}
	if wrong != nil {
		return wrong
	}
	return nil
}

func grade(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= 5
}

func compare(a, b Risk) (list []Change) {
	for _, c := range []Change{
		{"title", a.Title, b.Title},
		{"class", a.Class, b.Class},
		{"likelihood", strconv.Itoa(a.Likelihood), strconv.Itoa(b.Likelihood)},
		{"impact", strconv.Itoa(a.Impact), strconv.Itoa(b.Impact)},
		{"plan", a.Plan, b.Plan},
		{"sign", a.Sign, b.Sign},
		{"owner", a.Owner, b.Owner},
		{"review", a.Review.String(), b.Review.String()},
	} {
		if c.Before != c.After {
			list = append(list, c)
		}
	}
	return list
}
