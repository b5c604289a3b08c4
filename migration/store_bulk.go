package migration

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// lockJourneys reads many rows for update, in an order that keeps two callers from waiting for each other.
func (s store) lockJourneys(ctx context.Context, tx *db.Tx, ids []string) (map[string]Journey, error) {
	const sql = `SELECT ` + journeyColumns + `, customer_id FROM journey WHERE customer_id = ANY($1) ORDER BY customer_id FOR UPDATE`
	rows, err := tx.Pgx.Query(ctx, sql, ids)
	if err != nil {
		return nil, fmt.Errorf("lock %d journeys: %w", len(ids), err)
	}
	defer rows.Close()
	found := make(map[string]Journey, len(ids))
	for rows.Next() {
		var id string
		j, err := scanJourney(withTrailing{rows, &id}, "")
		if err != nil {
			return nil, err
		}
		j.CustomerID = id
		found[id] = j
	}
	return found, rows.Err()
}

// withTrailing scans one more column behind those that the reader asks for.
type withTrailing struct {
	pgx.Row
	last any
}

func (r withTrailing) Scan(dest ...any) error { return r.Row.Scan(append(dest, r.last)...) }

// appendEvents writes many events and the rows that they lead to, as appendEvent writes one.
func (s store) appendEvents(ctx context.Context, tx *db.Tx, events []told, nexts []Journey) error {
	n := len(events)
	ids, versions, kinds, actors := make([]string, n), make([]int32, n), make([]string, n), make([]string, n)
	data, details, keep := make([]string, n), make([]string, n), make([]bool, n)
	statuses := [len(Steps)][]string{}
	for s := range statuses {
		statuses[s] = make([]string, n)
	}
	for i, e := range events {
		raw, err := json.Marshal(e.Event)
		if err != nil {
			return fmt.Errorf("append %s: %w", e.Event.Kind, err)
		}
		detail, err := json.Marshal(nexts[i].Detail)
		if err != nil {
			return fmt.Errorf("append %s: %w", e.Event.Kind, err)
		}
		ids[i], versions[i], kinds[i], actors[i] = e.CustomerID, int32(nexts[i].Version), string(e.Event.Kind), e.Event.Actor
		data[i], details[i], keep[i] = string(raw), string(detail), nexts[i].Progress != nil
		for s, step := range Steps {
			statuses[s][i] = string(nexts[i].Status[step])
		}
	}
	const insert = `INSERT INTO journey_event (customer_id, version, kind, actor, at, data)
		SELECT customer_id, version, kind, actor, $6, data::jsonb
		  FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[]) AS e (customer_id, version, kind, actor, data)`
	if _, err := tx.Pgx.Exec(ctx, insert, ids, versions, kinds, actors, data, tx.Now); err != nil {
		if db.IsUnique(err, "journey_event_pkey") {
			return ErrJourneyMoved.Wrap(err)
		}
		return fmt.Errorf("append %d events: %w", n, err)
	}
	const fold = `INSERT INTO journey (customer_id, version, dates, export, choose, settle, confirm, detail, progress, updated_at)
		SELECT e.customer_id, e.version, e.dates, e.export, e.choose, e.settle, e.confirm, e.detail::jsonb, CASE WHEN e.keep THEN j.progress END, $10
		  FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[])
		       AS e (customer_id, version, dates, export, choose, settle, confirm, detail, keep)
		  LEFT JOIN journey j USING (customer_id)
		ON CONFLICT (customer_id) DO UPDATE SET version = excluded.version, dates = excluded.dates, export = excluded.export,
			choose = excluded.choose, settle = excluded.settle, confirm = excluded.confirm, detail = excluded.detail,
			progress = excluded.progress, updated_at = excluded.updated_at
		WHERE journey.version = excluded.version - 1`
	tag, err := tx.Pgx.Exec(ctx, fold, ids, versions, statuses[0], statuses[1], statuses[2], statuses[3], statuses[4], details, keep, tx.Now)
	if err != nil {
		return fmt.Errorf("fold %d events: %w", n, err)
	}
	if tag.RowsAffected() != int64(n) {
		return ErrJourneyMoved
	}
	return nil
}
