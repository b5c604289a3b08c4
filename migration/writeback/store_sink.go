package writeback

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// declared are the sinks that the programme in effect names. Without one, or before they are written down, there are none.
func (store) declared(ctx context.Context, tx *db.Tx) ([]string, error) {
	const sql = `SELECT unnest(s.names) FROM programme_version v JOIN programme_sinks s ON s.version = v.version WHERE v.state = 'active'`
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("list sinks: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list sinks: %w", err)
	}
	return names, nil
}

// compareSQL holds a stretch of events, in the order of their ids, against the deliveries that should have come of them, and makes
// those that are missing. Which sinks an event should have gone to is said by the version by which it was spread; where nobody wrote
// that down, by the one in effect when it happened, clocks being a minute apart at most. A sink that is named no more gets nothing.
const compareSQL = `
	WITH page AS (
	  SELECT id, customer_id, version, at, spread_by FROM outbox_event WHERE id > $1 AND spread ORDER BY id LIMIT $2
	), kept AS (
	  SELECT unnest(s.names) AS name FROM programme_version v JOIN programme_sinks s ON s.version = v.version WHERE v.state = 'active'
	), lost AS (
	  SELECT e.id, e.customer_id, e.version, n.name
	    FROM page e
	   CROSS JOIN LATERAL (
	           SELECT s.names FROM programme_version v JOIN programme_sinks s ON s.version = v.version
	            WHERE v.version = e.spread_by
	               OR e.spread_by IS NULL AND v.state IN ('active', 'superseded') AND v.approved_at <= e.at + interval '1 minute'
	            ORDER BY v.approved_at DESC LIMIT 1) d
	   CROSS JOIN unnest(d.names) AS n (name)
	   WHERE n.name IN (SELECT name FROM kept)
	     AND NOT EXISTS (SELECT FROM outbox_delivery o WHERE o.event_id = e.id AND o.sink = n.name)
	), made AS (
	  INSERT INTO outbox_delivery (event_id, sink, customer_id, version, state, next_at, created_at)
	  SELECT id, name, customer_id, version, 'pending', $3, $3 FROM lost ON CONFLICT (event_id, sink) DO NOTHING
	  RETURNING sink
	)
	SELECT coalesce((SELECT max(id) FROM page), ''), (SELECT count(*) FROM page),
	       (SELECT coalesce(jsonb_object_agg(sink, n), '{}') FROM (SELECT sink, count(*) AS n FROM made GROUP BY sink) x)`

// compared is what a stretch of events came to.
type compared struct {
	last   string // id of the last event looked at
	events int
	made   map[string]int // deliveries that were missing, by sink
}

// compare looks at up to limit events behind the one given, and makes the deliveries that are missing.
func (store) compare(ctx context.Context, tx *db.Tx, after string, limit int) (c compared, err error) {
	if err := tx.Pgx.QueryRow(ctx, compareSQL, after, limit, tx.Now).Scan(&c.last, &c.events, &c.made); err != nil {
		return c, fmt.Errorf("compare events with deliveries: %w", err)
	}
	return c, nil
}

// reportSQL says, by the database's own clock, what a worker lacks to serve each of its sinks, and forgets workers that are silent.
const reportSQL = `
	WITH gone AS (DELETE FROM sink_worker WHERE seen_at < now() - interval '1 hour')
	INSERT INTO sink_worker (sink, worker, want, seen_at) SELECT s, $1, w, now() FROM unnest($2::text[], $3::text[]) AS x (s, w)
	    ON CONFLICT (sink, worker) DO UPDATE SET want = excluded.want, seen_at = excluded.seen_at`

func (store) report(ctx context.Context, tx *db.Tx, worker string, wants map[string]Want) error {
	var sinks, lacks []string
	for sink, want := range wants {
		sinks, lacks = append(sinks, sink), append(lacks, string(want))
	}
	if _, err := tx.Pgx.Exec(ctx, reportSQL, worker, sinks, lacks); err != nil {
		return fmt.Errorf("report which sinks are served: %w", err)
	}
	return nil
}

// answersKept is how many of a sink's last tries are kept.
const answersKept = 20

// answersSQL puts tries before the ones known. A sink fails since its first failure with no success behind it.
const answersSQL = `
	INSERT INTO sink AS s (name, tried_at, delivered_at, failing_since, answers) VALUES ($1, $2, $3, $4, $5)
	    ON CONFLICT (name) DO UPDATE SET tried_at = excluded.tried_at, delivered_at = coalesce(excluded.delivered_at, s.delivered_at),
	       failing_since = CASE WHEN excluded.delivered_at IS NULL THEN coalesce(s.failing_since, excluded.failing_since) END,
	       answers = (SELECT jsonb_agg(x.a ORDER BY x.i) FROM jsonb_array_elements(excluded.answers || s.answers) WITH ORDINALITY AS x (a, i)
	                   WHERE x.i <= $6)`

// noteAnswers keeps the last of the tries among outcomes.
func (store) noteAnswers(ctx context.Context, tx *db.Tx, sink string, outcomes []outcome) error {
	var tries []Answer
	var delivered, failing *time.Time
	for _, o := range outcomes {
		if o.answer == nil {
			continue
		}
		tries = append(tries, *o.answer)
		if o.state == Delivered {
			delivered = &tx.Now
		}
	}
	if len(tries) == 0 {
		return nil
	}
	if delivered == nil {
		failing = &tx.Now
	}
	slices.SortStableFunc(tries, func(a, b Answer) int { return cmp.Compare(b.At.UnixNano(), a.At.UnixNano()) })
	raw, err := json.Marshal(tries[:min(len(tries), answersKept)])
	if err != nil {
		return fmt.Errorf("note answers of %s: %w", sink, err)
	}
	if _, err := tx.Pgx.Exec(ctx, answersSQL, sink, tx.Now, delivered, failing, string(raw), answersKept); err != nil {
		return fmt.Errorf("note answers of %s: %w", sink, err)
	}
	return nil
}

