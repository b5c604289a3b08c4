package customer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/a-h/templ"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"offramp/deploy/local/localtest"
	"offramp/internal/locale"
	"offramp/portal/ui"
	"offramp/static"
)

const (
	mega  = 1 << 20
	slice = 8 * mega
)

// checked is a volume as the portal lists it.
type checked struct {
	Number int      `json:"number"`
	Name   string   `json:"name"`
	Size   int      `json:"size"`
	Slices []string `json:"slices"`
}

// checkSite serves the part of the page that checks files, under the portal's policy, and notes all requests.
type checkSite struct {
	*testing.T
	dir     string
	volumes []checked
	url     string
	mu      sync.Mutex
	seen    []string
}

func newCheckSite(t *testing.T) *checkSite {
	s := &checkSite{T: t, dir: t.TempDir()}
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler())
	mux.HandleFunc("/exports/1/volumes.json", func(w http.ResponseWriter, _ *http.Request) {
		if s.volumes == nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"export": "EX-10001", "slice": slice, "volumes": s.volumes})
	})
	mux.HandleFunc("/{tag}", func(w http.ResponseWriter, r *http.Request) {
		l := locale.For(r.PathValue("tag"))
		layout := ui.Page{Locale: l, Title: "Check", ProductName: "Atlas", CompanyName: "Farshore", Narrow: true}
		body := checkBrowser(newCheckBrowser(l, "/exports/1"))
		page := templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
			if _, err := io.WriteString(w, "<h1>Check</h1>"); err != nil {
				return err
			}
			return body.Render(ctx, w)
		})
		_ = ui.Shell(layout).Render(templ.WithChildren(r.Context(), page), w)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// noise is not the same anywhere in a volume, and differs between volumes.
func noise(size int, seed uint32) []byte {
	b := make([]byte, size)
	x := seed*2654435761 + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// add lists a volume of the export.
func (s *checkSite) add(size int) []byte {
	number := len(s.volumes) + 1
	b := noise(size, uint32(number))
	v := checked{Number: number, Name: fmt.Sprintf("EX-10001-%02d.zip", number), Size: size}
	for from := 0; from < size; from += slice {
		sum := sha256.Sum256(b[from:min(from+slice, size)])
		v.Slices = append(v.Slices, hex.EncodeToString(sum[:]))
	}
	s.volumes = append(s.volumes, v)
	return b
}

// file writes what a customer has.
func (s *checkSite) file(name string, b []byte) string {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		s.Fatal(err)
	}
	return path
}

// choose gives files to the field and returns what the page says of each volume and file, and in the end.
func (s *checkSite) choose(tab *localtest.Tab, files ...string) (said []string) {
	s.Helper()
	tab.Do(chromedp.SetUploadFiles(chromedp.CSS("#check-files"), files))
	return localtest.Eval[[]string](tab, `(async () => {
		const section = document.querySelector("[data-check]");
		if (!section.dataset.outcome) await new Promise(done => section.addEventListener("checked", done, {once: true}));
		return [...section.querySelectorAll("dl > div")].map(d => d.textContent).concat(section.dataset.outcome + ": " + section.querySelector("[role=status]").textContent);
	})()`)
}

func (s *checkSite) holds(got []string, want ...string) {
	s.Helper()
	all := strings.NewReplacer("\u2068", "", "\u2069", "").Replace(strings.Join(got, "\n"))
	for _, w := range want {
		if !strings.Contains(all, w) {
			s.Errorf("the page does not say %q:\n%s", w, all)
		}
	}
	if len(got) != len(want) {
		s.Errorf("the page says %d things, not %d:\n%s", len(got), len(want), all)
	}
}

