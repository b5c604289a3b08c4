package refund

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration/refund/payout/account"
)

// batched is a refund with its place in a batch.
type batched struct {
	Refund
	amount   int64 // what is left to pay
	number   int   // of the next attempt
	endToEnd string
	to       account.Account // of Bank, once it is opened
	unfit    string          // why it was left out when the batch was made
}

func (store) payables(ctx context.Context, tx *db.Tx) ([]Payable, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT method, currency, sum(count)::bigint, sum(amount)::bigint FROM refund_total WHERE state = 'approved' AND method <> 'waive'
		GROUP BY 1, 2 HAVING sum(count) > 0 ORDER BY 1, 2`)
	if err != nil {
		return nil, fmt.Errorf("list payables: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Payable, err error) {
		err = row.Scan(&p.Method, &p.Currency, &p.Count, &p.Amount)
		return p, err
	})
}

// takeApproved locks approved refunds, the longest waiting first. What another batch is taking is left to it.
func (store) takeApproved(ctx context.Context, tx *db.Tx, m Method, currency string, limit int) ([]Refund, error) {
	return collect(tx.Pgx.Query(ctx, `SELECT `+columns+` FROM refund r WHERE r.state = 'approved' AND r.method = $1 AND r.currency = $2
		ORDER BY r.requested_at, r.number LIMIT $3 FOR UPDATE SKIP LOCKED`, string(m), currency, limit))
}

// approved lists what takeApproved would take now.
func (store) approved(ctx context.Context, tx *db.Tx, m Method, currency string, limit int) ([]Refund, error) {
	return collect(tx.Pgx.Query(ctx, `SELECT `+columns+` FROM refund r WHERE r.state = 'approved' AND r.method = $1 AND r.currency = $2
		ORDER BY r.requested_at, r.number LIMIT $3`, string(m), currency, limit))
}

// payable lists the same for people, from some age on.
func (store) payable(ctx context.Context, tx *db.Tx, m Method, currency string, olderThan, limit int) ([]Item, error) {
	rows, err := tx.Pgx.Query(ctx, payableSQL+`
		WHERE r.state = 'approved' AND r.method = $1 AND r.currency = $2 AND r.requested_at <= $3 ORDER BY r.requested_at, r.number LIMIT $4`,
		string(m), currency, tx.Now.AddDate(0, 0, -olderThan), limit)
	return payableItems(rows, err)
}

const payableSQL = `SELECT ` + rowColumns + `, r.account, r.account_kind, r.account_last4 FROM refund r JOIN customer c ON c.id = r.customer_id`

func (store) pickedItems(ctx context.Context, tx *db.Tx, refs []string) ([]Item, error) {
	rows, err := tx.Pgx.Query(ctx, payableSQL+` WHERE r.ref = ANY($1) ORDER BY r.requested_at, r.number`, refs)
	return payableItems(rows, err)
}

func payableItems(rows pgx.Rows, err error) ([]Item, error) {
	if err != nil {
		return nil, fmt.Errorf("list payable refunds: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (i Item, err error) {
		err = row.Scan(append(i.places(), &i.sealed, &i.Account.Kind, &i.Account.Last4)...)
		return i, err
	})
}

// toOpen lists the refunds of a bank batch that is not released.
func (store) toOpen(ctx context.Context, tx *db.Tx, id string) ([]Refund, error) {
	return collect(tx.Pgx.Query(ctx, `SELECT `+columns+` FROM refund r JOIN batch_item i ON i.refund_id = r.id JOIN batch b ON b.id = i.batch_id
		WHERE b.id = $1 AND b.state = 'created' AND b.method = 'bank' AND i.live AND r.state = 'batched' AND r.batch_id = b.id`, id))
}

func (store) batchRef(ctx context.Context, tx *db.Tx) (ref string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT 'PB-' || $1::integer || '-' || to_char(nextval('batch_number'), 'FM000000')`, tx.Now.Year()).Scan(&ref)
	return ref, err
}

// itemsOf numbers the next attempt at each refund.
func (store) itemsOf(ctx context.Context, tx *db.Tx, m Method, list []Refund) ([]batched, error) {
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = r.ID
	}
	rows, err := tx.Pgx.Query(ctx, `SELECT refund_id, max(number) FROM payout_attempt WHERE refund_id = ANY($1) GROUP BY 1`, ids)
	if err != nil {
		return nil, fmt.Errorf("number attempts: %w", err)
	}
	last := map[string]int{}
	var id string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&id, &n}, func() error { last[id] = n; return nil }); err != nil {
		return nil, err
	}
	items := make([]batched, len(list))
	for i, r := range list {
		items[i] = batched{Refund: r, amount: r.Amount - r.Settled, number: last[r.ID] + 1}
		if m == Bank {
			items[i].endToEnd = fmt.Sprintf("%s-%d", r.Ref, items[i].number)
		}
	}
	return items, nil
}

