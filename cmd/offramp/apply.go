package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"time"

	"offramp/internal/audit"
	"offramp/internal/fault"
	"offramp/migration"
)

type applyCmd struct {
	File      string `short:"f" required:"" placeholder:"FILE" help:"The programme file; - reads standard input."`
	By        string `placeholder:"NAME" help:"Who proposes it, for the audit log; default the operating system's user. It proves nothing: two people approve."`
	DryRun    bool   `help:"Show everything and store nothing."`
	NoSources bool   `help:"Do not try the datasets' queries on their sources."`
	Reason    string `placeholder:"TEXT" help:"Why dates become earlier, with --approve-as."`
	ApproveAs string `placeholder:"NAME" help:"Approve at once as this second person. For demonstrations: needs OFFRAMP_DEMO_SELF_APPROVAL=yes."`
}

// Help shows an example.
func (applyCmd) Help() string {
	return `Checks the whole file and tries each dataset's query on its source, shows what would change and which customers must be
told, and stores a new version. It takes effect when two programme managers have approved it in
the console (/console/programme): the name given here proves nobody's identity.
Exit status 1 when the file has errors; every one is printed with its line.

Example:
  offramp apply -f programme.yaml --dry-run
  offramp apply -f programme.yaml`
}

// Run proposes a version.
func (a applyCmd) Run(c *console) error {
	if a.ApproveAs != "" && !c.has("OFFRAMP_DEMO_SELF_APPROVAL=yes") {
		return errors.New("--approve-as is for demonstrations, which set OFFRAMP_DEMO_SELF_APPROVAL=yes; elsewhere two programme managers approve at /console/programme")
	}
	src, err := c.read(a.File)
	if err != nil {
		return err
	}
	p, err := c.open("apply")
	if err != nil {
		return err
	}
	defer p.close()
	preview, err := p.programmes.Preview(c.ctx, src)
	if err != nil {
		return c.refused(a.File, err)
	}
	for _, w := range preview.Warnings {
		c.printf("%s:%s\n", a.File, w)
	}
	if !a.NoSources && !p.tried(c, a.File, preview.Programme) {
		return errSilent
	}
	c.show(preview)
	if a.DryRun || preview.Unchanged {
		if a.DryRun {
			c.printf("Nothing was stored (--dry-run).\n")
		}
		return nil
	}
	return a.propose(c, p, src)
}

// propose stores the version. The same file proposed again is the version that waits already.
func (a applyCmd) propose(c *console, p *parts, src []byte) error {
	proposer, began := operator(a.By), p.db.Clock.Now()
	stored, err := p.programmes.Propose(c.ctx, proposer, src)
	if err != nil {
		return c.refused(a.File, err)
	}
	if v := stored.Version; v.ProposedAt.Before(began) {
		c.printf("It is version %d already, proposed by %s at %s.\n", v.Number, v.ProposedBy, v.ProposedAt.UTC().Format(time.RFC3339))
	} else {
		c.printf("Stored as version %d, proposed by %s.\n", v.Number, v.ProposedBy)
	}
	if a.ApproveAs == "" {
		who := "two programme managers approve"
		if stored.Version.FirstApprovedBy != "" {
			who = "one more programme manager approves"
		}
		c.printf("It takes effect when %s it at %s/console/programme.\n", who, p.config.Web.URL)
		return nil
	}
	whole, err := p.programmes.ApproveFor(c.ctx, operator(a.ApproveAs), stored.Version.Number, a.Reason)
	if err != nil {
		return err
	}
	if !whole {
		return errors.New("this installation is no demonstration: the schema command says so when OFFRAMP_DEMO_SELF_APPROVAL=yes is set for it, too")
	}
	c.printf("Approved by %s. It is in effect.\n", a.ApproveAs)
	return nil
}

// refused prints what is wrong with a file, or passes other errors on.
func (c *console) refused(file string, err error) error {
	findings := migration.FindingsOf(err)
	if len(findings) == 0 {
		switch {
		case errors.Is(err, migration.ErrProgrammeOpen):
			return errors.New("another version waits for approval; approve or withdraw it at /console/programme first")
		case fault.KindOf(err) == fault.Conflict:
			return fmt.Errorf("somebody else was faster; run it again: %w", err)
		}
		return err
	}
	for _, f := range findings {
		c.printf("%s:%s\n", file, f)
	}
	c.printf("%d error(s), %d warning(s). Nothing was stored.\n", len(findings.Errors()), len(findings.Warnings()))
	return errSilent
}

// tried prints what is wrong with the programme's sources, and reports whether it can be answered.
func (p *parts) tried(c *console, file string, programme *migration.Programme) bool {
	findings := p.trySources(c.ctx, programme)
	for _, f := range findings {
		if f.line > 0 {
			c.printf("%s:%d: %s\n", file, f.line, f)
		} else {
			c.printf("%s\n", f)
		}
	}
	n := grave(findings)
	if n > 0 {
		c.printf("%d source problem(s). Nothing was stored. Mend them, or skip this check with --no-sources.\n", n)
	}
	return n == 0
}

// show prints the difference and who must be told.
func (c *console) show(p migration.Proposal) {
	switch {
	case p.Unchanged:
		c.printf("No change: version %d says the same. Nothing was stored.\n", p.Base)
		return
	case p.Base == 0:
		c.printf("This is the first version.\n")
	default:
		c.printf("Against version %d:\n", p.Base)
		for _, change := range p.Changes {
			c.printf("  %s\n", change)
		}
	}
	for _, m := range migration.Earlier(p.Moved) {
		c.printf("warning: %s moves forward, from %s to %s: people have less time than they were told. Whoever approves is asked for the reason.\n", m.Milestone, m.Was, m.Day)
	}
	for _, told := range p.Told {
		c.printf("Must be told of a moved date: %d customers of tier %s\n", told.Customers, told.Tier)
	}
	if len(p.Told) > 0 {
		c.printf("On approval a correction is drafted for those who were told the old date. It goes out when another person approves it under Notices.\n")
	}
}

// operator names who is at the command line.
func operator(by string) migration.Actor {
	if by == "" {
		by = "unknown"
		if u, err := user.Current(); err == nil {
			by = u.Username
		}
		if host, err := os.Hostname(); err == nil {
			by += "@" + host
		}
	}
	return migration.Actor{ID: by, Kind: audit.Operator}
}

// read returns the content of a file; - is standard input.
func (c *console) read(path string) ([]byte, error) {
	const most = 4 << 20
	if path != "-" {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.Size() > most {
			return nil, fmt.Errorf("%s has %d bytes; a programme file has at most %d", path, info.Size(), most)
		}
		return os.ReadFile(path) //nolint:gosec // the operator names the file
	}
	return io.ReadAll(io.LimitReader(c.in, most))
}

// has reports whether the environment holds this pair.
func (c *console) has(pair string) bool {
	for _, e := range c.environ {
		if e == pair {
			return true
		}
	}
	return false
}
