package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"offramp/export/connect"
	"offramp/export/profile"
	"offramp/export/storage"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/secret"
	"offramp/migration"
)

// Programmes tells which programme is in force.
type Programmes interface {
	// Active returns the programme that has been approved last.
	Active(ctx context.Context) (*migration.Programme, error)
}

// Config is what building exports takes. The first seven are required.
type Config struct {
	DB         *db.DB
	Journey    *migration.Service
	Queue      *jobs.Client // for mails and further jobs; an inserter will do
	Bucket     *storage.Bucket
	Sources    *connect.Sources
	Programmes Programmes
	Logger     *slog.Logger

	Retries   int             // tries until an export has failed; default 5
	Backoff   []time.Duration // waits between them, the last for all later ones; default 5 s, 15 s, 1 min, 5 min
	LinkTTL   time.Duration   // as in Options: an expired archive is removed when the last link to it has run out
	Heartbeat time.Duration   // between two checks of the fence; default 1 s
	Large     int64           // raw bytes from which an export is left to the workers of large ones; default 256 MiB
	Unit      int64           // bytes of what a customer knows as a GiB of a volume's size; default 1 GiB, less in tests
	MaxRows   int64           // most rows of one dataset in one export; 0: no bound
	// Passwords opens those of exports that are to be locked; nil: such exports wait for another worker.
	Passwords *secret.Vault
	Rate      int64 // bytes a second that one volume of a large export packs at most, in all its formats; 0: no bound
}

func (c Config) withDefaults() Config {
	if c.Retries <= 0 {
		c.Retries = 5
	}
	if len(c.Backoff) == 0 {
		c.Backoff = []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute}
	}
	if c.LinkTTL <= 0 {
		c.LinkTTL = Options{}.withDefaults().LinkTTL
	}
	if c.Heartbeat <= 0 {
		c.Heartbeat = time.Second
	}
	if c.Large <= 0 {
		c.Large = 256 << 20
	}
	if c.Unit <= 0 {
		c.Unit = 1 << 30
	}
	return c
}

const (
	keyPrefix = "exports/"
	// maxDeaths is after how many attempts that ended without a word an export is given up: it may be what kills
	// workers.
	maxDeaths = 20
	// maxTries is the same for one volume.
	maxTries = 60
	// maxHelpers is how many jobs may help with one export.
	maxHelpers = 7
	// tidyLimit bounds what an attempt does after its end.
	tidyLimit = 15 * time.Second
)

// builder builds exports. Safe for concurrent use.
type builder struct {
	Config
	store    store
	throttle throttle
	at       func(point string) // told at each point where a death would be of interest; tests kill there
}

func newBuilder(c Config) *builder {
	return &builder{Config: c.withDefaults(), store: store{db: c.DB}, at: func(string) {}}
}

// task is one run of a job for an export.
type task struct {
	exportID, customerID string
	job                  int64 // its id; below zero: no job of the queue
	priority             int
	large                bool // it runs among the large ones
}

// attempt is what one job has in hand of an export's attempt.
type attempt struct {
	Export
	task
	shared    shared
	customer  account
	programme *migration.Programme
	view      *view // nil until it is opened
	imports   *profile.Profile
	leads     bool // it made the plan, so that it alone can read what cannot be joined
	began     time.Time
	stop      context.CancelCauseFunc // ends all of it
	forecast  forecast                // used by heartbeat only

	mu   sync.Mutex // held by heartbeat while it checks the fence, so that it does not mistake a seal for one
	work *work      // nil between two volumes
}

// account is the customer as archives name it.
type account struct{ ref, name, zone string }

// work is one try of one volume.
type work struct {
	number, tries int
	key           string // of its object
	pieces        []piece
	ledger        *ledger
	stop          context.CancelCauseFunc // ends this try; nil before it begins
}

// several reports whether the attempt has more than one volume. Then trouble with one leaves the others as they are.
func (a *attempt) several() bool { return a.shared.Volumes > 1 }

// turn makes w the volume that the attempt works at. It waits for a heartbeat that is checking the one before.
func (a *attempt) turn(w *work) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.work = w
}

