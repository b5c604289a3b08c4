package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store holds the SQL of identities, contacts and invitations; store_session.go that of sessions.
type store struct {
	db *db.DB
}

type identityRow struct {
	ID                    string
	Realm                 Realm
	Issuer, Subject       string
	CustomerID, ContactID string
	Name, Email           string
	Roles                 []Role
	State                 string
}

func (r identityRow) admitted(how string) admitted {
	return admitted{IdentityID: r.ID, Realm: r.Realm, CustomerID: r.CustomerID, ContactID: r.ContactID, How: how}
}

// lockSubject lets one sign-in of a person at a time decide who they are.
func (store) lockSubject(ctx context.Context, tx *db.Tx, issuer, subject string) error {
	_, err := tx.Pgx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1 || chr(10) || $2, 0))`, issuer, subject)
	if err != nil {
		return fmt.Errorf("lock subject: %w", err)
	}
	return nil
}

// identity returns nil when nobody of that name has signed in yet.
func (store) identity(ctx context.Context, tx *db.Tx, issuer, subject string) (*identityRow, error) {
	r := identityRow{Issuer: issuer, Subject: subject}
	err := tx.Pgx.QueryRow(ctx, `SELECT id, realm, coalesce(customer_id, ''), coalesce(contact_id, ''), state
		FROM identity WHERE issuer = $1 AND subject = $2`, issuer, subject).Scan(&r.ID, &r.Realm, &r.CustomerID, &r.ContactID, &r.State)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read identity: %w", err)
	}
	return &r, nil
}

// addIdentity adds a customer's person.
func (store) addIdentity(ctx context.Context, tx *db.Tx, r identityRow) error {
	_, err := tx.Pgx.Exec(ctx, `INSERT INTO identity (id, realm, issuer, subject, customer_id, contact_id, name, email, created_at, signed_in_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`,
		r.ID, string(r.Realm), r.Issuer, r.Subject, r.CustomerID, r.ContactID, r.Name, r.Email, tx.Now)
	if err != nil {
		return fmt.Errorf("add identity: %w", err)
	}
	return nil
}

// staffSignsIn adds a member of staff, or takes over what the provider says of them today. The database alone writes roles, and
// puts it on record when they change.
func (store) staffSignsIn(ctx context.Context, tx *db.Tx, r identityRow) error {
	_, err := tx.Pgx.Exec(ctx, `SELECT staff_signs_in($1, $2, $3, $4, $5, $6, $7)`, r.ID, r.Issuer, r.Subject, r.Name, r.Email, roleNames(r.Roles), tx.Now)
	if err != nil {
		return fmt.Errorf("take over staff %s: %w", r.ID, err)
	}
	return nil
}

// refreshIdentity takes over what the provider says of a customer's person today.
func (store) refreshIdentity(ctx context.Context, tx *db.Tx, id, name, email string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE identity SET name = $2, email = $3, signed_in_at = $4 WHERE id = $1`, id, name, email, tx.Now)
	if err != nil {
		return fmt.Errorf("refresh identity %s: %w", id, err)
	}
	return nil
}

func roleNames(roles []Role) []string {
	names := make([]string, 0, len(roles))
	for _, r := range roles {
		names = append(names, string(r))
	}
	return names
}

// customerByRef finds the customer that a claim names.
func (store) customerByRef(ctx context.Context, tx *db.Tx, ref string) (id string, err error) {
	var state string
	err = tx.Pgx.QueryRow(ctx, `SELECT id, state FROM customer WHERE ref = $1`, clean(ref, 200)).Scan(&id, &state)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", ErrUnknownCustomer
	case err != nil:
		return "", fmt.Errorf("find customer: %w", err)
	case state != migration.Active:
		return id, ErrDisabled
	}
	return id, nil
}

// contactByEmail returns "" when the customer has no contact with this address.
func (store) contactByEmail(ctx context.Context, tx *db.Tx, customerID, email string) (id string, err error) {
	var state string
	err = tx.Pgx.QueryRow(ctx, `SELECT id, state FROM contact WHERE customer_id = $1 AND lower(email) = lower($2)`, customerID, clean(email, 254)).
		Scan(&id, &state)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("find contact of %s: %w", customerID, err)
	case state != migration.Active:
		return id, ErrDisabled
	}
	return id, nil
}

