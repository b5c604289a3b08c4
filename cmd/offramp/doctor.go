package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"offramp/deploy/schema"
	"offramp/export/storage"
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
both OpenID providers, the SMTP server, the sinks' settings, the key of Stripe, our bank account,
the key management service (wrap, unwrap) and the clock. Changes nothing. Exit status 1 when something is to be mended.

Example:
  offramp doctor`
}

// check is one thing that is tried. It returns what was found; its error says what is wrong and, when it is no trouble of its
// own, mend says what to do.
type check struct {
	name     string
	mend     string
	database bool // it needs the database
	try      func(ctx context.Context) (string, error)
}

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
		if err != nil {
			count++
			c.wrong(k, err)
			continue
		}
		c.printf("ok    %s%s\n", k.name, found)
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
		{"clock", "synchronise this machine's clock (NTP)", true, p.checkClock},
		{"storage", "", false, p.checkStorage(limit)},
		{"customers' provider", "correct OFFRAMP_CUSTOMER_ISSUER, or start the provider and clear the way to it", false, p.checkProvider(p.config.Customer)},
		{"staff's provider", "correct OFFRAMP_STAFF_ISSUER, or start the provider and clear the way to it", false, p.checkProvider(p.config.Staff)},
		{"mail", "correct OFFRAMP_SMTP_HOST, _PORT, _TLS, _USERNAME and _PASSWORD, or start the mail server", false, func(ctx context.Context) (string, error) {
			return ": " + p.config.Mail.Host, mail.Check(ctx, p.mailer())
		}},
		{"programme", "offramp apply -f programme.yaml, and have it approved in the console", true, p.checkProgramme},
		{"sinks", "", true, p.checkSinks},
		{"sources", "", true, p.checkSources},
		{"Stripe", "", false, p.checkStripe},
		{"bank account", "", false, p.checkBank},
		{"keys of bank details", "", false, p.checkKeys},
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

// checkStorage gives up sooner than an export would, so that the cause is heard before the time is up.
func (p *parts) checkStorage(limit time.Duration) func(ctx context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		where := p.storage()
		where.Attempts, where.Backoff, where.Stall = 2, time.Second, limit/4
		name := fmt.Sprintf("bucket %s at %s", where.Bucket, cmp.Or(where.Endpoint, "AWS, region "+where.Region))
		bucket, err := storage.Open(ctx, where)
		if err == nil {
			err = bucket.Check(ctx)
		}
		if err != nil {
			return "", storageTrouble(name, "OFFRAMP_S3_*", err)
		}
		return ": " + name, nil
	}
}

// checkProvider reads the provider's own description and keys.
func (p *parts) checkProvider(r config.Realm) func(ctx context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		var about struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		if err := fetchJSON(ctx, strings.TrimSuffix(r.Issuer, "/")+"/.well-known/openid-configuration", &about); err != nil {
			return "", fmt.Errorf("%s: %w", r.Issuer, err)
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

func (p *parts) checkSinks(ctx context.Context) (string, error) {
	programme, err := p.programmes.Active(ctx)
	if err != nil {
		return ": none yet", nil //nolint:nilerr // the check of the programme has said so
	}
	var missing []error
	for _, s := range programme.Sinks {
		if _, ok := p.config.Sinks[strings.ToLower(s.Name)]; !ok {
			variable := "OFFRAMP_SINK_" + strings.ToUpper(s.Name)
			missing = append(missing, &trouble{
				what: fmt.Sprintf("the programme's sink %q has no address, so nobody is told of changes", s.Name),
				mend: "set " + variable + "_URL and " + variable + "_SECRET",
			})
		}
	}
	return fmt.Sprintf(": %d", len(programme.Sinks)), errors.Join(missing...)
}

func (p *parts) checkSources(ctx context.Context) (string, error) {
	programme, err := p.programmes.Active(ctx)
	if err != nil {
		return ": none yet", nil //nolint:nilerr // the check of the programme has said so
	}
	var found []error
	for _, f := range p.trySources(ctx, programme) {
		if f.err != nil {
			found = append(found, &trouble{what: f.String()})
		}
	}
	return fmt.Sprintf(": %d datasets answer", len(programme.Datasets)), errors.Join(found...)
}
