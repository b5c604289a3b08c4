package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"offramp/auth"
	"offramp/internal/db"
	"offramp/internal/mail"
)

// TestAContactBesideTheImportedOneHeals signs in with linking off, and again once it is on.
func TestAContactBesideTheImportedOneHeals(t *testing.T) {
	w := newWorld(t)
	w.customer("A-1", "ada@example.com")
	w.customers.SetUser(person("s1", "ada@example.com", true, map[string]any{"customer": "A-1"}))
	first := w.mustSignIn(auth.Customers, "ada@example.com").Session
	if first.ContactID == "k-A-1" || first.MailTo != "" {
		t.Fatalf("with linking off: %+v", first)
	}
	w.link = true
	second := w.mustSignIn(auth.Customers, "ada@example.com").Session
	if second.ContactID != "k-A-1" || second.IdentityID != first.IdentityID || second.MailTo != "ada@example.com" || second.Role != "owner" {
		t.Errorf("with linking on: %+v", second)
	}
	if n := w.count(`SELECT count(*) FROM contact WHERE customer_id = 'c-A-1' AND state = 'active'`); n != 1 {
		t.Errorf("%d contacts are left", n)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE act = 'contact.join' AND detail->>'how' = 'email'`); n != 1 {
		t.Errorf("%d audit entries", n)
	}
}

// letters has the service keep the mails that it would write.
func (w *world) letters() *[]mail.Args {
	var sent []mail.Args
	w.enqueue = func(_ context.Context, _ *db.Tx, a mail.Args) error {
		sent = append(sent, a)
		return nil
	}
	w.service = w.replica(w.db)
	return &sent
}

// TestAConfirmedAddressIsMailedTo gives an address, follows the link, and becomes the imported contact whose address it is.
func TestAConfirmedAddressIsMailedTo(t *testing.T) {
	w := newWorld(t)
	sent := w.letters()
	w.customer("A-1", "ada@example.com")
	w.customers.SetUser(person("s1", "ada@example.com", false, map[string]any{"customer": "A-1"}))
	a := w.mustSignIn(auth.Customers, "ada@example.com")
	for _, bad := range []string{"", "ada", "ada@localhost", "Ada <ada@example.com>", "x@unlinked.invalid", "jos\u00e9@example.com", strings.Repeat("a", 300) + "@example.com"} {
		if err := w.service.AskAddress(t.Context(), a.Session, bad); !errors.Is(err, auth.ErrAddress) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := w.service.AskAddress(t.Context(), a.Session, "new@example.com"); err != nil || len(*sent) != 1 || (*sent)[0].Data["to"] != "new@example.com" {
		t.Fatalf("%v, %v", *sent, err)
	}
	token := (*sent)[0].Data["token"]
	w.customers.SetUser(person("s2", "bob@example.com", false, map[string]any{"customer": "A-1"}))
	other := w.mustSignIn(auth.Customers, "bob@example.com").Session
	if err := w.service.ConfirmAddress(t.Context(), other, token); !errors.Is(err, auth.ErrAddressLink) {
		t.Errorf("another contact's link: %v", err)
	}
	if err := w.service.ConfirmAddress(t.Context(), a.Session, token); err != nil {
		t.Fatal(err)
	}
	if s, err := w.resolve(a.Cookie); err != nil || s.MailTo != "new@example.com" || s.ContactID != a.Session.ContactID {
		t.Errorf("%+v, %v", s, err)
	}
	if err := w.service.ConfirmAddress(t.Context(), a.Session, token); !errors.Is(err, auth.ErrAddressLink) {
		t.Errorf("the link again: %v", err)
	}
	if err := w.service.AskAddress(t.Context(), a.Session, "ADA@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := w.service.ConfirmAddress(t.Context(), a.Session, (*sent)[1].Data["token"]); err != nil {
		t.Fatal(err)
	}
	if s, err := w.resolve(a.Cookie); err != nil || s.ContactID != "k-A-1" || s.MailTo != "ada@example.com" {
		t.Errorf("the imported contact's address: %+v, %v", s, err)
	}
	for range 4 {
		_ = w.service.AskAddress(t.Context(), other, "many@example.com")
	}
	if err := w.service.AskAddress(t.Context(), other, "many@example.com"); err != nil {
		t.Errorf("the fifth: %v", err)
	}
	if err := w.service.AskAddress(t.Context(), other, "many@example.com"); !errors.Is(err, auth.ErrAddressLimit) {
		t.Errorf("the sixth: %v", err)
	}
}

func TestStaffJoinContacts(t *testing.T) {
	w := newWorld(t)
	w.customer("A-1", "ada@example.com")
	w.customer("B-1", "bob@example.com")
	w.customers.SetUser(person("s1", "other@example.com", false, map[string]any{"customer": "A-1"}))
	a := w.mustSignIn(auth.Customers, "other@example.com")
	w.staff.SetUser(person("h1", "help@example.com", true, map[string]any{"groups": []string{"helpdesk"}}))
	w.staff.SetUser(person("u1", "audit@example.com", true, map[string]any{"groups": []string{"audit"}}))
	help, auditor := w.mustSignIn(auth.Staff, "help@example.com").Session, w.mustSignIn(auth.Staff, "audit@example.com").Session
	for _, c := range []struct {
		by         auth.Session
		from, into string
		want       error
	}{
		{auditor, a.Session.ContactID, "k-A-1", auth.ErrMayNotJoin},
		{a.Session, a.Session.ContactID, "k-A-1", auth.ErrMayNotJoin},
		{help, "k-A-1", "k-A-1", auth.ErrNoContact},
		{help, a.Session.ContactID, "k-B-1", auth.ErrNoContact},
		{help, a.Session.ContactID, "k-A-1", nil},
		{help, a.Session.ContactID, "k-A-1", auth.ErrDisabled},
	} {
		if err := w.service.JoinContacts(t.Context(), c.by, "c-A-1", c.from, c.into); !errors.Is(err, c.want) {
			t.Errorf("%s into %s by %s: %v", c.from, c.into, c.by.Name, err)
		}
	}
	if s, err := w.resolve(a.Cookie); err != nil || s.ContactID != "k-A-1" || s.MailTo != "ada@example.com" {
		t.Errorf("%+v, %v", s, err)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE act = 'contact.join' AND actor = $1 AND object = 'contact k-A-1'`, help.IdentityID); n != 1 {
		t.Errorf("%d audit entries", n)
	}
}
