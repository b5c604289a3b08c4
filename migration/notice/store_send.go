package notice

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
)

// message is one planned row that the sender has leased.
type message struct {
	ID         string
	CustomerID string
	Notice     string
	Stage      int
	DueDay     time.Time
	Channel    string // the latest one that was tried; empty: none
	Attempts   int    // of deliveries on that channel
}

// claim leases all that is due of up to limit customers until the given instant: a customer's messages come together, so that
// several reminders of a day become one mail.
func (store) claim(ctx context.Context, tx *db.Tx, notices []string, limit int, until time.Time) ([]message, error) {
	const sql = `
		WITH due AS (
		  SELECT m.id FROM notice_message m
		   WHERE m.customer_id = ANY(ARRAY( -- as an array, so that few customers are looked up rather than all messages read
		           SELECT customer_id FROM notice_message
		            WHERE state = 'planned' AND next_at <= @now AND (leased_until IS NULL OR leased_until < @now) AND notice = ANY(@notices)
		            ORDER BY next_at LIMIT @limit))
		     AND m.state = 'planned' AND m.next_at <= @now AND (m.leased_until IS NULL OR m.leased_until < @now)
		     AND m.notice = ANY(@notices)
		     FOR UPDATE OF m SKIP LOCKED
		)
		UPDATE notice_message m SET leased_until = @until FROM due WHERE m.id = due.id
		RETURNING m.id, m.customer_id, m.notice, m.stage, m.due_day, m.channel,
		          coalesce((SELECT max(attempts) FROM notice_delivery d WHERE d.message_id = m.id AND d.channel = m.channel), 0) AS attempts`
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{"now": tx.Now, "notices": notices, "limit": limit, "until": until})
	if err != nil {
		return nil, fmt.Errorf("claim notices: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[message])
}

// recipient is a customer at the moment of sending, with those who may be written to.
type recipient struct {
	ID, Ref, Name, Tier, Locale, Zone string
	Active                            bool
	Attributes                        map[string]string
	Steps                             map[string]string
	Uses                              map[string]int64
	Extensions                        map[string]migration.Day
	Contacts                          []addressee
}

// addressee is a contact who may be written to.
type addressee struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Email      string `json:"email"`
	Locale     string `json:"locale"`
	Dates      bool   `json:"dates"` // is to be told the dates: owners, unless people have decided otherwise
	Optional   bool   `json:"optional"`
	Suppressed bool   `json:"suppressed"`
	Phone      string `json:"phone"` // where short messages may come; empty: nowhere
}

