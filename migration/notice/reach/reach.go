// Package reach knows which customers are not proven to have heard that the product ends, lets two people waive one of them, and
// declares the service ended once nobody is left.
//
//	customer  unreached --signed in since told, or spoken with--> reached
//	          unreached --waiver asked by one, confirmed by another--> waived
//	service   runs --asked by one, nobody unreached--> asked --declared by another, still nobody unreached--> ended
package reach

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

// What staff may meet.
var (
	ErrUnknown   = fault.New(fault.NotFound, "reach.not_found")
	ErrNoReason  = fault.New(fault.Invalid, "reach.no_reason")
	ErrSame      = fault.New(fault.Forbidden, "reach.same_person")
	ErrUnreached = fault.New(fault.Conflict, "reach.unreached")
	ErrGate      = fault.New(fault.Conflict, "reach.gate") // of the company's workplan
	ErrEarly     = fault.New(fault.Conflict, "reach.early")
	ErrAsked     = fault.New(fault.Conflict, "reach.asked")
)

// Service is what may be done about customers who were not reached. Safe for concurrent use.
type Service struct {
	db         *db.DB
	store      store
	programmes Programmes
}

// Programmes is what reach needs of the programme.
type Programmes interface {
	Active(ctx context.Context) (*migration.Programme, error)
}

// NewService works on d.
func NewService(d *db.DB, programmes Programmes) *Service {
	return &Service{db: d, programmes: programmes}
}

// Why a customer is not proven to have heard of it, and how far up the ladder of evidence the last message came.
const (
	WhyUntold  = "untold"  // nothing was sent yet
	WhyWaiting = "waiting" // planned, and not sent yet
	WhyFailed  = "failed"  // no channel was left
	WhyBounced = "bounced" // refused, bounced or complained about
	WhyUnknown = "unknown" // handed over without an answer
	WhySilent  = "silent"  // taken by a mail server, and nobody signed in since
	WhyCall    = "call"    // only a call is left
)

// Customer is one whom nothing proves to have heard of it.
type Customer struct {
	ID, Ref, Name, Tier string
	Why                 string     // one of the above
	ToldAt              *time.Time // when the first message that was sent was due; nil: none
	CallID              string     // of an open call; empty: none
	CallDay             *time.Time // on which it is due
	Attempts            int        // how often they were rung in vain
	AskedBy, Reason     string     // of a waiver that waits for a second person; empty: none
}

// Page is a part of the list of unreached customers.
type Page struct {
	All       int // active customers
	Unreached int
	Waived    int
	Found     int // of the unreached, by the search
	List      []Customer
}

// Query is what is asked for.
type Query struct {
	Search string // of number and name
	Offset int
	Limit  int
}

// List tells who is neither reached nor waived, in order of their numbers. For staff; the look is recorded.
func (s *Service) List(ctx context.Context, staffID string, q Query) (p Page, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if p, err = s.store.list(ctx, tx, q); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "reach.list", Object: "unreached customers", Detail: map[string]any{"found": p.Found},
		})
	})
	return p, err
}

// maxReason bounds a reason, in characters.
const maxReason = 500

// reasonOf cleans a reason. ErrNoReason, on the field reason.
func reasonOf(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	switch {
	case reason == "":
		return "", ErrNoReason.Field("reason", "reach.no_reason", nil)
	case utf8.RuneCountInString(reason) > maxReason:
		return "", ErrNoReason.Field("reason", "reach.long_reason", map[string]any{"Limit": maxReason})
	}
	return reason, nil
}

// AskWaiver asks that a customer need not be reached. It counts once another person confirms it. ErrNoReason, ErrUnknown.
func (s *Service) AskWaiver(ctx context.Context, staffID, customerID, reason string) error {
	reason, err := reasonOf(reason)
	if err != nil {
		return err
	}
	return s.act(ctx, staffID, "reach.ask_waiver", customerID, map[string]any{"reason": reason}, func(tx *db.Tx) error {
		return s.store.askWaiver(ctx, tx, customerID, reason, staffID)
	})
}

