package reader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/internal/sms"
	"offramp/migration"
)

// store is the only place that knows the tables of numbers and preferences.
type store struct{}

func (store) phone(ctx context.Context, tx *db.Tx, who migration.Who) (p Phone, err error) {
	const sql = `
		SELECT coalesce(n.number, ''), coalesce(n.confirmed_at IS NULL AND n.number <> '', FALSE), n.consent_at, n.withdrawn_at, n.blocked_at,
		       coalesce(c.number, ''), coalesce(c.state, ''), coalesce(c.words <> '', FALSE)
		  FROM (SELECT 1) one
		  LEFT JOIN contact_phone n ON n.contact_id = $1
		  LEFT JOIN LATERAL (SELECT number, state, words FROM phone_code k WHERE k.contact_id = $1 AND used_at IS NULL AND expires_at > $2 AND tries < $3
		                      ORDER BY created_at DESC LIMIT 1) c ON TRUE`
	err = tx.Pgx.QueryRow(ctx, sql, who.ContactID, tx.Now, wrongCodes).Scan(&p.Number, &p.Imported, &p.ConsentAt, &p.WithdrawnAt, &p.BlockedAt,
		&p.Pending, &p.PendingSent, &p.PendingSMS)
	if err != nil {
		return p, fmt.Errorf("read phone number: %w", err)
	}
	return p, nil
}

// codesTo counts the codes that were sent to a number since an instant, whoever asked.
func (store) codesTo(ctx context.Context, tx *db.Tx, number string, since time.Time) (n int, err error) {
	if err := tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM phone_code WHERE number = $1 AND created_at > $2`, number, since).Scan(&n); err != nil {
		return 0, fmt.Errorf("count codes to a number: %w", err)
	}
	return n, nil
}

// codesOf counts the codes that a contact has asked for in the last hour and day. The contact is locked, so that two requests at once
// are counted one after the other.
func (store) codesOf(ctx context.Context, tx *db.Tx, who migration.Who, now time.Time) (hour, day int, err error) {
	const sql = `SELECT id FROM contact WHERE customer_id = $1 AND id = $2 FOR UPDATE`
	if _, err := tx.Pgx.Exec(ctx, sql, who.CustomerID, who.ContactID); err != nil {
		return 0, 0, fmt.Errorf("lock contact: %w", err)
	}
	const count = `SELECT count(*) FILTER (WHERE created_at > $2), count(*) FROM phone_code WHERE contact_id = $1 AND created_at > $3`
	if err := tx.Pgx.QueryRow(ctx, count, who.ContactID, now.Add(-time.Hour), now.AddDate(0, 0, -1)).Scan(&hour, &day); err != nil {
		return 0, 0, fmt.Errorf("count codes of a contact: %w", err)
	}
	return hour, day, nil
}

// addCode stores a code; an earlier one does not count any more.
func (store) addCode(ctx context.Context, tx *db.Tx, who migration.Who, c Code) error {
	const earlier = `UPDATE phone_code SET tries = $2 WHERE contact_id = $1 AND used_at IS NULL AND tries < $2`
	if _, err := tx.Pgx.Exec(ctx, earlier, who.ContactID, wrongCodes); err != nil {
		return fmt.Errorf("end earlier codes: %w", err)
	}
	const sql = `
		INSERT INTO phone_code (id, customer_id, contact_id, number, hash, code, locale, words, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	if _, err := tx.Pgx.Exec(ctx, sql, c.ID, who.CustomerID, who.ContactID, c.Number, c.hash, c.Code, c.Locale, c.Words, tx.Now, c.until); err != nil {
		return fmt.Errorf("add code: %w", err)
	}
	return nil
}

// liveCode locks the code that a contact may still enter. ErrCodeOver.
func (store) liveCode(ctx context.Context, tx *db.Tx, who migration.Who, now time.Time) (c Code, err error) {
	const sql = `
		SELECT id, number, hash, words FROM phone_code
		 WHERE contact_id = $1 AND used_at IS NULL AND expires_at > $2 AND tries < $3 FOR UPDATE`
	err = tx.Pgx.QueryRow(ctx, sql, who.ContactID, now, wrongCodes).Scan(&c.ID, &c.Number, &c.hash, &c.Words)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, ErrCodeOver.Field("phone", "phone.code_over", nil)
	}
	if err != nil {
		return c, fmt.Errorf("read code: %w", err)
	}
	return c, nil
}

