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
// an export, ErrNoContext for a refund that is not the customer's.
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
		if ask.Refund != "" {
			if err := s.store.knowsRefund(ctx, tx, ask.Refund); err != nil {
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
	if err := s.weigh(ctx, tx, p, r); err != nil {
		return err
	}
	if r.Number, err = s.store.insert(ctx, tx, *r); err != nil {
		return err
	}
	if err := s.store.openRound(ctx, tx, *r); err != nil {
		return err
	}
	if err := s.write(ctx, tx, mail.HelpReceived, *r, nil); err != nil {
		return err
	}
	if err := s.tellDesk(ctx, tx, p, *r); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: r.ContactID, ActorKind: audit.Customer, Act: "help.open", Object: subject(*r), CustomerID: r.CustomerID,
		Detail: map[string]any{"export": r.ExportReference, "dataset": r.Dataset, "topic": r.Topic, "refund": r.Refund},
	})
}

// weigh says how soon an open request is answered.
func (s *Service) weigh(ctx context.Context, tx *db.Tx, p *migration.Programme, r *Request) error {
	tier, extensions, err := s.store.standing(ctx, tx, r.CustomerID)
	if err != nil {
		return err
	}
	r.Priority = priorityOf(p, tier, extensions, tx.Now)
	r.DueAt, r.EscalatedAt = dueAt(p, r.Priority, tx.Now), nil
	return nil
}

// tellDesk writes to the programme's help desk, where it has one.
func (s *Service) tellDesk(ctx context.Context, tx *db.Tx, p *migration.Programme, r Request) error {
	if p.Help.Email == "" {
		return nil
	}
	return s.write(ctx, tx, mail.HelpRequest, r, map[string]string{"desk": p.Fallback()})
}

// write enqueues a mail about a request. What the customer wrote stays in the portal. Each entry has mails of its own.
func (s *Service) write(ctx context.Context, tx *db.Tx, template string, r Request, more map[string]string) error {
	data := map[string]string{"request_id": r.ID, "request": r.Reference(), "export_id": r.ExportID, "reference": r.ExportReference}
	for k, v := range more {
		data[k] = v
	}
	key := r.ID
	if r.Said > 0 {
		key += "." + strconv.Itoa(r.Said)
	}
	_, err := s.queue.InsertTx(ctx, tx, mail.Args{Template: template, CustomerID: r.CustomerID, ContactID: r.ContactID, Key: key, Data: data}, nil)
	return err
}

// ListForCustomer returns the customer's own requests about an export, or all with an empty id, newest first.
func (s *Service) ListForCustomer(ctx context.Context, who migration.Who, exportID string) ([]Request, error) {
	return s.store.ofExport(ctx, s.db, db.CustomerScope(who.CustomerID), who.CustomerID, exportID)
}

// Waiting is how many of a customer's requests are open, and how many have an answer that nobody has settled.
type Waiting struct{ Open, Answered int }

// WaitingOf counts for the customer's plan.
func (s *Service) WaitingOf(ctx context.Context, who migration.Who) (w Waiting, err error) {
	return s.store.waiting(ctx, s.db, db.CustomerScope(who.CustomerID), who.CustomerID)
}

// Read returns one of the customer's own requests with what was said. ErrNotFound.
func (s *Service) Read(ctx context.Context, who migration.Who, id string) (c Conversation, err error) {
	return s.store.conversation(ctx, s.db, db.CustomerScope(who.CustomerID), id)
}

// Say adds what the customer writes to one of their requests; one that was answered or settled is open again. ErrNotFound, ErrAsk with
// the field text, ErrFull.
func (s *Service) Say(ctx context.Context, who migration.Who, p *migration.Programme, id, text string) (Request, error) {
	text, key, args := said(text, "help.say_it")
	if key != "" {
		return Request{}, ErrAsk.Field("text", key, args)
	}
	return s.change(ctx, db.CustomerScope(who.CustomerID), id, func(tx *db.Tx, r Request) (Request, *audit.Entry, error) {
		return s.say(ctx, tx, p, r, who.ContactID, text)
	})
}

// say has a customer speak.
func (s *Service) say(ctx context.Context, tx *db.Tx, p *migration.Programme, r Request, contactID, text string) (Request, *audit.Entry, error) {
	was := r.State
	if was == Closed {
		if err := s.allow(ctx, tx, r.CustomerID); err != nil {
			return r, nil, err
		}
		if err := s.add(ctx, tx, &r, Entry{Kind: Reopened, Actor: contactID}); err != nil {
			return r, nil, err
		}
		if err := s.store.openRound(ctx, tx, r); err != nil {
			return r, nil, err
		}
	}
	if err := s.add(ctx, tx, &r, Entry{Kind: ByCustomer, Actor: contactID, Text: text}); err != nil {
		return r, nil, err
	}
	r.State, r.ClosedAt, r.SnoozedUntil = Open, nil, nil
	if was != Open {
		if err := s.weigh(ctx, tx, p, &r); err != nil {
			return r, nil, err
		}
	}
	act := &audit.Entry{Actor: contactID, ActorKind: audit.Customer, Act: "help.say", Detail: map[string]any{"entry": r.Said, "was": string(was)}}
	return r, act, s.tellDesk(ctx, tx, p, r)
}

// add writes an entry of a locked request. ErrFull.
func (s *Service) add(ctx context.Context, tx *db.Tx, r *Request, e Entry) error {
	if r.Said >= maxEntries {
		return ErrFull.With(map[string]any{"Limit": maxEntries})
	}
	r.Said++
	e.N, e.At = r.Said, tx.Now
	return s.store.addEntry(ctx, tx, *r, e)
}

// Close settles one of the customer's own requests. Closing again changes nothing. ErrNotFound.
func (s *Service) Close(ctx context.Context, who migration.Who, p *migration.Programme, id string) (Request, error) {
	return s.change(ctx, db.CustomerScope(who.CustomerID), id, func(tx *db.Tx, r Request) (Request, *audit.Entry, error) {
		return s.end(ctx, tx, p, r, who.ContactID, audit.Customer)
	})
}

// end settles a request.
func (s *Service) end(ctx context.Context, tx *db.Tx, p *migration.Programme, r Request, actor, kind string) (Request, *audit.Entry, error) {
	if r.State == Closed {
		return r, nil, nil
	}
	if err := s.add(ctx, tx, &r, Entry{Kind: Settled, Actor: actor}); err != nil {
		return r, nil, err
	}
	if err := s.endRound(ctx, tx, p, r); err != nil {
		return r, nil, err
	}
	return r.Close(tx.Now), &audit.Entry{Actor: actor, ActorKind: kind, Act: "help.close"}, nil
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