// recipients reads customers with what rules and letters need of them.
func (store) recipients(ctx context.Context, tx *db.Tx, ids []string) (map[string]recipient, error) {
	const sql = `
		SELECT c.id, c.ref, c.name, c.tier, c.locale, c.zone, c.state = 'active' AS active, c.attributes,
		       jsonb_build_object('dates', j.dates, 'export', j.export, 'choose', j.choose, 'settle', j.settle, 'confirm', j.confirm)
		         AS steps,
		       coalesce((SELECT jsonb_object_agg(u.feature, u.uses) FROM feature_usage u WHERE u.customer_id = c.id), '{}') AS uses,
		       coalesce((SELECT jsonb_object_agg(e.milestone, e.day) FROM extension e WHERE e.customer_id = c.id), '{}') AS extensions,
		       coalesce((SELECT jsonb_agg(jsonb_build_object('id', k.id, 'name', k.name, 'email', CASE WHEN k.email LIKE '%.invalid' THEN '' ELSE k.email END,
		                   'locale', coalesce(nullif(k.locale, ''), c.locale), 'dates', coalesce(g.wants, k.role = 'owner'),
		                   'optional', coalesce(f.optional, true), 'suppressed', s.contact_id IS NOT NULL, 'phone', coalesce(t.number, '')) ORDER BY k.id)
		                   FROM contact k
		                   LEFT JOIN notice_preference f ON f.contact_id = k.id
		                   LEFT JOIN notice_suppression s
		                     ON s.contact_id = k.id AND s.lifted_at IS NULL AND s.address IN ('', notice_address(k.email))
		                   LEFT JOIN reader_topic g ON g.contact_id = k.id AND g.topic = 'dates'
		                   LEFT JOIN contact_phone t
		                     ON t.contact_id = k.id AND t.number <> '' AND t.consent_at IS NOT NULL AND t.withdrawn_at IS NULL AND t.blocked_at IS NULL
		                  WHERE k.customer_id = c.id AND k.state = 'active' AND (k.email NOT LIKE '%.invalid' OR t.number IS NOT NULL)), '[]') AS contacts
		  FROM customer c JOIN journey j ON j.customer_id = c.id WHERE c.id = ANY($1)`
	rows, err := tx.Pgx.Query(ctx, sql, ids)
	if err != nil {
		return nil, fmt.Errorf("read recipients: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[recipient])
	if err != nil {
		return nil, fmt.Errorf("read recipients: %w", err)
	}
	found := make(map[string]recipient, len(list))
	for _, r := range list {
		found[r.ID] = r
	}
	return found, nil
}

// parcel is one mail, or one short message, to one contact: one or more messages of a customer.
type parcel struct {
	channel  string
	messages []message
	to       addressee
	mailID   string
	visit    string // token of its links
	letter   Letter
}

// begin writes down that parcels are being sent and returns which of their messages may go: what was begun before, and is not
// known to have failed for now, is not begun again.
func (store) begin(ctx context.Context, tx *db.Tx, parcels []parcel) (map[string]bool, error) {
	const sql = `
		INSERT INTO notice_delivery AS d (message_id, customer_id, contact_id, channel, mail_id, state, subject, body_hash, locale, body, days,
		                                  started_at, visit)
		SELECT message, customer, contact, channel, mail, 'sending', subject, hash, locale, body, days::jsonb, @now, visit
		  FROM unnest(@message::text[], @customer::text[], @contact::text[], @channel::text[], @mail::text[], @subject::text[],
		              @hash::text[], @locale::text[], @body::text[], @days::text[], @visit::text[])
		    AS p (message, customer, contact, channel, mail, subject, hash, locale, body, days, visit)
		ON CONFLICT (message_id, contact_id, channel) DO UPDATE
		   SET state = 'sending', attempts = d.attempts + 1, started_at = excluded.started_at, mail_id = excluded.mail_id,
		       subject = excluded.subject, body_hash = excluded.body_hash, locale = excluded.locale, body = excluded.body, days = excluded.days,
		       again_by = '', visit = excluded.visit
		 WHERE d.state = 'deferred' OR d.state IN ('unknown', 'lapsed') AND d.again_by <> ''
		RETURNING message_id || ' ' || contact_id`
	column := map[string][]string{}
	for _, p := range parcels {
		days, err := json.Marshal(p.letter.Days)
		if err != nil {
			return nil, fmt.Errorf("begin deliveries: %w", err)
		}
		for _, m := range p.messages {
			for name, value := range map[string]string{
				"message": m.ID, "customer": m.CustomerID, "contact": p.to.ID, "channel": p.channel, "mail": p.mailID,
				"subject": p.letter.Bulletin.Subject, "hash": p.letter.Sum, "locale": p.letter.Bulletin.Tag, "body": p.letter.Plain,
				"days": string(days), "visit": p.visit,
			} {
				column[name] = append(column[name], value)
			}
		}
	}
	args := pgx.NamedArgs{"now": tx.Now}
	for name, values := range column {
		args[name] = values
	}
	rows, err := tx.Pgx.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("begin deliveries: %w", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("begin deliveries: %w", err)
	}
	begun := make(map[string]bool, len(keys))
	for _, key := range keys {
		begun[key] = true
	}
	return begun, nil
}

// ended is what one delivery came to.
type ended struct {
	messageID, contactID, mailID string
	channel                      string
	result                       mail.Result
	gatewayID                    string // what the gateway calls a short message
	badNumber                    bool   // the gateway says that there is no such number
}

// end records what deliveries came to. What was learnt of one in between, and goes further, stays.
func (store) end(ctx context.Context, tx *db.Tx, list []ended) error {
	const sql = `
		UPDATE notice_delivery d SET gateway_id = e.gateway, ended_at = coalesce(d.ended_at, @now),
		       state = CASE d.state WHEN 'sending' THEN e.state ELSE d.state END,
		       detail = CASE d.state WHEN 'sending' THEN e.detail ELSE d.detail END
		  FROM unnest(@message::text[], @contact::text[], @channel::text[], @mail::text[], @gateway::text[], @state::text[], @detail::text[])
		    AS e (message, contact, channel, mail, gateway, state, detail)
		 WHERE d.message_id = e.message AND d.contact_id = e.contact AND d.channel = e.channel AND d.mail_id = e.mail`
	var message, contact, channel, mailID, gateway, state, detail []string
	for _, e := range list {
		message, contact, channel = append(message, e.messageID), append(contact, e.contactID), append(channel, e.channel)
		mailID, gateway = append(mailID, e.mailID), append(gateway, e.gatewayID)
		state, detail = append(state, e.result.State), append(detail, e.result.Detail)
	}
	_, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"message": message, "contact": contact, "channel": channel, "mail": mailID, "gateway": gateway,
		"state": state, "detail": detail, "now": tx.Now,
	})
	if err != nil {
		return fmt.Errorf("end deliveries: %w", err)
	}
	return nil
}

// step is what becomes of a message next.
type step struct {
	id, state, channel, reason string
	nextAt                     time.Time
	hash                       string
}

