package stripe_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/deploy/local"
	"offramp/internal/fault"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/stripe"
)

// told makes a refund that succeeds and then comes back, and returns what the provider tells of it.
func told(t *testing.T, provider *local.Stripe, c *stripe.Client) (payout.Outcome, []local.StripeEvent) {
	t.Helper()
	provider.Deliver(local.StripeDelivery{Hold: true})
	out := refund(t, c, order())
	for _, status := range []string{"succeeded", "failed"} {
		if err := provider.Settle(out.ID, status, "expired_or_canceled_card"); err != nil {
			t.Fatal(err)
		}
	}
	return out, provider.Events()
}

var later = local.StripePayment{ID: "pi_1", Amount: 10000, Currency: "cny", After: local.StripeLater}

func TestF07_AnEventForgedStaleOrSignedWithARotatedSecret(t *testing.T) {
	provider, c := open(t)
	refund(t, c, order())
	body := provider.Events()[0].Body
	now := time.Now()
	good := provider.Sign(body, now)
	secrets := provider.Secrets
	read := func(name string, body []byte, header string, secrets []string, ok bool) {
		t.Helper()
		e, err := stripe.ReadEvent(body, header, secrets)
		if ok && (err != nil || e.Type != "refund.created" || e.Ref != "RF-10001" || e.Attempt != 1 || e.Outcome.State != payout.Succeeded || e.Created.IsZero()) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		if !ok && (!errors.Is(err, stripe.ErrSignature) || fault.KindOf(err) != fault.Invalid || !cmp.Equal(e, payout.Event{})) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	read("good", body, good, secrets, true)
	read("forged body", slices.Concat(body, []byte(" ")), good, secrets, false)
	read("no signature", body, "", secrets, false)
	read("nonsense", body, "t=x,v1=y", secrets, false)
	read("no timestamp", body, good[len("t=1234567890,"):], secrets, false)
	read("another's secret", body, good, []string{"whsec_other"}, false)
	read("no secret", body, good, nil, false)
	read("empty secret", body, good, []string{""}, false)
	read("stale", body, provider.Sign(body, now.Add(-5*time.Minute-2*time.Second)), secrets, false)
	read("nearly stale", body, provider.Sign(body, now.Add(-4*time.Minute)), secrets, true)

	provider.Rotate("whsec_new", secrets[0])
	read("both, we have the new", body, provider.Sign(body, now), []string{"whsec_new", "whsec_x"}, true)
	read("both, we have the old", body, provider.Sign(body, now), secrets, true)
	provider.Rotate("whsec_new")
	read("rotated there, we have both", body, provider.Sign(body, now), []string{"whsec_new", secrets[0]}, true)
	read("rotated there, the new is our second", body, provider.Sign(body, now), []string{secrets[0], "whsec_new"}, true)
	read("rotated there, not here", body, provider.Sign(body, now), secrets, false)
}

func TestF07_EventsThatAreSignedAndNoneOfOurs(t *testing.T) {
	provider, _ := open(t)
	for body, want := range map[string]error{
		`{"id":"evt_1","object":"event","type":"charge.refunded","created":1,"data":{"object":{"id":"ch_1","object":"charge"}}}`:                     nil,
		`{"id":"evt_1","object":"event","type":"refund.created","created":1,"data":{"object":{"id":"re_1","object":"refund","status":"succeeded"}}}`: nil,
		`{"id":"evt_1","object":"event","type":"refund.created","created":1,"data":{"object":{"object":"refund","status":"succeeded"}}}`:             stripe.ErrEvent,
		`{"id":"evt_1","object":"event","type":"refund.created","created":1,"data":{"object":{"id":"re_1","object":"refund","amount":"many"}}}`:      stripe.ErrEvent,
		`{"id":"evt_1","object":"event","type":"refund.created","created":1}`:                                                                        stripe.ErrEvent,
		`{"id":"","object":"event","type":"refund.created","created":1,"data":{"object":{"id":"re_1","object":"refund"}}}`:                           stripe.ErrEvent,
		`{"id":"evt_1","object":"event","type":"refund.created","created":0,"data":{"object":{"id":"re_1","object":"refund"}}}`:                      stripe.ErrEvent,
		`[]`: stripe.ErrEvent, ``: stripe.ErrEvent, `{`: stripe.ErrEvent,
	} {
		e, err := stripe.ReadEvent([]byte(body), provider.Sign([]byte(body), time.Now()), provider.Secrets)
		if !errors.Is(err, want) || e.Ref != "" {
			t.Errorf("%s: %+v, %v, want %v", body, e, err, want)
		}
	}
}

// A status that Stripe may invent is not taken for one that we know.
func TestAStatusThatWeDoNotKnowIsUnknown(t *testing.T) {
	provider, _ := open(t)
	body := []byte(`{"id":"evt_1","object":"event","type":"refund.updated","created":5,"data":{"object":{"id":"re_1","object":"refund","status":"on_the_moon","currency":"cny","amount":1}}}`)
	e, err := stripe.ReadEvent(body, provider.Sign(body, time.Now()), provider.Secrets)
	if err != nil || e.Outcome.State != payout.Unknown || e.Outcome.Code != "status_on_the_moon" {
		t.Errorf("%+v, %v", e, err)
	}
}

// permutations calls f with every order of list.
func permutations[T any](list []T, f func([]T)) {
	var walk func(int)
	walk = func(i int) {
		if i == len(list) {
			f(list)
			return
		}
		for j := i; j < len(list); j++ {
			list[i], list[j] = list[j], list[i]
			walk(i + 1)
			list[i], list[j] = list[j], list[i]
		}
	}
	walk(0)
}

func TestF08_TheProvidersEventsInEveryOrderAndTwice(t *testing.T) {
	provider, c := open(t, later)
	first, events := told(t, provider, c)
	if len(events) != 4 { // created, updated twice, failed
		t.Fatalf("%d events", len(events))
	}
	var read []payout.Event
	for _, e := range append(events, events[0], events[2]) {
		event, err := stripe.ReadEvent(e.Body, provider.Sign(e.Body, time.Now()), provider.Secrets)
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, event)
	}
	for _, start := range []payout.Outcome{first, {}, {State: payout.Unknown, Code: "timeout"}} {
		permutations(read, func(order []payout.Event) {
			state := start
			for _, e := range order {
				var err error
				if state, err = payout.Merge(state, e); err != nil {
					t.Fatal(err)
				}
			}
			if state.State != payout.Failed || state.Failure != payout.MethodFailed || state.ID != first.ID {
				t.Fatalf("%+v", state)
			}
		})
	}
}

