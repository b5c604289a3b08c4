package storage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/export/storage"
)

// troubled is the real server behind a proxy that may answer in its stead.
func troubled(t *testing.T, answer func(n int64, w http.ResponseWriter, r *http.Request) bool, change func(*storage.Config)) *storage.Bucket {
	t.Helper()
	target, err := url.Parse(localtest.S3(t).Endpoint)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(n.Add(1), w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return bucket(t, func(c *storage.Config) {
		c.Endpoint, c.Attempts = server.URL, 3
		if change != nil {
			change(c)
		}
	})
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(code)
	}
}

func TestE03_FailingServerEndsBoundedWithItsKind(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		want   storage.Kind
		tries  int64
	}{
		"500": {status(500), storage.Unavailable, 3},
		"503": {status(503), storage.Unavailable, 3},
		"429": {status(429), storage.Unavailable, 3},
		"403": {status(403), storage.Denied, 1},
		"400": {status(400), storage.Invalid, 1},
		"hang": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, storage.Unavailable, 3},
		"reset": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, storage.Unavailable, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int64
			b := troubled(t, func(_ int64, w http.ResponseWriter, r *http.Request) bool {
				tries.Add(1)
				c.answer(w, r)
				return true
			}, func(c *storage.Config) { c.Stall = 100 * time.Millisecond })
			_, err := b.Put(context.Background(), "k", []byte("body"), "text/plain")
			var e *storage.Error
			if !errors.As(err, &e) || e.Kind != c.want || e.Retryable() != (c.want == storage.Unavailable) {
				t.Fatalf("put: %v", err)
			}
			if tries.Load() != c.tries {
				t.Errorf("%d tries, want %d", tries.Load(), c.tries)
			}
			if _, err := b.ReadBack(context.Background(), "k"); storage.KindOf(err) != c.want {
				t.Errorf("read: %v", err)
			}
		})
	}
}

func TestE03_ServerThatRecoversIsUsedAgain(t *testing.T) {
	b := troubled(t, func(n int64, w http.ResponseWriter, r *http.Request) bool {
		if n%3 == 1 { // the first, and then one request in three
			status(503)(w, r)
			return true
		}
		return false
	}, nil)
	body := noise(12 << 20)
	u := b.Create(context.Background(), "exports/k", 0, "application/zip")
	defer u.Abort()
	_, err := u.Write(body)
	must(t, err)
	proof, err := u.Commit()
	must(t, err)
	back, err := b.ReadBack(context.Background(), "exports/k")
	must(t, err)
	if !proof.Same(proofOf(body)) || !back.Same(proof) {
		t.Fatalf("%+v, %+v", proof, back)
	}
}

func TestE04_CutUploadsAreNeverVisible(t *testing.T) {
	var aborts atomic.Int64
	b := troubled(t, func(_ int64, _ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodDelete && strings.Contains(r.URL.RawQuery, "uploadId=") {
			aborts.Add(1)
		}
		if strings.Contains(r.URL.RawQuery, "partNumber=2") || strings.HasSuffix(r.URL.Path, "/exports/small") && r.Method == http.MethodPut {
			_, _ = io.CopyN(io.Discard, r.Body, 1<<10)
			panic(http.ErrAbortHandler)
		}
		return false
	}, nil)
	ctx := context.Background()
	for key, size := range map[string]int{"exports/small": 1 << 20, "exports/large": 30 << 20} {
		u := b.Create(ctx, key, 0, "application/zip")
		_, err := u.Write(noise(size))
		if err == nil {
			_, err = u.Commit()
		}
		u.Abort()
		if storage.KindOf(err) != storage.Unavailable {
			t.Errorf("%s: %v", key, err)
		}
	}
	if aborts.Load() == 0 {
		t.Error("the parts were left to the sweep")
	}
	sweptClean(t, b)
}

// sweptClean sweeps until nothing is left. A part that the server was still writing when its upload was aborted can come
// back once.
func sweptClean(t *testing.T, b *storage.Bucket) {
	t.Helper()
	ctx := context.Background()
	for deadline := time.Now().Add(10 * time.Second); ; {
		all := leftovers(t, b)
		if len(all) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %v", all)
		}
		for _, l := range all {
			if l.UploadID == "" {
				t.Fatalf("an object became visible: %v", l)
			}
			must(t, b.Remove(ctx, l))
		}
	}
}

// TestE04_LostAnswerToTheLastRequest lets the server complete an upload and loses its answer.
func TestE04_LostAnswerToTheLastRequest(t *testing.T) {
	s := localtest.S3(t)
	var lost atomic.Bool
	b := troubled(t, func(_ int64, w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || !strings.Contains(r.URL.RawQuery, "uploadId=") {
			return false
		}
		if lost.Swap(true) { // some servers forget an upload once it is complete
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<Error><Code>NoSuchUpload</Code></Error>")
			return true
		}
		target, _ := url.Parse(s.Endpoint)
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}, nil)
	body := noise(6 << 20)
	u := b.Create(context.Background(), "exports/k", 0, "application/zip")
	defer u.Abort()
	_, err := u.Write(body)
	must(t, err)
	proof, err := u.Commit()
	must(t, err)
	back, err := b.ReadBack(context.Background(), "exports/k")
	must(t, err)
	if !lost.Load() || !back.Same(proof) {
		t.Fatalf("%+v, %+v", proof, back)
	}
}

