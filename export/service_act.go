package export

import (
	"cmp"
	"context"
	"fmt"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// actor is who changes an export, and how far they reach.
type actor struct {
	id    string
	kind  string // of the audit log
	scope db.Scope
}

func customerActor(who migration.Who) actor {
	return actor{id: who.ContactID, kind: audit.Customer, scope: db.CustomerScope(who.CustomerID)}
}

func staffActor(staffID string) actor {
	return actor{id: staffID, kind: audit.Staff, scope: db.StaffScope(staffID)}
}

// Cancel ends a live export. A worker that builds it stops within about a second and removes what it has written.
// Cancelling again changes nothing. ErrMoved when it has ended otherwise meanwhile.
func (s *Service) Cancel(ctx context.Context, who migration.Who, p *migration.Programme, id string) (Export, error) {
	if !May(who, p) {
		return Export{}, ErrOwnersOnly
	}
	e, err := s.cancel(ctx, customerActor(who), id)
	return public(e), err
}

// CancelForStaff is Cancel by a member of staff.
func (s *Service) CancelForStaff(ctx context.Context, staffID, id string) (Export, error) {
	return s.cancel(ctx, staffActor(staffID), id)
}

func (s *Service) cancel(ctx context.Context, by actor, id string) (Export, error) {
	return s.change(ctx, by, id, "export.cancel", func(tx *db.Tx, e Export) (Export, error) {
		if e.State == Cancelled {
			return e, nil
		}
		return e.Cancel(tx.Now)
	}, func(tx *db.Tx, e Export) error {
		_, err := s.journey.Tell(ctx, tx, e.CustomerID, event(migration.ExportCancelled, e, by.id))
		return err
	})
}

// Retry queues a failed export again. It was asked for in time, so no deadline stands against it. Retrying one that is
// live already changes nothing. ErrOtherLive when the customer has another live one.
func (s *Service) Retry(ctx context.Context, who migration.Who, p *migration.Programme, id string) (Export, error) {
	if !May(who, p) {
		return Export{}, ErrOwnersOnly
	}
	e, err := s.retry(ctx, customerActor(who), id)
	return public(e), err
}

// RetryForStaff is Retry by a member of staff.
func (s *Service) RetryForStaff(ctx context.Context, staffID, id string) (Export, error) {
	return s.retry(ctx, staffActor(staffID), id)
}

func (s *Service) retry(ctx context.Context, by actor, id string) (Export, error) {
	return s.change(ctx, by, id, "export.retry", func(tx *db.Tx, e Export) (Export, error) {
		if e.Live() {
			return e, nil
		}
		if e.Selection.Locked && e.State == Failed {
			if has, err := s.store.hasPassword(ctx, tx, e.ID); err != nil || !has {
				return e, cmp.Or(err, error(ErrPasswordGone))
			}
		}
		return e.Retry()
	}, func(tx *db.Tx, e Export) error {
		if _, err := s.journey.Tell(ctx, tx, e.CustomerID, event(migration.ExportRequested, e, by.id)); err != nil {
			return err
		}
		return enqueue(ctx, tx, s.store, s.queue, &e, PriorityUrgent) // it has waited already
	})
}

// Again asks for an export of the same selection once more: when the archive of the first one has expired, was deleted
// or is lost. One that was locked takes a password again. The errors are those of Request.
func (s *Service) Again(ctx context.Context, who migration.Who, p *migration.Programme, id string, password Password) (Export, error) {
	was, err := s.store.get(ctx, db.CustomerScope(who.CustomerID), id)
	if err != nil {
		return Export{}, err
	}
	sel := was.Selection
	sel.Password = password
	return s.Request(ctx, who, p, sel)
}

// Delete withdraws a ready export before its time: its archives are removed from the bucket at once, links and tokens
// that were handed out end, and a copy to a bucket that is under way stops. What was recorded of it stays. Deleting
// again changes nothing. ErrOwnersOnly, ErrMoved when there is nothing to delete.
func (s *Service) Delete(ctx context.Context, who migration.Who, p *migration.Programme, id string) (Export, error) {
	if !May(who, p) {
		return Export{}, ErrOwnersOnly
	}
	by := customerActor(who)
	e, err := s.change(ctx, by, id, "export.delete", func(tx *db.Tx, e Export) (Export, error) {
		if e.DeletedAt != nil {
			return e, nil
		}
		return e.Delete(tx.Now)
	}, func(tx *db.Tx, e Export) error {
		_, err := s.journey.Tell(ctx, tx, e.CustomerID, event(migration.ExportExpired, e, by.id))
		return err
	})
	if err != nil {
		return Export{}, err
	}
	return public(e), s.purge(ctx, e)
}

// purge removes the archives of a deleted export. What does not succeed now, the sweep does within a minute.
func (s *Service) purge(ctx context.Context, e Export) error {
	scope := db.CustomerScope(e.CustomerID)
	var left []object
	err := s.db.InTx(ctx, scope, func(tx *db.Tx) (err error) {
		left, err = s.store.doomed(ctx, tx, e.ID, tx.Now, sweepBatch)
		return err
	})
	if err != nil {
		return fmt.Errorf("purge %s: %w", e.Reference(), err)
	}
	for _, o := range left {
		if s.bucket.Delete(ctx, o.Key) != nil {
			continue
		}
		if err := s.db.InTx(ctx, scope, func(tx *db.Tx) error { return s.store.markDeleted(ctx, tx, o.Key) }); err != nil {
			return fmt.Errorf("purge %s: %w", e.Reference(), err)
		}
	}
	return nil
}

// MarkChecked notes that the person found the copy complete, which completes the step. It takes a download first:
// ErrNotDownloaded. Marking again changes nothing.
func (s *Service) MarkChecked(ctx context.Context, who migration.Who, p *migration.Programme, id string) (Export, error) {
	if !May(who, p) {
		return Export{}, ErrOwnersOnly
	}
	by := customerActor(who)
	e, err := s.change(ctx, by, id, "export.check", func(tx *db.Tx, e Export) (Export, error) {
		if e.CheckedAt != nil {
			return e, nil
		}
		return e.Check(tx.Now)
	}, func(tx *db.Tx, e Export) error {
		_, err := s.journey.Tell(ctx, tx, e.CustomerID, event(migration.ExportChecked, e, by.id))
		return err
	})
	return public(e), err
}

// change makes one transition with what follows from it and its audit entry. A step that returns the export as it was
// changes nothing and is recorded nowhere.
func (s *Service) change(ctx context.Context, by actor, id, act string,
	step func(*db.Tx, Export) (Export, error), follow func(*db.Tx, Export) error,
) (next Export, err error) {
	err = s.db.InTx(ctx, by.scope, func(tx *db.Tx) error {
		was, err := s.store.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		if next, err = step(tx, was); err != nil {
			return err
		}
		if next.State == was.State && next.CheckedAt == was.CheckedAt {
			return nil
		}
		if err := s.store.save(ctx, tx, was, next); err != nil {
			return err
		}
		if err := follow(tx, next); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: by.id, ActorKind: by.kind, Act: act, Object: subject(next), CustomerID: next.CustomerID})
	})
	if err != nil {
		return Export{}, fmt.Errorf("%s: %w", act, err)
	}
	return next, nil
}
