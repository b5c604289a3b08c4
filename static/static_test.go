package static

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

func get(t *testing.T, method, url string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestURLChangesWithContent(t *testing.T) {
	if got := URL(Stylesheet); !regexp.MustCompile(`^/static/css/app\.[a-z2-7]{16}\.css$`).MatchString(got) {
		t.Error(got)
	}
	if newAsset("a.css", []byte("a")).url == newAsset("a.css", []byte("b")).url {
		t.Error("two contents share an address")
	}
}

func TestServesLasting(t *testing.T) {
	for name, kind := range map[string]string{
		Stylesheet: "text/css; charset=utf-8", Script: "text/javascript; charset=utf-8",
		HTMX: "text/javascript; charset=utf-8", Icon: "image/svg+xml",
	} {
		res := get(t, http.MethodGet, URL(name))
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != kind {
			t.Errorf("%s: %d %s", name, res.StatusCode, res.Header.Get("Content-Type"))
		}
		if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
	}
}

func TestServesPacked(t *testing.T) {
	plain := body(t, get(t, http.MethodGet, URL(HTMX)).Body)
	res := get(t, http.MethodGet, URL(HTMX), "Accept-Encoding", "br, gzip")
	if res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("Vary") != "Accept-Encoding" {
		t.Fatal(res.Header)
	}
	unpacked, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body(t, unpacked) != plain {
		t.Error("packed and plain differ")
	}
	if res := get(t, http.MethodGet, URL(HTMX), "Accept-Encoding", "gzip;q=0"); res.Header.Get("Content-Encoding") != "" {
		t.Error("gzip was refused and sent")
	}
}

func TestServesNothingElse(t *testing.T) {
	for path, want := range map[string]int{
		"/static/css/app.css":         http.StatusOK,
		"/static/css/app.aaaa.css":    http.StatusNotFound,
		"/static/":                    http.StatusNotFound,
		"/static/../static.go":        http.StatusNotFound,
		"/static/vendor/htmx/LICENSE": http.StatusOK,
	} {
		if got := get(t, http.MethodGet, path).StatusCode; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if got := get(t, http.MethodGet, "/static/css/app.css").Header.Get("Cache-Control"); got != "no-cache" {
		t.Error(got)
	}
	if got := get(t, http.MethodPost, URL(Icon)).StatusCode; got != http.StatusMethodNotAllowed {
		t.Error(got)
	}
	tag := get(t, http.MethodHead, URL(Icon)).Header.Get("ETag")
	if got := get(t, http.MethodGet, URL(Icon), "If-None-Match", tag).StatusCode; got != http.StatusNotModified {
		t.Error(got)
	}
}

// The dark values are written twice; see tokens.css.
func TestDarkValuesAgree(t *testing.T) {
	sheet := string(stylesheet())
	values := regexp.MustCompile(`--[a-z0-9-]+: [^;]+;`)
	block := func(head string) string {
		_, rest, found := strings.Cut(sheet, head)
		if !found {
			t.Fatalf("no %s", head)
		}
		inside, _, _ := strings.Cut(rest, "}")
		return strings.Join(values.FindAllString(inside, -1), "\n")
	}
	if a, b := block(":root:not([data-theme=light]) {"), block(":root[data-theme=dark] {"); a != b || a == "" {
		t.Errorf("the system's dark:\n%s\nthe chosen dark:\n%s", a, b)
	}
}

// Old browsers, for which the floor is Chromium 87, Safari 14 and Firefox 78, must understand the layout.
func TestStylesheetStaysOld(t *testing.T) {
	sheet := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(stylesheet()), "")
	for _, modern := range []string{"light-dark(", "@layer", "oklch(", "color-mix(", "@container", "&", ":has(", "url("} {
		if strings.Contains(sheet, modern) {
			t.Errorf("the stylesheet uses %s", modern)
		}
	}
	for i, line := range strings.Split(sheet, "\n") {
		if regexp.MustCompile(`var\((--[a-z0-9-]+)\)`).MatchString(line) {
			for _, m := range regexp.MustCompile(`var\((--[a-z0-9-]+)\)`).FindAllStringSubmatch(line, -1) {
				if !strings.Contains(sheet, m[1]+":") {
					t.Errorf("line %d uses %s, which no token defines", i+1, m[1])
				}
			}
		}
	}
}
