package replacement

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// tallies counts the decisions that count.
func (store) tallies(ctx context.Context, tx *db.Tx) ([]Tally, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT decision, replacement, state, reason, count(*) FROM replacement_choice
		WHERE state NOT IN ('undone', 'replaced') GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4`)
	if err != nil {
		return nil, fmt.Errorf("count decisions: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Tally, err error) {
		return t, row.Scan(&t.Decision, &t.Replacement, &t.State, &t.Reason, &t.Customers)
	})
	if err != nil {
		return nil, fmt.Errorf("count decisions: %w", err)
	}
	return list, nil
}
