package feedback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the tables of feedback.
type store struct{}

// invitation is what is known of a link.
type invitation struct {
	ContactID, CustomerID string
	Anonymous, Answered   bool
	Draft                 []byte
}

func (store) lock(ctx context.Context, tx *db.Tx, hash string) error {
	_, err := tx.Pgx.Exec(ctx, `SELECT FROM feedback_invitation WHERE token_hash = $1 FOR UPDATE`, hash)
	if err != nil {
		return fmt.Errorf("hold an invitation: %w", err)
	}
	return nil
}

func (store) invitation(ctx context.Context, tx *db.Tx, hash string) (i invitation, err error) {
	const sql = `
		SELECT v.contact_id, v.customer_id, v.anonymous, v.answered, v.draft
		  FROM feedback_invitation v
		  JOIN contact c ON c.id = v.contact_id AND c.state = 'active'
		  JOIN customer k ON k.id = v.customer_id AND k.state = 'active'
		 WHERE v.token_hash = $1`
	err = tx.Pgx.QueryRow(ctx, sql, hash).Scan(&i.ContactID, &i.CustomerID, &i.Anonymous, &i.Answered, &i.Draft)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return i, ErrUnknown
	case err != nil:
		return i, fmt.Errorf("read an invitation: %w", err)
	}
	return i, nil
}

func (store) keep(ctx context.Context, tx *db.Tx, contactID string, draft []byte) error {
	if _, err := tx.Pgx.Exec(ctx, `UPDATE feedback_invitation SET draft = $2 WHERE contact_id = $1 AND NOT answered`, contactID, draft); err != nil {
		return fmt.Errorf("keep a draft: %w", err)
	}
	return nil
}

// answered ends an invitation, once.
func (store) answered(ctx context.Context, tx *db.Tx, contactID string) error {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE feedback_invitation SET answered = true, draft = NULL WHERE contact_id = $1 AND NOT answered`, contactID)
	switch {
	case err != nil:
		return fmt.Errorf("end an invitation: %w", err)
	case tag.RowsAffected() == 0:
		return ErrAnswered
	}
	return nil
}

func (store) own(ctx context.Context, tx *db.Tx, contactID string) (answers map[string]string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT content FROM feedback_answer WHERE contact_id = $1`, contactID).Scan(&answers)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("read an own answer: %w", err)
	}
	return answers, nil
}

func (store) add(ctx context.Context, tx *db.Tx, i invitation, tag string, content map[string]string) error {
	raw, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("add an answer: %w", err)
	}
	const sql = `
		INSERT INTO feedback_answer (anonymous, customer_id, contact_id, sent_at, locale, content, shown)
		VALUES (false, $1, $2, $3, $4, $5, true)`
	if _, err := tx.Pgx.Exec(ctx, sql, i.CustomerID, i.ContactID, tx.Now, tag, raw); err != nil {
		return fmt.Errorf("add an answer: %w", err)
	}
	return nil
}

// addAnonymous adds an answer among the others and writes all of them again, under other ids and in a random order. They are shown once
// five wait to be.
func (store) addAnonymous(ctx context.Context, tx *db.Tx, tag string, content map[string]string) error {
	raw, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("add an anonymous answer: %w", err)
	}
	const one = `SELECT pg_advisory_xact_lock(hashtextextended('offramp feedback answers', 0))`
	if _, err := tx.Pgx.Exec(ctx, one); err != nil {
		return fmt.Errorf("add an anonymous answer: %w", err)
	}
	const sql = `
		WITH gone AS (DELETE FROM feedback_answer WHERE anonymous RETURNING locale, content, shown),
		     every AS (SELECT locale, content, shown FROM gone UNION ALL SELECT $1, $2::jsonb, false),
		     ready AS (SELECT count(*) FILTER (WHERE NOT shown) >= 5 AS now FROM every)
		INSERT INTO feedback_answer (anonymous, locale, content, shown)
		SELECT true, e.locale, e.content, e.shown OR r.now FROM every e, ready r ORDER BY random()`
	if _, err := tx.Pgx.Exec(ctx, sql, tag, raw); err != nil {
		return fmt.Errorf("add an anonymous answer: %w", err)
	}
	return nil
}

