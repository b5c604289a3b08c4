package http

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"offramp/export/source"
)

// snapshot is no snapshot but a series of requests for one customer.
type snapshot struct {
	source   *api
	customer string
	info     source.Info
}

// Info implements Snapshot. It is not steady, and one reader must read everything.
func (s *snapshot) Info() source.Info { return s.info }

// Close implements Snapshot.
func (s *snapshot) Close() {}

// prepare checks everything that needs no request.
func (s *snapshot) prepare(q source.Query) (*shape, error) {
	fail := func(err error) (*shape, error) {
		return nil, &source.Error{Kind: source.Invalid, Dataset: q.Dataset, Cause: err}
	}
	switch {
	case q.Request == nil || q.SQL != "" || q.CountSQL != "" || q.Objects != nil:
		return fail(errors.New("its source is an HTTP API: it needs a request, and neither SQL nor objects"))
	case len(q.Where) > 0:
		return fail(errors.New("its source is an HTTP API: its rows cannot be restricted by a filter, period or change"))
	case !q.Range.Whole():
		return fail(errors.New("its source is an HTTP API: it cannot be read in ranges"))
	}
	if err := requestError(q.Request); err != nil {
		return fail(err)
	}
	return newShape(q)
}

// open prepares a reading from the first page on.
func (s *snapshot) open(q source.Query) (*shape, *pages, error) {
	shape, err := s.prepare(q)
	if err != nil {
		return nil, nil, err
	}
	first, err := s.source.address(q.Request, s.customer)
	if err != nil {
		return nil, nil, &source.Error{Kind: source.Invalid, Dataset: q.Dataset, Cause: err}
	}
	return shape, newPages(s.source.client, q, first), nil
}

// limited bounds a check or count.
func (s *snapshot) limited(ctx context.Context, q source.Query) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.source.opts.CountTimeout, &source.Error{Kind: source.Locked, Dataset: q.Dataset, Cause: fmt.Errorf("checking or counting took longer than %s", s.source.opts.CountTimeout)})
}

// Check implements Snapshot. With a customer it asks for the first page and looks at its rows. That the API does not know
// this customer is no fault of the query, so most refusals pass.
func (s *snapshot) Check(ctx context.Context, q source.Query) ([]source.Column, error) {
	shape, err := s.prepare(q)
	if err != nil {
		return nil, err
	}
	if _, _, err := source.FindFileColumns(q, shape.columns); err != nil || s.customer == "" {
		return shape.columns, err
	}
	shape, p, err := s.open(q)
	if err != nil {
		return nil, err
	}
	ctx, cancel := s.limited(ctx, q)
	defer cancel()
	p.number = 1
	first := p.fetch(ctx, p.target, new(page))
	var f *fault
	if errors.As(first.err, &f) && slices.Contains([]int{http.StatusForbidden, http.StatusNotFound, http.StatusGone, http.StatusBadRequest, http.StatusUnprocessableEntity}, f.status) {
		return shape.columns, nil
	}
	if _, err := p.inspect(first); err != nil {
		return nil, err
	}
	return shape.columns, p.visit(first.items, func(item []byte) error {
		_, err := shape.row(p.rows, item)
		return err
	})
}

// Count implements Snapshot: by the API's own total, or else by reading everything.
func (s *snapshot) Count(ctx context.Context, q source.Query) (int64, error) {
	_, p, err := s.open(q)
	if err != nil {
		return 0, err
	}
	ctx, cancel := s.limited(ctx, q)
	defer cancel()
	err = p.each(ctx, func([]byte) error {
		if p.total >= 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return p.total, nil
	}
	return p.rows, err
}

// Weigh implements Snapshot. Where the API says its total and no attachments are to be counted, one page is enough.
func (s *snapshot) Weigh(ctx context.Context, q source.Query) (w source.Weight, err error) {
	shape, p, err := s.open(q)
	if err != nil {
		return w, err
	}
	key, size, err := source.FindFileColumns(q, shape.columns)
	if err != nil {
		return w, err
	}
	ctx, cancel := s.limited(ctx, q)
	defer cancel()
	err = p.each(ctx, func(item []byte) error {
		if p.number > 1 && p.total >= 0 && key < 0 && w.Rows > 0 {
			return errEnough
		}
		values, err := shape.row(p.rows, item)
		if err == nil {
			w.Add(values, key, size, markOf(shape.lost, item) != nil)
		}
		return err
	})
	if errors.Is(err, errEnough) {
		w.Bytes, w.Rows = w.Bytes/w.Rows*p.total, p.total
		return w, nil
	}
	return w, err
}

// Split implements Snapshot: an API is read as a whole.
func (s *snapshot) Split(ctx context.Context, q source.Query, _, _ int64) ([]source.Share, error) {
	w, err := s.Weigh(ctx, q)
	return []source.Share{{Weight: w}}, err
}

// Rows implements Snapshot.
func (s *snapshot) Rows(ctx context.Context, q source.Query, yield func(values [][]byte) error) (n int64, err error) {
	shape, p, err := s.open(q)
	if err != nil {
		return 0, err
	}
	err = p.each(ctx, func(item []byte) error {
		values, err := shape.row(n+1, item)
		if err != nil {
			return err
		}
		if err := yield(values); err != nil {
			return err
		}
		n++
		return nil
	})
	if err == nil {
		err = shape.end(n)
	}
	return n, err
}
