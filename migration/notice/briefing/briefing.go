// Package briefing has colleagues read what they are to say before anybody else is told. Its words stand in the programme file; another
// person than their author approves them by their hash, and each colleague of the audience acknowledges that hash. Until then, or until
// two programme managers waive it, talks with key customers and the public notice wait.
//
//	words    drafted --another person--> approved --each of the audience--> read by all;  any edit: drafted again, read by nobody
//	waiver   asked by one --another programme manager--> counts, for these words only
//
// The audience are staff who hold one of the briefing's roles, were not disabled, and have signed in at least once: the portal knows of
// nobody else.
package briefing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

// Key is that of the briefing among approvals. No notice can bear it.
const Key = ":briefing"

// Path is where the briefing is read in the portal.
const Path = "/console/briefing"

// What staff may meet.
var (
	ErrNone       = fault.New(fault.NotFound, "briefing.none") // the programme has none
	ErrChanged    = fault.New(fault.Conflict, "briefing.changed")
	ErrUnapproved = fault.New(fault.Conflict, "briefing.unapproved")
	ErrApproved   = fault.New(fault.Conflict, "notice.approved_already")
	ErrSamePerson = fault.New(fault.Forbidden, "briefing.same_person")
	ErrSameWaiver = fault.New(fault.Forbidden, "reach.same_person")
	ErrNoWaiver   = fault.New(fault.NotFound, "briefing.no_waiver")
	ErrWaived     = fault.New(fault.Conflict, "briefing.waived_already")
	ErrNoReason   = fault.New(fault.Invalid, "reach.no_reason")
)

// Service is what may be done about the briefing. Safe for concurrent use.
type Service struct {
	db         *db.DB
	store      store
	programmes Programmes
}

// Programmes is what the briefing needs of the programme.
type Programmes interface {
	Active(ctx context.Context) (*migration.Programme, error)
}

// New works on d.
func New(d *db.DB, programmes Programmes) *Service { return &Service{db: d, programmes: programmes} }

// content is what is approved and read. Dates are not in it, since they are filled in when it is read and may move.
type content struct {
	Briefing     migration.Briefing
	Product      migration.Text
	Company      migration.Text
	Thanks       migration.Text
	Reason       migration.Text
	Replacements []string
	Help         migration.Help
}

// ContentOf returns what the briefing says and its hash, in hex; empty ones where the programme has none.
func ContentOf(p *migration.Programme) (raw, hash string) {
	if p.Notices.Briefing == nil {
		return "", ""
	}
	c := content{
		Briefing: *p.Notices.Briefing, Product: p.Product.Name, Company: p.Product.Company, Thanks: p.Thanks, Reason: p.Reason, Help: p.Help,
	}
	c.Help.FAQ = nil
	for _, r := range p.Offered() {
		c.Replacements = append(c.Replacements, r.Key)
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil { // texts always marshal
		panic(fmt.Sprintf("briefing: marshal content: %v", err))
	}
	sum := sha256.Sum256(b)
	return string(b), hex.EncodeToString(sum[:])
}

// Standing is how far the briefing has come.
type Standing struct {
	Hash     string // empty: the programme has none
	Approved bool
	Audience int // staff who have to read it
	Unread   int // of them, who have not acknowledged it
	Waived   bool
	Over     bool // the public notice has gone out: a colleague who comes later, or new words, keep nobody from being told
}

// Holds reports whether talks and the public notice wait for it.
func (s Standing) Holds() bool {
	return s.Hash != "" && !s.Waived && !s.Over && (!s.Approved || s.Unread > 0)
}

// StandingOf tells how far the programme's briefing has come, within a transaction that sees staff.
func StandingOf(ctx context.Context, tx *db.Tx, p *migration.Programme) (s Standing, err error) {
	if _, s.Hash = ContentOf(p); s.Hash == "" {
		return s, nil
	}
	return store{}.standing(ctx, tx, p, s.Hash)
}

// Reader is one colleague of the audience.
type Reader struct {
	ID, Name, Email string
	Roles           []string
	Since           time.Time  // when they were asked first: these words were approved, or they came later
	ReadAt          *time.Time // nil: they have not acknowledged it
	RemindedAt      *time.Time // nil: never
	Reminder        string     // what became of the last reminder, as of notice_briefing_reminder
}

// Waiver is that nothing need wait for the briefing.
type Waiver struct {
	Reason, AskedBy string // empty: nobody asks
	AskedAt         time.Time
	ConfirmedBy     string // empty: it counts for nothing yet
	ConfirmedAt     *time.Time
}

// State is all that is known of the briefing's words as they are now.
type State struct {
	Standing
	Content    string
	ApprovedBy string
	ApprovedAt *time.Time
	Last       string     // the content that was approved last, where it is another; empty: none was, or it is this one
	MineAt     *time.Time // when whoever asks acknowledged it; nil: they did not
	Waiver     Waiver
	Readers    []Reader // those who have not acknowledged it first
}

// State tells how the briefing stands. ErrNone. For staff.
func (s *Service) State(ctx context.Context, staffID string) (st State, err error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return State{}, err
	}
	raw, hash := ContentOf(p)
	if hash == "" {
		return State{}, ErrNone
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if st, err = s.store.state(ctx, tx, staffID, hash); err != nil {
			return err
		}
		if st.Standing, err = s.store.standing(ctx, tx, p, hash); err != nil {
			return err
		}
		st.Readers, err = s.store.readers(ctx, tx, hash, p.Notices.Briefing.Audience)
		return err
	})
	st.Content = raw
	return st, err
}

