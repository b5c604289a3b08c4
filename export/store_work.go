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

// account reads how archives name the customer.
func (s store) account(ctx context.Context, tx *db.Tx, customerID string) (a account, err error) {
	err = tx.Pgx.QueryRow(ctx, accountSQL, customerID).Scan(&a.ref, &a.name, &a.zone)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, ErrNotFound
	}
	return a, err
}

// lockWithAccount is lock and account in one round trip.
func (s store) lockWithAccount(ctx context.Context, tx *db.Tx, id, customerID string) (e Export, a account, err error) {
	b := &pgx.Batch{}
	b.Queue(lockSQL, id)
	b.Queue(accountSQL, customerID)
	results := tx.Pgx.SendBatch(ctx, b)
	defer func() { err = cmp.Or(err, results.Close()) }()
	if e, err = scan(results.QueryRow()); err != nil {
		return e, a, err
	}
	err = results.QueryRow().Scan(&a.ref, &a.name, &a.zone)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return e, a, err
}

const accountSQL = `SELECT ref, name, zone FROM customer WHERE id = $1`

// shared reads what the volumes of the export's attempt have in common; nothing when it is not planned.
func (s store) shared(ctx context.Context, tx *db.Tx, e Export) (v shared, err error) {
	var text []byte
	if err := tx.Pgx.QueryRow(ctx, `SELECT plan FROM export WHERE id = $1`, e.ID).Scan(&text); err != nil || len(text) == 0 {
		return v, err
	}
	return v, json.Unmarshal(text, &v)
}

// saveShared keeps it.
func (s store) saveShared(ctx context.Context, tx *db.Tx, a *attempt) error {
	text, err := json.Marshal(a.shared)
	if err != nil {
		return err
	}
	const sql = `UPDATE export SET plan = $2, rows_total = $3, bytes_total = $4 WHERE id = $1`
	_, err = tx.Pgx.Exec(ctx, sql, a.ID, string(text), a.shared.Rows, a.shared.Bytes)
	return err
}

// begin stores the transition to an attempt, and its first volume in place of what an earlier attempt left, and
// registers its object. ErrMoved.
func (s store) begin(ctx context.Context, tx *db.Tx, was Export, a *attempt, w *work) error {
	b := &pgx.Batch{}
	if err := queueSave(b, was, a.Export, nil); err != nil {
		return err
	}
	if a.Attempt > 1 {
		const sql = `WITH h AS (DELETE FROM export_hold WHERE export_id = $1), p AS (UPDATE export SET plan = NULL WHERE id = $1)
			DELETE FROM export_volume WHERE export_id = $1`
		b.Queue(sql, a.ID)
	}
	const sql = `WITH v AS (INSERT INTO export_volume (export_id, number, customer_id, attempt, state, tries, builder, object_key, started_at)
			VALUES ($1, 1, $2, $3, 'building', 1, $4, $5, $6))
		INSERT INTO export_object (key, export_id, customer_id, attempt, volume, state, created_at) VALUES ($5, $1, $2, $3, 1, 'writing', $6)`
	b.Queue(sql, a.ID, a.CustomerID, a.Attempt, a.job, w.key, tx.Now)
	results := tx.Pgx.SendBatch(ctx, b)
	return cmp.Or(saved(results, a.Export), results.Close())
}

