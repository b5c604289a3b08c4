package refund

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration/refund/payout"
)

const attemptSQL = `SELECT a.refund_id, r.ref, a.number, a.customer_id, a.payment_ref, a.channel, a.provider_payment, a.amount, a.currency, a.key, a.state, a.fence,
	a.leased_until, a.provider_refund, a.failure, a.code, a.detail, a.outcome_amount, a.outcome_at, a.called_at, a.settled_at, a.next_at, a.looked
	FROM payout_attempt a JOIN refund r ON r.id = a.refund_id `

func scanAttempt(row pgx.Row) (a attempt, err error) {
	var at *time.Time
	o := &a.outcome
	err = row.Scan(&a.refundID, &a.ref, &a.number, &a.customerID, &a.paymentRef, &a.channel, &a.providerPayment, &a.amount, &a.currency, &a.key, &a.state, &a.fence,
		&a.leasedUntil, &o.ID, &o.Failure, &o.Code, &o.Detail, &o.Amount, &at, &a.calledAt, &a.settledAt, &a.nextAt, &a.looked)
	if errors.Is(err, pgx.ErrNoRows) {
		return attempt{}, ErrNotFound
	}
	if err != nil {
		return attempt{}, fmt.Errorf("read attempt: %w", err)
	}
	if at != nil {
		o.At = at.UTC()
	}
	if o.ID != "" || a.state == string(payout.Failed) {
		o.State, o.Currency = payout.State(a.state), a.currency
	}
	return a, nil
}

// lockAttempt locks an attempt behind its refund: everything that changes both takes them in this order.
func (s store) lockAttempt(ctx context.Context, tx *db.Tx, refundID string, number int) (r Refund, a attempt, err error) {
	if r, err = s.lockByID(ctx, tx, refundID); err != nil {
		return r, a, err
	}
	a, err = scanAttempt(tx.Pgx.QueryRow(ctx, attemptSQL+`WHERE a.refund_id = $1 AND a.number = $2 FOR UPDATE OF a`, refundID, number))
	return r, a, err
}

// allowed reports whether an attempt follows from a release, as the database says.
func (store) allowed(ctx context.Context, tx *db.Tx, a attempt) (allowed bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT payout_allowed(a) FROM payout_attempt a WHERE a.refund_id = $1 AND a.number = $2`, a.refundID, a.number).Scan(&allowed)
	return allowed, err
}

// findAttempt finds whose attempt a reference and a number, or a key, are; ErrNotFound.
func (store) findAttempt(ctx context.Context, tx *db.Tx, ref string, number int) (refundID string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT a.refund_id FROM payout_attempt a JOIN refund r ON r.id = a.refund_id WHERE r.ref = $1 AND a.number = $2`, ref, number).Scan(&refundID)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNotFound
	}
	return refundID, err
}

