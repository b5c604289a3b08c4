package refund

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

const documentColumns = `id, refund_id, customer_id, object_key, name, kind, coalesce(size, 0), coalesce(sha256, ''), uploader, uploader_kind, shown,
	coalesce(attached_at, begun_at), coalesce(remover, ''), removed_at, scan, coalesce(scan_found, '')`

func scanDocument(row pgx.CollectableRow) (d Document, err error) {
	err = row.Scan(&d.ID, &d.refundID, &d.customerID, &d.key, &d.Name, &d.Kind, &d.Size, &d.SHA256, &d.By, &d.ByKind, &d.Shown, &d.At, &d.RemovedBy, &d.RemovedAt,
		&d.Scan, &d.Found)
	return d, err
}

// documents lists what was attached to a refund, oldest first, with what was removed. The scope decides what is seen.
func (store) documents(ctx context.Context, tx *db.Tx, refundID string) ([]Document, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT `+documentColumns+` FROM refund_document WHERE refund_id = $1 AND attached_at IS NOT NULL ORDER BY attached_at, id`, refundID)
	if err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	return pgx.CollectRows(rows, scanDocument)
}

// document reads one document that was attached, for a change. ErrNoDocument.
func (store) document(ctx context.Context, tx *db.Tx, refundID, id string) (Document, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT `+documentColumns+` FROM refund_document WHERE refund_id = $1 AND id = $2 AND attached_at IS NOT NULL FOR UPDATE`, refundID, id)
	if err != nil {
		return Document{}, fmt.Errorf("read document: %w", err)
	}
	d, err := pgx.CollectExactlyOneRow(rows, scanDocument)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, ErrNoDocument
	}
	return d, err
}

// countDocuments counts one side's documents of a locked refund: those that are there or arriving and were not refused, and all.
func (store) countDocuments(ctx context.Context, tx *db.Tx, refundID, side string) (there, all int, err error) {
	const sql = `SELECT count(*) FILTER (WHERE removed_at IS NULL AND scan <> 'refused'), count(*) FROM refund_document WHERE refund_id = $1 AND uploader_kind = $2`
	err = tx.Pgx.QueryRow(ctx, sql, refundID, side).Scan(&there, &all)
	return there, all, err
}

// beginDocument writes the row of a document whose body is to come.
func (store) beginDocument(ctx context.Context, tx *db.Tx, d Document) error {
	const sql = `INSERT INTO refund_document (id, refund_id, customer_id, object_key, name, kind, uploader, uploader_kind, shown, begun_at, scan)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	if _, err := tx.Pgx.Exec(ctx, sql, d.ID, d.refundID, d.customerID, d.key, d.Name, string(d.Kind), d.By, d.ByKind, d.Shown, tx.Now, string(d.Scan)); err != nil {
		return fmt.Errorf("begin document: %w", err)
	}
	return nil
}

// attachDocument makes a document exist whose body is kept. ErrDocument when the same side has attached the same bytes.
func (store) attachDocument(ctx context.Context, tx *db.Tx, d Document) error {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE refund_document SET size = $2, sha256 = $3, attached_at = $4 WHERE id = $1 AND attached_at IS NULL`, d.ID, d.Size, d.SHA256, tx.Now)
	switch {
	case db.IsUnique(err, "refund_document_once"):
		return badDocument("refund.document.twice")
	case err != nil:
		return fmt.Errorf("attach document: %w", err)
	case tag.RowsAffected() == 0:
		return badDocument("refund.document.cut") // swept: it was far too long on its way
	}
	return nil
}

// forgetDocument removes the row of a document that never came to exist, and reports whether there was one.
func (store) forgetDocument(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	tag, err := tx.Pgx.Exec(ctx, `DELETE FROM refund_document WHERE id = $1 AND attached_at IS NULL`, id)
	return tag.RowsAffected() > 0, err
}

func (store) removeDocument(ctx context.Context, tx *db.Tx, d Document) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE refund_document SET remover = $2, removed_at = $3 WHERE id = $1`, d.ID, d.RemovedBy, tx.Now)
	if err != nil {
		return fmt.Errorf("remove document: %w", err)
	}
	return nil
}

// scanningDocument reads a document that waits for the scanner; found is false when it does no more.
func (store) scanningDocument(ctx context.Context, tx *db.Tx, id string) (d Document, found bool, err error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT `+documentColumns+` FROM refund_document WHERE id = $1 AND `+isScanning, id)
	if err != nil {
		return d, false, fmt.Errorf("read document: %w", err)
	}
	d, err = pgx.CollectExactlyOneRow(rows, scanDocument)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, false, nil
	}
	return d, err == nil, err
}