// standingSQL tells of each contact who may be written to at all whether they were asked, and what keeps them from being asked; an empty
// reason is none. What waits for somebody comes before what time alone will mend.
const standingSQL = `
	SELECT c.id AS contact_id, c.customer_id, k.ref, k.name AS customer, c.name, c.email,
	       coalesce(nullif(c.locale, ''), k.locale) AS locale, v.state AS invited, v.tries, v.ended_at AS tried_at, v.token_hash IS NOT NULL AS asked,
	       CASE
	         WHEN c.email = '' THEN 'no_address'
	         WHEN EXISTS (SELECT FROM notice_suppression s WHERE s.contact_id = c.id AND s.lifted_at IS NULL) THEN 'suppressed'
	         WHEN EXISTS (SELECT FROM notice_preference n WHERE n.contact_id = c.id AND NOT n.optional) THEN 'declined'
	         WHEN EXISTS (SELECT FROM feedback_invitation o JOIN contact oc ON oc.id = o.contact_id
	                       WHERE lower(oc.email) = lower(c.email) AND o.contact_id <> c.id) THEN 'same_person'
	         WHEN EXISTS (SELECT FROM help_request h WHERE h.customer_id = k.id AND h.state = 'open') THEN 'help'
	         WHEN j.export = 'problem' OR (SELECT e.state FROM export e WHERE e.customer_id = k.id ORDER BY e.number DESC LIMIT 1)
	                IN ('queued', 'running', 'failed') THEN 'export'
	         WHEN EXISTS (SELECT FROM refund r WHERE r.customer_id = k.id
	                       AND r.state NOT IN ('paid', 'credited', 'waived', 'closed', 'withdrawn')) THEN 'refund'
	         WHEN j.confirm IS DISTINCT FROM 'completed' AND @today::text::date < coalesce(x.day, @end::text::date) + @end_days::int THEN 'moving'
	         WHEN greatest(CASE WHEN j.confirm = 'completed' THEN coalesce((j.detail ->> 'confirmed_at')::timestamptz, j.updated_at) END,
	                (SELECT max(greatest(h.answered_at, h.closed_at)) FROM help_request h WHERE h.customer_id = k.id),
	                (SELECT max(r.updated_at) FROM refund r WHERE r.customer_id = k.id)) > @now::timestamptz - make_interval(days => @calm_days) THEN 'calm'
	         ELSE ''
	       END AS why
	  FROM contact c
	  JOIN customer k ON k.id = c.customer_id AND k.state = 'active'
	  LEFT JOIN journey j ON j.customer_id = k.id
	  LEFT JOIN extension x ON x.customer_id = k.id AND x.milestone = 'service_end'
	  LEFT JOIN feedback_invitation v ON v.contact_id = c.id
	 WHERE c.state = 'active' AND c.joined_to IS NULL`

func standingArgs(p *migration.Programme, now time.Time) pgx.NamedArgs {
	end, _ := p.Milestone(migration.ServiceEnd)
	return pgx.NamedArgs{
		"today": dayOf(p, now).String(), "end": end.Day.String(), "end_days": p.Feedback.EndDays, "calm_days": p.Feedback.CalmDays, "now": now,
	}
}

func (store) waits(ctx context.Context, tx *db.Tx, p *migration.Programme, why, after string, limit int) ([]Waiting, error) {
	const sql = `
		SELECT contact_id, customer_id, ref, customer, name, CASE why WHEN '' THEN 'soon' ELSE why END AS why
		  FROM (` + standingSQL + `) s
		 WHERE NOT asked AND contact_id > @after AND (@why::text = '' OR CASE why WHEN '' THEN 'soon' ELSE why END = @why)
		 ORDER BY contact_id LIMIT @limit`
	args := standingArgs(p, tx.Now)
	args["why"], args["after"], args["limit"] = why, after, limit
	rows, err := tx.Pgx.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("list who is not asked yet: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Waiting])
}

func (store) reasons(ctx context.Context, tx *db.Tx, p *migration.Programme) (map[string]int, error) {
	const sql = `SELECT CASE why WHEN '' THEN 'soon' ELSE why END, count(*) FROM (` + standingSQL + `) s WHERE NOT asked GROUP BY 1`
	rows, err := tx.Pgx.Query(ctx, sql, standingArgs(p, tx.Now))
	if err != nil {
		return nil, fmt.Errorf("count who is not asked yet: %w", err)
	}
	counts := map[string]int{}
	var why string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&why, &n}, func() error { counts[why] = n; return nil })
	return counts, err
}

