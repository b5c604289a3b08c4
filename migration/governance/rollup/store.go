package rollup

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the tables of rollups.
type store struct{}

// changes are deltas as counts.
const changes = `
	SELECT tier, u.step, u.status, -1 AS n FROM %[1]s, unnest(before) WITH ORDINALITY u (status, step) WHERE before IS NOT NULL
	UNION ALL
	SELECT tier, u.step, u.status, 1 FROM %[1]s, unnest(after) WITH ORDINALITY u (status, step) WHERE after IS NOT NULL`

func (store) read(ctx context.Context, tx *db.Tx) (c Counts, err error) {
	sql := `
		SELECT tier, step::integer AS step, status, sum(n)::bigint AS n
		  FROM (SELECT tier, step, status, n FROM journey_rollup UNION ALL ` + fmt.Sprintf(changes, "journey_delta") + `) a
		 GROUP BY tier, step, status HAVING sum(n) <> 0 ORDER BY tier, step, status`
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return Counts{}, fmt.Errorf("read counts: %w", err)
	}
	if c.List, err = pgx.CollectRows(rows, pgx.RowToStructByName[Count]); err != nil {
		return Counts{}, fmt.Errorf("read counts: %w", err)
	}
	err = tx.Pgx.QueryRow(ctx, `SELECT folded_at, recounted_at, drift FROM journey_rollup_state`).Scan(&c.FoldedAt, &c.RecountedAt, &c.Drift)
	return c, err
}

func (store) history(ctx context.Context, tx *db.Tx) ([]Point, error) {
	const sql = `SELECT day::text, sum(done)::bigint, sum(total)::bigint FROM journey_rollup_day WHERE step = 5 GROUP BY day ORDER BY day`
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("read counts by day: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Point, err error) {
		day := ""
		if err := row.Scan(&day, &p.Done, &p.Total); err != nil {
			return p, err
		}
		p.Day, err = migration.ParseDay(day)
		return p, err
	})
}

// begin takes the turn to fold, and says whether to count anew.
func (store) begin(ctx context.Context, tx *db.Tx, old time.Time) (mine, again bool, err error) {
	const sql = `
		SELECT pg_try_advisory_xact_lock(hashtextextended('journey_rollup', 0)),
		       EXISTS (SELECT FROM journey_rollup_state WHERE recounted_at IS NULL OR recounted_at < $1) OR EXISTS (SELECT FROM journey_delta WHERE again)`
	err = tx.Pgx.QueryRow(ctx, sql, old).Scan(&mine, &again)
	return mine, again, err
}

// fold hands every delta that is there to the counts, at once.
func (store) fold(ctx context.Context, tx *db.Tx) error {
	sql := `
		WITH gone AS (DELETE FROM journey_delta RETURNING tier, before, after),
		     sums AS (SELECT tier, step, status, sum(n)::bigint AS n FROM (` + fmt.Sprintf(changes, "gone") + `) c GROUP BY 1, 2, 3 HAVING sum(n) <> 0)
		INSERT INTO journey_rollup (tier, step, status, n) SELECT tier, step, status, n FROM sums
		ON CONFLICT (tier, step, status) DO UPDATE SET n = journey_rollup.n + excluded.n`
	if _, err := tx.Pgx.Exec(ctx, sql); err != nil {
		return fmt.Errorf("fold counts: %w", err)
	}
	_, err := tx.Pgx.Exec(ctx, `UPDATE journey_rollup_state SET folded_at = $1`, tx.Now)
	return err
}

