package portal_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
)

// see looks at the page that is open, in both widths unless it is told which.
func (w *world) see(tab *localtest.Tab, name string, widths ...int) {
	w.Helper()
	if len(widths) == 0 {
		widths = []int{1280, 390}
	}
	for _, width := range widths {
		tab.Size(width, 900)
		if over := tab.Overflow(); over > 0 {
			w.Errorf("%s at %d px scrolls sideways by %d", name, width, over)
		}
		w.readable(tab, name)
		localtest.Axe(w.T, tab)
		if dir := os.Getenv("OFFRAMP_TEST_SHOTS"); dir != "" {
			tab.Screenshot(filepath.Join(dir, name+map[int]string{390: "-phone", 1280: "-desk"}[width]+".png"))
		}
	}
}

// cutEmpties are the words in place of rows that do not lie within the window and their box, or whose box scrolls sideways.
const cutEmpties = `[...document.querySelectorAll("tbody td:only-child")].filter(td => {
	const range = document.createRange(), box = td.closest(".scroll")
	range.selectNodeContents(td)
	const text = range.getBoundingClientRect(), within = box.getBoundingClientRect()
	return text.width == 0 || text.left < within.left || text.right > Math.min(within.right, innerWidth) || box.scrollWidth > box.clientWidth
}).map(td => td.textContent).join(" | ")`

// readable holds that what stands in place of a table's rows can be read whole without scrolling.
func (w *world) readable(tab *localtest.Tab, name string) {
	w.Helper()
	if cut := localtest.Eval[string](tab, cutEmpties); cut != "" {
		w.Errorf("%s at %d px cuts %q", name, localtest.Eval[int](tab, `innerWidth`), cut)
	}
}

// TestH02_ChoosingAnExportInABrowser goes from the form over its errors and the check to the start, in two languages and
// widths, with script and without.
func TestH02_ChoosingAnExportInABrowser(t *testing.T) {
	w := newWorld(t)
	w.deepen()
	w.weigh("a", 14)
	earlier := w.requestExport("owner", "a")
	w.seal(earlier, "a", whole)
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	tab.Allow("422")
	tab.Open(base + "/test-as/owner")
	for _, tag := range []string{"en", "zh-CN"} {
		w.speak("owner", tag)
		tab.Open(base + "/exports/new")
		if n := tab.Count(".picks-search"); n != 1 {
			t.Errorf("%d fields to search in", n)
		}
		tab.Click("#scope-2")
		tab.Wait("#part-some[open]")
		tab.Fill(".picks-search", "<12>")
		if n := tab.Count(".picks .choice:not([hidden])"); n != 1 {
			t.Errorf("the search leaves %d values", n)
		}
		tab.Click("#part-how > summary")
		w.see(tab, "form-"+tag)
		tab.Click("#dataset-2")
		tab.Click("form[data-scope] .btn--primary")
		tab.Wait("#chosen")
		w.see(tab, "review-"+tag)
		tab.Click(`form[action="/exports/new"] .btn`)
		tab.Wait("#dataset-2:checked")
		tab.Click("#part-how > summary")
		for range 2 { // CSV and JSONL are chosen: without a format there is nothing to make
			tab.Click(`input[name="format"]:checked`)
		}
		tab.Click("form[data-scope] .btn--primary")
		tab.Wait(".errors")
		w.see(tab, "errors-"+tag)
		tab.Open(base + "/replacements/heguang/import")
		w.see(tab, "import-"+tag)
	}
	tab.Scripts(false)
	tab.Open(base + "/exports/new")
	tab.Click("form[data-scope] .btn--primary")
	tab.Wait("#chosen")
	tab.Click(`form[action="/exports"] .btn`)
	tab.Wait("#state")
	if tab.Address() == base+"/exports" || w.count(`SELECT count(*) FROM export WHERE state = 'queued'`) != 1 {
		t.Errorf("nothing was started without script: %s", tab.Address())
	}
}

// TestH02_SizesComeIntoTheForm sees the form learn sizes and values while somebody fills it in.
func TestH02_SizesComeIntoTheForm(t *testing.T) {
	w := newWorld(t)
	w.deepen()
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	tab.Open(base + "/test-as/owner")
	tab.Open(base + "/exports/new")
	tab.Wait(`#outline[hx-get="/exports/outline"]`)
	tab.Click("#scope-2")
	tab.Click("#dataset-2")
	w.weigh("a", 3)
	tab.Wait("#outline:not([hx-get])")
	tab.Wait(".picks #filter-project-3")
	if tab.Count("#dataset-2:checked") != 1 || tab.Text("#dataset-2-hint-text") == "" || tab.Count("#filter-project-list") != 1 {
		t.Errorf("what was chosen is lost, or nothing was learned: %q", tab.Text("#dataset-2-hint-text"))
	}
	w.see(tab, "learned")
}

