package portal_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
)

// TestH02_ReplacementPagesInABrowser looks at each page of steps 3 and 5 in two languages, narrow in the light theme and wide
// in the dark.
func TestH02_ReplacementPagesInABrowser(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.codes("heguang", "HG-1111-AAAA")
	w.choose("owner", "heguang")
	w.post("owner", "/replacements/heguang/guide", map[string][]string{"step": {"invite"}, "done": {"yes"}})
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	tour := func(who, tag string, paths ...string) {
		w.speak(who, tag)
		tab.Open(base + "/test-as/" + who)
		for _, path := range paths {
			w.look(tab, base, tag, path)
		}
	}
	tour("owner", "en", "/plan", "/replacements/heguang/done", "/replacements/heguang/guide", "/replacements/heguang/guide/share", "/replacements/heguang/hand-over", "/replacements/undo", "/confirm")
	tour("other", "en", "/replacements", "/replacements/heguang", "/replacements/driftboard/choose", "/replacements/none")
	tour("owner", "zh-CN", "/plan", "/replacements/heguang/done", "/confirm")
	tour("other", "zh-CN", "/replacements?only=differences&with=heguang&with=driftboard", "/replacements/heguang")
	w.post("owner", "/confirm", map[string][]string{"declare": {"yes"}, "override": {"yes"}})
	tab.Open(base + "/test-as/owner")
	w.look(tab, base, "zh-CN", "/confirm/done")
	tab.Open(base + "/test-as/support")
	w.look(tab, base, "en", screen)
	tab.Open(base + "/test-as/programme_manager")
	w.look(tab, base, "en", "/console/programme/replacements")
}

// TestH02_ChoosingInABrowser goes from the comparison to the provider's sign-up, without script, and comes by the errors.
func TestH02_ChoosingInABrowser(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.codes("heguang", "HG-1111-AAAA")
	arrived := make(chan string, 1)
	provider := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if token := r.URL.Query().Get("offramp_token"); token != "" {
			arrived <- r.Header.Get("Referer") + token
		}
		rw.Header().Set("Content-Type", "text/html")
		_, _ = rw.Write([]byte(`<!doctype html><html lang="en"><title>Join</title><h1 id="join">Join</h1><link rel="icon" href="data:,">`))
	}))
	t.Cleanup(provider.Close)
	w.programme.p.Replacements[0].SignUp.URL = provider.URL + "/join"
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("422")
	tab.Open(base + "/test-as/owner")
	tab.Scripts(false)
	tab.Size(1280, 900)
	tab.Open(base + "/replacements")
	wide := localtest.Eval[int](tab, "document.querySelectorAll('.cmp__table:not(.cmp__further) thead th').length")
	if tab.Count("#all") != 1 || wide != 3 || localtest.Eval[string](tab, "getComputedStyle(document.querySelector('.cmp__table td')).display") != "table-cell" {
		t.Error("no table of three products")
	}
	tab.Size(390, 900)
	if localtest.Eval[string](tab, "getComputedStyle(document.querySelector('.cmp__table tbody td')).display") != "block" {
		t.Error("a table on a phone")
	}
	// On a phone what matters first fits into three screens and a half; the rest is behind its title.
	if height := localtest.Eval[int](tab, "document.documentElement.scrollHeight"); height > 3400 {
		t.Errorf("the comparison is %d px tall on a phone", height)
	}
	tab.Click(".cmp__fold summary")
	tab.Click("#all")
	tab.Follow(".cmp-pick .btn")
	if !strings.Contains(tab.Address(), "all=yes") {
		t.Errorf("at %s", tab.Address())
	}
	tab.Scripts(true)
	tab.Follow(`.cmp__table a[href="/replacements/heguang"]`)
	tab.Follow("#terms .btn--primary")
	tab.Follow("form[action$='/check'] .btn--primary")
	tab.Wait(".errors")
	w.see(tab, "choose-errors")
	tab.Click("#accept")
	tab.Follow("form[action$='/check'] .btn--primary")
	w.see(tab, "choose-check")
	tab.Scripts(false)
	tab.Follow("form[action$='/choose'] .btn--primary")
	if got := tab.Text(".offer-code .hash"); got != "HG-1111-AAAA" {
		t.Errorf("the code is %q", got)
	}
	tab.Follow("a[href$='/hand-over']")
	tab.Click("#fields")
	tab.Click("form[action$='/hand-over'] .btn--primary")
	tab.Wait("#join")
	select {
	case token := <-arrived:
		if strings.Contains(token, "http") || len(token) < 50 {
			t.Errorf("arrived with %q", token)
		}
	default:
		t.Error("the provider saw no token")
	}
	if got := w.choiceOf("a"); got != "chosen heguang made" {
		t.Errorf("the choice is %q", got)
	}
}

// On a phone the first view of the comparison is half as tall as everything: differences first, the rest where it is asked for.
func TestH02_TheComparisonIsHalfAsTallOnAPhone(t *testing.T) {
	w := newWorld(t)
	w.hezhou()
	base, tab := w.browse(), localtest.Browser(t)
	tab.Size(390, 900)
	tab.Open(base + "/test-as/owner")
	tall := func(address, do string) int {
		tab.Open(base + address)
		return localtest.Eval[int](tab, `(() => { `+do+`; return document.documentElement.scrollHeight })()`)
	}
	for _, tag := range []string{"en", "zh-CN"} {
		w.speak("owner", tag)
		first, whole := tall("/replacements", ""), tall("/replacements?all=yes", `document.querySelectorAll("details").forEach(d => d.open = true)`)
		t.Logf("in %s: %d of %d px", tag, first, whole)
		if first*2 > whole {
			t.Errorf("in %s: the first view has %d px, everything %d", tag, first, whole)
		}
	}
}
