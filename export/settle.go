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

// judge tells trouble that passes, or that an operator mends while we try, from trouble that stays until somebody changes
// the programme.
func judge(err error) verdict {
	v := verdict{Trouble: Trouble{Delayed: "export.delayed", Cause: err.Error()}, retry: true, label: "other"}
	var counts *archive.CountError
	switch kind := source.KindOf(err); kind {
	case source.Unavailable, source.Locked, source.Denied:
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

// settle ends an attempt that did not seal, or does not know whether it did. Its error is what the queue is told.
func (b *builder) settle(ctx context.Context, a *attempt, err error) error {
	stopped := ctx.Err() != nil // the worker stops or lost the job: nothing is wrong with the export, and another attempt follows
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyLimit)
	defer cancel()
	v := judge(err)
	outcome, sealed, txErr := b.record(after, a, v, stopped)
	for txErr != nil && pause(after, recordPause) { // a database that restarts is back in a moment
		outcome, sealed, txErr = b.record(after, a, v, stopped)
	}
	if txErr != nil { // the object stays for the sweep, which knows whether it is needed
		return errors.Join(err, fmt.Errorf("settle %s: %w", a.Reference(), txErr))
	}
	if sealed { // the answer to the seal was lost, not the seal
		return nil
	}
	b.discard(after, a.CustomerID, a.key)
	log := b.Logger.With(slog.String("export", a.Reference()), slog.Int("attempt", a.Attempt))
	switch {
	case stopped:
		return context.Cause(ctx)
	case outcome == "":
		log.InfoContext(after, "export attempt overtaken")
		return nil
	}
	troubles.WithLabelValues(v.label).Inc()
	log.WarnContext(after, "export attempt failed", slog.String("state", string(outcome)), slog.Any("error", err))
	if outcome == Failed {
		finished.WithLabelValues(string(Failed)).Inc()
		return errors.Join(errGivenUp, err)
	}
	return err
}

// record writes what the attempt decides about its export: nothing where it was stopped or overtaken. sealed reports that
// it had sealed after all.
func (b *builder) record(ctx context.Context, a *attempt, v verdict, stopped bool) (outcome State, sealed bool, err error) {
	err = b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error {
		was, err := b.store.lock(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		sealed = was.ObjectKey == a.key
		if stopped || was.State != Running || was.Attempt != a.Attempt {
			return nil
		}
		if outcome = Queued; !v.retry || was.Failures+1 >= b.Retries {
			outcome = Failed
			return b.fail(ctx, tx, was, v.Trouble)
		}
		return b.delay(ctx, tx, was, v.Trouble)
	})
	return outcome, sealed, err
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
