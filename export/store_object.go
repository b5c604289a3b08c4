package export

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// object is something in the bucket that an attempt began to write.
type object struct {
	Key        string
	ExportID   string
	CustomerID string
	Attempt    int
}

// registerObject records a volume's key before the first byte leaves, so that nothing is orphaned unseen.
func (s store) registerObject(ctx context.Context, tx *db.Tx, o object, volume int) error {
	const sql = `INSERT INTO export_object (key, export_id, customer_id, attempt, volume, state, created_at) VALUES ($1, $2, $3, $4, $5, 'writing', $6)`
	_, err := tx.Pgx.Exec(ctx, sql, o.Key, o.ExportID, o.CustomerID, o.Attempt, volume, tx.Now)
	return err
}

// doomed lists objects that nothing needs: of attempts and of tries of a volume that are over or were overtaken, and of
// exports whose links have all run out at links, or which their owner had deleted. With an export's id, only that
// one's.
func (s store) doomed(ctx context.Context, tx *db.Tx, exportID string, links time.Time, limit int) ([]object, error) {
	const sql = `SELECT o.key, o.export_id, o.customer_id, o.attempt FROM export_object o JOIN export e ON e.id = o.export_id
		WHERE o.state <> 'deleted' AND ($1 = '' OR o.export_id = $1)
		  AND NOT ((e.state IN ('running', 'ready') OR e.state = 'expired' AND e.expires_at > $2 AND e.deleted_at IS NULL)
		           AND EXISTS (SELECT FROM export_volume v WHERE v.export_id = e.id AND v.attempt = e.attempt AND v.number = o.volume
		                                  AND v.object_key = o.key AND (v.state = 'sealed' OR e.state = 'running')))
		  AND (e.deleted_at IS NOT NULL OR
		       NOT EXISTS (SELECT FROM export_delivery d WHERE d.export_id = e.id AND d.finished_at IS NULL)) -- it was asked for in time
		ORDER BY o.created_at LIMIT $3`
	rows, err := tx.Pgx.Query(ctx, sql, exportID, links, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[object])
}

// markLost notes since when an archive of a ready export is missing, or that it is there again. It reports whether that
// is news.
func (s store) markLost(ctx context.Context, tx *db.Tx, id string, lost bool) (bool, error) {
	const sql = `UPDATE export SET lost_at = CASE WHEN $2 THEN $3::timestamptz END WHERE id = $1 AND state = 'ready' AND (lost_at IS NULL) = $2`
	tag, err := tx.Pgx.Exec(ctx, sql, id, lost, tx.Now)
	return err == nil && tag.RowsAffected() == 1, err
}

// markDeleted records that an object is gone.
func (s store) markDeleted(ctx context.Context, tx *db.Tx, key string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE export_object SET state = 'deleted', deleted_at = $2 WHERE key = $1 AND state <> 'deleted'`, key, tx.Now)
	return err
}

// keeps reports whether a key in the bucket is known and not given up.
func (s store) keeps(ctx context.Context, tx *db.Tx, key string) (bool, error) {
	var known bool
	err := tx.Pgx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM export_object WHERE key = $1 AND state <> 'deleted')`, key).Scan(&known)
	return known, err
}

// due lists exports whose time has come to expire.
func (s store) due(ctx context.Context, tx *db.Tx, now time.Time, limit int) ([]string, error) {
	return ids(tx.Pgx.Query(ctx, `SELECT id FROM export WHERE state = 'ready' AND expires_at <= $1 ORDER BY expires_at LIMIT $2`, now, limit))
}

// ending lists ready exports that expire within span, whose contact was not yet told so and has not confirmed the copy.
// Where an export is kept no longer than span, the mail that it is ready has said it.
func (s store) ending(ctx context.Context, tx *db.Tx, now time.Time, span time.Duration, limit int) ([]string, error) {
	const sql = `SELECT id FROM export WHERE state = 'ready' AND reminded_at IS NULL AND checked_at IS NULL
		AND expires_at > $1 AND expires_at <= $2 AND expires_at - ready_at > make_interval(secs => $3) ORDER BY expires_at LIMIT $4`
	return ids(tx.Pgx.Query(ctx, sql, now, now.Add(span), span.Seconds(), limit))
}

// markReminded records that the contact was told. It reports whether this call was the first.
func (s store) markReminded(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE export SET reminded_at = $2 WHERE id = $1 AND state = 'ready' AND reminded_at IS NULL`, id, tx.Now)
	return err == nil && tag.RowsAffected() == 1, err
}

// stranded lists live exports that no job will build: for want of a row in the queue.
func (s store) stranded(ctx context.Context, tx *db.Tx, kind string, before time.Time, limit int) ([]string, error) {
	const sql = `SELECT e.id FROM export e WHERE e.state IN ('queued', 'running') AND e.requested_at < $2 AND NOT EXISTS (
			SELECT FROM river_job j WHERE j.kind = $1 AND j.args->>'export_id' = e.id
			   AND j.state IN ('available', 'pending', 'retryable', 'running', 'scheduled'))
		ORDER BY e.requested_at LIMIT $3`
	return ids(tx.Pgx.Query(ctx, sql, kind, before, limit))
}

func ids(rows pgx.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// class is how one queue of exports stands. Ages are in seconds; 0 where there is none.
type class struct {
	queue       string
	depth       int64
	waits, runs float64
}

// classes tells how the queues stand, by the queue's own clock.
func (s store) classes(ctx context.Context, tx *db.Tx) ([]class, error) {
	const sql = `SELECT c.queue, (SELECT count(*) FROM river_job j WHERE j.queue = c.queue AND j.state = 'available'),
			coalesce(max(extract(epoch FROM now() - j.created_at)) FILTER (WHERE e.state = 'queued'), 0)::float8,
			coalesce(max(extract(epoch FROM now() - j.created_at)) FILTER (WHERE e.state = 'running'), 0)::float8
		FROM unnest($1::text[]) c(queue) LEFT JOIN (river_job j JOIN export e ON e.job_id = j.id AND e.state IN ('queued', 'running')) ON j.queue = c.queue
		GROUP BY c.queue`
	rows, err := tx.Pgx.Query(ctx, sql, QueueNames)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c class, err error) {
		return c, row.Scan(&c.queue, &c.depth, &c.waits, &c.runs)
	})
}