// publish stores the plan: the first volume, which the planner builds itself, and those that wait.
func (s store) publish(ctx context.Context, tx *db.Tx, a *attempt, volumes []plannedVolume) error {
	was, err := s.lock(ctx, tx, a.ID)
	if err != nil {
		return err
	}
	if was.Attempt != a.Attempt || was.State != Running {
		return errFenced
	}
	type row struct {
		Number int     `json:"number"`
		Lane   bool    `json:"lane"`
		Pieces []piece `json:"pieces"`
	}
	rows := make([]row, len(volumes))
	for i, v := range volumes {
		rows[i] = row{i + 1, v.Lane, v.Pieces}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	const sql = `INSERT INTO export_volume (export_id, number, customer_id, attempt, state, lane, pieces)
		SELECT $1, v.number, $2, $3, 'waiting', v.lane, v.pieces FROM jsonb_to_recordset($4) v(number integer, lane boolean, pieces jsonb)
		ON CONFLICT (export_id, number) DO UPDATE SET lane = excluded.lane, pieces = excluded.pieces`
	if _, err := tx.Pgx.Exec(ctx, sql, a.ID, a.CustomerID, a.Attempt, string(text)); err != nil {
		return fmt.Errorf("store volumes: %w", err)
	}
	return s.saveShared(ctx, tx, a)
}

// lease notes under which names others can join the view's snapshots.
func (s store) lease(ctx context.Context, tx *db.Tx, a *attempt, v *view) error {
	const sql = `INSERT INTO export_hold (export_id, customer_id, attempt, source, holder, snapshot_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (export_id, source, holder) DO UPDATE SET attempt = excluded.attempt, snapshot_id = excluded.snapshot_id, created_at = excluded.created_at`
	for key, snap := range v.snapshots {
		id := snap.Info().ID
		if id == "" {
			continue
		}
		if _, err := tx.Pgx.Exec(ctx, sql, a.ID, a.CustomerID, a.Attempt, key, a.job, id, tx.Now); err != nil {
			return fmt.Errorf("publish snapshot: %w", err)
		}
	}
	return nil
}

// leases lists the snapshots that were published for the export's attempt, newest first.
func (s store) leases(ctx context.Context, tx *db.Tx, e Export) ([]snapshotLease, error) {
	const sql = `SELECT source, snapshot_id FROM export_hold WHERE export_id = $1 AND attempt = $2 ORDER BY created_at DESC, holder DESC`
	rows, err := tx.Pgx.Query(ctx, sql, e.ID, e.Attempt)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h snapshotLease, err error) {
		return h, row.Scan(&h.source, &h.snapshot)
	})
}

// dropLeases withdraws what a job published.
func (s store) dropLeases(ctx context.Context, tx *db.Tx, id string, job int64) error {
	_, err := tx.Pgx.Exec(ctx, `DELETE FROM export_hold WHERE export_id = $1 AND holder = $2`, id, job)
	return err
}

// release lets others claim what a job was building when it died or met trouble.
func (s store) release(ctx context.Context, tx *db.Tx, e Export, job int64) error {
	const sql = `UPDATE export_volume SET state = 'waiting', builder = 0, object_key = '', progress = '[]', rows_done = 0, bytes_done = 0
		WHERE export_id = $1 AND attempt = $2 AND builder = $3 AND state = 'building'`
	_, err := tx.Pgx.Exec(ctx, sql, e.ID, e.Attempt, job)
	return err
}

// releaseTry lets others claim the volume of one try. It reports whether it was still that try's.
func (s store) releaseTry(ctx context.Context, tx *db.Tx, a *attempt, w *work) (bool, error) {
	const sql = `UPDATE export_volume SET state = 'waiting', builder = 0, object_key = '', progress = '[]', rows_done = 0, bytes_done = 0
		WHERE export_id = $1 AND attempt = $2 AND number = $3 AND tries = $4 AND state = 'building'`
	tag, err := tx.Pgx.Exec(ctx, sql, a.ID, a.Attempt, w.number, w.tries)
	return err == nil && tag.RowsAffected() == 1, err
}

// A volume is free when it waits, or when the job that builds it does not run: its worker died, and the job was given
// back.
const claimSQL = `
	UPDATE export_volume v SET state = 'building', tries = v.tries + 1, builder = $3, object_key = $4, progress = '[]', rows_done = 0, bytes_done = 0, started_at = $5
	 WHERE v.export_id = $1 AND v.attempt = $2 AND v.number = (
	       SELECT f.number FROM export_volume f
	        WHERE f.export_id = $1 AND f.attempt = $2 AND ($6 OR NOT f.lane) AND (f.state = 'waiting' OR f.state = 'building' AND f.builder > 0 AND f.builder <> $3
	              AND NOT EXISTS (SELECT FROM river_job j WHERE j.id = f.builder AND j.state = 'running'))
	        ORDER BY f.number LIMIT 1 FOR UPDATE SKIP LOCKED)
	RETURNING v.number, v.tries, v.pieces`