// TestH02_AnExportBecomesReadyInABrowser watches an export until it can be downloaded, without touching the page.
func TestH02_AnExportBecomesReadyInABrowser(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	w.exec(`UPDATE export SET state = 'running', stage = 'reading', attempt = 1, started_at = $2 WHERE id = $1`, e.ID, day)
	base, tab, plan := w.browse(), localtest.Browser(t), localtest.Browser(t)
	tab.Allow("404")
	plan.Allow("404")
	for at, path := range map[*localtest.Tab]string{tab: "/exports/" + e.ID, plan: "/plan"} {
		at.Open(base + "/test-as/owner")
		at.Open(base + path)
		at.Wait(".card progress")
	}
	w.seal(e, "a", whole)
	tab.Wait(`#state .btn--primary[href$="/download"]`)
	tab.Wait("#receipt-card")
	tab.Wait("#export-live:not(:empty)")
	if said, title := tab.Text("#export-live"), tab.Text("#state h2"); said == "" || said != title {
		t.Errorf("%q is read out, and the page says %q", said, title)
	}
	if n := tab.Count("[hx-get]:not(#export-body)") + tab.Count("#export-body #export-body"); n != 0 {
		t.Errorf("%d places still ask, or the page lies within itself", n)
	}
	w.see(tab, "became-ready")
	plan.Wait("#export:not(:has(progress)) .btn")
	plan.Wait("#export-live:not(:empty)")
	if said, text := plan.Text("#export-live"), plan.Text("#export"); said == "" || !strings.Contains(text, said) {
		t.Errorf("%q is read out, and the plan says %q", said, text)
	}
}

// TestH02_DeepExportPagesInABrowser looks at exports of several files, at what is missing from them, and at support's answer.
func TestH02_DeepExportPagesInABrowser(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	path := "/exports/" + e.ID
	w.exec(`UPDATE export SET state = 'running', stage = 'reading', attempt = 1, started_at = $2 WHERE id = $1`, e.ID, day)
	w.split(e)
	w.exec(`UPDATE export_volume SET state = 'building' WHERE export_id = $1 AND number > 1`, e.ID)
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	tab.Allow("422")
	tour := func(who, name string, paths ...string) {
		tab.Open(base + "/test-as/" + who)
		for _, tag := range []string{"en", "zh-CN"} {
			w.speak(who, tag)
			for i, p := range paths {
				tab.Open(base + p)
				w.see(tab, name+string(rune('a'+i))+"-"+tag)
			}
		}
	}
	tour("owner", "running", path)
	w.exec(`DELETE FROM export_volume WHERE export_id = $1`, e.ID)
	w.seal(e, "a", partial())
	w.split(e)
	w.get("owner", path+"/download")
	w.post("owner", path+"/help", url.Values{"dataset": {"tasks"}, "expected": {"1250"}, "text": {"The tasks of 2019."}})
	tour("owner", "ready", path, path+"/check", path+"/help")
	tab.Open(base + "/test-as/support")
	tour("support", "support", "/console/support", screen)
	tab.Click(`a[href^="/console/support/help/"]`)
	tab.Wait("#talk")
	w.see(tab, "support-request")
	tab.Click(".btn--primary")
	tab.Wait(".errors")
	w.see(tab, "support-errors")
}

// TestH02_LockingFilesInABrowser looks at the questions of a password, in two languages and widths.
func TestH02_LockingFilesInABrowser(t *testing.T) {
	w := newWorld(t)
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	tab.Allow("422")
	tab.Open(base + "/test-as/owner")
	for _, tag := range []string{"en", "zh-CN"} {
		w.speak("owner", tag)
		tab.Open(base + "/exports/new")
		tab.Click("#part-how summary")
		tab.Click("#locked")
		w.see(tab, "lock-form-"+tag)
		tab.Click(`form[data-scope] [type="submit"]`)
		tab.Wait("#password")
		w.see(tab, "lock-check-"+tag)
		tab.Fill("#password", "password1234")
		tab.Click(`form[action="/exports"] [type="submit"]`)
		tab.Wait("#password-error")
		w.see(tab, "lock-weak-"+tag)
	}
	tab.Fill("#password", "heron lantern quarry tuesday")
	tab.Click(`form[action="/exports"] [type="submit"]`)
	tab.Wait("#export-body")
}
