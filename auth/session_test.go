package auth_test

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"offramp/auth"
	"offramp/internal/db"
)

// signedIn is a world with one customer's owner, signed in.
func signedIn(t *testing.T) (*world, auth.Arrival) {
	t.Helper()
	w := newWorld(t)
	w.link = true
	w.customer("A-1", "ada@example.com")
	w.customers.SetUser(person("ada", "ada@example.com", true, map[string]any{"customer": "A-1"}))
	return w, w.mustSignIn(auth.Customers, "ada@example.com")
}

func TestA05_SessionFromBeforeSignInIsWorthless(t *testing.T) {
	w, old := signedIn(t)
	r := w.visit(auth.Start{Realm: auth.Customers}, "ada@example.com")
	r.OldCookie = old.Cookie
	a, err := w.service.Finish(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if a.Cookie == old.Cookie || a.Session.ID == old.Session.ID {
		t.Error("the session goes on under its old secret")
	}
	planted := rand.Text() + rand.Text()
	r = w.visit(auth.Start{Realm: auth.Customers}, "ada@example.com")
	r.OldCookie = planted
	if _, err := w.service.Finish(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for name, cookie := range map[string]string{"old": old.Cookie, "planted": planted, "sign-in": r.Secret, "public id": a.Session.ID, "none": ""} {
		if _, err := w.resolve(cookie); !errors.Is(err, auth.ErrSignedOut) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestA08_IdleAndAbsoluteExpiry(t *testing.T) {
	w, a := signedIn(t)
	b := w.mustSignIn(auth.Customers, "ada@example.com")
	for at := time.Duration(0); at < 11*time.Hour+40*time.Minute; at += 20 * time.Minute {
		if _, err := w.resolve(a.Cookie); err != nil {
			t.Fatalf("after %v of use: %v", at, err)
		}
		w.clock.Advance(20 * time.Minute)
	}
	if _, err := w.resolve(b.Cookie); !errors.Is(err, auth.ErrSignedOut) {
		t.Errorf("an idle session: %v", err)
	}
	w.clock.Advance(20 * time.Minute)
	if _, err := w.resolve(a.Cookie); !errors.Is(err, auth.ErrSignedOut) {
		t.Errorf("a session in use for twelve hours: %v", err)
	}
}

func TestA08_PollingDoesNotKeepASessionAlive(t *testing.T) {
	w, a := signedIn(t)
	for range 6 {
		if _, err := w.service.Resolve(t.Context(), a.Cookie, false); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(5 * time.Minute)
	}
	if _, err := w.service.Resolve(t.Context(), a.Cookie, false); !errors.Is(err, auth.ErrSignedOut) {
		t.Errorf("after half an hour of polling: %v", err)
	}
}

func TestA08_RevokedInMidSession(t *testing.T) {
	w, a := signedIn(t)
	w.staff.SetUser(person("sam", "sam@example.com", true, map[string]any{"groups": []string{"helpdesk", "audit"}}))
	s := w.mustSignIn(auth.Staff, "sam@example.com")

	w.staff.SetUser(person("sam", "sam@example.com", true, map[string]any{"groups": []string{"audit"}}))
	w.mustSignIn(auth.Staff, "sam@example.com") // on another machine
	if got, err := w.resolve(s.Cookie); err != nil || got.Has(auth.Support) || !got.Has(auth.Auditor) {
		t.Errorf("the older session has %v: %v", got.Roles, err)
	}
	w.staff.SetUser(person("sam", "sam@example.com", true, nil))
	if _, err := w.signIn(auth.Staff, "sam@example.com"); !errors.Is(err, auth.ErrNoRole) {
		t.Errorf("without a group: %v", err)
	}
	if _, err := w.resolve(s.Cookie); !errors.Is(err, auth.ErrNoRole) {
		t.Errorf("the older session without a role: %v", err)
	}

	w.exec(`UPDATE contact SET role = 'member' WHERE id = 'k-A-1'`)
	if got, err := w.resolve(a.Cookie); err != nil || got.Role != "member" {
		t.Errorf("the former owner is %q: %v", got.Role, err)
	}
	for table, back := range map[string]string{"contact": "k-A-1", "customer": "c-A-1", "identity": a.Session.IdentityID} {
		w.exec(`UPDATE `+table+` SET state = 'disabled' WHERE id = $1`, back)
		if _, err := w.resolve(a.Cookie); !errors.Is(err, auth.ErrDisabled) {
			t.Errorf("%s disabled: %v", table, err)
		}
		before := w.count(`SELECT count(*) FROM session`)
		if _, err := w.signIn(auth.Customers, "ada@example.com"); !errors.Is(err, auth.ErrDisabled) || w.count(`SELECT count(*) FROM session`) != before {
			t.Errorf("%s disabled, signing in: %v", table, err)
		}
		w.exec(`UPDATE `+table+` SET state = 'active' WHERE id = $1`, back)
	}
	if _, err := w.resolve(a.Cookie); err != nil {
		t.Error(err)
	}
}

func TestA07_BackChannelLogoutEndsSessionsEverywhere(t *testing.T) {
	w, a := signedIn(t)
	b := w.mustSignIn(auth.Customers, "ada@example.com") // another browser, another session at the provider
	w.customers.SetUser(person("bob", "bob@example.com", true, map[string]any{"customer": "A-1"}))
	bob := w.mustSignIn(auth.Customers, "bob@example.com")
	other := w.replica(w.database.Open(t, db.Options{Clock: w.clock}))

	sign := func(claims map[string]any) string {
		now := time.Now()
		for name, value := range map[string]any{
			"iss": w.customers.Issuer, "aud": "portal", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": rand.Text(),
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		} {
			claims[name] = value
		}
		token, err := w.customers.Sign("logout+jwt", claims)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	live := func(cookie string) bool {
		_, err := w.resolve(cookie)
		_, same := other.Resolve(t.Context(), cookie, true)
		if (err == nil) != (same == nil) {
			t.Errorf("replicas differ: %v and %v", err, same)
		}
		return err == nil
	}
	sid := w.text(`SELECT provider_sid FROM session WHERE id = $1`, a.Session.ID)
	token := sign(map[string]any{"sid": sid, "sub": "ada"})
	if err := other.BackChannelLogout(t.Context(), auth.Customers, token); err != nil {
		t.Fatal(err)
	}
	if live(a.Cookie) || !live(b.Cookie) || !live(bob.Cookie) {
		t.Error("the named session alone should have ended")
	}
	if err := w.service.BackChannelLogout(t.Context(), auth.Customers, token); !errors.Is(err, auth.ErrLogoutToken) {
		t.Errorf("a replay: %v", err)
	}
	if err := w.service.BackChannelLogout(t.Context(), auth.Staff, sign(map[string]any{"sub": "ada"})); !errors.Is(err, auth.ErrLogoutToken) {
		t.Errorf("at the other realm: %v", err)
	}
	if err := w.service.BackChannelLogout(t.Context(), auth.Customers, sign(map[string]any{"sub": "ada"})); err != nil {
		t.Fatal(err)
	}
	if live(b.Cookie) || !live(bob.Cookie) {
		t.Error("all of the subject's sessions and no others should have ended")
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE act = 'session.end' AND customer_id = 'c-A-1'`); n != 2 {
		t.Errorf("%d ends in the audit log", n)
	}
}

func (w *world) text(sql string, args ...any) (s string) {
	w.t.Helper()
	err := w.db.InTx(w.t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(w.t.Context(), sql, args...).Scan(&s)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func TestA09_LiveSessionsGoOnWithoutTheProvider(t *testing.T) {
	w, a := signedIn(t)
	w.customers.Down(true)
	fresh := w.replica(w.db) // started while the provider is down
	if _, err := fresh.Resolve(t.Context(), a.Cookie, true); err != nil {
		t.Error(err)
	}
	if _, _, err := fresh.Begin(t.Context(), auth.Start{Realm: auth.Customers}); !errors.Is(err, auth.ErrProviderDown) {
		t.Errorf("a new sign-in: %v", err)
	}
	if err := fresh.SignOut(t.Context(), a.Session); err != nil {
		t.Errorf("signing out: %v", err)
	}
	if _, err := w.resolve(a.Cookie); !errors.Is(err, auth.ErrSignedOut) {
		t.Errorf("after signing out: %v", err)
	}
}

func TestListAndEnd(t *testing.T) {
	w, a := signedIn(t)
	w.clock.Advance(time.Minute)
	b := w.mustSignIn(auth.Customers, "ada@example.com")
	w.customers.SetUser(person("bob", "bob@example.com", true, map[string]any{"customer": "A-1"}))
	bob := w.mustSignIn(auth.Customers, "bob@example.com")

	list, err := w.service.List(t.Context(), b.Session)
	if err != nil || len(list) != 2 || !list[0].Current || list[0].ID != b.Session.ID || list[1].ID != a.Session.ID || list[1].UserAgent != "Test/1.0" {
		t.Fatalf("the list is %+v: %v", list, err)
	}
	if err := w.service.End(t.Context(), b.Session, bob.Session.ID); !errors.Is(err, auth.ErrNoSession) {
		t.Errorf("ending a colleague's session: %v", err)
	}
	if err := w.service.End(t.Context(), b.Session, a.Session.ID); err != nil {
		t.Error(err)
	}
	if err := w.service.End(t.Context(), b.Session, a.Session.ID); !errors.Is(err, auth.ErrNoSession) {
		t.Errorf("ending it twice: %v", err)
	}
	c := w.mustSignIn(auth.Customers, "ada@example.com")
	if n, err := w.service.EndOthers(t.Context(), b.Session); err != nil || n != 1 {
		t.Errorf("ended %d: %v", n, err)
	}
	for name, x := range map[string]struct {
		cookie string
		live   bool
	}{"a": {a.Cookie, false}, "b": {b.Cookie, true}, "c": {c.Cookie, false}, "bob": {bob.Cookie, true}} {
		if _, err := w.resolve(x.cookie); (err == nil) != x.live {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFarewellSignsOutOfTheProviderOnce(t *testing.T) {
	w := newWorld(t)
	w.customer("A-1", "ada@example.com")
	w.customers.SetUser(person("ada", "ada@example.com", true, map[string]any{"customer": "A-1"}))
	address, secret, err := w.service.Begin(t.Context(), auth.Start{Realm: auth.Customers})
	if err != nil {
		t.Fatal(err)
	}
	browser := w.browser()
	a, err := w.service.Finish(t.Context(), auth.Return{Realm: auth.Customers, Secret: secret, Query: w.authorize(browser, address, "ada@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	if address, err := w.service.Farewell(t.Context(), a.Cookie); err != nil || address != "" {
		t.Errorf("a farewell before signing out: %q, %v", address, err)
	}
	if err := w.service.SignOut(t.Context(), a.Session); err != nil {
		t.Fatal(err)
	}
	out, err := w.service.Farewell(t.Context(), a.Cookie)
	if err != nil || !strings.HasPrefix(out, w.customers.Issuer) {
		t.Fatalf("sent to %q: %v", out, err)
	}
	r, err := browser.Get(out)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if to, _ := r.Location(); to == nil || to.String() != origin+"/signed-out" {
		t.Errorf("the provider answers %s", r.Status)
	}
	if again, err := w.service.Farewell(t.Context(), a.Cookie); err != nil || again != "" {
		t.Errorf("a second farewell: %q, %v", again, err)
	}
	// The provider's own session is over: it asks for a password again.
	if address, _, err = w.service.Begin(t.Context(), auth.Start{Realm: auth.Customers}); err != nil {
		t.Fatal(err)
	}
	if r, err = browser.Get(address); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Errorf("the provider lets the browser in by itself: %s", r.Status)
	}
}

func TestProfile(t *testing.T) {
	w, a := signedIn(t)
	if err := w.service.SaveProfile(t.Context(), a.Session, auth.Profile{Locale: "zh-CN", Zone: "Asia/Shanghai"}); err != nil {
		t.Fatal(err)
	}
	if got, err := w.resolve(a.Cookie); err != nil || got.Locale != "zh-CN" || got.Zone != "Asia/Shanghai" {
		t.Errorf("the session says %s, %s: %v", got.Locale, got.Zone, err)
	}
}
