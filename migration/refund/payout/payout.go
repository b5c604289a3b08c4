package payout

import (
	"context"
	"errors"
	"time"
)

// Provider gives payments back by the way they came. An error of either method means that nothing was sent: the order is
// faulty (ErrOrder) or ctx had ended. Whatever happens after the first byte has left is told by the Outcome.
type Provider interface {
	// Refund asks for the refund. Called again with the same order it is the same refund, as long as the provider
	// remembers the key (Stripe: 24 hours); after that look up first.
	Refund(ctx context.Context, o Order) (Outcome, error)
	// LookUp asks what became of the order, and moves nothing. NotFound is to be believed only once a call that was cut
	// off can no longer be on its way: wait some minutes after the last try.
	LookUp(ctx context.Context, o Order) (Outcome, error)
}

// ErrOrder is the cause of an order that cannot be sent as it is.
var ErrOrder = errors.New("payout: the order cannot be sent")

// Order is one attempt at one refund.
type Order struct {
	Ref             string // our reference of the refund, such as RF-10001
	Attempt         int    // from 1; a new attempt has a new key, and is made only after the one before has failed for certain
	IdempotencyKey  string // stored by the caller before the call; at most 255 characters
	ProviderPayment string // the provider's id of the payment: at Stripe pi_... or ch_...
	ProviderRefund  string // the provider's id of the refund, once known
	Amount          int64  // minor units, above zero
	Currency        string // ISO 4217, of the payment
	Metadata        map[string]string
}

// State is what is known of an attempt.
type State string

// The states of an attempt.
const (
	Accepted  State = "accepted"  // the provider has taken it on; the money is on its way
	Succeeded State = "succeeded" // the provider says that it is paid; it may still come back
	Failed    State = "failed"    // refused, or came back; Failure says why
	Unknown   State = "unknown"   // nobody knows; look up
	NotFound  State = "not_found" // LookUp only: the provider has no such refund
)

// Failure is why an attempt failed, as far as it decides what to do next.
type Failure string

// The failures.
const (
	MethodFailed    Failure = "method_failed"    // the card or account does not take it: ask the customer for bank details
	AlreadyRefunded Failure = "already_refunded" // the payment was given back whole before
	OverRefund      Failure = "over_refund"      // more than is left of the payment
	Disputed        Failure = "disputed"         // the customer's bank is taking the payment back already
	NoFunds         Failure = "no_funds"         // our balance at the provider does not cover it: top up, then a new attempt
	Cancelled       Failure = "cancelled"        // by somebody of ours at the provider
	Invalid         Failure = "invalid"          // the provider does not understand the order: a fault of ours
	Auth            Failure = "auth"             // the provider does not accept our key: a fault of the configuration
	Busy            Failure = "busy"             // not taken on, or not even reached: again later, with the same key
)

// Outcome is what is known of an attempt after a call or an event.
type Outcome struct {
	State    State
	ID       string    // the provider's id of the refund; empty: it has none
	Failure  Failure   // of Failed
	Code     string    // the provider's own code, for staff: expired_or_canceled_card, http_503, timeout
	Detail   string    // the provider's own words, for staff
	Amount   int64     // minor units as the provider has them; 0 when it has no refund
	Currency string    // ISO 4217, as the provider has it
	At       time.Time // by the provider's clock; zero when it has no refund
	Replayed bool      // the provider answered from its memory of the key, so the same key gets this answer again
	Others   []string  // LookUp only: more refunds that bear the same reference and attempt, which must never be
}

// Again reports whether the provider took nothing on, for a reason that passes: the same order may be sent again with the
// same key, once the reason has passed.
func (o Outcome) Again() bool {
	return o.State == Failed && (o.Failure == Busy || o.Failure == Auth)
}

// Event is what a provider tells by itself about a refund, after its signature was checked.
type Event struct {
	ID      string    // the provider's id of the event; deliveries of one event share it
	Type    string    // the provider's name for it: refund.updated
	Created time.Time // by the provider's clock
	Ref     string    // our reference; empty: the refund is none of ours
	Attempt int       // 0: not told
	Outcome Outcome
}
