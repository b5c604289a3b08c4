package briefing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the briefing's tables.
type store struct{}

// audienceSQL tells the staff who have to read the briefing, as i, by the roles in @audience.
const audienceSQL = `i.realm = 'staff' AND i.state = 'active' AND i.roles && @audience::text[]`

func (store) standing(ctx context.Context, tx *db.Tx, p *migration.Programme, hash string) (s Standing, err error) {
	public := []string{}
	for _, n := range p.Notices.List {
		if n.Kind == migration.NoticePublic {
			public = append(public, n.Key)
		}
	}
	const sql = `
		SELECT EXISTS (SELECT FROM notice_approval WHERE notice = '` + Key + `' AND hash = @hash),
		       EXISTS (SELECT FROM notice_briefing_waiver WHERE hash = @hash AND confirmed_by <> ''),
		       EXISTS (SELECT FROM notice_message WHERE notice = ANY(@public) AND sent_at IS NOT NULL),
		       count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM notice_briefing_read r WHERE r.identity_id = i.id AND r.hash = @hash))
		  FROM identity i WHERE ` + audienceSQL
	s.Hash = hash
	args := pgx.NamedArgs{"hash": hash, "audience": p.Notices.Briefing.Audience, "public": public}
	err = tx.Pgx.QueryRow(ctx, sql, args).Scan(&s.Approved, &s.Waived, &s.Over, &s.Audience, &s.Unread)
	if err != nil {
		return Standing{}, fmt.Errorf("look how far the briefing has come: %w", err)
	}
	return s, nil
}

func (store) state(ctx context.Context, tx *db.Tx, staffID, hash string) (st State, err error) {
	const approvals = `SELECT hash, content, approved_by, approved_at FROM notice_approval WHERE notice = '` + Key + `' ORDER BY approved_at`
	rows, err := tx.Pgx.Query(ctx, approvals)
	if err != nil {
		return State{}, fmt.Errorf("read approvals of the briefing: %w", err)
	}
	var of, said, by string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&of, &said, &by, &at}, func() error {
		st.Last = said
		if of == hash {
			when := at
			st.ApprovedBy, st.ApprovedAt = by, &when
		}
		return nil
	})
	if err != nil {
		return State{}, fmt.Errorf("read approvals of the briefing: %w", err)
	}
	if st.ApprovedAt != nil {
		st.Last = ""
	}
	const mine = `SELECT (SELECT at FROM notice_briefing_read WHERE identity_id = $1 AND hash = $2)`
	if err := tx.Pgx.QueryRow(ctx, mine, staffID, hash).Scan(&st.MineAt); err != nil {
		return State{}, fmt.Errorf("read an acknowledgement: %w", err)
	}
	w := &st.Waiver
	const waiver = `SELECT reason, asked_by, asked_at, confirmed_by, confirmed_at FROM notice_briefing_waiver WHERE hash = $1`
	err = tx.Pgx.QueryRow(ctx, waiver, hash).Scan(&w.Reason, &w.AskedBy, &w.AskedAt, &w.ConfirmedBy, &w.ConfirmedAt)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return State{}, fmt.Errorf("read the briefing's waiver: %w", err)
	}
	return st, nil
}

