package erasure

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

type store struct{}

const orderColumns = `id, customer_id, coalesce(run_id, '') AS run_id, origin, reference, seq, entry, digest, state, ordered_at, kept_at,
	completed_at, keep_until, gone_at, next_at, passes, problem, report, certificate`

type orderRow struct {
	ID, CustomerID, RunID, Origin, Reference, Entry, Digest, State, Problem, Certificate string
	Seq                                                                                  int64
	Passes                                                                               int
	OrderedAt, NextAt                                                                    time.Time
	KeptAt, CompletedAt, KeepUntil, GoneAt                                               *time.Time
	Report                                                                               []byte
}

func (r orderRow) order() (Order, error) {
	o := Order{
		ID: r.ID, CustomerID: r.CustomerID, RunID: r.RunID, Origin: r.Origin, Reference: r.Reference, Entry: r.Entry, Digest: r.Digest, State: r.State,
		Problem: r.Problem, Certificate: r.Certificate, Seq: r.Seq, Passes: r.Passes, OrderedAt: r.OrderedAt, NextAt: r.NextAt, KeptAt: r.KeptAt,
		CompletedAt: r.CompletedAt, KeepUntil: r.KeepUntil, GoneAt: r.GoneAt,
	}
	if err := json.Unmarshal(r.Report, &o.Report); err != nil {
		return Order{}, fmt.Errorf("read erasure %s: %w", r.ID, err)
	}
	if o.Report.Rows == nil {
		o.Report.Rows = map[string]int64{}
	}
	return o, nil
}

func (store) orders(ctx context.Context, tx *db.Tx, where string, args ...any) ([]Order, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT `+orderColumns+` FROM erasure_order WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[orderRow])
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	list := make([]Order, 0, len(found))
	for _, r := range found {
		o, err := r.order()
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

func (s store) order(ctx context.Context, tx *db.Tx, id string) (Order, error) {
	list, err := s.orders(ctx, tx, `id = $1`, id)
	if err == nil && len(list) == 0 {
		err = ErrUnknown
	}
	if err != nil {
		return Order{}, err
	}
	return list[0], nil
}

// counts lists what each table has of a customer.
func (store) counts(ctx context.Context, tx *db.Tx, customerID string) ([]Count, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT name, action, n, years, ground FROM erasure_counts($1)`, customerID)
	if err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Count])
}

func (store) obstacles(ctx context.Context, tx *db.Tx, customerID string) (list []string, err error) {
	if err := tx.Pgx.QueryRow(ctx, `SELECT erasure_obstacles($1, $2)`, customerID, tx.Now).Scan(&list); err != nil {
		return nil, fmt.Errorf("look for obstacles: %w", err)
	}
	return list, nil
}

// rules lists the tables in the order in which their rows can go.
func (store) rules(ctx context.Context, tx *db.Tx) ([]Count, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT name, action, 0::bigint AS n, years, ground FROM erasure_rule ORDER BY position, name`)
	if err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Count])
}

// step erases a customer's rows of one table, and adds their number to the report.
func (store) step(ctx context.Context, tx *db.Tx, o Order, table string) error {
	var n int64
	if err := tx.Pgx.QueryRow(ctx, `SELECT erasure_step($1, $2)`, o.ID, table).Scan(&n); err != nil {
		return fmt.Errorf("erase %s: %w", table, err)
	}
	if n == 0 {
		return nil
	}
	const sql = `UPDATE erasure_order SET report = jsonb_set(report || jsonb_build_object('rows', coalesce(report -> 'rows', '{}')),
		ARRAY['rows', $2], to_jsonb(coalesce((report -> 'rows' ->> $2)::bigint, 0) + $3)) WHERE id = $1`
	if _, err := tx.Pgx.Exec(ctx, sql, o.ID, table, n); err != nil {
		return fmt.Errorf("count what was erased of %s: %w", table, err)
	}
	return nil
}

