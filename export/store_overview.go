package export

import (
	"time"

	"github.com/jackc/pgx/v5"
)

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
