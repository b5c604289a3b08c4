package refund

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"offramp/internal/db"
)

type payWorker struct {
	river.WorkerDefaults[PayArgs]
	service *Service
}

// Work brings one attempt forward. It may be killed at any line and run any number of times.
func (w *payWorker) Work(ctx context.Context, job *river.Job[PayArgs]) error {
	err := w.service.bring(ctx, job.Args.RefundID, job.Args.Number)
	var later errNotYet
	if errors.As(err, &later) {
		return nil // the reconciler comes back to it
	}
	return err
}

// NextRetry is soon: only the database can fail here, and what was called meanwhile is looked up.
func (w *payWorker) NextRetry(job *river.Job[PayArgs]) time.Time {
	return time.Now().Add(time.Duration(min(job.Attempt, 60)) * time.Second)
}

type handOutWorker struct {
	river.WorkerDefaults[HandOutArgs]
	service *Service
}

// Work enqueues the payments. Doing it again enqueues them again, which pays nothing twice.
func (w *handOutWorker) Work(ctx context.Context, job *river.Job[HandOutArgs]) error {
	return w.service.handOut(ctx, job.Args)
}

// NextRetry is soon: only the database can fail here.
func (w *handOutWorker) NextRetry(job *river.Job[HandOutArgs]) time.Time {
	return time.Now().Add(time.Duration(min(job.Attempt, 60)) * time.Second)
}

// handOut enqueues what was released.
func (s *Service) handOut(ctx context.Context, a HandOutArgs) error {
	return s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		planned, err := s.store.handOut(ctx, tx, a)
		if err != nil {
			return err
		}
		return payAll(ctx, tx, s.Jobs, planned)
	})
}

type eventWorker struct {
	river.WorkerDefaults[EventArgs]
	service *Service
}

// Work folds one event in.
func (w *eventWorker) Work(ctx context.Context, job *river.Job[EventArgs]) error {
	return w.service.foldEvent(ctx, job.Args.Provider, job.Args.ID)
}

// NextRetry is soon: only the database can fail here.
func (w *eventWorker) NextRetry(job *river.Job[EventArgs]) time.Time {
	return time.Now().Add(time.Duration(min(job.Attempt, 60)) * time.Second)
}

type reconcileWorker struct {
	river.WorkerDefaults[ReconcileArgs]
	service *Service
}

// Work hands what is due to the payout workers.
func (w *reconcileWorker) Work(ctx context.Context, _ *river.Job[ReconcileArgs]) error {
	return w.service.Reconcile(ctx)
}

type dailyWorker struct {
	river.WorkerDefaults[DailyArgs]
	service *Service
}

// Work does what has to be done each day.
func (w *dailyWorker) Work(ctx context.Context, _ *river.Job[DailyArgs]) error {
	return w.service.Daily(ctx)
}

type refreshWorker struct {
	river.WorkerDefaults[RefreshArgs]
	service *Service
}

// Work works out anew what a change of the programme or of a customer's own day concerns.
func (w *refreshWorker) Work(ctx context.Context, _ *river.Job[RefreshArgs]) error {
	if w.service.Refresh == nil {
		return nil
	}
	return w.service.Refresh(ctx)
}

// reconcileAtOnce bounds what one run hands out.
const reconcileAtOnce = 1000

// Reconcile enqueues every attempt that is due: look-ups, calls that a worker died over, calls that nobody began. It also folds
// the kept totals together, and looks whether documents wait for the scanner.
func (s *Service) Reconcile(ctx context.Context) error {
	return s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		due, err := s.store.dueAttempts(ctx, tx, reconcileAtOnce)
		if err != nil {
			return err
		}
		if err := payAll(ctx, tx, s.Jobs, due); err != nil {
			return err
		}
		if err := s.store.foldTotals(ctx, tx); err != nil {
			return err
		}
		if err := s.store.foldFigures(ctx, tx); err != nil {
			return err
		}
		return s.measureScans(ctx, tx)
	})
}

// Register adds what pays, reconciles and closes to a process's workers.
func Register(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &payWorker{service: s})
	river.AddWorker(workers, &handOutWorker{service: s})
	river.AddWorker(workers, &eventWorker{service: s})
	river.AddWorker(workers, &reconcileWorker{service: s})
	river.AddWorker(workers, &dailyWorker{service: s})
	river.AddWorker(workers, &refreshWorker{service: s})
	registerDocuments(workers, s)
}

// refreshEvery bounds how long a customer is told an amount of the programme before. An approval does not wait for it: working
// out a million amounts takes minutes.
const refreshEvery = 5 * time.Minute

// Periodic lists the jobs that run without being asked for.
func Periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(time.Minute), func() (river.JobArgs, *river.InsertOpts) { return ReconcileArgs{}, nil },
			&river.PeriodicJobOpts{ID: "refund_reconcile", RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(24*time.Hour), func() (river.JobArgs, *river.InsertOpts) { return DailyArgs{}, nil },
			&river.PeriodicJobOpts{ID: "refund_daily", RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(refreshEvery), func() (river.JobArgs, *river.InsertOpts) { return RefreshArgs{}, nil },
			&river.PeriodicJobOpts{ID: "refund_refresh", RunOnStart: true}),
		periodicDocuments(),
	}
}
