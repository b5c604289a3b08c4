package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"offramp/auth/oidc"
	"offramp/export/storage"
	"offramp/internal/config"
	"offramp/internal/outbound"
	"offramp/migration"
	"offramp/migration/writeback"
)

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
		locks := false
		if err == nil {
			locks, err = bucket.Locks(ctx)
		}
		if err != nil {
			return "", bucketTrouble(name, err)
		}
		if !locks {
			return ": " + name + ", without object lock: whoever has its key can delete the audit log's signed heads", nil
		}
		return ": " + name + ", with object lock for the audit log's signed heads", nil
	}
}

// bucketTrouble explains what a check of the bucket found.
func bucketTrouble(name string, err error) error {
	var failed *storage.Error
	errors.As(err, &failed)
	switch {
	case errors.Is(err, storage.ErrPublic):
		return &trouble{what: name + " gives files to anybody who knows their name", mend: "make the bucket private: no public policy, no public ACL"}
	case errors.Is(err, storage.ErrLink) && failed.Kind == storage.Unavailable:
		return &unproved{name + " does what exports need; a link as customers get it was not tried, since its address cannot be reached from here"}
	case errors.Is(err, storage.ErrLink):
		return &trouble{what: "a link as customers get it does not give the file", mend: "correct OFFRAMP_S3_PUBLIC_ENDPOINT, or set OFFRAMP_S3_PROXY=yes", cause: err}
	case failed != nil && failed.Op == "list uploads":
		return &trouble{
			what: name + " does not list unfinished uploads (ListMultipartUploads), so that parts left behind by a crash would never be removed",
			mend: "grant s3:ListBucketMultipartUploads, or use a store that has it", cause: err,
		}
	}
	return storageTrouble(name, "OFFRAMP_S3_*", err)
}

// checkProvider reads the provider's own description and keys, and has it refuse a code that nobody gave.
func (p *parts) checkProvider(r config.Realm, variable, path string) func(ctx context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if err := p.checkIssuer(ctx, r); err != nil {
			return "", err
		}
		callback := p.config.BaseURL().JoinPath(path).String()
		err := oidc.New(oidc.Config{
			Issuer: r.Issuer, ClientID: r.ClientID, ClientSecret: r.ClientSecret, Scopes: r.Scopes, RedirectURL: callback,
		}).CheckClient(ctx)
		switch {
		case errors.Is(err, oidc.ErrUnproved):
			return "", &unproved{r.Issuer + " answers and knows " + callback + "; whether the client's secret is right shows at the first sign-in"}
		case errors.Is(err, oidc.ErrSecret):
			return "", &trouble{
				what: fmt.Sprintf("%s does not let the client %s in", r.Issuer, r.ClientID), cause: err,
				mend: fmt.Sprintf("correct OFFRAMP_%s_CLIENT_ID and OFFRAMP_%s_CLIENT_SECRET", variable, variable),
			}
		case errors.Is(err, oidc.ErrRedirect):
			return "", &trouble{
				what: fmt.Sprintf("%s does not know the client %s, or not with this redirect address", r.Issuer, r.ClientID), cause: err,
				mend: "register " + callback + " there, or correct OFFRAMP_WEB_URL and OFFRAMP_" + variable + "_CLIENT_ID",
			}
		case errors.Is(err, oidc.ErrClock):
			return "", &trouble{what: "the clock of " + r.Issuer + " and this machine's are too far apart: its tokens would be refused", mend: "synchronise this machine's clock (NTP), or theirs", cause: err}
		case err != nil:
			return "", fmt.Errorf("%s: %w", r.Issuer, err)
		}
		return ": " + r.Issuer, nil
	}
}

