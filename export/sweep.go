package export

import (
	"context"
	"errors"
	"time"

	"offramp/export/storage"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

const (
	sweepBatch   = 200
	reminderSpan = day // how long before the end the contact is told
	orphanAge    = 24 * time.Hour
	passwordAge  = 14 * day
	strandedAge  = time.Minute // so that a request's own transaction is not second-guessed
)

// sweeper does what time brings. Every step may be repeated and may run twice at once.
type sweeper struct {
	*builder
	orphanAge time.Duration
}

func newSweeper(b *builder) *sweeper { return &sweeper{builder: b, orphanAge: orphanAge} }

var sweepScope = db.SystemScope("export sweep")

// run makes one sweep. A step that fails does not keep the others.
func (s *sweeper) run(ctx context.Context) error {
	return errors.Join(s.expire(ctx), s.remind(ctx), s.remove(ctx), s.requeue(ctx), s.forget(ctx), s.observe(ctx))
}

// each calls do for each id that list finds, in a transaction of its own.
func (s *sweeper) each(ctx context.Context, list func(tx *db.Tx) ([]string, error), do func(tx *db.Tx, id string) error) error {
	var found []string
	err := s.DB.InTx(ctx, sweepScope, func(tx *db.Tx) (err error) {
		found, err = list(tx)
		return err
	})
	for _, id := range found {
		err = errors.Join(err, s.DB.InTx(ctx, sweepScope, func(tx *db.Tx) error { return do(tx, id) }))
	}
	return err
}

// expire withdraws the exports whose time has come. Their archives go when the last link to them has run out.
func (s *sweeper) expire(ctx context.Context) error {
	return s.each(ctx, func(tx *db.Tx) ([]string, error) { return s.store.due(ctx, tx, tx.Now, sweepBatch) },
		func(tx *db.Tx, id string) error {
			was, err := s.store.lock(ctx, tx, id)
			if err != nil {
				return err
			}
			next, err := was.Expire(tx.Now)
			if err != nil {
				return nil //nolint:nilerr // another sweep was faster
			}
			if err := s.store.save(ctx, tx, was, next); err != nil {
				return err
			}
			finished.WithLabelValues(string(Expired)).Inc()
			return s.tell(ctx, tx, next, migration.ExportExpired, "", "", audit.Entry{Act: "export.expire"})
		})
}

// remind tells contacts once that their link is about to expire.
func (s *sweeper) remind(ctx context.Context) error {
	return s.each(ctx, func(tx *db.Tx) ([]string, error) { return s.store.ending(ctx, tx, tx.Now, reminderSpan, sweepBatch) },
		func(tx *db.Tx, id string) error {
			e, err := s.store.lock(ctx, tx, id)
			if err != nil {
				return err
			}
			first, err := s.store.markReminded(ctx, tx, id)
			if err != nil || !first {
				return err
			}
			_, err = s.Queue.InsertTx(ctx, tx, letter(e, "export_expiring", e.ID), nil)
			return err
		})
}

// remove deletes objects that nothing needs any more.
func (s *sweeper) remove(ctx context.Context) error {
	var left []object
	err := s.DB.InTx(ctx, sweepScope, func(tx *db.Tx) (err error) {
		left, err = s.store.doomed(ctx, tx, "", tx.Now.Add(-s.LinkTTL), sweepBatch)
		return err
	})
	for _, o := range left {
		s.discard(ctx, o.CustomerID, o.Key)
	}
	return err
}

// requeue gives a job to live exports that have none: the last resort after a mistake with the queue.
func (s *sweeper) requeue(ctx context.Context) error {
	return s.each(ctx, func(tx *db.Tx) ([]string, error) {
		return s.store.stranded(ctx, tx, Args{}.Kind(), tx.Now.Add(-strandedAge), sweepBatch)
	}, func(tx *db.Tx, id string) error {
		e, err := s.store.lock(ctx, tx, id)
		if err != nil || !e.Live() {
			return err
		}
		s.Logger.WarnContext(ctx, "live export without a job", "export", e.Reference())
		return enqueue(ctx, tx, s.store, s.Queue, &e, PriorityUrgent)
	})
}

// forget destroys the passwords of exports that failed so long ago that nobody will try them again.
func (s *sweeper) forget(ctx context.Context) error {
	return s.DB.InTx(ctx, sweepScope, func(tx *db.Tx) error {
		_, err := s.store.forgetPasswords(ctx, tx, tx.Now.Add(-passwordAge))
		return err
	})
}

// observe counts the exports for the metrics.
func (s *sweeper) observe(ctx context.Context) error {
	return s.DB.InTx(ctx, sweepScope, func(tx *db.Tx) error {
		rows, err := tx.Pgx.Query(ctx, overviewSQL)
		if err != nil {
			return err
		}
		all, err := scanOverview(rows)
		if err != nil {
			return err
		}
		for _, state := range []State{Queued, Running, Ready, Failed, Cancelled, Expired} {
			byState.WithLabelValues(string(state)).Set(float64(all.Counts[state]))
		}
		classes, err := s.store.classes(ctx, tx)
		for _, c := range classes {
			oldest.WithLabelValues(c.queue, string(Queued)).Set(c.waits)
			oldest.WithLabelValues(c.queue, string(Running)).Set(c.runs)
			queueDepth.WithLabelValues(c.queue).Set(float64(c.depth))
		}
		return err
	})
}

// orphans removes from the bucket what is older than a day and not in our records: of a worker that died at the worst
// moment, or of a database that was restored.
func (s *sweeper) orphans(ctx context.Context) error {
	var errs []error
	for _, prefix := range []string{keyPrefix, "check/"} {
		errs = append(errs, s.Bucket.ListOlder(ctx, prefix, s.orphanAge, func(l storage.Leftover) error {
			keeps := false
			err := s.DB.InTx(ctx, sweepScope, func(tx *db.Tx) (err error) {
				keeps, err = s.store.keeps(ctx, tx, l.Key)
				return err
			})
			if err != nil || keeps {
				return err
			}
			return s.Bucket.Remove(ctx, l)
		}))
	}
	return errors.Join(errs...)
}
