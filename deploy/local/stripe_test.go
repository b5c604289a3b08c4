package local

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v83/webhook"
)

func startStripe(t *testing.T, o StripeOptions) *Stripe {
	t.Helper()
	if o.Payments == nil {
		o.Payments = []StripePayment{{ID: "pi_1", Amount: 1000, Currency: "CNY"}}
	}
	s, err := StartStripe(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

type stripeAnswer struct {
	status int
	header http.Header
	body   map[string]any
}

func (a stripeAnswer) problem(field string) string {
	object, _ := a.body["error"].(map[string]any)
	text, _ := object[field].(string)
	return text
}

// ask calls the interface as curl would. A form makes it a POST.
func ask(t *testing.T, s *Stripe, path, key string, form url.Values) stripeAnswer {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	a := stripeAnswer{status: res.StatusCode, header: res.Header}
	if err := json.NewDecoder(res.Body).Decode(&a.body); err != nil {
		t.Fatal(err)
	}
	return a
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func TestStripeKeepsKeysAndRefundsAsTheRealOneDoes(t *testing.T) {
	s := startStripe(t, StripeOptions{})
	first := ask(t, s, "/v1/refunds", "k1", form("payment_intent", "pi_1", "amount", "600", "metadata[offramp_refund]", "RF-1"))
	again := ask(t, s, "/v1/refunds", "k1", form("payment_intent", "pi_1", "amount", "600", "metadata[offramp_refund]", "RF-1"))
	if first.status != 200 || again.header.Get("Idempotent-Replayed") != "true" || !cmp.Equal(first.body, again.body) || first.body["charge"] != "ch_1" {
		t.Errorf("%+v, then %+v", first, again)
	}
	if other := ask(t, s, "/v1/refunds", "k1", form("payment_intent", "pi_1", "amount", "500")); other.status != 400 || other.problem("type") != "idempotency_error" {
		t.Errorf("another order under the key: %+v", other)
	}
	if more := ask(t, s, "/v1/refunds", "k2", form("payment_intent", "pi_1", "amount", "401")); more.status != 400 || !strings.Contains(more.problem("message"), "greater than unrefunded") {
		t.Errorf("more than is left: %+v", more)
	}
	if rest := ask(t, s, "/v1/refunds", "k3", form("payment_intent", "pi_1")); rest.status != 200 || rest.body["amount"] != 400.0 {
		t.Errorf("the rest: %+v", rest)
	}
	if none := ask(t, s, "/v1/refunds", "k4", form("charge", "ch_1", "amount", "1")); none.problem("code") != "charge_already_refunded" {
		t.Errorf("nothing is left: %+v", none)
	}
	if kept := ask(t, s, "/v1/refunds", "k4", form("charge", "ch_1", "amount", "1")); kept.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a refusal is remembered too: %+v", kept)
	}
	s.ForgetKeys()
	if late := ask(t, s, "/v1/refunds", "k1", form("payment_intent", "pi_1", "amount", "600")); late.problem("code") != "charge_already_refunded" {
		t.Errorf("a forgotten key: %+v", late)
	}
	list := ask(t, s, "/v1/refunds?payment_intent=pi_1&limit=1", "", nil)
	if page, _ := list.body["data"].([]any); len(page) != 1 || list.body["has_more"] != true || page[0].(map[string]any)["amount"] != 400.0 {
		t.Errorf("list: %+v", list)
	}
	next := ask(t, s, "/v1/refunds?payment_intent=pi_1&starting_after="+list.body["data"].([]any)[0].(map[string]any)["id"].(string), "", nil)
	if page, _ := next.body["data"].([]any); len(page) != 1 || next.body["has_more"] != false || page[0].(map[string]any)["id"] != first.body["id"] {
		t.Errorf("next: %+v", next)
	}
	if one := ask(t, s, "/v1/refunds/"+first.body["id"].(string), "", nil); one.status != 200 || one.body["metadata"].(map[string]any)["offramp_refund"] != "RF-1" {
		t.Errorf("one: %+v", one)
	}
	if p := ask(t, s, "/v1/payment_intents/pi_1", "", nil); p.body["amount"] != 1000.0 || p.body["latest_charge"] != "ch_1" {
		t.Errorf("payment: %+v", p)
	}
}

// What Stripe's description does not have is refused, and so is who has no key.
func TestStripeHoldsCallsAgainstTheDescription(t *testing.T) {
	s := startStripe(t, StripeOptions{})
	for name, a := range map[string]stripeAnswer{
		"unknown parameter": ask(t, s, "/v1/refunds", "a", form("payment_intent", "pi_1", "colour", "red")),
		"no number":         ask(t, s, "/v1/refunds", "b", form("payment_intent", "pi_1", "amount", "ten")),
		"unknown reason":    ask(t, s, "/v1/refunds", "c", form("payment_intent", "pi_1", "reason", "bored")),
		"nothing":           ask(t, s, "/v1/refunds", "d", form("payment_intent", "pi_1", "amount", "0")),
		"list":              ask(t, s, "/v1/refunds?colour=red", "", nil),
	} {
		if a.status != 400 || a.problem("type") != "invalid_request_error" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for path, want := range map[string]int{"/v1/refunds/re_x": 404, "/v1/payment_intents/pi_x": 404, "/v1/refunds?payment_intent=pi_x": 404, "/v1/charges/ch_x": 404, "/v1/charges": 404} {
		if a := ask(t, s, path, "", nil); a.status != want {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if a := ask(t, &Stripe{URL: s.URL, Key: "sk_test_wrong"}, "/v1/refunds", "e", form("payment_intent", "pi_1")); a.status != 401 || len(s.Refunds()) != 0 {
		t.Errorf("wrong key: %+v, %+v", a, s.Refunds())
	}
}

func TestStripeMovesOnAndTells(t *testing.T) {
	type told struct{ kind, status string }
	var mu sync.Mutex
	var got []told
	refuse, all := true, make(chan struct{})
	var secret string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e, err := webhook.ConstructEventWithOptions(body, r.Header.Get("Stripe-Signature"), secret, webhook.ConstructEventOptions{IgnoreAPIVersionMismatch: true})
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if refuse { // the first is not taken, and comes again
			refuse = false
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		got = append(got, told{string(e.Type), e.Data.Object["status"].(string)})
		if len(got) == 4 {
			close(all)
		}
	}))
	defer hook.Close()
	s := startStripe(t, StripeOptions{Hook: hook.URL, Payments: []StripePayment{{ID: "pi_1", Amount: 1000, Currency: "cny", After: StripeLost}}})
	secret = s.Secrets[0]
	a := ask(t, s, "/v1/refunds", "k", form("payment_intent", "pi_1"))
	id := a.body["id"].(string)
	if a.body["status"] != "pending" || a.body["pending_reason"] != "processing" {
		t.Errorf("%+v", a)
	}
	if err := s.Settle(id, "succeeded", ""); err != nil {
		t.Error(err)
	}
	if err := s.Settle(id, "failed", "lost_or_stolen_card"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"succeeded", "pending", "canceled", "nonsense"} {
		if err := s.Settle(id, bad, ""); err == nil {
			t.Errorf("failed became %s", bad)
		}
	}
	if s.Settle("re_x", "failed", "") == nil {
		t.Error("no such refund")
	}
	if p := s.Payments()[0]; p.Refunded != 0 {
		t.Errorf("the money is not back: %+v", p)
	}
	<-all
	mu.Lock()
	defer mu.Unlock()
	want := []told{{"refund.created", "pending"}, {"refund.failed", "failed"}, {"refund.updated", "failed"}, {"refund.updated", "succeeded"}}
	slices.SortFunc(got, func(a, b told) int { return strings.Compare(a.kind+a.status, b.kind+b.status) })
	if !cmp.Equal(got, want, cmp.AllowUnexported(told{})) {
		t.Errorf("%+v", got)
	}
}

func TestStripesLaterPartComesByItself(t *testing.T) {
	s := startStripe(t, StripeOptions{Later: time.Millisecond, Payments: []StripePayment{
		{ID: "pi_1", Amount: 1, Currency: "cny", After: StripeLater}, {ID: "pi_2", Amount: 1, Currency: "cny", After: StripeBounces},
	}})
	for payment, want := range map[string]string{"pi_1": "succeeded", "pi_2": "failed"} {
		ask(t, s, "/v1/refunds", payment, form("payment_intent", payment))
		r, err := s.Wait(t.Context(), func(r StripeRefund) bool { return r.Payment == payment && r.Status == want })
		if err != nil || want == "failed" && r.Failure != "expired_or_canceled_card" {
			t.Errorf("%s: %+v, %v", payment, r, err)
		}
	}
}

// What it knows survives its end, so that a demonstration goes on where it was.
func TestStripeRemembersBetweenRuns(t *testing.T) {
	o := StripeOptions{File: filepath.Join(t.TempDir(), "stripe.json"), Key: "sk_test_x"}
	s := startStripe(t, o)
	ask(t, s, "/v1/refunds", "k1", form("payment_intent", "pi_1", "amount", "600"))
	refunds, payments := s.Refunds(), s.Payments()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = startStripe(t, o)
	if !cmp.Equal(refunds, s.Refunds()) || !cmp.Equal(payments, s.Payments()) {
		t.Errorf("%+v, %+v", s.Refunds(), s.Payments())
	}
	if again := ask(t, s, "/v1/refunds", "k1", form("payment_intent", "pi_1", "amount", "600")); again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%+v", again)
	}
}

func TestStripesPageShowsAndSettles(t *testing.T) {
	s := startStripe(t, StripeOptions{Payments: []StripePayment{{ID: "pi_1", Amount: 128493, Currency: "cny", After: StripeLater}}})
	page := func(method, path, origin string, form url.Values) (int, string) {
		req, _ := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(body)
	}
	if _, body := page("GET", "/", "", nil); !strings.Contains(body, "No refunds yet") {
		t.Error(body)
	}
	id := ask(t, s, "/v1/refunds", "k", form("payment_intent", "pi_1", "metadata[offramp_refund]", "RF-10001")).body["id"].(string)
	if _, body := page("GET", "/", "", nil); !strings.Contains(body, "RF-10001") || !strings.Contains(body, "1284.93 CNY") || !strings.Contains(body, "Succeed RF-10001") {
		t.Error(body)
	}
	if status, _ := page("POST", "/refunds/"+id, "https://evil.example", form("status", "failed")); status != http.StatusForbidden {
		t.Errorf("from another site: %d", status)
	}
	if status, body := page("POST", "/refunds/"+id, s.URL, form("status", "failed", "failure", "declined")); status != 200 || !strings.Contains(body, "declined") {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := page("POST", "/refunds/"+id, s.URL, form("status", "succeeded")); status != http.StatusConflict {
		t.Errorf("failed became succeeded: %d", status)
	}
	req, _ := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/api/payments", strings.NewReader(`[{"id":"pi_9","amount":5,"currency":"JPY"}]`))
	if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusNoContent || len(s.Payments()) != 2 {
		t.Errorf("seeded: %v, %v, %+v", res, err, s.Payments())
	}
	for _, path := range []string{"/api/payments", "/api/refunds", "/api/events"} {
		if status, body := page("GET", path, "", nil); status != 200 || !json.Valid([]byte(body)) || !strings.Contains(body, "id") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// The faults are asked for by call, for tests that break everything.
func TestStripeBreaksByChoice(t *testing.T) {
	s := startStripe(t, StripeOptions{})
	s.FaultBy(func(r *http.Request) StripeFault {
		if r.Method == http.MethodPost {
			return StripeLimited
		}
		return StripeFine
	})
	if a := ask(t, s, "/v1/refunds", "k", form("payment_intent", "pi_1")); a.status != 429 || len(s.Refunds()) != 0 {
		t.Errorf("%+v", a)
	}
	if a := ask(t, s, "/v1/refunds", "", nil); a.status != 200 {
		t.Errorf("%+v", a)
	}
	s.FaultBy(nil)
	s.FaultNext(StripeConflict)
	if a := ask(t, s, "/v1/refunds", "k", form("payment_intent", "pi_1")); a.status != 409 {
		t.Errorf("%+v", a)
	}
	if a := ask(t, s, "/v1/refunds", "k", form("payment_intent", "pi_1")); a.status != 200 || len(s.Refunds()) != 1 {
		t.Errorf("%+v", a)
	}
	s.FaultNextRead(StripeHangBefore)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/v1/refunds", nil)
	req.Header.Set("Authorization", "Bearer "+s.Key)
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close()
		t.Error("it answered")
	}
}
