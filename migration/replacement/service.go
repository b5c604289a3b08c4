package replacement

import (
	"context"

	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/secret"
	"offramp/migration"
)

// Service is what customers, staff and replacements may do in step 3. Safe for concurrent use, on any number of replicas.
type Service struct {
	db       *db.DB
	store    store
	queue    *jobs.Client
	journeys *migration.Service
	box      *secret.Box
	key      []byte // signs hand-over links
}

// store is the only place that knows the tables.
type store struct{}

// NewBox makes the box that codes are sealed in, from the installation's secret and those that it had before.
func NewBox(current []byte, before ...[]byte) (*secret.Box, error) {
	return secret.New("offer codes", current, before...)
}

// NewService works on d and enqueues with queue, which may only insert. key is the installation's secret, from which the
// key of hand-over links is derived; box is NewBox's.
func NewService(d *db.DB, queue *jobs.Client, journeys *migration.Service, box *secret.Box, key []byte) *Service {
	return &Service{db: d, queue: queue, journeys: journeys, box: box, key: secret.Derive(key, "replacement hand-over")}
}

// Overview reads what the pages of step 3 show of a customer, in one round trip. ErrNotFound when the scope does not reach
// the customer.
func (s *Service) Overview(ctx context.Context, scope db.Scope, customerID string) (Overview, error) {
	return Overview{}, ErrNotFound
}

// Refresh asks for a fresh count of what one customer uses; asking often is asking once. For the customer's contacts.
func (s *Service) Refresh(ctx context.Context, who migration.Who, p *migration.Programme) error {
	return nil
}

// Check is what the customer is shown before choosing a replacement: the losses to accept, the offer and the price. It
// changes nothing. ErrNotFound for an unknown replacement, ErrWithdrawn for one that is not offered any more.
func (s *Service) Check(ctx context.Context, who migration.Who, p *migration.Programme, key string) (Check, error) {
	return Check{}, ErrNotFound
}

// Choose makes a choice, or another one instead of the one before: it stores the losses accepted, draws the offer's code or
// puts the customer on the waiting list, tells the journey and sends the mail. Choosing what is chosen already changes
// nothing. For owners. ErrNotOwner, ErrNotFound, ErrWithdrawn, ErrCarriedOut; ErrLossesChanged when accept lists other
// losses than there are now, ErrOfferEnded when it was shown an offer that has ended since: show Check again.
func (s *Service) Choose(ctx context.Context, who migration.Who, p *migration.Programme, accept Accept) (Choice, error) {
	return Choice{}, ErrNotFound
}

// ChooseNone records none of these, with a reason. For owners. ErrReason with Fields reason and text; ErrCarriedOut.
func (s *Service) ChooseNone(ctx context.Context, who migration.Who, p *migration.Programme, why Decline) (Choice, error) {
	return Choice{}, ErrNotFound
}

// Defer records that the customer has not decided, with a reason. For owners. ErrReason with Fields reason and text;
// ErrCarriedOut.
func (s *Service) Defer(ctx context.Context, who migration.Who, p *migration.Programme, why Decline) (Choice, error) {
	return Choice{}, ErrNotFound
}

// Undo takes the decision back. A code that was drawn stays the customer's, and comes back with the same choice. For owners.
// ErrNothingChosen, ErrCarriedOut.
func (s *Service) Undo(ctx context.Context, who migration.Who) error { return nil }

// HandOverForm is what would be handed over to the sign-up of the replacement that was chosen, to be shown and agreed to
// field by field. For owners. ErrNothingChosen, ErrNoSignUp.
func (s *Service) HandOverForm(ctx context.Context, who migration.Who, p *migration.Programme) ([]Value, error) {
	return nil, ErrNoSignUp
}

// StartHandOver stores which fields the customer agreed to hand over and returns where to go on: the replacement's sign-up
// with a signed token that works once, for ten minutes. For owners. ErrConsent with the field fields for one that is not
// among those shown; ErrNothingChosen, ErrNoSignUp, ErrWithdrawn.
func (s *Service) StartHandOver(ctx context.Context, who migration.Who, p *migration.Programme, fields []string) (url string, err error) {
	return "", ErrNoSignUp
}

// SetTick ticks a step of a replacement's guide off, or takes the tick back. Any contact of the customer may. ErrNotFound
// for a step or replacement that the programme does not have.
func (s *Service) SetTick(ctx context.Context, who migration.Who, p *migration.Programme, key, step string, done bool) error {
	return ErrNotFound
}

// Features reports how the count of each of the programme's features stands, in the programme's order. For staff.
func (s *Service) Features(ctx context.Context, p *migration.Programme) ([]FeatureReport, error) {
	return nil, nil
}

// Pools reports how the codes of each replacement with a pool stand, in the programme's order. For staff.
func (s *Service) Pools(ctx context.Context, p *migration.Programme) ([]Pool, error) {
	return nil, nil
}

// Waiting lists the customers who wait for a code, longest first, at most limit, and records that they were listed. For
// staff.
func (s *Service) Waiting(ctx context.Context, staffID string, limit int) ([]Waiter, error) {
	return nil, nil
}
