package portal_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
	"offramp/migration"
	"offramp/portal/page"
)

// browse serves the portal with one more address, which signs the browser in as somebody.
func (w *world) browse() string {
	mux := http.NewServeMux()
	mux.HandleFunc("/test-as/{who}", func(rw http.ResponseWriter, r *http.Request) {
		http.SetCookie(rw, &http.Cookie{Name: page.SessionCookie, Value: w.cookies[r.PathValue("who")], Path: "/", HttpOnly: true})
	})
	mux.Handle("/", w.server)
	s := httptest.NewServer(mux)
	w.Cleanup(s.Close)
	return s.URL
}

// TestH02_CustomersPagesInABrowser looks at each page in two languages, narrow in the light theme and wide in the dark: no accessibility
// violation, no console error, no breach of the policy, no sideways scrolling. OFFRAMP_TEST_SHOTS names a folder for
// screenshots.
func TestH02_CustomersPagesInABrowser(t *testing.T) {
	w := newWorld(t)
	w.tell("b", migration.Event{Kind: migration.ExportRequested, Actor: w.ids["other"], ExportID: "e1", Number: 10001})
	w.exec(`INSERT INTO extension (customer_id, milestone, day, reason, granted_by, granted_at) VALUES ($1, 'export_deadline', '2027-03-12', 'Audit until March', 'staff', $2)`, w.ids["b"], day)
	w.post("owner", "/plan/calendar", nil)
	base := w.browse()
	tab := localtest.Browser(t)
	tab.Allow("404")
	tab.Open(base + "/test-as/owner")
	for _, tag := range []string{"en", "zh-CN"} {
		w.post("owner", "/language/"+tag, url.Values{"return_to": {"/plan"}})
		w.post("other", "/language/"+tag, url.Values{"return_to": {"/plan"}})
		for _, path := range []string{"/" + tag + "/", "/" + tag + "/faq?q=zebra", "/plan", "/plan/dates", "/help", "/exports/new", "/nothing"} {
			w.look(tab, base, tag, path)
		}
	}
	tab.Open(base + "/test-as/other")
	w.look(tab, base, "zh-CN", "/plan")
	w.look(tab, base, "zh-CN", "/plan/dates")
}

// look takes the narrow page in the light theme and the wide one in the dark: each theme and each width once.
func (w *world) look(tab *localtest.Tab, base, tag, path string) {
	w.Helper()
	for _, as := range []struct {
		theme, name string
		width       int
	}{{"light", "phone", 320}, {"dark", "desk", 1280}} {
		tab.Theme(as.theme)
		tab.Size(as.width, 900)
		tab.Open(base + path)
		if over := tab.Overflow(); over > 0 {
			w.Errorf("%s in %s at %d px scrolls sideways by %d", path, tag, as.width, over)
		}
		w.readable(tab, path+" in "+tag)
		localtest.Axe(w.T, tab)
		if dir := os.Getenv("OFFRAMP_TEST_SHOTS"); dir != "" {
			name := strings.NewReplacer("/", "_", "?", "_").Replace(path)
			tab.Screenshot(filepath.Join(dir, tag+name+"-"+as.theme+"-"+as.name+".png"))
		}
	}
}