// claimVolume takes a free volume, which nobody else then has, and registers its object. Nil when there is none,
// errFenced when the attempt is over.
func (s store) claimVolume(ctx context.Context, tx *db.Tx, a *attempt, key string) (*work, error) {
	if err := s.alive(ctx, tx, a); err != nil {
		return nil, err
	}
	w := &work{key: key}
	var pieces []byte
	err := tx.Pgx.QueryRow(ctx, claimSQL, a.ID, a.Attempt, a.job, key, tx.Now, a.leads).Scan(&w.number, &w.tries, &pieces)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claim a volume: %w", err)
	}
	if err := json.Unmarshal(pieces, &w.pieces); err != nil {
		return nil, fmt.Errorf("claim volume %d: %w", w.number, err)
	}
	return w, s.registerObject(ctx, tx, object{Key: key, ExportID: a.ID, CustomerID: a.CustomerID, Attempt: a.Attempt}, w.number)
}

// unsealed counts the volumes that are in other hands and that this job could come to build.
func (s store) unsealed(ctx context.Context, tx *db.Tx, a *attempt) (n int, err error) {
	const sql = `SELECT count(*) FROM export_volume WHERE export_id = $1 AND attempt = $2 AND state <> 'sealed' AND (NOT lane OR $3)`
	err = tx.Pgx.QueryRow(ctx, sql, a.ID, a.Attempt, a.leads).Scan(&n)
	return n, err
}

// unsealedLanes counts the volumes that only the job that planned them can build.
func (s store) unsealedLanes(ctx context.Context, tx *db.Tx, e Export) (n int, err error) {
	const sql = `SELECT count(*) FROM export_volume WHERE export_id = $1 AND attempt = $2 AND lane AND state <> 'sealed'`
	err = tx.Pgx.QueryRow(ctx, sql, e.ID, e.Attempt).Scan(&n)
	return n, err
}

// alive locks the attempt's export for the rest of tx, or fails with errFenced when the attempt is over. Whoever writes
// both locks the export before a volume of it, since two who lock in different orders wait for each other.
func (s store) alive(ctx context.Context, tx *db.Tx, a *attempt) error {
	const sql = `SELECT true FROM export WHERE id = $1 AND attempt = $2 AND state = 'running' FOR NO KEY UPDATE`
	err := tx.Pgx.QueryRow(ctx, sql, a.ID, a.Attempt).Scan(new(bool))
	if errors.Is(err, pgx.ErrNoRows) {
		return errFenced
	}
	return err
}

// saveProgress writes how far the try of the volume in hand is. It reports whether that volume was lost to another job;
// errFenced when the whole attempt is over.
func (s store) saveProgress(ctx context.Context, tx *db.Tx, a *attempt) (lost bool, err error) {
	w := a.work
	if err := s.alive(ctx, tx, a); err != nil || w == nil {
		return false, err
	}
	_, list, all := w.ledger.counts()
	text, err := json.Marshal(list)
	if err != nil {
		return false, err
	}
	const sql = `UPDATE export_volume SET progress = $5, rows_done = $6, bytes_done = $7
		WHERE export_id = $1 AND attempt = $2 AND number = $3 AND tries = $4 AND state = 'building'`
	tag, err := tx.Pgx.Exec(ctx, sql, a.ID, a.Attempt, w.number, w.tries, string(text), all.Rows, all.Bytes)
	if err != nil {
		return false, fmt.Errorf("advance volume %d: %w", w.number, err)
	}
	return tag.RowsAffected() == 0, nil
}

// summed is how far an export is.
type summed struct {
	stage   Stage
	delayed string
	sealed  int64 // raw bytes of volumes that are sealed
	done
}

