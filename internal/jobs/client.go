package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"offramp/internal/db"
)

const (
	// At River's default of 100 ms between fetches a few workers starve.
	fetchCooldown = 10 * time.Millisecond
	// fetchPoll finds jobs where a notification was lost.
	fetchPoll = 500 * time.Millisecond
	// maxNameLength keeps the whole client id below River's 100 characters.
	maxNameLength = 60
)

// Config says what a working client works on.
type Config struct {
	ID       string               // name of the worker in logs, such as the host's name; made unique per process
	Workers  *river.Workers       // what it can do
	Queues   map[string]int       // queue -> jobs at a time
	Periodic []*river.PeriodicJob // enqueued by whichever client leads
	Logger   *slog.Logger         // required
	Drain    time.Duration        // how long Stop lets running jobs go on before it cancels them
}

// Client enqueues jobs and, if made by New, works them. Safe for concurrent use.
type Client struct {
	river   *river.Client[pgx.Tx]
	logger  *slog.Logger
	live    *liveness
	running *running
	reaper  *reaper
	done    chan struct{} // closed when a started client has stopped altogether
}

// NewInserter makes a client that only enqueues, for processes that do no work.
func NewInserter(d *db.DB) (*Client, error) {
	c, err := river.NewClient(riverpgxv5.New(d.Pool), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	return &Client{river: c}, nil
}

// New makes a client that works the given queues once it is started.
func New(d *db.DB, cfg Config) (*Client, error) {
	if len(cfg.Queues) == 0 || cfg.Workers == nil || cfg.Logger == nil {
		return nil, errors.New("open queue: a working client needs queues, workers and a logger")
	}
	id := clientID(cfg.ID)
	logger := cfg.Logger.With(slog.String("worker", id))
	live := newLiveness(d.Pool.Config().ConnConfig, id, logger)
	running := newRunning(d.Pool, id, live)
	queues := make(map[string]river.QueueConfig, len(cfg.Queues))
	for name, workers := range cfg.Queues {
		queues[name] = river.QueueConfig{MaxWorkers: workers}
	}
	c, err := river.NewClient(riverpgxv5.New(d.Pool), &river.Config{
		ID: id, Workers: cfg.Workers, Queues: queues, PeriodicJobs: cfg.Periodic,
		FetchCooldown: fetchCooldown, FetchPollInterval: fetchPoll,
		JobTimeout: -1, SoftStopTimeout: cfg.Drain,
		ErrorHandler:      &failures{logger: logger},
		Middleware:        []rivertype.Middleware{running},
		ReindexerSchedule: river.NeverSchedule(), // the application role does not own the indexes
		Logger:            slog.New(quiet{logger.Handler()}),
	})
	if err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	return &Client{
		river: c, logger: logger, live: live, running: running,
		reaper: newReaper(d.Pool, id, running, logger), done: make(chan struct{}),
	}, nil
}

// idPrefix marks our clients among any others that may use the queue's tables.
const idPrefix = "offramp."

// clientID is unique per process: a worker that was killed and started again under its old name must not pass for the
// dead one.
func clientID(name string) string {
	if name == "" {
		name = "worker"
	}
	return idPrefix + name[:min(len(name), maxNameLength)] + "." + rand.Text()[:12]
}

// ID names this client in river_job.attempted_by and in logs. Empty for an inserter.
func (c *Client) ID() string {
	if c.live == nil {
		return ""
	}
	return c.live.id
}

// Live reports whether the client's lock is held: other workers take its jobs when it is not, for more than two seconds.
func (c *Client) Live() bool { return c.live != nil && c.live.held() }

// River gives access to the queue's own client, for the operators' view.
func (c *Client) River() *river.Client[pgx.Tx] { return c.river }

// InsertTx enqueues a job in the caller's transaction and returns its id. A job that already exists by its unique options
// is not enqueued again: the id is that of the existing one.
func (c *Client) InsertTx(ctx context.Context, tx *db.Tx, args river.JobArgs, opts *river.InsertOpts) (int64, error) {
	r, err := c.river.InsertTx(ctx, tx.Pgx, args, opts)
	if err != nil {
		return 0, fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return r.Job.ID, nil
}

// InsertManyTx enqueues jobs in the caller's transaction by one statement. Those that already exist by their unique options
// are not enqueued again.
func (c *Client) InsertManyTx(ctx context.Context, tx *db.Tx, list []river.InsertManyParams) error {
	if len(list) == 0 {
		return nil
	}
	if _, err := c.river.InsertManyTx(ctx, tx.Pgx, list); err != nil {
		return fmt.Errorf("enqueue %d jobs: %w", len(list), err)
	}
	return nil
}

// CancelTx cancels a job in the caller's transaction: one that waits will not run, the context of one that runs is
// cancelled. A job that has ended, or is unknown, is no error.
func (c *Client) CancelTx(ctx context.Context, tx *db.Tx, jobID int64) error {
	_, err := c.river.JobCancelTx(ctx, tx.Pgx, jobID)
	if err != nil && !errors.Is(err, rivertype.ErrNotFound) {
		return fmt.Errorf("cancel job %d: %w", jobID, err)
	}
	return nil
}

// Start takes the client's lock and begins to work. It fails if the database does not give the lock. When ctx ends, the
// client stops as by Stop.
func (c *Client) Start(ctx context.Context) error {
	if c.live == nil {
		return errors.New("start queue: this client only enqueues")
	}
	if err := c.live.acquire(ctx); err != nil {
		return fmt.Errorf("start queue: %w", err)
	}
	// The lock outlives ctx: jobs that still run while the client drains must not be taken for dead.
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if err := c.river.Start(ctx); err != nil {
		cancel()
		c.live.release()
		return fmt.Errorf("start queue: %w", err)
	}
	kept, reaped := make(chan struct{}), make(chan struct{})
	go func() { defer close(kept); c.live.keep(background) }()
	go func() { defer close(reaped); c.reaper.run(background) }()
	go func() {
		defer close(c.done)
		<-c.river.Stopped()
		cancel()
		<-kept
		<-reaped
	}()
	return nil
}

// Stop fetches no more jobs, lets those that run go on for Config.Drain, then cancels their contexts, and waits until all
// have returned or ctx ends. A job cut short by it is available again at once and the attempt does not count.
func (c *Client) Stop(ctx context.Context) error {
	if err := c.river.Stop(ctx); err != nil {
		return fmt.Errorf("stop queue: %w", err)
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop queue: %w", ctx.Err())
	}
}