// What a look-up says is folded in like an event, whichever came first.
func TestF09_SucceededThenFailedAgainstALookUp(t *testing.T) {
	provider, c := open(t, later)
	first := refund(t, c, order())
	_ = provider.Settle(first.ID, "succeeded", "")
	before := lookUp(t, c, order())
	_ = provider.Settle(first.ID, "failed", "expired_or_canceled_card")
	after := lookUp(t, c, order())
	permutations([]payout.Outcome{first, before, after, {State: payout.Unknown}, {State: payout.NotFound}}, func(order []payout.Outcome) {
		state := payout.Outcome{}
		for _, next := range order {
			var err error
			if state, err = payout.Fold(state, next); err != nil {
				t.Fatal(err)
			}
		}
		if state.State != payout.Failed || state.Code != "expired_or_canceled_card" {
			t.Fatalf("%+v", state)
		}
	})
}

// Events arrive by HTTP, late, twice and out of order; each is verified as it comes.
func TestF08_EventsThatOvertakeEachOther(t *testing.T) {
	provider, c := open(t, later)
	var mu sync.Mutex
	state, seen, all := payout.Outcome{}, 0, make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(body)
		e, err := stripe.ReadEvent(body, r.Header.Get(stripe.SignatureHeader), provider.Secrets)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			state, err = payout.Merge(state, e)
		}
		if err != nil {
			t.Error(err)
			w.WriteHeader(http.StatusBadRequest)
		}
		if seen++; seen == 12 {
			close(all)
		}
	}))
	defer hook.Close()
	provider.SetHook(hook.URL)
	provider.Deliver(local.StripeDelivery{Copies: 3, Within: 150 * time.Millisecond})
	out := refund(t, c, order())
	_ = provider.Settle(out.ID, "succeeded", "")
	_ = provider.Settle(out.ID, "failed", "lost_or_stolen_card")
	<-all
	mu.Lock()
	defer mu.Unlock()
	if state.State != payout.Failed || state.Code != "lost_or_stolen_card" || state.ID != out.ID {
		t.Errorf("%+v", state)
	}
}

func FuzzReadEvent(f *testing.F) {
	f.Add([]byte(`{"id":"evt_1","object":"event","type":"refund.created","created":1,"data":{"object":{"id":"re_1","object":"refund","status":"failed","metadata":{"offramp_refund":"RF-1","offramp_attempt":"1"}}}}`))
	f.Add([]byte(`{"data":{"object":null}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := stripe.ReadEvent(body, local.SignStripe(body, time.Now(), "whsec_x"), []string{"whsec_x"})
		if errors.Is(err, stripe.ErrSignature) || err == nil && e.ID == "" || e.Ref != "" && e.Outcome.ID == "" {
			t.Errorf("%q: %+v, %v", body, e, err)
		}
	})
}