func (store) findKey(ctx context.Context, tx *db.Tx, key string) (refundID string, number int, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT refund_id, number FROM payout_attempt WHERE key = $1`, key).Scan(&refundID, &number)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", 0, ErrNotFound
	}
	return refundID, number, err
}

func (store) attemptsOf(ctx context.Context, tx *db.Tx, refundID string) ([]attempt, error) {
	rows, err := tx.Pgx.Query(ctx, attemptSQL+`WHERE a.refund_id = $1 ORDER BY a.number`, refundID)
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (attempt, error) { return scanAttempt(row) })
}

func (store) saveAttempt(ctx context.Context, tx *db.Tx, a attempt) error {
	var at *time.Time
	if !a.outcome.At.IsZero() {
		at = &a.outcome.At
	}
	const sql = `UPDATE payout_attempt SET state = $3, fence = $4, leased_until = $5, provider_refund = $6, failure = $7, code = $8, detail = $9,
		outcome_amount = $10, outcome_at = $11, called_at = $12, settled_at = $13, next_at = $14, looked = $15 WHERE refund_id = $1 AND number = $2`
	o := a.outcome
	_, err := tx.Pgx.Exec(ctx, sql, a.refundID, a.number, a.state, a.fence, a.leasedUntil, o.ID, string(o.Failure), o.Code, o.Detail, o.Amount, at,
		a.calledAt, a.settledAt, a.nextAt, a.looked)
	if err != nil {
		return fmt.Errorf("save attempt: %w", err)
	}
	return nil
}

// settlePart notes whether the payment of an attempt is given back for certain. A transfer stands for what the provider has not
// given back.
func (store) settlePart(ctx context.Context, tx *db.Tx, a attempt) error {
	const sql = `UPDATE refund_payment p SET settled = $3 WHERE refund_id = $1 AND settled <> $3 AND (payment_ref = $2 OR $2 = '' AND NOT EXISTS
		(SELECT FROM payout_attempt a WHERE a.refund_id = p.refund_id AND a.payment_ref = p.payment_ref AND a.state = 'succeeded'))`
	_, err := tx.Pgx.Exec(ctx, sql, a.refundID, a.paymentRef, a.state == string(payout.Succeeded))
	return err
}

// dueAttempts lists what waits for somebody at an instant: due look-ups, calls that somebody died over, calls that nobody began.
func (store) dueAttempts(ctx context.Context, tx *db.Tx, limit int) ([]PayArgs, error) {
	const sql = `SELECT refund_id, number FROM payout_attempt WHERE state IN ('planned', 'sent', 'unknown') AND channel <> 'bank'
		AND coalesce(next_at, '-infinity') <= $1 AND coalesce(leased_until, planned_at + interval '5 minutes') <= $1 ORDER BY planned_at LIMIT $2`
	rows, err := tx.Pgx.Query(ctx, sql, tx.Now, limit)
	if err != nil {
		return nil, fmt.Errorf("list due attempts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[PayArgs])
}

// handOut lists what was planned of a batch, or of one refund, and nobody has called with yet.
func (store) handOut(ctx context.Context, tx *db.Tx, a HandOutArgs) ([]PayArgs, error) {
	const sql = `SELECT a.refund_id, a.number FROM payout_attempt a JOIN refund r ON r.id = a.refund_id
		WHERE (r.id = $1 OR r.batch_id = $2) AND a.state = 'planned' AND a.called_at IS NULL ORDER BY r.id, a.number`
	rows, err := tx.Pgx.Query(ctx, sql, a.RefundID, a.BatchID)
	if err != nil {
		return nil, fmt.Errorf("list planned attempts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[PayArgs])
}

// openTask tells finance of something once.
func (store) openTask(ctx context.Context, tx *db.Tx, id, kind, refundID, key, detail string) error {
	const sql = `INSERT INTO refund_task (id, kind, refund_id, key, detail, opened_at) VALUES ($1, $2, nullif($3, ''), $4, $5, $6) ON CONFLICT (kind, key) DO NOTHING`
	_, err := tx.Pgx.Exec(ctx, sql, id, kind, refundID, key, detail, tx.Now)
	return err
}

// keepEvent puts an event into the inbox; false when it is there already.
func (store) keepEvent(ctx context.Context, tx *db.Tx, provider string, e payout.Event) (bool, error) {
	outcome, err := json.Marshal(e.Outcome)
	if err != nil {
		return false, err
	}
	const sql = `INSERT INTO provider_event (provider, id, type, created_at, ref, attempt, outcome, received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`
	tag, err := tx.Pgx.Exec(ctx, sql, provider, e.ID, e.Type, e.Created, e.Ref, e.Attempt, string(outcome), tx.Now)
	if err != nil {
		return false, fmt.Errorf("keep event: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// takeEvent locks an event that is not folded in yet; ErrNotFound.
func (store) takeEvent(ctx context.Context, tx *db.Tx, provider, id string) (e payout.Event, err error) {
	var outcome []byte
	const sql = `SELECT id, type, created_at, ref, attempt, outcome FROM provider_event WHERE provider = $1 AND id = $2 AND processed_at IS NULL FOR UPDATE`
	err = tx.Pgx.QueryRow(ctx, sql, provider, id).Scan(&e.ID, &e.Type, &e.Created, &e.Ref, &e.Attempt, &outcome)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(outcome, &e.Outcome)
	}
	return e, err
}

func (store) doneEvent(ctx context.Context, tx *db.Tx, provider, id string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE provider_event SET processed_at = $3 WHERE provider = $1 AND id = $2`, provider, id, tx.Now)
	return err
}

// waitingEvents lists the events about refunds that could not be folded in yet.
func (store) waitingEvents(ctx context.Context, tx *db.Tx, refs []string) ([]EventArgs, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT provider, id FROM provider_event WHERE ref = ANY($1) AND processed_at IS NULL ORDER BY created_at, id`, refs)
	if err != nil {
		return nil, fmt.Errorf("list waiting events: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[EventArgs])
}
