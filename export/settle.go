package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"offramp/export/archive"
	"offramp/export/source"
	"offramp/export/storage"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// recordPause lies between two tries to record an outcome.
const recordPause = 500 * time.Millisecond

// errGivenUp marks an attempt after which the export has failed.
var errGivenUp = errors.New("export: given up")

// verdict is what becomes of an export after trouble.
type verdict struct {
	Trouble
	retry bool
	label string // in metrics
}

// judge tells trouble that passes, or that an operator mends while we try, from trouble that stays until somebody
// changes the programme.
func judge(err error) verdict {
	v := verdict{Trouble: Trouble{Delayed: "export.delayed", Cause: err.Error()}, retry: true, label: "other"}
	var counts *archive.CountError
	if errors.Is(err, ErrPasswordGone) {
		return verdict{Trouble: Trouble{Delayed: "export.delayed_password", Cause: err.Error()}, label: "password"}
	}
	v.Dataset = source.DatasetOf(err)
	switch kind := source.KindOf(err); kind {
	case source.Unavailable, source.Locked, source.Denied, source.Inconsistent:
		v.Delayed, v.label = "export.delayed_source", "source_"+string(kind)
		return v
	case source.Schema, source.Invalid:
		v.label, v.retry = "source_"+string(kind), false
		return v
	}
	if kind := storage.KindOf(err); kind != "" {
		v.Delayed, v.label = "export.delayed_storage", "storage_"+string(kind)
		return v
	}
	if errors.As(err, &counts) {
		v.label, v.retry = "counts", false
	}
	return v
}

// outcome is what was recorded of a try that did not seal, or does not know whether it did.
type outcome struct {
	state  State // of the export, where the trouble moved it or was noted; empty: it was not for this try to say
	sealed bool  // it had sealed after all; the answer was lost
	last   bool  // and with it the export
}

// settle ends a try that did not seal, or does not know whether it did. It reports whether the attempt may go on with
// another volume; its error is what the queue is told. A nil w means that the attempt had none in hand.
func (b *builder) settle(ctx context.Context, a *attempt, w *work, err error) (again bool, _ error) {
	stopped := ctx.Err() != nil // the worker stops or lost the job: nothing is wrong with the export, and another attempt follows
	a.turn(nil)
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyLimit)
	defer cancel()
	v := judge(err)
	o, txErr := b.record(after, a, w, v, stopped)
	for txErr != nil && pause(after, recordPause) { // a database that restarts is back in a moment
		o, txErr = b.record(after, a, w, v, stopped)
	}
	if txErr != nil { // the object stays for the sweep, which knows whether it is needed
		return false, errors.Join(err, fmt.Errorf("settle %s: %w", a.Reference(), txErr))
	}
	if o.sealed {
		return !o.last, nil
	}
	if w != nil {
		b.discard(after, a.CustomerID, w.key)
	}
	log := b.Logger.With(slog.String("export", a.Reference()), slog.Int("attempt", a.Attempt))
	switch {
	case stopped:
		return false, context.Cause(ctx)
	case o.state == "":
		log.InfoContext(after, "export attempt overtaken")
		return false, nil // the job, if it still is to run, runs elsewhere
	}
	troubles.WithLabelValues(v.label).Inc()
	log.WarnContext(after, "export attempt failed", slog.String("state", string(o.state)), slog.Any("error", err))
	switch {
	case o.state == Failed:
		finished.WithLabelValues(string(Failed)).Inc()
		return false, errors.Join(errGivenUp, err)
	case o.state == Running && storage.KindOf(err) != "": // the snapshots are as good as before
		if !pause(ctx, b.Backoff[min(a.Failures, len(b.Backoff)-1)]) {
			return false, context.Cause(ctx)
		}
		a.Failures++
		return true, nil
	}
	return false, err
}

