package figures

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the tables of figures.
type store struct{}

// lead makes this transaction the only one that counts, and reports whether it is.
func (store) lead(ctx context.Context, tx *db.Tx) (mine bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended('offramp figures', 0))`).Scan(&mine)
	return mine, err
}

// last tells when figures were counted last, and how long it took; zero: never.
func (store) last(ctx context.Context, tx *db.Tx) (at time.Time, took time.Duration, err error) {
	var ms int64
	err = tx.Pgx.QueryRow(ctx, `SELECT at, took_ms FROM figure_count`).Scan(&at, &ms)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, 0, nil
	}
	return at, time.Duration(ms) * time.Millisecond, err
}

func (store) counted(ctx context.Context, tx *db.Tx, took time.Duration) error {
	const sql = `INSERT INTO figure_count (at, took_ms) VALUES ($1, $2) ON CONFLICT (one) DO UPDATE SET at = excluded.at, took_ms = excluded.took_ms`
	_, err := tx.Pgx.Exec(ctx, sql, tx.Now, took.Milliseconds())
	return err
}

// completionSQL is how far the customers of each tier are. Of a step that a tier need not take, nobody is counted.
const completionSQL = `
	INSERT INTO figure (report, week, slot, measure, value)
	SELECT 'completion', @monday::text::date, c.tier, x.measure, count(*) FILTER (WHERE x.counts)
	  FROM customer c JOIN journey j ON j.customer_id = c.id
	 CROSS JOIN LATERAL (VALUES
	       ('customers', true), ('dates', j.dates = 'completed'), ('confirm', j.confirm = 'completed'),
	       ('export', j.export = 'completed'), ('export_of', j.export <> 'not_needed'),
	       ('choose', j.choose = 'completed'), ('choose_of', j.choose <> 'not_needed'),
	       ('settle', j.settle = 'completed'), ('settle_of', j.settle <> 'not_needed')) AS x (measure, counts)
	 WHERE c.state = 'active'
	 GROUP BY c.tier, x.measure`

// reachSQL is what was handed over on each channel, and what it came to. Machines that follow links stand apart from people.
const reachSQL = `
	INSERT INTO figure (report, week, slot, measure, value)
	SELECT 'reach', date_trunc('week', d.at AT TIME ZONE @zone)::date, d.channel, x.measure, count(*) FILTER (WHERE x.counts)
	  FROM (SELECT channel, started_at AS at, state, followed, opened, '' AS outcome FROM notice_delivery
	        UNION ALL
	        SELECT 'call', opened_at, '', '', '', outcome FROM notice_call WHERE state <> 'waived') d
	 CROSS JOIN LATERAL (VALUES
	       ('sent', true),
	       ('accepted', CASE WHEN d.channel <> 'call' THEN d.state IN ('accepted', 'delivered', 'delayed', 'complained') END),
	       ('failed', CASE WHEN d.channel <> 'call' THEN d.state IN ('refused', 'bounced') END),
	       ('unknown', CASE WHEN d.channel <> 'call' THEN d.state IN ('unknown', 'lapsed') END),
	       ('opened', CASE WHEN d.channel = 'email' THEN d.opened = 'person' END),
	       ('followed', CASE WHEN d.channel = 'email' THEN d.followed = 'person' END),
	       ('scanned', CASE WHEN d.channel = 'email' THEN d.followed = 'program' END),
	       ('spoken', CASE WHEN d.channel = 'call' THEN d.outcome = 'reached' END)) AS x (measure, counts)
	 WHERE x.counts IS NOT NULL
	 GROUP BY 2, 3, 4`

// requestsSQL is what was asked about, and how soon it was answered and resolved, in working time.
const requestsSQL = `
	INSERT INTO figure (report, week, slot, measure, value)
	SELECT 'requests', date_trunc('week', x.at AT TIME ZONE @zone)::date, coalesce(nullif(h.topic, ''), 'export'), x.measure,
	       CASE WHEN x.measure IN ('answer', 'resolve') THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY x.n) ELSE count(*) END::bigint
	  FROM help_round r JOIN help_request h ON h.id = r.request_id
	 CROSS JOIN LATERAL (VALUES
	       ('asked', r.opened_at, 1::bigint), ('answered', r.answered_at, 1), ('answer', r.answered_at, r.answer_seconds),
	       ('resolved', r.ended_at, 1), ('resolve', r.ended_at, r.resolve_seconds)) AS x (measure, at, n)
	 WHERE x.at IS NOT NULL
	 GROUP BY 2, 3, x.measure`

// exportsSQL is what was exported: each thing in the week in which it happened.
const exportsSQL = `
	INSERT INTO figure (report, week, slot, measure, value)
	SELECT 'exports', date_trunc('week', x.at AT TIME ZONE @zone)::date, '', x.measure, CASE WHEN x.measure = 'bytes' THEN sum(x.n)
	       WHEN x.measure = 'took' THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY x.n) ELSE count(*) END::bigint
	  FROM export e
	 CROSS JOIN LATERAL (VALUES
	       ('asked', e.requested_at, 1::bigint), ('ready', e.ready_at, 1), ('checked', e.checked_at, 1),
	       ('failed', CASE WHEN e.state = 'failed' THEN e.finished_at END, 1),
	       ('cancelled', CASE WHEN e.state = 'cancelled' THEN e.finished_at END, 1),
	       ('bytes', e.ready_at, e.object_size),
	       ('took', e.ready_at, extract(epoch FROM e.ready_at - e.requested_at)::bigint)) AS x (measure, at, n)
	 WHERE x.at IS NOT NULL
	 GROUP BY 2, x.measure`

// choicesSQL is what counts of each customer's decision, in the week in which they made it.
const choicesSQL = `
	INSERT INTO figure (report, week, slot, measure, value)
	SELECT 'choices', date_trunc('week', k.chosen_at AT TIME ZONE @zone)::date,
	       CASE k.decision WHEN 'chosen' THEN k.replacement ELSE k.decision || ':' || k.reason END, x.measure, count(*) FILTER (WHERE x.counts)
	  FROM replacement_choice k
	 CROSS JOIN LATERAL (VALUES
	       ('chosen', true), ('accepted', CASE WHEN k.decision = 'chosen' THEN k.state IN ('accepted', 'importing', 'moved') END),
	       ('moved', CASE WHEN k.decision = 'chosen' THEN k.state = 'moved' END),
	       ('failed', CASE WHEN k.decision = 'chosen' THEN k.state = 'failed' END)) AS x (measure, counts)
	 WHERE k.state NOT IN ('undone', 'replaced') AND x.counts IS NOT NULL
	 GROUP BY 2, 3, 4`

// refundsSQL is what was asked for and settled, each in the week in which it happened.
const refundsSQL = `
	INSERT INTO figure (report, week, slot, measure, value)
	SELECT 'refunds', date_trunc('week', x.at AT TIME ZONE @zone)::date, x.currency, x.measure, sum(x.n)::bigint
	  FROM (SELECT r.currency, y.measure, y.at, y.n
	          FROM refund r CROSS JOIN LATERAL (VALUES
	               ('asked', r.requested_at, 1::bigint), ('asked_sum', r.requested_at, r.amount),
	               ('settled', r.settled_at, 1), ('settled_sum', r.settled_at, CASE WHEN r.state = 'paid' THEN r.settled ELSE r.amount END)) AS y (measure, at, n)
	         WHERE r.state <> 'withdrawn' AND (y.measure LIKE 'asked%' OR r.state IN ('paid', 'credited', 'waived'))
	        UNION ALL
	        SELECT r.currency, e.to_state, e.at, 1
	          FROM refund_event e JOIN refund r ON r.id = e.refund_id WHERE e.to_state IN ('declined', 'returned') AND e.from_state <> e.to_state) x
	 WHERE x.at IS NOT NULL
	 GROUP BY 2, 3, 4`

// count replaces what was counted, but for the weeks of completion that are over.
func (store) count(ctx context.Context, tx *db.Tx, zone string, monday migration.Day) error {
	args := pgx.NamedArgs{"zone": zone, "monday": monday.String()}
	const over = `DELETE FROM figure WHERE report <> 'completion' OR week = @monday::text::date`
	for _, sql := range []string{over, completionSQL, reachSQL, requestsSQL, exportsSQL, choicesSQL, refundsSQL} {
		if _, err := tx.Pgx.Exec(ctx, sql, args); err != nil {
			return fmt.Errorf("count figures: %w", err)
		}
	}
	return nil
}

// rows reads a report.
func (store) rows(ctx context.Context, tx *db.Tx, report string, from, to migration.Day) ([]Row, error) {
	const sql = `
		SELECT week, slot, jsonb_object_agg(measure, value) AS values FROM figure
		 WHERE report = @report AND (@from = '' OR week >= date_trunc('week', @from::date)::date) AND (@to = '' OR week <= @to::date)
		 GROUP BY week, slot ORDER BY week DESC, slot`
	text := func(d migration.Day) string {
		if d.IsZero() {
			return ""
		}
		return d.String()
	}
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{"report": report, "from": text(from), "to": text(to)})
	if err != nil {
		return nil, fmt.Errorf("read figures: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Row, err error) {
		var week time.Time
		err = row.Scan(&week, &r.Slot, &r.Values)
		r.Week = migration.DayOf(week)
		return r, err
	})
}
