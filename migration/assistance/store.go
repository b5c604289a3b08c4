package assistance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the requests' tables.
type store struct{}

const columns = `h.id, h.number, h.customer_id, h.contact_id, coalesce(h.export_id, ''), h.reference, h.dataset, h.expected, h.text, h.state,
	h.created_at, h.answer, h.answered_at, h.answered_by, h.closed_at, h.topic, h.page, h.refund, h.incident, h.owner, h.priority, h.due_at,
	h.snoozed_until, h.escalated_at, h.said`

func (r *Request) places() []any {
	return []any{
		&r.ID, &r.Number, &r.CustomerID, &r.ContactID, &r.ExportID, &r.ExportReference, &r.Dataset, &r.Expected, &r.Text, &r.State,
		&r.CreatedAt, &r.Answer, &r.AnsweredAt, &r.AnsweredBy, &r.ClosedAt, &r.Topic, &r.Page, &r.Refund, &r.Incident, &r.Owner, &r.Priority, &r.DueAt,
		&r.SnoozedUntil, &r.EscalatedAt, &r.Said,
	}
}

func scan(row pgx.Row) (r Request, err error) {
	err = row.Scan(r.places()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Request{}, ErrNotFound
	}
	if err != nil {
		return Request{}, fmt.Errorf("read request for help: %w", err)
	}
	return r, nil
}

// exportReference is how people call an export that the transaction's scope reaches.
func (store) exportReference(ctx context.Context, tx *db.Tx, id string) (reference string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT 'EX-' || number FROM export WHERE id = $1`, id).Scan(&reference)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNotFound
	}
	return reference, err
}

// knowsRefund is nil for a refund that the transaction's scope reaches. ErrNoContext.
func (store) knowsRefund(ctx context.Context, tx *db.Tx, ref string) error {
	var known bool
	if err := tx.Pgx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM refund WHERE ref = $1)`, ref).Scan(&known); err != nil {
		return fmt.Errorf("look for refund: %w", err)
	}
	if !known {
		return ErrNoContext
	}
	return nil
}

// standing is what the urgency of a customer's requests depends on.
func (store) standing(ctx context.Context, tx *db.Tx, customerID string) (tier string, list []migration.Extension, err error) {
	if err := tx.Pgx.QueryRow(ctx, `SELECT tier FROM customer WHERE id = $1`, customerID).Scan(&tier); err != nil {
		return "", nil, fmt.Errorf("read tier: %w", err)
	}
	rows, err := tx.Pgx.Query(ctx, `SELECT milestone, day FROM extension WHERE customer_id = $1`, customerID)
	if err != nil {
		return "", nil, fmt.Errorf("read extensions: %w", err)
	}
	list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e migration.Extension, err error) {
		var day time.Time
		err = row.Scan(&e.Milestone, &day)
		e.Day = migration.DayOf(day)
		return e, err
	})
	return tier, list, err
}

// lineUp makes the requests of one customer come one after the other.
func (store) lineUp(ctx context.Context, tx *db.Tx, customerID string) error {
	_, err := tx.Pgx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('offramp request for help ' || $1, 0))`, customerID)
	return err
}

// same finds an open request that says the same; nil when there is none.
func (store) same(ctx context.Context, tx *db.Tx, r Request) (*Request, error) {
	const sql = `SELECT ` + columns + ` FROM help_request h WHERE h.customer_id = $1 AND coalesce(h.export_id, '') = $2 AND h.dataset = $3
		AND h.expected IS NOT DISTINCT FROM $4 AND h.text = $5 AND h.state = 'open'`
	found, err := scan(tx.Pgx.QueryRow(ctx, sql, r.CustomerID, r.ExportID, r.Dataset, r.Expected, r.Text))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &found, nil
}

func (store) countOpen(ctx context.Context, tx *db.Tx, customerID string) (n int, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM help_request WHERE customer_id = $1 AND state = 'open'`, customerID).Scan(&n)
	return n, err
}

func (store) insert(ctx context.Context, tx *db.Tx, r Request) (number int64, err error) {
	const sql = `INSERT INTO help_request (id, customer_id, contact_id, export_id, reference, dataset, expected, text, state, created_at,
			topic, page, refund, incident, priority, due_at)
		VALUES (@id, @customer, @contact, nullif(@export, ''), @reference, @dataset, @expected, @text, @state, @at,
			@topic, @page, @refund, @incident, @priority, @due) RETURNING number`
	err = tx.Pgx.QueryRow(ctx, sql, pgx.NamedArgs{
		"id": r.ID, "customer": r.CustomerID, "contact": r.ContactID, "export": r.ExportID, "reference": r.ExportReference, "dataset": r.Dataset,
		"expected": r.Expected, "text": r.Text, "state": string(r.State), "at": r.CreatedAt,
		"topic": r.Topic, "page": r.Page, "refund": r.Refund, "incident": r.Incident, "priority": int(r.Priority), "due": r.DueAt,
	}).Scan(&number)
	return number, err
}

// lock reads one request for a change.
func (store) lock(ctx context.Context, tx *db.Tx, id string) (Request, error) {
	return scan(tx.Pgx.QueryRow(ctx, `SELECT `+columns+` FROM help_request h WHERE h.id = $1 FOR UPDATE`, id))
}

