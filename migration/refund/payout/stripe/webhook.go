package stripe

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	stripego "github.com/stripe/stripe-go/v83"
	"github.com/stripe/stripe-go/v83/webhook"

	"offramp/internal/fault"
	"offramp/migration/refund/payout"
)

// SignatureHeader is the header of an event that bears its signatures.
const SignatureHeader = "Stripe-Signature"

// tolerance is how old an event's signature may be: a captured one is of no use later.
const tolerance = 5 * time.Minute

// Why an event is refused; both are answered with 400.
var (
	ErrSignature = fault.New(fault.Invalid, "payout.event.signature") // forged, stale, or signed with a secret of long ago
	ErrEvent     = fault.New(fault.Invalid, "payout.event.bad")       // signed, and yet no event
)

// ReadEvent checks what Stripe sent to our endpoint: the raw body, the header SignatureHeader, and the endpoint's secrets,
// the current one first, then those before it that still count. An event that is about no refund, or about none of ours,
// has no Ref: answer 200 and leave it.
func ReadEvent(body []byte, header string, secrets []string) (payout.Event, error) {
	if err := verify(body, header, secrets); err != nil {
		return payout.Event{}, err
	}
	var e stripego.Event
	if err := json.Unmarshal(body, &e); err != nil {
		return payout.Event{}, ErrEvent.Wrap(err)
	}
	if e.ID == "" || e.Created == 0 || e.Data == nil {
		return payout.Event{}, ErrEvent.Wrap(fmt.Errorf("event %q without id, instant or data", e.ID))
	}
	event := payout.Event{ID: e.ID, Type: string(e.Type), Created: time.Unix(e.Created, 0).UTC()}
	var r stripego.Refund
	if object, _ := e.Data.Object["object"].(string); object != "refund" {
		return event, nil
	}
	if err := json.Unmarshal(e.Data.Raw, &r); err != nil {
		return payout.Event{}, ErrEvent.Wrap(err)
	}
	event.Outcome = outcomeOf(&r)
	if event.Outcome.ID == "" {
		return payout.Event{}, ErrEvent.Wrap(fmt.Errorf("event %s about a refund without id", e.ID))
	}
	event.Outcome.At = event.Created // the refund as it stood then
	event.Ref = r.Metadata[metaRef]
	event.Attempt, _ = strconv.Atoi(r.Metadata[metaAttempt])
	return event, nil
}

// verify accepts any of the secrets. The instants compared are the world's: a signature is as old as it is.
func verify(body []byte, header string, secrets []string) error {
	cause := webhook.ErrNoValidSignature
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		if cause = webhook.ValidatePayloadWithTolerance(body, header, secret, tolerance); cause == nil {
			return nil
		}
	}
	return ErrSignature.Wrap(cause)
}
