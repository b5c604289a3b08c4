package oidc

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	callTimeout = 10 * time.Second
	maxBody     = 1 << 20
)

var errTooLarge = errors.New("the provider's answer is larger than 1 MiB")

// newClient returns a client for calls to the provider: bounded in time and size, and never led elsewhere.
func newClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout:   callTimeout,
		Transport: capped{transport},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			return fmt.Errorf("the provider redirects to %s", r.URL.Host)
		},
	}
}

// capped refuses bodies over maxBody: the libraries above read to the end.
type capped struct{ http.RoundTripper }

func (c capped) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &cappedBody{ReadCloser: res.Body, left: maxBody}
	return res, nil
}

type cappedBody struct {
	io.ReadCloser
	left int64
}

func (b *cappedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
