package storage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/export/storage"
)

func TestAShelfKeepsWhatWasReadWholeAndNothingElse(t *testing.T) {
	ctx := context.Background()
	b := bucket(t, nil)
	s := storage.NewShelf(b, "documents/")
	for _, size := range []int{1, 100_000, 6 << 20} {
		body, key := noise(size), s.NewKey()
		if !strings.HasPrefix(key, "documents/") || len(key) != len("documents/")+64 {
			t.Errorf("the key is %s", key)
		}
		n, sum, err := s.Keep(ctx, key, bytes.NewReader(body), "application/pdf")
		must(t, err)
		if want := proofOf(body); n != want.Size || sum != want.SHA256 {
			t.Errorf("%d bytes: %d %s", size, n, sum)
		}
		r, err := s.Open(ctx, key)
		must(t, err)
		got, err := io.ReadAll(r)
		must(t, err)
		must(t, r.Close())
		if !bytes.Equal(got, body) {
			t.Errorf("%d bytes came back as %d others", size, len(got))
		}
		must(t, s.Drop(ctx, key))
		must(t, s.Drop(ctx, key)) // and again
		if _, err := s.Open(ctx, key); storage.KindOf(err) != storage.NotFound {
			t.Errorf("after it was dropped: %v", err)
		}
	}
	broken := errors.New("broken off")
	for _, size := range []int{1, 12 << 20} { // in one request, and in parts
		_, _, err := s.Keep(ctx, s.NewKey(), io.MultiReader(bytes.NewReader(noise(size)), broke{broken}), "application/pdf")
		if !errors.Is(err, broken) {
			t.Errorf("a reader that breaks off: %v", err)
		}
	}
	if all := leftovers(t, b); len(all) > 0 {
		t.Errorf("left behind: %v", all)
	}
}

type broke struct{ err error }

func (b broke) Read([]byte) (int, error) { return 0, b.err }

func TestAShelfSweepsWhatNobodyKnowsAndOnlyItsOwn(t *testing.T) {
	ctx := context.Background()
	var mended atomic.Bool
	b := troubled(t, func(_ int64, w http.ResponseWriter, r *http.Request) bool {
		if mended.Load() || !r.URL.Query().Has("uploadId") || r.Method == http.MethodPut {
			return false
		}
		status(http.StatusForbidden)(w, r) // it can neither be completed nor aborted
		return true
	}, nil)
	s := storage.NewShelf(b, "documents/")
	kept, stray, other := s.NewKey(), s.NewKey(), storage.NewKey("exports/")
	for _, key := range []string{kept, stray, other} {
		_, err := b.Put(ctx, key, []byte("x"), "text/plain")
		must(t, err)
	}
	if _, _, err := s.Keep(ctx, s.NewKey(), bytes.NewReader(noise(11<<20)), "text/plain"); storage.KindOf(err) != storage.Denied {
		t.Fatalf("an upload that is never finished: %v", err)
	}
	mended.Store(true)
	known := func(_ context.Context, key string) (bool, error) { return key == kept, nil }
	must(t, s.Sweep(ctx, time.Hour, known))
	if n := len(leftovers(t, b)); n != 4 {
		t.Errorf("what is young was swept: %d are left of 4", n)
	}
	must(t, s.Sweep(ctx, -time.Hour, known))
	left := map[string]bool{}
	for _, l := range leftovers(t, b) {
		left[l.Key] = true
	}
	if len(left) != 2 || !left[kept] || !left[other] {
		t.Errorf("left: %v", left)
	}
	failed := errors.New("no database")
	if err := s.Sweep(ctx, -time.Hour, func(context.Context, string) (bool, error) { return false, failed }); !errors.Is(err, failed) || len(leftovers(t, b)) != 2 {
		t.Errorf("swept without knowing: %v", err)
	}
}
