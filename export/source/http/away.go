package http

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"offramp/internal/outbound"
)

// maxHops is how many redirects one attachment may take.
const maxHops = 3

// newGuest returns the client for hosts that are not the source's: each address is checked when it is dialled, and no proxy
// of the environment's could reach what the check refuses.
func newGuest(stall time.Duration, out *net.Dialer) *http.Client {
	if out == nil {
		out = outbound.Dialer(outbound.Options{})
	}
	t := newTransport(stall)
	t.Proxy, t.DialContext = nil, out.DialContext
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// hosts reads the value of redirect=: names with or without a port, one comma between two.
func hosts(value string) ([]string, bool) {
	list := strings.Split(strings.ToLower(value), ",")
	for _, h := range list {
		u, err := url.Parse("https://" + h)
		if err != nil || u.Host != h || u.Hostname() == "" || strings.ContainsAny(h, "*/@ ") {
			return nil, false
		}
	}
	return list, true
}

// mayGo reports whether an attachment may be fetched where a redirect leads.
func (c *client) mayGo(to *url.URL) bool {
	if len(c.away) == 0 || to.User != nil || to.Scheme != "https" && to.Scheme != c.base.Scheme {
		return false
	}
	return sameOrigin(c.base, to) || slices.Contains(c.away, strings.ToLower(to.Host))
}

// sendFile is send for an attachment: it follows redirects to the source itself and to the hosts that its URL names.
func (c *client) sendFile(ctx context.Context, target *url.URL, header map[string]string) (*answer, error) {
	for hop := 0; ; hop++ {
		a, err := c.send(ctx, target, header)
		var f *fault
		if !errors.As(err, &f) || f.to == nil || hop == maxHops || !c.mayGo(f.to) {
			return a, err
		}
		next := *f.to
		next.Fragment = ""
		target = &next
	}
}
