package portal_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
)

// unrhythmic names what of a page breaks the rhythm: groups that touch, or stand closer or further apart than one step of the page (24 px on
// the plan, 20 px where staff work), and amounts that are not at the end of their column, in figures of one width.
const unrhythmic = `(() => {
	const probe = document.createElement("div")
	probe.style.height = "var(--s5)"
	document.body.append(probe)
	const step = probe.getBoundingClientRect().height
	probe.remove()
	const found = [], name = e => e.tagName.toLowerCase() + (e.className ? "." + e.className : "") + " " + JSON.stringify((e.innerText || "").slice(0, 30))
	const seen = e => e.getClientRects().length && getComputedStyle(e).position != "absolute" && !e.matches(".vh")
	for (const box of document.querySelectorAll("main, main .stack, main .cols__main, main .cols__side, main .card, main .why__body")) {
		const parts = [...box.children].filter(seen)
		for (let i = 1; i < parts.length; i++) {
			const above = parts[i - 1], below = parts[i], gap = below.getBoundingClientRect().top - above.getBoundingClientRect().bottom
			if (below.getBoundingClientRect().height == 0 || above.getBoundingClientRect().height == 0 || gap < -8) continue // beside each other
			if (above.matches("h1, h2, h3, label, .card__head, .page-head, .eyebrow, .back") || below.matches("tr, dt, dd, li, .page-head")) continue
			if (above.matches(".why") && below.matches(".why")) continue // a line is between them
			const groups = above.matches(".card, .stack, .scroll--boxed") && below.matches(".card, .stack, .scroll--boxed")
			if (gap < 7) found.push(name(below) + " touches " + name(above))
			else if (groups && !above.parentElement.matches(".grid2, .grid3") && Math.abs(gap - step) > 1) found.push(name(below) + " is " + Math.round(gap) + " px below " + name(above))
		}
	}
	for (const e of document.querySelectorAll("main td, main th")) {
		const amount = e.tagName == "TD" && /^[−-]?(CN)?[¥€$]\s?[\d,.]+$/.test(e.innerText.trim()), style = getComputedStyle(e)
		if (amount && !e.matches(".num")) found.push(name(e) + " is no number of its column")
		if (e.matches("td.num") && style.fontVariantNumeric != "tabular-nums") found.push(name(e) + " has figures of several widths")
		if (e.matches(".num") && innerWidth > 1000 && style.textAlign != "end") found.push(name(e) + " is not at the end")
	}
	return [...new Set(found)].join("; ")
})()`

// TestPagesOfMoneyHaveThePlansRhythm looks at the pages of the plan, exports and refunds, of customers and of finance: groups have the
// plan's step between them, nothing touches, amounts stand at the end of their column, and a desk's screen needs no scrolling
// sideways. OFFRAMP_TEST_SHOTS names a folder for screenshots.
func TestPagesOfMoneyHaveThePlansRhythm(t *testing.T) {
	w := newPrepaid(t)
	pages := w.phonePages()
	base, tab := w.browse(), localtest.Browser(t)
	seen := 0
	for _, who := range everybody {
		tab.Open(base + "/test-as/" + who)
		for _, path := range w.pagesOf(who, pages) {
			if at, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "/console/finance"), "/"), "/"); !strings.HasPrefix(path, "/console/finance") && at != "plan" && at != "refund" && at != "exports" {
				continue
			}
			if a := w.get(who, path); a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
				continue
			}
			seen++
			for _, as := range []struct {
				tag, theme string
				width      int
			}{{"en", "light", 1280}, {"zh-CN", "dark", 390}} {
				w.speak(who, as.tag)
				tab.Theme(as.theme)
				tab.Size(as.width, 900)
				tab.Open(base + path)
				for _, look := range []string{unrhythmic, wider} {
					if found := localtest.Eval[string](tab, look); found != "" {
						t.Errorf("%s for %s in %s at %d px: %s", path, who, as.tag, as.width, found)
					}
				}
				if dir := os.Getenv("OFFRAMP_TEST_SHOTS"); dir != "" {
					name := strings.NewReplacer("/", "_", "?", "_", "=", "_").Replace(path)
					tab.Screenshot(filepath.Join(dir, who+name[:min(len(name), 40)]+"-"+as.tag+".png"))
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d pages seen", seen)
	}
}
