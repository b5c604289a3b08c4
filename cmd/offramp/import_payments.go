package main

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"offramp/migration"
	"offramp/migration/refund"
)

// payments imports what customers have paid.
func (i importCmd) payments(c *console, p *parts) error {
	rows, done, err := i.paymentRows(c, p)
	if err != nil {
		return err
	}
	defer done()
	place := i.place()
	service := refund.NewEntitlements(p.db, p.programmes, refund.CoveredPayments)
	report, err := service.Import(c.ctx, operator(i.By), rows, refund.PaymentOptions{
		Source: i.source(), Complete: i.Complete || i.File == "", DryRun: i.DryRun, AllOrNothing: i.AllOrNothing, AsWritten: i.AsWritten,
		Say: func(l migration.ImportLine) {
			if l.Outcome == migration.LineRefused || i.Verbose {
				c.printf("%s %d: %s %s%s\n", place, l.Line, l.Ref, l.Outcome, because(l.Reason))
			}
		},
	})
	if report.Read > 0 {
		c.printf("%d %ss: %d created, %d updated, %d unchanged, %d refused.\n", report.Read, place, report.Created, report.Updated, report.Unchanged, report.Refused)
		c.printf("Customers: %d named. Told that an amount is due: %d; that nothing is: %d.\n", report.Customers, report.Due, report.NotDue)
	}
	if err == nil && !i.DryRun {
		err = refresh(c, service, i.By)
	}
	return i.ended(c, report, err)
}

// refresh follows a programme or a date that has changed since amounts were worked out.
func refresh(c *console, service *refund.Entitlements, by string) error {
	told, err := service.Refresh(c.ctx, operator(by).ID)
	if told > 0 {
		c.printf("Worked out anew after a change of the programme or of their own dates: %d customers.\n", told)
	}
	return err
}

// ended says how an import of payments came out.
func (i importCmd) ended(c *console, r refund.PaymentReport, err error) error {
	if i.DryRun && err == nil {
		c.printf("Nothing was stored (--dry-run).\n")
	}
	switch {
	case errors.Is(err, migration.ErrNoProgramme):
		return errNoProgramme
	case errors.Is(err, refund.ErrNoPolicy):
		return errors.New("the programme in effect has no section refund, which says how payments are counted; apply one first")
	case errors.Is(err, refund.ErrPaymentsRefused):
		c.printf("Nothing was stored (--all-or-nothing).\n")
		return errSilent
	case errors.Is(err, refund.ErrBadPayments):
		cause := errors.Unwrap(err)
		if path := new(fs.PathError); errors.As(cause, &path) {
			return cause
		}
		stored := "Nothing was stored"
		if r.Read > 0 {
			stored = "What is counted above was stored; mend it and run the whole again"
		}
		return fmt.Errorf("%s cannot be imported: %w. %s", i.what(), cause, stored)
	case err != nil:
		return err
	case r.Refused > 0:
		return errSilent
	}
	return nil
}

func (i importCmd) place() string {
	if i.File == "" {
		return "row"
	}
	return "line"
}

// source names what is read, for the record.
func (i importCmd) source() string {
	switch i.File {
	case "":
		return "query"
	case "-":
		return "standard input"
	}
	return i.File
}

// paymentRows opens what is to be read, without reading it.
func (i importCmd) paymentRows(c *console, p *parts) (migration.Rows, func(), error) {
	if i.File == "" {
		return p.queriedPayments(c)
	}
	return i.file(c)
}

var errNoProgramme = errors.New("no programme is in effect yet: offramp apply one, and have it approved in the console")

// queriedPayments reads the programme's query for payments, row by row as the import takes them.
func (p *parts) queriedPayments(c *console) (migration.Rows, func(), error) {
	programme, err := p.programmes.Active(c.ctx)
	switch {
	case errors.Is(err, migration.ErrNoProgramme):
		return nil, nil, errNoProgramme
	case err != nil:
		return nil, nil, err
	case programme.Entitlements == nil:
		return nil, nil, errors.New("the programme has no query for payments; name a CSV file: offramp import --entitlements payments.csv")
	}
	q := *programme.Entitlements
	sources := p.sources()
	rows := &pulled{}
	next, stop := iter.Pull(func(yield func(row) bool) {
		err := sources.QueryRows(c.ctx, q, func(columns []string, values []*string) error {
			if !yield(row{columns, texts(values)}) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			rows.err = p.sourceTrouble(q.Source, err)
		}
	})
	rows.next = next
	rows.first, rows.more = next()
	done := func() {
		stop()
		sources.Close()
	}
	switch {
	case rows.err != nil:
		done()
		return nil, nil, rows.err
	case !rows.more:
		done()
		return nil, nil, errors.New("the programme's query for payments returned no row")
	}
	return rows, done, nil
}

var errStopped = errors.New("nobody reads on")

// row is one row of an answer with the names of its columns.
type row struct{ columns, values []string }

func texts(values []*string) []string {
	list := make([]string, len(values))
	for i, v := range values {
		if v != nil {
			list[i] = *v
		}
	}
	return list
}

// pulled is the answer of a query that is read while it is imported.
type pulled struct {
	next    func() (row, bool)
	first   row
	more    bool
	current []string
	at      int
	err     error
}

// Columns names the columns.
func (p *pulled) Columns() []string { return p.first.columns }

// Next moves to the next row.
func (p *pulled) Next() bool {
	p.at++
	if p.at == 1 {
		p.current = p.first.values
		return p.more
	}
	r, more := p.next()
	p.current = r.values
	return more
}

// Values are the current row's.
func (p *pulled) Values() []string { return p.current }

// Line numbers the current row from 1.
func (p *pulled) Line() int { return p.at }

// Err is what broke the query off.
func (p *pulled) Err() error { return p.err }
