package export_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/export"
	"offramp/internal/fault"
	"offramp/migration"
)

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// ready makes a world with one ready export of a few megabytes.
func readyWorld(t *testing.T, projects int) (*world, migration.Who, export.Export) {
	t.Helper()
	p := newProduct(t)
	p.fill(t, "HZ-20418", projects)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-20418")
	e := w.request(owner)
	if err := export.Attempt(t.Context(), w.config, e, nil); err != nil {
		t.Fatal(err)
	}
	return w, owner, w.await(e, export.Ready)
}

// TestE16_ABrokenDownloadResumes fetches an archive in pieces, by a link and through the portal.
func TestE16_ABrokenDownloadResumes(t *testing.T) {
	t.Parallel()
	w, owner, e := readyWorld(t, 3000)
	through := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c, err := w.service.Content(r.Context(), owner, w.prog, e.ID, 1)
		if err != nil {
			rw.WriteHeader(http.StatusGone)
			return
		}
		defer c.Close()
		rw.Header().Set("ETag", `"`+c.SHA256+`"`)
		http.ServeContent(rw, r, c.Name, time.Time{}, c)
	}))
	defer through.Close()
	link, err := w.service.Link(t.Context(), owner, w.prog, e.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{"link": link, "portal": through.URL} {
		cut := e.ObjectSize / 3
		head := make([]byte, cut)
		broken := fetch(t, address, "")
		if _, err := io.ReadFull(broken.Body, head); err != nil {
			t.Fatal(err)
		}
		_ = broken.Body.Close()
		rest := fetch(t, address, fmt.Sprintf("bytes=%d-", cut))
		tail, err := io.ReadAll(rest.Body)
		if err != nil || rest.StatusCode != http.StatusPartialContent {
			t.Fatalf("%s: %s, %v", name, rest.Status, err)
		}
		if got := hash(append(head, tail...)); got != e.SHA256 {
			t.Errorf("%s: the pieces give %s, not %s", name, got, e.SHA256)
		}
	}
	_, parameters, err := mime.ParseMediaType(fetch(t, link, "bytes=0-0").Header.Get("Content-Disposition"))
	if want := "hezhou-2027-HZ-20418-" + e.Reference() + ".zip"; err != nil || parameters["filename"] != want {
		t.Errorf("the file is called %v, %v", parameters, err)
	}
}

// TestZ08_ALinkIsOnlyWhatWasGiven alters a link, lets one run out, and asks for an archive that is gone.
func TestZ08_ALinkIsOnlyWhatWasGiven(t *testing.T) {
	t.Parallel()
	w, owner, e := readyWorld(t, 5)
	short := export.NewService(w.db, w.journey, inserter(t, w.db), w.bucket, export.Options{LinkTTL: time.Second})
	link, err := short.Link(t.Context(), owner, w.prog, e.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	altered := *u
	q := altered.Query()
	q.Set("X-Amz-Expires", "86400")
	altered.RawQuery = q.Encode()
	other := *u
	other.Path = u.Path[:len(u.Path)-1] + "x"
	for name, address := range map[string]string{"longer": altered.String(), "another object": other.String(), "unsigned": strings.Split(link, "?")[0]} {
		if res := fetch(t, address, ""); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
	eventually(t, "the link runs out", func() bool { return fetch(t, link, "").StatusCode == http.StatusForbidden })

	w.clock.Set(*e.ExpiresAt)
	for name, ask := range map[string]func() error{
		"link":    func() error { _, err := w.service.Link(t.Context(), owner, w.prog, e.ID, 1); return err },
		"content": func() error { _, err := w.service.Content(t.Context(), owner, w.prog, e.ID, 1); return err },
	} {
		if err := ask(); !errors.Is(err, export.ErrExpired) || fault.KindOf(err) != fault.Gone {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
}

// TestE15_PurgeAgainstDownload removes an archive while many download it: each gets all of it, or is told that it is
// gone.
func TestE15_PurgeAgainstDownload(t *testing.T) {
	t.Parallel()
	w, owner, e := readyWorld(t, 5000)
	link, err := w.service.Link(t.Context(), owner, w.prog, e.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	const readers = 8
	var begun, all sync.WaitGroup
	counts, purged := make(chan string, readers), make(chan struct{})
	begun.Add(readers)
	for i := range readers {
		all.Go(func() {
			c, err := w.service.Content(t.Context(), owner, w.prog, e.ID, 1)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			var got bytes.Buffer
			_, err = io.CopyN(&got, c, int64(i)*e.ObjectSize/(2*readers))
			begun.Done()
			if i%2 == 0 { // pauses; the first has not read a byte yet
				<-purged
			}
			if err == nil {
				_, err = io.Copy(&got, c)
			}
			counts <- outcome(t, got.Bytes(), err, e)
		})
	}
	begun.Wait()
	w.clock.Set(*e.ExpiresAt)
	if err := export.Sweep(t.Context(), w.config); err != nil { // expires; links handed out before still work
		t.Fatal(err)
	}
	if got := w.read(e); got.State != export.Expired || len(w.objects()) != 1 {
		t.Errorf("%s, objects %v", got.State, w.objects())
	}
	body, err := io.ReadAll(fetch(t, link, "").Body)
	if err != nil || hash(body) != e.SHA256 {
		t.Errorf("a link that was given before the end gives %d bytes, %v", len(body), err)
	}
	w.clock.Advance(11 * time.Minute)
	if err := export.Sweep(t.Context(), w.config); err != nil { // purges
		t.Fatal(err)
	}
	close(purged)
	all.Wait()
	close(counts)
	seen := map[string]int{}
	for c := range counts {
		seen[c]++
	}
	t.Logf("downloads: %v", seen)
	if seen["half"] > 0 || seen["gone"] == 0 || seen["whole"] < readers/2 || len(w.objects()) != 0 {
		t.Errorf("downloads: %v, objects %v", seen, w.objects())
	}
	if _, err := w.service.Link(t.Context(), owner, w.prog, e.ID, 1); !errors.Is(err, export.ErrExpired) {
		t.Errorf("a link after the purge: %v", err)
	}
	if w.step(owner) != migration.ActionNeeded {
		t.Errorf("step %s", w.step(owner))
	}
}

// outcome tells a whole download from a clear end, and both from half a file that seems whole.
func outcome(t *testing.T, got []byte, err error, e export.Export) string {
	t.Helper()
	switch {
	case err == nil && hash(got) == e.SHA256:
		return "whole"
	case errors.Is(err, export.ErrExpired):
		return "gone"
	}
	t.Errorf("%d of %d bytes, %v", len(got), e.ObjectSize, err)
	return "half"
}
