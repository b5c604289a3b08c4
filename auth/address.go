package auth

import (
	"context"
	"net/mail"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	letter "offramp/internal/mail"
)

const (
	addressFor    = 48 * time.Hour // how long a link to confirm an address works
	addressesADay = 5              // how many addresses one contact may have written to in a day
)

// mailTo is the address that mail to this person goes to; empty: there is none. It is that of the contact, as it was imported, as
// the provider told it at the first sign-in, or as the person confirmed it.
func mailTo(email string) string {
	if strings.HasSuffix(email, ".invalid") {
		return ""
	}
	return email
}

// AskAddress writes to an address that the person gives, with a link that confirms it. ErrAddress, on the field address, when
// nothing can be sent there; ErrAddressLimit after five in a day.
func (s *Service) AskAddress(ctx context.Context, session Session, address string) error {
	address = strings.TrimSpace(address)
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || parsed.Name != "" || len(address) > 254 ||
		mailTo(address) == "" || !strings.Contains(address[strings.LastIndexByte(address, '@'):], ".") {
		return ErrAddress.Field("address", "auth.address.bad", nil)
	}
	if letter.NeedsUTF8(address) {
		return ErrAddress.Field("address", "auth.address.utf8", nil)
	}
	token := newSecret()
	return s.db.InTx(ctx, session.Scope(), func(tx *db.Tx) error {
		n, err := s.store.addAddress(ctx, tx, session, hash(token), address)
		if err != nil {
			return err
		}
		if n >= addressesADay {
			return ErrAddressLimit
		}
		err = s.config.Enqueue(ctx, tx, letter.Args{
			Template: letter.ConfirmAddress, CustomerID: session.CustomerID, ContactID: session.ContactID, Key: hash(token)[:32],
			// The link is of use only to who is signed in as this contact.
			Data: map[string]string{"to": address, "token": token},
		})
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: session.Actor(), ActorKind: session.ActorKind(), Act: "address.ask", Object: "contact " + session.ContactID, CustomerID: session.CustomerID,
		})
	})
}

// ConfirmAddress takes the address whose link was followed: mail goes there from now on. When it is that of another contact of the
// same customer, who has thereby shown to be the same person, the two are joined. ErrAddressLink when the link is over, or another
// contact's.
func (s *Service) ConfirmAddress(ctx context.Context, session Session, token string) error {
	return s.db.InTx(ctx, session.Scope(), func(tx *db.Tx) error {
		address, err := s.store.useAddress(ctx, tx, session, hash(token))
		if err != nil {
			return err
		}
		other, err := s.store.contactByEmail(ctx, tx, session.CustomerID, address)
		if err != nil {
			return err
		}
		if other != "" && other != session.ContactID {
			return s.join(ctx, tx, joined{customerID: session.CustomerID, from: session.ContactID, into: other, by: session.Actor(), kind: session.ActorKind(), how: "address"})
		}
		if err := s.store.setAddress(ctx, tx, session, address); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: session.Actor(), ActorKind: session.ActorKind(), Act: "address.confirm", Object: "contact " + session.ContactID, CustomerID: session.CustomerID,
		})
	})
}

// JoinContacts makes one person of two contacts of a customer: whoever signs in as from is into from now on, mail goes to into,
// and what from did stays in its name. into owns the account where either did. ErrMayNotJoin, ErrNoContact, ErrDisabled. For
// support and programme managers.
func (s *Service) JoinContacts(ctx context.Context, by Session, customerID, from, into string) error {
	if !by.Has(Support, ProgrammeManager) {
		return ErrMayNotJoin
	}
	if from == into {
		return ErrNoContact
	}
	return s.db.InTx(ctx, by.Scope(), func(tx *db.Tx) error {
		return s.join(ctx, tx, joined{customerID: customerID, from: from, into: into, by: by.Actor(), kind: by.ActorKind(), how: "staff"})
	})
}

// joined is a wish to make one of two contacts.
type joined struct {
	customerID, from, into string
	by, kind               string
	how                    string // address, email or staff
}

func (s *Service) join(ctx context.Context, tx *db.Tx, j joined) error {
	for _, id := range []string{j.from, j.into} {
		if err := s.store.activeContact(ctx, tx, j.customerID, id); err != nil {
			return err
		}
	}
	if err := s.store.join(ctx, tx, j); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: j.by, ActorKind: j.kind, Act: "contact.join", Object: "contact " + j.into, CustomerID: j.customerID,
		Detail: map[string]any{"from": j.from, "how": j.how},
	})
}

// heal joins a contact that a sign-in made beside an imported one to that one, now that the programme lets a verified address find
// it. It returns the contact that the person is.
func (s *Service) heal(ctx context.Context, tx *db.Tx, known *identityRow, c Claims, link bool) (string, error) {
	if !link || c.Email == "" {
		return known.ContactID, nil
	}
	made, err := s.store.madeHere(ctx, tx, known.CustomerID, known.ContactID)
	if err != nil || !made {
		return known.ContactID, err
	}
	other, err := s.store.contactByEmail(ctx, tx, known.CustomerID, c.Email)
	if err != nil || other == "" || other == known.ContactID {
		if refused(err) { // the imported one is disabled: this one goes on
			err = nil
		}
		return known.ContactID, err
	}
	return other, s.join(ctx, tx, joined{customerID: known.CustomerID, from: known.ContactID, into: other, by: other, kind: audit.Customer, how: "email"})
}