func (s store) insertBatch(ctx context.Context, tx *db.Tx, b Batch, items, unfit []batched, file []byte) error {
	const sql = `INSERT INTO batch (id, ref, state, method, currency, count, control, sha256, size, created_by, created_at) VALUES ($1, $2, 'created', $3, $4, $5, $6, $7, $8, $9, $10)`
	if _, err := tx.Pgx.Exec(ctx, sql, b.ID, b.Ref, string(b.Method), b.Currency, b.Count, b.Control, b.SHA256, b.Size, b.CreatedBy, b.CreatedAt); err != nil {
		return fmt.Errorf("insert batch: %w", err)
	}
	const put = `INSERT INTO batch_item (batch_id, refund_id, customer_id, amount, content, end_to_end, n)
		SELECT $1, i.* FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[]) WITH ORDINALITY i`
	if err := s.insertItems(ctx, tx, put, b.ID, items); err != nil {
		return err
	}
	// They never were in it: they have no place, and count neither at the release nor among what was dropped.
	const leave = `INSERT INTO batch_item (batch_id, refund_id, customer_id, amount, content, dropped, live, n)
		SELECT $1, i.id, i.customer, i.amount, i.content, i.why, false, 0
		  FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[]) i (id, customer, amount, content, why)`
	if err := s.insertItems(ctx, tx, leave, b.ID, unfit); err != nil {
		return err
	}
	if file == nil {
		return nil
	}
	_, err := tx.Pgx.Exec(ctx, `INSERT INTO batch_file (batch_id, bytes) VALUES ($1, $2)`, b.ID, file)
	return err
}

func (store) insertItems(ctx context.Context, tx *db.Tx, sql, batchID string, items []batched) error {
	n := len(items)
	ids, customers, amounts, contents, last := make([]string, n), make([]string, n), make([]int64, n), make([]string, n), make([]string, n)
	for i, item := range items {
		ids[i], customers[i], amounts[i], contents[i] = item.ID, item.CustomerID, item.amount, item.content
		last[i] = cmp.Or(item.unfit, item.endToEnd)
		if item.unfit == UnfitNothing {
			amounts[i] = item.Amount
		}
	}
	if _, err := tx.Pgx.Exec(ctx, sql, batchID, ids, customers, amounts, contents, last); err != nil {
		return fmt.Errorf("insert items: %w", err)
	}
	return nil
}

// moveAll moves the refunds of items together.
func (store) moveAll(ctx context.Context, tx *db.Tx, items []batched, to State, batchID, releasedBy string) error {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	const sql = `UPDATE refund SET state = $2, batch_id = nullif($3, ''), released_by = coalesce(nullif($4, ''), released_by),
			released_at = CASE WHEN $4 = '' THEN released_at ELSE $5 END, updated_at = $5,
			settled = CASE WHEN $2 = 'credited' THEN amount ELSE settled END, settled_at = CASE WHEN $2 = 'credited' THEN $5 ELSE settled_at END
		WHERE id = ANY($1)`
	tag, err := tx.Pgx.Exec(ctx, sql, ids, string(to), batchID, releasedBy, tx.Now)
	if err != nil {
		return decisionFault(err)
	}
	if tag.RowsAffected() != int64(len(ids)) {
		return ErrMoved
	}
	return nil
}

const batchColumns = `id, ref, state, method, currency, count, control, sha256, size, created_by, created_at, coalesce(released_by, ''), released_at, dropped,
	(SELECT count(*) FROM batch_item i WHERE i.batch_id = batch.id AND i.n = 0 AND i.dropped <> 'chosen'),
	(SELECT count(*) FROM batch_item i WHERE i.batch_id = batch.id AND i.n = 0 AND i.dropped = 'chosen')`

func scanBatch(row pgx.Row) (b Batch, err error) {
	err = row.Scan(&b.ID, &b.Ref, &b.State, &b.Method, &b.Currency, &b.Count, &b.Control, &b.SHA256, &b.Size, &b.CreatedBy, &b.CreatedAt, &b.ReleasedBy, &b.ReleasedAt, &b.Dropped, &b.Unfit, &b.LeftOut)
	if errors.Is(err, pgx.ErrNoRows) {
		return Batch{}, ErrNotFound
	}
	return b, err
}

func (store) lockBatch(ctx context.Context, tx *db.Tx, id string) (Batch, error) {
	return scanBatch(tx.Pgx.QueryRow(ctx, `SELECT `+batchColumns+` FROM batch WHERE id = $1 FOR UPDATE`, id))
}

// releasedBatch finds a batch that was sent to the bank by its reference. ErrNotFound.
func (store) releasedBatch(ctx context.Context, tx *db.Tx, ref string) (Batch, error) {
	return scanBatch(tx.Pgx.QueryRow(ctx, `SELECT `+batchColumns+` FROM batch WHERE ref = $1 AND state = 'released' AND method = 'bank'`, ref))
}