// Approve approves the words as the person has seen them: hash is that of the page. ErrNone; ErrChanged where they are others by now;
// ErrSamePerson for whoever stands for the version that brought them; ErrApproved.
func (s *Service) Approve(ctx context.Context, staffID, hash string) error {
	return s.act(ctx, staffID, hash, "briefing.approve", nil, func(tx *db.Tx, raw string) error {
		return s.store.approve(ctx, tx, hash, raw, staffID)
	})
}

// Acknowledge records that a colleague has read these words and will say it so; again, it changes nothing. ErrNone, ErrChanged,
// ErrUnapproved.
func (s *Service) Acknowledge(ctx context.Context, staffID, tag, hash string) error {
	return s.act(ctx, staffID, hash, "briefing.read", map[string]any{"locale": tag}, func(tx *db.Tx, _ string) error {
		return s.store.read(ctx, tx, staffID, tag, hash)
	})
}

// Remind asks each colleague who has not acknowledged the briefing to do so, by email: whoever has an address and was not asked today,
// where the programme is. It returns how many. ErrNone, ErrUnapproved.
func (s *Service) Remind(ctx context.Context, staffID string) (asked int, err error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return 0, err
	}
	err = s.act(ctx, staffID, "", "briefing.remind", nil, func(tx *db.Tx, _ string) error {
		st, err := StandingOf(ctx, tx, p)
		if err != nil {
			return err
		}
		if !st.Approved {
			return ErrUnapproved
		}
		asked, err = s.store.remind(ctx, tx, staffID, st.Hash, p.Notices.Briefing.Audience, migration.DayOf(tx.Now.In(p.Zone)))
		return err
	})
	return asked, err
}

// maxReason bounds a reason, in characters.
const maxReason = 500

// AskWaiver asks that nothing wait for the briefing, with why. It counts for these words, once another programme manager confirms it.
// ErrNoReason on the field reason, ErrNone, ErrWaived.
func (s *Service) AskWaiver(ctx context.Context, staffID, reason string) error {
	reason = strings.TrimSpace(reason)
	switch {
	case reason == "":
		return ErrNoReason.Field("reason", "reach.no_reason", nil)
	case utf8.RuneCountInString(reason) > maxReason:
		return ErrNoReason.Field("reason", "reach.long_reason", map[string]any{"Limit": maxReason})
	}
	return s.waiver(ctx, staffID, "briefing.ask_waiver", map[string]any{"reason": reason}, func(tx *db.Tx, hash string) error {
		return s.store.askWaiver(ctx, tx, hash, reason, staffID)
	})
}

// ConfirmWaiver makes the waiver count that reason words. ErrSameWaiver for who asked for it; ErrNoWaiver where none waits.
func (s *Service) ConfirmWaiver(ctx context.Context, staffID string) error {
	return s.waiver(ctx, staffID, "briefing.confirm_waiver", nil, func(tx *db.Tx, hash string) error {
		return s.store.confirmWaiver(ctx, tx, hash, staffID)
	})
}

// RefuseWaiver takes a waiver that waits away. ErrNoWaiver.
func (s *Service) RefuseWaiver(ctx context.Context, staffID string) error {
	return s.waiver(ctx, staffID, "briefing.refuse_waiver", nil, func(tx *db.Tx, hash string) error {
		return s.store.refuseWaiver(ctx, tx, hash)
	})
}

func (s *Service) waiver(ctx context.Context, staffID, act string, detail map[string]any, do func(tx *db.Tx, hash string) error) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	_, hash := ContentOf(p)
	return s.act(ctx, staffID, hash, act, detail, func(tx *db.Tx, _ string) error { return do(tx, hash) })
}

// act does something about the words with this hash, or about those of now with an empty one, and records it.
func (s *Service) act(ctx context.Context, staffID, hash, act string, detail map[string]any, do func(tx *db.Tx, raw string) error) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	raw, current := ContentOf(p)
	switch {
	case current == "":
		return ErrNone
	case hash != "" && hash != current:
		return ErrChanged
	}
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if err := do(tx, raw); err != nil {
			return err
		}
		all := map[string]any{"hash": current}
		for key, value := range detail {
			all[key] = value
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: staffID, ActorKind: audit.Staff, Act: act, Object: "briefing", Detail: all})
	})
}
