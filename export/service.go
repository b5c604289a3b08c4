package export

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"offramp/export/archive/locked"
	"offramp/export/storage"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/secret"
	"offramp/migration"
)

// Options bound what customers may ask for. Zero values take the defaults.
type Options struct {
	LinkTTL time.Duration // how long one download link works; default 10 minutes
	PerDay  int           // requests of one customer in any 24 hours; default 10

	// Passwords seals those of exports that are to be locked until a worker has built them; nil: exports cannot be
	// locked.
	Passwords *secret.Vault
}

// PasswordPurpose is what the key is for that seals passwords of exports.
const PasswordPurpose = "export password"

func (o Options) withDefaults() Options {
	if o.LinkTTL <= 0 {
		o.LinkTTL = 10 * time.Minute
	}
	if o.PerDay <= 0 {
		o.PerDay = 10
	}
	return o
}

// Service is what people may ask of exports. Safe for concurrent use, on any number of replicas.
type Service struct {
	db      *db.DB
	store   store
	journey *migration.Service
	queue   *jobs.Client
	bucket  *storage.Bucket
	opts    Options
}

// NewService works on d and enqueues with queue, which may only insert.
func NewService(d *db.DB, journey *migration.Service, queue *jobs.Client, bucket *storage.Bucket, o Options) *Service {
	return &Service{db: d, store: store{db: d}, journey: journey, queue: queue, bucket: bucket, opts: o.withDefaults()}
}

// May reports whether the person may request, cancel, retry and download exports: an owner always, a member where the
// programme says so.
func May(who migration.Who, p *migration.Programme) bool {
	return who.Role == migration.Owner || who.Role == migration.Member && p.Export.Members
}

// Deadline is the last moment at which this customer may request an export, and whether the programme sets one.
func Deadline(p *migration.Programme, extensions map[string]migration.Day) (time.Time, bool) {
	return p.Deadline(migration.ExportDeadline, extensions)
}

// Request asks for an export. A customer has one live export at most: while there is one, it is returned, however often
// and on however many replicas somebody asks. ErrOwnersOnly, ErrSelection, ErrDeadline (the moment of the request
// decides; what was asked for in time is completed), ErrLimited.
func (s *Service) Request(ctx context.Context, who migration.Who, p *migration.Programme, sel Selection) (Export, error) {
	if !May(who, p) {
		return Export{}, ErrOwnersOnly
	}
	sel, err := checked(sel, p)
	if err != nil {
		return Export{}, err
	}
	scope := db.CustomerScope(who.CustomerID)
	customer, err := s.journey.Customer(ctx, scope, who.CustomerID)
	if err != nil {
		return Export{}, err
	}
	if err := s.mayLock(sel, p, customer); err != nil {
		return Export{}, err
	}
	var e Export
	err = s.db.InTx(ctx, scope, func(tx *db.Tx) error {
		if err := s.store.serialise(ctx, tx, who.CustomerID); err != nil {
			return err
		}
		e, err = s.store.live(ctx, tx, who.CustomerID)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if last, ok := Deadline(p, customer.Extensions); ok && tx.Now.After(last) {
			return ErrDeadline.With(map[string]any{"Deadline": last})
		}
		if err := s.allow(ctx, tx, who.CustomerID); err != nil {
			return err
		}
		if err := s.refer(ctx, tx, &sel); err != nil {
			return err
		}
		e = Export{
			ID: rand.Text(), CustomerID: who.CustomerID, RequestedBy: who.ContactID, Selection: sel,
			Locale: customer.Locale, State: Queued, RequestedAt: tx.Now,
		}
		e.Selection.Password = ""
		if err := s.create(ctx, tx, &e, priorityAt(tx.Now, p, customer.Extensions)); err != nil {
			return err
		}
		return s.seal(ctx, tx, e, sel)
	})
	if errors.Is(err, ErrOtherLive) { // by a retry, which does not line up; the index is the last word
		if other, gone := s.liveOf(ctx, who.CustomerID); gone == nil {
			return other, nil
		}
	}
	if err != nil {
		return Export{}, fmt.Errorf("request export: %w", err)
	}
	return public(e), nil
}

// seal keeps the password of a locked export until it is built.
func (s *Service) seal(ctx context.Context, tx *db.Tx, e Export, sel Selection) error {
	if !sel.Locked {
		return nil
	}
	sealed, err := s.opts.Passwords.Seal(ctx, string(sel.Password), e.ID)
	if err != nil {
		return err
	}
	return s.store.keepPassword(ctx, tx, e, sealed)
}

// CanLock reports whether exports can be locked by a password.
func (s *Service) CanLock() bool { return s.opts.Passwords != nil }

// mayLock refuses a password that would protect nothing. ErrSelection with the field "password".
func (s *Service) mayLock(sel Selection, p *migration.Programme, c migration.Customer) error {
	switch {
	case !sel.Locked:
		return nil
	case !s.CanLock():
		return ErrSelection.Field("locked", "export.locked_not", nil)
	}
	near := []string{c.Ref, c.Name, p.Key}
	for _, name := range p.Product.Name {
		near = append(near, name)
	}
	if flaw := locked.Judge(string(sel.Password), near...); flaw != "" {
		return ErrSelection.Field("password", "export.password."+string(flaw), map[string]any{"Min": locked.MinLength, "Max": locked.MaxLength})
	}
	return nil
}

