package notice

import (
	"context"
	"slices"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Outcomes of a call.
const (
	CallReached  = "reached"
	CallNoAnswer = "no_answer"
	CallWrong    = "wrong_number"
	CallOther    = "other"
)

// Outcomes lists what may come of a call.
var Outcomes = []string{CallReached, CallNoAnswer, CallWrong, CallOther}

// Call is the task of speaking with a customer.
type Call struct {
	ID, CustomerID, Ref, Customer, Tier, Notice string
	DueDay                                      migration.Day
	Owner                                       string // identity id; empty: nobody has taken it
	Contact, Email, Phone                       string // of the first owner
	Script                                      string // in the customer's language
	OpenedAt                                    time.Time
	Followed                                    *time.Time // when a person of theirs last followed a link of a mail; nil: never
	Attempts                                    int        // how often nobody was reached
	Note                                        string     // of the last attempt, or why it need not be made
	AskedBy                                     string     // who asks that it need not be made; empty: nobody
}

// maxNote bounds what is noted of a call, in characters.
const maxNote = 2000

// EndCall records what came of a call. A call that reached nobody stays open, to be tried again on the next day: nobody is given up
// by a person alone, see AskWaiver. ErrNoOutcome, ErrUnknown, ErrCallEnded. For staff.
func (s *Service) EndCall(ctx context.Context, staffID, id, outcome, note string) error {
	note = strings.TrimSpace(note)
	if !slices.Contains(Outcomes, outcome) || outcome == CallOther && note == "" {
		return ErrNoOutcome.Field("outcome", "notice.no_outcome", nil)
	}
	if runes := []rune(note); len(runes) > maxNote {
		note = string(runes[:maxNote])
	}
	p, err := s.programme(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		customerID, key, err := s.store.endCall(ctx, tx, p, endedCall{id, staffID, outcome, note})
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.call", Object: "notice " + key, CustomerID: customerID,
			Detail: map[string]any{"call": id, "outcome": outcome},
		})
	})
}

// AskWaiver asks that a call need not be made, with why. It counts once another person confirms it. ErrNoReason, ErrUnknown,
// ErrCallEnded.
func (s *Service) AskWaiver(ctx context.Context, staffID, id, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" || len([]rune(reason)) > maxNote {
		return ErrNoReason.Field("reason", "notice.no_reason", nil)
	}
	return s.change(ctx, staffID, "notice.ask_waiver", id, map[string]any{"reason": reason}, func(tx *db.Tx) (string, string, error) {
		return s.store.askWaiver(ctx, tx, id, staffID, reason)
	})
}

// ConfirmWaiver ends a call of which somebody else has asked that it need not be made. ErrSamePerson, ErrUnknown, ErrCallEnded.
func (s *Service) ConfirmWaiver(ctx context.Context, staffID, id string) error {
	return s.change(ctx, staffID, "notice.confirm_waiver", id, nil, func(tx *db.Tx) (string, string, error) {
		return s.store.confirmWaiver(ctx, tx, id, staffID)
	})
}

// change changes a call and records it.
func (s *Service) change(ctx context.Context, staffID, act, id string, detail map[string]any, do func(*db.Tx) (customer, key string, err error)) error {
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		customerID, key, err := do(tx)
		if err != nil {
			return err
		}
		if detail == nil {
			detail = map[string]any{}
		}
		detail["call"] = id
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: act, Object: "notice " + key, CustomerID: customerID, Detail: detail,
		})
	})
}

// TakeCall makes a person the owner of an open call. ErrUnknown, ErrCallEnded.
func (s *Service) TakeCall(ctx context.Context, staffID, id string) error {
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		customerID, key, err := s.store.takeCall(ctx, tx, id, staffID)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.take_call", Object: "notice " + key, CustomerID: customerID,
			Detail: map[string]any{"call": id},
		})
	})
}

// Calls lists the open calls, those due first, at most limit, with what to say; the look is recorded. For staff.
func (s *Service) Calls(ctx context.Context, staffID string, limit int) (list []Call, err error) {
	p, err := s.programme(ctx)
	if err != nil {
		return nil, err
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		rows, err := s.store.openCalls(ctx, tx, limit)
		if err != nil {
			return err
		}
		for _, r := range rows {
			c := Call{
				ID: r.ID, CustomerID: r.CustomerID, Ref: r.Ref, Customer: r.Customer, Tier: r.Tier, Notice: r.Notice,
				DueDay: migration.DayOf(r.DueDay), Owner: r.Owner, Contact: r.Contact, Email: r.Email, Phone: r.Phone, OpenedAt: r.OpenedAt, Followed: r.Followed,
				Attempts: r.Attempts, Note: r.Note, AskedBy: r.AskedBy,
			}
			if n, ok := p.Notice(r.Notice); ok {
				to := Reader{Ref: r.Ref, Customer: r.Customer, Tier: r.Tier, Contact: r.Contact, Locale: r.Locale, Zone: r.Zone, Extensions: r.Extensions}
				if n.Kind == migration.NoticeCorrection {
					who := recipient{ID: r.CustomerID, Extensions: r.Extensions}
					if to.Told, err = s.toldOf(ctx, tx, p, n, who, ""); err != nil {
						return err
					}
				}
				c.Script = Script(p, n, to, tx.Now, s.link)
			}
			list = append(list, c)
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.calls", Object: "calls", Detail: map[string]any{"found": len(list)},
		})
	})
	return list, err
}