// sumUp adds up the volumes' progress in the export's row, if nobody else did so since the last heartbeat.
func (s store) sumUp(ctx context.Context, tx *db.Tx, a *attempt, every time.Duration) (x summed, turn bool, err error) {
	const sql = `UPDATE export e SET beat_at = clock_timestamp(), rows_done = s.rows_done, bytes_done = s.bytes_done, rows_total = $4, bytes_total = $5,
			stage = CASE WHEN $6 <> '' THEN $6 WHEN s.bytes_done >= $5 THEN 'checking' ELSE 'reading' END
		FROM (SELECT coalesce(sum(rows_done), 0)::bigint AS rows_done, coalesce(sum(bytes_done), 0)::bigint AS bytes_done,
		             coalesce(sum(bytes_done) FILTER (WHERE state = 'sealed'), 0)::bigint AS sealed
		        FROM export_volume WHERE export_id = $1 AND attempt = $2) s
		WHERE e.id = $1 AND e.attempt = $2 AND e.state = 'running' AND (e.beat_at IS NULL OR e.beat_at <= clock_timestamp() - make_interval(secs => $3))
		RETURNING e.stage, e.rows_done, e.bytes_done, e.delayed, s.sealed`
	stage := Stage("")
	if a.work != nil && !a.several() {
		stage, _, _ = a.work.ledger.counts()
	}
	x.RowsTotal, x.BytesTotal = a.shared.Rows, a.shared.Bytes
	err = tx.Pgx.QueryRow(ctx, sql, a.ID, a.Attempt, every.Seconds()*0.9, x.RowsTotal, x.BytesTotal, string(stage)).Scan(&x.stage, &x.Rows, &x.Bytes, &x.delayed, &x.sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return x, false, nil
	}
	return x, err == nil, err
}

// sealVolume makes a volume final, if this is still its try, and tells how many are left. errFenced.
func (s store) sealVolume(ctx context.Context, tx *db.Tx, a *attempt, w *work, f filled) (left int, err error) {
	b := &pgx.Batch{}
	if err := queueSeal(b, tx, a, w, f); err != nil {
		return 0, err
	}
	results := tx.Pgx.SendBatch(ctx, b)
	defer func() { err = cmp.Or(err, results.Close()) }()
	return sealed(results)
}

// queueSeal adds sealVolume's statement to a batch; sealed reads its result.
func queueSeal(b *pgx.Batch, tx *db.Tx, a *attempt, w *work, f filled) error {
	packed, err := packSlices(f.proof.Slices)
	if err != nil {
		return err
	}
	receipt, err := json.Marshal(f.receipt)
	if err != nil {
		return err
	}
	_, list, all := w.ledger.counts()
	progress, err := json.Marshal(list)
	if err != nil {
		return err
	}
	const sql = `
		WITH o AS (UPDATE export_object SET state = 'sealed' WHERE key = $5 AND state = 'writing' RETURNING key),
		     v AS (UPDATE export_volume SET state = 'sealed', size = $6, sha256 = $7, slices = $8, rows = $9, files = $10, receipt = $11, progress = $12,
		                  rows_done = $13, bytes_done = $14, sealed_at = $15, inner_size = $16, inner_sha256 = $17
		            WHERE export_id = $1 AND attempt = $2 AND number = $3 AND tries = $4 AND state = 'building' AND object_key = $5 AND EXISTS (SELECT FROM o)
		            RETURNING number)
		SELECT (SELECT count(*) FROM v), (SELECT count(*) FROM export_volume WHERE export_id = $1 AND attempt = $2 AND number <> $3 AND state <> 'sealed')`
	b.Queue(sql, a.ID, a.Attempt, w.number, w.tries, w.key, f.proof.Size, f.proof.SHA256, packed, f.rows, f.files,
		string(receipt), string(progress), all.Rows, all.Bytes, tx.Now, f.locked.InnerSize, f.locked.InnerSHA256)
	return nil
}

// sealed reads the result: how many volumes are left. errFenced.
func sealed(results pgx.BatchResults) (left int, err error) {
	var sealed int
	err = results.QueryRow().Scan(&sealed, &left)
	if err == nil && sealed == 0 {
		err = errFenced
	}
	return left, err
}

