package replacement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// request notes that a customer's use should be counted anew.
func (store) request(ctx context.Context, tx *db.Tx, customerID string) error {
	const sql = `INSERT INTO feature_request (customer_id, asked_at) VALUES ($1, $2)
		ON CONFLICT (customer_id) DO UPDATE SET asked_at = excluded.asked_at`
	_, err := tx.Pgx.Exec(ctx, sql, customerID, tx.Now)
	return err
}

func (store) requestDone(ctx context.Context, tx *db.Tx, customerID string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE feature_request SET counted_at = greatest($2, asked_at) WHERE customer_id = $1`, customerID, tx.Now)
	return err
}

// features reports on every count.
func (store) features(ctx context.Context, tx *db.Tx) (map[string]FeatureReport, error) {
	const sql = `SELECT c.feature, c.counted_at, c.tried_at, c.took_ms, c.slow, c.problem, coalesce(u.customers, 0), coalesce(u.uses, 0)::bigint
		  FROM feature_count c LEFT JOIN (SELECT feature, count(*) AS customers, sum(uses) AS uses FROM feature_usage WHERE uses > 0 GROUP BY feature) u
		    ON u.feature = c.feature`
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("report on features: %w", err)
	}
	defer rows.Close()
	found := map[string]FeatureReport{}
	for rows.Next() {
		var r FeatureReport
		var at *time.Time
		var took int64
		if err := rows.Scan(&r.Feature, &at, &r.TriedAt, &took, &r.Slow, &r.Problem, &r.Customers, &r.Uses); err != nil {
			return nil, err
		}
		if at != nil {
			r.CountedAt = *at
		}
		r.Took = time.Duration(took) * time.Millisecond
		found[r.Feature] = r
	}
	return found, rows.Err()
}

// asked is how a feature was counted last.
type asked struct {
	digest    string
	triedAt   time.Time
	countedAt *time.Time
	failed    bool
}

// asked reads when each feature was counted last.
func (store) asked(ctx context.Context, tx *db.Tx) (map[string]asked, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT feature, asked, tried_at, counted_at, problem <> '' FROM feature_count`)
	if err != nil {
		return nil, fmt.Errorf("read counts of features: %w", err)
	}
	defer rows.Close()
	found := map[string]asked{}
	for rows.Next() {
		var key string
		var a asked
		if err := rows.Scan(&key, &a.digest, &a.triedAt, &a.countedAt, &a.failed); err != nil {
			return nil, err
		}
		found[key] = a
	}
	return found, rows.Err()
}

// forget drops what was counted by another question than digest.
func (store) forget(ctx context.Context, tx *db.Tx, feature, digest string) error {
	const sql = `DELETE FROM feature_usage WHERE feature = $1 AND EXISTS (SELECT FROM feature_count WHERE feature = $1 AND asked <> $2)`
	if _, err := tx.Pgx.Exec(ctx, sql, feature, digest); err != nil {
		return err
	}
	_, err := tx.Pgx.Exec(ctx, `DELETE FROM feature_count WHERE feature = $1 AND asked <> $2`, feature, digest)
	return err
}

// stage empties the table that gathers a count. It is empty but for what this transaction writes: others' rows are gone before
// they are committed.
func (store) stage(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Pgx.Exec(ctx, `DELETE FROM feature_counting`)
	return err
}

// addCounts gathers rows while they are read.
func (store) addCounts(ctx context.Context, tx *db.Tx, rows pgx.CopyFromSource) error {
	_, err := tx.Pgx.CopyFrom(ctx, pgx.Identifier{"feature_counting"}, []string{"ref", "uses"}, rows)
	return err
}

// addAttributes gathers the use of a feature from a column of the import.
func (store) addAttributes(ctx context.Context, tx *db.Tx, attribute string) error {
	const sql = `INSERT INTO feature_counting (ref, uses)
		SELECT ref, uses FROM (SELECT ref, CASE WHEN v ~ '^[0-9]{1,15}$' THEN v::bigint WHEN lower(v) IN ('true', 'yes') THEN 1 ELSE 0 END AS uses
			FROM (SELECT ref, btrim(attributes->>$1) AS v FROM customer) a) c WHERE uses > 0`
	_, err := tx.Pgx.Exec(ctx, sql, attribute)
	return err
}