// due is a contact to write to, and what was written down before.
type due struct {
	ContactID, CustomerID, Name, Email, Locale string

	token, mailID string
}

// take writes down whom the next mails go to, and gives up those of a process that died. At one time one process plans: one person with
// two contacts is asked once.
func (s store) take(ctx context.Context, tx *db.Tx, p *migration.Programme, limit int, abandoned, again time.Time) ([]due, error) {
	if _, err := tx.Pgx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('offramp feedback invitations', 0))`); err != nil {
		return nil, fmt.Errorf("plan invitations: %w", err)
	}
	const lost = `UPDATE feedback_invitation SET state = 'unknown', ended_at = $2 WHERE state = 'sending' AND invited_at < $1`
	if _, err := tx.Pgx.Exec(ctx, lost, abandoned, tx.Now); err != nil {
		return nil, fmt.Errorf("give up invitations: %w", err)
	}
	const sql = `
		SELECT contact_id, customer_id, name, email, locale FROM (
		  SELECT DISTINCT ON (lower(email)) contact_id, customer_id, name, email, locale
		    FROM (` + standingSQL + `) s
		   WHERE why = '' AND (NOT asked OR invited = 'deferred' AND tries < @tries AND tried_at < @again)
		   ORDER BY lower(email), contact_id) one
		 ORDER BY contact_id LIMIT @limit`
	args := standingArgs(p, tx.Now)
	args["limit"], args["again"], args["tries"] = limit, again, mostTries
	rows, err := tx.Pgx.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("plan invitations: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[due])
	if err != nil {
		return nil, fmt.Errorf("plan invitations: %w", err)
	}
	for i := range list {
		if err := s.invite(ctx, tx, p, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// invite writes an invitation down. One whose mail server said later is sent again, with another link: the first one went to nobody.
func (store) invite(ctx context.Context, tx *db.Tx, p *migration.Programme, d *due) error {
	d.token, d.mailID = newToken(), newToken()
	const sql = `
		INSERT INTO feedback_invitation AS v (contact_id, customer_id, token_hash, anonymous, mail_id, state, invited_at)
		VALUES (@contact, @customer, @hash, @anonymous, @mail, 'sending', @now)
		ON CONFLICT (contact_id) DO UPDATE
		   SET token_hash = @hash, anonymous = @anonymous, mail_id = @mail, state = 'sending', invited_at = @now, tries = v.tries + 1, draft = NULL
		 WHERE v.state = 'deferred'`
	_, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"contact": d.ContactID, "customer": d.CustomerID, "hash": hashOf(d.token), "anonymous": p.Feedback.Anonymous, "mail": d.mailID, "now": tx.Now,
	})
	if err != nil {
		return fmt.Errorf("write an invitation down: %w", err)
	}
	return nil
}

func (store) end(ctx context.Context, tx *db.Tx, contactID, state, detail string) error {
	const sql = `UPDATE feedback_invitation SET state = $2, detail = $3, ended_at = $4 WHERE contact_id = $1 AND state IN ('sending', 'unknown')`
	if _, err := tx.Pgx.Exec(ctx, sql, contactID, state, detail, tx.Now); err != nil {
		return fmt.Errorf("end an invitation's mail: %w", err)
	}
	return nil
}

// tally is what results are counted from.
func (store) tally(ctx context.Context, tx *db.Tx) (invited int, hidden int, list []map[string]string, err error) {
	const counts = `
		SELECT (SELECT count(*) FROM feedback_invitation WHERE state IN ('accepted', 'unknown') OR answered),
		       (SELECT count(*) FROM feedback_answer WHERE NOT shown)`
	if err := tx.Pgx.QueryRow(ctx, counts).Scan(&invited, &hidden); err != nil {
		return 0, 0, nil, fmt.Errorf("count invitations: %w", err)
	}
	rows, err := tx.Pgx.Query(ctx, `SELECT content FROM feedback_answer WHERE shown ORDER BY md5(id)`)
	if err != nil {
		return 0, 0, nil, fmt.Errorf("read answers: %w", err)
	}
	list, err = pgx.CollectRows(rows, pgx.RowTo[map[string]string])
	return invited, hidden, list, err
}
