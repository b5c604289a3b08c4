package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"offramp/internal/fault"
	"offramp/internal/jobs"
	"offramp/internal/spreadsheet"
	"offramp/migration"
	"offramp/migration/replacement"
)

// codes imports offer codes into the pool of a replacement.
func (i importCmd) codes(c *console, p *parts) error {
	if err := i.codesAsked(p); err != nil {
		return err
	}
	programme, err := p.programmes.Active(c.ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return errors.New("no programme is in effect yet: offramp apply one, and have it approved in the console")
	}
	if err != nil {
		return err
	}
	lines, refused, err := i.codeLines(c)
	if err != nil {
		return err
	}
	queue, err := jobs.NewInserter(p.db)
	if err != nil {
		return err
	}
	choices, err := p.choices(queue)
	if err != nil {
		return err
	}
	report, err := choices.ImportCodes(c.ctx, operator(i.By), programme, i.Replacement, lines)
	if fault.KindOf(err) == fault.NotFound {
		return fmt.Errorf("the programme has no replacement %q whose offer has a pool (offer: {pool: true})", i.Replacement)
	}
	if err != nil {
		return err
	}
	report.Refused = append(refused, report.Refused...)
	for _, r := range report.Refused {
		c.printf("line %d: refused: %s\n", r.Line, r.Reason)
	}
	c.printf("%d codes: %d added, %d known already, %d refused. Customers who waited and were served: %d.\n",
		len(lines)+len(refused), report.Added, report.Known, len(report.Refused), report.Served)
	if len(report.Refused) > 0 {
		return errSilent
	}
	return nil
}

// codesAsked reports what is wrong with the command before anything is read.
func (i importCmd) codesAsked(p *parts) error {
	switch {
	case i.Codes == "" || i.Replacement == "":
		return errors.New("--codes and --replacement go together: offramp import --codes codes.csv --replacement KEY")
	case i.File != "" || i.AllOrNothing || i.DryRun:
		return errors.New("--codes takes neither a file of customers nor --dry-run nor --all-or-nothing")
	case len(p.config.Web.SecretKey) < 32:
		return errors.New("codes are sealed: set OFFRAMP_WEB_SECRET_KEY to that of serve and work")
	}
	return nil
}

// codeLines reads the file. A first line that says code is its header; empty lines are passed over.
func (i importCmd) codeLines(c *console) ([]replacement.CodeLine, []replacement.CodeRefusal, error) {
	from := c.in
	if i.Codes != "-" {
		f, err := os.Open(i.Codes)
		if err != nil {
			return nil, nil, err
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	return readCodes(from, i.AsWritten)
}

func readCodes(from io.Reader, asWritten bool) (lines []replacement.CodeLine, refused []replacement.CodeRefusal, err error) {
	rows := spreadsheet.Values(from)
	for rows.Next() {
		refuse := func(reason string) {
			refused = append(refused, replacement.CodeRefusal{Line: rows.Line(), Reason: reason})
		}
		values := rows.Values()
		switch {
		case rows.Fault() != "":
			refuse(rows.Fault())
		case len(lines)+len(refused) == 0 && strings.EqualFold(strings.TrimSpace(values[0]), "code"):
		case len(values) > 1:
			refuse("holds more than one value; a file of codes has one column")
		default:
			code := strings.TrimSpace(values[0])
			if err := spreadsheet.Key(code); err != nil && !asWritten {
				refuse(err.Error() + ". If it is meant so, import with --as-written")
				continue
			}
			lines = append(lines, replacement.CodeLine{Line: rows.Line(), Code: code})
		}
	}
	return lines, refused, rows.Err()
}