// finish makes what was gathered the latest count, and notes that it succeeded. Customers who are not imported are passed over,
// rows of one customer are added up, and whom the count does not name uses nothing any more. What is as it was is not written
// anew, and what was counted for one customer while this count ran stays.
func (s store) finish(ctx context.Context, tx *db.Tx, feature, digest string, at time.Time, took time.Duration, slow bool) error {
	const merge = `WITH diff AS MATERIALIZED (
			SELECT coalesce(n.id, u.customer_id) AS id, n.uses, u.customer_id IS NULL AS fresh
			  FROM (SELECT c.id, sum(f.uses)::bigint AS uses FROM feature_counting f JOIN customer c ON c.ref = f.ref GROUP BY c.id) n
			  FULL JOIN (SELECT customer_id, uses FROM feature_usage WHERE feature = $1 AND counted_at <= $2) u ON u.customer_id = n.id
			 WHERE n.uses IS DISTINCT FROM u.uses
		), gone AS (
			DELETE FROM feature_usage u USING diff WHERE diff.uses IS NULL AND u.feature = $1 AND u.customer_id = diff.id AND u.counted_at <= $2
		), changed AS (
			UPDATE feature_usage u SET uses = diff.uses, counted_at = $2
			  FROM diff WHERE diff.uses IS NOT NULL AND NOT diff.fresh AND u.feature = $1 AND u.customer_id = diff.id AND u.counted_at <= $2
		)
		INSERT INTO feature_usage (customer_id, feature, uses, counted_at) SELECT id, $1, uses, $2 FROM diff WHERE fresh ON CONFLICT DO NOTHING`
	// The first count of a feature meets statistics that know of no row of it, by which the planner would go through all rows for each.
	if _, err := tx.Pgx.Exec(ctx, `SET LOCAL work_mem = '32MB'`); err != nil {
		return err
	}
	if _, err := tx.Pgx.Exec(ctx, merge, feature, at); err != nil {
		return fmt.Errorf("store counts of %s: %w", feature, err)
	}
	if err := s.stage(ctx, tx); err != nil {
		return err
	}
	const sql = `INSERT INTO feature_count (feature, asked, counted_at, tried_at, took_ms, slow) VALUES ($1, $2, $3, $3, $4, $5)
		ON CONFLICT (feature) DO UPDATE SET asked = excluded.asked, counted_at = excluded.counted_at, tried_at = excluded.tried_at,
			took_ms = excluded.took_ms, slow = excluded.slow, problem = ''`
	_, err := tx.Pgx.Exec(ctx, sql, feature, digest, at, took.Milliseconds(), slow)
	return err
}

// fail notes that a count did not succeed. What was known stays known.
func (store) fail(ctx context.Context, tx *db.Tx, feature, digest, problem string, at time.Time, took time.Duration, slow bool) error {
	const sql = `INSERT INTO feature_count (feature, asked, tried_at, took_ms, slow, problem) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (feature) DO UPDATE SET asked = excluded.asked, tried_at = excluded.tried_at, took_ms = excluded.took_ms,
			slow = excluded.slow, problem = excluded.problem`
	_, err := tx.Pgx.Exec(ctx, sql, feature, digest, at, took.Milliseconds(), slow, problem)
	return err
}

// setCount stores one customer's count, which may be none.
func (store) setCount(ctx context.Context, tx *db.Tx, customerID, feature string, uses int64) error {
	const sql = `INSERT INTO feature_usage (customer_id, feature, uses, counted_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (customer_id, feature) DO UPDATE SET uses = excluded.uses, counted_at = excluded.counted_at`
	_, err := tx.Pgx.Exec(ctx, sql, customerID, feature, uses, tx.Now)
	return err
}

// refsAfter lists the references of customers in order.
func (store) refsAfter(ctx context.Context, tx *db.Tx, after string, limit int) (refs []string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT coalesce(array_agg(ref ORDER BY ref), '{}') FROM (SELECT ref FROM customer WHERE ref > $1 ORDER BY ref LIMIT $2) c`, after, limit).Scan(&refs)
	return refs, err
}

// ref is the customer's number in the retired product.
func (store) ref(ctx context.Context, tx *db.Tx, customerID string) (ref string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT ref FROM customer WHERE id = $1`, customerID).Scan(&ref)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNotFound
	}
	return ref, err
}
