package storage

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"offramp/internal/outbound"
)

// Dialer connects to an address. One that refuses private addresses makes a bucket safe whose address came from outside.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	// An S3 server's answers, but for objects, are short. Somebody else's server may send anything.
	maxAnswer   = 1 << 20
	answerLimit = 30 * time.Second
)

var errLongAnswer = errors.New("the server's answer is too long or does not end")

// newClient is the HTTP client of one bucket. With a dialler of its own it trusts the server with nothing: no redirects, no
// proxy from the environment, no answer without end.
func newClient(dialer Dialer, stall, answer time.Duration) *http.Client {
	transport := newTransport(dialer, stall, answer)
	if dialer == nil {
		return &http.Client{Transport: transport}
	}
	transport.Proxy = nil // it would resolve the name itself
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	transport.MaxResponseHeaderBytes = 64 << 10
	return &http.Client{
		Transport:     bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded bounds every answer that is not an object.
type bounded struct {
	*http.Transport
}

// RoundTrip makes one call.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	object := r.Method == http.MethodGet && (response.StatusCode == http.StatusOK || response.StatusCode == http.StatusPartialContent)
	if !object {
		body := &boundedBody{ReadCloser: response.Body, left: maxAnswer}
		body.timer = time.AfterFunc(answerLimit, func() { _ = response.Body.Close() })
		response.Body = body
	}
	return response, nil
}

type boundedBody struct {
	io.ReadCloser
	left  int
	timer *time.Timer
	once  sync.Once
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongAnswer
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// Close implements io.Closer.
func (b *boundedBody) Close() error {
	b.once.Do(func() { b.timer.Stop() })
	return b.ReadCloser.Close()
}

// neverRetryable names what no second try would change: an address that must not be reached, a name that does not exist.
func neverRetryable(err error) aws.Ternary {
	var dns *net.DNSError
	if errors.Is(err, outbound.ErrBlocked) || errors.As(err, &dns) && dns.IsNotFound {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}
