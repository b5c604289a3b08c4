package export

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/jobs"
)

// Troubled is an export with trouble, as the support desk lists it.
type Troubled struct {
	Export
	CustomerRef  string
	CustomerName string
}

// Reason is what kept an export from being built, taken from its Cause, for words in the reader's language.
type Reason struct {
	Kind    string // of the source or the storage, behind its name, such as source_schema; died, counts; other: what else there may be
	Dataset string // its key; empty where the trouble is not about one
	Code    string // of the database or the store, such as SQLSTATE 42703; empty: it gave none
}

var (
	ofSource  = regexp.MustCompile(`source: (?:dataset "([^"]*)": )?(unavailable|locked|denied|schema|invalid|inconsistent): `)
	ofStorage = regexp.MustCompile(`storage: [^:]*: (unavailable|denied|not_found|changed|invalid): `)
	ofCounts  = regexp.MustCompile(`archive: dataset "([^"]*)": .*: expected [0-9]+, got [0-9]+`)
	codes     = regexp.MustCompile(`SQLSTATE [0-9A-Z]{5}|\bstatus [1-5][0-9]{2}\b|\bError [0-9]{4}\b`)
)

// Reason tells why an export met trouble; the zero Reason where it met none.
func (e Export) Reason() (r Reason) {
	if e.Cause == "" {
		return r
	}
	r.Code = codes.FindString(e.Cause)
	if m := ofSource.FindStringSubmatch(e.Cause); m != nil {
		r.Kind, r.Dataset = "source_"+m[2], m[1]
		return r
	}
	if m := ofStorage.FindStringSubmatch(e.Cause); m != nil {
		r.Kind = "storage_" + m[1]
		return r
	}
	switch r.Kind = "other"; {
	case strings.HasSuffix(e.Cause, killsWorkers):
		r.Kind = "died"
	default:
		if m := ofCounts.FindStringSubmatch(e.Cause); m != nil {
			r.Kind, r.Dataset = "counts", m[1]
		}
	}
	return r
}

// CustomerOf returns whose export has a number; empty for nobody's. For staff.
func (s *Service) CustomerOf(ctx context.Context, staffID string, number int64) (customerID string, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		customerID, err = s.store.customerOf(ctx, tx, number)
		return err
	})
	return customerID, err
}

// Troubles returns each customer's latest export where it failed or an attempt met trouble, oldest first, at most
// limit, and records that they were listed. For staff.
func (s *Service) Troubles(ctx context.Context, staffID string, limit int) (list []Troubled, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if list, err = s.store.troubles(ctx, tx, limit); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "export.list_troubles", Object: "exports", Detail: map[string]any{"found": len(list)},
		})
	})
	return list, err
}

// Overview is how many exports are in each state, and since when the live ones are.
type Overview struct {
	Counts map[State]int64
	Oldest map[State]time.Time // of Queued and Running: when the oldest of them was requested
}

// Overview counts all customers' exports, for operators. It shows nobody's data.
func (s *Service) Overview(ctx context.Context, staffID string) (o Overview, err error) {
	err = s.db.Read(ctx, db.StaffScope(staffID),
		func(b *pgx.Batch) { b.Queue(overviewSQL) },
		func(r pgx.BatchResults) error {
			rows, err := r.Query()
			if err != nil {
				return err
			}
			o, err = scanOverview(rows)
			return err
		})
	if err != nil {
		return o, fmt.Errorf("count exports: %w", err)
	}
	return o, nil
}

// QueueNames are the queues that exports wait in.
var QueueNames = []string{Queue, QueueLarge}

// Pause keeps the workers from beginning further exports of these queues, and records who did so. What runs goes on to
// its end; customers whose export waits read why. Pausing again changes nothing.
func Pause(ctx context.Context, d *db.DB, queue *jobs.Client, operator string, names []string) error {
	return turn(ctx, d, operator, "queue.pause", names, queue.PauseTx)
}

// Resume lets the workers go on, and records who did so.
func Resume(ctx context.Context, d *db.DB, queue *jobs.Client, operator string, names []string) error {
	return turn(ctx, d, operator, "queue.resume", names, queue.ResumeTx)
}

func turn(ctx context.Context, d *db.DB, operator, act string, names []string, do func(context.Context, *db.Tx, string) error) error {
	return d.InTx(ctx, db.SystemScope(act), func(tx *db.Tx) error {
		for _, name := range names {
			if !slices.Contains(QueueNames, name) {
				return fmt.Errorf("%q is no queue of exports; there are %v", name, QueueNames)
			}
			if err := do(ctx, tx, name); err != nil {
				return err
			}
			if err := audit.Record(ctx, tx, audit.Entry{Actor: operator, ActorKind: audit.Operator, Act: act, Object: "queue " + name}); err != nil {
				return err
			}
		}
		return nil
	})
}