// checkIssuer reads what the provider says of itself.
func (p *parts) checkIssuer(ctx context.Context, r config.Realm) error {
	var about struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := fetchJSON(ctx, strings.TrimSuffix(r.Issuer, "/")+"/.well-known/openid-configuration", &about); err != nil {
		return fmt.Errorf("%s: %w", r.Issuer, err)
	}
	if about.Issuer != r.Issuer {
		return fmt.Errorf("it calls itself %s, the configuration calls it %s; they must be the same to the letter", about.Issuer, r.Issuer)
	}
	var keys struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := fetchJSON(ctx, about.Keys, &keys); err != nil {
		return fmt.Errorf("its keys: %w", err)
	}
	if len(keys.Keys) == 0 {
		return errors.New("it publishes no keys")
	}
	return nil
}

// checkSinks connects to each sink that the programme names, as a delivery would, and sends nothing. Whether the
// receiver knows our secret only a delivery can tell, so the last answers speak as well.
func (p *parts) checkSinks(ctx context.Context) (string, error) {
	programme, err := p.programmes.Active(ctx)
	if err != nil {
		return "", &unproved{"not tried, no programme is in effect"}
	}
	stands, err := p.sinks("doctor", nil).Summary(ctx, sinksScope)
	if err != nil {
		return "", err
	}
	var found []error
	for _, s := range programme.Sinks {
		if err := p.checkSink(ctx, s, stands); err != nil {
			found = append(found, err)
		}
	}
	return fmt.Sprintf(": %d", len(programme.Sinks)), errors.Join(found...)
}

func (p *parts) checkSink(ctx context.Context, s migration.Sink, stands []writeback.Summary) error {
	end, variable := p.sinkEnd(s.Name), "OFFRAMP_SINK_"+strings.ToUpper(s.Name)
	switch end.Wants() {
	case writeback.Address:
		return &trouble{
			what: fmt.Sprintf("the programme's sink %q has no address, so this worker tells nobody there of changes", s.Name),
			mend: "set " + variable + "_URL and " + variable + "_SECRET",
		}
	case writeback.Secret, writeback.ValidSecret:
		return &trouble{what: fmt.Sprintf("the secret of the sink %q is not whsec_ and base64", s.Name), mend: "correct " + variable + "_SECRET"}
	case writeback.Nothing:
	}
	if err := p.connect(ctx, end.URL); err != nil {
		if errors.Is(err, outbound.ErrBlocked) {
			return &trouble{
				what:  fmt.Sprintf("the address of the sink %q is not public, so nothing is sent there", s.Name),
				mend:  "name its range in OFFRAMP_OUTBOUND_ALLOW, or correct " + variable + "_URL",
				cause: err,
			}
		}
		return &trouble{what: fmt.Sprintf("the sink %q cannot be reached", s.Name), mend: "start it, or correct " + variable + "_URL and what blocks the way to it", cause: err}
	}
	for _, sum := range stands {
		switch {
		case sum.Sink != s.Name:
		case sum.DisabledAt != nil:
			return &trouble{what: fmt.Sprintf("the sink %q is switched off: %s", s.Name, sum.Reason), mend: "when its receiver is right again: offramp sinks enable " + s.Name}
		case sum.FailingSince != nil && len(sum.Answers) > 0:
			return &trouble{
				what: fmt.Sprintf("the sink %q has taken nothing since %s; it said: %s", s.Name, instant(sum.FailingSince), sum.Answers[0].Fault),
				mend: "look at its receiver, and at the secret there and in " + variable + "_SECRET",
			}
		}
	}
	return nil
}

// connect reaches an address as a delivery does, with TLS where it is https, and says nothing.
func (p *parts) connect(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return errors.New("it is no address")
	}
	allow, err := p.allowed()
	if err != nil {
		return err
	}
	port := cmp.Or(u.Port(), map[string]string{"https": "443"}[u.Scheme], "80")
	conn, err := outbound.Dialer(outbound.Options{Allow: allow}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if u.Scheme != "https" {
		return nil
	}
	return tls.Client(conn, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}).HandshakeContext(ctx)
}
