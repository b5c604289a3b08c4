package assistance

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/mail"
	"offramp/migration"
)

// Service is what customers and staff may do with requests for help. Safe for concurrent use, on any number of replicas.
type Service struct {
	db    *db.DB
	store store
	queue *jobs.Client
}

// NewService works on d and enqueues mails with queue, which may only insert.
func NewService(d *db.DB, queue *jobs.Client) *Service {
	return &Service{db: d, queue: queue}
}

// maxOpen is how many open requests a customer may have at a time.
const maxOpen = 20

// Open takes a request. The same thing asked again while it is open is the same request, however often and on however many
// replicas it is sent. The contact gets a confirmation, the programme's help desk a mail. ErrAsk, ErrMany; ErrNotFound for
// an export that is not the customer's.
func (s *Service) Open(ctx context.Context, who migration.Who, p *migration.Programme, ask Ask) (r Request, err error) {
	if ask, err = ask.Checked(); err != nil {
		return Request{}, err
	}
	err = s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		r = Request{ID: rand.Text(), CustomerID: who.CustomerID, ContactID: who.ContactID, Ask: ask, State: Open, CreatedAt: tx.Now}
		if ask.ExportID != "" {
			if r.ExportReference, err = s.store.exportReference(ctx, tx, ask.ExportID); err != nil {
				return err
			}
		}
		if err := s.store.lineUp(ctx, tx, who.CustomerID); err != nil {
			return err
		}
		same, err := s.store.same(ctx, tx, r)
		if err != nil || same != nil {
			if same != nil {
				r = *same
			}
			return err
		}
		if err := s.allow(ctx, tx, who.CustomerID); err != nil {
			return err
		}
		return s.create(ctx, tx, p, &r)
	})
	if err != nil {
		return Request{}, fmt.Errorf("open request for help: %w", err)
	}
	return r, nil
}

func (s *Service) allow(ctx context.Context, tx *db.Tx, customerID string) error {
	n, err := s.store.countOpen(ctx, tx, customerID)
	if err == nil && n >= maxOpen {
		return ErrMany.With(map[string]any{"Limit": maxOpen})
	}
	return err
}

// create writes the request with everything that follows from it.
func (s *Service) create(ctx context.Context, tx *db.Tx, p *migration.Programme, r *Request) (err error) {
	if r.Number, err = s.store.insert(ctx, tx, *r); err != nil {
		return err
	}
	if err := s.write(ctx, tx, mail.HelpReceived, *r, nil); err != nil {
		return err
	}
	if p.Help.Email != "" {
		if err := s.write(ctx, tx, mail.HelpRequest, *r, map[string]string{"desk": p.Fallback()}); err != nil {
			return err
		}
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: r.ContactID, ActorKind: audit.Customer, Act: "help.open", Object: subject(*r), CustomerID: r.CustomerID,
		Detail: map[string]any{"export": r.ExportReference, "dataset": r.Dataset},
	})
}

// write enqueues a mail about a request. What the customer wrote stays in the portal. Each answer has a mail of its own; what was
// answered only ever grows, so that its length tells the answers apart.
func (s *Service) write(ctx context.Context, tx *db.Tx, template string, r Request, more map[string]string) error {
	data := map[string]string{"request_id": r.ID, "request": r.Reference(), "export_id": r.ExportID, "reference": r.ExportReference}
	for k, v := range more {
		data[k] = v
	}
	key := r.ID
	if template == mail.HelpAnswered {
		key += "." + strconv.Itoa(len(r.Answer))
	}
	_, err := s.queue.InsertTx(ctx, tx, mail.Args{Template: template, CustomerID: r.CustomerID, ContactID: r.ContactID, Key: key, Data: data}, nil)
	return err
}

// ListForCustomer returns the customer's own requests about an export, newest first.
func (s *Service) ListForCustomer(ctx context.Context, who migration.Who, exportID string) ([]Request, error) {
	return s.store.ofExport(ctx, s.db, db.CustomerScope(who.CustomerID), who.CustomerID, exportID)
}

// Close ends one of the customer's own requests. Closing again changes nothing. ErrNotFound.
func (s *Service) Close(ctx context.Context, who migration.Who, id string) (Request, error) {
	return s.change(ctx, db.CustomerScope(who.CustomerID), id, func(tx *db.Tx, r Request) (Request, *audit.Entry, error) {
		if r.State == Closed {
			return r, nil, nil
		}
		return r.Close(tx.Now), &audit.Entry{Actor: who.ContactID, ActorKind: audit.Customer, Act: "help.close"}, nil
	})
}

// Listed is a request with the customer's number and name, as staff see it.
type Listed struct {
	Request
	CustomerRef  string
	CustomerName string
	ContactName  string
}

// ListOpen returns the requests that wait for an answer, oldest first, at most limit, and records that they were listed. For
// staff.
func (s *Service) ListOpen(ctx context.Context, staffID string, limit int) (list []Listed, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if list, err = s.store.open(ctx, tx, limit); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "help.list", Object: "requests for help", Detail: map[string]any{"found": len(list)},
		})
	})
	return list, err
}

// ListAnswered returns the requests that were answered and that no customer has closed, latest answer first, at most limit, and
// records that they were listed. For staff.
func (s *Service) ListAnswered(ctx context.Context, staffID string, limit int) (list []Listed, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if list, err = s.store.answered(ctx, tx, limit); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "help.list", Object: "answered requests for help", Detail: map[string]any{"found": len(list)},
		})
	})
	return list, err
}

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

// View returns one request and records that it was looked at. ErrNotFound. For staff.
func (s *Service) View(ctx context.Context, staffID, id string) (l Listed, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if l, err = s.store.listed(ctx, tx, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "help.view", Object: subject(l.Request), CustomerID: l.CustomerID,
		})
	})
	return l, err
}

// Answer answers a request, also once more; the contact gets a mail each time. ErrNotFound, ErrMoved, ErrNoAnswer. For staff.
func (s *Service) Answer(ctx context.Context, staffID, id, answer string) (Request, error) {
	return s.change(ctx, db.StaffScope(staffID), id, func(tx *db.Tx, r Request) (Request, *audit.Entry, error) {
		next, err := r.Reply(tx.Now, staffID, answer)
		if err != nil {
			return r, nil, err
		}
		return next, &audit.Entry{Actor: staffID, ActorKind: audit.Staff, Act: "help.answer"}, s.write(ctx, tx, mail.HelpAnswered, next, nil)
	})
}

// change makes one transition with its audit entry. A step without an entry changes nothing.
func (s *Service) change(ctx context.Context, scope db.Scope, id string, step func(*db.Tx, Request) (Request, *audit.Entry, error)) (next Request, err error) {
	err = s.db.InTx(ctx, scope, func(tx *db.Tx) error {
		was, err := s.store.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		var entry *audit.Entry
		if next, entry, err = step(tx, was); err != nil || entry == nil {
			return err
		}
		if err := s.store.save(ctx, tx, next); err != nil {
			return err
		}
		entry.Object, entry.CustomerID = subject(next), next.CustomerID
		return audit.Record(ctx, tx, *entry)
	})
	if err != nil {
		return Request{}, fmt.Errorf("change request for help: %w", err)
	}
	return next, nil
}

// subject names a request in the audit log.
func subject(r Request) string { return "request for help " + r.Reference() }
