package find

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the index's tables.
type store struct{}

// limit bounds the statements of a transaction.
func (store) limit(ctx context.Context, tx *db.Tx, d time.Duration) error {
	_, err := tx.Pgx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true)`, fmt.Sprint(d.Milliseconds()))
	return err
}

const hitColumns = `SELECT c.id, c.ref, c.name, c.tier, c.state, coalesce(j.export, '')
	FROM best b JOIN customer c ON c.id = b.id LEFT JOIN journey j ON j.customer_id = c.id ORDER BY b.rank, c.name, c.id`

func (store) search(ctx context.Context, tx *db.Tx, q query, ids []string, skip, limit int) ([]migration.Hit, error) {
	const sql = `WITH best AS (SELECT f.id, min(f.rank) AS rank
		FROM (SELECT unnest($1::text[]) AS id, -1 AS rank UNION ALL SELECT id, rank FROM customer_search_find($2, $3, $4) WHERE rank < 4 OR NOT $7) f GROUP BY f.id) ` +
		hitColumns + ` OFFSET $5 LIMIT $6`
	rows, err := tx.Pgx.Query(ctx, sql, list(ids), list(q.wanted), list(q.other), q.plain, skip, limit, q.whole)
	if err != nil {
		return nil, fmt.Errorf("search customers: %w", err)
	}
	hits, err := pgx.CollectRows(rows, pgx.RowToStructByPos[migration.Hit])
	if err != nil {
		return nil, fmt.Errorf("search customers: %w", err)
	}
	return hits, nil
}

// near finds customers who have all but one character of what was typed, in one round trip.
func (store) near(ctx context.Context, tx *db.Tx, q query, most int) ([]migration.Hit, error) {
	variants := q.near()
	if len(variants) == 0 {
		return nil, nil
	}
	b := &pgx.Batch{}
	for _, wanted := range variants {
		b.Queue(`WITH best AS (SELECT id, rank FROM customer_search_find($1, '{}', $2) LIMIT $3) `+hitColumns, list(wanted), q.plain, most)
	}
	results := tx.Pgx.SendBatch(ctx, b)
	defer func() { _ = results.Close() }()
	var hits []migration.Hit
	seen := map[string]bool{}
	for range variants {
		rows, err := results.Query()
		if err != nil {
			return nil, fmt.Errorf("search customers: %w", err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[migration.Hit])
		if err != nil {
			return nil, fmt.Errorf("search customers: %w", err)
		}
		for _, h := range found {
			if !seen[h.ID] && len(hits) < most {
				seen[h.ID] = true
				hits = append(hits, h)
			}
		}
	}
	return hits, nil
}

func list(of []string) []string {
	if of == nil {
		return []string{}
	}
	return of
}

// stale reads customers whose rows in the index are to be made anew, and takes the marks away with this transaction.
func (store) stale(ctx context.Context, tx *db.Tx, most int) ([]record, error) {
	const sql = `WITH due AS (
			DELETE FROM customer_search_stale WHERE customer_id IN (SELECT customer_id FROM customer_search_stale LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING customer_id)
		SELECT c.id, c.ref, c.name,
		       ARRAY(SELECT k.name FROM contact k WHERE k.customer_id = c.id AND k.name <> '' ORDER BY k.id LIMIT 200),
		       ARRAY(SELECT k.email FROM contact k WHERE k.customer_id = c.id AND k.email NOT LIKE '%.invalid' ORDER BY k.id LIMIT 200),
		       ARRAY(SELECT n.number FROM contact_phone n WHERE n.customer_id = c.id AND n.number <> '' ORDER BY n.contact_id LIMIT 200)
		  FROM due JOIN customer c ON c.id = due.customer_id`
	rows, err := tx.Pgx.Query(ctx, sql, most)
	if err != nil {
		return nil, fmt.Errorf("read customers to index: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r record, err error) {
		err = row.Scan(&r.id, &r.ref, &r.name, &r.people, &r.addresses, &r.phones)
		return r, err
	})
}

func (store) write(ctx context.Context, tx *db.Tx, records []record) error {
	b := &pgx.Batch{}
	for _, r := range records {
		b.Queue(`SELECT customer_search_write($1, $2, $3, $4)`, r.id, r.called(), r.folded(), list(r.terms()))
	}
	if err := tx.Pgx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("index customers: %w", err)
	}
	return nil
}
