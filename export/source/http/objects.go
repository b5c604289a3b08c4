package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"offramp/export/source"
)

// objects fetches attachments from an HTTP server, with the same secret as the API's rows.
type objects struct {
	client *client
}

// probed is how much of an attachment without a declared size is read into memory to learn it.
const probed = 1 << 20

// OpenObjects prepares a server of attachments by its address, which is written as in [Open].
func OpenObjects(u *url.URL, o source.Options) (source.Objects, error) {
	c, err := newClient(u, o)
	if err != nil {
		return nil, &source.Error{Kind: source.Invalid, Cause: err}
	}
	return &objects{client: c}, nil
}

// Ping implements Objects.
func (h *objects) Ping(ctx context.Context) error { return h.client.ping(ctx) }

// Open implements Objects. A key is a plain path below the source's address, in which nothing is escaped; or, when it begins
// with / or https://, an address as it stands, which must lie at the source.
func (h *objects) Open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	target, err := h.address(key)
	if err != nil {
		return nil, 0, &source.ObjectError{Key: key, Reason: source.ReasonMissing, Cause: err}
	}
	f := &file{client: h.client, ctx: ctx, key: key, target: target, size: -1}
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

func (h *objects) address(key string) (*url.URL, error) {
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
	if slices.ContainsFunc(segments, source.IsDots) {
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
func (h *file) fileFailure(err error) error {
	var f *fault
	if !errors.As(err, &f) {
		return err
	}
	if f.status == http.StatusNotFound || f.status == http.StatusGone {
		return &source.ObjectError{Key: h.key, Reason: source.ReasonMissing, Cause: f.cause}
	}
	switch s := f.status; {
	case s == http.StatusForbidden || s == http.StatusUnavailableForLegalReasons || s == http.StatusPaymentRequired:
		return &source.ObjectError{Key: h.key, Reason: source.ReasonDenied, Cause: &source.Error{Kind: f.kind, Cause: f.cause}}
	case s == http.StatusInternalServerError || s == http.StatusNotImplemented, f.kind == source.Invalid && s >= 300 && !h.begun:
		return &source.ObjectError{Key: h.key, Reason: source.ReasonUnreadable, Cause: &source.Error{Kind: f.kind, Cause: f.cause}}
	}
	if h.begun && (f.status == http.StatusRequestedRangeNotSatisfiable || f.status == http.StatusPreconditionFailed) {
		return &source.ObjectError{Key: h.key, Reason: source.ReasonChanged, Cause: f.cause}
	}
	return &source.Error{Kind: f.kind, Cause: fmt.Errorf("an attachment: %w", f.cause)}
}