// objects adds what a pass found in the bucket to the report.
func (store) objects(ctx context.Context, tx *db.Tx, id string, r Report) error {
	const sql = `UPDATE erasure_order SET report = report || jsonb_build_object(
		'objects', coalesce((report ->> 'objects')::bigint, 0) + $2, 'versions', coalesce((report ->> 'versions')::bigint, 0) + $3,
		'markers', coalesce((report ->> 'markers')::bigint, 0) + $4, 'uploads', coalesce((report ->> 'uploads')::bigint, 0) + $5) WHERE id = $1`
	if _, err := tx.Pgx.Exec(ctx, sql, id, r.Objects, r.Versions, r.Markers, r.Uploads); err != nil {
		return fmt.Errorf("count objects: %w", err)
	}
	return nil
}

// keys lists a customer's objects behind one, by name.
func (store) keys(ctx context.Context, tx *db.Tx, sql, customerID, after string) ([]string, error) {
	rows, err := tx.Pgx.Query(ctx, sql, customerID, after)
	if err != nil {
		return nil, fmt.Errorf("list objects: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// insert writes an order at the end of the chain, and shuts the customer out. false: there is one already.
func (s store) insert(ctx context.Context, tx *db.Tx, e Entry, run string) (bool, error) {
	if _, err := tx.Pgx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, chainKey); err != nil {
		return false, fmt.Errorf("wait for the ledger: %w", err)
	}
	var there bool
	if err := tx.Pgx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM erasure_order WHERE customer_id = $1)`, e.Customer).Scan(&there); err != nil || there {
		return false, err
	}
	e.Seq, e.Previous = 0, noEntry
	err := tx.Pgx.QueryRow(ctx, `SELECT seq, digest FROM erasure_order ORDER BY seq DESC LIMIT 1`).Scan(&e.Seq, &e.Previous)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("read the ledger's end: %w", err)
	}
	e.Seq++
	if err := tx.Pgx.QueryRow(ctx, `SELECT erasure_reference(ref) FROM customer WHERE id = $1`, e.Customer).Scan(&e.Reference); err != nil {
		return false, fmt.Errorf("make a reference: %w", err)
	}
	text := e.text()
	const sql = `INSERT INTO erasure_order (id, customer_id, run_id, origin, reference, seq, entry, digest, state, ordered_at, next_at)
		VALUES (@id, @customer, @run, 'run', @reference, @seq, @entry, @digest, 'ordered', @at, @at)`
	if _, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"id": e.Order, "customer": e.Customer, "run": run, "reference": e.Reference, "seq": e.Seq, "entry": text, "digest": digest(text), "at": e.OrderedAt,
	}); err != nil {
		return false, fmt.Errorf("order erasure: %w", err)
	}
	if _, err := tx.Pgx.Exec(ctx, `UPDATE customer SET state = 'disabled' WHERE id = $1`, e.Customer); err != nil {
		return false, fmt.Errorf("shut the customer out: %w", err)
	}
	return true, nil
}

// chainKey names the advisory lock under which the ledger grows.
const chainKey = 0x6572617365

// replay writes an order that the ledger outside has and this database lacks.
func (store) replay(ctx context.Context, tx *db.Tx, e Entry, text string) error {
	const sql = `INSERT INTO erasure_order (id, customer_id, origin, reference, seq, entry, digest, state, ordered_at, kept_at, next_at, report)
		VALUES (@id, @customer, 'replay', @reference, @seq, @entry, @digest, 'kept', @ordered, @at, @at, '{"replayed": true}') ON CONFLICT (id) DO NOTHING`
	if _, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"id": e.Order, "customer": e.Customer, "reference": e.Reference, "seq": e.Seq, "entry": text, "digest": digest(text),
		"ordered": e.OrderedAt, "at": tx.Now,
	}); err != nil {
		return fmt.Errorf("replay erasure %s: %w", e.Order, err)
	}
	_, err := tx.Pgx.Exec(ctx, `UPDATE customer SET state = 'disabled' WHERE id = $1`, e.Customer)
	return err
}

// last is the highest number that the ledger in this database has; 0: none.
func (store) last(ctx context.Context, tx *db.Tx) (seq int64, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT coalesce(max(seq), 0) FROM erasure_order`).Scan(&seq)
	return seq, err
}