// save writes a transition of a locked request.
func (store) save(ctx context.Context, tx *db.Tx, r Request) error {
	const sql = `UPDATE help_request SET state = @state, answer = @answer, answered_at = @answered, answered_by = @by, closed_at = @closed,
		owner = @owner, priority = @priority, due_at = @due, snoozed_until = @snoozed, escalated_at = @escalated, said = @said WHERE id = @id`
	_, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"id": r.ID, "state": string(r.State), "answer": r.Answer, "answered": r.AnsweredAt, "by": r.AnsweredBy, "closed": r.ClosedAt,
		"owner": r.Owner, "priority": int(r.Priority), "due": r.DueAt, "snoozed": r.SnoozedUntil, "escalated": r.EscalatedAt, "said": r.Said,
	})
	return err
}

// shown bounds the requests about one customer or export that are read at once.
const shown = 50

// ofExport reads a customer's requests about an export, or all with an empty id, newest first.
func (store) ofExport(ctx context.Context, d *db.DB, scope db.Scope, customerID, exportID string) (list []Request, err error) {
	const sql = `SELECT ` + columns + ` FROM help_request h WHERE h.customer_id = $1 AND ($2 = '' OR h.export_id = $2) ORDER BY h.number DESC LIMIT $3`
	err = d.Read(ctx, scope,
		func(b *pgx.Batch) { b.Queue(sql, customerID, exportID, shown) },
		func(results pgx.BatchResults) error {
			rows, err := results.Query()
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Request, error) { return scan(row) })
			return err
		})
	return list, err
}

func (store) waiting(ctx context.Context, d *db.DB, scope db.Scope, customerID string) (w Waiting, err error) {
	const sql = `SELECT count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE state = 'answered') FROM help_request
		WHERE customer_id = $1 AND state IN ('open', 'answered')`
	err = d.Read(ctx, scope,
		func(b *pgx.Batch) { b.Queue(sql, customerID) },
		func(results pgx.BatchResults) error { return results.QueryRow().Scan(&w.Open, &w.Answered) })
	return w, err
}

const entrySQL = `SELECT e.n, e.kind, e.actor, coalesce(k.name, ''), e.text, e.at
	FROM help_entry e LEFT JOIN contact k ON k.customer_id = e.customer_id AND k.id = e.actor WHERE e.request_id = $1 ORDER BY e.n`

func scanEntry(row pgx.CollectableRow) (e Entry, err error) {
	err = row.Scan(&e.N, &e.Kind, &e.Actor, &e.Name, &e.Text, &e.At)
	return e, err
}

// conversation reads a request and what was said, as far as the scope sees it, in one round trip.
func (store) conversation(ctx context.Context, d *db.DB, scope db.Scope, id string) (c Conversation, err error) {
	const sql = `SELECT ` + columns + `, coalesce(k.name, '') FROM help_request h LEFT JOIN contact k ON k.customer_id = h.customer_id AND k.id = h.contact_id WHERE h.id = $1`
	err = d.Read(ctx, scope,
		func(b *pgx.Batch) { b.Queue(sql, id); b.Queue(entrySQL, id) },
		func(results pgx.BatchResults) error {
			if err := results.QueryRow().Scan(append(c.places(), &c.Asker)...); err != nil {
				return err
			}
			rows, err := results.Query()
			if err != nil {
				return err
			}
			c.Entries, err = pgx.CollectRows(rows, scanEntry)
			return err
		})
	if errors.Is(err, pgx.ErrNoRows) {
		return c, ErrNotFound
	}
	if err != nil {
		return c, fmt.Errorf("read request for help: %w", err)
	}
	c.Entries = older(c.Request, c.Entries)
	return c, nil
}

func (store) entries(ctx context.Context, tx *db.Tx, id string) ([]Entry, error) {
	rows, err := tx.Pgx.Query(ctx, entrySQL, id)
	if err != nil {
		return nil, fmt.Errorf("read conversation: %w", err)
	}
	return pgx.CollectRows(rows, scanEntry)
}

func (store) addEntry(ctx context.Context, tx *db.Tx, r Request, e Entry) error {
	const sql = `INSERT INTO help_entry (request_id, n, customer_id, kind, actor, text, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	if _, err := tx.Pgx.Exec(ctx, sql, r.ID, e.N, r.CustomerID, string(e.Kind), e.Actor, e.Text, e.At); err != nil {
		return fmt.Errorf("add to conversation: %w", err)
	}
	return nil
}

// openRound begins the next round of a locked or new request.
func (store) openRound(ctx context.Context, tx *db.Tx, r Request) error {
	const sql = `INSERT INTO help_round (request_id, n, customer_id, opened_at)
		SELECT $1, 1 + coalesce((SELECT max(n) FROM help_round WHERE request_id = $1), 0), $2, $3`
	if _, err := tx.Pgx.Exec(ctx, sql, r.ID, r.CustomerID, tx.Now); err != nil {
		return fmt.Errorf("open round: %w", err)
	}
	return nil
}

// lastRound is the round that a locked request is in. One that an older release has opened has none yet.
func (s store) lastRound(ctx context.Context, tx *db.Tx, r Request) (Round, error) {
	list, err := s.rounds(ctx, tx, r.ID)
	if err != nil || len(list) > 0 {
		if err != nil {
			return Round{}, err
		}
		return list[len(list)-1], nil
	}
	_, err = tx.Pgx.Exec(ctx, `INSERT INTO help_round (request_id, n, customer_id, opened_at) VALUES ($1, 1, $2, $3)`, r.ID, r.CustomerID, r.CreatedAt)
	if err != nil {
		return Round{}, fmt.Errorf("open round: %w", err)
	}
	return Round{N: 1, OpenedAt: r.CreatedAt}, nil
}
