package erasure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// The states of a run.
const (
	RunAsked     = "asked"
	RunAgreed    = "agreed"
	RunPlanned   = "planned"
	RunWithdrawn = "withdrawn"
)

// Run is what one programme manager asked for and another one agreed to.
type Run struct {
	ID, CustomerID, RequestID, AskedBy, AskedName, AgreedBy, AgreedName, State, Cursor string
	AskedAt                                                                            time.Time
	AgreedAt                                                                           *time.Time
	Planned                                                                            int
	Ref, Name                                                                          string // of the one customer, for staff
}

func (r Run) scope() string {
	switch {
	case r.RequestID != "":
		return "request"
	case r.CustomerID != "":
		return "customer"
	}
	return "due"
}

const runSQL = `SELECT r.id, coalesce(r.customer_id, '') AS customer_id, coalesce(r.request_id, '') AS request_id, r.asked_by, coalesce(a.name, '') AS asked_name,
	r.asked_at, coalesce(r.agreed_by, '') AS agreed_by, coalesce(b.name, '') AS agreed_name, r.agreed_at, r.state, r.planned, r.cursor,
	coalesce(c.ref, '') AS ref, coalesce(c.name, '') AS name FROM erasure_run r LEFT JOIN identity a ON a.id = r.asked_by
		LEFT JOIN identity b ON b.id = r.agreed_by LEFT JOIN customer c ON c.id = r.customer_id `

func (store) run(ctx context.Context, tx *db.Tx, id string, lock bool) (Run, error) {
	sql := runSQL + `WHERE r.id = $1`
	if lock {
		sql += ` FOR UPDATE OF r`
	}
	rows, err := tx.Pgx.Query(ctx, sql, id)
	if err != nil {
		return Run{}, fmt.Errorf("read run: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Run])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrUnknown
	}
	return r, err
}

func (store) runs(ctx context.Context, tx *db.Tx, states []string, limit int) ([]Run, error) {
	rows, err := tx.Pgx.Query(ctx, runSQL+`WHERE r.state = ANY($1) ORDER BY r.asked_at DESC, r.id LIMIT $2`, states, limit)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Run])
}

func (store) agreed(ctx context.Context, tx *db.Tx) ([]string, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT id FROM erasure_run WHERE state = 'agreed' ORDER BY agreed_at, id LIMIT 1000`)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (store) planned(ctx context.Context, tx *db.Tx, id, cursor string, n int, all bool) error {
	const sql = `UPDATE erasure_run SET cursor = $2, planned = planned + $3, state = CASE WHEN $4 THEN 'planned' ELSE state END WHERE id = $1`
	_, err := tx.Pgx.Exec(ctx, sql, id, cursor, n, all)
	return err
}

func (store) ask(ctx context.Context, tx *db.Tx, r Run) error {
	const sql = `INSERT INTO erasure_run (id, customer_id, request_id, asked_by, asked_at, state) VALUES ($1, nullif($2, ''), nullif($3, ''), $4, $5, 'asked')`
	_, err := tx.Pgx.Exec(ctx, sql, r.ID, r.CustomerID, r.RequestID, r.AskedBy, tx.Now)
	if db.IsUnique(err, "erasure_run_one") {
		err = ErrRunning
	}
	return err
}

func (store) agree(ctx context.Context, tx *db.Tx, id, by string) error {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE erasure_run SET state = 'agreed', agreed_by = $2, agreed_at = $3 WHERE id = $1 AND state = 'asked'`, id, by, tx.Now)
	switch {
	case db.IsCheck(err, "erasure_two_people"):
		return ErrSamePerson
	case err == nil && tag.RowsAffected() != 1:
		return ErrChanged
	}
	return err
}

func (store) withdraw(ctx context.Context, tx *db.Tx, id string) error {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE erasure_run SET state = 'withdrawn' WHERE id = $1 AND state = 'asked'`, id)
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrChanged
	}
	return err
}

// against lists what stands against erasing a customer now. Whoever wished it does not wait for the programme's day.
func (s store) against(ctx context.Context, tx *db.Tx, p *migration.Programme, c candidate, wished bool) ([]string, error) {
	list, err := s.obstacles(ctx, tx, c.ID)
	if err != nil || wished {
		return list, err
	}
	extensions, err := c.extensions()
	if err != nil {
		return nil, err
	}
	due, ok := Due(p, extensions, tx.Now)
	switch {
	case !ok:
		list = append(list, NotOpen)
	case !tx.Now.After(due):
		list = append(list, NotDue)
	}
	return list, nil
}

// held fails while a hold stands, but for an order from the ledger: what was ordered then was allowed then.
func (store) held(ctx context.Context, tx *db.Tx, o Order) error {
	if o.Origin != "run" {
		return nil
	}
	var held bool
	err := tx.Pgx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM erasure_hold WHERE customer_id = $1 AND ended_at IS NULL)`, o.CustomerID).Scan(&held)
	if err == nil && held {
		err = errHeld
	}
	return err
}

// blanked counts the rows that stay without what says who it was.
func (store) blanked(ctx context.Context, tx *db.Tx, customerID string) ([]Count, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT name, action, n, years, ground FROM erasure_stays($1)`, customerID)
	if err != nil {
		return nil, fmt.Errorf("count what stays: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Count])
}

func (store) gone(ctx context.Context, tx *db.Tx, o Order) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE erasure_order SET gone_at = $2 WHERE id = $1`, o.ID, tx.Now)
	return err
}