// ConfirmWaiver makes a waiver count. ErrSame for who asked for it; ErrUnknown where none waits.
func (s *Service) ConfirmWaiver(ctx context.Context, staffID, customerID string) error {
	return s.act(ctx, staffID, "reach.confirm_waiver", customerID, nil, func(tx *db.Tx) error {
		return s.store.confirmWaiver(ctx, tx, customerID, staffID)
	})
}

// RefuseWaiver takes a waiver that waits off the list. ErrUnknown where none waits.
func (s *Service) RefuseWaiver(ctx context.Context, staffID, customerID string) error {
	return s.act(ctx, staffID, "reach.refuse_waiver", customerID, nil, func(tx *db.Tx) error {
		return s.store.refuseWaiver(ctx, tx, customerID)
	})
}

// OpenCall makes ringing a customer a task of the person's own, about the public notice. Where one is open, it is theirs now.
// ErrUnknown.
func (s *Service) OpenCall(ctx context.Context, staffID, customerID string) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	about := ""
	for _, n := range p.Notices.List {
		if n.Kind == migration.NoticePublic {
			about = n.Key
		}
	}
	return s.act(ctx, staffID, "reach.call", customerID, nil, func(tx *db.Tx) error {
		due := migration.DayOf(tx.Now.In(p.Zone)).AddDays(max(1, p.Notices.WaitDays))
		return s.store.openCall(ctx, tx, customerID, staffID, about, due)
	})
}

func (s *Service) act(ctx context.Context, staffID, act, customerID string, detail map[string]any, do func(tx *db.Tx) error) error {
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: act, Object: "customer " + customerID, CustomerID: customerID, Detail: detail,
		})
	})
}

// End is how the declaration of the service's end stands.
type End struct {
	AskedBy    string // empty: nobody has asked
	AskedAt    time.Time
	DeclaredBy string // empty: not declared
	DeclaredAt *time.Time
}

// End returns how the declaration stands. For staff.
func (s *Service) End(ctx context.Context, staffID string) (e End, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		e, err = s.store.end(ctx, tx)
		return err
	})
	return e, err
}

// AskEnd asks that the service be declared ended. ErrEarly before the day of the service's end; ErrUnreached, which the database
// says too; ErrAsked where it was asked for already.
func (s *Service) AskEnd(ctx context.Context, staffID string) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		m, ok := p.Milestone(migration.ServiceEnd)
		if !ok || migration.DayOf(tx.Now.In(p.Zone)).Before(m.Day) {
			return ErrEarly
		}
		if err := s.store.askEnd(ctx, tx, p.Version, staffID); err != nil {
			return err
		}
		return s.recordEnd(ctx, tx, staffID, "service_end.ask")
	})
}

// DeclareEnd declares the service ended. ErrSame for who asked for it; ErrUnreached; ErrUnknown where nobody has asked.
func (s *Service) DeclareEnd(ctx context.Context, staffID string) error {
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if err := s.store.declareEnd(ctx, tx, staffID); err != nil {
			return err
		}
		return s.recordEnd(ctx, tx, staffID, "service_end.declare")
	})
}

// WithdrawEnd takes the question back, before it is answered. ErrUnknown.
func (s *Service) WithdrawEnd(ctx context.Context, staffID string) error {
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if err := s.store.withdrawEnd(ctx, tx, staffID); err != nil {
			return err
		}
		return s.recordEnd(ctx, tx, staffID, "service_end.withdraw")
	})
}

func (s *Service) recordEnd(ctx context.Context, tx *db.Tx, staffID, act string) error {
	return audit.Record(ctx, tx, audit.Entry{Actor: staffID, ActorKind: audit.Staff, Act: act, Object: "service end"})
}
