package reach

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the tables of waivers and of the service's end.
type store struct{}

// found tells the customers that a search means; an empty one means all.
const foundSQL = `(@search = '' OR strpos(lower(u.ref), lower(@search)) > 0 OR strpos(lower(u.name), lower(@search)) > 0)`

func (store) list(ctx context.Context, tx *db.Tx, q Query) (p Page, err error) {
	args := pgx.NamedArgs{"search": q.Search, "offset": q.Offset, "limit": q.Limit}
	const counts = `
		SELECT (SELECT count(*) FROM customer WHERE state = 'active'), count(*), count(*) FILTER (WHERE ` + foundSQL + `),
		       (SELECT count(*) FROM notice_waiver w JOIN customer c ON c.id = w.customer_id WHERE w.confirmed_by <> '' AND c.state = 'active')
		  FROM notice_unreached u`
	if err := tx.Pgx.QueryRow(ctx, counts, args).Scan(&p.All, &p.Unreached, &p.Found, &p.Waived); err != nil {
		return Page{}, fmt.Errorf("count unreached customers: %w", err)
	}
	const list = `
		SELECT u.customer_id AS id, u.ref, u.name, u.tier, u.told_at,
		       CASE WHEN m.state IS NULL THEN 'untold' WHEN d.state IN ('refused', 'bounced', 'complained') THEN 'bounced'
		            WHEN m.state = 'planned' THEN 'waiting' WHEN m.state = 'failed' THEN 'failed'
		            WHEN d.state IN ('sending', 'unknown') THEN 'unknown' WHEN d.state IS NULL THEN 'call'
		            WHEN d.followed = 'person' THEN 'followed' ELSE 'silent' END AS why,
		       coalesce(k.id, '') AS call_id, k.due_day::timestamptz AS call_day, coalesce(k.attempts, 0) AS attempts,
		       coalesce(w.asked_by, '') AS asked_by, coalesce(w.reason, '') AS reason
		  FROM (SELECT * FROM notice_unreached u WHERE ` + foundSQL + ` ORDER BY u.ref OFFSET @offset LIMIT @limit) u
		  LEFT JOIN LATERAL (SELECT m.id, m.state FROM notice_message m WHERE m.customer_id = u.customer_id
		                        AND m.state NOT IN ('dropped', 'superseded') ORDER BY m.due_at DESC LIMIT 1) m ON TRUE
		  LEFT JOIN LATERAL (SELECT d.state, d.followed FROM notice_delivery d WHERE d.message_id = m.id
		                      ORDER BY d.followed = 'person' DESC, d.state IN ('refused', 'bounced', 'complained'), d.state IN ('sending', 'unknown') LIMIT 1) d ON TRUE
		  LEFT JOIN LATERAL (SELECT k.id, k.due_day, k.attempts FROM notice_call k
		                      WHERE k.customer_id = u.customer_id AND k.state = 'open' ORDER BY k.due_day LIMIT 1) k ON TRUE
		  LEFT JOIN notice_waiver w ON w.customer_id = u.customer_id
		 ORDER BY u.ref`
	rows, err := tx.Pgx.Query(ctx, list, args)
	if err != nil {
		return Page{}, fmt.Errorf("list unreached customers: %w", err)
	}
	p.List, err = pgx.CollectRows(rows, pgx.RowToStructByName[Customer])
	return p, err
}

// askWaiver stores what is asked, in place of what was asked before. A waiver that counts stays.
func (store) askWaiver(ctx context.Context, tx *db.Tx, customerID, reason, by string) error {
	const sql = `
		INSERT INTO notice_waiver AS w (customer_id, reason, asked_by, asked_at)
		SELECT id, $2, $3, $4 FROM customer WHERE id = $1
		ON CONFLICT (customer_id) DO UPDATE SET reason = $2, asked_by = $3, asked_at = $4 WHERE w.confirmed_by = ''`
	return one(tx.Pgx.Exec(ctx, sql, customerID, reason, by, tx.Now))
}

func (store) confirmWaiver(ctx context.Context, tx *db.Tx, customerID, by string) error {
	const sql = `UPDATE notice_waiver SET confirmed_by = $2, confirmed_at = $3 WHERE customer_id = $1 AND confirmed_by = ''`
	return one(tx.Pgx.Exec(ctx, sql, customerID, by, tx.Now))
}

func (store) refuseWaiver(ctx context.Context, tx *db.Tx, customerID string) error {
	return one(tx.Pgx.Exec(ctx, `DELETE FROM notice_waiver WHERE customer_id = $1 AND confirmed_by = ''`, customerID))
}

func (store) openCall(ctx context.Context, tx *db.Tx, customerID, by, about string, due migration.Day) error {
	const sql = `
		WITH mine AS (UPDATE notice_call SET owner = @by WHERE customer_id = @customer AND state = 'open' RETURNING id)
		INSERT INTO notice_call (id, customer_id, notice, due_day, owner, state, opened_at)
		SELECT @id, id, @about, @due::text::date, @by, 'open', @now FROM customer WHERE id = @customer AND NOT EXISTS (SELECT FROM mine)`
	args := pgx.NamedArgs{"id": rand.Text(), "by": by, "customer": customerID, "about": about, "due": due.String(), "now": tx.Now}
	if _, err := tx.Pgx.Exec(ctx, sql, args); err != nil {
		return fmt.Errorf("open call: %w", err)
	}
	var there bool
	if err := tx.Pgx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM customer WHERE id = $1)`, customerID).Scan(&there); err != nil {
		return fmt.Errorf("read customer: %w", err)
	}
	if !there {
		return ErrUnknown
	}
	return nil
}

func (store) end(ctx context.Context, tx *db.Tx) (e End, err error) {
	const sql = `SELECT asked_by, asked_at, declared_by, declared_at FROM service_end WHERE withdrawn_by = ''`
	err = tx.Pgx.QueryRow(ctx, sql).Scan(&e.AskedBy, &e.AskedAt, &e.DeclaredBy, &e.DeclaredAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return End{}, nil
	}
	return e, err
}

func (store) askEnd(ctx context.Context, tx *db.Tx, version int, by string) error {
	return one(tx.Pgx.Exec(ctx, `INSERT INTO service_end (version, asked_by, asked_at) VALUES ($1, $2, $3)`, version, by, tx.Now))
}

func (store) declareEnd(ctx context.Context, tx *db.Tx, by string) error {
	const sql = `UPDATE service_end SET declared_by = $1, declared_at = $2 WHERE withdrawn_by = '' AND declared_by = ''`
	return one(tx.Pgx.Exec(ctx, sql, by, tx.Now))
}

func (store) withdrawEnd(ctx context.Context, tx *db.Tx, by string) error {
	const sql = `UPDATE service_end SET withdrawn_by = $1, withdrawn_at = $2 WHERE withdrawn_by = '' AND declared_by = ''`
	return one(tx.Pgx.Exec(ctx, sql, by, tx.Now))
}

// one names the error of a statement that has to change one row.
func one(tag interface{ RowsAffected() int64 }, err error) error {
	switch {
	case db.IsCheck(err, "notice_waiver_two_people"), db.IsCheck(err, "service_end_two_people"):
		return ErrSame.Wrap(err)
	case db.IsCheck(err, "service_end_reached"):
		return ErrUnreached.Wrap(err)
	case db.IsCheck(err, "service_end_gate"):
		return ErrGate.Wrap(err)
	case db.IsUnique(err, "service_end_one"):
		return ErrAsked.Wrap(err)
	case err != nil:
		return err
	case tag.RowsAffected() == 0:
		return ErrUnknown
	}
	return nil
}
