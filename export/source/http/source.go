// Package http reads rows from an API that pages JSON, and attachments from an HTTP server. See [source.Source] and
// [source.Objects] for what is promised.
package http

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"offramp/export/source"
)

// api reads rows from an HTTP API that pages JSON. The API is live: it has no snapshots, so two readings may differ.
type api struct {
	client *client
	opts   source.Options
}

// Open reads an API's address:
//
//	https://api.example.com/base?rate=5&timeout=30s
//
// rate is how many requests a second the API may be asked (10 unless told), timeout how long it may send nothing at all
// (30s), tries how often a request is made before the source counts as unavailable (5), redirect the hosts to which attachments
// may be redirected (none). http:// is for this machine only, since the secret would be readable on the way; insecure=yes
// allows it elsewhere.
func Open(u *url.URL, o source.Options) (source.Source, error) {
	c, err := newClient(u, o)
	if err != nil {
		return nil, &source.Error{Kind: source.Invalid, Cause: err}
	}
	return &api{client: c, opts: o.WithDefaults()}, nil
}

func newClient(u *url.URL, o source.Options) (*client, error) {
	base := *u
	base.RawQuery, base.Fragment = "", ""
	c := &client{base: &base, limit: rate.NewLimiter(10, 1), slots: slots{pacer: o.Pacer}, stall: 30 * time.Second, tries: 5}
	switch {
	case u.User != nil:
		return nil, errors.New("an API's URL must not hold a password; set OFFRAMP_SOURCE_<KEY>_HEADER instead")
	case u.Host == "" || u.Fragment != "" || u.Opaque != "":
		return nil, errors.New("an API's URL is https://host/base, with options behind a ?")
	}
	if err := c.configure(u); err != nil {
		return nil, err
	}
	if o.Header != "" {
		name, value, _ := strings.Cut(o.Header, ":")
		c.name, c.secret = strings.TrimSpace(name), strings.TrimSpace(value)
		if err := headerError(c.name, c.secret); err != nil || c.secret == "" {
			return nil, errors.New("OFFRAMP_SOURCE_<KEY>_HEADER is no header line such as Authorization: Bearer ..., or sets a header that cannot be set")
		}
	}
	c.client = &http.Client{
		Transport:     newTransport(c.stall),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.guest = newGuest(c.stall, o.Away)
	return c, nil
}

// configure reads the URL's options. One that nobody knows is most likely misspelt.
func (c *client) configure(u *url.URL) error {
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("the options behind the ? of the API's URL cannot be read")
	}
	for name, values := range options {
		if len(values) > 1 || !c.option(name, values[0]) {
			return fmt.Errorf("%s=%s is no option of an API's URL; there are rate=5 (a second), timeout=30s, tries=5, redirect=files.example.net and insecure=yes", name, values[0])
		}
	}
	if u.Scheme == "http" && options.Get("insecure") == "" && !loopback(u.Hostname()) {
		return errors.New("an API is reached by https://, since data and secret would be readable on the way; add insecure=yes if that is so meant")
	}
	return nil
}

// option sets one option and reports whether it is one.
func (c *client) option(name, value string) bool {
	var err error
	switch name {
	case "rate":
		var perSecond float64
		perSecond, err = strconv.ParseFloat(value, 64)
		c.limit.SetLimit(rate.Limit(perSecond))
		return err == nil && perSecond >= 0.01 && perSecond <= 10_000
	case "timeout":
		c.stall, err = time.ParseDuration(value)
		return err == nil && c.stall > 0 && c.stall <= time.Hour
	case "tries":
		c.tries, err = strconv.Atoi(value)
		return err == nil && c.tries >= 1 && c.tries <= 20
	case "redirect":
		var ok bool
		c.away, ok = hosts(value)
		return ok
	case "insecure":
		return value == "yes"
	}
	return false
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Ping implements Source: any answer will do that does not refuse us. Which paths there are, only the datasets know.
func (s *api) Ping(ctx context.Context) error {
	return s.client.ping(ctx)
}

func (c *client) ping(ctx context.Context) error {
	err := c.retrying(ctx, func() error {
		a, err := c.send(ctx, c.base, nil)
		if err == nil {
			a.Close()
		}
		return err
	})
	var f *fault
	if errors.As(err, &f) {
		if f.kind == source.Unavailable || f.status == http.StatusUnauthorized {
			return &source.Error{Kind: f.kind, Cause: f.cause}
		}
		return nil
	}
	return err
}

// Close implements Source.
func (s *api) Close() { s.client.client.CloseIdleConnections() }

// Begin implements Source. Joining means nothing here.
func (s *api) Begin(_ context.Context, customer, join string) (source.Snapshot, error) {
	if join != "" {
		return nil, &source.Error{Kind: source.Invalid, Cause: errors.New("an API has no snapshots that could be joined")}
	}
	return &snapshot{source: s, customer: customer, info: source.Info{AsOf: time.Now().UTC()}}, nil
}

// Table implements Source.
func (s *api) Table(context.Context, string, func([]source.Column, [][]byte) error) error {
	return source.NoSQL("an HTTP API")
}

// CheckTable implements Source.
func (s *api) CheckTable(context.Context, string) ([]source.Column, error) {
	return nil, source.NoSQL("an HTTP API")
}