// shutOut reports whether the customer has a contact with this address that was disabled, and not for being joined to another.
func (store) shutOut(ctx context.Context, tx *db.Tx, customerID, email string) (shut bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM contact
		WHERE customer_id = $1 AND lower(email) = lower($2) AND state = 'disabled' AND joined_to IS NULL)`, customerID, clean(email, 254)).Scan(&shut)
	if err != nil {
		return false, fmt.Errorf("find contact of %s: %w", customerID, err)
	}
	return shut, nil
}

// activeContact checks that the contact exists and that it and its customer are active.
func (store) activeContact(ctx context.Context, tx *db.Tx, customerID, contactID string) error {
	var active bool
	err := tx.Pgx.QueryRow(ctx, `SELECT k.state = 'active' AND c.state = 'active' FROM contact k JOIN customer c ON c.id = k.customer_id
		WHERE k.customer_id = $1 AND k.id = $2`, customerID, contactID).Scan(&active)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNoContact
	case err != nil:
		return fmt.Errorf("read contact %s: %w", contactID, err)
	case !active:
		return ErrDisabled
	}
	return nil
}

// addContact adds a person whom the provider vouches for and no import named. A customer's addresses are unique; when this
// one is another contact's it is left out, so that it links nothing.
func (store) addContact(ctx context.Context, tx *db.Tx, c migration.Contact) (string, error) {
	_, err := tx.Pgx.Exec(ctx, `INSERT INTO contact (id, customer_id, email, name, role, state, imported_at, updated_at)
		SELECT $1, $2, CASE WHEN EXISTS (SELECT FROM contact WHERE customer_id = $2 AND lower(email) = lower($3)) THEN $1 || '@unlinked.invalid' ELSE $3 END,
		       $4, $5, $6, $7, $7`,
		c.ID, c.CustomerID, c.Email, c.Name, c.Role, c.State, tx.Now)
	if err != nil {
		return "", fmt.Errorf("add contact of %s: %w", c.CustomerID, err)
	}
	return c.ID, nil
}

func (store) addInvitation(ctx context.Context, tx *db.Tx, tokenHash, customerID, contactID, by string) error {
	_, err := tx.Pgx.Exec(ctx, `INSERT INTO invitation (token_hash, customer_id, contact_id, created_by, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, tokenHash, customerID, contactID, by, tx.Now, tx.Now.Add(invitationFor))
	if err != nil {
		return fmt.Errorf("add invitation: %w", err)
	}
	return nil
}

// useInvitation spends an invitation. One statement decides which of two takers was first.
func (store) useInvitation(ctx context.Context, tx *db.Tx, tokenHash string) (customerID, contactID string, err error) {
	err = tx.Pgx.QueryRow(ctx, `UPDATE invitation SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2
		RETURNING customer_id, contact_id`, tokenHash, tx.Now).Scan(&customerID, &contactID)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", ErrInvitation
	}
	if err != nil {
		return "", "", fmt.Errorf("use invitation: %w", err)
	}
	return customerID, contactID, nil
}

func (store) saveProfile(ctx context.Context, tx *db.Tx, session Session, p Profile) (err error) {
	if session.Realm == Staff {
		_, err = tx.Pgx.Exec(ctx, `UPDATE identity SET locale = $2 WHERE id = $1`, session.IdentityID, p.Locale)
	} else {
		_, err = tx.Pgx.Exec(ctx, `UPDATE contact SET locale = $3, zone = coalesce(nullif($4, ''), zone), updated_at = $5 WHERE customer_id = $1 AND id = $2`,
			session.CustomerID, session.ContactID, p.Locale, p.Zone, tx.Now)
	}
	if err != nil {
		return fmt.Errorf("save profile: %w", err)
	}
	return nil
}

// useSignIn remembers that a sign-in was used, until nobody could bring it back any more. ErrState when it was used before.
func (s store) useSignIn(ctx context.Context, tokenHash string, realm Realm, now, until time.Time) error {
	tag, err := s.db.Pool.Exec(ctx, `INSERT INTO sign_in (token_hash, realm, state, nonce, verifier, return_to, created_at, expires_at)
		VALUES ($1, $2, '', '', '', '', $3, $4) ON CONFLICT (token_hash) DO NOTHING`, tokenHash, string(realm), now, until)
	if err != nil {
		return fmt.Errorf("use sign-in: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrState
	}
	return nil
}
