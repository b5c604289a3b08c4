// Package refund gives customers back what they prepaid.
package refund

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/refund/quote"
)

// What callers of an import of payments may meet.
var (
	ErrBadPayments     = fault.New(fault.Invalid, "entitlement.bad_import") // the columns make no sense, or reading broke off
	ErrPaymentsRefused = fault.New(fault.Invalid, "entitlement.refused")    // AllOrNothing, and a line was refused
	ErrNoPolicy        = fault.New(fault.Conflict, "entitlement.no_policy") // the programme in effect has no section refund
)

// Covering tells, in the caller's transaction, which payments of some customers a refund covers already, by customer id and
// payment ref: what was asked for is not due once more.
type Covering func(ctx context.Context, tx *db.Tx, customerIDs []string) (map[string]map[string]bool, error)

// Entitlements keeps what customers have paid. Safe for concurrent use; imports take turns, a batch at a time.
type Entitlements struct {
	db         *db.DB
	programmes *migration.Programmes
	customers  *migration.Service
	covering   Covering
	store      entitlementStore
}

// NewEntitlements works on d for the programme that is in effect. A nil covering stands for no refunds at all.
func NewEntitlements(d *db.DB, programmes *migration.Programmes, covering Covering) *Entitlements {
	if covering == nil {
		covering = func(context.Context, *db.Tx, []string) (map[string]map[string]bool, error) { return nil, nil }
	}
	return &Entitlements{db: d, programmes: programmes, customers: migration.NewService(d), covering: covering}
}

// LoadEntitlement returns what a customer has paid, in the caller's transaction and scope. Version 0: nothing was imported.
func LoadEntitlement(ctx context.Context, tx *db.Tx, customerID string) (quote.Entitlement, error) {
	found, err := entitlementStore{}.payments(ctx, tx, []string{customerID})
	return found[customerID], err
}

// PaymentOptions say how to import payments.
type PaymentOptions struct {
	Source       string // what is read, for the log
	Complete     bool   // the rows are all payments there are: a customer whom none names has paid nothing
	DryRun       bool   // do everything, report it, and store nothing
	AllOrNothing bool   // store nothing when a line is refused
	AsWritten    bool   // take values that look as if a spreadsheet had changed them
	Say          func(migration.ImportLine)
}

// PaymentReport counts what an import did, or, in a dry run, would do. Lines are told one by one through PaymentOptions.Say.
type PaymentReport struct {
	Read, Created, Updated, Unchanged, Refused int64
	Customers                                  int64 // whose payments were named
	Due                                        int64 // customers who were told that something is due, or another amount
	NotDue                                     int64 // customers who were told that nothing is
	Stored                                     bool  // false: a dry run, or refused as a whole
}

// paymentBatchSize is how many rows are stored together, at least: a customer's rows are not torn apart.
const paymentBatchSize = 1000

var errDryRun = errors.New("import undone")

// Import reads payments, whose rows are grouped by customer, and stores them a batch at a time, each in one transaction with
// what the customers' journeys are told. Memory stays bounded however many rows there are. Importing the same rows again
// changes nothing; payments that no row names stay as they are.
//
// ErrBadPayments when the columns cannot be understood or reading breaks off, after which the batches before are stored;
// ErrPaymentsRefused when AllOrNothing meets a refused line; ErrNoPolicy; migration.ErrNoProgramme.
func (e *Entitlements) Import(ctx context.Context, by migration.Actor, rows migration.Rows, o PaymentOptions) (PaymentReport, error) {
	p, err := e.active(ctx)
	if err != nil {
		return PaymentReport{}, err
	}
	columns, err := newPaymentColumns(p.Zone, rows)
	if err != nil {
		return PaymentReport{}, ErrBadPayments.Wrap(err)
	}
	columns.asWritten = o.AsWritten
	if o.Say == nil {
		o.Say = func(migration.ImportLine) {}
	}
	run := &paymentRun{Entitlements: e, programme: p, by: by, options: o, id: rand.Text(), reader: paymentReader{rows: rows, columns: columns}}
	if o.DryRun || o.AllOrNothing {
		err = e.db.InTx(ctx, db.SystemScope("import payments"), func(tx *db.Tx) error {
			run.tx = tx
			return run.whole(ctx)
		})
	} else {
		err = run.whole(ctx)
	}
	if errors.Is(err, errDryRun) {
		return run.report, nil
	}
	run.report.Stored = err == nil
	return run.report, err
}

