package notice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

type callRow struct {
	ID, CustomerID, Ref, Customer, Tier, Locale, Zone, Notice, Owner, Contact, Email, Phone string
	Note, AskedBy                                                                           string
	Attempts                                                                                int
	Followed                                                                                *time.Time
	DueDay, OpenedAt                                                                        time.Time
	Extensions                                                                              map[string]migration.Day
}

func (store) openCalls(ctx context.Context, tx *db.Tx, limit int) ([]callRow, error) {
	const sql = `
		SELECT k.id, k.customer_id, c.ref, c.name AS customer, c.tier, c.locale, c.zone, k.notice, k.owner, k.due_day, k.opened_at, k.note, k.asked_by, k.attempts,
		       (SELECT max(f.at) FROM notice_click f WHERE f.customer_id = k.customer_id AND f.verdict = 'person') AS followed,
		       coalesce(o.name, '') AS contact, coalesce(o.email, '') AS email, coalesce(o.number, '') AS phone,
		       coalesce((SELECT jsonb_object_agg(e.milestone, e.day) FROM extension e WHERE e.customer_id = c.id), '{}') AS extensions
		  FROM notice_call k JOIN customer c ON c.id = k.customer_id
		  LEFT JOIN LATERAL (SELECT o.name, o.email, n.number FROM contact o LEFT JOIN contact_phone n ON n.contact_id = o.id WHERE o.customer_id = c.id AND o.state = 'active'
		                      ORDER BY o.role = 'owner' DESC, o.id LIMIT 1) o ON TRUE
		 WHERE k.state = 'open' ORDER BY k.due_day, c.ref LIMIT $1`
	rows, err := tx.Pgx.Query(ctx, sql, limit)
	if err != nil {
		return nil, fmt.Errorf("list calls: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[callRow])
}

// endedCall is what came of a call.
type endedCall struct{ id, by, outcome, note string }

// endCall records what came of a call; who was reached has been told the dates as they stand for them.
func (s store) endCall(ctx context.Context, tx *db.Tx, p *migration.Programme, c endedCall) (customerID, notice string, err error) {
	days := map[string]migration.Day{}
	for _, m := range p.Milestones {
		days[m.Key] = m.Day
	}
	const sql = `
		UPDATE notice_call k
		   SET state = CASE WHEN @outcome::text = 'reached' THEN 'done' ELSE 'open' END, attempts = attempts + 1, asked_by = '',
		       due_day = CASE WHEN @outcome::text = 'reached' THEN due_day ELSE @next::text::date END,
		       outcome = @outcome, note = @note, ended_by = CASE WHEN @outcome::text = 'reached' THEN @by ELSE '' END,
		       ended_at = CASE WHEN @outcome::text = 'reached' THEN @now::timestamptz END, owner = CASE owner WHEN '' THEN @by ELSE owner END,
		       days = CASE WHEN @outcome::text = 'reached' THEN @days::jsonb || coalesce((
		                SELECT jsonb_object_agg(e.milestone, e.day) FROM extension e
		                 WHERE e.customer_id = k.customer_id AND e.day > (@days::jsonb->>e.milestone)::date), '{}') ELSE '{}' END
		 WHERE id = @id AND state = 'open' RETURNING customer_id, notice`
	err = tx.Pgx.QueryRow(ctx, sql, pgx.NamedArgs{
		"id": c.id, "by": c.by, "outcome": c.outcome, "note": c.note, "now": tx.Now, "days": days,
		"next": migration.DayOf(tx.Now.In(p.Zone)).AddDays(1).String(),
	}).Scan(&customerID, &notice)
	return customerID, notice, s.callFault(ctx, tx, c.id, err)
}

func (s store) askWaiver(ctx context.Context, tx *db.Tx, id, by, reason string) (customerID, notice string, err error) {
	const sql = `UPDATE notice_call SET asked_by = $2, note = $3 WHERE id = $1 AND state = 'open' RETURNING customer_id, notice`
	err = tx.Pgx.QueryRow(ctx, sql, id, by, reason).Scan(&customerID, &notice)
	return customerID, notice, s.callFault(ctx, tx, id, err)
}

func (s store) confirmWaiver(ctx context.Context, tx *db.Tx, id, by string) (customerID, notice string, err error) {
	const sql = `
		UPDATE notice_call SET state = 'waived', ended_by = $2, ended_at = $3
		 WHERE id = $1 AND state = 'open' AND asked_by <> '' RETURNING customer_id, notice`
	err = tx.Pgx.QueryRow(ctx, sql, id, by, tx.Now).Scan(&customerID, &notice)
	if db.IsCheck(err, "notice_waiver_four_eyes") {
		return "", "", ErrSamePerson.Wrap(err)
	}
	return customerID, notice, s.callFault(ctx, tx, id, err)
}

func (s store) takeCall(ctx context.Context, tx *db.Tx, id, by string) (customerID, notice string, err error) {
	const sql = `UPDATE notice_call SET owner = $2 WHERE id = $1 AND state = 'open' RETURNING customer_id, notice`
	err = tx.Pgx.QueryRow(ctx, sql, id, by).Scan(&customerID, &notice)
	return customerID, notice, s.callFault(ctx, tx, id, err)
}

// callFault tells a call that has ended from one that is none.
func (store) callFault(ctx context.Context, tx *db.Tx, id string, err error) error {
	if !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	var there bool
	if err := tx.Pgx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM notice_call WHERE id = $1 AND state <> 'open')`, id).Scan(&there); err != nil {
		return fmt.Errorf("read call: %w", err)
	}
	if there {
		return ErrCallEnded
	}
	return ErrUnknown
}
