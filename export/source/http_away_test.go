package source_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/export/connect"
	"offramp/export/source"
	"offramp/internal/outbound"
)

// TestAttachmentsMayBeRedirectedToNamedHosts follows redirects to a store that the URL names, without the secret, and to no
// other place.
func TestAttachmentsMayBeRedirectedToNamedHosts(t *testing.T) {
	t.Parallel()
	large := pattern(3 << 20)
	var leaked, broken, strangers atomic.Int64
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	t.Cleanup(stranger.Close)
	var api, store *httptest.Server
	store = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "s3cret") {
			leaked.Add(1)
		}
		switch r.URL.Path {
		case "/signed/large":
			w.Header().Set("ETag", `"1"`)
			if broken.Add(1) == 1 { // the connection breaks
				w.Header().Set("Content-Length", "3145728")
				_, _ = w.Write(large[:1<<20])
				panic(http.ErrAbortHandler)
			}
			http.ServeContent(w, r, "large", time.Time{}, bytes.NewReader(large))
		case "/signed/on":
			http.Redirect(w, r, stranger.URL+"/x", http.StatusFound)
		case "/signed/round":
			http.Redirect(w, r, store.URL+"/signed/round", http.StatusFound)
		case "/signed/back":
			http.Redirect(w, r, api.URL+"/base/here", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(store.Close)
	api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/base/")
		switch {
		case r.Header.Get("Authorization") != secret:
			w.WriteHeader(http.StatusUnauthorized)
		case name == "here":
			_, _ = w.Write([]byte("here"))
		case name == "elsewhere":
			http.Redirect(w, r, stranger.URL+"/x", http.StatusTemporaryRedirect)
		case name == "user":
			http.Redirect(w, r, strings.Replace(store.URL, "//", "//u:p@", 1)+"/signed/large", http.StatusFound)
		default:
			http.Redirect(w, r, store.URL+"/signed/"+name+"?signature=x#y", http.StatusFound)
		}
	}))
	t.Cleanup(api.Close)
	open := func(o source.Options, named string) source.Objects {
		o.Header = "Authorization: " + secret
		objects, err := connect.OpenObjects(context.Background(), api.URL+"/base/?rate=10000&tries=3&timeout=500ms"+named, o)
		must(t, err)
		return objects
	}
	named := "&redirect=cdn.example.com," + strings.TrimPrefix(store.URL, "http://")
	near := source.Options{Away: outbound.Dialer(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})}
	o := open(near, named)
	for _, c := range []struct {
		objects     source.Objects
		key, reason string
		want        []byte
	}{
		{o, "large", "", large},
		{o, "back", "", []byte("here")},
		{o, "gone", "missing", nil},
		{o, "on", "unreadable", nil},
		{o, "round", "unreadable", nil},
		{o, "elsewhere", "unreadable", nil},
		{o, "user", "unreadable", nil},
		{open(near, ""), "large", "unreadable", nil},
		{open(source.Options{}, named), "large", "invalid", nil}, // the address is this machine's
	} {
		got, _, err := fetch(c.objects, c.key)
		if reason(err) != c.reason || !bytes.Equal(got, c.want) || err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %d bytes, %v", c.key, len(got), err)
		}
	}
	if leaked.Load() > 0 || strangers.Load() > 0 || broken.Load() < 2 {
		t.Errorf("the secret went along %d times, %d requests went elsewhere, the large file was asked for %d times", leaked.Load(), strangers.Load(), broken.Load())
	}
	for _, bad := range []string{"", "*.example.com", "https://x.example", "x.example/path", "u@x.example", "a.example,,b.example", " x.example"} {
		if _, err := connect.OpenObjects(context.Background(), "https://api.example.com/?redirect="+bad, source.Options{}); err == nil {
			t.Errorf("redirect=%s is accepted", bad)
		}
	}
}

// TestRowsAreNotRedirected asks for pages that lie at a host to which attachments may be redirected.
func TestRowsAreNotRedirected(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"data":{"items":[]},"meta":{}}`))
	}))
	t.Cleanup(store.Close)
	s, _ := api(t, "&redirect="+strings.TrimPrefix(store.URL, "http://"), func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, store.URL+"/pages", http.StatusFound)
	})
	_, err := begin(t, s, "HZ-1").Weigh(context.Background(), request(byCursor))
	if source.KindOf(err) != source.Invalid || asked.Load() != 0 {
		t.Errorf("%v, the other host was asked %d times", err, asked.Load())
	}
}