// recount counts every customer within one statement, and so as of one instant: the deltas that it takes away are those whose changes it
// sees. It returns by how much the figures were wrong.
func (store) recount(ctx context.Context, tx *db.Tx) (drift int64, err error) {
	sql := `
		WITH gone AS (DELETE FROM journey_delta RETURNING tier, before, after),
		     told AS (SELECT tier, step, status, sum(n)::bigint AS n FROM (SELECT tier, step, status, n FROM journey_rollup UNION ALL ` + fmt.Sprintf(changes, "gone") + `) c
		               GROUP BY 1, 2, 3),
		     truth AS (SELECT c.tier, u.step, u.status, count(*) AS n
		                 FROM customer c JOIN journey j ON j.customer_id = c.id,
		                      unnest(ARRAY[j.dates, j.export, j.choose, j.settle, j.confirm]::text[]) WITH ORDINALITY u (status, step)
		                WHERE c.state = 'active' GROUP BY 1, 2, 3),
		     both_ways AS (SELECT tier, step, status, coalesce(t.n, 0) AS n, abs(coalesce(t.n, 0) - coalesce(o.n, 0)) AS off
		                     FROM truth t FULL JOIN told o USING (tier, step, status)),
		     written AS (INSERT INTO journey_rollup (tier, step, status, n) SELECT tier, step, status, n FROM both_ways
		                 ON CONFLICT (tier, step, status) DO UPDATE SET n = excluded.n)
		SELECT coalesce(sum(off), 0)::bigint FROM both_ways`
	if err := tx.Pgx.QueryRow(ctx, sql).Scan(&drift); err != nil {
		return 0, fmt.Errorf("count anew: %w", err)
	}
	_, err = tx.Pgx.Exec(ctx, `UPDATE journey_rollup_state SET folded_at = $1, recounted_at = $1, drift = $2`, tx.Now, drift)
	return drift, err
}

// keepDay writes down the day's figures so far.
func (store) keepDay(ctx context.Context, tx *db.Tx, day migration.Day) error {
	const sql = `
		INSERT INTO journey_rollup_day AS d (day, tier, step, done, total)
		SELECT $1::text::date, tier, step, coalesce(sum(n) FILTER (WHERE status IN ('completed', 'not_needed')), 0), sum(n)
		  FROM journey_rollup GROUP BY tier, step
		ON CONFLICT (day, tier, step) DO UPDATE SET done = excluded.done, total = excluded.total
		 WHERE (d.done, d.total) IS DISTINCT FROM (excluded.done, excluded.total)`
	if _, err := tx.Pgx.Exec(ctx, sql, day.String()); err != nil {
		return fmt.Errorf("keep the day's counts: %w", err)
	}
	return nil
}

// list reads the customers behind a figure.
func (store) list(ctx context.Context, tx *db.Tx, q Query, limit int) ([]Customer, error) {
	const sql = `
		SELECT c.id, c.ref, c.name, c.tier, j.dates::text AS dates, j.export::text AS export, j.choose::text AS choose, j.settle::text AS settle,
		       j.confirm::text AS confirm, (SELECT max(i.signed_in_at) FROM contact k JOIN identity i ON i.contact_id = k.id WHERE k.customer_id = c.id) AS signed_in
		  FROM customer c JOIN journey j ON j.customer_id = c.id,
		       LATERAL (SELECT (ARRAY[j.dates, j.export, j.choose, j.settle, j.confirm]::text[])[@step] AS at) s
		 WHERE c.state = 'active' AND (@tier = '' OR c.tier = @tier) AND c.ref > @after
		   AND CASE @status WHEN '' THEN s.at NOT IN ('completed', 'not_needed') ELSE s.at = @status END
		 ORDER BY c.ref LIMIT @limit`
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{"step": q.Step, "tier": q.Tier, "after": q.After, "status": q.Status, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("list customers by step: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Customer])
}

func (store) today(ctx context.Context, tx *db.Tx, me string, day migration.Day) (t Today, err error) {
	const sql = `
		SELECT count(*), count(*) FILTER (WHERE due_day <= $2::text::date),
		       (SELECT count(*) FROM governance_item i JOIN governance_plan p ON p.id = i.plan_id WHERE p.state = 'running' AND i.owner = $1 AND i.state = 'open')
		  FROM notice_call WHERE state = 'open'`
	if err := tx.Pgx.QueryRow(ctx, sql, me, day.String()).Scan(&t.Calls, &t.CallsDue, &t.Mine); err != nil {
		return Today{}, fmt.Errorf("count what waits: %w", err)
	}
	return t, nil
}