// create writes the export with everything that follows from it.
func (s *Service) create(ctx context.Context, tx *db.Tx, e *Export, priority int) (err error) {
	if e.Locale, err = s.store.locale(ctx, tx, e.CustomerID, e.RequestedBy); err != nil {
		return err
	}
	if e.Number, err = s.store.insert(ctx, tx, *e); err != nil {
		return err
	}
	if _, err := s.journey.Tell(ctx, tx, e.CustomerID, event(migration.ExportRequested, *e, e.RequestedBy)); err != nil {
		return err
	}
	if err := enqueue(ctx, tx, s.store, s.queue, e, priority); err != nil {
		return err
	}
	requests.Inc()
	return audit.Record(ctx, tx, audit.Entry{
		Actor: e.RequestedBy, ActorKind: audit.Customer, Act: "export.request", Object: subject(*e), CustomerID: e.CustomerID,
		Detail: map[string]any{"datasets": e.Selection.Datasets, "formats": e.Selection.Formats, "spreadsheet": e.Selection.Spreadsheet, "locked": e.Selection.Locked},
	})
}

const day = 24 * time.Hour

// allow refuses a request beyond the day's number.
func (s *Service) allow(ctx context.Context, tx *db.Tx, customerID string) error {
	n, oldest, err := s.store.recent(ctx, tx, customerID, tx.Now.Add(-day))
	if err != nil || n < s.opts.PerDay {
		return err
	}
	again := oldest.Add(day)
	return ErrLimited.With(map[string]any{
		"Limit": s.opts.PerDay, "Hours": int(math.Ceil(again.Sub(tx.Now).Hours())), "Again": again,
	})
}

func (s *Service) liveOf(ctx context.Context, customerID string) (e Export, err error) {
	err = s.db.InTx(ctx, db.CustomerScope(customerID), func(tx *db.Tx) error {
		e, err = s.store.live(ctx, tx, customerID)
		return err
	})
	return public(e), err
}

// Get returns one of the customer's own exports. ErrNotFound also for another customer's.
func (s *Service) Get(ctx context.Context, who migration.Who, id string) (Export, error) {
	e, err := s.store.get(ctx, db.CustomerScope(who.CustomerID), id)
	return public(e), err
}

// List returns the customer's own exports with numbers below before (0: from the newest), newest first, and whether
// there are more.
func (s *Service) List(ctx context.Context, who migration.Who, before int64, limit int) ([]Export, bool, error) {
	list, err := s.store.list(ctx, db.CustomerScope(who.CustomerID), who.CustomerID, before, limit+1)
	for i := range list {
		list[i] = public(list[i])
	}
	return list[:min(limit, len(list))], len(list) > limit, err
}

// GetForStaff returns any customer's export within a staff scope, with the cause of its trouble.
func (s *Service) GetForStaff(ctx context.Context, scope db.Scope, id string) (Export, error) {
	return s.store.get(ctx, scope, id)
}

// ListForStaff is List for a customer that staff look at.
func (s *Service) ListForStaff(ctx context.Context, scope db.Scope, customerID string, before int64, limit int) ([]Export, bool, error) {
	list, err := s.store.list(ctx, scope, customerID, before, limit+1)
	return list[:min(limit, len(list))], len(list) > limit, err
}

// Volume returns one archive file of the customer's own export, with its slices. ErrNotFound.
func (s *Service) Volume(ctx context.Context, who migration.Who, id string, number int) (Volume, error) {
	list, err := s.store.volumes(ctx, db.CustomerScope(who.CustomerID), id, max(number, 1))
	if err != nil {
		return Volume{}, fmt.Errorf("read volume: %w", err)
	}
	if len(list) == 0 {
		return Volume{}, ErrNotFound
	}
	list[0].Key = ""
	return list[0], nil
}

// Volumes returns all archive files of the customer's own export, with their slices, in order. None of an unknown
// export.
func (s *Service) Volumes(ctx context.Context, who migration.Who, id string) ([]Volume, error) {
	list, err := s.store.volumes(ctx, db.CustomerScope(who.CustomerID), id, 0)
	if err != nil {
		return nil, fmt.Errorf("read volumes: %w", err)
	}
	for i := range list {
		list[i].Key = ""
	}
	return list, nil
}

// public takes away what customers do not read.
func public(e Export) Export {
	e.Cause = ""
	e.Volumes = slices.Clone(e.Volumes)
	for i := range e.Volumes {
		e.Volumes[i].Key = ""
	}
	return e
}

// subject names an export in the audit log.
func subject(e Export) string { return "export " + e.Reference() }

// event is what the journey is told of an export.
func event(kind migration.EventKind, e Export, actor string) migration.Event {
	v := migration.Event{Kind: kind, Actor: actor, ExportID: e.ID, Number: e.Number, Bytes: e.ObjectSize}
	if e.ExpiresAt != nil {
		v.Until = *e.ExpiresAt
	}
	return v
}
