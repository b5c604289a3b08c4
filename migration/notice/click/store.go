package click

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// store is the only place that knows the table of clicks.
type store struct{}

// find returns the mail of a link: the last one that was sent with it.
func (s store) find(ctx context.Context, tx *db.Tx, visit string) (mailed, bool, error) {
	return s.one(ctx, tx, `d.visit = $1 AND d.visit <> ''`, visit)
}

// mail returns a mail by its id.
func (s store) mail(ctx context.Context, tx *db.Tx, id string) (mailed, bool, error) {
	return s.one(ctx, tx, `d.mail_id = $1`, id)
}

// one locks the mail, so that two links of it that are followed at the same moment see each other.
func (store) one(ctx context.Context, tx *db.Tx, which, value string) (m mailed, known bool, err error) {
	sql := `
		SELECT d.mail_id, d.customer_id, d.contact_id, coalesce(d.ended_at, d.started_at) AS sent_at
		  FROM notice_delivery d WHERE ` + which + ` ORDER BY d.started_at DESC LIMIT 1 FOR UPDATE`
	rows, err := tx.Pgx.Query(ctx, sql, value)
	if err != nil {
		return m, false, fmt.Errorf("find the mail of a link: %w", err)
	}
	m, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[mailed])
	if errors.Is(err, pgx.ErrNoRows) {
		return m, false, nil
	}
	if err != nil {
		return m, false, fmt.Errorf("find the mail of a link: %w", err)
	}
	return m, true, nil
}

// many reports whether another link of the mail was followed since an instant, and takes that for a program's, too.
func (store) many(ctx context.Context, tx *db.Tx, mailID, place string, since time.Time) (bool, error) {
	const sql = `SELECT EXISTS (SELECT FROM notice_click WHERE mail_id = $1 AND place <> $2 AND kind = 'followed' AND at > $3)`
	var many bool
	if err := tx.Pgx.QueryRow(ctx, sql, mailID, place, since).Scan(&many); err != nil || !many {
		return many, err
	}
	const correct = `UPDATE notice_click SET verdict = 'program', why = 'many' WHERE mail_id = $1 AND kind = 'followed' AND at > $2 AND verdict = 'person'`
	if _, err := tx.Pgx.Exec(ctx, correct, mailID, since); err != nil {
		return true, fmt.Errorf("correct verdicts: %w", err)
	}
	return true, nil
}

// clicked is one click.
type clicked struct{ mailID, customerID, contactID, kind, place, why string }

// add keeps a click, and with each delivery of its mail by whom the links were followed, at best.
func (store) add(ctx context.Context, tx *db.Tx, c clicked) error {
	verdict := Program
	if c.why == "" {
		verdict = Person
	}
	args := pgx.NamedArgs{
		"customer": c.customerID, "contact": c.contactID, "mail": c.mailID, "kind": c.kind, "place": c.place, "verdict": verdict, "why": c.why,
		"now": tx.Now, "most": mostKept,
	}
	// A person's click is kept, however many a program has made.
	const insert = `
		INSERT INTO notice_click (customer_id, contact_id, mail_id, kind, place, verdict, why, at)
		SELECT @customer, @contact, @mail, @kind, @place, @verdict, @why, @now
		 WHERE (SELECT count(*) FROM (SELECT FROM notice_click WHERE mail_id = @mail AND verdict = @verdict LIMIT @most) k) < @most`
	if _, err := tx.Pgx.Exec(ctx, insert, args); err != nil {
		return fmt.Errorf("keep a click: %w", err)
	}
	const mark = `
		UPDATE notice_delivery d SET followed = best.followed, opened = best.opened
		  FROM (SELECT CASE WHEN bool_or(kind = 'followed' AND verdict = 'person') THEN 'person'
		                    WHEN bool_or(kind = 'followed') THEN 'program' ELSE '' END AS followed,
		               CASE WHEN bool_or(kind = 'opened' AND verdict = 'person') THEN 'person'
		                    WHEN bool_or(kind = 'opened') THEN 'program' ELSE '' END AS opened
		          FROM notice_click WHERE mail_id = @mail) best
		 WHERE d.mail_id = @mail AND (d.followed, d.opened) IS DISTINCT FROM (best.followed, best.opened)`
	if _, err := tx.Pgx.Exec(ctx, mark, args); err != nil {
		return fmt.Errorf("mark a delivery: %w", err)
	}
	return nil
}
