package stripe_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
	"offramp/internal/outbound"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/stripe"
)

// way is the product's own way out, which may reach this machine.
func way(timeout time.Duration) *http.Client {
	return outbound.NewClient(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: timeout, MaxBody: 1 << 20})
}

// open starts a provider with one payment of 100.00 CNY and a client of it.
func open(t *testing.T, payments ...local.StripePayment) (*local.Stripe, *stripe.Client) {
	t.Helper()
	t.Parallel()
	if payments == nil {
		payments = []local.StripePayment{{ID: "pi_1", Amount: 10000, Currency: "cny"}}
	}
	provider := localtest.Stripe(t, local.StripeOptions{Payments: payments})
	return provider, client(provider, provider.Key, time.Minute)
}

func client(p *local.Stripe, key string, timeout time.Duration) *stripe.Client {
	return stripe.New(stripe.Options{Key: key, HTTP: way(timeout), URL: p.URL})
}

func order(change ...func(*payout.Order)) payout.Order {
	o := payout.Order{
		Ref: "RF-10001", Attempt: 1, IdempotencyKey: "key-1", ProviderPayment: "pi_1", Amount: 2500, Currency: "CNY",
		Metadata: map[string]string{"customer": "HZ-4711"},
	}
	for _, c := range change {
		c(&o)
	}
	return o
}

