package replacement

import (
	"context"
	"log/slog"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/jobs"
	"offramp/internal/secret"
	"offramp/migration"
)

// Options are what the service stands on beside the database.
type Options struct {
	Queue    *jobs.Client // which may only insert
	Journeys *migration.Service
	Secret   []byte            // the installation's: codes are sealed and hand-over links signed with keys derived from it
	Before   [][]byte          // what it was before
	Secrets  map[string]string // replacement -> signing secret of its reports, as Standard Webhooks writes it
	Logger   *slog.Logger      // nil: nothing is logged
}

// Service is what customers, staff and replacements may do in step 3. Safe for concurrent use, on any number of replicas.
type Service struct {
	db       *db.DB
	store    store
	queue    *jobs.Client
	journeys *migration.Service
	box      *secret.Box
	key      []byte   // signs hand-over links
	before   [][]byte // what key was earlier
	secrets  map[string]string
	log      *slog.Logger
}

// sealing is the purpose of the box that codes are sealed in.
const sealing = "offer codes"

// handOver is the purpose of the key that signs hand-over links and finds codes.
const handOver = "replacement hand-over"

// NewService works on d.
func NewService(d *db.DB, o Options) (*Service, error) {
	box, err := secret.New(sealing, o.Secret, o.Before...)
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		db: d, queue: o.Queue, journeys: o.Journeys, box: box, key: secret.Derive(o.Secret, handOver), secrets: o.Secrets, log: o.Logger,
	}
	for _, old := range o.Before {
		s.before = append(s.before, secret.Derive(old, handOver))
	}
	return s, nil
}

// OpenCode opens a code that a mail carries sealed, for the owner that Seal was given.
func (s *Service) OpenCode(envelope, owner string) (string, error) {
	return s.box.Open(envelope, owner)
}

// Overview reads what the pages of step 3 show of a customer, in one round trip. ErrNotFound when the scope does not reach
// the customer. Codes are in it in the clear: show them to owners.
func (s *Service) Overview(ctx context.Context, scope db.Scope, customerID string) (Overview, error) {
	o, err := s.store.overview(ctx, s.db, scope, customerID)
	if err != nil {
		return Overview{}, err
	}
	for key, c := range o.Codes {
		if c.Waiting {
			continue
		}
		if c.Code, err = s.box.Open(c.sealed, c.id); err != nil {
			return Overview{}, err
		}
		o.Codes[key] = c
	}
	return o, nil
}

// Check is what the customer is shown before choosing a replacement: the losses to accept, the offer and the price. It
// changes nothing. ErrNotFound for an unknown replacement, ErrWithdrawn for one that is not offered any more.
func (s *Service) Check(ctx context.Context, who migration.Who, p *migration.Programme, key string) (c Check, err error) {
	r, err := onOffer(p, key)
	if err != nil {
		return Check{}, err
	}
	err = s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		customer, err := s.journeys.CustomerIn(ctx, tx, who.CustomerID)
		if err != nil {
			return err
		}
		usage, err := s.store.usage(ctx, tx, who.CustomerID)
		if err != nil {
			return err
		}
		current, err := s.store.current(ctx, tx, who.CustomerID)
		if err != nil {
			return err
		}
		c = Check{Losses: LossesOf(p, r, usage), Price: PriceFor(p, r, customer, tx.Now), CarriedOut: current != nil && !current.Changeable()}
		c.Offer, c.OfferUntil = OfferFor(p, r, customer.Tier, tx.Now)
		if c.Offer != OfferOpen {
			return nil
		}
		c.Code = r.Offer.Pool || r.Offer.Code != ""
		if r.Offer.Pool {
			c.Scarce, err = s.store.scarce(ctx, tx, who.CustomerID, key)
		}
		return err
	})
	return c, err
}

// onOffer finds a replacement that may be chosen.
func onOffer(p *migration.Programme, key string) (migration.Replacement, error) {
	r, ok := p.Replacement(key)
	switch {
	case !ok:
		return r, ErrNotFound
	case r.Withdrawn:
		return r, ErrWithdrawn
	}
	return r, nil
}

// SetTick ticks a step of a replacement's guide off, or takes the tick back. Any contact of the customer may. ErrNotFound
// for a step or replacement that the programme does not have.
func (s *Service) SetTick(ctx context.Context, who migration.Who, p *migration.Programme, key, step string, done bool) error {
	if !hasStep(p, key, step) {
		return ErrNotFound
	}
	return s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		changed, err := s.store.tick(ctx, tx, who, key, step, done)
		if err != nil || !changed {
			return err
		}
		act := "guide.tick"
		if !done {
			act = "guide.untick"
		}
		return s.record(ctx, tx, who, act, key, map[string]any{"step": step})
	})
}

func hasStep(p *migration.Programme, key, step string) bool {
	r, ok := p.Replacement(key)
	if !ok || r.Guide == nil {
		return false
	}
	for _, s := range r.Guide.Steps {
		if s.Key == step {
			return true
		}
	}
	return false
}

// Refresh asks for a fresh count of what one customer uses; asking often is asking once. For the customer's contacts.
func (s *Service) Refresh(ctx context.Context, who migration.Who, p *migration.Programme) error {
	if len(p.Features) == 0 {
		return nil
	}
	return s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		if err := s.store.request(ctx, tx, who.CustomerID); err != nil {
			return err
		}
		_, err := s.queue.InsertTx(ctx, tx, CustomerArgs{CustomerID: who.CustomerID}, nil)
		return err
	})
}

// record writes the audit row of a contact's act about a replacement.
func (s *Service) record(ctx context.Context, tx *db.Tx, who migration.Who, act, key string, detail map[string]any) error {
	return audit.Record(ctx, tx, audit.Entry{
		Actor: who.ContactID, ActorKind: audit.Customer, Act: act, Object: object(key), CustomerID: who.CustomerID, Detail: detail,
	})
}

func object(key string) string {
	if key == "" {
		return "choice of a replacement"
	}
	return "replacement " + key
}

// notFoundAs turns the absence of a customer into our own.
func notFoundAs(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return ErrNotFound.Wrap(err)
	}
	return err
}
