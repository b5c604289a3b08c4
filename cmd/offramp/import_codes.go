package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"offramp/internal/fault"
	"offramp/internal/jobs"
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
	lines, err := i.codeLines(c)
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
	for _, r := range report.Refused {
		c.printf("line %d: refused: %s\n", r.Line, r.Reason)
	}
	c.printf("%d codes: %d added, %d known already, %d refused. Customers who waited and were served: %d.\n",
		len(lines), report.Added, report.Known, len(report.Refused), report.Served)
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
func (i importCmd) codeLines(c *console) ([]replacement.CodeLine, error) {
	from := c.in
	if i.Codes != "-" {
		f, err := os.Open(i.Codes)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	return readCodes(from)
}

func readCodes(from io.Reader) (lines []replacement.CodeLine, err error) {
	scanner := bufio.NewScanner(from)
	for n := 1; scanner.Scan(); n++ {
		text := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), "\ufeff"))
		if unquoted, ok := strings.CutPrefix(text, `"`); ok {
			text = strings.ReplaceAll(strings.TrimSuffix(unquoted, `"`), `""`, `"`)
		}
		if text == "" || n == 1 && strings.EqualFold(text, "code") {
			continue
		}
		lines = append(lines, replacement.CodeLine{Line: n, Code: text})
	}
	return lines, scanner.Err()
}
