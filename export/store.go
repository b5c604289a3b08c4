package export

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// store is the only place that knows the exports' tables.
type store struct {
	db *db.DB
}

const columns = `e.id, e.number, e.customer_id, e.requested_by, e.selection, e.locale, e.state, e.stage, e.attempt, e.failures,
	e.delayed, e.delayed_dataset, e.cause, e.deaths, e.job_id, e.rows_done, e.rows_total, e.bytes_done, e.bytes_total, e.object_size,
	e.as_of, e.receipt, e.requested_at, e.started_at, e.finished_at, e.ready_at, e.expires_at, e.checked_at, e.lost_at, e.deleted_at`

// beside are the columns that come from beside the export, and seen are they with the volumes, which may be thousands.
const (
	beside = `, (SELECT max(d.at) FROM export_download d WHERE d.export_id = e.id),
	(SELECT j.progress FROM journey j WHERE j.customer_id = e.customer_id AND j.progress->>'export_id' = e.id)`
	seen = beside + `, (SELECT jsonb_agg(jsonb_build_object('number', v.number, 'state', v.state, 'size', v.size, 'sha256', v.sha256, 'rows', v.rows,
		'files', v.files, 'tries', v.tries, 'key', v.object_key, 'pieces', v.pieces, 'progress', v.progress) ORDER BY v.number)
	  FROM export_volume v WHERE v.export_id = e.id AND v.attempt = e.attempt)`
	unseen = beside + `, NULL::jsonb`
)

func scan(row pgx.Row) (Export, error) {
	var e Export
	var selection, receipt, progress, volumes []byte
	err := row.Scan(&e.ID, &e.Number, &e.CustomerID, &e.RequestedBy, &selection, &e.Locale, &e.State, &e.Stage, &e.Attempt, &e.Failures,
		&e.Delayed, &e.DelayedBy, &e.Cause, &e.Deaths, &e.JobID, &e.RowsDone, &e.RowsTotal, &e.BytesDone, &e.BytesTotal, &e.ObjectSize,
		&e.AsOf, &receipt, &e.RequestedAt, &e.StartedAt, &e.FinishedAt, &e.ReadyAt, &e.ExpiresAt, &e.CheckedAt, &e.LostAt, &e.DeletedAt,
		&e.DownloadedAt, &progress, &volumes)
	if errors.Is(err, pgx.ErrNoRows) {
		return Export{}, ErrNotFound
	}
	if err != nil {
		return Export{}, fmt.Errorf("read export: %w", err)
	}
	if err := json.Unmarshal(selection, &e.Selection); err != nil {
		return Export{}, fmt.Errorf("read selection of %s: %w", e.ID, err)
	}
	if len(receipt) > 0 {
		if err := json.Unmarshal(receipt, &e.Receipt); err != nil {
			return Export{}, fmt.Errorf("read receipt of %s: %w", e.ID, err)
		}
	}
	if len(progress) > 0 && e.Live() {
		if err := json.Unmarshal(progress, &e.Progress); err != nil {
			return Export{}, fmt.Errorf("read progress of %s: %w", e.ID, err)
		}
	}
	if len(volumes) > 0 {
		if err := e.fill(volumes); err != nil {
			return Export{}, fmt.Errorf("read volumes of %s: %w", e.ID, err)
		}
	}
	return e, nil
}

// waitSQL tells of a queued export whether its queue is paused, whether it waits longer than it should, and how many go
// first.
const waitSQL = `SELECT q.paused_at IS NOT NULL, j.state = 'available' AND j.scheduled_at < now() - interval '2 minutes',
		(SELECT count(*) FROM (SELECT FROM river_job o WHERE o.state = 'available' AND o.queue = j.queue
		    AND (o.priority, o.scheduled_at, o.id) < (j.priority, j.scheduled_at, j.id) LIMIT $2) x)
	FROM export e JOIN river_job j ON j.id = e.job_id LEFT JOIN river_queue q ON q.name = j.queue
	WHERE e.id = $1 AND e.state = 'queued' AND j.state IN ('available', 'scheduled', 'retryable')`

