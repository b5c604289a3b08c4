package assistance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

const listedFrom = ` FROM help_request h JOIN customer c ON c.id = h.customer_id LEFT JOIN contact k ON k.id = h.contact_id LEFT JOIN identity i ON i.id = h.owner`

const listedColumns = `SELECT ` + columns + `, c.ref, c.name, c.tier, c.locale, coalesce(k.name, ''), coalesce(i.name, '')`

func scanListed(row pgx.Row) (l Listed, err error) {
	err = row.Scan(append(l.places(), &l.CustomerRef, &l.CustomerName, &l.Tier, &l.Locale, &l.ContactName, &l.OwnerName)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Listed{}, ErrNotFound
	}
	return l, err
}

func (store) listed(ctx context.Context, tx *db.Tx, id string) (Listed, error) {
	return scanListed(tx.Pgx.QueryRow(ctx, listedColumns+listedFrom+` WHERE h.id = $1`, id))
}

// shelves hold what each part of the queue asks for and how it is ordered; the last placeholders are the place behind which a page
// begins. Each is read along an index of its own.
var shelves = map[Shelf]struct{ where, behind, order string }{
	All:          {`h.state = 'open' AND h.snoozed_until IS NULL`, `(h.priority, h.due_at, h.number) > (@priority::smallint, @at, @number)`, `h.priority, h.due_at, h.number`},
	Unowned:      {`h.state = 'open' AND h.snoozed_until IS NULL AND h.owner = ''`, `(h.priority, h.due_at, h.number) > (@priority::smallint, @at, @number)`, `h.priority, h.due_at, h.number`},
	Mine:         {`h.state = 'open' AND h.snoozed_until IS NULL AND h.owner = @who`, `(h.priority, h.due_at, h.number) > (@priority::smallint, @at, @number)`, `h.priority, h.due_at, h.number`},
	SnoozedShelf: {`h.state = 'open' AND h.snoozed_until IS NOT NULL`, `(h.snoozed_until, h.number) > (@at, @number)`, `h.snoozed_until, h.number`},
	AnsweredOnes: {`h.state = 'answered'`, `(h.answered_at, h.number) < (@at, @number)`, `h.answered_at DESC, h.number DESC`},
}

// queued reads a page of a shelf: first its keys, along the index, then what is shown of them.
func (store) queued(ctx context.Context, tx *db.Tx, shelf Shelf, who string, after Cursor, limit int) ([]Listed, error) {
	s, ok := shelves[shelf]
	if !ok {
		return nil, ErrNotFound
	}
	where := s.where
	if after != (Cursor{}) {
		where += ` AND ` + s.behind
	}
	sql := `WITH page AS MATERIALIZED (SELECT h.id FROM help_request h WHERE ` + where + ` ORDER BY ` + s.order + ` LIMIT @limit) ` +
		listedColumns + listedFrom + ` WHERE h.id IN (SELECT id FROM page) ORDER BY ` + s.order
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{"who": who, "priority": after.Priority, "at": after.At, "number": after.Number, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("list requests for help: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Listed, error) { return scanListed(row) })
}

func (store) customerOf(ctx context.Context, tx *db.Tx, number int64) (id string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT coalesce((SELECT customer_id FROM help_request WHERE number = $1), '')`, number).Scan(&id)
	return id, err
}

// team lists who may be given requests.
func (store) team(ctx context.Context, tx *db.Tx) ([]Colleague, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT id, name FROM identity WHERE realm = 'staff' AND state = 'active' AND 'support' = ANY (roles) ORDER BY name, id LIMIT 500`)
	if err != nil {
		return nil, fmt.Errorf("list who answers requests: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Colleague])
}

// heard is the number of the last entry that was said about a request; 0: none. ErrNotFound.
func (store) heard(ctx context.Context, tx *db.Tx, id string) (n int, err error) {
	const sql = `SELECT coalesce((SELECT max(n) FROM help_entry e WHERE e.request_id = h.id AND e.kind IN ('customer', 'staff')), 0) FROM help_request h WHERE h.id = $1`
	err = tx.Pgx.QueryRow(ctx, sql, id).Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, ErrNotFound
	}
	return n, err
}

// presence is how long a screen is seen after its last sign.
const presence = time.Minute

// present notes that a person has a request open, and lists who else has.
func (store) present(ctx context.Context, tx *db.Tx, id, who string, writing bool) ([]Looker, error) {
	const note = `INSERT INTO help_presence (request_id, identity_id, writing, seen_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (request_id, identity_id) DO UPDATE SET writing = excluded.writing, seen_at = excluded.seen_at`
	if _, err := tx.Pgx.Exec(ctx, note, id, who, writing, tx.Now); err != nil {
		return nil, fmt.Errorf("note who has a request open: %w", err)
	}
	const sql = `SELECT p.identity_id, coalesce(i.name, ''), p.writing FROM help_presence p LEFT JOIN identity i ON i.id = p.identity_id
		WHERE p.request_id = $1 AND p.identity_id <> $2 AND p.seen_at > $3 ORDER BY p.writing DESC, 2`
	rows, err := tx.Pgx.Query(ctx, sql, id, who, tx.Now.Add(-presence))
	if err != nil {
		return nil, fmt.Errorf("list who has a request open: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Looker])
}

func (store) rounds(ctx context.Context, tx *db.Tx, id string) ([]Round, error) {
	const sql = `SELECT n, opened_at, answered_at, ended_at, coalesce(answer_seconds, 0), coalesce(resolve_seconds, 0) FROM help_round WHERE request_id = $1 ORDER BY n`
	rows, err := tx.Pgx.Query(ctx, sql, id)
	if err != nil {
		return nil, fmt.Errorf("read rounds: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Round, err error) {
		var answer, settle int64
		err = row.Scan(&r.N, &r.OpenedAt, &r.AnsweredAt, &r.EndedAt, &answer, &settle)
		r.ToAnswer, r.ToSettle = time.Duration(answer)*time.Second, time.Duration(settle)*time.Second
		return r, err
	})
}

func (store) answerRound(ctx context.Context, tx *db.Tx, r Request, n int, took time.Duration) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE help_round SET answered_at = $3, answer_seconds = $4 WHERE request_id = $1 AND n = $2`, r.ID, n, tx.Now, seconds(took))
	return err
}

func (store) endRound(ctx context.Context, tx *db.Tx, r Request, n int, took time.Duration) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE help_round SET ended_at = $3, resolve_seconds = $4 WHERE request_id = $1 AND n = $2`, r.ID, n, tx.Now, seconds(took))
	return err
}
