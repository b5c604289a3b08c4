package refund

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// closeSQL adds the ledger up before and within a month. A debit is positive.
const closeSQL = `SELECT e.tier, p.currency,
		-coalesce(sum(p.amount) FILTER (WHERE e.at < $1 AND p.account IN ('liability', 'in_transit')), 0)::bigint,
		-coalesce(sum(p.amount) FILTER (WHERE e.at >= $1 AND e.kind = 'accrue' AND p.account = 'liability'), 0)::bigint,
		coalesce(sum(p.amount) FILTER (WHERE e.at >= $1 AND e.kind = 'accrue' AND p.account = 'goodwill'), 0)::bigint,
		coalesce(sum(p.amount) FILTER (WHERE e.at >= $1 AND e.kind = 'cancel' AND p.account = 'liability'), 0)::bigint,
		-coalesce(sum(p.amount) FILTER (WHERE e.at >= $1 AND p.account = 'paid'), 0)::bigint,
		coalesce(sum(p.amount) FILTER (WHERE e.at >= $1 AND p.account = 'reversal'), 0)::bigint,
		-coalesce(sum(p.amount) FILTER (WHERE e.at >= $1 AND p.account = 'credits'), 0)::bigint,
		-coalesce(sum(p.amount) FILTER (WHERE p.account IN ('liability', 'in_transit')), 0)::bigint
	FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id WHERE e.at < $2 GROUP BY 1, 2 ORDER BY 1, 2`

func (store) closeLines(ctx context.Context, tx *db.Tx, from, to time.Time) ([]CloseLine, error) {
	rows, err := tx.Pgx.Query(ctx, closeSQL, from, to)
	if err != nil {
		return nil, fmt.Errorf("add up the ledger: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[CloseLine])
}

// posting is one line of the ledger.
type posting struct {
	at                                              time.Time
	kind, ref, customerRef, tier, account, currency string
	amount                                          int64
}

// postingsSQL gives the summary and then the month's postings: one statement, so that both are of one snapshot.
const postingsSQL = `SELECT 0, $1::timestamptz, 0::bigint, '', '', '', tier, '', currency, 0::bigint, ARRAY[opening, accrued, goodwill, cancelled, paid, back, credits, closing]
		FROM (` + closeSQL + `) s (tier, currency, opening, accrued, goodwill, cancelled, paid, back, credits, closing)
	UNION ALL SELECT 1, e.at, e.id, e.kind, r.ref, c.ref, e.tier, p.account, p.currency, p.amount, NULL
		FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id JOIN refund r ON r.id = e.refund_id JOIN customer c ON c.id = e.customer_id
		WHERE e.at >= $1 AND e.at < $2 ORDER BY 1, 2, 3, 10 DESC, 8, 7, 9`

// month reads the summary of a month, and then its postings in their order as the server sends them.
func (store) month(ctx context.Context, tx *db.Tx, from, to time.Time, line func(CloseLine) error, each func(posting) error) error {
	rows, err := tx.Pgx.Query(ctx, postingsSQL, from, to)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var part int
		var id int64
		var sums []int64
		var p posting
		if err := rows.Scan(&part, &p.at, &id, &p.kind, &p.ref, &p.customerRef, &p.tier, &p.account, &p.currency, &p.amount, &sums); err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		if part == 0 {
			err = line(CloseLine{p.tier, p.currency, sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7]})
		} else {
			err = each(p)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}
