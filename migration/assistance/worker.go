package assistance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
)

// WatchArgs is the job that brings snoozed requests back and raises those that are late; hourly it weighs open ones anew, as days go by.
type WatchArgs struct {
	Weigh bool `json:"weigh,omitempty"`
}

// Kind is the job's stable name.
func (WatchArgs) Kind() string { return "help_watch" }

// InsertOpts keeps one at a time; the next one makes good what this one could not.
func (WatchArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}}}
}

type watchWorker struct {
	river.WorkerDefaults[WatchArgs]
	service    *Service
	programmes *migration.Programmes
}

// Work watches. It may be killed at any line and run any number of times.
func (w *watchWorker) Work(ctx context.Context, job *river.Job[WatchArgs]) error {
	p, err := w.programmes.Active(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return nil
	}
	if err != nil {
		return err
	}
	if job.Args.Weigh {
		return w.service.Weigh(ctx, p)
	}
	return w.service.Watch(ctx, p)
}

// Register adds the job to a process's workers.
func Register(workers *river.Workers, s *Service, programmes *migration.Programmes) {
	river.AddWorker(workers, &watchWorker{service: s, programmes: programmes})
}

// Periodic enqueues the job each minute, and hourly the one that weighs.
func Periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(time.Minute), func() (river.JobArgs, *river.InsertOpts) { return WatchArgs{}, nil },
			&river.PeriodicJobOpts{ID: "help_watch", RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(time.Hour), func() (river.JobArgs, *river.InsertOpts) { return WatchArgs{Weigh: true}, nil },
			&river.PeriodicJobOpts{ID: "help_weigh", RunOnStart: true}),
	}
}

// watchAtOnce is how many requests one transaction changes.
const watchAtOnce = 200

const watcher = "worker"

var watchScope = db.SystemScope("requests for help")

// Watch does once what the job does each minute. Each request is changed in a transaction with what follows, once, however often it is run.
func (s *Service) Watch(ctx context.Context, p *migration.Programme) error {
	for _, look := range []func(context.Context, *db.Tx, int) ([]string, error){s.store.backIDs, s.store.lateIDs} {
		if err := s.each(ctx, p, look); err != nil {
			return err
		}
	}
	return s.db.InTx(ctx, watchScope, func(tx *db.Tx) error { return s.store.sweepPresence(ctx, tx) })
}

// each changes what look finds, until it finds nothing more.
func (s *Service) each(ctx context.Context, p *migration.Programme, look func(context.Context, *db.Tx, int) ([]string, error)) error {
	for {
		var ids []string
		err := s.db.InTx(ctx, watchScope, func(tx *db.Tx) (err error) {
			if ids, err = look(ctx, tx, watchAtOnce); err != nil {
				return err
			}
			for _, id := range ids {
				if err := s.attend(ctx, tx, p, id); err != nil {
					return fmt.Errorf("watch request for help %s: %w", id, err)
				}
			}
			return nil
		})
		if err != nil || len(ids) < watchAtOnce {
			return err
		}
	}
}

// attend brings one request back, or raises it where its answer is late. A late one comes back as well: a colleague who has put it off
// may be away.
func (s *Service) attend(ctx context.Context, tx *db.Tx, p *migration.Programme, id string) error {
	r, err := s.store.lock(ctx, tx, id)
	if err != nil || r.State != Open {
		return err
	}
	late := r.EscalatedAt == nil && r.Late(tx.Now)
	if r.SnoozedUntil != nil && (late || !r.SnoozedUntil.After(tx.Now)) {
		r.SnoozedUntil = nil
		if err := s.add(ctx, tx, &r, Entry{Kind: Woken, Actor: watcher}); err != nil && !errors.Is(err, ErrFull) {
			return err
		}
	}
	if late {
		if err := s.raise(ctx, tx, p, &r); err != nil {
			return err
		}
	}
	return s.store.watched(ctx, tx, r)
}

// raise puts a late request before all others and writes to the help desk.
func (s *Service) raise(ctx context.Context, tx *db.Tx, p *migration.Programme, r *Request) error {
	r.Priority, r.EscalatedAt = Raised, &tx.Now
	if err := s.add(ctx, tx, r, Entry{Kind: Late, Actor: watcher}); err != nil && !errors.Is(err, ErrFull) {
		return err
	}
	if p.Help.Email != "" {
		if err := s.write(ctx, tx, mail.HelpLate, *r, map[string]string{"desk": p.Fallback()}); err != nil {
			return err
		}
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: watcher, ActorKind: audit.System, Act: "help.late", Object: subject(*r), CustomerID: r.CustomerID,
		Detail: map[string]any{"due": r.DueAt, "owner": r.Owner},
	})
}

// Weigh raises the priority of open requests whose customers' last days have come near. What was promised stays, or becomes sooner.
func (s *Service) Weigh(ctx context.Context, p *migration.Programme) error {
	after := ""
	for {
		var ids []string
		err := s.db.InTx(ctx, watchScope, func(tx *db.Tx) (err error) {
			if ids, err = s.store.openIDs(ctx, tx, after, watchAtOnce); err != nil {
				return err
			}
			for _, id := range ids {
				if err := s.reweighOne(ctx, tx, p, id); err != nil {
					return fmt.Errorf("weigh request for help %s: %w", id, err)
				}
			}
			return nil
		})
		if err != nil || len(ids) < watchAtOnce {
			return err
		}
		after = ids[len(ids)-1]
	}
}

func (s *Service) reweighOne(ctx context.Context, tx *db.Tx, p *migration.Programme, id string) error {
	r, err := s.store.lock(ctx, tx, id)
	if err != nil || r.State != Open || r.Priority <= Urgent {
		return err
	}
	tier, extensions, err := s.store.standing(ctx, tx, r.CustomerID)
	if err != nil {
		return err
	}
	priority := priorityOf(p, tier, extensions, tx.Now)
	if priority >= r.Priority {
		return nil
	}
	r.Priority = priority
	if due := dueAt(p, priority, tx.Now); due.Before(r.DueAt) {
		r.DueAt = due
	}
	return s.store.watched(ctx, tx, r)
}
