package refund

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// Standing is where money stands, in minor units of one currency. It comes from the ledger by one query, whoever shows it: tiles,
// the queue's foot, the budget, the month's close and the files. Each amount is in exactly one of the fields.
type Standing struct {
	Due      int64 // asked for and not decided
	Approved int64 // owed, and nothing of it has left
	Returned int64 // owed: it left and came back, or could not leave, and has to be sent again
	OnTheWay int64 // left and not confirmed
	Unknown  int64 // nobody knows whether it arrived: it is being looked up
	Paid     int64 // arrived, less what came back
	Credited int64
}

// Stand is a Standing with its currency.
type Stand struct {
	Currency string
	Standing
}

// Plus adds two standings of one currency.
func (s Standing) Plus(o Standing) Standing {
	return Standing{
		s.Due + o.Due, s.Approved + o.Approved, s.Returned + o.Returned, s.OnTheWay + o.OnTheWay, s.Unknown + o.Unknown, s.Paid + o.Paid,
		s.Credited + o.Credited,
	}
}

// Owed is what was approved and has not arrived: what a month's close has at its end.
func (s Standing) Owed() int64 { return s.Approved + s.Returned + s.OnTheWay + s.Unknown }

// Total is all that was asked for and not refused.
func (s Standing) Total() int64 { return s.Due + s.Owed() + s.Paid + s.Credited }

// stateStand is a Standing of one state and currency.
type stateStand struct {
	state State
	Stand
}

// standingSQL is the one query behind every figure of money. What is owed counts as approved until something of the refund has left.
const standingSQL = `SELECT r.state, r.currency,
		coalesce(sum(r.amount) FILTER (WHERE r.account = 'due'), 0)::bigint,
		coalesce(sum(r.amount) FILTER (WHERE r.account = 'liability' AND r.state IN ('approved', 'batched')), 0)::bigint,
		coalesce(sum(r.amount) FILTER (WHERE r.account = 'liability' AND r.state NOT IN ('approved', 'batched')), 0)::bigint,
		(coalesce(sum(r.amount) FILTER (WHERE r.account = 'in_transit'), 0) - coalesce(sum(r.amount) FILTER (WHERE r.account = 'unknown'), 0))::bigint,
		coalesce(sum(r.amount) FILTER (WHERE r.account = 'unknown'), 0)::bigint,
		coalesce(sum(r.amount) FILTER (WHERE r.account IN ('paid', 'reversal')), 0)::bigint,
		coalesce(sum(r.amount) FILTER (WHERE r.account = 'credits'), 0)::bigint
	FROM ledger_figure r WHERE %s GROUP BY 1, 2 ORDER BY 2, 1`

// standing reads where the money of a filter stands, by state and currency. Of the filter only state, tier, method and currency count.
func (store) standing(ctx context.Context, tx *db.Tx, f Filter) ([]stateStand, error) {
	q := &question{}
	q.kinds(f)
	rows, err := tx.Pgx.Query(ctx, fmt.Sprintf(standingSQL, q.conditions()), q.args...)
	if err != nil {
		return nil, fmt.Errorf("read where the money stands: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s stateStand, err error) {
		err = row.Scan(&s.state, &s.Currency, &s.Due, &s.Approved, &s.Returned, &s.OnTheWay, &s.Unknown, &s.Paid, &s.Credited)
		return s, err
	})
}

// byCurrency adds the states of each currency together.
func byCurrency(list []stateStand) []Stand {
	var out []Stand
	for _, s := range list {
		i := slices.IndexFunc(out, func(o Stand) bool { return o.Currency == s.Currency })
		if i < 0 {
			out = append(out, s.Stand)
			continue
		}
		out[i].Standing = out[i].Plus(s.Standing)
	}
	return out
}

// Standing returns where all money stands now, by currency. For finance, beside what is recorded as looked at.
func (s *Service) Standing(ctx context.Context, staffID string) (list []Stand, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		states, err := s.store.standing(ctx, tx, Filter{})
		list = byCurrency(states)
		return err
	})
	return list, err
}

// foldFigures adds the differences of ledger_figure together, so that reading stays cheap.
func (store) foldFigures(ctx context.Context, tx *db.Tx) error {
	const sql = `WITH gone AS (DELETE FROM ledger_figure WHERE id IN (SELECT id FROM ledger_figure ORDER BY id LIMIT 100000)
			RETURNING state, tier, method, currency, account, amount)
		INSERT INTO ledger_figure (state, tier, method, currency, account, amount)
		SELECT state, tier, method, currency, account, sum(amount) FROM gone GROUP BY 1, 2, 3, 4, 5 HAVING sum(amount) <> 0`
	_, err := tx.Pgx.Exec(ctx, sql)
	return err
}
