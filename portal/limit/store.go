package limit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Store counts in the table rate_limit, by the database's clock: replicas' clocks differ.
type Store struct {
	Pool *pgxpool.Pool
}

var _ Buckets = Store{}

// takeSQL is the generic cell rate algorithm in one statement. The row is locked for as long as it takes, which only requests of
// the same key notice. The second part reads the row as it was before the first.
const takeSQL = `WITH took AS (
		INSERT INTO rate_limit AS r (key, until) VALUES ($1, clock_timestamp() + $2::interval)
		ON CONFLICT (key) DO UPDATE SET until = greatest(r.until, clock_timestamp()) + $2::interval
		WHERE greatest(r.until, clock_timestamp()) + $2::interval <= clock_timestamp() + $3::interval
		RETURNING 1)
	SELECT CASE WHEN EXISTS (SELECT FROM took) THEN interval '0'
		ELSE coalesce((SELECT greatest(until + $2::interval - $3::interval - clock_timestamp(), interval '1 millisecond') FROM rate_limit WHERE key = $1),
			$2::interval) END`

// Take implements Buckets.
func (s Store) Take(ctx context.Context, key string, tokens, burst int, every time.Duration) (wait time.Duration, err error) {
	cost, room := time.Duration(tokens)*every, time.Duration(burst)*every
	if err := s.Pool.QueryRow(ctx, takeSQL, key, cost, room).Scan(&wait); err != nil {
		return 0, fmt.Errorf("take from a bucket: %w", err)
	}
	return wait, nil
}

const leaseSQL = `INSERT INTO rate_limit AS r (key, until) VALUES ($1, clock_timestamp() + $2::interval)
	ON CONFLICT (key) DO UPDATE SET until = excluded.until WHERE r.until <= clock_timestamp() RETURNING until`

// lease takes a key that nobody holds. until is what renew asks for.
func (s Store) lease(ctx context.Context, key string) (until time.Time, taken bool, err error) {
	err = s.Pool.QueryRow(ctx, leaseSQL, key, leaseFor).Scan(&until)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("take a lease: %w", err)
	}
	return until, true, nil
}

// renewWithin bounds how long giving back waits.
const renewWithin = 5 * time.Second

// renew has a lease that is still held last for so long from now; 0 gives it back.
func (s Store) renew(ctx context.Context, key string, until time.Time, last time.Duration) (next time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, renewWithin)
	defer cancel()
	err = s.Pool.QueryRow(ctx, `UPDATE rate_limit SET until = clock_timestamp() + $3::interval WHERE key = $1 AND until = $2 RETURNING until`, key, until, last).Scan(&next)
	if err != nil {
		return time.Time{}, fmt.Errorf("renew a lease: %w", err)
	}
	return next, nil
}
