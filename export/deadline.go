package export

import (
	"context"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// defaultPromise is how long an export may take where the programme says nothing.
const defaultPromise = 24 * time.Hour

// promise is how long after the request an export is promised to be ready.
func promise(p *migration.Programme) time.Duration {
	if p.Export.PromiseHours > 0 {
		return time.Duration(p.Export.PromiseHours) * time.Hour
	}
	return defaultPromise
}

// pastDeadline reports whether we kept a customer waiting with an export that was asked for in time: it became ready
// later than was promised, or after the last moment at which the customer could have asked for another one.
func pastDeadline(e Export, p *migration.Programme, deadline time.Time) bool {
	if e.ReadyAt == nil || e.RequestedAt.After(deadline) {
		return false
	}
	return overdue(e, p, deadline)
}

// overdue reports whether an export that is ready took longer than was promised, or until after an instant.
func overdue(e Export, p *migration.Programme, deadline time.Time) bool {
	return e.ReadyAt.Sub(e.RequestedAt) > promise(p) || e.ReadyAt.After(deadline)
}

// moveDeadline gives a customer whom we kept waiting more time: their last day to export becomes at least the last day
// on which this export can be downloaded, so that a copy that turns out not to be complete can be made again. It is
// called with an export that has just become ready, within the transaction that made it so. A programme without a
// deadline, and a customer who has that much time already, change nothing.
func (b *builder) moveDeadline(ctx context.Context, tx *db.Tx, e Export, p *migration.Programme) error {
	if p == nil || e.ExpiresAt == nil || e.ReadyAt == nil {
		return nil
	}
	if usual, ok := Deadline(p, nil); !ok || !overdue(e, p, usual) { // an extension only moves it away
		return nil
	}
	customer, err := b.Journey.CustomerIn(ctx, tx, e.CustomerID)
	if err != nil {
		return err
	}
	deadline, ok := Deadline(p, customer.Extensions)
	if !ok || !pastDeadline(e, p, deadline) {
		return nil
	}
	_, _, err = b.Journey.Extend(ctx, tx, p, migration.Grant{
		CustomerID: e.CustomerID, Milestone: migration.ExportDeadline, Day: migration.DayOf(e.ExpiresAt.In(p.Zone)),
		Reason: migration.LateExport, Actor: "worker", ActorKind: audit.System, Object: subject(e),
	})
	return err
}
