package truth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

func (store) suppressions(ctx context.Context, tx *db.Tx, search string, limit int, since time.Time) ([]Suppression, error) {
	const sql = `
		SELECT s.contact_id, s.customer_id, c.ref, c.name AS customer, k.name AS contact, k.email AS mail, s.cause, s.evidence,
		       s.address IN ('', notice_address(k.email)) AS current, s.at, s.lifted_by, s.lifted_at,
		       coalesce((SELECT jsonb_agg(jsonb_build_object('source', f.source, 'kind', f.kind, 'blame', f.blame, 'status', f.status,
		                                                     'detail', f.detail, 'at', f.at) ORDER BY f.at DESC)
		                   FROM (SELECT * FROM notice_fact f WHERE f.contact_id = s.contact_id ORDER BY f.at DESC LIMIT 10) f), '[]') AS facts,
		       (SELECT jsonb_build_object('state', p.state, 'detail', p.detail, 'asked_by', p.asked_by, 'asked_at', p.asked_at,
		                                  'ended_at', p.ended_at)
		          FROM notice_probe p WHERE p.contact_id = s.contact_id ORDER BY p.asked_at DESC LIMIT 1) AS probe
		  FROM notice_suppression s JOIN customer c ON c.id = s.customer_id JOIN contact k ON k.id = s.contact_id
		 WHERE (s.lifted_at IS NULL OR s.lifted_at > @since)
		   AND (@search = '' OR c.ref ILIKE @like OR c.name ILIKE @like OR k.name ILIKE @like OR lower(k.email) = lower(@search))
		 ORDER BY s.lifted_at IS NOT NULL, s.at DESC LIMIT @limit`
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{
		"since": since, "search": search, "like": "%" + escapeLike(search) + "%", "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("list suppressions: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Suppression])
}

// ask writes down that a test mail is to go to a contact whose address is suppressed.
func (store) ask(ctx context.Context, tx *db.Tx, id, contactID, mailID, by string) (customerID string, err error) {
	const sql = `
		INSERT INTO notice_probe (id, customer_id, contact_id, mail_id, state, asked_by, asked_at)
		SELECT $1, s.customer_id, s.contact_id, $3, 'asked', $4, $5 FROM notice_suppression s WHERE s.contact_id = $2 AND s.lifted_at IS NULL
		RETURNING customer_id`
	err = tx.Pgx.QueryRow(ctx, sql, id, contactID, mailID, by, tx.Now).Scan(&customerID)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", ErrNone
	case db.IsUnique(err, "notice_probe_live"):
		return "", ErrAsked.Wrap(err)
	case err != nil:
		return "", fmt.Errorf("ask for test mail: %w", err)
	}
	return customerID, nil
}

