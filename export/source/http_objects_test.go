package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/export/connect"
	"offramp/export/source"
)

// files starts a server of attachments and opens it.
func files(t *testing.T, answer http.HandlerFunc) (source.Objects, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	o, err := connect.OpenObjects(context.Background(), server.URL+"/base/?rate=10000&tries=3&timeout=500ms", source.Options{Header: "Authorization: " + secret})
	must(t, err)
	return o, server
}

// fetch reads an attachment whole, in pieces of an odd size.
func fetch(o source.Objects, key string) ([]byte, int64, error) {
	body, size, err := o.Open(context.Background(), key)
	if err != nil {
		return nil, size, err
	}
	defer func() { _ = body.Close() }()
	var b bytes.Buffer
	_, err = io.CopyBuffer(struct{ io.Writer }{&b}, struct{ io.Reader }{body}, make([]byte, 1013))
	return b.Bytes(), size, err
}

// reason is an attachment's own failure, or the kind of one that concerns all.
func reason(err error) string {
	var item *source.ObjectError
	if errors.As(err, &item) {
		return item.ItemReason()
	}
	return string(source.KindOf(err))
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b
}

func TestHTTPAttachments(t *testing.T) {
	small, large := []byte("picture"), pattern(3<<20)
	o, server := files(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RequestURI() {
		case "/base/%E5%B9%B4/a%20%3Fb%23%25.png", "/base/twice/a.txt", "/other/a.png?x=1%20":
			_, _ = w.Write(small)
		case "/base/empty":
		case "/base/large":
			http.ServeContent(w, r, "large", time.Time{}, bytes.NewReader(large))
		case "/base/chunked":
			w.(http.Flusher).Flush()
			_, _ = w.Write(small)
		case "/base/chunked-large":
			w.(http.Flusher).Flush()
			_, _ = w.Write(large)
		case "/base/gone":
			w.WriteHeader(http.StatusGone)
		case "/base/forbidden":
			w.WriteHeader(http.StatusForbidden)
		case "/base/moved":
			http.Redirect(w, r, "https://cdn.example.com/x", http.StatusFound)
		case "/base/packed":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(small)
		case "/base/broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "/base/too%20large%20to%20ask%20for":
			w.WriteHeader(http.StatusUnprocessableEntity)
		case "/base/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			http.NotFound(w, r)
		}
	})
	must(t, o.Ping(context.Background()))
	for _, c := range []struct {
		key, reason string
		want        []byte
	}{
		{"年/a ?b#%.png", "", small},
		{"twice/a.txt", "", small},
		{"/other/a.png?x=1%20", "", small},
		{server.URL + "/other/a.png?x=1%20", "", small},
		{"empty", "", nil},
		{"large", "", large},
		{"chunked", "", small},
		{"chunked-large", "", large},
		{"gone", "missing", nil},
		{"nothing", "missing", nil},
		{"", "missing", nil},
		{"../other/a.png", "missing", nil},
		{"http://evil.example.com/a.png", "missing", nil},
		{"//evil.example.com/a.png", "missing", nil},
		{"https://" + strings.TrimPrefix(server.URL, "http://") + "/other/a.png", "missing", nil},
		{"forbidden", "denied", nil},
		{"moved", "unreadable", nil},
		{"packed", "unreadable", nil},
		{"broken", "unreadable", nil},
		{"too large to ask for", "unreadable", nil},
		{"busy", "unavailable", nil},
	} {
		got, size, err := fetch(o, c.key)
		if reason(err) != c.reason || !bytes.Equal(got, c.want) || err == nil && size != int64(len(c.want)) || err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %d bytes of %d, %v", c.key, len(got), size, err)
		}
	}
}

// TestE10_AttachmentsThatBreakOrChange cuts connections and changes files between them.
func TestE10_AttachmentsThatBreakOrChange(t *testing.T) {
	first, second := pattern(200_000), bytes.ToUpper(pattern(200_000))
	second[10] = '!'
	// cut sends a part of the file from where it was asked for, and says that it is whole.
	cut := func(w http.ResponseWriter, content []byte, from, n int, header string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		status := "200 OK"
		if from > 0 {
			status = "206 Partial Content"
			header += fmt.Sprintf("Content-Range: bytes %d-%d/%d\r\n", from, len(content)-1, len(content))
		}
		fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n", status, len(content)-from, header)
		_, _ = conn.Write(content[from:min(from+n, len(content))])
		_ = conn.Close()
	}
	offset := func(r *http.Request) (n int) {
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &n)
		return n
	}
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request, asked int64)
		reason string
	}{
		{"taken up by range", func(w http.ResponseWriter, r *http.Request, asked int64) {
			if asked > 1 && (offset(r) == 0 || r.Header.Get("If-Range") != `"v1"`) {
				t.Errorf("asked %q, %q", r.Header.Get("Range"), r.Header.Get("If-Range"))
			}
			cut(w, first, offset(r), 70_000, "ETag: \"v1\"\r\n")
		}, ""},
		{"taken up without a validator", func(w http.ResponseWriter, r *http.Request, asked int64) {
			if r.Header.Get("Range") != "" {
				t.Error("a range was asked for, and nobody knows of what")
			}
			cut(w, first, 0, int(asked)*70_000, "ETag: W/\"v1\"\r\n")
		}, ""},
		{"another file of the same size", func(w http.ResponseWriter, _ *http.Request, asked int64) {
			if asked == 1 {
				cut(w, first, 0, 70_000, "")
				return
			}
			cut(w, second, 0, 200_000, "")
		}, "changed"},
		{"another size", func(w http.ResponseWriter, _ *http.Request, asked int64) {
			cut(w, first[:int64(len(first))-asked], 0, 70_000, "ETag: \"v1\"\r\n")
		}, "changed"},
		{"another part than asked for", func(w http.ResponseWriter, r *http.Request, _ int64) {
			if n := offset(r); n > 0 {
				cut(w, first, n-1, 200_000, "ETag: \"v1\"\r\n")
				return
			}
			cut(w, first, 0, 70_000, "ETag: \"v1\"\r\n")
		}, "changed"},
		{"always shorter than it says", func(w http.ResponseWriter, r *http.Request, _ int64) {
			cut(w, first, offset(r), max(0, 70_000-offset(r)), "ETag: \"v1\"\r\n")
		}, "changed"},
		{"range no longer there", func(w http.ResponseWriter, r *http.Request, asked int64) {
			if asked > 1 {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			cut(w, first, 0, 70_000, "ETag: \"v1\"\r\n")
		}, "changed"},
		{"gone in between", func(w http.ResponseWriter, r *http.Request, asked int64) {
			if asked > 1 {
				http.NotFound(w, r)
				return
			}
			cut(w, first, 0, 70_000, "ETag: \"v1\"\r\n")
		}, "missing"},
		{"stalls each time", func(w http.ResponseWriter, r *http.Request, _ int64) {
			w.Header().Set("Content-Length", "200000")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "unavailable"},
		{"measured, then grown", func(w http.ResponseWriter, _ *http.Request, asked int64) {
			w.(http.Flusher).Flush()
			_, _ = w.Write(pattern(2<<20 + int(asked)))
		}, "changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			o, _ := files(t, func(w http.ResponseWriter, r *http.Request) { c.answer(w, r, asked.Add(1)) })
			got, _, err := fetch(o, "a.bin")
			if reason(err) != c.reason || err == nil && !bytes.Equal(got, first) || err != nil && bytes.Equal(got, first) {
				t.Errorf("%d bytes after %d requests, %v", len(got), asked.Load(), err)
			}
		})
	}
}
