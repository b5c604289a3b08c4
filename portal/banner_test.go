package portal_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
	"offramp/portal/banner"
)

func (w *world) banner(query string) (b banner.Banner, a answer) {
	w.Helper()
	a = w.get("nobody", banner.DataPath+query)
	if err := json.Unmarshal([]byte(a.body), &b); a.status == 200 && err != nil {
		w.Fatal(err)
	}
	return b, a
}

func TestTheBannerWaitsForThePublicNoticeAndIsTheSameForEverybody(t *testing.T) {
	w := newWorld(t)
	w.notify()
	if b, a := w.banner(""); a.status != 200 || b.Show || strings.TrimSpace(a.body) != `{"show":false}` {
		t.Errorf("before the public notice: %d %s", a.status, a.body)
	}
	w.tellAll()
	for query, want := range map[string]string{
		"": "zh-CN", "?lang=en": "en", "?lang=en-GB": "en", "?lang=zh-Hans": "zh-CN", "?lang=fr": "zh-CN", "?lang=%2A%2F%3Cb%3E": "zh-CN",
	} {
		b, a := w.banner(query)
		if !b.Show || b.Lang != want || b.ID == "" || b.Link == nil || a.header.Get("Set-Cookie") != "" ||
			a.header.Get("Cache-Control") != "public, max-age=300" || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %s, %v", query, a.body, a.header)
		}
	}
	en, _ := w.banner("?lang=en")
	if en.Title != "Hezhou Teamwork closes on 31 January 2027." || en.Text != "You can export your data until 2 March 2027." {
		t.Errorf("%q %q", en.Title, en.Text)
	}
	if zh, _ := w.banner("?lang=zh-CN"); zh.ID == en.ID {
		t.Error("one id for two texts")
	}
	w.at(day.AddDate(1, 0, 0))
	if b, _ := w.banner(""); b.Show {
		t.Error("it is shown when everything is over")
	}
	w.programme.p = nil
	if b, a := w.banner(""); a.status != 200 || b.Show {
		t.Errorf("without a programme: %d", a.status)
	}
	if n := len(w.get("nobody", banner.ScriptPath).body); n == 0 || n > 2500 {
		t.Errorf("the script has %d bytes", n)
	}
}

// The product's page stands at another origin and allows the portal's script and its data, and no styles.
func TestH02_TheBannerInAProductsPage(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.tellAll()
	portal, tab := w.browse(), localtest.Browser(t)
	b, _ := w.banner("?lang=en")
	product := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Security-Policy", "default-src 'none'; script-src "+portal+"; connect-src "+portal+"; img-src data:")
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = rw.Write([]byte(`<!doctype html><html lang="en"><title>Product</title><link rel="icon" href="data:,"><script src="` + portal + banner.ScriptPath + `" defer></script><main><h1 id="product">Tasks</h1></main></html>`))
	}))
	t.Cleanup(product.Close)
	tab.Open(product.URL)
	tab.Wait("#offramp-banner")
	w.see(tab, "banner")
	if text := tab.Text("#offramp-banner"); !strings.Contains(text, "Hezhou Teamwork closes on 31 January 2027.") || tab.Count(`#offramp-banner a[href="`+b.Link.Href+`"]`) != 1 {
		t.Errorf("%q", text)
	}
	tab.Click("#offramp-banner button")
	if tab.Count("#offramp-banner") != 0 || tab.Count("#product") != 1 {
		t.Error("it cannot be hidden")
	}
	tab.Open(product.URL)
	tab.Wait("#product")
	if tab.Count("#offramp-banner") != 0 {
		t.Error("who has hidden it sees it again")
	}
}