// sealOnly makes an export's one volume final, and the export with it, in one round trip. errFenced, ErrMoved.
func (s store) sealOnly(ctx context.Context, tx *db.Tx, a *attempt, w *work, f filled, was, next Export) (err error) {
	plan, err := json.Marshal(a.shared)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	if err := queueSeal(b, tx, a, w, f); err != nil {
		return err
	}
	if err := queueSave(b, was, next, new(string(plan))); err != nil {
		return err
	}
	results := tx.Pgx.SendBatch(ctx, b)
	defer func() { err = cmp.Or(err, results.Close()) }()
	left, err := sealed(results)
	if err == nil && left > 0 {
		err = fmt.Errorf("an export of one volume has %d more", left)
	}
	if err != nil {
		return err
	}
	return saved(results, next)
}

// isSealed reports whether the volume was sealed with this object.
func (s store) isSealed(ctx context.Context, tx *db.Tx, id string, w *work) (sealed bool, err error) {
	const sql = `SELECT EXISTS (SELECT FROM export_volume WHERE export_id = $1 AND number = $2 AND object_key = $3 AND state = 'sealed')`
	err = tx.Pgx.QueryRow(ctx, sql, id, w.number, w.key).Scan(&sealed)
	return sealed, err
}

// sealedVolume is what the whole export's receipt is made from.
type sealedVolume struct {
	number  int
	size    int64
	sha256  string
	receipt Receipt

	innerSize   int64 // of the archive within a locked one
	innerSHA256 string
}

func (s store) sealedVolumes(ctx context.Context, tx *db.Tx, e Export) ([]sealedVolume, error) {
	const sql = `SELECT number, size, sha256, receipt, inner_size, inner_sha256 FROM export_volume WHERE export_id = $1 AND attempt = $2 AND state = 'sealed' ORDER BY number`
	rows, err := tx.Pgx.Query(ctx, sql, e.ID, e.Attempt)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (v sealedVolume, err error) {
		var receipt []byte
		if err := row.Scan(&v.number, &v.size, &v.sha256, &receipt, &v.innerSize, &v.innerSHA256); err != nil {
			return v, err
		}
		return v, json.Unmarshal(receipt, &v.receipt)
	})
}

// countVolumes tells how many volumes the export's attempt has.
func (s store) countVolumes(ctx context.Context, tx *db.Tx, e Export) (n int, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM export_volume WHERE export_id = $1 AND attempt = $2`, e.ID, e.Attempt).Scan(&n)
	return n, err
}

// keepPassword keeps the sealed password of an export that is to be built. The database destroys it once it has served.
func (s store) keepPassword(ctx context.Context, tx *db.Tx, e Export, sealed string) error {
	const sql = `INSERT INTO export_password (export_id, customer_id, sealed, created_at) VALUES ($1, $2, $3, $4)`
	_, err := tx.Pgx.Exec(ctx, sql, e.ID, e.CustomerID, sealed, tx.Now)
	return err
}

// password reads the sealed password of an export. ErrPasswordGone.
func (s store) password(ctx context.Context, tx *db.Tx, id string) (sealed string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT sealed FROM export_password WHERE export_id = $1`, id).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrPasswordGone
	}
	return sealed, err
}

// hasPassword reports whether a locked export could still be built.
func (s store) hasPassword(ctx context.Context, tx *db.Tx, id string) (has bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT EXISTS (SELECT export_id FROM export_password WHERE export_id = $1)`, id).Scan(&has)
	return has, err
}

// forgetPasswords destroys those of exports that failed before an instant.
func (s store) forgetPasswords(ctx context.Context, tx *db.Tx, before time.Time) (int64, error) {
	const sql = `DELETE FROM export_password p USING export e WHERE p.created_at < $1 AND e.id = p.export_id AND e.state = 'failed' AND e.finished_at < $1`
	tag, err := tx.Pgx.Exec(ctx, sql, before)
	return tag.RowsAffected(), err
}
