package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"offramp/internal/fault"
	"offramp/migration"
)

type importCmd struct {
	File         string `arg:"" optional:"" help:"CSV file; - reads standard input. Without it the programme's query is read from its source."`
	Entitlements bool   `help:"Import what customers have paid, and not the customers."`
	Complete     bool   `help:"With --entitlements and a file: these are all payments there are, so that a customer whom none names has paid nothing. The programme's query always is complete."`
	By           string `placeholder:"NAME" help:"Who imports, for the audit log; default the operating system's user."`
	DryRun       bool   `help:"Report everything and store nothing."`
	AllOrNothing bool   `help:"Store nothing when any line is refused."`
	AsWritten    bool   `help:"Take values that look as if a spreadsheet had changed them, such as 1.07E+05 or NULL."`
	Verbose      bool   `short:"v" help:"Print every line's outcome, not only the refused ones."`
	Codes        string `placeholder:"FILE" help:"Import offer codes instead of customers: a file with one code a line; - reads standard input."`
	Replacement  string `placeholder:"KEY" help:"The replacement that the codes are for; goes with --codes."`
}

// Help shows an example.
func (importCmd) Help() string {
	return `Columns: ref, name, tier, locale, zone, email, contact_name, role, state, phone, sms_consent, extension_<milestone>, attr_<name>. One row a contact;
rows with the same ref are contacts of one customer. Importing the same rows again changes nothing. A line that is wrong is
refused with its number and reason, and the others are stored together. Exit status 1 when a line was refused. What looks as if a
spreadsheet had changed it (2.026E+11, #N/A, NULL, zeros gone) is refused, too, unless --as-written is given.

With --entitlements the rows are payments: customer_ref, ref, paid_at, method, currency, gross, period_start, period_end and,
where there are any, invoice_ref, provider, provider_ref, tax, discount, units, units_used, refunded, credited. The rows of one
customer follow each other. They are stored a thousand or so at a time.

Example:
  offramp import customers.csv --dry-run
  offramp import
  offramp import --codes codes.csv --replacement driftboard
  offramp import --entitlements payments.csv`
}

// Run imports customers and contacts.
func (i importCmd) Run(c *console) error {
	p, err := c.open("import")
	if err != nil {
		return err
	}
	defer p.close()
	if i.Codes != "" || i.Replacement != "" {
		return i.codes(c, p)
	}
	if i.Entitlements {
		return i.payments(c, p)
	}
	if i.Complete {
		return errors.New("--complete goes with --entitlements")
	}
	rows, done, err := i.rows(c, p)
	if err != nil {
		return err
	}
	defer done()
	report, err := migration.NewImporter(p.db, p.programmes).Import(c.ctx, operator(i.By), rows, migration.ImportOptions{
		DryRun: i.DryRun, AllOrNothing: i.AllOrNothing, AsWritten: i.AsWritten,
	})
	i.print(c, report)
	switch {
	case errors.Is(err, migration.ErrNoProgramme):
		return errNoProgramme
	case errors.Is(err, migration.ErrImportRefused):
		c.printf("Nothing was stored (--all-or-nothing).\n")
		return errSilent
	case fault.KindOf(err) == fault.Conflict:
		return errors.New("something else changed the same customers meanwhile; nothing was stored, run it again")
	case errors.Is(err, migration.ErrBadImport):
		cause := errors.Unwrap(err)
		if path := new(fs.PathError); errors.As(cause, &path) {
			return cause
		}
		return fmt.Errorf("%s cannot be imported: %w. Nothing was stored", i.what(), cause)
	case err != nil:
		return err
	case len(report.Refused()) > 0:
		return errSilent
	}
	return nil
}

// what names what is read.
func (i importCmd) what() string {
	switch i.File {
	case "":
		if i.Entitlements {
			return "the answer of the programme's query for payments"
		}
		return "the answer of the programme's query for customers"
	case "-":
		return "the standard input"
	}
	return i.File
}

// rows opens what is to be read.
func (i importCmd) rows(c *console, p *parts) (migration.Rows, func(), error) {
	if i.File == "" {
		rows, err := p.queried(c)
		return rows, func() {}, err
	}
	return i.file(c)
}

// file opens the file that was named, or standard input.
func (i importCmd) file(c *console) (migration.Rows, func(), error) {
	if i.File == "-" {
		return migration.CSVRows(c.in), func() {}, nil
	}
	f, err := os.Open(i.File)
	if err != nil {
		return nil, nil, err
	}
	return migration.CSVRows(f), func() { _ = f.Close() }, nil
}

func (i importCmd) print(c *console, r migration.ImportReport) {
	place := "line"
	if i.File == "" {
		place = "row"
	}
	for _, l := range r.Lines {
		if l.Outcome == migration.LineRefused || i.Verbose {
			c.printf("%s %d: %s %s%s\n", place, l.Line, l.Ref, l.Outcome, because(l.Reason))
		}
	}
	for _, w := range r.Warnings {
		c.printf("%s %d: %s warning: %s\n", place, w.Line, w.Ref, w.Text)
	}
	if len(r.Lines) == 0 {
		return
	}
	c.printf("%d %ss: %d created, %d updated, %d unchanged, %d refused.\n", len(r.Lines), place,
		r.Count(migration.LineCreated), r.Count(migration.LineUpdated), r.Count(migration.LineUnchanged), r.Count(migration.LineRefused))
	c.printf("Customers: %d new, %d changed, %d as they were. Contacts: %d new, %d changed. Extensions changed: %d.\n",
		r.CustomersCreated, r.CustomersUpdated, r.CustomersUnchanged, r.ContactsCreated, r.ContactsUpdated, r.Extended)
	if i.DryRun {
		c.printf("Nothing was stored (--dry-run).\n")
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// queried reads the programme's query for customers.
func (p *parts) queried(c *console) (*table, error) {
	programme, err := p.programmes.Active(c.ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return nil, errNoProgramme
	}
	if err != nil {
		return nil, err
	}
	if programme.Customers == nil {
		return nil, errors.New("the programme has no query for customers; name a CSV file: offramp import customers.csv")
	}
	sources := p.sources()
	defer sources.Close()
	t := &table{at: -1}
	err = sources.QueryRows(c.ctx, *programme.Customers, func(columns []string, values []*string) error {
		t.columns = columns
		row := make([]string, len(values))
		for n, v := range values {
			if v != nil {
				row[n] = *v
			}
		}
		t.rows = append(t.rows, row)
		return nil
	})
	if err != nil {
		return nil, p.sourceTrouble(programme.Customers.Source, err)
	}
	if len(t.rows) == 0 {
		return nil, errors.New("the programme's query for customers returned no row")
	}
	return t, nil
}

// table is the answer of a query as an import reads it.
type table struct {
	columns []string
	rows    [][]string
	at      int
}

// Columns names the columns.
func (t *table) Columns() []string { return t.columns }

// Next moves to the next row.
func (t *table) Next() bool { t.at++; return t.at < len(t.rows) }

// Values are the current row's.
func (t *table) Values() []string { return t.rows[t.at] }

// Line numbers the current row from 1.
func (t *table) Line() int { return t.at + 1 }

// Err is nil: the query was read to its end.
func (t *table) Err() error { return nil }
