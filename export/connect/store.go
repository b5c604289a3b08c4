package connect

import (
	"context"
	"fmt"
	"time"

	"offramp/internal/db"
)

// paceStore is the only place that knows the table of the sources' paces.
type paceStore struct {
	db *db.DB
}

// keepPace reserves a stretch of a source's time, at the earliest after a hold, and tells how long it is until it
// begins.
func (s paceStore) keepPace(ctx context.Context, source string, stretch, hold time.Duration) (wait time.Duration, err error) {
	const sql = `
		INSERT INTO source_pace AS p (source, next_at) VALUES ($1, clock_timestamp() + make_interval(secs => $2::float8 + $3::float8))
		ON CONFLICT (source) DO UPDATE SET next_at = greatest(p.next_at, clock_timestamp() + make_interval(secs => $3::float8)) + make_interval(secs => $2::float8)
		RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 - $2::float8`
	err = s.db.InTx(ctx, db.SystemScope("source pace"), func(tx *db.Tx) error {
		var seconds float64
		if err := tx.Pgx.QueryRow(ctx, sql, source, stretch.Seconds(), hold.Seconds()).Scan(&seconds); err != nil {
			return fmt.Errorf("pace of source %s: %w", source, err)
		}
		wait = max(0, time.Duration(seconds*float64(time.Second)))
		return nil
	})
	return wait, err
}