// get reads one export in one round trip with its scope.
func (s store) get(ctx context.Context, scope db.Scope, id string) (e Export, err error) {
	err = s.db.Read(ctx, scope,
		func(b *pgx.Batch) {
			b.Queue(`SELECT `+columns+seen+` FROM export e WHERE e.id = $1`, id)
			b.Queue(waitSQL, id, MaxAhead)
		},
		func(r pgx.BatchResults) error {
			if e, err = scan(r.QueryRow()); err != nil {
				return err
			}
			return e.wait(r.QueryRow())
		})
	return e, err
}

// wait fills in why a queued export is not begun yet. What an attempt met says more.
func (e *Export) wait(row pgx.Row) error {
	var paused, long bool
	err := row.Scan(&paused, &long, &e.Ahead)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read the queue: %w", err)
	case paused:
		e.Delayed = "export.delayed_paused"
	case long && e.Delayed == "":
		e.Delayed = "export.delayed_queue"
	}
	return nil
}

// list reads a customer's exports with numbers below before, newest first.
func (s store) list(ctx context.Context, scope db.Scope, customerID string, before int64, limit int) (list []Export, err error) {
	const sql = `SELECT ` + columns + seen + ` FROM export e WHERE e.customer_id = $1 AND ($2 = 0 OR e.number < $2) ORDER BY e.number DESC LIMIT $3`
	err = s.db.Read(ctx, scope,
		func(b *pgx.Batch) { b.Queue(sql, customerID, before, limit) },
		func(r pgx.BatchResults) error {
			rows, err := r.Query()
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Export, error) { return scan(row) })
			return err
		})
	return list, err
}

const lockSQL = `SELECT ` + columns + unseen + ` FROM export e WHERE e.id = $1 FOR UPDATE OF e`

// lock reads one export, without its volumes, for a change.
func (s store) lock(ctx context.Context, tx *db.Tx, id string) (Export, error) {
	return scan(tx.Pgx.QueryRow(ctx, lockSQL, id))
}

// line up the requests of one customer: one after the other decides whether there is a live export and how many there
// were.
func (s store) serialise(ctx context.Context, tx *db.Tx, customerID string) error {
	_, err := tx.Pgx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('offramp export request ' || $1, 0))`, customerID)
	return err
}

// live returns the customer's export that is queued or running; ErrNotFound when there is none.
func (s store) live(ctx context.Context, tx *db.Tx, customerID string) (Export, error) {
	return scan(tx.Pgx.QueryRow(ctx, `SELECT `+columns+seen+` FROM export e WHERE e.customer_id = $1 AND e.state IN ('queued', 'running')`, customerID))
}

// recent counts the requests since an instant and tells the oldest of them.
func (s store) recent(ctx context.Context, tx *db.Tx, customerID string, since time.Time) (n int, oldest *time.Time, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT count(*), min(requested_at) FROM export WHERE customer_id = $1 AND requested_at > $2`, customerID, since).Scan(&n, &oldest)
	return n, oldest, err
}

