package auth

import (
	"context"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Invite makes a token that ties whoever signs in with it first to the contact. It works once, for seven days. A customer's
// owner may invite that customer's contacts, support and programme managers anyone's. ErrMayNotInvite, ErrNoContact,
// ErrDisabled.
func (s *Service) Invite(ctx context.Context, by Session, customerID, contactID string) (token string, err error) {
	owner := by.Realm == Customers && by.Role == migration.Owner && by.CustomerID == customerID
	if !owner && !by.Has(Support, ProgrammeManager) {
		return "", ErrMayNotInvite
	}
	token = newSecret()
	err = s.db.InTx(ctx, by.Scope(), func(tx *db.Tx) error {
		if err := s.store.activeContact(ctx, tx, customerID, contactID); err != nil {
			return err
		}
		if err := s.store.addInvitation(ctx, tx, hash(token), customerID, contactID, by.Actor()); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: by.Actor(), ActorKind: by.ActorKind(), Act: "invitation.send", Object: "contact " + contactID, CustomerID: customerID,
		})
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// Profile is what a person sets for themselves. The caller has checked that both are among those offered.
type Profile struct {
	Locale string
	Zone   string // IANA; empty: as it is. Ignored for staff, who see the programme's
}

// SaveProfile stores the person's language and zone.
func (s *Service) SaveProfile(ctx context.Context, session Session, p Profile) error {
	return s.db.InTx(ctx, session.Scope(), func(tx *db.Tx) error {
		if err := s.store.saveProfile(ctx, tx, session, p); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: session.Actor(), ActorKind: session.ActorKind(), Act: "profile.save", Object: "identity " + session.IdentityID,
			CustomerID: session.CustomerID, Detail: map[string]any{"locale": p.Locale, "zone": p.Zone},
		})
	})
}
