package local

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// StripeEvent is something that the provider tells by itself.
type StripeEvent struct {
	ID      string    `json:"id"`
	Type    string    `json:"type"`
	Created time.Time `json:"created"`
	Body    []byte    `json:"-"` // what is signed and sent
	Tries   int       `json:"tries"`
	Answer  int       `json:"answer"` // status of the last try; 0: none
}

// StripeDelivery says how events are sent from now on. The zero value sends each once, at once, and again for a while when it
// is not taken.
type StripeDelivery struct {
	Hold   bool          // keep them, for Send
	Copies int           // deliveries of each event, at least 1
	Within time.Duration // each copy is sent at some instant within so long, so that they overtake each other
}

// stripeEvents sends events.
type stripeEvents struct {
	client  *http.Client
	done    context.Context
	sending sync.WaitGroup

	mu       sync.Mutex
	hook     string
	secrets  []string
	delivery StripeDelivery
	all      []*StripeEvent // oldest first
}

// eventPauses is how long to wait after each try that was not taken.
var eventPauses = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}

func newStripeEvents(done context.Context, hook string, secrets []string) *stripeEvents {
	return &stripeEvents{client: &http.Client{Timeout: 10 * time.Second}, done: done, hook: hook, secrets: secrets}
}

// SetHook says where events are posted from now on.
func (s *Stripe) SetHook(url string) {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	s.events.hook = url
}

// Rotate signs with these secrets from now on, with all of them at once.
func (s *Stripe) Rotate(secrets ...string) {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	s.events.secrets = slices.Clone(secrets)
}

// Deliver says how events are sent from now on.
func (s *Stripe) Deliver(d StripeDelivery) {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	s.events.delivery = d
}

// Events lists what there was to tell, oldest first.
func (s *Stripe) Events() []StripeEvent {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	list := make([]StripeEvent, len(s.events.all))
	for i, e := range s.events.all {
		list[i] = *e
	}
	return list
}

// Send posts an event to the hook, once, and returns the status that it was answered with. Its signature is made now.
func (s *Stripe) Send(ctx context.Context, e StripeEvent) (int, error) { return s.events.post(ctx, e) }

// Sign returns the Stripe-Signature header of a body at an instant.
func (s *Stripe) Sign(body []byte, at time.Time) string {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	return SignStripe(body, at, s.events.secrets...)
}

// SignStripe returns the Stripe-Signature header of a body at an instant, signed with each of the secrets.
func SignStripe(body []byte, at time.Time, secrets ...string) string {
	parts := []string{fmt.Sprintf("t=%d", at.Unix())}
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
		parts = append(parts, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(parts, ",")
}

// add writes an event and has it sent.
func (v *stripeEvents) add(kind string, at time.Time, object map[string]any) {
	e := &StripeEvent{ID: "evt_" + rand.Text(), Type: kind, Created: at.Truncate(time.Second)}
	e.Body, _ = json.Marshal(map[string]any{
		"id": e.ID, "object": "event", "api_version": "2025-10-29.clover", "created": e.Created.Unix(), "type": kind, "livemode": false,
		"pending_webhooks": 1, "request": map[string]any{"id": nil, "idempotency_key": nil}, "data": map[string]any{"object": object},
	})
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, e)
	if v.delivery.Hold || v.hook == "" || v.done.Err() != nil {
		return
	}
	for range max(1, v.delivery.Copies) {
		wait := time.Duration(0)
		if v.delivery.Within > 0 {
			wait = mathrand.N(v.delivery.Within)
		}
		v.sending.Go(func() { v.deliver(e, wait) })
	}
}

// deliver sends an event until it is taken or the tries are used up.
func (v *stripeEvents) deliver(e *StripeEvent, wait time.Duration) {
	for _, pause := range eventPauses {
		select {
		case <-time.After(wait):
		case <-v.done.Done():
			return
		}
		status, err := v.post(v.done, *e)
		v.mu.Lock()
		e.Tries++
		e.Answer = status
		v.mu.Unlock()
		if err == nil && status < http.StatusMultipleChoices {
			return
		}
		wait = pause
	}
}

func (v *stripeEvents) post(ctx context.Context, e StripeEvent) (int, error) {
	v.mu.Lock()
	hook, secrets := v.hook, v.secrets
	v.mu.Unlock()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, hook, bytes.NewReader(e.Body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", SignStripe(e.Body, time.Now(), secrets...))
	response, err := v.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	return response.StatusCode, nil
}

func (v *stripeEvents) wait() { v.sending.Wait() }
