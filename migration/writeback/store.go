package writeback

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// store is the only place that knows the outbox's tables. All of it works in the caller's transaction.
type store struct{}

// The statements below are worded so that PostgreSQL takes the right index even while its statistics say that nothing is
// pending: a burst of events comes faster than they are renewed. What is due is found by state = 'pending', a customer's
// row of deliveries by done_at IS NULL, which is the same but the condition of another index, in a subquery with LIMIT;
// rows are updated by their primary key, with no condition that either index would serve.

// spreadSQL makes deliveries of events, one for each sink that the version in effect names: what is spread and where to is decided
// in one statement, from one snapshot. Without such a version, or before its sinks are written down, events wait. It takes all
// waiting events of the customers it picks: within one customer no version may overtake another. A new delivery waits for those
// before it, so that what is due are first ones.
const spreadSQL = `
	WITH decided AS (
	  SELECT v.version, s.names FROM programme_version v JOIN programme_sinks s ON s.version = v.version WHERE v.state = 'active'
	), picked AS (
	  SELECT DISTINCT customer_id FROM (SELECT customer_id FROM outbox_event WHERE NOT spread ORDER BY at LIMIT $1) x
	), event AS (
	  UPDATE outbox_event e SET spread = true, spread_by = d.version FROM picked p, decided d
	   WHERE e.customer_id = p.customer_id AND NOT e.spread
	  RETURNING e.id, e.customer_id, e.version, d.names
	), delivery AS (
	  INSERT INTO outbox_delivery (event_id, sink, customer_id, version, state, next_at, created_at)
	  SELECT e.id, s.name, e.customer_id, e.version, 'pending', greatest($2, (
	           SELECT d.next_at FROM outbox_delivery d
	            WHERE d.sink = s.name AND d.customer_id = e.customer_id AND d.done_at IS NULL ORDER BY d.version DESC LIMIT 1)), $2
	    FROM event e CROSS JOIN unnest(e.names) AS s (name)
	      ON CONFLICT (event_id, sink) DO NOTHING
	)
	SELECT count(*) FROM event`

// spread makes deliveries of up to limit waiting events and a few more, and returns of how many. One dispatcher does so
// at a time: the others find the lock taken and get 0.
func (store) spread(ctx context.Context, tx *db.Tx, limit int) (n int, err error) {
	mine, err := alone(ctx, tx, "offramp outbox spread")
	if err != nil || !mine {
		return 0, err
	}
	if err := tx.Pgx.QueryRow(ctx, spreadSQL, limit, tx.Now).Scan(&n); err != nil {
		return 0, fmt.Errorf("spread events: %w", err)
	}
	return n, nil
}

// alone takes a lock that one dispatcher at a time holds, until its transaction ends, and reports whether it did.
func alone(ctx context.Context, tx *db.Tx, name string) (mine bool, err error) {
	const sql = `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))`
	if err := tx.Pgx.QueryRow(ctx, sql, name).Scan(&mine); err != nil {
		return false, fmt.Errorf("lock %q: %w", name, err)
	}
	return mine, nil
}

// claimSQL leases the waiting deliveries of customers whose first one is due and not leased: that first one and those
// right behind it, which the same dispatcher then sends in order. A sink that is switched off gets nothing.
const claimSQL = `
	WITH first AS (
	  SELECT d.sink, d.customer_id FROM outbox_delivery d
	   WHERE d.sink = $1 AND d.state = 'pending' AND d.next_at <= $2 AND (d.leased_until IS NULL OR d.leased_until < $2)
	     AND d.event_id = (SELECT p.event_id FROM outbox_delivery p WHERE p.sink = d.sink AND p.customer_id = d.customer_id
	                          AND p.done_at IS NULL ORDER BY p.version, p.event_id LIMIT 1)
	     AND NOT EXISTS (SELECT FROM sink s WHERE s.name = $1 AND s.disabled_at IS NOT NULL)
	   ORDER BY d.next_at LIMIT $3
	     FOR UPDATE OF d SKIP LOCKED
	), run AS (
	  SELECT p.event_id, p.sink, e.type, e.subject, e.data, e.at
	    FROM first f
	   CROSS JOIN LATERAL (SELECT o.event_id, o.sink FROM outbox_delivery o WHERE o.sink = f.sink AND o.customer_id = f.customer_id
	                          AND o.done_at IS NULL ORDER BY o.version, o.event_id LIMIT 20) p
	   CROSS JOIN LATERAL (SELECT * FROM outbox_event o WHERE o.id = p.event_id LIMIT 1) e
	)
	UPDATE outbox_delivery d SET leased_until = $4 FROM run r WHERE d.event_id = r.event_id AND d.sink = r.sink
	RETURNING d.event_id, d.customer_id, d.version, d.attempts, r.type, r.subject, r.data, r.at`