// setJob notes which job builds the export.
func (s store) setJob(ctx context.Context, tx *db.Tx, id string, jobID int64) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE export SET job_id = $2 WHERE id = $1`, id, jobID)
	return err
}

// insert stores a new export and returns its number. ErrOtherLive when the customer has a live one.
func (s store) insert(ctx context.Context, tx *db.Tx, e Export) (number int64, err error) {
	selection, err := json.Marshal(e.Selection)
	if err != nil {
		return 0, err
	}
	const sql = `INSERT INTO export (id, customer_id, requested_by, selection, locale, state, requested_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING number`
	err = tx.Pgx.QueryRow(ctx, sql, e.ID, e.CustomerID, e.RequestedBy, string(selection), e.Locale, string(e.State), e.RequestedAt).Scan(&number)
	if db.IsUnique(err, "export_one_live") {
		return 0, ErrOtherLive.Wrap(err)
	}
	return number, err
}

// save writes a transition, if the row is still where was says; else ErrMoved.
func (s store) save(ctx context.Context, tx *db.Tx, was, next Export) error {
	b := &pgx.Batch{}
	if err := queueSave(b, was, next, nil); err != nil {
		return err
	}
	results := tx.Pgx.SendBatch(ctx, b)
	return cmp.Or(saved(results, next), results.Close())
}

const saveSQL = `UPDATE export SET state = $4, stage = $5, attempt = $6, failures = $7, delayed = $8, cause = $9,
		rows_done = $10, rows_total = $11, bytes_done = $12, bytes_total = $13, object_size = $14, deaths = $15, job_id = $16,
		as_of = $17, receipt = $18, started_at = $19, finished_at = $20, ready_at = $21, expires_at = $22, checked_at = $23, deleted_at = $24, plan = coalesce($25, plan), delayed_dataset = $26
	WHERE id = $1 AND state = $2 AND attempt = $3`

// queueSave adds save's statement to a batch; saved reads its result. A nil plan stays as it is.
func queueSave(b *pgx.Batch, was, next Export, plan *string) error {
	var receipt *string
	if next.Receipt != nil {
		text, err := json.Marshal(next.Receipt)
		if err != nil {
			return fmt.Errorf("save %s: %w", next.Reference(), err)
		}
		receipt = new(string(text))
	}
	b.Queue(saveSQL, was.ID, string(was.State), was.Attempt,
		string(next.State), string(next.Stage), next.Attempt, next.Failures, next.Delayed, next.Cause,
		next.RowsDone, next.RowsTotal, next.BytesDone, next.BytesTotal, next.ObjectSize, next.Deaths, next.JobID,
		next.AsOf, receipt, next.StartedAt, next.FinishedAt, next.ReadyAt, next.ExpiresAt, next.CheckedAt, next.DeletedAt, plan, next.DelayedBy)
	return nil
}

func saved(results pgx.BatchResults, next Export) error {
	tag, err := results.Exec()
	if db.IsUnique(err, "export_one_live") {
		return ErrOtherLive.Wrap(err)
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", next.Reference(), err)
	}
	if tag.RowsAffected() == 0 {
		return ErrMoved
	}
	return nil
}

// recordDownload keeps evidence that a link to a volume was handed out.
func (s store) recordDownload(ctx context.Context, tx *db.Tx, e Export, number int, contactID string) error {
	const sql = `INSERT INTO export_download (export_id, customer_id, contact_id, volume, at) VALUES ($1, $2, $3, $4, $5)`
	_, err := tx.Pgx.Exec(ctx, sql, e.ID, e.CustomerID, contactID, number, tx.Now)
	return err
}

// locale is the language in which a contact reads.
func (s store) locale(ctx context.Context, tx *db.Tx, customerID, contactID string) (tag string, err error) {
	const sql = `SELECT coalesce((SELECT nullif(k.locale, '') FROM contact k WHERE k.customer_id = c.id AND k.id = $2), c.locale)
		FROM customer c WHERE c.id = $1`
	err = tx.Pgx.QueryRow(ctx, sql, customerID, contactID).Scan(&tag)
	return tag, err
}

// Find reads one export with its volumes, for what hands it over. ErrNotFound.
func Find(ctx context.Context, d *db.DB, scope db.Scope, id string) (Export, error) {
	return store{db: d}.get(ctx, scope, id)
}

// Lock reads one export, without its volumes, and keeps its row until the transaction ends. ErrNotFound.
func Lock(ctx context.Context, tx *db.Tx, id string) (Export, error) {
	return store{}.lock(ctx, tx, id)
}

// CustomerRef is the customer's number in the retired product.
func CustomerRef(ctx context.Context, tx *db.Tx, customerID string) (string, error) {
	return store{}.customerRef(ctx, tx, customerID)
}

// customerRef is the customer's number in the retired product.
func (s store) customerRef(ctx context.Context, tx *db.Tx, customerID string) (ref string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT ref FROM customer WHERE id = $1`, customerID).Scan(&ref)
	return ref, err
}
