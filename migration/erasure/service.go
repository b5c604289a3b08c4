package erasure

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// legalDays is how long a wish for erasure may wait: a month by the GDPR (article 12), and nothing longer elsewhere.
const legalDays = 30

// By is who of the staff acts: a programme manager.
type By struct{ ID string }

// Service is what people may ask. Safe for concurrent use.
type Service struct {
	db         *db.DB
	programmes Programmes
	store      store
}

// NewService returns the service.
func NewService(d *db.DB, programmes Programmes) *Service {
	return &Service{db: d, programmes: programmes}
}

// Customer is one whom staff look at.
type Customer struct {
	ID, Ref, Name string
	Against       []string  // message keys of what stands against erasing them
	DueAt         time.Time // zero: the programme sets no day
	Counts        []Count   // a dry run
	Objects       map[string]int64
	Order         *Order
	Hold          *Hold
	Request       *Request
}

// Hold says why a customer's data stays.
type Hold struct {
	ID, Reason, SetBy, SetName string
	SetAt                      time.Time
}

// Request is a customer's own wish.
type Request struct {
	ID, CustomerID, AskedBy, State string
	AskedAt, DueAt                 time.Time
	Ref, Name                      string // for staff
}

// DaysLeft is how many whole days of the law's are left at now; negative: it is late.
func (r Request) DaysLeft(now time.Time) int {
	left := r.DueAt.Sub(now)
	if left < 0 {
		return -int((-left + 24*time.Hour - 1) / (24 * time.Hour))
	}
	return int(left / (24 * time.Hour))
}

// Overview is what staff see of all erasures.
type Overview struct {
	Runs     []Run // that wait for the second person, or are being planned
	Past     []Run
	Requests []Request
	Held     int64
	Orders   map[string]int64 // by state
	Trouble  []Order          // what is not complete, the oldest first
	Now      time.Time
}

// Overview reads it. For staff.
func (s *Service) Overview(ctx context.Context, staffID string) (o Overview, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		o.Now = tx.Now
		if o.Runs, err = s.store.runs(ctx, tx, []string{RunAsked, RunAgreed}, 100); err != nil {
			return err
		}
		if o.Past, err = s.store.runs(ctx, tx, []string{RunPlanned, RunWithdrawn}, 20); err != nil {
			return err
		}
		if o.Requests, err = s.store.requests(ctx, tx, 100); err != nil {
			return err
		}
		if o.Held, o.Orders, err = s.store.totals(ctx, tx); err != nil {
			return err
		}
		o.Trouble, err = s.store.orders(ctx, tx, `state <> 'complete' ORDER BY seq LIMIT 50`)
		return err
	})
	return o, err
}

// DueNow counts who could be erased now, and what stands against the others, looking at as many customers as limit says. more: there
// are others.
func (s *Service) DueNow(ctx context.Context, staffID string, limit int) (due int, against map[string]int, sums []Count, more bool, err error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return 0, nil, nil, false, err
	}
	against = map[string]int{}
	byName := map[string]int{}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err := s.store.candidates(ctx, tx, "", limit+1)
		if err != nil {
			return err
		}
		if more = len(list) > limit; more {
			list = list[:limit]
		}
		for _, c := range list {
			found, err := s.store.against(ctx, tx, p, c, false)
			if err != nil {
				return err
			}
			for _, key := range found {
				against[key]++
			}
			if len(found) > 0 {
				continue
			}
			due++
			counts, err := s.store.counts(ctx, tx, c.ID)
			if err != nil {
				return err
			}
			for _, n := range counts {
				at, ok := byName[n.Name]
				if !ok {
					at = len(sums)
					byName[n.Name] = at
					sums = append(sums, Count{Name: n.Name, Action: n.Action, Years: n.Years, Ground: n.Ground})
				}
				sums[at].N += n.N
			}
		}
		return nil
	})
	return due, against, sums, more, err
}