// isScanning is true of what waits for the scanner.
const isScanning = `scan = 'pending' AND attached_at IS NOT NULL AND removed_at IS NULL`

// scannedDocument writes what the scanner has said, and reports whether anybody waited for it still.
func (store) scannedDocument(ctx context.Context, tx *db.Tx, d Document) (bool, error) {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE refund_document SET scan = $2, scan_found = nullif($3, ''), scanned_at = $4 WHERE id = $1 AND `+isScanning,
		d.ID, string(d.Scan), d.Found, tx.Now)
	if err != nil {
		return false, fmt.Errorf("write scan: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// scanningDocuments lists what waits for the scanner, longest first.
func (store) scanningDocuments(ctx context.Context, tx *db.Tx, limit int) ([]string, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT id FROM refund_document WHERE `+isScanning+` ORDER BY attached_at LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list what waits for the scanner: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// countScanning counts what waits for the scanner, and since when.
func (store) countScanning(ctx context.Context, tx *db.Tx) (w ScanWait, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT count(*), min(attached_at) FROM refund_document WHERE `+isScanning).Scan(&w.Count, &w.Since)
	return w, err
}

// heldDocuments tells of locked refunds why their documents keep them from being approved: one has not been scanned yet, or the last
// one that the customer sent after finance asked was refused.
func (store) heldDocuments(ctx context.Context, tx *db.Tx, refundIDs []string) (map[string]error, error) {
	const sql = `SELECT d.refund_id, bool_or(d.scan = 'pending'),
			coalesce((array_agg(d.scan ORDER BY d.attached_at DESC) FILTER (WHERE d.uploader_kind = 'customer' AND d.attached_at > q.at))[1] = 'refused', false)
		FROM refund_document d
		LEFT JOIN LATERAL (SELECT max(e.at) AS at FROM refund_event e WHERE e.refund_id = d.refund_id AND e.kind = 'questioned') q ON true
		WHERE d.refund_id = ANY($1) AND d.attached_at IS NOT NULL AND d.removed_at IS NULL
		GROUP BY d.refund_id HAVING bool_or(d.scan IN ('pending', 'refused'))`
	rows, err := tx.Pgx.Query(ctx, sql, refundIDs)
	if err != nil {
		return nil, fmt.Errorf("look whether documents were scanned: %w", err)
	}
	held, id, scanning, unfit := map[string]error{}, "", false, false
	_, err = pgx.ForEachRow(rows, []any{&id, &scanning, &unfit}, func() error {
		switch {
		case scanning:
			held[id] = ErrScanning
		case unfit:
			held[id] = ErrUnfitAnswer
		}
		return nil
	})
	return held, err
}

// doomedDocument is the key of the body of a document that was removed or refused and may still lie there; empty: there is none.
func (store) doomedDocument(ctx context.Context, tx *db.Tx, id string) (key string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT object_key FROM refund_document WHERE id = $1 AND (removed_at IS NOT NULL OR scan = 'refused') AND purged_at IS NULL`, id).Scan(&key)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return key, err
}

func (store) purgedDocument(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE refund_document SET purged_at = $2 WHERE id = $1 AND purged_at IS NULL`, id, tx.Now)
	return err
}

// strandedDocuments lists what the sweep has to do: documents that never arrived, and removed or refused ones whose bodies nobody has purged.
func (store) strandedDocuments(ctx context.Context, tx *db.Tx, before time.Time, limit int) ([]Document, error) {
	const sql = `(SELECT ` + documentColumns + ` FROM refund_document WHERE attached_at IS NULL AND begun_at < $1 LIMIT $2)
		UNION ALL (SELECT ` + documentColumns + ` FROM refund_document WHERE removed_at < $1 AND purged_at IS NULL LIMIT $2)
		UNION ALL (SELECT ` + documentColumns + ` FROM refund_document WHERE removed_at IS NULL AND scan = 'refused' AND scanned_at < $1 AND purged_at IS NULL LIMIT $2)`
	rows, err := tx.Pgx.Query(ctx, sql, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list stranded documents: %w", err)
	}
	return pgx.CollectRows(rows, scanDocument)
}

// knowsBody reports whether a body belongs to a document.
func (store) knowsBody(ctx context.Context, tx *db.Tx, key string) (yes bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM refund_document WHERE object_key = $1 AND purged_at IS NULL)`, key).Scan(&yes)
	return yes, err
}
