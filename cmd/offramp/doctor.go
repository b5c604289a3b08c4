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
	"offramp/internal/config"
	"offramp/internal/mail"
	"offramp/migration"
)

type doctorCmd struct {
	Timeout time.Duration `default:"20s" help:"For each check."`
}

// Help shows an example.
func (doctorCmd) Help() string {
	return `Tries the database and its roles, the schema, the programme and its sources, the S3 bucket (write, read back, range, delete),
both OpenID providers, the SMTP server, the sinks' settings and the clock. Changes nothing. Exit status 1 when something is to
be mended.

Example:
  offramp doctor`
}

// check is one thing that is tried. It returns what was found; its error says what is wrong, and mend what to do.
type check struct {
	name string
	mend string
	try  func(ctx context.Context) (string, error)
}

// Run tries everything and says what to mend.
func (d doctorCmd) Run(c *console) error {
	if _, err := c.config("doctor"); err != nil {
		c.printf("configuration  %s\n", err)
		return errSilent
	}
	c.printf("ok    configuration\n")
	p, err := c.open("doctor")
	if err != nil {
		c.printf("WRONG database: %s\n", err)
		return errSilent
	}
	defer p.close()
	wrong := 0
	for _, k := range p.checks() {
		ctx, cancel := context.WithTimeout(c.ctx, d.Timeout)
		found, err := k.try(ctx)
		cancel()
		if err != nil {
			wrong++
			c.printf("WRONG %s: %s\n      mend: %s\n", k.name, oneLine(err), k.mend)
			continue
		}
		c.printf("ok    %s%s\n", k.name, found)
	}
	if wrong > 0 {
		c.printf("%d to mend.\n", wrong)
		return errSilent
	}
	c.printf("Everything answers.\n")
	return nil
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func (p *parts) checks() []check {
	list := []check{
		{"database role", "sign in as a role that is a member of offramp_app and neither superuser nor BYPASSRLS (OFFRAMP_DATABASE_URL)", p.checkRole},
		{"schema", "run: offramp schema up", p.checkSchema},
		{"clock", "synchronise this machine's clock (NTP)", p.checkClock},
		{"storage", "check OFFRAMP_S3_*; the key needs to put, get and delete objects, to list the bucket and to abort uploads", p.checkStorage},
		{"customers' provider", "check OFFRAMP_CUSTOMER_ISSUER and that this machine reaches it", p.checkProvider(p.config.Customer)},
		{"staff's provider", "check OFFRAMP_STAFF_ISSUER and that this machine reaches it", p.checkProvider(p.config.Staff)},
		{"mail", "check OFFRAMP_SMTP_*", func(ctx context.Context) (string, error) {
			return ": " + p.config.Mail.Host, mail.Check(ctx, p.mailer())
		}},
		{"programme", "offramp apply -f programme.yaml, and have it approved in the console", p.checkProgramme},
		{"sinks", "set OFFRAMP_SINK_<NAME>_URL and _SECRET for each sink of the programme", p.checkSinks},
	}
	return append(list, check{"sources", "correct the dataset in the programme file, or the source's address and rights", p.checkSources})
}

func (p *parts) checkRole(ctx context.Context) (string, error) {
	var name string
	var super, bypass, member bool
	const sql = `SELECT rolname, rolsuper, rolbypassrls, pg_has_role(oid, 'offramp_app', 'MEMBER') FROM pg_roles WHERE rolname = current_user`
	if err := p.db.Pool.QueryRow(ctx, sql).Scan(&name, &super, &bypass, &member); err != nil {
		return "", err
	}
	switch {
	case super || bypass:
		return "", fmt.Errorf("%s is a superuser or has BYPASSRLS: row-level security would not protect customers from each other", name)
	case !member:
		return "", fmt.Errorf("%s is no member of offramp_app", name)
	}
	return ": " + name, nil
}

func (p *parts) checkSchema(ctx context.Context) (string, error) {
	changes, err := schema.Status(ctx, p.db.Pool)
	if err != nil {
		return "", err
	}
	for _, change := range changes {
		if change.AppliedAt.IsZero() {
			return "", fmt.Errorf("%s is missing", change.File)
		}
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

func (p *parts) checkStorage(ctx context.Context) (string, error) {
	bucket, err := p.bucket(ctx)
	if err != nil {
		return "", err
	}
	return ": " + p.config.Storage.Bucket, bucket.Check(ctx)
}

// checkProvider reads the provider's own description and keys.
func (p *parts) checkProvider(r config.Realm) func(ctx context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		var about struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		if err := fetchJSON(ctx, strings.TrimSuffix(r.Issuer, "/")+"/.well-known/openid-configuration", &about); err != nil {
			return "", err
		}
		if about.Issuer != r.Issuer {
			return "", fmt.Errorf("it calls itself %s, the configuration calls it %s; they must be the same to the letter", about.Issuer, r.Issuer)
		}
		var keys struct {
			Keys []json.RawMessage `json:"keys"`
		}
		if err := fetchJSON(ctx, about.Keys, &keys); err != nil {
			return "", fmt.Errorf("its keys: %w", err)
		}
		if len(keys.Keys) == 0 {
			return "", errors.New("it publishes no keys")
		}
		return ": " + r.Issuer, nil
	}
}

func fetchJSON(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(into)
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

func (p *parts) checkSinks(ctx context.Context) (string, error) {
	programme, err := p.programmes.Active(ctx)
	if err != nil {
		return ": none yet", nil //nolint:nilerr // the check of the programme has said so
	}
	for _, s := range programme.Sinks {
		if _, ok := p.config.Sinks[strings.ToLower(s.Name)]; !ok {
			return "", fmt.Errorf("the programme names the sink %s, which has no address", s.Name)
		}
	}
	return fmt.Sprintf(": %d", len(programme.Sinks)), nil
}

func (p *parts) checkSources(ctx context.Context) (string, error) {
	programme, err := p.programmes.Active(ctx)
	if err != nil {
		return ": none yet", nil //nolint:nilerr // the check of the programme has said so
	}
	sources := p.sources()
	defer sources.Close()
	var wrong []string
	for _, problem := range sources.CheckProgramme(ctx, programme) {
		if !problem.Warning {
			wrong = append(wrong, problem.Path+": "+problem.Message)
		}
	}
	if len(wrong) > 0 {
		return "", errors.New(strings.Join(wrong, "; "))
	}
	return fmt.Sprintf(": %d datasets answer", len(programme.Datasets)), nil
}
