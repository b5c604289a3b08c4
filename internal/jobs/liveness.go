package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// lockKeySQL is the advisory lock of the client named $1.
const lockKeySQL = `hashtextextended('offramp worker ' || $1, 0)`

const (
	pingEvery   = time.Second
	pingTimeout = time.Second
	retryEvery  = 200 * time.Millisecond
)

// liveness holds the session lock that shows others that this client is alive.
type liveness struct {
	id     string
	config *pgx.ConnConfig
	logger *slog.Logger
	conn   *pgx.Conn // nil while the lock is lost; touched by acquire, keep and release only, which do not overlap
	locked atomic.Bool
	losses atomic.Int64 // how often the lock was lost
}

// newLiveness prepares a connection outside the pool: a pool may close or lend what is idle. Both ends probe it, so that a
// machine that vanishes without a word loses its lock within some ten seconds.
func newLiveness(config *pgx.ConnConfig, id string, logger *slog.Logger) *liveness {
	config = config.Copy()
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3,
	}}
	config.DialFunc = dialer.DialContext
	config.RuntimeParams["tcp_keepalives_idle"] = "5"
	config.RuntimeParams["tcp_keepalives_interval"] = "2"
	config.RuntimeParams["tcp_keepalives_count"] = "3"
	config.RuntimeParams["application_name"] = id
	return &liveness{id: id, config: config, logger: logger}
}

func (l *liveness) held() bool { return l.locked.Load() }

// acquire connects and takes the lock. The lock may be taken for a moment by a reaper that looks at us, or by our own lost
// session until the server has noticed: both end by themselves.
func (l *liveness) acquire(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return fmt.Errorf("connect for the worker's lock: %w", err)
	}
	for {
		var got bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(`+lockKeySQL+`)`, l.id).Scan(&got); err != nil {
			shut(conn)
			return fmt.Errorf("take the worker's lock: %w", err)
		}
		if got {
			if err := l.register(ctx, conn); err != nil {
				shut(conn)
				return err
			}
			l.conn = conn
			l.locked.Store(true)
			return nil
		}
		if !sleep(ctx, retryEvery) {
			shut(conn)
			return fmt.Errorf("take the worker's lock: %w", ctx.Err())
		}
	}
}

// register notes the client's name for those who look at the queue, and forgets the names of clients whose lock is free.
func (l *liveness) register(ctx context.Context, conn *pgx.Conn) error {
	const forget = `DELETE FROM queue_worker w WHERE w.id <> $1 AND pg_try_advisory_xact_lock(hashtextextended('offramp worker ' || w.id, 0))`
	if _, err := conn.Exec(ctx, forget, l.id); err != nil {
		return fmt.Errorf("forget workers that ended: %w", err)
	}
	const note = `INSERT INTO queue_worker (id, since) VALUES ($1, now()) ON CONFLICT (id) DO NOTHING`
	if _, err := conn.Exec(ctx, note, l.id); err != nil {
		return fmt.Errorf("note the worker's name: %w", err)
	}
	return nil
}

// keep watches the connection and takes the lock again when it was lost, until ctx ends.
func (l *liveness) keep(ctx context.Context) {
	defer l.release()
	for sleep(ctx, pingEvery) {
		err := l.ping(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		l.lost(err)
		for ctx.Err() == nil {
			if err := l.acquire(ctx); err == nil {
				l.logger.WarnContext(ctx, "worker lock taken again")
				break
			}
			sleep(ctx, retryEvery)
		}
	}
}

func (l *liveness) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return l.conn.Ping(ctx)
}

func (l *liveness) lost(cause error) {
	l.losses.Add(1)
	lockLosses.Inc()
	l.release()
	l.logger.Error("worker lock lost", slog.Any("error", cause))
}

func (l *liveness) release() {
	l.locked.Store(false)
	if l.conn != nil {
		shut(l.conn)
		l.conn = nil
	}
}

// shut closes a connection that may be dead.
func shut(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}

// sleep waits for d and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// errTaken is the cause with which an attempt ends whose job was given to another worker.
var errTaken = errors.New("jobs: the job was given to another worker")