func (store) wrongCode(ctx context.Context, tx *db.Tx, id string) error {
	if _, err := tx.Pgx.Exec(ctx, `UPDATE phone_code SET tries = tries + 1 WHERE id = $1`, id); err != nil {
		return fmt.Errorf("count wrong code: %w", err)
	}
	return nil
}

func (store) useCode(ctx context.Context, tx *db.Tx, id string) error {
	if _, err := tx.Pgx.Exec(ctx, `UPDATE phone_code SET used_at = $2 WHERE id = $1`, id, tx.Now); err != nil {
		return fmt.Errorf("use code: %w", err)
	}
	return nil
}

// setNumber stores a number that its person has confirmed. What was known of an earlier one is over.
func (store) setNumber(ctx context.Context, tx *db.Tx, who migration.Who, number string, agreed bool) error {
	const sql = `
		INSERT INTO contact_phone (contact_id, customer_id, number, origin, confirmed_at, consent_at, changed_at)
		VALUES ($1, $2, $3, 'person', $5, CASE WHEN $4 THEN $5::timestamptz END, $5)
		ON CONFLICT (contact_id) DO UPDATE
		   SET number = excluded.number, origin = 'person', confirmed_at = excluded.confirmed_at, consent_at = excluded.consent_at,
		       withdrawn_at = NULL, blocked_at = NULL, blocked_for = '', changed_at = excluded.changed_at`
	if _, err := tx.Pgx.Exec(ctx, sql, who.ContactID, who.CustomerID, number, agreed, tx.Now); err != nil {
		return fmt.Errorf("store phone number: %w", err)
	}
	return nil
}

// consent gives consent, or takes it back, and reports whether that changed anything. ErrNoPhone.
func (store) consent(ctx context.Context, tx *db.Tx, who migration.Who, agree bool) (number string, changed bool, err error) {
	var given, confirmed bool
	const read = `
		SELECT number, consent_at IS NOT NULL AND withdrawn_at IS NULL, confirmed_at IS NOT NULL FROM contact_phone
		 WHERE contact_id = $1 AND number <> '' FOR UPDATE`
	err = tx.Pgx.QueryRow(ctx, read, who.ContactID).Scan(&number, &given, &confirmed)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && agree && !confirmed:
		return "", false, ErrNoPhone
	case err != nil:
		return "", false, fmt.Errorf("read phone number: %w", err)
	case given == agree:
		return number, false, nil
	}
	sql := `UPDATE contact_phone SET withdrawn_at = $2 WHERE contact_id = $1`
	if agree {
		sql = `UPDATE contact_phone SET consent_at = $2, withdrawn_at = NULL WHERE contact_id = $1`
	}
	if _, err := tx.Pgx.Exec(ctx, sql, who.ContactID, tx.Now); err != nil {
		return "", false, fmt.Errorf("store consent: %w", err)
	}
	return number, true, nil
}

