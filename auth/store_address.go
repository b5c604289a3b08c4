package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// addAddress keeps an address that is to be confirmed and returns how many the contact has asked for in the day before.
func (store) addAddress(ctx context.Context, tx *db.Tx, session Session, tokenHash, email string) (before int, err error) {
	const sql = `
		WITH locked AS (SELECT id FROM contact WHERE customer_id = $2 AND id = $3 FOR UPDATE),
		     added AS (INSERT INTO address_confirmation (token_hash, customer_id, contact_id, email, created_at, expires_at)
		               SELECT $1, $2, id, $4, $5, $6 FROM locked)
		SELECT count(*) FROM address_confirmation WHERE contact_id = $3 AND created_at > $7`
	err = tx.Pgx.QueryRow(ctx, sql, tokenHash, session.CustomerID, session.ContactID, email, tx.Now, tx.Now.Add(addressFor), tx.Now.AddDate(0, 0, -1)).Scan(&before)
	if err != nil {
		return 0, fmt.Errorf("add address: %w", err)
	}
	return before, nil
}

// useAddress spends a link and returns its address.
func (store) useAddress(ctx context.Context, tx *db.Tx, session Session, tokenHash string) (email string, err error) {
	err = tx.Pgx.QueryRow(ctx, `UPDATE address_confirmation SET used_at = $4
		WHERE token_hash = $1 AND customer_id = $2 AND contact_id = $3 AND used_at IS NULL AND expires_at > $4 RETURNING email`,
		tokenHash, session.CustomerID, session.ContactID, tx.Now).Scan(&email)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrAddressLink
	}
	if err != nil {
		return "", fmt.Errorf("use address: %w", err)
	}
	return email, nil
}

func (store) setAddress(ctx context.Context, tx *db.Tx, session Session, email string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE contact SET email = $3, mail_problem = '', updated_at = $4 WHERE customer_id = $1 AND id = $2`,
		session.CustomerID, session.ContactID, email, tx.Now)
	if db.IsUnique(err, "contact_email") { // another contact took it meanwhile
		return ErrAddressLink.Wrap(err)
	}
	if err != nil {
		return fmt.Errorf("set address: %w", err)
	}
	return nil
}

// madeHere reports whether a contact was made at a sign-in, without the address that another one has.
func (store) madeHere(ctx context.Context, tx *db.Tx, customerID, contactID string) (made bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT email LIKE '%@unlinked.invalid' FROM contact WHERE customer_id = $1 AND id = $2`, customerID, contactID).Scan(&made)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("read contact %s: %w", contactID, err)
	}
	return made, nil
}

// join makes the people of one contact those of another.
func (store) join(ctx context.Context, tx *db.Tx, j joined) error {
	for i, sql := range []string{
		`UPDATE identity SET contact_id = $3 WHERE customer_id = $1 AND contact_id = $2`,
		`UPDATE contact SET role = 'owner', updated_at = $4 WHERE customer_id = $1 AND id = $3 AND role <> 'owner'
		    AND EXISTS (SELECT FROM contact WHERE customer_id = $1 AND id = $2 AND role = 'owner')`,
		`UPDATE contact SET state = 'disabled', joined_to = $3, updated_at = $4 WHERE customer_id = $1 AND (id = $2 OR joined_to = $2)`,
	} {
		args := []any{j.customerID, j.from, j.into}
		if i > 0 {
			args = append(args, tx.Now)
		}
		if _, err := tx.Pgx.Exec(ctx, sql, args...); err != nil {
			return fmt.Errorf("join contact %s to %s: %w", j.from, j.into, err)
		}
	}
	return nil
}
