package replacement

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// contact reads the name and address of an active contact; empty: there is none any more.
func (store) contact(ctx context.Context, tx *db.Tx, id string) (name, email string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT name, email FROM contact WHERE id = $1 AND state = 'active'`, id).Scan(&name, &email)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", nil
	}
	return name, email, err
}

func (store) addHandOver(ctx context.Context, tx *db.Tx, h HandOver, c Choice) error {
	const sql = `INSERT INTO hand_over (id, customer_id, choice_id, replacement, fields, agreed_by, agreed_at, until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	_, err := tx.Pgx.Exec(ctx, sql, h.ID, c.CustomerID, c.ID, h.Replacement, h.Fields, h.By, h.At, h.Until)
	if err != nil {
		return fmt.Errorf("store hand-over: %w", err)
	}
	return nil
}

// redeem uses a hand-over up and returns it with its customer. ErrHandOver where it was used, has ended, belongs to a choice that
// does not count any more, or was agreed to by somebody who is shut out.
func (store) redeem(ctx context.Context, tx *db.Tx, id, key string) (h HandOver, customerID string, err error) {
	const sql = `UPDATE hand_over h SET redeemed_at = $3 FROM replacement_choice c
		WHERE h.id = $1 AND h.replacement = $2 AND h.redeemed_at IS NULL AND h.until > $3 AND c.id = h.choice_id AND c.state NOT IN ('undone', 'replaced', 'withdrawn')
		  AND NOT EXISTS (SELECT FROM contact k WHERE k.id = h.agreed_by AND k.state = 'disabled' AND k.joined_to IS NULL)
		RETURNING h.id, h.replacement, h.fields, h.agreed_by, h.agreed_at, h.until, h.redeemed_at, h.customer_id`
	err = tx.Pgx.QueryRow(ctx, sql, id, key, tx.Now).Scan(&h.ID, &h.Replacement, &h.Fields, &h.By, &h.At, &h.Until, &h.RedeemedAt, &customerID)
	if errors.Is(err, pgx.ErrNoRows) {
		return HandOver{}, "", ErrHandOver
	}
	return h, customerID, err
}

// addReport notes a message of a replacement and reports whether it is new.
func (store) addReport(ctx context.Context, tx *db.Tx, key, messageID string) (bool, error) {
	tag, err := tx.Pgx.Exec(ctx, `INSERT INTO replacement_report (replacement, message_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, key, messageID, tx.Now)
	return tag.RowsAffected() == 1, err
}

// reportedOn finds whom a report is about, and by a hand-over also which choice.
func (store) reportedOn(ctx context.Context, tx *db.Tx, key string, r Report) (customerID, choiceID string, err error) {
	if r.HandOverID != "" {
		const sql = `SELECT customer_id, choice_id FROM hand_over WHERE id = $1 AND replacement = $2 AND redeemed_at IS NOT NULL`
		err = tx.Pgx.QueryRow(ctx, sql, r.HandOverID, key).Scan(&customerID, &choiceID)
	} else {
		err = tx.Pgx.QueryRow(ctx, `SELECT id FROM customer WHERE ref = $1`, r.CustomerRef).Scan(&customerID)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", ErrNotFound
	}
	return customerID, choiceID, err
}
