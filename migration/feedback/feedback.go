// Package feedback asks customers what they think of the closed product once they are calm: after they have moved, or some time after the
// service end, and never while they wait for something. Each contact is asked at most once, by one mail with a link; the form keeps what
// was answered so far; what was sent in is counted with how far it can be trusted.
//
//	contact     waits, with a reason --calm--> invited --first page saved--> begun --sent in--> answered
//
// An anonymous answer has no way back to a contact: see the tables.
package feedback

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

// Path is where the form is, with the link's token behind it.
const Path = "/feedback/"

// MaxText bounds an answer in words, in characters.
const MaxText = 4000

// What people may meet.
var (
	ErrUnknown  = fault.New(fault.NotFound, "feedback.unknown") // a link that was never sent, or whose reader is not a contact any more
	ErrAnswered = fault.New(fault.Conflict, "feedback.answered_already")
	ErrBad      = fault.New(fault.Invalid, "feedback.bad")   // an answer that cannot be; its field says why
	ErrEmpty    = fault.New(fault.Invalid, "feedback.empty") // nothing was answered
	ErrNone     = fault.New(fault.NotFound, "feedback.none") // the programme asks nobody
)

var system = db.SystemScope("feedback")

// Usual are the keys of the questions that are asked where the programme names none. Their words are feedback.ask.KEY.
var Usual = []string{"recommend", "why_chosen", "greatest_use", "most_missed", "what_instead", "what_matters", "next_product", "advice"}

// Question is one to ask.
type Question struct {
	Key  string
	Kind string         // migration.AskText or AskNPS
	Ask  migration.Text // empty: the words of the catalogue
}

// QuestionsOf lists what the programme asks, in order.
func QuestionsOf(p *migration.Programme) (list []Question) {
	if p.Feedback == nil {
		return nil
	}
	for _, q := range p.Feedback.Questions {
		list = append(list, Question(q))
	}
	if len(list) > 0 {
		return list
	}
	for _, key := range Usual {
		list = append(list, Question{Key: key, Kind: migration.AskText})
	}
	list[0].Kind = migration.AskNPS
	return list
}

// Programmes is what is needed of the programme.
type Programmes interface {
	Active(ctx context.Context) (*migration.Programme, error)
}

// Service is what may be done about feedback. Safe for concurrent use.
type Service struct {
	db         *db.DB
	store      store
	programmes Programmes
}

// New works on d.
func New(d *db.DB, programmes Programmes) *Service { return &Service{db: d, programmes: programmes} }

// Form is what stands behind a link.
type Form struct {
	Anonymous bool
	Answered  bool
	Questions []Question
	Answers   map[string]string // so far, or as they were sent in; nil where these are anonymous
}

// hashOf is what the database keeps of a link.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Open reads the form behind a link. It records nothing: mail scanners follow links, too. ErrUnknown.
func (s *Service) Open(ctx context.Context, token string) (f Form, err error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return Form{}, err
	}
	err = s.db.InTx(ctx, system, func(tx *db.Tx) error {
		i, err := s.store.invitation(ctx, tx, hashOf(token))
		if err != nil {
			return err
		}
		f = Form{Anonymous: i.Anonymous, Answered: i.Answered, Questions: QuestionsOf(p)}
		switch {
		case !i.Answered:
			f.Answers, err = unseal(token, i.Draft)
		case !i.Anonymous:
			f.Answers, err = s.store.own(ctx, tx, i.ContactID)
		}
		return err
	})
	return f, err
}

// Save keeps one answer until the form is sent in; an empty one takes it back. ErrUnknown, ErrAnswered; ErrBad on the field answer.
func (s *Service) Save(ctx context.Context, token, key, answer string) error {
	return s.with(ctx, token, func(tx *db.Tx, p *migration.Programme, i invitation, draft map[string]string) error {
		if err := check(QuestionsOf(p), key, answer); err != nil {
			return err
		}
		if answer = strings.TrimSpace(answer); answer == "" {
			delete(draft, key)
		} else {
			draft[key] = answer
		}
		sealed, err := seal(token, draft)
		if err != nil {
			return err
		}
		return s.store.keep(ctx, tx, i.ContactID, sealed)
	})
}

// Finish sends the form in, once. ErrUnknown, ErrAnswered, ErrEmpty.
func (s *Service) Finish(ctx context.Context, token, tag string) error {
	return s.with(ctx, token, func(tx *db.Tx, p *migration.Programme, i invitation, draft map[string]string) error {
		content := map[string]string{}
		for _, q := range QuestionsOf(p) { // a question that was taken out of the file meanwhile is not answered
			if a := draft[q.Key]; a != "" && check([]Question{q}, q.Key, a) == nil {
				content[q.Key] = a
			}
		}
		if len(content) == 0 {
			return ErrEmpty
		}
		if err := s.store.answered(ctx, tx, i.ContactID); err != nil {
			return err
		}
		if i.Anonymous {
			return s.store.addAnonymous(ctx, tx, tag, content)
		}
		return s.store.add(ctx, tx, i, tag, content)
	})
}

// with does something about an invitation that was not answered, and holds it meanwhile.
func (s *Service) with(
	ctx context.Context, token string, do func(tx *db.Tx, p *migration.Programme, i invitation, draft map[string]string) error,
) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, system, func(tx *db.Tx) error {
		if err := s.store.lock(ctx, tx, hashOf(token)); err != nil {
			return err
		}
		i, err := s.store.invitation(ctx, tx, hashOf(token))
		if err != nil {
			return err
		}
		if i.Answered {
			return ErrAnswered
		}
		draft, err := unseal(token, i.Draft)
		if err != nil {
			return err
		}
		return do(tx, p, i, draft)
	})
}

// check finds what is wrong with an answer.
func check(list []Question, key, answer string) error {
	for _, q := range list {
		switch {
		case q.Key != key:
			continue
		case utf8.RuneCountInString(answer) > MaxText:
			return ErrBad.Field("answer", "feedback.too_long", map[string]any{"Limit": MaxText})
		case q.Kind == migration.AskNPS && strings.TrimSpace(answer) != "" && !IsScore(answer):
			return ErrBad.Field("answer", "feedback.no_score", nil)
		}
		return nil
	}
	return ErrUnknown
}

// IsScore reports whether an answer is a whole number from 0 to 10 as the form writes it.
func IsScore(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 0 && n <= 10 && strconv.Itoa(n) == s
}

// Waiting is a contact who was not asked yet, with why.
type Waiting struct {
	ContactID, CustomerID string
	Ref, Customer, Name   string
	Why                   string // a key of feedback.why
}

// WaitingAtOnce is how many of those who wait are listed at once.
const WaitingAtOnce = 50

// Waits lists whom nobody has asked yet and why not, behind a contact; and counts them by reason. An empty reason lists all. ErrNone. For
// staff; the look is recorded.
func (s *Service) Waits(ctx context.Context, staffID, why, after string) (list []Waiting, counts map[string]int, err error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return nil, nil, err
	}
	if p.Feedback == nil {
		return nil, nil, ErrNone
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if counts, err = s.store.reasons(ctx, tx, p); err != nil {
			return err
		}
		if list, err = s.store.waits(ctx, tx, p, why, after, WaitingAtOnce+1); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "feedback.waits", Object: "feedback", Detail: map[string]any{"why": why},
		})
	})
	return list, counts, err
}

// dayOf is today where the programme is.
func dayOf(p *migration.Programme, now time.Time) migration.Day {
	return migration.DayOf(now.In(p.Zone))
}
