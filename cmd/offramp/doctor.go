package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"offramp/deploy/schema"
	"offramp/internal/mail"
	"offramp/migration"
)

type doctorCmd struct {
	Timeout time.Duration `default:"20s" help:"For each check."`
}

// Help shows an example.
func (doctorCmd) Help() string {
	return `Each "ok" is an act that was done: it signs in to the database and hides a row from somebody else, uploads to the bucket whole and
in parts, lists, reads by a link and deletes, lets both OpenID providers refuse a code that nobody gave, has the mail server take
the sender, connects to the sinks, asks Stripe, writes a bank file, opens what keys have sealed, and has the
scanner of documents refuse a test file. What it writes it takes back.
A line that begins with "-" could not be tried. Exit status 1 when something is to be mended.

Example:
  offramp doctor`
}

// check is one thing that is tried. It returns what was found; its error says what is wrong and, when it is no trouble
// of its own, mend says what to do.
type check struct {
	name     string
	mend     string
	database bool // it needs the database
	try      func(ctx context.Context) (string, error)
}

// unproved is what no act of ours could show to be right or wrong.
type unproved struct{ why string }

func (u *unproved) Error() string { return u.why }

// Run tries everything and says what to mend.
func (d doctorCmd) Run(c *console) error {
	cfg, err := c.config("doctor")
	if err != nil {
		c.printf("WRONG configuration: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n    "))
		return errSilent
	}
	c.printf("ok    configuration\n")
	count := 0
	p, err := c.reach(cfg, "doctor")
	if err != nil {
		count++
		c.wrong(check{name: "database"}, err)
		p = &parts{config: cfg}
	} else {
		defer p.close()
	}
	for _, k := range p.checks(d.Timeout) {
		if k.database && p.db == nil {
			c.printf("-     %s: not tried, it needs the database\n", k.name)
			continue
		}
		ctx, cancel := context.WithTimeout(c.ctx, d.Timeout)
		found, err := k.try(ctx)
		cancel()
		var open *unproved
		switch {
		case errors.As(err, &open):
			c.printf("-     %s: %s\n", k.name, open.why)
		case err != nil:
			count++
			c.wrong(k, err)
		default:
			c.printf("ok    %s%s\n", k.name, found)
		}
	}
	if count > 0 {
		c.printf("%d to mend.\n", count)
		return errSilent
	}
	c.printf("Everything answers.\n")
	return nil
}

// wrong prints what a check found and what mends it.
func (c *console) wrong(k check, err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			c.wrong(k, e)
		}
		return
	}
	err = explain(err)
	var known *trouble
	if !errors.As(err, &known) {
		err = &trouble{what: err.Error(), mend: k.mend}
	}
	c.printf("WRONG %s: %s\n", k.name, strings.ReplaceAll(err.Error(), "\n", "\n    "))
}

func (p *parts) checks(limit time.Duration) []check {
	return []check{
		{"database role", "sign in as a role that is a member of offramp_serve (for serve) or offramp_work (for the rest) and neither superuser nor BYPASSRLS (OFFRAMP_DATABASE_URL)", true, p.checkRole},
		{"schema", "run: offramp schema up", true, p.checkSchema},
		{"database rights", "run: offramp schema up", true, p.checkRights},
		{"customers' rows", "", true, p.checkRows},
		{"database", "", true, p.checkDatabase},
		{"database's letters", "", true, p.checkLetters},
		{"clock", "synchronise this machine's clock (NTP)", true, p.checkClock},
		{"storage", "", false, p.checkStorage(limit)},
		{"customers' provider", "correct OFFRAMP_CUSTOMER_ISSUER, or start the provider and clear the way to it", false, p.checkProvider(p.config.Customer, "CUSTOMER", "/sign-in/callback")},
		{"staff's provider", "correct OFFRAMP_STAFF_ISSUER, or start the provider and clear the way to it", false, p.checkProvider(p.config.Staff, "STAFF", "/staff/sign-in/callback")},
		{"mail", "correct OFFRAMP_SMTP_HOST, _PORT, _TLS, _USERNAME and _PASSWORD, or start the mail server", false, func(ctx context.Context) (string, error) {
			return ": " + p.config.Mail.Host, mail.Check(ctx, p.mailer())
		}},
		{"mail reports", "", false, p.checkReports},
		{"programme", "offramp apply -f programme.yaml, and have it approved in the console", true, p.checkProgramme},
		{"sinks", "", true, p.checkSinks},
		{"sources", "", true, p.checkSources},
		{"Stripe", "", false, p.checkStripe},
		{"bank account", "", false, p.checkBank},
		{"keys of bank details", "", false, p.checkKeys},
		{"scanner of documents", "", false, p.checkScanner},
	}
}

func (p *parts) checkSchema(ctx context.Context) (string, error) {
	changes, err := schema.Status(ctx, p.db.Pool)
	if err != nil {
		return "", err
	}
	var missing []string
	for _, change := range changes {
		if change.AppliedAt.IsZero() {
			missing = append(missing, change.File)
		}
	}
	if len(missing) == len(changes) {
		return "", errors.New("the database has no schema yet")
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("the database lacks %s", strings.Join(missing, ", "))
	}
	if err := schema.CheckQueue(ctx, p.db.Pool); err != nil {
		return "", err
	}
	return fmt.Sprintf(": %d changes applied", len(changes)), nil
}

func (p *parts) checkClock(ctx context.Context) (string, error) {
	var theirs time.Time
	before := time.Now()
	if err := p.db.Pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&theirs); err != nil {
		return "", err
	}
	apart := theirs.Sub(before.Add(time.Since(before) / 2)).Abs()
	if apart > 5*time.Second {
		return "", fmt.Errorf("this machine and the database are %s apart", apart.Round(time.Second))
	}
	if shift := p.config.Clock.Shift; shift != 0 {
		return fmt.Sprintf(": shifted by %s, for a demonstration", shift), nil
	}
	return "", nil
}

func fetchJSON(ctx context.Context, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("it names no address that can be called")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("it does not answer: %s", brief(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s at %s", resp.Status, req.URL.Path)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(into); err != nil {
		return fmt.Errorf("what it answers at %s is not what an OpenID provider answers", req.URL.Path)
	}
	return nil
}

func (p *parts) checkProgramme(ctx context.Context) (string, error) {
	programme, err := p.programmes.Active(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return "", errors.New("none is in effect: the portal shows nothing yet")
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(": %s, version %d", programme.Key, programme.Version), nil
}

func (p *parts) checkSources(ctx context.Context) (string, error) {
	programme, err := p.programmes.Active(ctx)
	if err != nil {
		return "", &unproved{"not tried, no programme is in effect"}
	}
	var found []error
	for _, f := range p.trySources(ctx, programme) {
		if f.err != nil {
			found = append(found, &trouble{what: f.String()})
		}
	}
	return fmt.Sprintf(": %d datasets answer", len(programme.Datasets)), errors.Join(found...)
}
