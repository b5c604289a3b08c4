package export_test

import (
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/internal/db"
)

// TestReadingBackIsPartOfTheProgress stops the bucket in the middle of the last reading: what the customer sees is between what
// it was when everything had been sent and the end.
func TestReadingBackIsPartOfTheProgress(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 3000)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	f := newFaulty(t)
	half, release := make(chan struct{}), make(chan struct{})
	goOn := sync.OnceFunc(func() { close(release) })
	t.Cleanup(goOn)
	var once sync.Once
	f.fail(halfway(t, func() { once.Do(func() { close(half) }) }, release))
	e := w.request(owner)
	w.work(w.configOn(openBucket(t, f.url, w.name, false)), nil)
	arrives(t, half, "half of the archive")
	percent := func() int {
		j, err := w.journey.Journey(t.Context(), db.CustomerScope(owner.CustomerID), owner.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		if j.Progress == nil {
			return 0
		}
		return j.Progress.Percent
	}
	// 100 of 115 parts are reading and sending, the other 15 are reading back.
	eventually(t, "the progress counts what was read back", func() bool { return percent() > 88 })
	if n := percent(); n >= 98 {
		t.Errorf("%d%% when half was read back", n)
	}
	goOn()
	w.await(e, export.Ready)
}

// halfway passes requests on, but for readings of whole objects: of each it gives half, says so, and waits for the rest.
func halfway(t *testing.T, reached func(), release <-chan struct{}) http.HandlerFunc {
	t.Helper()
	target, err := url.Parse(localtest.S3(t).Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.Method == http.MethodGet && r.StatusCode == http.StatusOK && r.ContentLength > 1<<20 {
			r.Body = &slowed{ReadCloser: r.Body, left: r.ContentLength / 2, reached: reached, release: release}
		}
		return nil
	}
	return proxy.ServeHTTP
}

// slowed is a body that stands still for a while.
type slowed struct {
	io.ReadCloser
	left    int64
	reached func()
	release <-chan struct{}
}

// Read implements io.Reader.
func (s *slowed) Read(p []byte) (int, error) {
	if s.left <= 0 {
		s.reached()
		<-s.release
	}
	n, err := s.ReadCloser.Read(p)
	s.left -= int64(n)
	return n, err
}
