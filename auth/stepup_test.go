package auth_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"offramp/auth"
)

// TestStepUpNeedsCredentialsGivenJustNow asks a provider that knows the browser for credentials again.
func TestStepUpNeedsCredentialsGivenJustNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.link = true
	w.customer("A-1", "ada@example.com")
	w.customers.SetUser(person("ada", "ada@example.com", true, map[string]any{"customer": "A-1"}))
	browser := w.browser()
	visit := func(fresh bool) auth.Arrival {
		t.Helper()
		address, secret, err := w.service.Begin(t.Context(), auth.Start{Realm: auth.Customers, Fresh: fresh})
		if err != nil {
			t.Fatal(err)
		}
		to, err := url.Parse(address)
		if err != nil || (to.Query().Get("max_age") == "0") != fresh || to.Query().Get("max_age") == "" {
			t.Errorf("sent to %s, %v", address, err)
		}
		a, err := w.service.Finish(t.Context(), auth.Return{Realm: auth.Customers, Secret: secret, Query: w.authorize(browser, address, "ada@example.com")})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := visit(false)
	if !a.Session.SteppedUp(w.clock.Now(), auth.StepUpFor) {
		t.Errorf("credentials were given at %v", a.Session.AuthenticatedAt)
	}
	w.clock.Advance(auth.StepUpFor + time.Minute)
	same, err := w.resolve(a.Cookie)
	if err != nil || same.SteppedUp(w.clock.Now(), auth.StepUpFor) {
		t.Errorf("eleven minutes later: %v, %v", same.AuthenticatedAt, err)
	}
	b := visit(true)
	if !b.Session.SteppedUp(w.clock.Now(), auth.StepUpFor) || b.Session.ContactID != a.Session.ContactID {
		t.Errorf("after the step up: %v", b.Session.AuthenticatedAt)
	}
	if (auth.Session{}).SteppedUp(w.clock.Now(), auth.StepUpFor) {
		t.Error("a session whose provider does not say counts as stepped up")
	}
}

// TestAProviderThatDoesNotAskIsRefused answers a step-up without auth_time, or with an old one.
func TestAProviderThatDoesNotAskIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		claims auth.Claims
		fresh  bool
		want   error
	}{
		"says nothing, asked":     {auth.Claims{}, true, auth.ErrProviderRefused},
		"says nothing, not asked": {auth.Claims{}, false, nil},
		"old, asked":              {auth.Claims{AuthTime: now.Add(-time.Hour)}, true, auth.ErrProviderRefused},
		"old, not asked":          {auth.Claims{AuthTime: now.Add(-time.Hour)}, false, nil},
		"just now, asked":         {auth.Claims{AuthTime: now.Add(-time.Second)}, true, nil},
	} {
		at, err := auth.AuthenticatedAt(c.claims, c.fresh, now)
		if !errors.Is(err, c.want) || (c.want == nil && (at == nil) != c.claims.AuthTime.IsZero()) {
			t.Errorf("%s: %v, %v", name, at, err)
		}
	}
}
