package replacement

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the tables.
type store struct{}

// lineUp makes the decisions of one customer come one after the other.
func (store) lineUp(ctx context.Context, tx *db.Tx, customerID string) error {
	_, err := tx.Pgx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('offramp replacement ' || $1, 0))`, customerID)
	return err
}

// tryLine is lineUp for who can come back later: false while somebody decides for the customer.
func (store) tryLine(ctx context.Context, tx *db.Tx, customerID string) (free bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended('offramp replacement ' || $1, 0))`, customerID).Scan(&free)
	return free, err
}

const choiceColumns = `id, customer_id, decision, replacement, programme, own, state, losses, with_offer, offer_until, reason, text,
	chosen_by, chosen_at, changed_at`

// currentSQL reads the decision that counts.
const currentSQL = `SELECT ` + choiceColumns + ` FROM replacement_choice WHERE customer_id = $1 AND state NOT IN ('undone', 'replaced')`

func scanChoice(row pgx.Row) (*Choice, error) {
	c := &Choice{}
	err := row.Scan(&c.ID, &c.CustomerID, &c.Decision, &c.Replacement, &c.Programme, &c.Own, &c.State, &c.Losses, &c.WithOffer,
		&c.OfferUntil, &c.Reason, &c.Text, &c.By, &c.At, &c.ChangedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read choice: %w", err)
	}
	return c, nil
}

// current reads the decision that counts; nil: none.
func (store) current(ctx context.Context, tx *db.Tx, customerID string) (*Choice, error) {
	return scanChoice(tx.Pgx.QueryRow(ctx, currentSQL, customerID))
}

func (store) insert(ctx context.Context, tx *db.Tx, c Choice) error {
	const sql = `INSERT INTO replacement_choice (` + choiceColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`
	_, err := tx.Pgx.Exec(ctx, sql, c.ID, c.CustomerID, string(c.Decision), c.Replacement, c.Programme, c.Own, string(c.State), c.Losses, c.WithOffer,
		c.OfferUntil, c.Reason, c.Text, c.By, c.At, c.ChangedAt)
	if err != nil {
		return fmt.Errorf("store choice: %w", err)
	}
	return nil
}

// setState moves a decision that counts. reason is kept, or that of a failure.
func (store) setState(ctx context.Context, tx *db.Tx, id string, state State, reason string) error {
	const sql = `UPDATE replacement_choice SET state = $2, reason = $3, changed_at = $4 WHERE id = $1 AND state NOT IN ('undone', 'replaced')`
	tag, err := tx.Pgx.Exec(ctx, sql, id, string(state), reason, tx.Now)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrNothingChosen
	}
	return err
}

// tick stores whether a step is done and reports whether that changed.
func (store) tick(ctx context.Context, tx *db.Tx, who migration.Who, key, step string, done bool) (bool, error) {
	const sql = `INSERT INTO guide_tick (customer_id, replacement, step, done, contact_id, at)
		SELECT $1, $2, $3, $4, $5, $6 WHERE $4 OR EXISTS (SELECT FROM guide_tick WHERE customer_id = $1 AND replacement = $2 AND step = $3)
		ON CONFLICT (customer_id, replacement, step) DO UPDATE SET done = excluded.done, contact_id = excluded.contact_id, at = excluded.at
		WHERE guide_tick.done <> excluded.done`
	tag, err := tx.Pgx.Exec(ctx, sql, who.CustomerID, key, step, done, who.ContactID, tx.Now)
	return tag.RowsAffected() == 1, err
}
