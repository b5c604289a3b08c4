package portal_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	chromedp "github.com/chromedp/chromedp"

	"offramp/deploy/local/localtest"
)

// TestDamageIsRedAndTakesTheButtonAway downloads, is moved on by the page, and checks first a damaged file and then the whole one.
// It looks at each page of an export's end in both languages and widths.
func TestDamageIsRedAndTakesTheButtonAway(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	path := "/exports/" + e.ID
	w.seal(e, "a", `{"complete": false, "as_of": "2026-11-21T00:00:00Z", "datasets": [{"dataset": "projects", "source": 100, "exported": 100, "failed": 0,
		"lacking": [{"format": "parquet", "rows": 2, "failures": [{"item": "17", "column": "size", "reason": "out_of_range"}, {"item": "40", "column": "size", "reason": "out_of_range"}]}]}],
		"attachments": [{"dataset": "tasks", "source": 9, "exported": 7, "failed": 2, "failures": [{"item": "a", "name": "film.mp4", "reason": "archived"}, {"item": "b", "name": "plan.pdf", "reason": "missing"}]}]}`)
	sum := sha256.Sum256([]byte("archive"))
	w.exec(`UPDATE export_volume SET size = 7, slices = $2 WHERE export_id = $1`, e.ID, sum[:])
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	tab.Allow("410")
	tab.Open(base + "/test-as/owner")
	tab.Open(base + path)
	for _, tag := range []string{"zh-CN", "en"} {
		w.speak("owner", tag)
		tab.Open(base + path)
		w.see(tab, "end-ready-"+tag)
		tab.Open(base + path + "/delete")
		w.see(tab, "end-delete-"+tag)
	}
	tab.Open(base + path)
	w.get("owner", path+"/download") // as the browser does when the link is followed
	tab.Click("#facts")              // a click anywhere has the page look
	tab.Wait(`#state .btn--primary[href$="/check"]`)
	w.see(tab, "end-downloaded")

	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	choose := func(path string) {
		tab.Do(chromedp.SetUploadFiles(chromedp.CSS("#check-files"), []string{path}))
		tab.Wait("[data-check][data-outcome]")
	}
	for _, tag := range []string{"zh-CN", "en"} {
		w.speak("owner", tag)
		tab.Open(base + path + "/check")
		if n := tab.Count("[data-check-damaged][hidden]"); n != 1 {
			t.Error("damage is told before anything was checked")
		}
		choose(file("hezhou-HZ-20418-EX-10001.zip", "Archive"))
		if tab.Count("[data-check-damaged]:not([hidden]) .banner--bad") != 1 || tab.Count("[data-check-sound][hidden]") != 1 || tab.Count(".check__bad") < 2 {
			t.Error("damage is not marked, or can be confirmed")
		}
		w.see(tab, "end-damaged-"+tag)
	}
	tab.Open(base + path + "/check")
	choose(file("whole.zip", "archive"))
	if tab.Count("[data-check-damaged][hidden]") != 1 || tab.Count("[data-check-sound]:not([hidden])") != 1 || tab.Count(".check__bad") != 0 {
		t.Error("a whole file is taken for a damaged one")
	}
	if err := w.bucket.Delete(t.Context(), "key-of-the-archive"); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"zh-CN", "en"} {
		w.speak("owner", tag)
		tab.Open(base + path + "/download")
		w.see(tab, "end-gone-"+tag)
		tab.Open(base + path)
		w.see(tab, "end-lost-"+tag)
	}
	w.exec(`UPDATE export SET state = 'failed', failures = 5, delayed = 'export.delayed_source', lost_at = NULL WHERE id = $1`, e.ID)
	for _, tag := range []string{"zh-CN", "en"} {
		w.speak("owner", tag)
		tab.Open(base + path)
		w.see(tab, "end-failed-"+tag)
	}
}
