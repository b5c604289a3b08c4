package portal_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/export/delivery"
	"offramp/export/receipt"
	"offramp/export/storage"
	"offramp/internal/jobs"
	"offramp/migration"
	"offramp/portal/customer"
)

const master = "a secret of thirty-two characters"

// deliveries are the real ones; no worker takes their jobs.
func (w *world) deliveries() *delivery.Service {
	w.Helper()
	d, err := delivery.New(w.web, w.queue(), delivery.Options{Secret: []byte(master), PlainHTTP: true})
	if err != nil {
		w.Fatal(err)
	}
	return d
}

func (w *world) queue() *jobs.Client {
	w.Helper()
	queue, err := jobs.NewInserter(w.web)
	if err != nil {
		w.Fatal(err)
	}
	return queue
}

func (w *world) receipts() customer.ReceiptKeys {
	w.Helper()
	k, err := receipt.NewKey([]byte(master))
	if err != nil {
		w.Fatal(err)
	}
	return customer.ReceiptKeys{k}
}

// sum is a SHA-256 as people read it.
func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// front stands before the S3 server, as browsers reach it: it keeps what it was told, and can hold or break transfers.
type front struct {
	url string

	mu    sync.Mutex
	seen  []string // addresses with all headers
	next  func(w io.Writer, body io.Reader) error
	count int
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{}
	s := httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(s.Close)
	f.url = s.URL
	return f
}

// disturb has the next transfer go through copy.
func (f *front) disturb(copy func(w io.Writer, body io.Reader) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = copy
}

func (f *front) heard() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.seen, "\n")
}

func (f *front) serve(rw http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.seen, f.count = append(f.seen, fmt.Sprint(r.Method, r.URL, r.Header)), f.count+1
	move := f.next
	f.next = nil
	f.mu.Unlock()
	out, err := http.NewRequestWithContext(r.Context(), r.Method, f.target(r), nil)
	if err != nil {
		rw.WriteHeader(http.StatusBadGateway)
		return
	}
	out.Header, out.Host = r.Header.Clone(), r.Host // the signature covers the host that the browser sees
	res, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		rw.WriteHeader(http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	for k, v := range res.Header {
		rw.Header()[k] = v
	}
	rw.WriteHeader(res.StatusCode)
	if move == nil {
		_, err = io.Copy(rw, res.Body)
	} else {
		err = move(rw, res.Body)
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (f *front) target(r *http.Request) string { return s3Endpoint + r.URL.RequestURI() }

var s3Endpoint string // of this process's server

// delivered is a world with an export whose files lie in a real bucket.
type delivered struct {
	*world
	front  *front
	bucket *storage.Bucket
	files  [][]byte
	keys   []string
	id     string
	export export.Export
}

// newDelivered makes a world with an export of as many files, of these sizes.
func newDelivered(t *testing.T, sizes ...int) *delivered {
	t.Helper()
	return newDeliveredAs(t, false, sizes...)
}

func newDeliveredAs(t *testing.T, proxy bool, sizes ...int) *delivered {
	t.Helper()
	w := &delivered{world: newWorld(t), front: newFront(t)}
	s3 := localtest.S3(t)
	s3Endpoint = s3.Endpoint
	var err error
	w.bucket, err = storage.Open(t.Context(), storage.Config{
		Endpoint: s3.Endpoint, PublicEndpoint: w.front.url, Bucket: s3.Bucket(t), AccessKey: s3.AccessKey, SecretKey: s3.SecretKey, PathStyle: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.exports = export.NewService(w.web, w.customers, w.queue(), w.bucket, export.Options{})
	w.proxy = proxy
	w.serve("http://portal.example")
	e := w.requestExport("owner", "a")
	now, until := w.clock.Now(), w.clock.Now().AddDate(0, 0, 7)
	total := 0
	for i, size := range sizes {
		body := make([]byte, size)
		_, _ = rand.Read(body)
		key := storage.NewKey("exports/")
		if _, err := w.bucket.Put(context.Background(), key, body, "application/zip"); err != nil {
			t.Fatal(err)
		}
		w.exec(`INSERT INTO export_volume (export_id, number, customer_id, attempt, state, object_key, size, sha256, receipt, sealed_at)
			VALUES ($1, $2, $3, $4, 'sealed', $5, $6, $7, '{}', $8)`, e.ID, i+1, w.ids["a"], e.Attempt, key, size, sum(body), now)
		w.files, w.keys, total = append(w.files, body), append(w.keys, key), total+size
	}
	w.exec(`UPDATE export SET state = 'ready', object_size = $2, receipt = $3, as_of = $4, finished_at = $4, ready_at = $4, expires_at = $5 WHERE id = $1`,
		e.ID, total, whole, now, until)
	w.tell("a", migration.Event{Kind: migration.ExportReady, Actor: "system", ExportID: e.ID, Number: e.Number, Bytes: int64(total), Until: until})
	w.id, w.export = e.ID, e
	return w
}

// path is an address of the export.
func (w *delivered) path(rest string) string { return "/exports/" + w.id + rest }

// follow fetches what an answer leads to.
func (w *delivered) follow(a answer, header http.Header) answer {
	w.Helper()
	u, err := url.Parse(a.location)
	if err != nil || !u.IsAbs() {
		w.Fatalf("%d leads to %q", a.status, a.location)
	}
	return fetchURL(w.T, a.location, header)
}

func fetchURL(t T, address string, header http.Header) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body), res.Header.Get("Location")}
}
