package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// StripePayment is a payment that can be given back. After says what becomes of its refunds, as Stripe's test cards do.
type StripePayment struct {
	ID       string      `json:"id"`               // pi_...
	Charge   string      `json:"charge,omitempty"` // ch_...; default made from the id
	Amount   int64       `json:"amount"`           // as Stripe counts it
	Currency string      `json:"currency"`         // lower case
	Refunded int64       `json:"refunded"`         // so far
	After    StripeAfter `json:"after,omitempty"`
}

// StripeAfter is what becomes of a payment's refunds.
type StripeAfter string

// What becomes of refunds. The later part comes after StripeOptions.Later, or by Settle.
const (
	StripeAtOnce    StripeAfter = ""         // succeeded at once
	StripeLater     StripeAfter = "later"    // pending, then succeeded
	StripeBounces   StripeAfter = "bounces"  // succeeded, then failed: the card has expired
	StripeLost      StripeAfter = "lost"     // pending, then failed: the card is lost
	StripeRefuses   StripeAfter = "refuses"  // refused: the charge cannot be refunded
	StripeContested StripeAfter = "disputed" // refused: the customer's bank takes it back
)

// StripeRefund is a refund that the provider has made.
type StripeRefund struct {
	Number   int               `json:"number"`
	ID       string            `json:"id"`
	Payment  string            `json:"payment"`
	Amount   int64             `json:"amount"` // as Stripe counts it
	Currency string            `json:"currency"`
	Status   string            `json:"status"`
	Failure  string            `json:"failure,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Key      string            `json:"key"` // the idempotency key that made it
	Metadata map[string]string `json:"metadata"`
	Created  time.Time         `json:"created"`
	Updated  time.Time         `json:"updated"`
}

// Ref is our reference, which the portal puts into the metadata.
func (r StripeRefund) Ref() string { return r.Metadata["offramp_refund"] }

// StripeOptions say how to run the payment provider.
type StripeOptions struct {
	Address  string        // default: a free port of this machine
	Key      string        // the API key that it takes; default random
	Secrets  []string      // that sign events, all of them at once as in a rotation; default one, random
	Hook     string        // where events are posted; empty: nowhere, until SetHook
	File     string        // keeps payments, refunds and keys between runs; empty: memory only
	Later    time.Duration // until the later part of a refund that has one; 0: only by Settle
	Shift    time.Duration // its clock runs ahead by so much, but for signatures
	Payments []StripePayment
}

// Stripe is a running payment provider that speaks Stripe's interface for refunds, held against Stripe's own description of
// it, and remembers: payments, refunds, idempotency keys, events. It shows its refunds on a page and as JSON at /api/refunds,
// and it can be told to break in the ways that real ones do.
type Stripe struct {
	URL     string // of the interface and the page
	Key     string
	Secrets []string

	options  StripeOptions
	contract *stripeContract
	changed  *inbox[StripeRefund] // every state of every refund, as it comes
	faults   stripeFaults
	events   *stripeEvents
	done     context.Context
	end      context.CancelFunc
	stop     func() error
	timers   sync.WaitGroup

	mu    sync.Mutex
	state stripeState
}

// stripeState is what is kept between runs.
type stripeState struct {
	Payments map[string]*StripePayment `json:"payments"`
	Refunds  []*StripeRefund           `json:"refunds"` // oldest first
	Keys     map[string]stripeReply    `json:"keys"`
}

// StartStripe starts a provider. It runs until Close.
func StartStripe(ctx context.Context, o StripeOptions) (*Stripe, error) {
	contract, err := loadStripeContract()
	if err != nil {
		return nil, fmt.Errorf("read stripe-mock's description: %w", err)
	}
	o.Key = cmp.Or(o.Key, "sk_test_"+rand.Text())
	if len(o.Secrets) == 0 {
		o.Secrets = []string{"whsec_" + base64.RawStdEncoding.EncodeToString([]byte(rand.Text()))}
	}
	l, err := listen(ctx, o.Address)
	if err != nil {
		return nil, err
	}
	s := &Stripe{
		URL: "http://" + l.Addr().String(), Key: o.Key, Secrets: o.Secrets, options: o, contract: contract, changed: newInbox[StripeRefund](),
		state: stripeState{Payments: map[string]*StripePayment{}, Keys: map[string]stripeReply{}},
	}
	s.done, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.events = newStripeEvents(s.done, o.Hook, o.Secrets)
	if err := s.load(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.Seed(o.Payments...)
	s.stop = serve(l, s.handler())
	return s, nil
}

// Close stops answering and sending.
func (s *Stripe) Close() error {
	s.end()
	err := s.stop()
	s.timers.Wait()
	s.events.wait()
	return err
}

// Seed adds payments. One that is there already stays as it is.
func (s *Stripe) Seed(payments ...StripePayment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range payments {
		p.Charge = cmp.Or(p.Charge, "ch_"+strings.TrimPrefix(p.ID, "pi_"))
		p.Currency = strings.ToLower(p.Currency)
		if s.state.Payments[p.ID] == nil {
			s.state.Payments[p.ID] = &p
		}
	}
	s.save()
}

// Payments lists the payments by id.
func (s *Stripe) Payments() []StripePayment {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]StripePayment, 0, len(s.state.Payments))
	for _, p := range s.state.Payments {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b StripePayment) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Refunds lists the refunds, newest first.
func (s *Stripe) Refunds() []StripeRefund {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]StripeRefund, 0, len(s.state.Refunds))
	for _, r := range slices.Backward(s.state.Refunds) {
		list = append(list, *r)
	}
	return list
}

// Wait returns the newest state of a refund that matches, as soon as there is one. A nil match takes any.
func (s *Stripe) Wait(ctx context.Context, match func(StripeRefund) bool) (StripeRefund, error) {
	if match == nil {
		match = func(StripeRefund) bool { return true }
	}
	found, err := s.changed.wait(ctx, match)
	if err != nil {
		return found, fmt.Errorf("wait for a refund: %w", err)
	}
	return found, nil
}

// Settle moves a refund to succeeded, failed or canceled, and tells of it by an event. failure is Stripe's reason for failed,
// such as expired_or_canceled_card. What failed or was cancelled stays so, as at Stripe.
func (s *Stripe) Settle(id, status, failure string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(id)
	switch {
	case r == nil:
		return fmt.Errorf("no refund %s", id)
	case r.Status == status:
		return nil
	case r.Status == "failed" || r.Status == "canceled" || !slices.Contains([]string{"succeeded", "failed", "canceled"}, status):
		return fmt.Errorf("refund %s is %s and cannot become %s", id, r.Status, status)
	}
	r.Status, r.Updated = status, s.now()
	if status != "succeeded" {
		s.state.Payments[r.Payment].Refunded -= r.Amount // the money is back, and the payment can be refunded again
	}
	if status == "failed" {
		r.Failure = cmp.Or(failure, "unknown")
	}
	s.save()
	s.tell("refund.updated", r)
	if status == "failed" {
		s.tell("refund.failed", r)
	}
	return nil
}

// ForgetKeys forgets the idempotency keys, as Stripe does after some time.
func (s *Stripe) ForgetKeys() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.state.Keys)
	s.save()
}

func (s *Stripe) find(id string) *StripeRefund {
	i := slices.IndexFunc(s.state.Refunds, func(r *StripeRefund) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return s.state.Refunds[i]
}

func (s *Stripe) now() time.Time { return time.Now().Add(s.options.Shift).UTC() }

// tell makes a change known: to those who wait here, and to the portal by an event.
func (s *Stripe) tell(kind string, r *StripeRefund) {
	s.changed.add(*r)
	s.events.add(kind, s.now(), s.object(r))
}

func (s *Stripe) load() error {
	if s.options.File == "" {
		return nil
	}
	content, err := os.ReadFile(s.options.File)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, &s.state); err != nil {
		return fmt.Errorf("read %s: %w", s.options.File, err)
	}
	return nil
}

// save writes the state down as a whole. The files of demonstrations are small, and a demonstration that cannot write has
// said so elsewhere.
func (s *Stripe) save() {
	if s.options.File == "" {
		return
	}
	content, err := json.Marshal(s.state)
	if err == nil && os.WriteFile(s.options.File+".new", content, 0o600) == nil {
		_ = os.Rename(s.options.File+".new", s.options.File)
	}
}