// record writes what a try decides about its export: nothing where it was stopped or overtaken.
func (b *builder) record(ctx context.Context, a *attempt, w *work, v verdict, stopped bool) (o outcome, err error) {
	err = b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error {
		o = outcome{}
		was, err := b.store.lock(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if w != nil {
			if o.sealed, err = b.store.isSealed(ctx, tx, a.ID, w); err != nil || o.sealed {
				o.last = was.State != Running
				return err
			}
		}
		if was.State != Running || was.Attempt != a.Attempt {
			return nil
		}
		if a.several() {
			o.state, err = b.stumble(ctx, tx, a, w, was, v, stopped)
			return err
		}
		if stopped {
			return nil
		}
		if o.state = Queued; !v.retry || was.Failures+1 >= b.Retries {
			o.state = Failed
			return b.fail(ctx, tx, was, v.Trouble)
		}
		return b.delay(ctx, tx, was, v.Trouble)
	})
	return o, err
}

// stumble gives up one try of a volume within tx; the export and its other volumes stay in work. Every job that works
// at it may meet the same trouble once before it counts as one try.
func (b *builder) stumble(ctx context.Context, tx *db.Tx, a *attempt, w *work, was Export, v verdict, stopped bool) (State, error) {
	if w != nil {
		mine, err := b.store.releaseTry(ctx, tx, a, w)
		if err != nil || !mine {
			return "", err
		}
	}
	if stopped {
		return "", nil
	}
	if !v.retry || was.Failures+1 >= b.Retries*min(a.shared.Volumes, maxHelpers+1) {
		return Failed, b.fail(ctx, tx, was, v.Trouble)
	}
	next, err := was.Stumble(v.Trouble)
	if err != nil {
		return "", err
	}
	if err := b.store.save(ctx, tx, was, next); err != nil {
		return "", err
	}
	p := migration.Progress{}
	if was.Progress != nil {
		p = *was.Progress
	}
	p.ExportID, p.Stage, p.Delayed, p.At, p.Left = next.ID, string(next.Stage), next.Delayed, tx.Now, 0
	return Running, b.Journey.SetProgress(ctx, tx, next.CustomerID, p)
}

// pause waits and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// fail ends the export within tx.
func (b *builder) fail(ctx context.Context, tx *db.Tx, was Export, t Trouble) error {
	next, err := was.Fail(tx.Now, t)
	if err != nil {
		return err
	}
	if err := b.store.save(ctx, tx, was, next); err != nil {
		return err
	}
	key := fmt.Sprintf("%s/%d", next.ID, next.Attempt) // another mail when a retry fails, too
	return b.tell(ctx, tx, next, migration.ExportFailed, "export_failed", key, audit.Entry{Act: "export.fail", Detail: map[string]any{
		"cause": t.Cause, "attempt": next.Attempt,
	}})
}

// delay queues the export again within tx. The customer sees why it takes longer.
func (b *builder) delay(ctx context.Context, tx *db.Tx, was Export, t Trouble) error {
	next, err := was.Delay(t)
	if err != nil {
		return err
	}
	if err := b.store.save(ctx, tx, was, next); err != nil {
		return err
	}
	return b.Journey.SetProgress(ctx, tx, next.CustomerID, migration.Progress{ExportID: next.ID, Delayed: t.Delayed, At: tx.Now})
}

// discard removes an object, or what there is of it, and records that. What does not succeed now, the sweep does.
func (b *builder) discard(ctx context.Context, customerID, key string) {
	const alreadyThere = -time.Hour // whatever the server's clock says
	err := errors.Join(b.Bucket.Delete(ctx, key), b.Bucket.ListOlder(ctx, key, alreadyThere, func(l storage.Leftover) error {
		return b.Bucket.Remove(ctx, l)
	}))
	b.at("discarded")
	if err == nil {
		err = b.DB.InTx(ctx, db.CustomerScope(customerID), func(tx *db.Tx) error { return b.store.markDeleted(ctx, tx, key) })
	}
	if err != nil && ctx.Err() == nil {
		b.Logger.WarnContext(ctx, "remove object", slog.Any("error", err))
	}
}

// discardOthers removes what earlier attempts of the same export left.
func (b *builder) discardOthers(ctx context.Context, a *attempt) {
	var left []object
	err := b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) (err error) {
		left, err = b.store.doomed(ctx, tx, a.ID, tx.Now, 100)
		return err
	})
	if err != nil {
		b.Logger.WarnContext(ctx, "find objects of earlier attempts", slog.Any("error", err))
	}
	for _, o := range left {
		b.discard(ctx, o.CustomerID, o.Key)
	}
}
