package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"offramp/auth"
)

func TestH03_StartingToSignInLeavesNothing(t *testing.T) {
	w := newWorld(t)
	w.customer("A-1", "ada@example.com")
	w.customers.SetUser(person("s1", "ada@example.com", true, map[string]any{"customer": "A-1"}))
	for range 50 {
		if _, _, err := w.service.Begin(t.Context(), auth.Start{Realm: auth.Customers, ReturnTo: "/" + strings.Repeat("a", 3000)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.count(`SELECT count(*) FROM sign_in`); n != 0 {
		t.Errorf("50 starts left %d rows", n)
	}
	_, secret, err := w.service.Begin(t.Context(), auth.Start{Realm: auth.Customers, ReturnTo: "/" + strings.Repeat("a", 5000)})
	if err != nil || len(secret) > 3800 {
		t.Errorf("a cookie of %d bytes, %v", len(secret), err)
	}
	r := w.visit(auth.Start{Realm: auth.Customers}, "ada@example.com")
	other := r
	other.Realm = auth.Staff // sealed for the other provider's door
	if _, err := w.service.Finish(t.Context(), other); !errors.Is(err, auth.ErrState) {
		t.Errorf("at the other door: %v", err)
	}
	altered := r
	altered.Secret = r.Secret[:len(r.Secret)-1]
	if _, err := w.service.Finish(t.Context(), altered); !errors.Is(err, auth.ErrState) {
		t.Errorf("altered: %v", err)
	}
	if _, err := w.replica(w.db).Finish(t.Context(), r); err != nil {
		t.Fatalf("begun at one replica, finished at another: %v", err)
	}
	if _, err := w.service.Finish(t.Context(), r); !errors.Is(err, auth.ErrState) {
		t.Errorf("used twice, at two replicas: %v", err)
	}
	late := w.visit(auth.Start{Realm: auth.Customers}, "ada@example.com")
	w.clock.Advance(11 * time.Minute)
	if _, err := w.service.Finish(t.Context(), late); !errors.Is(err, auth.ErrState) {
		t.Errorf("too late: %v", err)
	}
}
