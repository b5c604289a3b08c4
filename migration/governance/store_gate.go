package governance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

type gateRow struct {
	Phase, OpenedBy string
	OpenedAt        time.Time
	EndsAt          *time.Time
}

func (g gateRow) until() time.Time {
	if g.EndsAt == nil {
		return time.Time{}
	}
	return *g.EndsAt
}

// open reports whether no waiver under the gate has ended.
func (g gateRow) open(now time.Time) bool { return g.EndsAt == nil || !g.EndsAt.Before(now) }

// gates reads the gates that were opened and not shut, by phase.
func (store) gates(ctx context.Context, tx *db.Tx, plan string) (map[string]gateRow, error) {
	const sql = `SELECT phase, opened_by, opened_at, until AS ends_at FROM governance_gate WHERE plan_id = $1 AND shut_at IS NULL`
	rows, err := tx.Pgx.Query(ctx, sql, plan)
	if err != nil {
		return nil, fmt.Errorf("read gates: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[gateRow])
	found := make(map[string]gateRow, len(list))
	for _, g := range list {
		found[g.Phase] = g
	}
	return found, err
}

// openGate writes down that a gate was opened. One whose waiver has ended is shut first, by whoever opens it anew.
func (s store) openGate(ctx context.Context, tx *db.Tx, plan Plan, f Phase, by string) error {
	if _, err := s.shutGates(ctx, tx, plan.ID, []string{f.Key}, by, "waiver ended"); err != nil {
		return err
	}
	var until *time.Time
	if end := plan.stands(f); !end.IsZero() {
		until = &end
	}
	const sql = `INSERT INTO governance_gate (id, plan_id, phase, seen, until, opened_by, opened_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	_, err := tx.Pgx.Exec(ctx, sql, rand.Text(), plan.ID, f.Key, seen(plan.Facts), until, by, tx.Now)
	switch {
	case db.IsCheck(err, "governance_manager"):
		return ErrNotYours
	case err != nil:
		return fmt.Errorf("open gate %s: %w", f.Key, err)
	}
	return nil
}

func (store) shutGates(ctx context.Context, tx *db.Tx, plan string, phases []string, by, reason string) (int64, error) {
	const sql = `
		UPDATE governance_gate SET shut_by = $3, shut_at = $4, reason = $5 WHERE plan_id = $1 AND phase = ANY($2) AND shut_at IS NULL`
	tag, err := tx.Pgx.Exec(ctx, sql, plan, phases, by, tx.Now, reason)
	if err != nil {
		return 0, fmt.Errorf("shut gates: %w", err)
	}
	return tag.RowsAffected(), nil
}

// shutStanding shuts the gate of the phase that a waiver's subject belongs to, where the gate needs it.
func (s store) shutStanding(ctx context.Context, tx *db.Tx, plan Plan, subject, by string) error {
	for _, f := range plan.Phases {
		needs := false
		for _, i := range plan.In(f.Key) {
			needs = needs || itemSubject(i.Key) == subject && i.State != Done && i.Must
		}
		for _, r := range f.Gate.Facts {
			needs = needs || factSubject(f.Key, r.Key) == subject && !r.Holds
		}
		if needs {
			_, err := s.shutGates(ctx, tx, plan.ID, []string{f.Key}, by, "waiver taken back")
			return err
		}
	}
	return nil
}

const dayInsert = `
	INSERT INTO governance_day (plan_id, phase, edge, kind, day, reason, by, at) VALUES ($1, $2, $3, $4, $5::text::date, $6, $7, $8)`

func (store) addDay(ctx context.Context, tx *db.Tx, plan, phase, edge, kind string, day migration.Day, reason, by string) error {
	if _, err := tx.Pgx.Exec(ctx, dayInsert, plan, phase, edge, kind, day.String(), reason, by, tx.Now); err != nil {
		return fmt.Errorf("note a day of phase %s: %w", phase, err)
	}
	return nil
}

// days reads each edge's days, by phase and edge.
func (store) days(ctx context.Context, tx *db.Tx, plan string) (map[string]Days, error) {
	const sql = `SELECT phase, edge, kind, day::text, reason FROM governance_day WHERE plan_id = $1 ORDER BY id`
	rows, err := tx.Pgx.Query(ctx, sql, plan)
	if err != nil {
		return nil, fmt.Errorf("read days: %w", err)
	}
	found := map[string]Days{}
	var phase, edge, kind, text, reason string
	_, err = pgx.ForEachRow(rows, []any{&phase, &edge, &kind, &text, &reason}, func() error {
		day, err := migration.ParseDay(text)
		d := found[phase+" "+edge]
		switch kind {
		case "planned":
			d.Planned = day
		case "replanned":
			d.Replanned, d.Reason, d.Actual = day, reason, migration.Day{} // what is planned anew has not happened
		case "actual":
			d.Actual = day
		}
		found[phase+" "+edge] = d
		return err
	})
	return found, err
}

type waiverRow struct {
	ID, Subject, Reason, AskedBy, AgreedBy string
	Until, AskedAt                         time.Time
}

const waiverColumns = `id, subject, reason, asked_by, coalesce(agreed_by, '') AS agreed_by, until, asked_at`

func (r waiverRow) waiver(now time.Time) Waiver {
	agreed := r.AgreedBy != ""
	return Waiver{
		ID: r.ID, Subject: r.Subject, Reason: r.Reason, Until: r.Until, AskedBy: r.AskedBy, AgreedBy: r.AgreedBy, AskedAt: r.AskedAt,
		Counts: agreed && !r.Until.Before(now), Over: agreed && r.Until.Before(now),
	}
}

// waivers reads those that were not ended by a person, by subject.
func (store) waivers(ctx context.Context, tx *db.Tx, plan string) (map[string]Waiver, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT `+waiverColumns+` FROM governance_waiver WHERE plan_id = $1 AND ended_at IS NULL`, plan)
	if err != nil {
		return nil, fmt.Errorf("read waivers: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[waiverRow])
	found := make(map[string]Waiver, len(list))
	for _, r := range list {
		found[r.Subject] = r.waiver(tx.Now)
	}
	return found, err
}

// askWaiver writes down a request. One that is over makes room; one that counts or waits does not: ErrNotPossible.
func (store) askWaiver(ctx context.Context, tx *db.Tx, plan string, w Waiver) error {
	const past = `
		UPDATE governance_waiver SET ended_by = asked_by, ended_at = $3 WHERE plan_id = $1 AND subject = $2 AND ended_at IS NULL AND until < $3`
	if _, err := tx.Pgx.Exec(ctx, past, plan, w.Subject, tx.Now); err != nil {
		return fmt.Errorf("ask for a waiver: %w", err)
	}
	const sql = `
		INSERT INTO governance_waiver (id, plan_id, subject, reason, until, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	_, err := tx.Pgx.Exec(ctx, sql, w.ID, plan, w.Subject, w.Reason, w.Until, w.AskedBy, tx.Now)
	if db.IsUnique(err, "governance_waiver_once") {
		return ErrNotPossible
	}
	return err
}

func (store) agreeWaiver(ctx context.Context, tx *db.Tx, plan, id, by string) (waiverRow, error) {
	return oneWaiver(tx.Pgx.Query(ctx, `
		UPDATE governance_waiver SET agreed_by = $3, agreed_at = $4
		 WHERE plan_id = $1 AND id = $2 AND agreed_at IS NULL AND ended_at IS NULL RETURNING `+waiverColumns, plan, id, by, tx.Now))
}

func (store) endWaiver(ctx context.Context, tx *db.Tx, plan, id, by string) (waiverRow, error) {
	return oneWaiver(tx.Pgx.Query(ctx, `
		UPDATE governance_waiver SET ended_by = $3, ended_at = $4 WHERE plan_id = $1 AND id = $2 AND ended_at IS NULL RETURNING `+waiverColumns,
		plan, id, by, tx.Now))
}

func oneWaiver(rows pgx.Rows, err error) (waiverRow, error) {
	if err != nil {
		return waiverRow{}, err
	}
	w, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[waiverRow])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return waiverRow{}, ErrNotPossible
	case db.IsCheck(err, "governance_waiver_four_eyes"):
		return waiverRow{}, ErrSamePerson
	case db.IsCheck(err, "governance_manager"):
		return waiverRow{}, ErrNotYours
	}
	return w, err
}