// cutBody answers 200 with the whole length and ends after some bytes.
func cutBody(body []byte, after int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000000")
		w.Header().Set("ETag", `"cut"`)
		_, _ = w.Write(body[:after])
		panic(http.ErrAbortHandler)
	}
}

func TestE04_TruncatedAnswersAreNoticed(t *testing.T) {
	body := noise(1_000_000)
	b := troubled(t, func(_ int64, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			cutBody(body, 300_000)(w)
		}
		return false
	}, nil)
	if _, err := b.ReadBack(context.Background(), "k"); storage.KindOf(err) != storage.Unavailable {
		t.Fatalf("read: %v", err)
	}
}

func TestReadingResumesWhereItBroke(t *testing.T) {
	s := localtest.S3(t)
	network := localtest.Toxiproxy(t, strings.TrimPrefix(s.Endpoint, "http://"))
	b := bucket(t, func(c *storage.Config) { c.Endpoint = "http://" + network.Address })
	body := noise(3 << 20)
	_, err := b.Put(context.Background(), "k", body, "application/zip")
	must(t, err)
	network.Add(localtest.Toxic{Kind: "limit_data", Stream: "downstream", Attributes: map[string]any{"bytes": 900_000}})
	o, err := b.Open(context.Background(), "k", 0)
	must(t, err)
	defer o.Close()
	got, err := io.ReadAll(o)
	must(t, err)
	if !bytes.Equal(got, body) {
		t.Fatal("the bytes differ")
	}
}

func TestObjectReplacedWhileReadIsNoticed(t *testing.T) {
	s := localtest.S3(t)
	network := localtest.Toxiproxy(t, strings.TrimPrefix(s.Endpoint, "http://"))
	b := bucket(t, func(c *storage.Config) { c.Endpoint = "http://" + network.Address })
	ctx := context.Background()
	_, err := b.Put(ctx, "k", noise(3<<20), "application/zip")
	must(t, err)
	// Slowly, so that most of it is not on its way already.
	network.Add(localtest.Toxic{Kind: "bandwidth", Attributes: map[string]any{"rate": 1000}})
	o, err := b.Open(ctx, "k", 0)
	must(t, err)
	defer o.Close()
	_, err = io.CopyN(io.Discard, o, 1000)
	must(t, err)
	network.Cut()
	network.Join()
	_, err = b.Put(ctx, "k", make([]byte, 3<<20), "application/zip")
	must(t, err)
	if _, err = io.Copy(io.Discard, o); storage.KindOf(err) != storage.Changed {
		t.Fatalf("read: %v", err)
	}
}

// TestE05_SlowUploadFinishes sends at a rate at which the whole takes many times the stall limit.
func TestE05_SlowUploadFinishes(t *testing.T) {
	s := localtest.S3(t)
	network := localtest.Toxiproxy(t, strings.TrimPrefix(s.Endpoint, "http://"))
	b := bucket(t, func(c *storage.Config) {
		c.Endpoint, c.Stall, c.Attempts = "http://"+network.Address, time.Second, 1
	})
	network.Add(localtest.Toxic{Kind: "bandwidth", Stream: "upstream", Attributes: map[string]any{"rate": 10}})
	body := noise(30_000)
	proof, err := b.Put(context.Background(), "k", body, "application/zip")
	must(t, err)
	if !proof.Same(proofOf(body)) {
		t.Fatal("the bytes differ")
	}
}

func TestStalledTransferEnds(t *testing.T) {
	ended := make(chan struct{}) // a handler that leaves the body unread does not learn that its client has gone
	b := troubled(t, func(_ int64, w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.Method == http.MethodGet:
			w.Header().Set("Content-Length", "1000000")
			w.Header().Set("ETag", `"stalled"`)
			_ = http.NewResponseController(w).Flush()
			<-ended
			return true
		case r.Method == http.MethodPut:
			<-ended // and does not read a byte
			return true
		}
		return false
	}, func(c *storage.Config) { c.Stall, c.Attempts = 150*time.Millisecond, 2 })
	t.Cleanup(func() { close(ended) })
	ctx := context.Background()
	if _, err := b.ReadBack(ctx, "k"); storage.KindOf(err) != storage.Unavailable || !strings.Contains(err.Error(), "no byte arrived") {
		t.Errorf("read: %v", err)
	}
	u := b.Create(ctx, "exports/k", 0, "application/zip")
	defer u.Abort()
	_, err := u.Write(noise(30 << 20))
	if err == nil {
		_, err = u.Commit()
	}
	if storage.KindOf(err) != storage.Unavailable {
		t.Errorf("upload: %v", err)
	}
}
