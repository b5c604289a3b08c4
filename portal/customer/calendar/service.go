package calendar

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

// ErrGone answers for every address that opens nothing: stopped, renewed, of a disabled account, or never given out.
var ErrGone = fault.New(fault.Gone, "calendar.gone")

// Feed is one contact's subscription.
type Feed struct {
	Token     string
	CreatedAt time.Time
}

// Owner is whose dates a feed shows.
type Owner struct {
	CustomerID string
	Locale     string // as in the owner's session
	Plan       migration.Plan
}

// Service keeps the feeds. Safe for concurrent use.
type Service struct {
	db    *db.DB
	store store
}

// New works on d.
func New(d *db.DB) *Service { return &Service{db: d, store: store{db: d}} }

// Find returns the contact's feed; nil when there is none.
func (s *Service) Find(ctx context.Context, who migration.Who) (*Feed, error) {
	return s.store.find(ctx, who)
}

// Renew gives the contact a new address. An earlier one opens nothing from now on.
func (s *Service) Renew(ctx context.Context, who migration.Who) error {
	token := rand.Text()
	return s.change(ctx, who, "calendar.renew", func(tx *db.Tx) error {
		return s.store.put(ctx, tx, who, token, hash(token))
	})
}

// Stop ends the contact's subscription. Stopping what is stopped changes nothing.
func (s *Service) Stop(ctx context.Context, who migration.Who) error {
	return s.change(ctx, who, "calendar.stop", func(tx *db.Tx) error { return s.store.remove(ctx, tx, who) })
}

func (s *Service) change(ctx context.Context, who migration.Who, act string, fn func(tx *db.Tx) error) error {
	return s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: who.ContactID, ActorKind: audit.Customer, Act: act, Object: "contact " + who.ContactID, CustomerID: who.CustomerID,
		})
	})
}

// Open returns whose dates lie behind a token, or ErrGone.
func (s *Service) Open(ctx context.Context, token string) (Owner, error) {
	return s.store.open(ctx, hash(token))
}

// hash is how a token is looked up, so that the index tells nobody its value by the time it takes.
func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
