package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// httpObjects fetches attachments from an HTTP server, with the same secret as the API's rows.
type httpObjects struct {
	client *httpClient
}

// probed is how much of an attachment without a declared size is read into memory to learn it.
const probed = 1 << 20

func openHTTPObjects(u *url.URL, o Options) (Objects, error) {
	c, err := newHTTPClient(u, o)
	if err != nil {
		return nil, &Error{Kind: Invalid, Cause: err}
	}
	return &httpObjects{client: c}, nil
}

// Ping implements Objects.
func (h *httpObjects) Ping(ctx context.Context) error { return h.client.ping(ctx) }

// Open implements Objects. A key is a plain path below the source's address, in which nothing is escaped; or, when it begins
// with / or https://, an address as it stands, which must lie at the source.
func (h *httpObjects) Open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	target, err := h.address(key)
	if err != nil {
		return nil, 0, &ObjectError{Key: key, Reason: ReasonMissing, Cause: err}
	}
	f := &httpFile{client: h.client, ctx: ctx, key: key, target: target, size: -1}
	if err := f.reconnect(); err != nil {
		return nil, 0, err
	}
	if f.size < 0 {
		if err := f.measure(); err != nil {
			_ = f.Close()
			return nil, 0, err
		}
	}
	return f, f.size, nil
}

func (h *httpObjects) address(key string) (*url.URL, error) {
	base := h.client.base
	switch {
	case key == "":
		return nil, errors.New("the row names no object")
	case strings.HasPrefix(key, "/"), strings.HasPrefix(key, "https://"), strings.HasPrefix(key, "http://"):
		u, err := base.Parse(key)
		if err != nil {
			return nil, errors.New("it is no address")
		}
		if !sameOrigin(base, u) {
			return nil, fmt.Errorf("it lies at %s://%s, not at the source; the secret is not sent there", u.Scheme, u.Host)
		}
		u.Fragment = ""
		return u, nil
	}
	segments := strings.Split(key, "/")
	if slices.ContainsFunc(segments, dots) {
		return nil, errors.New("it has .. or . in it")
	}
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	u, err := url.Parse(base.Scheme + "://" + base.Host + strings.TrimRight(base.EscapedPath(), "/") + "/" + strings.Join(segments, "/"))
	if err != nil || !sameOrigin(base, u) {
		return nil, errors.New("it is no path")
	}
	return u, nil
}

// fileFailure says whom an answer concerns: this attachment alone, or all.
func (h *httpFile) fileFailure(err error) error {
	var f *fault
	if !errors.As(err, &f) {
		return err
	}
	if f.status == http.StatusNotFound || f.status == http.StatusGone {
		return &ObjectError{Key: h.key, Reason: ReasonMissing, Cause: f.cause}
	}
	switch s := f.status; {
	case s == http.StatusForbidden || s == http.StatusUnavailableForLegalReasons || s == http.StatusPaymentRequired:
		return &ObjectError{Key: h.key, Reason: ReasonDenied, Cause: &Error{Kind: f.kind, Cause: f.cause}}
	case s == http.StatusInternalServerError || s == http.StatusNotImplemented, f.kind == Invalid && s >= 300 && !h.begun:
		return &ObjectError{Key: h.key, Reason: ReasonUnreadable, Cause: &Error{Kind: f.kind, Cause: f.cause}}
	}
	if h.begun && (f.status == http.StatusRequestedRangeNotSatisfiable || f.status == http.StatusPreconditionFailed) {
		return &ObjectError{Key: h.key, Reason: ReasonChanged, Cause: f.cause}
	}
	return &Error{Kind: f.kind, Cause: fmt.Errorf("an attachment: %w", f.cause)}
}
