package export

import (
	"context"
	"fmt"
	"time"

	"offramp/export/source"
	"offramp/export/storage"
	"offramp/internal/db"
)

// killsWorkers ends the cause of an export that nobody finished building; Export.Reason knows it by that.
const killsWorkers = "; it may be what kills the workers"

// claim begins an attempt with its first volume, and records the name of that object before a byte leaves. Where the
// export's volumes are in work already, and anew is not set, it takes up that attempt instead, without a volume.
func (b *builder) claim(ctx context.Context, t task, anew bool) (a *attempt, w *work, err error) {
	err = b.DB.InTx(ctx, db.CustomerScope(t.customerID), func(tx *db.Tx) error {
		a, w = nil, nil
		was, customer, err := b.store.lockWithAccount(ctx, tx, t.exportID, t.customerID)
		if err != nil {
			return err
		}
		if t.job > 0 && was.JobID > 0 && was.JobID != t.job {
			return ErrMoved // the job handed the export over, and died before it could say so
		}
		next := &attempt{Export: was, task: t, customer: customer, began: time.Now(), stop: func(error) {}}
		if was.State == Running && !anew {
			if next.shared, err = b.store.shared(ctx, tx, was); err != nil {
				return err
			}
			if next.several() {
				a = next
				return b.store.release(ctx, tx, was, t.job)
			}
		}
		if next.Export, err = was.Start(tx.Now); err != nil {
			return err
		}
		next.shared = shared{}
		if next.Deaths >= maxDeaths {
			if err := b.store.save(ctx, tx, was, next.Export); err != nil {
				return err
			}
			return b.fail(ctx, tx, next.Export, Trouble{Delayed: "export.delayed", Cause: fmt.Sprintf("%d attempts ended without a word"+killsWorkers, maxDeaths)})
		}
		a, w = next, &work{number: 1, tries: 1, key: storage.NewKey(keyPrefix), ledger: newLedger()}
		return b.store.begin(ctx, tx, was, a, w)
	})
	if err == nil && a == nil {
		err = ErrMoved
	}
	return a, w, err
}

// rejoin takes up an attempt whose volumes are in work, if its sources can still be seen as they were: somebody must
// hold each snapshot. Otherwise it begins a new attempt.
func (b *builder) rejoin(ctx context.Context, a *attempt) (*attempt, *work, error) {
	ok, err := b.join(ctx, a, true)
	if err != nil {
		return nil, nil, err
	}
	if ok {
		b.at("rejoined")
		return a, nil, nil
	}
	return b.claim(ctx, a.task, true)
}

// join opens the attempt's view by joining its snapshots, and tells others that this job holds them, too. It reports
// whether it could. A job that leads must be able to read what is left on its own.
func (b *builder) join(ctx context.Context, a *attempt, leads bool) (ok bool, err error) {
	p, err := b.Programmes.Active(ctx)
	if err != nil {
		return false, err
	}
	var holds []snapshotLease
	lanes := 0
	err = b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) (err error) {
		if lanes, err = b.store.unsealedLanes(ctx, tx, a.Export); err != nil {
			return err
		}
		holds, err = b.store.leases(ctx, tx, a.Export)
		return err
	})
	if err != nil || p.Version != a.shared.Version || leads && lanes > 0 {
		return false, err
	}
	if a.imports, err = profileOf(p, a.Selection.Replacement); err != nil {
		return false, err
	}
	v := newView(b.Sources, p, &a.shared.Choice, a.customer.ref)
	for _, from := range a.shared.Sources {
		if from.Lane {
			continue // its volumes are sealed, or are for the job that planned them
		}
		if ok, err = joinOne(ctx, v, from, holds); err != nil || !ok {
			v.Close()
			return false, err
		}
	}
	err = b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error { return b.store.lease(ctx, tx, a, v) })
	if err != nil {
		v.Close()
		return false, err
	}
	a.programme, a.view = p, v
	return true, nil
}

// joinOne joins one source's snapshot by the name of any of its holders. What is free is opened as it is now.
func joinOne(ctx context.Context, v *view, from origin, holds []snapshotLease) (bool, error) {
	if from.Free {
		_, err := v.begin(ctx, from.Key, "")
		return err == nil, err
	}
	for _, h := range holds {
		if h.source != from.Key {
			continue
		}
		_, err := v.begin(ctx, from.Key, h.snapshot)
		if err == nil {
			return true, nil
		}
		if ctx.Err() != nil || source.KindOf(err) == source.Unavailable {
			return false, err
		}
	}
	return false, nil
}

// next finds a volume to build. Where all are in other hands it waits, since one of those may die, and keeps the
// snapshots alive meanwhile. errFenced when nothing is left for this job.
func (b *builder) next(ctx context.Context, a *attempt) (*work, error) {
	for {
		w, left, err := b.pick(ctx, a)
		if err != nil || w != nil {
			return w, err
		}
		if left == 0 {
			return nil, errFenced
		}
		b.at("waiting")
		if !pause(ctx, b.Heartbeat) {
			return nil, context.Cause(ctx)
		}
	}
}

// pick claims a volume that waits, or whose builder died. left is how many this job could still come to build.
func (b *builder) pick(ctx context.Context, a *attempt) (w *work, left int, err error) {
	key := storage.NewKey(keyPrefix)
	err = b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error {
		w, err = b.store.claimVolume(ctx, tx, a, key)
		if err != nil || w == nil {
			if err == nil {
				left, err = b.store.unsealed(ctx, tx, a)
			}
			return err
		}
		if w.tries < maxTries {
			return nil
		}
		was, err := b.store.lock(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		trouble := Trouble{Delayed: "export.delayed", Cause: fmt.Sprintf("volume %d was begun %d times"+killsWorkers, w.number, maxTries)}
		w, left = nil, 0
		return b.fail(ctx, tx, was, trouble)
	})
	if err != nil {
		return nil, 0, err
	}
	if w != nil {
		w.ledger = newLedger()
		a.turn(w)
		b.at("picked")
	}
	return w, left, nil
}

// help takes part in an attempt that is in work, if its snapshots can be joined.
func (b *builder) help(ctx context.Context, t task, number int) error {
	a := &attempt{task: t, began: time.Now(), stop: func(error) {}}
	over := false
	err := b.DB.InTx(ctx, db.CustomerScope(t.customerID), func(tx *db.Tx) (err error) {
		if a.Export, err = b.store.lock(ctx, tx, t.exportID); err != nil {
			return err
		}
		if over = a.State != Running || a.Attempt != number; over {
			return nil
		}
		if a.shared, err = b.store.shared(ctx, tx, a.Export); err != nil {
			return err
		}
		if a.customer, err = b.store.account(ctx, tx, t.customerID); err != nil {
			return err
		}
		return b.store.release(ctx, tx, a.Export, t.job)
	})
	if err != nil || over {
		return err
	}
	b.at("helping")
	joined, err := b.join(ctx, a, false)
	if err != nil || !joined {
		return err
	}
	b.at("joined")
	return b.attend(ctx, a, nil)
}
