package truth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// store is the only place that knows the tables of the truth.
type store struct{}

// subject is whom a mail went to.
type subject struct {
	CustomerID, ContactID string
	Address               string // SHA-256 of the address as it is now
}

// see remembers a mail that came in and reports whether it is new.
func (store) see(ctx context.Context, tx *db.Tx, digest string) (fresh bool, err error) {
	tag, err := tx.Pgx.Exec(ctx, `INSERT INTO notice_report_seen (digest, at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, digest, tx.Now)
	if err != nil {
		return false, fmt.Errorf("remember mail: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

func (store) count(ctx context.Context, tx *db.Tx, source, outcome string) error {
	const sql = `
		INSERT INTO notice_report_count AS c (day, source, outcome, count) VALUES (($3 AT TIME ZONE 'UTC')::date, $1, $2, 1)
		ON CONFLICT (day, source, outcome) DO UPDATE SET count = c.count + 1`
	if _, err := tx.Pgx.Exec(ctx, sql, source, outcome, tx.Now); err != nil {
		return fmt.Errorf("count mail: %w", err)
	}
	return nil
}

// about finds whom a mail went to: a notice, or a test mail; of short messages a notice, or a code.
func (store) about(ctx context.Context, tx *db.Tx, mailID, channel string) (to subject, known bool, err error) {
	const sql = `
		SELECT d.customer_id, d.contact_id, CASE $2 WHEN 'sms' THEN notice_address(coalesce(d.number, n.number, '')) ELSE notice_address(c.email) END
		  FROM (SELECT customer_id, contact_id, NULL AS number FROM notice_delivery WHERE mail_id = $1 AND channel = $2
		        UNION ALL SELECT customer_id, contact_id, NULL FROM notice_probe WHERE mail_id = $1 AND $2 = 'email'
		        UNION ALL SELECT customer_id, contact_id, number FROM phone_code WHERE id = $1 AND $2 = 'sms') d
		  JOIN contact c ON c.id = d.contact_id LEFT JOIN contact_phone n ON n.contact_id = d.contact_id LIMIT 1`
	err = tx.Pgx.QueryRow(ctx, sql, mailID, channel).Scan(&to.CustomerID, &to.ContactID, &to.Address)
	if errors.Is(err, pgx.ErrNoRows) {
		return to, false, nil
	}
	if err != nil {
		return to, false, fmt.Errorf("find mail: %w", err)
	}
	return to, true, nil
}

func (store) add(ctx context.Context, tx *db.Tx, to subject, f Fact) error {
	const sql = `
		INSERT INTO notice_fact (customer_id, contact_id, mail_id, source, kind, blame, status, detail, address, at)
		VALUES (@customer, @contact, @mail, @source, @kind, @blame, @status, @detail, @address, @now)`
	_, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"customer": to.CustomerID, "contact": to.ContactID, "mail": f.MailID, "source": f.Source, "kind": f.Kind, "blame": f.Blame,
		"status": f.Status, "detail": f.Detail, "address": to.Address, "now": tx.Now,
	})
	if err != nil {
		return fmt.Errorf("add fact: %w", err)
	}
	return nil
}

// move takes the deliveries of a mail to what a fact says, never back. What the dialogue says the sender writes itself.
func (store) move(ctx context.Context, tx *db.Tx, f Fact) error {
	if f.Source == Dialogue {
		return nil
	}
	var until *time.Time
	if !f.Until.IsZero() {
		until = &f.Until
	}
	args := pgx.NamedArgs{"mail": f.MailID, "channel": f.Channel, "state": f.Kind, "detail": evidenceOf(f), "now": tx.Now, "until": until}
	const delivery = `
		UPDATE notice_delivery SET state = @state, detail = @detail, until = @until, ended_at = coalesce(ended_at, @now), again_by = ''
		 WHERE mail_id = @mail AND channel = @channel AND notice_rank(state) < notice_rank(@state)`
	if _, err := tx.Pgx.Exec(ctx, delivery, args); err != nil {
		return fmt.Errorf("move delivery: %w", err)
	}
	if f.Channel == "sms" {
		const code = `UPDATE phone_code SET state = @state, detail = @detail WHERE id = @mail AND state NOT IN ('bounced', 'delivered') AND @state IN ('bounced', 'delivered')`
		if _, err := tx.Pgx.Exec(ctx, code, args); err != nil {
			return fmt.Errorf("move code: %w", err)
		}
	}
	if f.Kind != "bounced" {
		return nil
	}
	const probe = `UPDATE notice_probe SET state = 'bounced', detail = @detail, ended_at = @now WHERE mail_id = @mail AND state <> 'bounced'`
	if _, err := tx.Pgx.Exec(ctx, probe, args); err != nil {
		return fmt.Errorf("move test mail: %w", err)
	}
	return nil
}

// fails counts what spoke against an address since an instant, and since it was last let go of: for good without a cause, and for
// the time being.
func (store) fails(ctx context.Context, tx *db.Tx, to subject, since time.Time) (hard, soft int, err error) {
	const sql = `
		SELECT count(*) FILTER (WHERE kind IN ('bounced', 'refused') AND blame = 'unclear'), count(*) FILTER (WHERE blame = 'mailbox')
		  FROM notice_fact
		 WHERE contact_id = $1 AND address = $2 AND at > $3
		   AND at > coalesce((SELECT lifted_at FROM notice_suppression WHERE contact_id = $1), '-infinity')`
	if err := tx.Pgx.QueryRow(ctx, sql, to.ContactID, to.Address, since).Scan(&hard, &soft); err != nil {
		return 0, 0, fmt.Errorf("count failures of an address: %w", err)
	}
	return hard, soft, nil
}

// suppress stops writing to an address and reports whether it was written to until now.
func (store) suppress(ctx context.Context, tx *db.Tx, to subject, cause, evidence, mailID string) (fresh bool, err error) {
	const sql = `
		INSERT INTO notice_suppression AS s (contact_id, customer_id, cause, evidence, mail_id, at, address)
		VALUES (@contact, @customer, @cause, @evidence, @mail, @now, @address)
		ON CONFLICT (contact_id) DO UPDATE
		   SET cause = excluded.cause, evidence = excluded.evidence, mail_id = excluded.mail_id, at = excluded.at, address = excluded.address,
		       lifted_by = '', lifted_at = NULL
		 WHERE s.lifted_at IS NOT NULL OR s.address NOT IN ('', excluded.address)`
	tag, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"contact": to.ContactID, "customer": to.CustomerID, "cause": cause, "evidence": evidence, "mail": mailID, "now": tx.Now, "address": to.Address,
	})
	if err != nil {
		return false, fmt.Errorf("suppress address: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// block stops texting a contact's number, where it is still the one that a message went to, and reports whether it was texted until now.
func (store) block(ctx context.Context, tx *db.Tx, to subject, evidence, mailID string) (fresh bool, err error) {
	const sql = `
		UPDATE contact_phone SET blocked_at = $4, blocked_for = $3
		 WHERE contact_id = $1 AND number <> '' AND blocked_at IS NULL
		   AND EXISTS (SELECT FROM notice_delivery d WHERE d.mail_id = $2 AND d.contact_id = $1 AND d.channel = 'sms' AND d.started_at >= changed_at)`
	tag, err := tx.Pgx.Exec(ctx, sql, to.ContactID, mailID, evidence, tx.Now)
	if err != nil {
		return false, fmt.Errorf("block number: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// named returns our reference of a message that the gateway calls so; empty: we know none yet.
func (store) named(ctx context.Context, tx *db.Tx, gatewayID string) (mailID string, err error) {
	const sql = `SELECT coalesce(max(mail_id), '') FROM notice_delivery WHERE gateway_id = $1 AND gateway_id <> ''`
	if err := tx.Pgx.QueryRow(ctx, sql, gatewayID).Scan(&mailID); err != nil {
		return "", fmt.Errorf("find short message: %w", err)
	}
	return mailID, nil
}

// lapse ends what was delayed, or waits for a receipt, and of which nothing was heard since an instant. Whoever has it may have said
// that they try longer.
func (store) lapse(ctx context.Context, tx *db.Tx, before time.Time) error {
	const sql = `
		UPDATE notice_delivery d SET state = 'lapsed'
		 WHERE d.started_at < $1
		   AND (d.state = 'delayed' AND (d.until IS NULL OR d.until < $2) OR d.state = 'accepted' AND d.channel = 'sms')
		   AND NOT EXISTS (SELECT FROM notice_fact f WHERE f.mail_id = d.mail_id AND f.at > $1)`
	if _, err := tx.Pgx.Exec(ctx, sql, before, tx.Now); err != nil {
		return fmt.Errorf("end deliveries nobody speaks of: %w", err)
	}
	return nil
}

func (store) forget(ctx context.Context, tx *db.Tx, before time.Time) error {
	const sql = `DELETE FROM notice_report_seen WHERE digest IN (SELECT digest FROM notice_report_seen WHERE at < $1 LIMIT 10000)`
	if _, err := tx.Pgx.Exec(ctx, sql, before); err != nil {
		return fmt.Errorf("forget mails: %w", err)
	}
	return nil
}