func (store) readers(ctx context.Context, tx *db.Tx, hash string, audience []string) ([]Reader, error) {
	const sql = `
		SELECT i.id, i.name, i.email, i.roles, greatest(i.created_at, a.approved_at) AS since, r.at AS read_at,
		       m.asked_at AS reminded_at, coalesce(m.state, '') AS reminder
		  FROM identity i
		  LEFT JOIN notice_approval a ON a.notice = '` + Key + `' AND a.hash = @hash
		  LEFT JOIN notice_briefing_read r ON r.identity_id = i.id AND r.hash = @hash
		  LEFT JOIN LATERAL (SELECT asked_at, state FROM notice_briefing_reminder m WHERE m.identity_id = i.id AND m.hash = @hash
		                      ORDER BY asked_at DESC LIMIT 1) m ON TRUE
		 WHERE ` + audienceSQL + `
		 ORDER BY r.at IS NOT NULL, i.name, i.id`
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{"hash": hash, "audience": audience})
	if err != nil {
		return nil, fmt.Errorf("list who has to read the briefing: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Reader])
}

// approve stores an approval; drafted_by is the database's to say.
func (store) approve(ctx context.Context, tx *db.Tx, hash, content, by string) error {
	const sql = `
		INSERT INTO notice_approval (notice, hash, content, drafted_by, approved_by, approved_at)
		VALUES ('` + Key + `', $1, $2, '', $3, $4)`
	switch _, err := tx.Pgx.Exec(ctx, sql, hash, content, by, tx.Now); {
	case db.IsCheck(err, "notice_four_eyes"):
		return ErrSamePerson.Wrap(err)
	case db.IsUnique(err, "notice_approval_pkey"):
		return ErrApproved.Wrap(err)
	case err != nil:
		return fmt.Errorf("approve the briefing: %w", err)
	}
	return nil
}

func (store) read(ctx context.Context, tx *db.Tx, by, tag, hash string) error {
	const sql = `
		INSERT INTO notice_briefing_read (identity_id, hash, locale, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (identity_id, hash) DO NOTHING`
	switch _, err := tx.Pgx.Exec(ctx, sql, by, hash, tag, tx.Now); {
	case db.IsCheck(err, "notice_briefing_approved"):
		return ErrUnapproved.Wrap(err)
	case err != nil:
		return fmt.Errorf("acknowledge the briefing: %w", err)
	}
	return nil
}

func (store) remind(ctx context.Context, tx *db.Tx, by, hash string, audience []string, day migration.Day) (int, error) {
	const sql = `
		INSERT INTO notice_briefing_reminder (id, identity_id, hash, day, asked_by, asked_at)
		SELECT replace(gen_random_uuid()::text, '-', ''), i.id, @hash, @day::text::date, @by, @now
		  FROM identity i
		 WHERE ` + audienceSQL + ` AND i.email <> ''
		   AND NOT EXISTS (SELECT FROM notice_briefing_read r WHERE r.identity_id = i.id AND r.hash = @hash)
		ON CONFLICT (identity_id, day) DO NOTHING`
	tag, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{"hash": hash, "audience": audience, "day": day.String(), "by": by, "now": tx.Now})
	if err != nil {
		return 0, fmt.Errorf("remind of the briefing: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// askWaiver stores what is asked, in place of what was asked before. A waiver that counts stays.
func (store) askWaiver(ctx context.Context, tx *db.Tx, hash, reason, by string) error {
	const sql = `
		INSERT INTO notice_briefing_waiver AS w (hash, reason, asked_by, asked_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (hash) DO UPDATE SET reason = $2, asked_by = $3, asked_at = $4 WHERE w.confirmed_by = ''`
	tag, err := tx.Pgx.Exec(ctx, sql, hash, reason, by, tx.Now)
	return one(tag, err, ErrWaived)
}

func (store) confirmWaiver(ctx context.Context, tx *db.Tx, hash, by string) error {
	const sql = `UPDATE notice_briefing_waiver SET confirmed_by = $2, confirmed_at = $3 WHERE hash = $1 AND confirmed_by = ''`
	tag, err := tx.Pgx.Exec(ctx, sql, hash, by, tx.Now)
	return one(tag, err, ErrNoWaiver)
}

func (store) refuseWaiver(ctx context.Context, tx *db.Tx, hash string) error {
	tag, err := tx.Pgx.Exec(ctx, `DELETE FROM notice_briefing_waiver WHERE hash = $1 AND confirmed_by = ''`, hash)
	return one(tag, err, ErrNoWaiver)
}

// one names the error of a statement about a waiver that has to change one row.
func one(tag interface{ RowsAffected() int64 }, err, none error) error {
	switch {
	case db.IsCheck(err, "notice_briefing_two_people"):
		return ErrSameWaiver.Wrap(err)
	case err != nil:
		return fmt.Errorf("waive the briefing: %w", err)
	case tag.RowsAffected() == 0:
		return none
	}
	return nil
}

// due is a reminder in hand, with whom it is for.
type due struct {
	ID, Name, Email, Locale string
	Read                    bool // meanwhile, or it is not their task any more
}

// take takes reminders that wait, and gives up those of a process that died: whether they arrived nobody knows.
func (store) take(ctx context.Context, tx *db.Tx, hash string, audience []string, limit int, abandoned time.Time) ([]due, error) {
	const lost = `UPDATE notice_briefing_reminder SET state = 'unknown', ended_at = $2 WHERE state = 'sending' AND asked_at < $1`
	if _, err := tx.Pgx.Exec(ctx, lost, abandoned, tx.Now); err != nil {
		return nil, fmt.Errorf("give up reminders of the briefing: %w", err)
	}
	const sql = `
		WITH mine AS (SELECT id AS one FROM notice_briefing_reminder WHERE state = 'asked' ORDER BY asked_at LIMIT @limit FOR UPDATE SKIP LOCKED)
		UPDATE notice_briefing_reminder m SET state = 'sending' FROM mine, identity i WHERE m.id = one AND i.id = m.identity_id
		RETURNING m.id, i.name, i.email, i.locale,
		  NOT (` + audienceSQL + `) OR i.email = '' OR EXISTS (SELECT FROM notice_briefing_read r WHERE r.identity_id = i.id AND r.hash = @hash) AS read`
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{"hash": hash, "audience": audience, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("take reminders of the briefing: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[due])
}

func (store) end(ctx context.Context, tx *db.Tx, id, state, detail string) error {
	const sql = `UPDATE notice_briefing_reminder SET state = $2, detail = $3, ended_at = $4 WHERE id = $1 AND state IN ('sending', 'unknown')`
	if _, err := tx.Pgx.Exec(ctx, sql, id, state, detail, tx.Now); err != nil {
		return fmt.Errorf("end a reminder of the briefing: %w", err)
	}
	return nil
}