// TestBrowserChecksDownloadedVolumes gives the page what customers may have: whole, changed, cut, longer, foreign,
// renamed and missing files.
func TestBrowserChecksDownloadedVolumes(t *testing.T) {
	s := newCheckSite(t)
	first, second := s.add(3*slice+12345), s.add(100_000)
	tab := localtest.Browser(t)
	tab.Open(s.url + "/en")

	whole := s.file("EX-10001-01.zip", first)
	small := s.file("EX-10001-02 (1).zip", second)
	s.holds(s.choose(tab, small, whole), "Volume 1: EX-10001-01.zipWhole: all 25,178,169 bytes", "Volume 2: EX-10001-02.zipWhole", "whole: Your copy is whole: all 2 volumes")
	s.holds(s.choose(tab, whole), "Volume 1: EX-10001-01.zipWhole", "Volume 2: EX-10001-02.zipMissing", "incomplete: Your copy is not whole yet: 1 of 2")

	first[slice+5] ^= 1
	flipped := s.file("photo.bin", first) // told by its content
	s.holds(s.choose(tab, flipped, small), "Volume 1: EX-10001-01.zipDamaged: it differs at bytes 8,388,608 to 16,777,215.Download this", "Volume 2: EX-10001-02.zipWhole", "incomplete: ")
	first[slice+5] ^= 1
	first[0] ^= 1
	first[len(first)-1] ^= 1
	s.holds(s.choose(tab, s.file("ends.zip", first)), "bytes 0 to 8,388,607, bytes 25,165,824 to 25,178,168.", "Missing", "incomplete: ")
	first[0] ^= 1
	first[len(first)-1] ^= 1

	s.holds(s.choose(tab, s.file("cut.zip", first[:2*slice+77])), "Volume 1: EX-10001-01.zipCut off: it has 16,777,293 of 25,178,169 bytes.", "Missing", "incomplete: ")
	s.holds(s.choose(tab, s.file("EX-10001-02.zip", second[:9_000])), "Missing", "Volume 2: EX-10001-02.zipCut off: it has 9,000 of 100,000 bytes.", "incomplete: ")
	s.holds(s.choose(tab, s.file("long.zip", append(first[:len(first):len(first)], "more"...))), "Volume 1: EX-10001-01.zipIt is too long: 4 bytes follow after its end", "Missing", "incomplete: ")
	second[9] ^= 1
	s.holds(s.choose(tab, s.file("b.zip", second), whole), "Volume 1: EX-10001-01.zipWhole", "Volume 2: EX-10001-02.zipDamaged: it differs at bytes 0 to 99,999.", "incomplete: ")
	s.holds(s.choose(tab, s.file("<b>x<b>.zip", noise(70_000, 99)), s.file("empty", nil)), "Missing", "Missing", "<b>x<b>.zipThis is not a file of this export.", "emptyThis is not", "incomplete: ")

	for _, seen := range s.seen {
		if seen != "GET /en" && seen != "GET /exports/1/volumes.json" && !strings.HasPrefix(seen, "GET /static/") && seen != "GET /favicon.ico" {
			t.Errorf("the page asked for %s", seen)
		}
	}
}

// TestH02_BrowserCheckInABrowser looks at the check in both languages and themes. OFFRAMP_TEST_SHOTS names a folder for
// screenshots.
func TestH02_BrowserCheckInABrowser(t *testing.T) {
	s := newCheckSite(t)
	first := s.add(slice + 1)
	s.add(1000)
	first[7] ^= 1
	damaged := s.file("EX-10001-01.zip", first)
	tab := localtest.Browser(t)
	for _, tag := range []string{"en", "zh-CN"} {
		for _, theme := range []string{"light", "dark"} {
			tab.Theme(theme)
			for _, width := range []int{390, 1280} {
				tab.Size(width, 900)
				tab.Open(s.url + "/" + tag)
				s.choose(tab, damaged)
				localtest.Eval[any](tab, `document.querySelector("[data-check-going]").hidden = false`) // so that all is looked at
				localtest.Axe(t, tab)
				if over := tab.Overflow(); over > 0 {
					t.Errorf("%s %s scrolls sideways by %d", tag, theme, over)
				}
				if dir := os.Getenv("OFFRAMP_TEST_SHOTS"); dir != "" {
					tab.Screenshot(filepath.Join(dir, fmt.Sprintf("check-%s-%s-%d.png", tag, theme, width)))
				}
			}
		}
	}
}

// TestBrowserCheckSaysWhatItCannotDo has no list, no cryptography, and a reader who stops.
func TestBrowserCheckSaysWhatItCannotDo(t *testing.T) {
	s := newCheckSite(t)
	tab := localtest.Browser(t)
	tab.Allow("403")
	tab.Open(s.url + "/en")
	large := s.file("large.zip", noise(8*slice, 1))
	s.holds(s.choose(tab, large), "stopped: The portal did not say")
	s.add(8 * slice)
	localtest.Eval[any](tab, `(() => {
		const section = document.querySelector("[data-check]"), stop = section.querySelector("button");
		delete section.dataset.outcome;
		const watch = new MutationObserver(() => { if (section.querySelector("progress").value > 0) { watch.disconnect(); stop.click(); } });
		watch.observe(section, {subtree: true, characterData: true, childList: true});
	})()`)
	s.holds(s.choose(tab, large), "stopped: The check was stopped.")

	tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `Object.defineProperty(Crypto.prototype, "subtle", {value: undefined})`, // as on a page without https
		})
		return err
	}))
	tab.Open(s.url + "/en")
	tab.Wait("[data-check-unable]")
	if n := localtest.Eval[int](tab, `document.querySelectorAll("[data-check-form]:not([hidden])").length`); n != 0 {
		t.Error("the field is there")
	}
	tab.Scripts(false)
	tab.Open(s.url + "/en")
	if got := tab.Text("noscript"); !strings.Contains(got, "offramp verify") && !strings.Contains(got, "command below") {
		t.Error(got)
	}
}
