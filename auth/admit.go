package auth

import (
	"context"
	"crypto/rand"
	"slices"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

// admitted is the identity behind a sign-in, with what it stands for.
type admitted struct {
	IdentityID string
	Realm      Realm
	CustomerID string
	ContactID  string
	How        string // known, invitation, email, claim or groups
}

func (a admitted) actor() string {
	if a.ContactID != "" {
		return a.ContactID
	}
	return a.IdentityID
}

func (a admitted) kind() string {
	if a.Realm == Staff {
		return audit.Staff
	}
	return audit.Customer
}

// admit finds or makes the identity. On a refusal it returns as much as is known of the person.
func (s *Service) admit(ctx context.Context, tx *db.Tx, realm Realm, c Claims, invitation string, link bool) (admitted, error) {
	if err := s.store.lockSubject(ctx, tx, c.Issuer, c.Subject); err != nil {
		return admitted{}, err
	}
	known, err := s.store.identity(ctx, tx, c.Issuer, c.Subject)
	if err != nil {
		return admitted{}, err
	}
	if known != nil && known.Realm != realm {
		// One issuer serves both realms, and this person is of the other one.
		if realm == Staff {
			return known.admitted("known"), ErrNoRole
		}
		return known.admitted("known"), ErrUnknownCustomer
	}
	if realm == Staff {
		return s.admitStaff(ctx, tx, known, c)
	}
	return s.admitContact(ctx, tx, known, c, invitation, link)
}

// admitStaff takes the roles from the provider's groups. Roles that were taken away are gone from the person's other
// sessions, too, even where no role is left to sign in with.
func (s *Service) admitStaff(ctx context.Context, tx *db.Tx, known *identityRow, c Claims) (admitted, error) {
	roles := rolesOf(c.Texts(s.config.Staff.GroupsClaim), s.config.Staff.Roles)
	row := newIdentity(Staff, c)
	row.Roles = roles
	if known == nil {
		if len(roles) == 0 {
			return admitted{Realm: Staff}, ErrNoRole
		}
		return row.admitted("groups"), s.store.staffSignsIn(ctx, tx, row)
	}
	who := known.admitted("known")
	row.ID = known.ID
	if err := s.store.staffSignsIn(ctx, tx, row); err != nil {
		return who, err
	}
	if known.State != migration.Active {
		return who, ErrStaffDisabled
	}
	if len(roles) == 0 {
		return who, ErrNoRole
	}
	return who, nil
}

// admitContact ties a customer's person to a contact, in the order that the package's comment gives.
func (s *Service) admitContact(ctx context.Context, tx *db.Tx, known *identityRow, c Claims, invitation string, link bool) (admitted, error) {
	if known != nil {
		who := known.admitted("known")
		if known.State != migration.Active {
			return who, ErrDisabled
		}
		var err error
		if who.ContactID, err = s.heal(ctx, tx, known, c, link); err != nil {
			return who, err
		}
		known.ContactID = who.ContactID
		if err := s.store.activeContact(ctx, tx, known.CustomerID, known.ContactID); err != nil {
			return who, err
		}
		return who, s.store.refreshIdentity(ctx, tx, known.ID, displayName(c), clean(c.Email, 254))
	}
	row := newIdentity(Customers, c)
	how, err := s.place(ctx, tx, &row, c, invitation, link)
	who := row.admitted(how)
	if err != nil {
		who.IdentityID = "" // it was not stored
		return who, err
	}
	if err := s.store.addIdentity(ctx, tx, row); err != nil {
		return who, err
	}
	return who, audit.Record(ctx, tx, audit.Entry{
		Actor: row.ContactID, ActorKind: audit.Customer, Act: "identity.link", Object: "contact " + row.ContactID, CustomerID: row.CustomerID,
		Detail: map[string]any{"identity": row.ID, "how": how, "issuer": c.Issuer},
	})
}

// place finds the contact for a new identity.
func (s *Service) place(ctx context.Context, tx *db.Tx, row *identityRow, c Claims, invitation string, link bool) (how string, err error) {
	if invitation != "" {
		if row.CustomerID, row.ContactID, err = s.store.useInvitation(ctx, tx, invitation); err != nil {
			return "invitation", err
		}
		return "invitation", s.store.activeContact(ctx, tx, row.CustomerID, row.ContactID)
	}
	ref := c.Text(s.config.Customers.CustomerClaim)
	if ref == "" {
		return "claim", ErrUnknownCustomer
	}
	if row.CustomerID, err = s.store.customerByRef(ctx, tx, ref); err != nil {
		return "claim", err
	}
	if link {
		row.ContactID, err = s.store.contactByEmail(ctx, tx, row.CustomerID, c.Email)
		if err != nil || row.ContactID != "" {
			return "email", err
		}
	}
	// Somebody who was shut out is not let in under another identity. The address need not be verified for that.
	if shut, err := s.store.shutOut(ctx, tx, row.CustomerID, c.Email); err != nil || shut {
		if err == nil {
			err = ErrDisabled
		}
		return "claim", err
	}
	row.ContactID, err = s.store.addContact(ctx, tx, newContact(row.CustomerID, c, c.Text(s.config.Customers.RoleClaim)))
	return "claim", err
}

func newIdentity(realm Realm, c Claims) identityRow {
	return identityRow{
		ID: rand.Text(), Realm: realm, Issuer: c.Issuer, Subject: c.Subject, Name: displayName(c), Email: clean(c.Email, 254),
		State: migration.Active,
	}
}

func newContact(customerID string, c Claims, role string) migration.Contact {
	if role != migration.Owner {
		role = migration.Member
	}
	return migration.Contact{
		ID: rand.Text(), CustomerID: customerID, Email: clean(c.Email, 254), Name: displayName(c), Role: role, State: migration.Active,
	}
}

func displayName(c Claims) string {
	for _, name := range []string{c.Name, c.Text("preferred_username"), c.Email, c.Subject} {
		if name = clean(name, 120); name != "" {
			return name
		}
	}
	return "?"
}

// refused reports whether err turns the person away, rather than telling that something of ours does not work.
func refused(err error) bool {
	return err != nil && slices.Contains([]fault.Kind{fault.Forbidden, fault.Gone}, fault.KindOf(err))
}

func refusedEntry(who admitted, realm Realm, c Claims, err error) audit.Entry {
	who.Realm = realm
	actor := who.actor()
	if actor == "" {
		actor = "unknown"
	}
	reason, _ := fault.As(err)
	// The subject is the provider's name for a person; its hash is enough to see that two refusals were the same one's.
	return audit.Entry{
		Actor: actor, ActorKind: who.kind(), Act: "session.refuse", Object: "realm " + string(realm), CustomerID: who.CustomerID,
		Detail: map[string]any{"reason": reason.Key, "issuer": c.Issuer, "subject": hash(c.Issuer + "\n" + c.Subject)[:16]},
	}
}