func (store) batches(ctx context.Context, d *db.DB, scope db.Scope, limit int) (list []Batch, err error) {
	err = d.Read(ctx, scope,
		func(b *pgx.Batch) {
			b.Queue(`SELECT `+batchColumns+` FROM batch ORDER BY created_at DESC, ref DESC LIMIT $1`, limit)
		},
		func(results pgx.BatchResults) error {
			rows, err := results.Query()
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Batch, error) { return scanBatch(row) })
			return err
		})
	return list, err
}

// lockItems locks the refunds of a batch that are as they were when it was made, in its order, and counts all of its items.
func (store) lockItems(ctx context.Context, tx *db.Tx, b Batch) (items []batched, all int, err error) {
	if err := tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM batch_item WHERE batch_id = $1 AND n > 0`, b.ID).Scan(&all); err != nil {
		return nil, 0, err
	}
	const sql = `SELECT ` + columns + `, i.amount, i.end_to_end FROM batch_item i JOIN refund r ON r.id = i.refund_id
		WHERE i.batch_id = $1 AND i.live AND r.state = 'batched' AND r.batch_id = i.batch_id AND r.content = i.content ORDER BY i.n FOR UPDATE OF r`
	rows, err := tx.Pgx.Query(ctx, sql, b.ID)
	if err != nil {
		return nil, 0, fmt.Errorf("lock items: %w", err)
	}
	items, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (i batched, err error) {
		i.Refund, err = scan(wider{row, []any{&i.amount, &i.endToEnd}})
		return i, err
	})
	return items, all, err
}

// wider is a row with more columns behind those that scan knows.
type wider struct {
	pgx.Row
	more []any
}

func (w wider) Scan(to ...any) error { return w.Row.Scan(append(to, w.more...)...) }

func (store) rewriteFile(ctx context.Context, tx *db.Tx, b Batch, file []byte) error {
	if file == nil {
		return nil
	}
	_, err := tx.Pgx.Exec(ctx, `UPDATE batch_file SET bytes = $2 WHERE batch_id = $1`, b.ID, file)
	return err
}

func (store) fileOf(ctx context.Context, tx *db.Tx, id string) (file []byte, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT bytes FROM batch_file WHERE batch_id = $1`, id).Scan(&file)
	return file, err
}

func (store) saveBatch(ctx context.Context, tx *db.Tx, b Batch) error {
	const sql = `UPDATE batch SET state = $2, count = $3, control = $4, sha256 = $5, size = $6, released_by = nullif($7, ''), released_at = $8, dropped = $9 WHERE id = $1`
	_, err := tx.Pgx.Exec(ctx, sql, b.ID, string(b.State), b.Count, b.Control, b.SHA256, b.Size, b.ReleasedBy, b.ReleasedAt, b.Dropped)
	if db.IsCheck(err, "batch_four_eyes") {
		return ErrSamePerson.Wrap(err)
	}
	return err
}

func (store) dropItems(ctx context.Context, tx *db.Tx, batchID, why string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE batch_item SET live = false, dropped = $2 WHERE batch_id = $1 AND live`, batchID, why)
	return err
}

func (store) shownItems(ctx context.Context, tx *db.Tx, batchID string, limit int) ([]Item, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT `+rowColumns+`, i.end_to_end, CASE WHEN i.n > 0 THEN i.dropped ELSE '' END, CASE WHEN i.n = 0 THEN i.dropped ELSE '' END,
			r.account, r.account_kind, r.account_last4 FROM batch_item i JOIN refund r ON r.id = i.refund_id JOIN customer c ON c.id = r.customer_id
		WHERE i.batch_id = $1 ORDER BY i.n = 0, i.n, i.dropped, r.number LIMIT $2`, batchID, limit)
	if err != nil {
		return nil, fmt.Errorf("list items: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (i Item, err error) {
		err = row.Scan(append(i.places(), &i.EndToEnd, &i.Dropped, &i.Unfit, &i.sealed, &i.Account.Kind, &i.Account.Last4)...)
		return i, err
	})
}

// traces lists who did what to a batch, newest first, by the audit log.
func (store) traces(ctx context.Context, tx *db.Tx, ref string) ([]Trace, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT at, actor, act FROM audit WHERE object = $1 AND object LIKE 'batch %'
		AND act IN ('batch.create', 'batch.release', 'batch.discard', 'batch.download') ORDER BY seq DESC LIMIT 200`, "batch "+ref)
	if err != nil {
		return nil, fmt.Errorf("read traces: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Trace])
}

// plan has the database write the attempts at paying a released batch: one for each payment that is not settled, or one transfer.
// Their keys are committed before anything leaves. It returns those that are to be handed out: none of transfers.
func (store) plan(ctx context.Context, tx *db.Tx, b Batch, items []batched) ([]PayArgs, error) {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	rows, err := tx.Pgx.Query(ctx, `SELECT * FROM payout_plan($1, $2, $3)`, b.ID, ids, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("plan attempts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[PayArgs])
}