// claim leases deliveries of up to limit customers until the given instant. The order is undefined.
func (store) claim(ctx context.Context, tx *db.Tx, sink string, limit int, until time.Time) ([]parcel, error) {
	rows, err := tx.Pgx.Query(ctx, claimSQL, sink, tx.Now, limit, until)
	if err != nil {
		return nil, fmt.Errorf("claim deliveries for %s: %w", sink, err)
	}
	parcels, err := pgx.CollectRows(rows, pgx.RowToStructByPos[parcel])
	if err != nil {
		return nil, fmt.Errorf("claim deliveries for %s: %w", sink, err)
	}
	return parcels, nil
}

const settleSQL = `
	UPDATE outbox_delivery d
	   SET state = r.state, attempts = d.attempts + r.tried, next_at = r.next_at, leased_until = NULL,
	       last_error = CASE WHEN r.tried = 0 AND r.fault = '' THEN d.last_error ELSE r.fault END,
	       done_at = CASE WHEN r.state <> 'pending' THEN $2::timestamptz END
	  FROM unnest($1::text[], $3::text[], $4::text[], $5::int[], $6::timestamptz[], $7::text[]) AS r (sink, event_id, state, tried, next_at, fault)
	 WHERE d.sink = r.sink AND d.event_id = r.event_id AND d.state NOT IN ('delivered', 'parked')`

// holdSQL makes later deliveries of a customer wait for the one that failed.
const holdSQL = `
	UPDATE outbox_delivery d SET next_at = l.next_at
	  FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS r (sink, customer_id, next_at)
	 CROSS JOIN LATERAL (SELECT o.event_id, o.sink, r.next_at FROM outbox_delivery o WHERE o.customer_id = r.customer_id AND o.sink = r.sink
	                        AND o.done_at IS NULL AND o.next_at < r.next_at ORDER BY o.version LIMIT 1000) l
	 WHERE d.event_id = l.event_id AND d.sink = l.sink`

// settle records outcomes and ends the leases.
func (st store) settle(ctx context.Context, tx *db.Tx, sink string, outcomes []outcome) error {
	var ids, states, faults, held []string
	same := slices.Repeat([]string{sink}, len(outcomes))
	var tried []int
	var nextAt, heldUntil []time.Time
	for _, o := range outcomes {
		ids, states, faults = append(ids, o.parcel.EventID), append(states, string(o.state)), append(faults, o.fault)
		tried, nextAt = append(tried, o.tried), append(nextAt, o.nextAt)
		if o.state == Pending && o.nextAt.After(tx.Now) {
			held, heldUntil = append(held, o.parcel.CustomerID), append(heldUntil, o.nextAt)
		}
	}
	if _, err := tx.Pgx.Exec(ctx, settleSQL, same, tx.Now, ids, states, tried, nextAt, faults); err != nil {
		return fmt.Errorf("settle deliveries for %s: %w", sink, err)
	}
	if len(held) > 0 {
		if _, err := tx.Pgx.Exec(ctx, holdSQL, same[:len(held)], held, heldUntil); err != nil {
			return fmt.Errorf("settle deliveries for %s: %w", sink, err)
		}
	}
	return st.noteAnswers(ctx, tx, sink, outcomes)
}

const listSQL = `
	SELECT d.event_id, d.sink, d.customer_id, d.version, e.type, e.subject, d.state, d.attempts, d.next_at, d.last_error, d.created_at, d.done_at
	  FROM outbox_delivery d JOIN outbox_event e ON e.id = d.event_id
	 WHERE ($1 = '' OR d.sink = $1) AND ($2 = '' OR d.state = $2) AND ($3 = '' OR d.customer_id = $3)
	 ORDER BY d.created_at DESC, d.version DESC, d.event_id, d.sink LIMIT $4 OFFSET $5`

func (store) list(ctx context.Context, tx *db.Tx, f Filter) ([]Delivery, error) {
	rows, err := tx.Pgx.Query(ctx, listSQL, f.Sink, string(f.State), f.CustomerID, f.Limit, f.Offset)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Delivery])
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return list, nil
}

// replay makes parked deliveries pending again with all their tries: one, or with an empty eventID all of the sink.
func (store) replay(ctx context.Context, tx *db.Tx, sink, eventID string) (int, error) {
	const sql = `UPDATE outbox_delivery SET state = 'pending', attempts = 0, next_at = $3, done_at = NULL, leased_until = NULL
		WHERE sink = $1 AND ($2 = '' OR event_id = $2) AND state = 'parked'`
	tag, err := tx.Pgx.Exec(ctx, sql, sink, eventID, tx.Now)
	if err != nil {
		return 0, fmt.Errorf("replay deliveries for %s: %w", sink, err)
	}
	return int(tag.RowsAffected()), nil
}