// disable switches a sink off and reports whether it was on.
func (store) disable(ctx context.Context, tx *db.Tx, sink, reason string) (bool, error) {
	const sql = `INSERT INTO sink (name, disabled_at, reason) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET disabled_at = excluded.disabled_at, reason = excluded.reason WHERE sink.disabled_at IS NULL`
	tag, err := tx.Pgx.Exec(ctx, sql, sink, tx.Now, reason)
	if err != nil {
		return false, fmt.Errorf("disable sink %s: %w", sink, err)
	}
	return tag.RowsAffected() == 1, nil
}

// enable switches a sink on again. ErrSinkOn when it was not off.
func (store) enable(ctx context.Context, tx *db.Tx, sink string) error {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE sink SET disabled_at = NULL, reason = '', failing_since = NULL WHERE name = $1 AND disabled_at IS NOT NULL`, sink)
	if err != nil {
		return fmt.Errorf("enable sink %s: %w", sink, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrSinkOn
	}
	return nil
}

// summarySQL counts what is open. Sinks that are named no more, but once were tried, come last.
const summarySQL = `
	WITH named AS (
	  SELECT n.name, n.place FROM programme_version v JOIN programme_sinks p ON p.version = v.version
	   CROSS JOIN unnest(p.names) WITH ORDINALITY AS n (name, place) WHERE v.state = 'active'
	), listed AS (
	  SELECT name, place, true AS named FROM named
	  UNION ALL
	  SELECT name, NULL, false FROM sink WHERE name NOT IN (SELECT name FROM named)
	)
	SELECT l.name, l.named, (SELECT count(*) FROM outbox_delivery d WHERE d.sink = l.name AND d.state = 'pending'),
	       (SELECT count(*) FROM outbox_delivery d WHERE d.sink = l.name AND d.state = 'parked'),
	       (SELECT min(d.created_at) FROM outbox_delivery d WHERE d.sink = l.name AND d.state = 'pending'),
	       s.disabled_at, coalesce(s.reason, ''), s.tried_at, s.delivered_at, s.failing_since, coalesce(s.answers, '[]'),
	       (SELECT coalesce(jsonb_agg(jsonb_build_object('worker', w.worker, 'want', w.want) ORDER BY w.want, w.worker), '[]')
	          FROM sink_worker w WHERE w.sink = l.name AND w.seen_at > now() - interval '1 minute')
	  FROM listed l LEFT JOIN sink s ON s.name = l.name ORDER BY l.place NULLS LAST, l.name`

func (store) summary(ctx context.Context, tx *db.Tx) ([]Summary, error) {
	rows, err := tx.Pgx.Query(ctx, summarySQL)
	if err != nil {
		return nil, fmt.Errorf("summarise sinks: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Summary])
	if err != nil {
		return nil, fmt.Errorf("summarise sinks: %w", err)
	}
	return list, nil
}

// missedSQL counts a sink's events of a span of time by how they stand there.
const missedSQL = `
	SELECT count(*) FILTER (WHERE d.event_id IS NULL), count(*) FILTER (WHERE d.state = 'parked'),
	       count(*) FILTER (WHERE d.state = 'pending'), count(*) FILTER (WHERE d.state = 'delivered'),
	       count(DISTINCT e.customer_id) FILTER (WHERE $4 OR d.state IS DISTINCT FROM 'delivered'),
	       min(e.at) FILTER (WHERE $4 OR d.state IS DISTINCT FROM 'delivered')
	  FROM outbox_event e LEFT JOIN outbox_delivery d ON d.event_id = e.id AND d.sink = $1
	 WHERE e.spread AND e.at >= $2 AND e.at <= $3`

func (store) missed(ctx context.Context, tx *db.Tx, m MissedSpan) (found Missed, err error) {
	err = tx.Pgx.QueryRow(ctx, missedSQL, m.Sink, m.Since, m.Until, m.Again).
		Scan(&found.Never, &found.Parked, &found.Waiting, &found.Delivered, &found.Customers, &found.Oldest)
	if err != nil {
		return found, fmt.Errorf("count what %s has missed: %w", m.Sink, err)
	}
	return found, nil
}

// resendSQL makes what was missed due at once, under its own ids. What a dispatcher has in hand is left to it.
const resendSQL = `
	INSERT INTO outbox_delivery AS d (event_id, sink, customer_id, version, state, next_at, created_at)
	SELECT e.id, $1, e.customer_id, e.version, 'pending', $5, $5 FROM outbox_event e WHERE e.spread AND e.at >= $2 AND e.at <= $3
	    ON CONFLICT (event_id, sink) DO UPDATE SET state = 'pending', attempts = 0, next_at = $5, done_at = NULL, leased_until = NULL
	 WHERE d.state = 'parked' OR $4 AND d.state = 'delivered' OR d.state = 'pending' AND (d.leased_until IS NULL OR d.leased_until < $5)`

func (store) resend(ctx context.Context, tx *db.Tx, m MissedSpan) (int, error) {
	tag, err := tx.Pgx.Exec(ctx, resendSQL, m.Sink, m.Since, m.Until, m.Again, tx.Now)
	if err != nil {
		return 0, fmt.Errorf("send to %s what it has missed: %w", m.Sink, err)
	}
	return int(tag.RowsAffected()), nil
}