// settle moves messages on and ends their leases.
func (store) settle(ctx context.Context, tx *db.Tx, list []step) error {
	const sql = `
		UPDATE notice_message m
		   SET state = s.state, channel = s.channel, reason = s.reason, next_at = s.next, leased_until = NULL, hash = s.hash,
		       sent_at = CASE WHEN s.state = 'sent' THEN @now ELSE m.sent_at END
		  FROM unnest(@id::text[], @state::text[], @channel::text[], @reason::text[], @next::timestamptz[], @hash::text[])
		    AS s (id, state, channel, reason, next, hash)
		 WHERE m.id = s.id AND m.state = 'planned'`
	var id, state, channel, reason, hash []string
	var next []time.Time
	for _, s := range list {
		id, state, channel = append(id, s.id), append(state, s.state), append(channel, s.channel)
		reason, next, hash = append(reason, s.reason), append(next, s.nextAt), append(hash, s.hash)
	}
	_, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"id": id, "state": state, "channel": channel, "reason": reason, "next": next, "hash": hash, "now": tx.Now,
	})
	if err != nil {
		return fmt.Errorf("settle notices: %w", err)
	}
	return nil
}

// outcomes returns the states of the deliveries of messages, each on the channel that it went by now, by message.
func (store) outcomes(ctx context.Context, tx *db.Tx, waiting map[string]message) (map[string][]string, error) {
	var ids, channels []string
	for id, m := range waiting {
		ids, channels = append(ids, id), append(channels, m.Channel)
	}
	const sql = `
		SELECT d.message_id, array_agg(d.state) FROM notice_delivery d JOIN unnest($1::text[], $2::text[]) AS w (id, channel)
		    ON w.id = d.message_id AND w.channel = d.channel GROUP BY d.message_id`
	rows, err := tx.Pgx.Query(ctx, sql, ids, channels)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	found := map[string][]string{}
	var id string
	var states []string
	_, err = pgx.ForEachRow(rows, []any{&id, &states}, func() error {
		found[id] = append([]string(nil), states...)
		return nil
	})
	return found, err
}

// call opens the task of ringing a customer.
func (store) call(ctx context.Context, tx *db.Tx, m message, id string, due migration.Day) error {
	const sql = `
		INSERT INTO notice_call (id, message_id, customer_id, notice, due_day, state, opened_at)
		VALUES ($1, $2, $3, $4, $5::text::date, 'open', $6) ON CONFLICT (message_id) DO NOTHING`
	if _, err := tx.Pgx.Exec(ctx, sql, id, m.ID, m.CustomerID, m.Notice, due.String(), tx.Now); err != nil {
		return fmt.Errorf("open call: %w", err)
	}
	return nil
}

// abandon gives up deliveries whose process died: nobody knows whether they arrived.
func (store) abandon(ctx context.Context, tx *db.Tx, before time.Time) (int64, error) {
	const sql = `
		UPDATE notice_delivery SET state = 'unknown', detail = 'the sending process ended', ended_at = $2
		 WHERE state = 'sending' AND started_at < $1`
	tag, err := tx.Pgx.Exec(ctx, sql, before, tx.Now)
	if err != nil {
		return 0, fmt.Errorf("give up deliveries: %w", err)
	}
	return tag.RowsAffected(), nil
}

// control is how a notice is controlled.
type control struct {
	Notice, Reason, ChangedBy string
	Paused                    bool
	Rate                      int
	ChangedAt                 time.Time
}

func (store) controls(ctx context.Context, tx *db.Tx) (map[string]control, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT notice, reason, changed_by, paused, rate, changed_at FROM notice_control`)
	if err != nil {
		return nil, fmt.Errorf("read controls: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[control])
	found := make(map[string]control, len(list))
	for _, c := range list {
		found[c.Notice] = c
	}
	return found, err
}

func (store) setControl(ctx context.Context, tx *db.Tx, c control) error {
	const sql = `
		INSERT INTO notice_control (notice, paused, reason, rate, changed_by, changed_at)
		VALUES (@notice, @paused, @reason, @rate, @by, @now)
		ON CONFLICT (notice) DO UPDATE
		   SET paused = @paused, reason = @reason, rate = @rate, changed_by = @by, changed_at = @now`
	_, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"notice": c.Notice, "paused": c.Paused, "reason": c.Reason, "rate": c.Rate, "by": c.ChangedBy, "now": tx.Now,
	})
	if err != nil {
		return fmt.Errorf("control notice %s: %w", c.Notice, err)
	}
	return nil
}

// begunSince counts the mails begun since an instant, which is what rates are held against.
func (store) begunSince(ctx context.Context, tx *db.Tx, since time.Time) (n int, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM notice_delivery WHERE started_at > $1`, since).Scan(&n)
	return n, err
}

// troubled counts, of the deliveries of a notice since an instant, all that ended and those that bounced, were refused or
// deferred for reasons of the address.
func (store) troubled(ctx context.Context, tx *db.Tx, notice string, since time.Time) (all, bad int, err error) {
	const sql = `
		SELECT count(*), count(*) FILTER (WHERE d.state IN ('refused', 'bounced', 'deferred'))
		  FROM notice_delivery d
		 WHERE d.started_at > $2 AND d.state <> 'sending' AND (SELECT m.notice FROM notice_message m WHERE m.id = d.message_id) = $1`
	err = tx.Pgx.QueryRow(ctx, sql, notice, since).Scan(&all, &bad)
	return all, bad, err
}