// removeNumber forgets a number and reports whether short messages went there. ErrNoPhone.
func (store) removeNumber(ctx context.Context, tx *db.Tx, who migration.Who) (number string, agreed bool, err error) {
	const read = `SELECT number, consent_at IS NOT NULL AND withdrawn_at IS NULL FROM contact_phone WHERE contact_id = $1 AND number <> '' FOR UPDATE`
	err = tx.Pgx.QueryRow(ctx, read, who.ContactID).Scan(&number, &agreed)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, ErrNoPhone
	}
	if err != nil {
		return "", false, fmt.Errorf("read phone number: %w", err)
	}
	const sql = `
		UPDATE contact_phone SET number = '', origin = 'person', confirmed_at = NULL, consent_at = NULL, withdrawn_at = NULL, blocked_at = NULL,
		       blocked_for = '', changed_at = $2 WHERE contact_id = $1`
	if _, err := tx.Pgx.Exec(ctx, sql, who.ContactID, tx.Now); err != nil {
		return "", false, fmt.Errorf("remove phone number: %w", err)
	}
	return number, agreed, nil
}

const logSQL = `
	INSERT INTO sms_consent (customer_id, contact_id, number, act, way, words, by, at) VALUES ($1, $2, notice_address($3), $4, $5, $6, $7, $8)`

func (store) logConsent(ctx context.Context, tx *db.Tx, who migration.Who, number, act, words string) error {
	if _, err := tx.Pgx.Exec(ctx, logSQL, who.CustomerID, who.ContactID, number, act, "person", words, who.ContactID, tx.Now); err != nil {
		return fmt.Errorf("keep consent: %w", err)
	}
	return nil
}

func (store) logReply(ctx context.Context, tx *db.Tx, who migration.Who, number, text string) error {
	if _, err := tx.Pgx.Exec(ctx, logSQL, who.CustomerID, who.ContactID, number, "withdrawn", "reply", text, who.ContactID, tx.Now); err != nil {
		return fmt.Errorf("keep answer: %w", err)
	}
	return nil
}

// stop takes back the consent of all whose number this is, and returns whose it was in effect.
func (store) stop(ctx context.Context, tx *db.Tx, number string) ([]migration.Who, error) {
	const sql = `
		UPDATE contact_phone SET withdrawn_at = $2 WHERE number = $1 AND number <> '' AND consent_at IS NOT NULL AND withdrawn_at IS NULL
		RETURNING customer_id, contact_id`
	rows, err := tx.Pgx.Query(ctx, sql, number, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("take consent back: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (who migration.Who, err error) {
		return who, row.Scan(&who.CustomerID, &who.ContactID)
	})
}

// takeCodes takes codes that wait and still count. Of those that a process was sending when it died nobody knows.
func (store) takeCodes(ctx context.Context, tx *db.Tx, limit int, abandoned time.Time) ([]Code, error) {
	const lost = `UPDATE phone_code SET state = 'unknown', code = '' WHERE state IN ('asked', 'sending') AND created_at < $1`
	if _, err := tx.Pgx.Exec(ctx, lost, abandoned); err != nil {
		return nil, fmt.Errorf("give up codes: %w", err)
	}
	const sql = `
		WITH mine AS (SELECT id AS one FROM phone_code WHERE state = 'asked' ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED)
		UPDATE phone_code SET state = 'sending' FROM mine WHERE id = one RETURNING id, number, code, locale, words`
	rows, err := tx.Pgx.Query(ctx, sql, limit)
	if err != nil {
		return nil, fmt.Errorf("take codes: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Code, err error) {
		return c, row.Scan(&c.ID, &c.Number, &c.Code, &c.Locale, &c.Words)
	})
}

// endCode records what sending a code came to, and forgets it. A receipt that came before stays.
func (store) endCode(ctx context.Context, tx *db.Tx, id string, r sms.Result) error {
	const sql = `
		UPDATE phone_code SET code = '', detail = CASE WHEN state IN ('sending', 'unknown') THEN $3 ELSE detail END,
		       state = CASE WHEN state IN ('sending', 'unknown') THEN $2 ELSE state END WHERE id = $1`
	if _, err := tx.Pgx.Exec(ctx, sql, id, r.State, r.Detail); err != nil {
		return fmt.Errorf("end code: %w", err)
	}
	return nil
}
