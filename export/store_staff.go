package export

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// A failed export that a later one has replaced is nobody's trouble any more.
const troublesSQL = `SELECT ` + columns + seen + `, c.ref, c.name
	  FROM export e JOIN customer c ON c.id = e.customer_id
	 WHERE (e.state = 'failed' OR e.state IN ('queued', 'running') AND e.failures > 0)
	   AND NOT EXISTS (SELECT FROM export later WHERE later.customer_id = e.customer_id AND later.number > e.number)
	 ORDER BY e.requested_at, e.number LIMIT $1`

func (s store) troubles(ctx context.Context, tx *db.Tx, limit int) ([]Troubled, error) {
	rows, err := tx.Pgx.Query(ctx, troublesSQL, limit)
	if err != nil {
		return nil, fmt.Errorf("list troubles: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Troubled, err error) {
		t.Export, err = scan(wider{row, []any{&t.CustomerRef, &t.CustomerName}})
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("list troubles: %w", err)
	}
	return list, nil
}

func (s store) customerOf(ctx context.Context, tx *db.Tx, number int64) (id string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT coalesce((SELECT customer_id FROM export WHERE number = $1), '')`, number).Scan(&id)
	return id, err
}

// wider is a row with more columns behind those that scan knows.
type wider struct {
	pgx.Row
	more []any
}

func (w wider) Scan(to ...any) error { return w.Row.Scan(append(to, w.more...)...) }

// overviewSQL counts the exports, for operators' page and metrics alike.
const overviewSQL = `SELECT state, count(*), min(requested_at) FROM export GROUP BY state`

func scanOverview(rows pgx.Rows) (Overview, error) {
	o := Overview{Counts: map[State]int64{}, Oldest: map[State]time.Time{}}
	var state State
	var n int64
	var oldest time.Time
	_, err := pgx.ForEachRow(rows, []any{&state, &n, &oldest}, func() error {
		o.Counts[state] = n
		if state == Queued || state == Running {
			o.Oldest[state] = oldest
		}
		return nil
	})
	return o, err
}