func refund(t *testing.T, c payout.Provider, o payout.Order) payout.Outcome {
	t.Helper()
	out, err := c.Refund(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func lookUp(t *testing.T, c payout.Provider, o payout.Order) payout.Outcome {
	t.Helper()
	out, err := c.LookUp(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestARefundIsPaidOnceAndFoundAgain(t *testing.T) {
	provider, c := open(t)
	if out := lookUp(t, c, order()); out.State != payout.NotFound {
		t.Errorf("before: %+v", out)
	}
	first := refund(t, c, order())
	if first.State != payout.Succeeded || !strings.HasPrefix(first.ID, "re_") || first.Amount != 2500 || first.Currency != "CNY" || first.At.IsZero() || first.Replayed {
		t.Errorf("first: %+v", first)
	}
	again := refund(t, c, order())
	if !again.Replayed {
		t.Errorf("again: %+v", again)
	}
	again.Replayed = false
	if diff := cmp.Diff(first, again); diff != "" {
		t.Error(diff)
	}
	for name, o := range map[string]payout.Order{"by reference": order(), "by id": order(func(o *payout.Order) { o.ProviderRefund = first.ID })} {
		if out := lookUp(t, c, o); out.State != payout.Succeeded || out.ID != first.ID || out.At.Before(first.At) || out.Others != nil {
			t.Errorf("%s: %+v", name, out)
		}
	}
	if out := lookUp(t, c, order(func(o *payout.Order) { o.Attempt = 2 })); out.State != payout.NotFound {
		t.Errorf("another attempt: %+v", out)
	}
	made := provider.Refunds()
	want := map[string]string{"customer": "HZ-4711", "offramp_refund": "RF-10001", "offramp_attempt": "1"}
	if len(made) != 1 || made[0].Key != "key-1" || made[0].Reason != "requested_by_customer" || !cmp.Equal(made[0].Metadata, want) {
		t.Errorf("made: %+v", made)
	}
}

func TestARefundByItsCharge(t *testing.T) {
	_, c := open(t, local.StripePayment{ID: "pi_1", Charge: "ch_77", Amount: 10000, Currency: "cny"})
	o := order(func(o *payout.Order) { o.ProviderPayment = "ch_77" })
	if out := refund(t, c, o); out.State != payout.Succeeded {
		t.Errorf("%+v", out)
	}
	if out := lookUp(t, c, o); out.State != payout.Succeeded {
		t.Errorf("%+v", out)
	}
}

// What went wrong on the way, before the money moved or after, is unknown; the same key never pays twice.
func TestF04_WhatNobodyKnowsIsUnknownAndIsSettledByLookingUp(t *testing.T) {
	for name, row := range map[string]struct {
		fault local.StripeFault
		code  string
		done  bool // the provider had done it
	}{
		"503 before":   {local.Stripe503Before, "undecodable", false},
		"503 after":    {local.Stripe503After, "undecodable", true},
		"500 kept":     {local.Stripe500Kept, "api_error", true},
		"reset before": {local.StripeResetBefore, "connection", false},
		"reset after":  {local.StripeResetAfter, "connection", true},
		"hang before":  {local.StripeHangBefore, "timeout", false},
		"hang after":   {local.StripeHangAfter, "timeout", true},
		"half answer":  {local.StripeGarbled, "undecodable", true},
		"key in use":   {local.StripeConflict, "idempotency_key_in_use", false},
	} {
		t.Run(name, func(t *testing.T) {
			provider, c := open(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			provider.FaultBy(func(r *http.Request) local.StripeFault {
				if r.Method != http.MethodPost {
					return local.StripeFine
				}
				if row.fault == local.StripeHangBefore {
					cancel(context.DeadlineExceeded) // as a time-out does, and not before it is needed
				}
				return row.fault
			})
			if row.fault == local.StripeHangAfter {
				go func() {
					_, _ = provider.Wait(ctx, nil)
					cancel(context.DeadlineExceeded)
				}()
			}
			out, err := c.Refund(ctx, order())
			if err != nil {
				t.Fatal(err)
			}
			provider.FaultBy(nil)
			if out.State != payout.Unknown || out.Code != row.code || out.ID != "" || out.Detail == "" {
				t.Errorf("after the fault: %+v", out)
			}
			want := payout.NotFound
			if row.done {
				want = payout.Succeeded
			}
			found := lookUp(t, c, order())
			if found.State != want {
				t.Errorf("looked up: %+v, want %s", found, want)
			}
			again := refund(t, c, order())
			switch {
			case row.fault == local.Stripe500Kept: // the key answers with the 500 for ever; only looking up tells
				if again.State != payout.Unknown || !again.Replayed {
					t.Errorf("again: %+v", again)
				}
			case again.State != payout.Succeeded || again.Replayed != row.done || row.done && again.ID != found.ID:
				t.Errorf("again: %+v", again)
			}
			if made := provider.Refunds(); len(made) != 1 {
				t.Errorf("%d refunds were made", len(made))
			}
		})
	}
}

func TestF04_ACallThatIsBrokenOffIsUnknown(t *testing.T) {
	provider, c := open(t)
	provider.FaultNext(local.StripeHangAfter)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		_, _ = provider.Wait(t.Context(), nil) // it is done; now the caller leaves
	}()
	out, err := c.Refund(ctx, order())
	if err != nil || out.State != payout.Unknown || out.Code != "broken_off" {
		t.Errorf("%+v, %v", out, err)
	}
}

// A provider that breaks while it is asked says nothing about the refund.
func TestF04_ALookUpThatFailsSaysNothing(t *testing.T) {
	provider, patient := open(t)
	refund(t, patient, order())
	for _, fault := range []local.StripeFault{local.Stripe503Before, local.StripeHangBefore, local.StripeGarbled, local.StripeLimited} {
		c := patient
		if fault == local.StripeHangBefore {
			c = client(provider, provider.Key, 100*time.Millisecond)
		}
		provider.FaultBy(nil)
		provider.FaultNextRead(fault)
		if out := lookUp(t, c, order()); out.State != payout.Unknown || out.Code == "" {
			t.Errorf("fault %d: %+v", fault, out)
		}
		provider.FaultBy(nil)
		provider.FaultNextRead(local.StripeFine, fault) // the list is read, the refund is not
		if out := lookUp(t, c, order()); out.State != payout.Unknown {
			t.Errorf("fault %d at the second call: %+v", fault, out)
		}
	}
	provider.FaultBy(nil)
	if out := lookUp(t, client(provider, "sk_test_other", time.Minute), order()); out.State != payout.Unknown {
		t.Errorf("wrong key: %+v", out)
	}
	if out := lookUp(t, patient, order(func(o *payout.Order) { o.ProviderRefund = "re_gone" })); out.State != payout.Unknown || out.Code != "resource_missing" {
		t.Errorf("a refund that we had and the provider has not: %+v", out)
	}
	unreachable := stripe.New(stripe.Options{Key: "sk_test_x", HTTP: way(time.Minute), URL: "http://127.0.0.1:1"})
	if out := lookUp(t, unreachable, order()); out.State != payout.Unknown {
		t.Errorf("unreachable: %+v", out)
	}
}

func TestF05_AfterTheKeyIsForgottenTheRefundIsLookedUp(t *testing.T) {
	provider, c := open(t)
	provider.FaultNext(local.StripeResetAfter)
	if out := refund(t, c, order()); out.State != payout.Unknown {
		t.Fatalf("%+v", out)
	}
	provider.ForgetKeys()
	found := lookUp(t, c, order())
	if made := provider.Refunds(); found.State != payout.Succeeded || len(made) != 1 || found.ID != made[0].ID {
		t.Errorf("%+v of %+v", found, made)
	}
}

// Two refunds of one attempt must never be. If they are, the one that counts is the same each time, and the other is named.
func TestF05_ASecondRefundOfAnAttemptIsNamed(t *testing.T) {
	provider, c := open(t)
	first := refund(t, c, order())
	provider.ForgetKeys()
	second := refund(t, c, order())
	if first.ID == second.ID {
		t.Fatal("the provider remembered the key")
	}
	if out := lookUp(t, c, order()); out.ID != first.ID || !cmp.Equal(out.Others, []string{second.ID}) {
		t.Errorf("%+v, want %s and %s beside", out, first.ID, second.ID)
	}
	if _, err := payout.Fold(first, second); !errors.Is(err, payout.ErrSecondRefund) {
		t.Errorf("folded: %v", err)
	}
}

func TestF10_TheProviderRefusesAndSaysWhy(t *testing.T) {
	for name, row := range map[string]struct {
		payment local.StripePayment
		change  func(*payout.Order)
		fault   local.StripeFault
		key     string
		failure payout.Failure
		code    string
		again   bool
	}{
		"more than is left": {payment: local.StripePayment{Amount: 10000, Refunded: 7501}, failure: payout.OverRefund, code: "invalid_request_error"},
		"given back before": {payment: local.StripePayment{Amount: 10000, Refunded: 10000}, failure: payout.AlreadyRefunded, code: "charge_already_refunded"},
		"not refundable":    {payment: local.StripePayment{Amount: 10000, After: local.StripeRefuses}, failure: payout.MethodFailed, code: "charge_not_refundable"},
		"disputed":          {payment: local.StripePayment{Amount: 10000, After: local.StripeContested}, failure: payout.Disputed, code: "charge_disputed"},
		"no such payment":   {payment: local.StripePayment{Amount: 10000}, change: func(o *payout.Order) { o.ProviderPayment = "pi_2" }, failure: payout.Invalid, code: "resource_missing"},
		"wrong API key":     {payment: local.StripePayment{Amount: 10000}, key: "sk_test_other", failure: payout.Auth, code: "invalid_request_error", again: true},
		"too many calls":    {payment: local.StripePayment{Amount: 10000}, fault: local.StripeLimited, failure: payout.Busy, code: "rate_limit", again: true},
	} {
		t.Run(name, func(t *testing.T) {
			row.payment.ID, row.payment.Currency = "pi_1", "cny"
			provider, c := open(t, row.payment)
			if row.key != "" {
				c = client(provider, row.key, time.Minute)
			}
			if row.fault != local.StripeFine {
				provider.FaultNext(row.fault)
			}
			if row.change == nil {
				row.change = func(*payout.Order) {}
			}
			out := refund(t, c, order(row.change))
			if out.State != payout.Failed || out.Failure != row.failure || out.Code != row.code || out.Detail == "" || out.Again() != row.again {
				t.Errorf("%+v", out)
			}
			if made := provider.Refunds(); len(made) != 0 {
				t.Errorf("made %+v", made)
			}
		})
	}
}

// The same key with another amount may stand for a refund that was made: it is not called failed.
func TestF04_AKeyThatWasUsedForAnotherOrderIsUnknown(t *testing.T) {
	provider, c := open(t)
	refund(t, c, order())
	out := refund(t, c, order(func(o *payout.Order) { o.Amount = 2600 }))
	if out.State != payout.Unknown || out.Code != "idempotency_error" || len(provider.Refunds()) != 1 {
		t.Errorf("%+v", out)
	}
}

func TestAProviderThatIsNotReachedWasNotAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*stripe.Client{
		"nobody listens": stripe.New(stripe.Options{Key: "sk_test_x", HTTP: way(time.Minute), URL: "http://127.0.0.1:1"}),
		"not public":     stripe.New(stripe.Options{Key: "sk_test_x", HTTP: outbound.NewClient(outbound.Options{}), URL: "http://127.0.0.1:1"}),
	} {
		if out := refund(t, c, order()); out.State != payout.Failed || out.Failure != payout.Busy || out.Code != "unreachable" || !out.Again() {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

func TestARefundComesInManyStates(t *testing.T) {
	provider, c := open(t, local.StripePayment{ID: "pi_1", Amount: 10000, Currency: "cny", After: local.StripeLater})
	out := refund(t, c, order())
	if out.State != payout.Accepted || out.Code != "processing" {
		t.Fatalf("pending: %+v", out)
	}
	if err := provider.Settle(out.ID, "succeeded", ""); err != nil {
		t.Fatal(err)
	}
	if got := lookUp(t, c, order()); got.State != payout.Succeeded {
		t.Errorf("succeeded: %+v", got)
	}
	for i, row := range []struct {
		reason  string
		failure payout.Failure
	}{
		{"expired_or_canceled_card", payout.MethodFailed},
		{"lost_or_stolen_card", payout.MethodFailed},
		{"declined", payout.MethodFailed},
		{"unknown", payout.MethodFailed},
		{"charge_for_pending_refund_disputed", payout.Disputed},
		{"insufficient_funds", payout.NoFunds},
		{"merchant_request", payout.Cancelled},
	} {
		o := order(func(o *payout.Order) { o.Attempt, o.IdempotencyKey, o.Amount = i+2, fmt.Sprint("more-", i), 100 })
		made := refund(t, c, o)
		if err := provider.Settle(made.ID, "failed", row.reason); err != nil {
			t.Fatal(err)
		}
		if got := lookUp(t, c, o); got.State != payout.Failed || got.Failure != row.failure || got.Code != row.reason {
			t.Errorf("%s: %+v", row.reason, got)
		}
	}
	o := order(func(o *payout.Order) { o.Attempt, o.IdempotencyKey, o.Amount = 20, "cancelled", 100 })
	if err := provider.Settle(refund(t, c, o).ID, "canceled", ""); err != nil {
		t.Fatal(err)
	}
	if got := lookUp(t, c, o); got.State != payout.Failed || got.Failure != payout.Cancelled {
		t.Errorf("cancelled: %+v", got)
	}
}

func TestARefundIsFoundOnALaterPage(t *testing.T) {
	provider, c := open(t)
	refund(t, c, order(func(o *payout.Order) { o.Amount = 1 }))
	for i := range 120 {
		refund(t, c, order(func(o *payout.Order) { o.Ref, o.IdempotencyKey, o.Amount = "RF-other", fmt.Sprint("other-", i), 1 }))
	}
	made := provider.Refunds()
	if out := lookUp(t, c, order()); len(made) != 121 || out.ID != made[120].ID {
		t.Errorf("%+v of %d", out, len(made))
	}
}

func TestAFaultyOrderIsNotSent(t *testing.T) {
	provider, c := open(t)
	for name, change := range map[string]func(*payout.Order){
		"no reference":    func(o *payout.Order) { o.Ref = "" },
		"no attempt":      func(o *payout.Order) { o.Attempt = 0 },
		"no key":          func(o *payout.Order) { o.IdempotencyKey = "" },
		"long key":        func(o *payout.Order) { o.IdempotencyKey = strings.Repeat("k", 256) },
		"no payment":      func(o *payout.Order) { o.ProviderPayment = "" },
		"another's id":    func(o *payout.Order) { o.ProviderPayment = "PAY-1" },
		"nothing":         func(o *payout.Order) { o.Amount = 0 },
		"less than none":  func(o *payout.Order) { o.Amount = -1 },
		"no currency":     func(o *payout.Order) { o.Currency = "ABC" },
		"fils":            func(o *payout.Order) { o.Amount, o.Currency = 1234, "KWD" },
		"Libyan dirhams":  func(o *payout.Order) { o.Amount, o.Currency = 1230, "LYD" },
		"iraimbilanja":    func(o *payout.Order) { o.Amount, o.Currency = 150, "MGA" },
		"lower case code": func(o *payout.Order) { o.Currency = "cny" },
	} {
		if _, err := c.Refund(t.Context(), order(change)); !errors.Is(err, payout.ErrOrder) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Refund(ended, order()); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	if made := provider.Refunds(); len(made) != 0 {
		t.Errorf("made %+v", made)
	}
}

// Stripe takes an amount to be in the payment's currency, so an order in another one must not reach it.
func TestF12_AnOrderInAnotherCurrencyIsNotSent(t *testing.T) {
	provider, c := open(t, local.StripePayment{ID: "pi_1", Charge: "ch_1", Amount: 10000, Currency: "jpy"})
	for _, id := range []string{"pi_1", "ch_1"} {
		if _, err := c.Refund(t.Context(), order(func(o *payout.Order) { o.ProviderPayment = id })); !errors.Is(err, payout.ErrOrder) {
			t.Errorf("%s: %v", id, err)
		}
		if out := refund(t, c, order(func(o *payout.Order) { o.ProviderPayment, o.IdempotencyKey, o.Currency = id, id, "JPY" })); out.State != payout.Succeeded || out.Currency != "JPY" {
			t.Errorf("%s: %+v", id, out)
		}
	}
	if made := provider.Refunds(); len(made) != 2 {
		t.Errorf("made %+v", made)
	}
}

// What goes wrong while the payment is read, before the refund is asked for, says that nothing moved.
func TestAPaymentThatCannotBeReadIsNotRefunded(t *testing.T) {
	provider, patient := open(t)
	for _, fault := range []local.StripeFault{local.Stripe503Before, local.StripeHangBefore, local.StripeGarbled, local.StripeLimited} {
		c := patient
		if fault == local.StripeHangBefore {
			c = client(provider, provider.Key, 100*time.Millisecond)
		}
		provider.FaultBy(nil)
		provider.FaultNextRead(fault)
		if out := refund(t, c, order()); out.State != payout.Failed || out.Failure != payout.Busy || !out.Again() || out.Code == "" {
			t.Errorf("fault %d: %+v", fault, out)
		}
	}
	if made := provider.Refunds(); len(made) != 0 {
		t.Errorf("made %+v", made)
	}
	provider.FaultBy(nil)
	if out := refund(t, patient, order()); out.State != payout.Succeeded {
		t.Errorf("at last: %+v", out)
	}
}

// Stripe counts some currencies otherwise than ISO 4217 does.
func TestAmountsInEveryKindOfCurrency(t *testing.T) {
	for code, row := range map[string]struct{ minor, stripe int64 }{
		"CNY": {1284, 1284}, "USD": {1, 1}, "JPY": {500, 500}, "KRW": {500, 500}, "CLP": {500, 500}, "HUF": {1045, 1045}, "TWD": {1045, 1045},
		"KWD": {1230, 1230}, "BHD": {10, 10}, "ISK": {5, 500}, "UGX": {5, 500}, "MGA": {500, 5},
	} {
		t.Run(code, func(t *testing.T) {
			provider, c := open(t, local.StripePayment{ID: "pi_1", Amount: 1 << 40, Currency: strings.ToLower(code)})
			out := refund(t, c, order(func(o *payout.Order) { o.Amount, o.Currency = row.minor, code }))
			made := provider.Refunds()
			if out.State != payout.Succeeded || out.Amount != row.minor || out.Currency != code || len(made) != 1 || made[0].Amount != row.stripe {
				t.Errorf("%+v, made %+v", out, made)
			}
		})
	}
}