// Customer is a dry run for one: what would go, what would stay, and what stands against it. ErrUnknown. For staff.
func (s *Service) Customer(ctx context.Context, staffID, ref string) (c Customer, err error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return c, err
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if c, err = s.store.customer(ctx, tx, ref); err != nil {
			return err
		}
		who, err := s.store.candidate(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		extensions, err := who.extensions()
		if err != nil {
			return err
		}
		c.DueAt, _ = Due(p, extensions, tx.Now)
		if c.Request, err = s.store.request(ctx, tx, c.ID); err != nil {
			return err
		}
		if c.Hold, err = s.store.hold(ctx, tx, c.ID); err != nil {
			return err
		}
		orders, err := s.store.orders(ctx, tx, `customer_id = $1`, c.ID)
		if err != nil {
			return err
		}
		if len(orders) == 1 {
			c.Order = &orders[0]
		} else if c.Against, err = s.store.against(ctx, tx, p, who, c.Request != nil); err != nil {
			return err
		}
		if c.Objects, err = s.store.objectCounts(ctx, tx, c.ID); err != nil {
			return err
		}
		c.Counts, err = s.store.counts(ctx, tx, c.ID)
		return err
	})
	return c, err
}

// Ask asks for the erasure of one customer, or of all who are due when ref is empty. Another programme manager has to agree.
// ErrObstacle, ErrRunning.
func (s *Service) Ask(ctx context.Context, by By, ref string) (id string, err error) {
	run := Run{ID: rand.Text(), AskedBy: by.ID}
	if ref != "" {
		c, err := s.Customer(ctx, by.ID, ref)
		switch {
		case err != nil:
			return "", err
		case c.Order != nil:
			return "", ErrRunning
		case len(c.Against) > 0:
			return "", ErrObstacle
		}
		run.CustomerID = c.ID
		if c.Request != nil {
			run.RequestID = c.Request.ID
		}
	}
	err = s.staff(ctx, by, func(tx *db.Tx) error {
		if err := s.store.ask(ctx, tx, run); err != nil {
			return err
		}
		return s.record(ctx, tx, by, "erasure.ask", "run "+run.ID, run.CustomerID, map[string]any{"scope": run.scope()})
	})
	return run.ID, err
}

// Agree agrees as the second person; a worker plans the orders then. ErrSamePerson, ErrChanged.
func (s *Service) Agree(ctx context.Context, by By, id string, plan func(context.Context, *db.Tx, []string) error) error {
	return s.staff(ctx, by, func(tx *db.Tx) error {
		run, err := s.store.run(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if run.AskedBy == by.ID {
			return ErrSamePerson
		}
		if err := s.store.agree(ctx, tx, id, by.ID); err != nil {
			return err
		}
		if err := plan(ctx, tx, []string{id}); err != nil {
			return err
		}
		return s.record(ctx, tx, by, "erasure.agree", "run "+id, run.CustomerID, map[string]any{"asked_by": run.AskedBy, "scope": run.scope()})
	})
}

// Run is what was asked for. ErrUnknown. For staff.
func (s *Service) Run(ctx context.Context, staffID, id string) (r Run, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		r, err = s.store.run(ctx, tx, id, false)
		return err
	})
	return r, err
}