func (e *Entitlements) active(ctx context.Context) (*migration.Programme, error) {
	p, err := e.programmes.Active(ctx)
	if err != nil {
		return nil, err
	}
	if p.Refund == nil {
		return nil, ErrNoPolicy
	}
	return p, nil
}

// paymentRun is one import.
type paymentRun struct {
	*Entitlements
	programme *migration.Programme
	by        migration.Actor
	options   PaymentOptions
	id        string
	reader    paymentReader
	tx        *db.Tx // of the whole; nil: one for each batch
	report    PaymentReport
}

// in runs one step in the transaction of the whole, or in one of its own.
func (r *paymentRun) in(ctx context.Context, fn func(tx *db.Tx) error) error {
	if r.tx != nil {
		return fn(r.tx)
	}
	return r.db.InTx(ctx, db.SystemScope("import payments"), fn)
}

func (r *paymentRun) whole(ctx context.Context) error {
	if err := r.in(ctx, func(tx *db.Tx) error { return r.start(ctx, tx) }); err != nil {
		return err
	}
	for {
		lines := r.reader.batch()
		if len(lines) == 0 {
			break
		}
		batch := paymentBatch{paymentRun: r, lines: lines}
		if err := r.in(ctx, func(tx *db.Tx) error { return batch.store(ctx, tx) }); err != nil {
			return fmt.Errorf("import payments to line %d: %w", lines[len(lines)-1].report.Line, err)
		}
		r.add(batch.report)
		for _, l := range lines {
			r.options.Say(l.report)
		}
	}
	if err := r.reader.rows.Err(); err != nil {
		return ErrBadPayments.Wrap(err)
	}
	if r.options.AllOrNothing && r.report.Refused > 0 {
		return ErrPaymentsRefused.With(map[string]any{"Lines": r.report.Refused})
	}
	if r.options.Complete {
		if err := r.rest(ctx); err != nil {
			return err
		}
	}
	return r.in(ctx, func(tx *db.Tx) error { return r.finish(ctx, tx) })
}

func (r *paymentRun) add(b PaymentReport) {
	for _, n := range []struct {
		sum  *int64
		more int64
	}{
		{&r.report.Read, b.Read},
		{&r.report.Created, b.Created},
		{&r.report.Updated, b.Updated},
		{&r.report.Unchanged, b.Unchanged},
		{&r.report.Refused, b.Refused},
		{&r.report.Customers, b.Customers},
		{&r.report.Due, b.Due},
		{&r.report.NotDue, b.NotDue},
	} {
		*n.sum += n.more
	}
}

// start notes that an import begins, so that the batches of one that breaks off are accounted for.
func (r *paymentRun) start(ctx context.Context, tx *db.Tx) error {
	if err := r.store.start(ctx, tx, r.id, r.options.Source, r.by.ID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: r.by.ID, ActorKind: r.by.Kind, Act: "payments.import.start", Object: "import " + r.id,
		Detail: map[string]any{"source": r.options.Source, "programme": r.programme.Version},
	})
}

func (r *paymentRun) finish(ctx context.Context, tx *db.Tx) error {
	if r.options.DryRun {
		return errDryRun
	}
	if err := r.store.finish(ctx, tx, r.id); err != nil {
		return err
	}
	n := r.report
	return audit.Record(ctx, tx, audit.Entry{
		Actor: r.by.ID, ActorKind: r.by.Kind, Act: "payments.import", Object: "import " + r.id,
		Detail: map[string]any{
			"read": n.Read, "created": n.Created, "updated": n.Updated, "unchanged": n.Unchanged, "refused": n.Refused,
			"customers": n.Customers, "due": n.Due, "not_due": n.NotDue, "source": r.options.Source,
		},
	})
}

// rest tells the customers whom no import has named that they have nothing prepaid.
func (r *paymentRun) rest(ctx context.Context) error {
	for {
		n := 0
		err := r.in(ctx, func(tx *db.Tx) error {
			list, err := r.store.unnamed(ctx, tx, paymentBatchSize)
			if err != nil || len(list) == 0 {
				return err
			}
			n = len(list)
			if err := r.store.entitle(ctx, tx, r.id, list); err != nil {
				return err
			}
			due, notDue, err := r.settle(ctx, tx, r.programme, r.by.ID, list)
			r.report.Due, r.report.NotDue = r.report.Due+due, r.report.NotDue+notDue
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
