package portal_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local"
	"offramp/internal/mail/report"
	"offramp/migration/notice/truth"
	"offramp/migration/refund"
	"offramp/portal/api"
)

const stripeSecret, stripeOldSecret = "whsec_c2VjcmV0", "whsec_b2xkIHNlY3JldA"

// reportSeals prove reports about the world's mails.
var reportSeals = report.NewSeals([]byte("the world's secret of 32 characters"))

// programs takes the provider's events; no worker folds them in.
func (w *world) programs() *api.Pages {
	w.Helper()
	return &api.Pages{
		Refunds:       refund.NewService(refund.Config{DB: w.db, Jobs: w.inserter(), Customers: w.customers, Log: w.logger}),
		StripeSecrets: []string{stripeSecret, stripeOldSecret},
		Truth:         truth.New(w.db, reportSeals), ReportSecrets: []string{nextSecret}, TextSecrets: []string{nextSecret},
	}
}

// TestF07_TheProvidersEventsAreTakenByTheirSignatureAlone posts to the whole server as a stranger would.
func TestF07_TheProvidersEventsAreTakenByTheirSignatureAlone(t *testing.T) {
	w := newWorld(t)
	event := func(id string) []byte {
		return fmt.Appendf(nil, `{"id": %q, "object": "event", "type": "refund.updated", "created": %d, "api_version": "x", "data": {"object": {
			"id": "re_1", "object": "refund", "amount": 100, "currency": "cny", "status": "succeeded", "created": 1, "metadata": {"offramp_refund": "RF-2026-000001", "offramp_attempt": "1"}}}}`, id, time.Now().Unix())
	}
	now := time.Now()
	for _, c := range []struct {
		name, signature string
		body            []byte
		want            int
	}{
		{"forged", local.SignStripe(event("e1"), now, "whsec_other"), event("e1"), 400},
		{"unsigned", "", event("e1"), 400},
		{"stale", local.SignStripe(event("e1"), now.Add(-10*time.Minute), stripeSecret), event("e1"), 400},
		{"of another body", local.SignStripe(event("e1"), now, stripeSecret), event("e2"), 400},
		{"huge", local.SignStripe(event("e1"), now, stripeSecret), []byte(strings.Repeat(" ", 300<<10)), 413},
		{"rotated secret", local.SignStripe(event("e1"), now, stripeOldSecret), event("e1"), 200},
		{"again", local.SignStripe(event("e1"), now, stripeSecret), event("e1"), 200},
		{"another", local.SignStripe(event("e2"), now, stripeSecret), event("e2"), 200},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/webhooks/stripe", strings.NewReader(string(c.body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Stripe-Signature", c.signature)
		r.Header.Set("Content-Type", "application/json")
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, a.Body)
		_ = a.Body.Close()
		if a.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, a.StatusCode, c.want)
		}
	}
	if n := w.count(`SELECT count(*) FROM provider_event`); n != 2 {
		t.Errorf("%d events in the inbox", n)
	}
	if n := w.count(`SELECT count(*) FROM river_job WHERE kind = 'refund_event'`); n != 2 {
		t.Errorf("%d jobs", n)
	}
}