// run makes an attempt, or goes on with one whose job died. Its error means that the same should be tried again later,
// unless it is errGivenUp.
func (b *builder) run(ctx context.Context, t task) error {
	if !t.large {
		defer b.throttle.enter()()
	}
	a, w, err := b.claim(ctx, t, false)
	if err == nil && w == nil {
		a, w, err = b.rejoin(ctx, a)
	}
	if errors.Is(err, ErrMoved) || errors.Is(err, ErrNotFound) {
		return nil // cancelled, or built already
	}
	if err != nil {
		return fmt.Errorf("claim export %s: %w", t.exportID, err)
	}
	b.at("claimed")
	if a.Attempt > 1 {
		b.discardOthers(ctx, a)
	}
	return b.attend(ctx, a, w)
}

// attend works at an attempt under the watch of its fence. A nil w means that the plan is made and a volume is to be
// found.
func (b *builder) attend(ctx context.Context, a *attempt, w *work) error {
	inner, cancel := context.WithCancelCause(ctx)
	a.stop = cancel
	a.turn(w)
	beating := make(chan struct{})
	go func() { defer close(beating); b.heartbeat(inner, a) }()
	err := b.lead(ctx, inner, a, w)
	cancel(nil)
	<-beating
	b.leave(ctx, a)
	return err
}

// lead plans where that is to be done, and builds one volume after the other until there is none left.
func (b *builder) lead(ctx, inner context.Context, a *attempt, w *work) error {
	if a.view == nil {
		more, err := b.prepare(inner, a, w)
		if err != nil {
			_, err = b.settle(ctx, a, w, fenced(inner, err))
			return err
		}
		if !more {
			return nil
		}
	}
	for {
		if w == nil {
			var err error
			if w, err = b.next(inner, a); err != nil {
				return b.ended(ctx, a, fenced(inner, err))
			}
		}
		last, err := b.volume(inner, a, w)
		if err != nil {
			again, err := b.settle(ctx, a, w, err)
			if err != nil || !again {
				return err
			}
		}
		if last {
			b.celebrate(ctx, a)
			return nil
		}
		w = nil
	}
}

// ended says what the end of a search for work means: nothing, where the export is sealed, cancelled or another's.
func (b *builder) ended(ctx context.Context, a *attempt, err error) error {
	if errors.Is(err, errFenced) {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("find a volume of %s: %w", a.Reference(), err)
}

// fenced is errFenced where that is why ctx ended.
func fenced(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errFenced) {
		return errFenced
	}
	return err
}

func (b *builder) celebrate(ctx context.Context, a *attempt) {
	finished.WithLabelValues(string(Ready)).Inc()
	seconds.Observe(time.Since(a.began).Seconds())
	b.Logger.InfoContext(ctx, "export ready", slog.String("export", a.Reference()), slog.Int("attempt", a.Attempt),
		slog.Int("volumes", max(a.shared.Volumes, 1)), slog.Duration("took", time.Since(a.began)))
}

// leave ends the snapshots, and says so where others were told of them.
func (b *builder) leave(ctx context.Context, a *attempt) {
	a.view.Close()
	if !a.several() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyLimit)
	defer cancel()
	err := b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error { return b.store.dropLeases(ctx, tx, a.ID, a.job) })
	if err != nil { // whoever tries to join finds that there is nothing
		b.Logger.DebugContext(ctx, "withdraw snapshots", slog.String("export", a.Reference()), slog.Any("error", err))
	}
}

// portalTime turns an instant of the world, of which a source's is one, into the portal's time, which may be shifted.
func (b *builder) portalTime(t time.Time) time.Time {
	ahead := b.DB.Clock.Now().Sub(time.Now()) //nolint:staticcheck // how far the portal runs ahead, not a wait
	return t.Add(ahead).UTC().Truncate(time.Microsecond)
}

func keep(p *migration.Programme) time.Duration {
	if p.Export.KeepDays <= 0 {
		return 7 * day
	}
	return time.Duration(p.Export.KeepDays) * day
}
