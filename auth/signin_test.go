package auth_test

import (
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	"offramp/auth"
	"offramp/internal/db"
	"offramp/migration"
)

func TestCustomerSignsIn(t *testing.T) {
	w := newWorld(t)
	w.link = true
	w.customer("A-1", "ada@example.com")
	w.customers.SetUser(person("s1", "Ada@Example.com", true, map[string]any{"customer": "A-1"}))
	a, err := w.service.Finish(t.Context(), w.visit(auth.Start{Realm: auth.Customers, ReturnTo: "/exports/x?a=1"}, "ada@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	s := a.Session
	if a.ReturnTo != "/exports/x?a=1" || s.CustomerRef != "A-1" || s.ContactID != "k-A-1" || s.Role != migration.Owner || s.Name != "Imported" ||
		s.Email != "Ada@Example.com" || s.Locale != "en" || s.Zone != "Europe/Paris" || s.CustomerTier != "standard" || s.CustomerName != "Name of A-1" {
		t.Errorf("arrived as %+v", a)
	}
	if got, err := w.resolve(a.Cookie); err != nil || got.ID != s.ID || got.Who() != (migration.Who{CustomerID: "c-A-1", ContactID: "k-A-1", Role: "owner"}) {
		t.Errorf("resolved to %+v: %v", got, err)
	}
	for act, n := range map[string]int{"identity.link": 1, "session.begin": 1} {
		if got := w.count(`SELECT count(*) FROM audit WHERE act = $1 AND actor = 'k-A-1' AND customer_id = 'c-A-1'`, act); got != n {
			t.Errorf("%d audit rows for %s", got, act)
		}
	}
}

func TestStaffRolesComeFromGroups(t *testing.T) {
	w := newWorld(t)
	w.staff.SetUser(person("s1", "sam@example.com", true, map[string]any{"groups": []string{"audit", "everyone", "helpdesk"}}))
	a := w.mustSignIn(auth.Staff, "sam@example.com")
	if !a.Session.Has(auth.Support) || !a.Session.Has(auth.Auditor) || a.Session.Has(auth.FinanceClerk) || a.Session.CustomerID != "" {
		t.Errorf("arrived as %+v", a.Session)
	}
	w.staff.SetUser(person("s2", "eve@example.com", true, map[string]any{"groups": []string{"everyone"}}))
	if _, err := w.signIn(auth.Staff, "eve@example.com"); !errors.Is(err, auth.ErrNoRole) {
		t.Errorf("without a group: %v", err)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE act = 'session.refuse' AND detail->>'reason' = 'auth.no_role'`); n != 1 {
		t.Errorf("%d audit rows of the refusal", n)
	}
}

func TestUnknownAndDisabledAreRefusedAndRecorded(t *testing.T) {
	w := newWorld(t)
	w.link = true
	w.customer("A-1", "ada@example.com")
	w.customer("B-1", "bob@example.com")
	w.exec(`UPDATE customer SET state = 'disabled' WHERE id = 'c-B-1'`)
	w.customers.SetUser(person("s1", "none@example.com", true, nil))
	w.customers.SetUser(person("s2", "wrong@example.com", true, map[string]any{"customer": "Z-9"}))
	w.customers.SetUser(person("s3", "bob@example.com", true, map[string]any{"customer": "B-1"}))
	w.customers.SetUser(person("s4", "ada@example.com", true, map[string]any{"customer": "A-1"}))
	for email, want := range map[string]error{
		"none@example.com": auth.ErrUnknownCustomer, "wrong@example.com": auth.ErrUnknownCustomer, "bob@example.com": auth.ErrDisabled,
	} {
		if _, err := w.signIn(auth.Customers, email); !errors.Is(err, want) {
			t.Errorf("%s: %v", email, err)
		}
	}
	a := w.mustSignIn(auth.Customers, "ada@example.com")
	w.exec(`UPDATE contact SET state = 'disabled' WHERE id = 'k-A-1'`)
	if _, err := w.resolve(a.Cookie); !errors.Is(err, auth.ErrDisabled) {
		t.Errorf("a disabled contact's session: %v", err)
	}
	if _, err := w.signIn(auth.Customers, "ada@example.com"); !errors.Is(err, auth.ErrDisabled) {
		t.Errorf("a disabled contact signs in: %v", err)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE act = 'session.refuse'`); n != 4 {
		t.Errorf("%d refusals in the audit log", n)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE detail::text LIKE '%example.com%'`); n != 0 {
		t.Error("the audit log holds an address")
	}
}

// Whoever was shut out comes back neither as another subject of the provider nor under an address that nobody has verified.
func TestA08_WhoIsDisabledIsNobodyElseEither(t *testing.T) {
	w := newWorld(t)
	w.customer("A-1", "ada@example.com")
	w.exec(`UPDATE contact SET state = 'disabled' WHERE id = 'k-A-1'`)
	w.customers.SetUser(person("another", "Ada@example.com", false, map[string]any{"customer": "A-1"}))
	if _, err := w.signIn(auth.Customers, "Ada@example.com"); !errors.Is(err, auth.ErrDisabled) {
		t.Errorf("a disabled contact under another identity: %v", err)
	}
	w.staff.SetUser(person("s1", "sam@example.com", true, map[string]any{"groups": []string{"audit"}}))
	a := w.mustSignIn(auth.Staff, "sam@example.com")
	w.exec(`UPDATE identity SET state = 'disabled' WHERE id = $1`, a.Session.IdentityID)
	if _, err := w.resolve(a.Cookie); !errors.Is(err, auth.ErrStaffDisabled) {
		t.Errorf("disabled staff's session: %v", err)
	}
	if _, err := w.signIn(auth.Staff, "sam@example.com"); !errors.Is(err, auth.ErrStaffDisabled) {
		t.Errorf("disabled staff sign in: %v", err)
	}
}

func TestA01_StateMissingOrOfAnotherBrowser(t *testing.T) {
	w := newWorld(t)
	w.customer("A-1", "ada@example.com")
	w.customers.SetUser(person("s1", "ada@example.com", true, map[string]any{"customer": "A-1"}))
	mine := w.visit(auth.Start{Realm: auth.Customers}, "ada@example.com")
	other := w.visit(auth.Start{Realm: auth.Customers}, "ada@example.com")
	without := url.Values{"code": mine.Query["code"]}
	for name, r := range map[string]auth.Return{
		"no state":           {Realm: auth.Customers, Secret: mine.Secret, Query: without},
		"no secret":          {Realm: auth.Customers, Query: mine.Query},
		"another's state":    {Realm: auth.Customers, Secret: mine.Secret, Query: other.Query},
		"another's secret":   {Realm: auth.Customers, Secret: other.Secret, Query: mine.Query},
		"the staff's realm":  {Realm: auth.Staff, Secret: mine.Secret, Query: mine.Query},
		"an error, no state": {Realm: auth.Customers, Secret: mine.Secret, Query: url.Values{"error": {"access_denied"}}},
	} {
		if a, err := w.service.Finish(t.Context(), r); !errors.Is(err, auth.ErrState) || a.Cookie != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := w.count(`SELECT count(*) FROM session`); n != 0 {
		t.Fatalf("%d sessions", n)
	}
	if _, err := w.service.Finish(t.Context(), mine); err != nil {
		t.Errorf("the right browser is refused afterwards: %v", err)
	}
	if _, err := w.service.Finish(t.Context(), mine); !errors.Is(err, auth.ErrState) {
		t.Errorf("the same answer once more: %v", err)
	}
	w.clock.Advance(11 * time.Minute)
	if _, err := w.service.Finish(t.Context(), other); !errors.Is(err, auth.ErrState) {
		t.Errorf("an answer after eleven minutes: %v", err)
	}
}

func TestA02_ReplayedCodeOfASignInIsRefused(t *testing.T) {
	w := newWorld(t)
	w.customer("A-1", "ada@example.com")
	w.customers.SetUser(person("s1", "ada@example.com", true, map[string]any{"customer": "A-1"}))
	first := w.visit(auth.Start{Realm: auth.Customers}, "ada@example.com")
	second := w.visit(auth.Start{Realm: auth.Customers}, "ada@example.com")
	// The code of the first sign-in is put into the second one's answer, whose verifier is another.
	second.Query.Set("code", first.Query.Get("code"))
	if _, err := w.service.Finish(t.Context(), second); !errors.Is(err, auth.ErrProviderRefused) {
		t.Errorf("another sign-in's code: %v", err)
	}
}

func TestDeclinedAtTheProvider(t *testing.T) {
	w := newWorld(t)
	for code, want := range map[string]error{
		"access_denied": auth.ErrDenied, "temporarily_unavailable": auth.ErrProviderDown, "invalid_scope": auth.ErrProviderRefused,
	} {
		address, secret, err := w.service.Begin(t.Context(), auth.Start{Realm: auth.Customers})
		if err != nil {
			t.Fatal(err)
		}
		sent, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		r := auth.Return{Realm: auth.Customers, Secret: secret, Query: url.Values{"state": {sent.Query().Get("state")}, "error": {code}}}
		if _, err := w.service.Finish(t.Context(), r); !errors.Is(err, want) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestA04_SameAddressIsAnotherIdentity(t *testing.T) {
	w := newWorld(t)
	w.customer("A-1", "ada@example.com")
	claims := map[string]any{"customer": "A-1"}
	w.customers.SetUser(person("s1", "ada@example.com", true, claims))

	// Without the programme's leave even a verified address links nothing: a contact of its own, without the address.
	first := w.mustSignIn(auth.Customers, "ada@example.com").Session
	if first.ContactID == "k-A-1" || first.Role != migration.Member {
		t.Errorf("the address alone made %+v", first)
	}
	// With leave, an unverified address still links nothing.
	w.link = true
	w.customers.RemoveUser("s1")
	w.customers.SetUser(person("s2", "ada@example.com", false, claims))
	second := w.mustSignIn(auth.Customers, "ada@example.com").Session
	if second.ContactID == "k-A-1" || second.ContactID == first.ContactID || second.IdentityID == first.IdentityID {
		t.Errorf("an unverified address made %+v", second)
	}
	// A verified one links within the customer that the claim names, and nowhere else.
	w.customer("B-1", "bob@example.com")
	w.customers.RemoveUser("s2")
	w.customers.SetUser(person("s3", "ada@example.com", true, map[string]any{"customer": "B-1"}))
	third := w.mustSignIn(auth.Customers, "ada@example.com").Session
	if third.CustomerID != "c-B-1" || third.ContactID == "k-A-1" {
		t.Errorf("another customer's claim made %+v", third)
	}
	// The same subject at another issuer is another person.
	old := w.customers
	w.customers = w.provider("/sign-in/callback", "/signed-out")
	w.service = w.replica(w.db)
	w.customers.SetUser(person("s1", "ada@example.com", false, claims))
	fourth := w.mustSignIn(auth.Customers, "ada@example.com").Session
	if fourth.IdentityID == first.IdentityID || fourth.ContactID == first.ContactID {
		t.Errorf("another issuer's subject is %+v", fourth)
	}
	// And the first comes back as who they were, whatever the claim says now.
	w.customers = old
	w.service = w.replica(w.db)
	w.customers.RemoveUser("s3")
	w.customers.SetUser(person("s1", "new@example.com", true, map[string]any{"customer": "B-1"}))
	again := w.mustSignIn(auth.Customers, "new@example.com").Session
	if again.IdentityID != first.IdentityID || again.ContactID != first.ContactID || again.CustomerID != "c-A-1" || again.Email != "new@example.com" {
		t.Errorf("came back as %+v", again)
	}
}

func TestRoleOfAnUnimportedContact(t *testing.T) {
	w := newWorld(t)
	w.customer("A-1", "ada@example.com")
	for email, claims := range map[string]map[string]any{
		"owner@example.com": {"customer": "A-1", "customer_role": "owner"}, "admin@example.com": {"customer": "A-1", "customer_role": "admin"},
	} {
		w.customers.SetUser(person(email, email, true, claims))
	}
	if s := w.mustSignIn(auth.Customers, "owner@example.com").Session; s.Role != migration.Owner {
		t.Errorf("owner's claim gave %s", s.Role)
	}
	if s := w.mustSignIn(auth.Customers, "admin@example.com").Session; s.Role != migration.Member {
		t.Errorf("an unknown word gave %s", s.Role)
	}
}

func TestOnePersonInTwoTabs(t *testing.T) {
	w := newWorld(t)
	w.customer("A-1", "ada@example.com")
	w.customers.SetUser(person("s1", "new@example.com", true, map[string]any{"customer": "A-1"}))
	var visits []auth.Return
	for range 4 {
		visits = append(visits, w.visit(auth.Start{Realm: auth.Customers}, "new@example.com"))
	}
	var all sync.WaitGroup
	for _, v := range visits {
		all.Go(func() {
			if _, err := w.service.Finish(t.Context(), v); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := w.count(`SELECT count(*) FROM identity`); n != 1 {
		t.Errorf("%d identities", n)
	}
	if n := w.count(`SELECT count(*) FROM contact`); n != 2 {
		t.Errorf("%d contacts", n)
	}
}

func TestInvitation(t *testing.T) {
	w := newWorld(t)
	w.link = true
	w.customer("A-1", "ada@example.com")
	w.customer("B-1", "bob@example.com")
	w.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ('guest', 'c-A-1', 'g@example.com', 'Guest', 'member', now(), now())`)
	w.customers.SetUser(person("ada", "ada@example.com", true, map[string]any{"customer": "A-1"}))
	w.customers.SetUser(person("g1", "elsewhere@example.org", false, nil))
	w.customers.SetUser(person("g2", "third@example.org", false, nil))
	owner := w.mustSignIn(auth.Customers, "ada@example.com").Session

	if _, err := w.service.Invite(t.Context(), owner, "c-B-1", "k-B-1"); !errors.Is(err, auth.ErrMayNotInvite) {
		t.Errorf("inviting for another customer: %v", err)
	}
	if _, err := w.service.Invite(t.Context(), owner, "c-A-1", "k-B-1"); !errors.Is(err, auth.ErrNoContact) {
		t.Errorf("inviting another customer's contact: %v", err)
	}
	token, err := w.service.Invite(t.Context(), owner, "c-A-1", "guest")
	if err != nil {
		t.Fatal(err)
	}
	start := auth.Start{Realm: auth.Customers, Invitation: token}
	guest, err := w.service.Finish(t.Context(), w.visit(start, "elsewhere@example.org"))
	if err != nil || guest.Session.ContactID != "guest" || guest.Session.Role != migration.Member {
		t.Fatalf("the invited arrives as %+v: %v", guest.Session, err)
	}
	if _, err := w.service.Finish(t.Context(), w.visit(start, "third@example.org")); !errors.Is(err, auth.ErrInvitation) {
		t.Errorf("a used invitation: %v", err)
	}
	if again := w.mustSignIn(auth.Customers, "elsewhere@example.org"); again.Session.ContactID != "guest" {
		t.Errorf("the invited comes back as %+v", again.Session)
	}
	if _, err := w.service.Invite(t.Context(), guest.Session, "c-A-1", "guest"); !errors.Is(err, auth.ErrMayNotInvite) {
		t.Errorf("a member invites: %v", err)
	}
	if token, err = w.service.Invite(t.Context(), owner, "c-A-1", "guest"); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(8 * 24 * time.Hour)
	start.Invitation = token
	if _, err := w.service.Finish(t.Context(), w.visit(start, "third@example.org")); !errors.Is(err, auth.ErrInvitation) {
		t.Errorf("an old invitation: %v", err)
	}
}

func TestSweep(t *testing.T) {
	w := newWorld(t)
	w.customer("A-1", "ada@example.com")
	w.customers.SetUser(person("s1", "ada@example.com", true, map[string]any{"customer": "A-1"}))
	w.mustSignIn(auth.Customers, "ada@example.com")
	if _, _, err := w.service.Begin(t.Context(), auth.Start{Realm: auth.Customers}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(13 * time.Hour)
	if err := w.service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT (SELECT count(*) FROM sign_in) + (SELECT count(*) FROM session WHERE id_token <> '')`); n != 0 {
		t.Errorf("%d rows hold secrets of the past", n)
	}
	w.clock.Advance(31 * 24 * time.Hour)
	if err := w.service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT count(*) FROM session`); n != 0 {
		t.Errorf("%d sessions of last month", n)
	}
	if err := w.db.InTx(t.Context(), db.NoScope(), func(*db.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
}
