package replacement

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

type sealedCode struct {
	id, digest, sealed string
	earlier            []string // the digest by each earlier secret
}

// draw returns the customer's code for a replacement, drawing a free one where there is none yet. Two who draw at once, on
// whatever replicas, never get the same one. An empty id: no code is left.
func (store) draw(ctx context.Context, tx *db.Tx, customerID, key string) (c sealedCode, err error) {
	const mine = `SELECT id, sealed FROM offer_code WHERE customer_id = $1 AND replacement = $2`
	const draw = `UPDATE offer_code SET customer_id = $1, drawn_at = $3
		WHERE id = (SELECT id FROM offer_code WHERE replacement = $2 AND customer_id IS NULL ORDER BY imported_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING id, sealed`
	err = tx.Pgx.QueryRow(ctx, mine, customerID, key).Scan(&c.id, &c.sealed)
	if !errors.Is(err, pgx.ErrNoRows) {
		return c, err
	}
	err = tx.Pgx.QueryRow(ctx, draw, customerID, key, tx.Now).Scan(&c.id, &c.sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return sealedCode{}, nil
	}
	if err != nil {
		return sealedCode{}, fmt.Errorf("draw a code of %s: %w", key, err)
	}
	return c, nil
}

// scarce reports whether a customer without a code would have to wait for one.
func (store) scarce(ctx context.Context, tx *db.Tx, customerID, key string) (scarce bool, err error) {
	const sql = `SELECT NOT EXISTS (SELECT FROM offer_code WHERE replacement = $2 AND (customer_id = $1 OR customer_id IS NULL))`
	err = tx.Pgx.QueryRow(ctx, sql, customerID, key).Scan(&scarce)
	return scarce, err
}

// wait puts a customer on the waiting list. Who waited before keeps the place.
func (store) wait(ctx context.Context, tx *db.Tx, who migration.Who, key string) error {
	const sql = `INSERT INTO offer_waiting (customer_id, replacement, contact_id, since) VALUES ($1, $2, $3, $4)
		ON CONFLICT (customer_id, replacement) DO UPDATE SET contact_id = excluded.contact_id, since = excluded.since, served_at = NULL
		WHERE offer_waiting.served_at IS NOT NULL`
	_, err := tx.Pgx.Exec(ctx, sql, who.CustomerID, key, who.ContactID, tx.Now)
	return err
}

// leave takes a customer off the waiting lists of replacements other than key.
func (store) leave(ctx context.Context, tx *db.Tx, customerID, key string) error {
	_, err := tx.Pgx.Exec(ctx, `DELETE FROM offer_waiting WHERE customer_id = $1 AND replacement <> $2 AND served_at IS NULL`, customerID, key)
	return err
}

// addCodes adds those that are new and returns how many.
func (store) addCodes(ctx context.Context, tx *db.Tx, key string, codes []sealedCode) (int, error) {
	ids, digests, sealed, earlier := make([]string, len(codes)), make([]string, len(codes)), make([]string, len(codes)), make([]string, len(codes))
	for i, c := range codes {
		ids[i], digests[i], sealed[i], earlier[i] = c.id, c.digest, c.sealed, strings.Join(c.earlier, " ")
	}
	const sql = `INSERT INTO offer_code (id, replacement, digest, sealed, imported_at)
		SELECT id, $1, digest, sealed, $5 FROM unnest($2::text[], $3::text[], $4::text[], $6::text[]) AS c (id, digest, sealed, earlier)
		 WHERE NOT EXISTS (SELECT FROM offer_code o WHERE o.replacement = $1 AND o.digest = ANY(string_to_array(c.earlier, ' ')))
		ON CONFLICT (replacement, digest) DO NOTHING`
	tag, err := tx.Pgx.Exec(ctx, sql, key, ids, digests, sealed, tx.Now, earlier)
	if err != nil {
		return 0, fmt.Errorf("store %d codes of %s: %w", len(codes), key, err)
	}
	return int(tag.RowsAffected()), nil
}

type waiter struct{ customerID, contactID, tier string }

// waiters locks those who wait for a code and still want it, longest first.
func (store) waiters(ctx context.Context, tx *db.Tx, key string) (list []waiter, err error) {
	const sql = `SELECT w.customer_id, w.contact_id, k.tier FROM offer_waiting w JOIN customer k ON k.id = w.customer_id
		WHERE w.replacement = $1 AND w.served_at IS NULL AND EXISTS (SELECT FROM offer_code o WHERE o.replacement = $1 AND o.customer_id IS NULL)
		  AND EXISTS (SELECT FROM replacement_choice c WHERE c.customer_id = w.customer_id AND c.replacement = $1 AND c.state NOT IN ('undone', 'replaced', 'withdrawn'))
		ORDER BY w.since, w.customer_id FOR UPDATE OF w SKIP LOCKED`
	rows, err := tx.Pgx.Query(ctx, sql, key)
	if err != nil {
		return nil, fmt.Errorf("list who waits for a code of %s: %w", key, err)
	}
	defer rows.Close()
	for rows.Next() {
		var w waiter
		if err := rows.Scan(&w.customerID, &w.contactID, &w.tier); err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, rows.Err()
}

func (store) served(ctx context.Context, tx *db.Tx, customerID, key string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE offer_waiting SET served_at = $3 WHERE customer_id = $1 AND replacement = $2`, customerID, key, tx.Now)
	return err
}

// pools counts codes and waiting customers by replacement.
func (store) pools(ctx context.Context, tx *db.Tx) (map[string]Pool, error) {
	const sql = `SELECT coalesce(c.replacement, w.replacement), coalesce(c.free, 0), coalesce(c.drawn, 0), coalesce(w.waiting, 0), w.since
		  FROM (SELECT replacement, count(*) FILTER (WHERE customer_id IS NULL) AS free, count(customer_id) AS drawn FROM offer_code GROUP BY replacement) c
		  FULL JOIN (SELECT replacement, count(*) AS waiting, min(since) AS since FROM offer_waiting WHERE served_at IS NULL GROUP BY replacement) w
		    ON w.replacement = c.replacement`
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("count codes: %w", err)
	}
	defer rows.Close()
	found := map[string]Pool{}
	for rows.Next() {
		var p Pool
		var since *time.Time
		if err := rows.Scan(&p.Replacement, &p.Free, &p.Drawn, &p.Waiting, &since); err != nil {
			return nil, err
		}
		if since != nil {
			p.Since = *since
		}
		found[p.Replacement] = p
	}
	return found, rows.Err()
}

// waiting lists who waits for a code, longest first.
func (store) waiting(ctx context.Context, tx *db.Tx, limit int) ([]Waiter, error) {
	const sql = `SELECT w.customer_id, c.ref, c.name, w.replacement, w.since FROM offer_waiting w JOIN customer c ON c.id = w.customer_id
		WHERE w.served_at IS NULL ORDER BY w.since, w.customer_id LIMIT $1`
	rows, err := tx.Pgx.Query(ctx, sql, limit)
	if err != nil {
		return nil, fmt.Errorf("list who waits for a code: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Waiter])
}
