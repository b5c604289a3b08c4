package audit

import (
	"context"
	"fmt"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
)

// ErrNoEntry is an entry that the log does not have.
var ErrNoEntry = fault.New(fault.NotFound, "console.audit.not_found")

// Log is the audit log as auditors read it: each look at it becomes an entry of its own.
type Log struct {
	db     *db.DB
	keeper *audit.Keeper
}

// NewLog reads from d and checks against the heads that keeper keeps; nil: none are kept.
func NewLog(d *db.DB, keeper *audit.Keeper) *Log { return &Log{db: d, keeper: keeper} }

// lookTime bounds a look of a person at the log.
const lookTime = 10 * time.Second

// List returns up to size entries before the one numbered before (0: the newest) and whether there are more.
func (g *Log) List(ctx context.Context, auditorID string, f audit.Filter, before int64, size int) ([]audit.Row, bool, error) {
	rows, err := audit.List(ctx, g.db, db.StaffScope(auditorID), f, audit.Page{Before: before, Size: size + 1, Within: lookTime})
	if err != nil {
		return nil, false, err
	}
	detail := asked(f)
	if before > 0 {
		detail["before"] = before
	}
	if err := g.record(ctx, auditorID, "audit.list", "audit log", detail); err != nil {
		return nil, false, err
	}
	return rows[:min(size, len(rows))], len(rows) > size, nil
}

// asked is what a look was narrowed by, as it is recorded.
func asked(f audit.Filter) map[string]any {
	detail := map[string]any{}
	for name, value := range map[string]string{"actor": f.Actor, "actor_kind": f.ActorKind, "act": f.Act, "customer": f.CustomerID, "object": f.Object} {
		if value != "" {
			detail[name] = value
		}
	}
	for name, at := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !at.IsZero() {
			detail[name] = at.UTC().Format(time.RFC3339)
		}
	}
	return detail
}

// exported bounds one file of entries.
const exported = 100_000

// Export gives each entry of a filter, newest first and at most a hundred thousand, and reports whether there are older ones. It is
// recorded before the first.
func (g *Log) Export(ctx context.Context, auditorID string, f audit.Filter, each func(audit.Row) error) (more bool, err error) {
	if err := g.record(ctx, auditorID, "audit.export", "audit log", asked(f)); err != nil {
		return false, err
	}
	before, count := int64(0), 0
	for {
		rows, err := audit.List(ctx, g.db, db.StaffScope(auditorID), f, audit.Page{Before: before, Size: 1000})
		if err != nil {
			return false, err
		}
		for _, r := range rows {
			if count++; count > exported {
				return true, nil
			}
			if err := each(r); err != nil {
				return false, err
			}
		}
		if len(rows) < 1000 {
			return false, nil
		}
		before = rows[len(rows)-1].Seq
	}
}

// Get returns one entry. ErrNoEntry.
func (g *Log) Get(ctx context.Context, auditorID string, seq int64) (audit.Row, error) {
	rows, err := audit.List(ctx, g.db, db.StaffScope(auditorID), audit.Filter{}, audit.Page{Before: seq + 1, Size: 1})
	if err != nil {
		return audit.Row{}, err
	}
	if len(rows) == 0 || rows[0].Seq != seq {
		return audit.Row{}, ErrNoEntry
	}
	return rows[0], g.record(ctx, auditorID, "audit.view", fmt.Sprintf("audit entry %d", seq), nil)
}

// Verify checks the whole chain, against the signed heads that are kept.
func (g *Log) Verify(ctx context.Context, auditorID string) (report audit.Checked, err error) {
	if g.keeper != nil {
		report, err = g.keeper.Check(ctx)
	} else {
		report.Report, err = audit.Verify(ctx, g.db)
	}
	if err != nil {
		return report, err
	}
	detail := map[string]any{"checked": report.Checked, "whole": report.Break == nil, "heads": report.Kept, "strange": len(report.Strange)}
	if b := report.Break; b != nil {
		detail["seq"], detail["kind"] = b.Seq, b.Kind
	}
	return report, g.record(ctx, auditorID, "audit.verify", "audit log", detail)
}

func (g *Log) record(ctx context.Context, auditorID, act, object string, detail map[string]any) error {
	return g.db.InTx(ctx, db.StaffScope(auditorID), func(tx *db.Tx) error {
		return audit.Record(ctx, tx, audit.Entry{Actor: auditorID, ActorKind: audit.Staff, Act: act, Object: object, Detail: detail})
	})
}