// Withdraw takes back, or refuses, what nobody has agreed to yet. ErrChanged.
func (s *Service) Withdraw(ctx context.Context, by By, id string) error {
	return s.staff(ctx, by, func(tx *db.Tx) error {
		run, err := s.store.run(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if err := s.store.withdraw(ctx, tx, id); err != nil {
			return err
		}
		return s.record(ctx, tx, by, "erasure.withdraw", "run "+id, run.CustomerID, nil)
	})
}

const maxReason = 500 // characters

// SetHold keeps a customer's data from being erased, for a reason.
func (s *Service) SetHold(ctx context.Context, by By, ref, reason string) error {
	if reason = clean(reason); reason == "" {
		return ErrInput.Field("reason", "erasure.no_reason", nil)
	}
	return s.staff(ctx, by, func(tx *db.Tx) error {
		c, err := s.store.customer(ctx, tx, ref)
		if err != nil {
			return err
		}
		if err := s.store.setHold(ctx, tx, rand.Text(), c.ID, reason, by.ID); err != nil {
			return err
		}
		return s.record(ctx, tx, by, "erasure.hold", "customer "+c.ID, c.ID, map[string]any{"reason": reason})
	})
}

// EndHold lets the erasure go on.
func (s *Service) EndHold(ctx context.Context, by By, ref, reason string) error {
	if reason = clean(reason); reason == "" {
		return ErrInput.Field("reason", "erasure.no_reason", nil)
	}
	return s.staff(ctx, by, func(tx *db.Tx) error {
		c, err := s.store.customer(ctx, tx, ref)
		if err != nil {
			return err
		}
		if err := s.store.endHold(ctx, tx, c.ID, reason, by.ID); err != nil {
			return err
		}
		return s.record(ctx, tx, by, "erasure.release", "customer "+c.ID, c.ID, map[string]any{"reason": reason})
	})
}

// Certificate is an order's, as a JWS. ErrUnknown where there is none yet. For staff.
func (s *Service) Certificate(ctx context.Context, staffID, orderID string) (o Order, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		o, err = s.store.order(ctx, tx, orderID)
		return err
	})
	return o, err
}

// Completed lists certificates behind a number, for staff who look through them.
func (s *Service) Completed(ctx context.Context, staffID string, after int64, limit int) (list []Order, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err = s.store.orders(ctx, tx, `state = 'complete' AND seq > $1 ORDER BY seq LIMIT $2`, after, limit)
		return err
	})
	return list, err
}

// Wish is a customer's own request, confirmed by a fresh sign-in, which the caller has seen to. A second one changes nothing.
func (s *Service) Wish(ctx context.Context, customerID, contactID string) error {
	return s.db.InTx(ctx, db.CustomerScope(customerID), func(tx *db.Tx) error {
		id := rand.Text()
		fresh, err := s.store.wish(ctx, tx, id, customerID, contactID, tx.Now.AddDate(0, 0, legalDays))
		if err != nil || !fresh {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: contactID, ActorKind: audit.Customer, Act: "erasure.wish", Object: "request " + id, CustomerID: customerID,
		})
	})
}

// Unwish takes the request back, as long as nothing was ordered. ErrChanged.
func (s *Service) Unwish(ctx context.Context, customerID, contactID string) error {
	return s.db.InTx(ctx, db.CustomerScope(customerID), func(tx *db.Tx) error {
		id, err := s.store.unwish(ctx, tx, customerID)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: contactID, ActorKind: audit.Customer, Act: "erasure.unwish", Object: "request " + id, CustomerID: customerID,
		})
	})
}

// Own is what a customer sees.
type Own struct {
	Request *Request
	Against []string // what has to end first
	Counts  []Count
}

// Own reads it.
func (s *Service) Own(ctx context.Context, customerID string) (o Own, err error) {
	err = s.db.InTx(ctx, db.CustomerScope(customerID), func(tx *db.Tx) error {
		if o.Request, err = s.store.request(ctx, tx, customerID); err != nil {
			return err
		}
		list, err := s.store.obstacles(ctx, tx, customerID)
		if err != nil {
			return err
		}
		for _, key := range list {
			if key != "erasure.not_gate" && key != "erasure.not_hold" { // the company's own
				o.Against = append(o.Against, key)
			}
		}
		o.Counts, err = s.store.counts(ctx, tx, customerID)
		return err
	})
	return o, err
}

func (s *Service) staff(ctx context.Context, by By, fn func(tx *db.Tx) error) error {
	err := s.db.InTx(ctx, db.StaffScope(by.ID), fn)
	if err != nil && db.IsCheck(err, "erasure_role") {
		return ErrUnknown.Wrap(err)
	}
	return err
}

func (s *Service) record(ctx context.Context, tx *db.Tx, by By, act, object, customerID string, detail map[string]any) error {
	return audit.Record(ctx, tx, audit.Entry{Actor: by.ID, ActorKind: audit.Staff, Act: act, Object: object, CustomerID: customerID, Detail: detail})
}

func clean(text string) string {
	runes := []rune(strings.TrimSpace(text))
	return string(runes[:min(len(runes), maxReason)])
}
