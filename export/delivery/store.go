package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/export"
	"offramp/internal/db"
)

// store is the only place that knows the deliveries' tables.
type store struct {
	db *db.DB
}

const columns = `d.id, d.export_id, d.customer_id, d.requested_by, d.state, d.attempt, d.failures, d.endpoint, d.region, d.bucket, d.prefix,
	d.access_key, d.role, coalesce(d.secret, ''), d.checked_at, d.field, d.problem, d.cause, d.bytes_done, d.bytes_total,
	d.requested_at, d.started_at, d.finished_at,
	(SELECT coalesce(array_agg(v.name ORDER BY v.number), '{}') FROM export_delivery_volume v WHERE v.delivery_id = d.id)`

func scan(row pgx.Row) (Delivery, error) {
	var d Delivery
	err := row.Scan(&d.ID, &d.ExportID, &d.CustomerID, &d.RequestedBy, &d.State, &d.Attempt, &d.Failures,
		&d.Target.Endpoint, &d.Target.Region, &d.Target.Bucket, &d.Target.Prefix, &d.Target.AccessKey, &d.Target.Role, &d.sealed,
		&d.CheckedAt, &d.Field, &d.Problem, &d.Cause, &d.BytesDone, &d.BytesTotal, &d.RequestedAt, &d.StartedAt, &d.FinishedAt, &d.Names)
	if errors.Is(err, pgx.ErrNoRows) {
		return Delivery{}, ErrNotFound
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("read delivery: %w", err)
	}
	return d, nil
}

// latest reads the last delivery of an export that was asked for. ErrNotFound when none was.
func (s store) latest(ctx context.Context, scope db.Scope, exportID string) (d Delivery, err error) {
	const sql = `SELECT ` + columns + ` FROM export_delivery d WHERE d.export_id = $1
		ORDER BY (d.finished_at IS NULL) DESC, d.requested_at DESC, d.finished_at DESC LIMIT 1 -- the live one, else the latest`
	err = s.db.Read(ctx, scope,
		func(b *pgx.Batch) { b.Queue(sql, exportID) },
		func(r pgx.BatchResults) error {
			d, err = scan(r.QueryRow())
			return err
		})
	return d, err
}

// countSince counts the deliveries that a customer asked for since an instant. The customer's row lets one request at a
// time count.
func (store) countSince(ctx context.Context, tx *db.Tx, customerID string, since time.Time) (n int, err error) {
	if _, err := tx.Pgx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('delivery ' || $1, 0))`, customerID); err != nil {
		return 0, fmt.Errorf("lock deliveries: %w", err)
	}
	err = tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM export_delivery WHERE customer_id = $1 AND requested_at > $2`, customerID, since).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count deliveries: %w", err)
	}
	return n, nil
}

// lock reads one delivery for a change.
func (store) lock(ctx context.Context, tx *db.Tx, id string) (Delivery, error) {
	return scan(tx.Pgx.QueryRow(ctx, `SELECT `+columns+` FROM export_delivery d WHERE d.id = $1 FOR UPDATE OF d`, id))
}

// live reads the delivery of an export that has not ended, for a change. ErrNotFound when there is none.
func (store) live(ctx context.Context, tx *db.Tx, exportID string) (Delivery, error) {
	const sql = `SELECT ` + columns + ` FROM export_delivery d WHERE d.export_id = $1 AND d.finished_at IS NULL FOR UPDATE OF d`
	return scan(tx.Pgx.QueryRow(ctx, sql, exportID))
}

// insert stores a new delivery. ErrOtherLive when the export has a live one.
func (store) insert(ctx context.Context, tx *db.Tx, d Delivery) error {
	const sql = `INSERT INTO export_delivery (id, export_id, customer_id, requested_by, state, endpoint, region, bucket, prefix, access_key, role,
		secret, bytes_total, requested_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	t := d.Target
	_, err := tx.Pgx.Exec(ctx, sql, d.ID, d.ExportID, d.CustomerID, d.RequestedBy, string(d.State), t.Endpoint, t.Region, t.Bucket, t.Prefix,
		t.AccessKey, t.Role, d.sealed, d.BytesTotal, d.RequestedAt)
	if db.IsUnique(err, "export_delivery_one_live") {
		return ErrOtherLive.Wrap(err)
	}
	return err
}

// save writes a transition, if the row is still where was says; else ErrMoved.
func (store) save(ctx context.Context, tx *db.Tx, was, next Delivery) error {
	const sql = `UPDATE export_delivery SET state = $4, attempt = $5, failures = $6, secret = nullif($7, ''), checked_at = $8, field = $9,
			problem = $10, cause = $11, started_at = $12, finished_at = $13
		WHERE id = $1 AND state = $2 AND attempt = $3`
	tag, err := tx.Pgx.Exec(ctx, sql, was.ID, string(was.State), was.Attempt, string(next.State), next.Attempt, next.Failures, next.sealed,
		next.CheckedAt, next.Field, next.Problem, next.Cause, next.StartedAt, next.FinishedAt)
	if err != nil {
		return fmt.Errorf("save delivery %s: %w", next.ID, err)
	}
	if tag.RowsAffected() == 0 {
		return export.ErrMoved
	}
	return nil
}

// advance writes how much is copied. errFenced when the attempt was overtaken or the delivery has ended.
func (s store) advance(ctx context.Context, d Delivery, bytes int64) error {
	return s.db.InTx(ctx, db.CustomerScope(d.CustomerID), func(tx *db.Tx) error {
		const sql = `UPDATE export_delivery SET bytes_done = $3 WHERE id = $1 AND attempt = $2 AND finished_at IS NULL`
		tag, err := tx.Pgx.Exec(ctx, sql, d.ID, d.Attempt, bytes)
		if err == nil && tag.RowsAffected() == 0 {
			err = errFenced
		}
		return err
	})
}

// proven lists the numbers of the volumes that lie in the customer's bucket.
func (store) proven(ctx context.Context, tx *db.Tx, id string) ([]int, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT number FROM export_delivery_volume WHERE delivery_id = $1`, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// prove records a volume that lies there. errFenced when the attempt was overtaken or the delivery has ended.
func (s store) prove(ctx context.Context, d Delivery, v export.Volume, name string) error {
	return s.db.InTx(ctx, db.CustomerScope(d.CustomerID), func(tx *db.Tx) error {
		now, err := s.lock(ctx, tx, d.ID)
		if err != nil {
			return err
		}
		if now.Attempt != d.Attempt || !now.Live() {
			return errFenced
		}
		const sql = `INSERT INTO export_delivery_volume (delivery_id, customer_id, number, name, size, sha256, proven_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
		_, err = tx.Pgx.Exec(ctx, sql, d.ID, d.CustomerID, v.Number, name, v.Size, v.SHA256, tx.Now)
		return err
	})
}