func (store) tests(ctx context.Context, tx *db.Tx, limit int, abandoned time.Time) ([]Test, error) {
	const lost = `UPDATE notice_probe SET state = 'unknown', ended_at = $2 WHERE state = 'sending' AND asked_at < $1`
	if _, err := tx.Pgx.Exec(ctx, lost, abandoned, tx.Now); err != nil {
		return nil, fmt.Errorf("give up test mails: %w", err)
	}
	const sql = `
		WITH mine AS (SELECT id FROM notice_probe WHERE state = 'asked' ORDER BY asked_at LIMIT $1 FOR UPDATE SKIP LOCKED)
		UPDATE notice_probe p SET state = 'sending' FROM mine, customer c, contact k
		 WHERE p.id = mine.id AND c.id = p.customer_id AND k.id = p.contact_id
		RETURNING p.id, p.customer_id, p.contact_id, p.mail_id, c.ref, c.name AS customer, c.tier, k.name AS contact, k.email AS mail,
		          coalesce(nullif(k.locale, ''), c.locale) AS locale, c.zone, p.asked_by`
	rows, err := tx.Pgx.Query(ctx, sql, limit)
	if err != nil {
		return nil, fmt.Errorf("take test mails: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Test])
}

func (store) tested(ctx context.Context, tx *db.Tx, t Test, state, detail string) (moved bool, err error) {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE notice_probe SET state = $2, detail = $3, ended_at = $4 WHERE id = $1 AND state IN ('sending', 'unknown')`,
		t.ID, state, detail, tx.Now)
	if err != nil {
		return false, fmt.Errorf("end test mail: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

func (store) lift(ctx context.Context, tx *db.Tx, t Test) error {
	const sql = `UPDATE notice_suppression SET lifted_by = $2, lifted_at = $3 WHERE contact_id = $1 AND lifted_at IS NULL`
	if _, err := tx.Pgx.Exec(ctx, sql, t.ContactID, t.AskedBy, tx.Now); err != nil {
		return fmt.Errorf("lift suppression: %w", err)
	}
	return nil
}

// again marks a delivery of which nobody knows whether it arrived as one to send once more.
func (store) again(ctx context.Context, tx *db.Tx, messageID, contactID, by string) (customerID, notice string, err error) {
	const sql = `
		UPDATE notice_delivery d SET again_by = $3 FROM notice_message m
		 WHERE d.message_id = $1 AND d.contact_id = $2 AND m.id = d.message_id AND d.state IN ('unknown', 'lapsed')
		RETURNING d.customer_id, m.notice`
	err = tx.Pgx.QueryRow(ctx, sql, messageID, contactID, by).Scan(&customerID, &notice)
	if !errors.Is(err, pgx.ErrNoRows) {
		return customerID, notice, err
	}
	var there bool
	const known = `SELECT EXISTS (SELECT FROM notice_delivery WHERE message_id = $1 AND contact_id = $2)`
	if err := tx.Pgx.QueryRow(ctx, known, messageID, contactID).Scan(&there); err != nil {
		return "", "", fmt.Errorf("read delivery: %w", err)
	}
	if there {
		return "", "", ErrSettled
	}
	return "", "", ErrNone
}

func (store) inflow(ctx context.Context, tx *db.Tx, since time.Time) (in Inflow, err error) {
	const sql = `
		SELECT source, outcome, sum(count)::bigint AS count FROM notice_report_count
		 WHERE day >= ($1 AT TIME ZONE 'UTC')::date GROUP BY source, outcome ORDER BY source, outcome`
	rows, err := tx.Pgx.Query(ctx, sql, since)
	if err != nil {
		return in, fmt.Errorf("count mails: %w", err)
	}
	if in.Tallies, err = pgx.CollectRows(rows, pgx.RowToStructByName[Tally]); err != nil {
		return in, fmt.Errorf("count mails: %w", err)
	}
	err = tx.Pgx.QueryRow(ctx, `SELECT looked_at, problem FROM notice_mailbox ORDER BY looked_at DESC NULLS LAST LIMIT 1`).Scan(&in.LookedAt, &in.Problem)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return in, err
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func escapeLike(s string) string { return likeEscaper.Replace(s) }

func (store) unknowns(ctx context.Context, tx *db.Tx, search string, limit int) ([]Doubt, error) {
	const sql = `
		SELECT d.message_id, d.contact_id, c.ref, c.name AS customer, k.name AS contact, k.email AS mail, d.channel, coalesce(n.number, '') AS phone,
		       d.subject, d.state, d.detail, d.started_at, d.until, d.again_by
		  FROM notice_delivery d JOIN customer c ON c.id = d.customer_id JOIN contact k ON k.id = d.contact_id
		  LEFT JOIN contact_phone n ON n.contact_id = d.contact_id
		 WHERE d.state IN ('unknown', 'lapsed', 'delayed')
		   AND (@search = '' OR c.ref ILIKE @like OR c.name ILIKE @like OR k.name ILIKE @like OR lower(k.email) = lower(@search))
		 ORDER BY d.started_at DESC LIMIT @limit`
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{"search": search, "like": "%" + escapeLike(search) + "%", "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("list mails in doubt: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Doubt])
}

func (store) blocked(ctx context.Context, tx *db.Tx, search string, limit int) ([]Blocked, error) {
	const sql = `
		SELECT n.contact_id, n.customer_id, c.ref, c.name AS customer, k.name AS contact, n.number AS phone, n.blocked_for AS evidence, n.blocked_at AS at
		  FROM contact_phone n JOIN customer c ON c.id = n.customer_id JOIN contact k ON k.id = n.contact_id
		 WHERE n.blocked_at IS NOT NULL AND n.number <> ''
		   AND (@search = '' OR c.ref ILIKE @like OR c.name ILIKE @like OR k.name ILIKE @like OR lower(k.email) = lower(@search))
		 ORDER BY n.blocked_at DESC LIMIT @limit`
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{"search": search, "like": "%" + escapeLike(search) + "%", "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("list blocked numbers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Blocked])
}
