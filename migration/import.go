package migration

import (
	"context"
	"errors"
	"fmt"
	"io"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/spreadsheet"
)

// Rows are what an import reads: the lines of a file, or the rows of a query on the product's database.
type Rows interface {
	// Columns names the columns. It is called first; when it is empty, Err says why.
	Columns() []string
	// Next moves to the next row and reports whether there is one.
	Next() bool
	// Values are those of the current row, valid until Next. A missing value is empty.
	Values() []string
	// Line is where the current row stands: the line in the file, or its number in the query's answer.
	Line() int
	// Err is what ended the reading early; nil at the end.
	Err() error
}

// Faulty is implemented by Rows that can go on after a row that they cannot read.
type Faulty interface {
	// Fault says what is wrong with the current row; empty: nothing.
	Fault() string
}

// CSVRows reads a file of customers or payments whose first line names the columns.
func CSVRows(r io.Reader) Rows { return spreadsheet.NewReader(r) }

// ImportOptions say how to import.
type ImportOptions struct {
	DryRun       bool // do everything, report it, and store nothing
	AsWritten    bool // take values that look as if a spreadsheet had changed them
	AllOrNothing bool // store nothing when a line is refused
}

// Outcome is what became of a line.
type Outcome string

// The four outcomes.
const (
	LineCreated   Outcome = "created"   // a new customer or a new contact of a known one
	LineUpdated   Outcome = "updated"   // something about the customer or the contact changed
	LineUnchanged Outcome = "unchanged" // it was all known
	LineRefused   Outcome = "refused"   // nothing of the line was taken
)

// ImportLine is the outcome of one line.
type ImportLine struct {
	Line    int
	Ref     string
	Outcome Outcome
	Reason  string // of a refusal: what is wrong and how to mend it
}

// ImportWarning is something about a line that was taken and that somebody should look at.
type ImportWarning struct {
	Line int
	Ref  string
	Text string
}

// ImportReport is what an import did, or, in a dry run, would do.
type ImportReport struct {
	Lines    []ImportLine // in the order read
	Warnings []ImportWarning
	Stored   bool // false: a dry run, or refused as a whole

	CustomersCreated, CustomersUpdated, CustomersUnchanged int
	ContactsCreated, ContactsUpdated                       int
	Extended                                               int // customers whose own dates changed
}

// Count returns how many lines had an outcome.
func (r ImportReport) Count(o Outcome) int {
	n := 0
	for _, l := range r.Lines {
		if l.Outcome == o {
			n++
		}
	}
	return n
}

// Refused returns the lines that were refused.
func (r ImportReport) Refused() []ImportLine {
	var refused []ImportLine
	for _, l := range r.Lines {
		if l.Outcome == LineRefused {
			refused = append(refused, l)
		}
	}
	return refused
}

// Importer brings customers and their contacts into the portal. Safe for concurrent use; imports run one after another.
type Importer struct {
	db         *db.DB
	programmes *Programmes
	journeys   *Service
}

// NewImporter works on d for the programme that is in effect.
func NewImporter(d *db.DB, programmes *Programmes) *Importer {
	return &Importer{db: d, programmes: programmes, journeys: NewService(d)}
}

// errUndone rolls an import back that is not to be stored.
var errUndone = errors.New("import undone")

// Import reads all rows, refuses those that are wrong, each with its line and reason, and stores the others in one
// transaction: all of them or, when anything fails, none. Importing the same rows again changes nothing. Customers that the
// rows do not name stay as they are.
//
// ErrBadImport when the columns cannot be understood or reading breaks off; ErrImportRefused, with the report, when
// AllOrNothing meets a refused line; ErrNoProgramme before the first approval.
func (m *Importer) Import(ctx context.Context, by Actor, rows Rows, o ImportOptions) (ImportReport, error) {
	m.programmes.cache.forget() // a version approved a second ago decides, not the one that pages may still show
	p, err := m.programmes.Active(ctx)
	if err != nil {
		return ImportReport{}, err
	}
	plan, err := readImport(p, rows, o.AsWritten, m.db.Clock.Now())
	if err != nil {
		return ImportReport{}, err
	}
	report, err := m.store(ctx, by, p, plan, o)
	if errors.Is(err, errUndone) {
		err = nil
	}
	return report, err
}

// store runs the plan in one transaction. The programme is held, so that no date moves between reading and storing.
func (m *Importer) store(ctx context.Context, by Actor, p *Programme, plan *importPlan, o ImportOptions) (ImportReport, error) {
	run := importRun{importPlan: plan, programme: p, actor: by, journeys: m.journeys, store: importStore{}}
	err := m.db.InTx(ctx, db.SystemScope("import customers"), func(tx *db.Tx) error {
		held, err := m.programmes.store.hold(ctx, tx)
		if err != nil {
			return fmt.Errorf("hold the programme: %w", err)
		}
		if held != p.Version {
			return ErrImportCrossed
		}
		if err := run.store.takeTurn(ctx, tx); err != nil {
			return err
		}
		if err := run.all(ctx, tx); err != nil {
			return err
		}
		switch {
		case o.AllOrNothing && run.report.Count(LineRefused) > 0:
			return ErrImportRefused.With(map[string]any{"Lines": run.report.Count(LineRefused)})
		case o.DryRun:
			return errUndone
		}
		return m.record(ctx, tx, by, run.report)
	})
	run.report.Stored = err == nil
	return run.report, err
}

func (m *Importer) record(ctx context.Context, tx *db.Tx, by Actor, r ImportReport) error {
	return audit.Record(ctx, tx, audit.Entry{
		Actor: by.ID, ActorKind: by.Kind, Act: "customers.import", Object: "customers",
		Detail: map[string]any{
			"customers_created": r.CustomersCreated, "customers_updated": r.CustomersUpdated, "customers_unchanged": r.CustomersUnchanged,
			"contacts_created": r.ContactsCreated, "contacts_updated": r.ContactsUpdated, "extended": r.Extended, "lines_refused": r.Count(LineRefused),
		},
	})
}
