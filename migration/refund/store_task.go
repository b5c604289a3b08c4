package refund

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

func sorted(list []BudgetFigure) []BudgetFigure {
	slices.SortFunc(list, func(a, b BudgetFigure) int { return cmp.Compare(a.Currency, b.Currency) })
	return list
}

func (store) countTasks(ctx context.Context, tx *db.Tx) (n int, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM refund_task WHERE done_at IS NULL`).Scan(&n)
	return n, err
}

func (store) tasks(ctx context.Context, tx *db.Tx, limit int) ([]Task, error) {
	const sql = `SELECT t.id, t.kind, coalesce(r.ref, ''), t.detail, t.opened_at, t.done_by, t.done_at FROM refund_task t LEFT JOIN refund r ON r.id = t.refund_id
		WHERE t.done_at IS NULL ORDER BY t.opened_at, t.id LIMIT $1`
	rows, err := tx.Pgx.Query(ctx, sql, limit)
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Task])
}

func (store) finishTask(ctx context.Context, tx *db.Tx, id, by, note string) (kind string, err error) {
	const sql = `UPDATE refund_task SET done_by = $2, done_at = $3, note = $4 WHERE id = $1 AND done_at IS NULL RETURNING kind`
	err = tx.Pgx.QueryRow(ctx, sql, id, by, tx.Now, note).Scan(&kind)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNotFound
	}
	return kind, err
}

// planAgain has the database write a new attempt at the payment of one that failed for certain. ErrMoved when it is no more the
// latest.
func (store) planAgain(ctx context.Context, tx *db.Tx, a attempt) (p PayArgs, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT * FROM payout_plan_again($1, $2, $3)`, a.refundID, a.number, tx.Now).Scan(&p.RefundID, &p.Number)
	if errors.Is(err, pgx.ErrNoRows) {
		return PayArgs{}, ErrMoved
	}
	if err != nil {
		return PayArgs{}, fmt.Errorf("plan again: %w", err)
	}
	return p, nil
}

// objectionsOver locks declined refunds whose period for objecting is over.
func (store) objectionsOver(ctx context.Context, tx *db.Tx, limit int) ([]Refund, error) {
	return collect(tx.Pgx.Query(ctx, `SELECT `+columns+` FROM refund r WHERE r.state = 'declined' AND r.object_until < $1 ORDER BY r.object_until LIMIT $2 FOR UPDATE SKIP LOCKED`, tx.Now, limit))
}

const entriesSQL = `SELECT 'unbalanced', entry_id::text, currency, sum(amount)::bigint FROM ledger_posting GROUP BY entry_id, currency HAVING sum(amount) <> 0`

// statesSQL holds what the ledger says of each refund against its row: what is owed and on its way is what is not settled yet,
// what was paid, less what came back, or credited is what is settled.
const statesSQL = `SELECT 'state', r.ref, r.currency, (coalesce(l.owed, 0) + CASE WHEN refund_accrued(r.state) THEN r.amount - r.settled ELSE 0 END
		+ coalesce(l.given, 0) + r.settled)::bigint
	  FROM refund r LEFT JOIN (
		SELECT e.refund_id, sum(p.amount) FILTER (WHERE p.account IN ('liability', 'in_transit')) AS owed,
		       sum(p.amount) FILTER (WHERE p.account IN ('paid', 'reversal', 'credits')) AS given
		  FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id GROUP BY 1) l ON l.refund_id = r.id
	 WHERE coalesce(l.owed, 0) <> -(CASE WHEN refund_accrued(r.state) THEN r.amount - r.settled ELSE 0 END) OR coalesce(l.given, 0) <> -r.settled`

// balanceFaults looks through the whole ledger.
func (store) balanceFaults(ctx context.Context, tx *db.Tx) (list []BalanceFault, err error) {
	for _, sql := range []string{entriesSQL, statesSQL} {
		rows, err := tx.Pgx.Query(ctx, sql+` LIMIT 1000`)
		if err != nil {
			return nil, fmt.Errorf("check the ledger: %w", err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[BalanceFault])
		if err != nil {
			return nil, fmt.Errorf("check the ledger: %w", err)
		}
		list = append(list, found...)
	}
	return list, nil
}
