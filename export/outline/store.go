package outline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// store is the only place that knows the outlines' table.
type store struct {
	db *db.DB
}

// answers are the part of an outline that is kept as JSON.
type answers struct {
	Datasets []Dataset `json:"datasets"`
	Filters  []Filter  `json:"filters,omitempty"`
}

// latest reads a customer's latest outline; the zero one when there is none.
func (s store) latest(ctx context.Context, scope db.Scope, customerID string) (o Outline, err error) {
	const sql = `SELECT version, asked_at, made_at, failed, data FROM export_outline WHERE customer_id = $1`
	var made *time.Time
	var data []byte
	err = s.db.Read(ctx, scope,
		func(b *pgx.Batch) { b.Queue(sql, customerID) },
		func(r pgx.BatchResults) error {
			return r.QueryRow().Scan(&o.Version, &o.AskedAt, &made, &o.Failed, &data)
		})
	if errors.Is(err, pgx.ErrNoRows) {
		return Outline{}, nil
	}
	if err != nil {
		return Outline{}, fmt.Errorf("read outline: %w", err)
	}
	if made == nil {
		return o, nil
	}
	var kept answers
	if err := json.Unmarshal(data, &kept); err != nil {
		return Outline{}, fmt.Errorf("read outline: %w", err)
	}
	o.MadeAt, o.Datasets, o.Filters = *made, kept.Datasets, kept.Filters
	return o, nil
}

// ask notes that an outline is wanted.
func (s store) ask(ctx context.Context, tx *db.Tx, customerID string) error {
	const sql = `INSERT INTO export_outline (customer_id, asked_at) VALUES ($1, $2)
		ON CONFLICT (customer_id) DO UPDATE SET asked_at = EXCLUDED.asked_at, failed = false`
	_, err := tx.Pgx.Exec(ctx, sql, customerID, tx.Now)
	return err
}

// save keeps what the sources said; failed keeps what was known before and notes that this try gave nothing.
func (s store) save(ctx context.Context, scope db.Scope, customerID string, o Outline, failed bool) error {
	data, err := json.Marshal(answers{Datasets: o.Datasets, Filters: o.Filters})
	if err != nil {
		return fmt.Errorf("save outline: %w", err)
	}
	const (
		made = `INSERT INTO export_outline (customer_id, asked_at, made_at, version, data) VALUES ($1, $2, $2, $3, $4)
			ON CONFLICT (customer_id) DO UPDATE SET made_at = EXCLUDED.made_at, version = EXCLUDED.version, data = EXCLUDED.data, failed = false`
		gave = `UPDATE export_outline SET failed = true WHERE customer_id = $1`
	)
	err = s.db.InTx(ctx, scope, func(tx *db.Tx) (err error) {
		if failed {
			_, err = tx.Pgx.Exec(ctx, gave, customerID)
		} else {
			_, err = tx.Pgx.Exec(ctx, made, customerID, tx.Now, o.Version, string(data))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("save outline: %w", err)
	}
	return nil
}

// paceSQL looks at the latest hundred exports that became ready and at those that wait. Numbers of all customers
// together tell nothing of any one of them.
const paceSQL = `
	WITH done AS (
		SELECT bytes_total, started_at - requested_at AS waited, finished_at - started_at AS took
		  FROM export WHERE state = 'ready' AND started_at IS NOT NULL ORDER BY expires_at DESC LIMIT 100)
	SELECT coalesce((SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY bytes_total / extract(epoch FROM took)) FROM done
			WHERE bytes_total >= $2 AND took > interval '1 second'), 0)::float8,
		coalesce((SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM greatest(waited, '0'))) FROM done), 0)::float8,
		coalesce((SELECT extract(epoch FROM max($1 - requested_at)) FROM export WHERE state = 'queued' AND failures = 0), 0)::float8`

// pace reads how fast exports have been lately.
func (s store) pace(ctx context.Context) (p Pace, err error) {
	var rate, waited, waiting float64
	err = s.db.Read(ctx, db.SystemScope("estimate of an export"),
		func(b *pgx.Batch) { b.Queue(paceSQL, s.db.Clock.Now(), paceFrom) },
		func(r pgx.BatchResults) error { return r.QueryRow().Scan(&rate, &waited, &waiting) })
	if err != nil {
		return Pace{}, fmt.Errorf("read pace of exports: %w", err)
	}
	return Pace{Rate: int64(rate), Wait: time.Duration(max(waited, waiting) * float64(time.Second))}, nil
}