func (store) mark(ctx context.Context, tx *db.Tx, id, from, to string) error {
	const sql = `UPDATE erasure_order SET state = $3, kept_at = CASE WHEN $3 = 'kept' THEN $4 ELSE kept_at END WHERE id = $1 AND state = ANY($2)`
	froms := []string{from}
	if to == Running {
		froms = []string{Kept, Running, Incomplete}
	}
	tag, err := tx.Pgx.Exec(ctx, sql, id, froms, to, tx.Now)
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrChanged
	}
	return err
}

// postpone says what keeps an order from being complete, and when it is tried again.
func (store) postpone(ctx context.Context, tx *db.Tx, o Order, problem string, left int64, until time.Time, next time.Time) error {
	extra := map[string]any{"left": left}
	if !until.IsZero() {
		extra["until"] = until
	}
	body, err := json.Marshal(extra)
	if err != nil {
		return err
	}
	const sql = `UPDATE erasure_order SET state = CASE state WHEN 'ordered' THEN state ELSE 'incomplete' END, problem = $2, next_at = $3, passes = passes + 1,
		report = (report - 'until') || $4::jsonb WHERE id = $1 AND state <> 'complete'`
	if _, err := tx.Pgx.Exec(ctx, sql, o.ID, problem, next, string(body)); err != nil {
		return fmt.Errorf("postpone erasure: %w", err)
	}
	return nil
}

func (store) complete(ctx context.Context, tx *db.Tx, id, certificate string, keepUntil time.Time) error {
	const sql = `UPDATE erasure_order SET state = 'complete', problem = '', passes = passes + 1, completed_at = $2, keep_until = $3, certificate = $4,
		report = (report - 'until') || '{"left": 0}' WHERE id = $1 AND state = 'running'`
	tag, err := tx.Pgx.Exec(ctx, sql, id, tx.Now, keepUntil, certificate)
	if err != nil {
		return fmt.Errorf("complete erasure: %w", err)
	}
	if tag.RowsAffected() != 1 {
		return ErrChanged
	}
	_, err = tx.Pgx.Exec(ctx, `UPDATE erasure_request SET state = 'done', ended_at = $2 WHERE state = 'open' AND customer_id =
		(SELECT customer_id FROM erasure_order WHERE id = $1)`, id, tx.Now)
	return err
}

// candidates lists customers behind an id that have no order, with their own days.
func (store) candidates(ctx context.Context, tx *db.Tx, after string, limit int) ([]candidate, error) {
	const sql = `SELECT c.id, coalesce((SELECT jsonb_agg(jsonb_build_object('milestone', e.milestone, 'day', e.day)) FROM extension e WHERE e.customer_id = c.id), '[]')
		AS days FROM customer c WHERE c.id > $1 AND NOT EXISTS (SELECT FROM erasure_order o WHERE o.customer_id = c.id) ORDER BY c.id LIMIT $2`
	rows, err := tx.Pgx.Query(ctx, sql, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list customers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[candidate])
}

type candidate struct {
	ID   string
	Days []byte
}

// extensions reads a candidate's own days.
func (c candidate) extensions() ([]migration.Extension, error) {
	var days []struct{ Milestone, Day string }
	if err := json.Unmarshal(c.Days, &days); err != nil {
		return nil, fmt.Errorf("read the days of a customer: %w", err)
	}
	list := make([]migration.Extension, 0, len(days))
	for _, d := range days {
		day, err := migration.ParseDay(d.Day)
		if err != nil {
			return nil, fmt.Errorf("read the days of a customer: %w", err)
		}
		list = append(list, migration.Extension{Milestone: d.Milestone, Day: day})
	}
	return list, nil
}

func (store) candidate(ctx context.Context, tx *db.Tx, customerID string) (c candidate, err error) {
	const sql = `SELECT c.id, coalesce((SELECT jsonb_agg(jsonb_build_object('milestone', e.milestone, 'day', e.day)) FROM extension e WHERE e.customer_id = c.id), '[]')
		FROM customer c WHERE c.id = $1`
	err = tx.Pgx.QueryRow(ctx, sql, customerID).Scan(&c.ID, &c.Days)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrUnknown
	}
	return c, err
}
