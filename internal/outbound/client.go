package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrTooLarge is what reading a body returns beyond the cap.
var ErrTooLarge = errors.New("outbound: the answer is too large")

// Options bound the calls. Zero values take the defaults.
type Options struct {
	Allow    []netip.Prefix // our own networks, which may be reached although they are not public
	Ports    []int          // that may be reached; none: all
	Timeout  time.Duration  // of a whole call, the body included; default 30 s
	MaxBody  int64          // bytes of an answer; default 64 KiB
	Resolver *net.Resolver  // default the system's
}

// Dialer returns a dialer that connects to public and allowed addresses only. For protocols other than HTTP.
func Dialer(o Options) *net.Dialer {
	return &net.Dialer{
		Timeout:  10 * time.Second,
		Resolver: o.Resolver,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			if network != "tcp4" && network != "tcp6" {
				return fmt.Errorf("%w: network %s", ErrBlocked, network)
			}
			target, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrBlocked, err)
			}
			if len(o.Ports) > 0 && !slices.Contains(o.Ports, int(target.Port())) {
				return fmt.Errorf("%w: port %d", ErrBlocked, target.Port())
			}
			return check(target.Addr(), o.Allow)
		},
	}
}

// NewClient returns an HTTP client that keeps connections alive and reaches public and allowed addresses only. It hands a
// redirect back as the answer it is.
func NewClient(o Options) *http.Client {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxBody == 0 {
		o.MaxBody = 64 << 10
	}
	transport := &http.Transport{
		Proxy:                  nil, // a proxy would resolve the name itself
		DialContext:            Dialer(o).DialContext,
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    32,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 32 << 10,
	}
	return &http.Client{
		Transport:     capped{next: transport, max: o.MaxBody},
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// capped bounds the body of every answer.
type capped struct {
	next *http.Transport
	max  int64
}

// RoundTrip makes one call.
func (c capped) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.ContentLength > c.max {
		_ = response.Body.Close()
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, response.ContentLength)
	}
	response.Body = &cappedBody{ReadCloser: response.Body, left: c.max}
	return response, nil
}

// CloseIdleConnections closes what is kept alive.
func (c capped) CloseIdleConnections() { c.next.CloseIdleConnections() }

type cappedBody struct {
	io.ReadCloser
	left int64
}

// Read returns ErrTooLarge beyond the cap.
func (b *cappedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}
