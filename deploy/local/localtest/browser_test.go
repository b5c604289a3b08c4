package localtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
)

func servePages(t *testing.T, policy string, pages map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		body, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		_, _ = fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestBrowserSeesProblems(t *testing.T) {
	site := servePages(t, "default-src 'none'", map[string]string{
		"/":     `<!doctype html><title>x</title><p style="color:red">x</p>`,
		"/fine": `<!doctype html><title>x</title><p>x</p>`,
	})
	script := servePages(t, "", map[string]string{"/": `<!doctype html><title>x</title><script>console.error("bad"); nothing.here()</script>`})
	tab := localtest.Browser(t)
	tab.Open(site + "/fine")
	if p := tab.Problems(); len(p) != 0 {
		t.Errorf("a fine page has problems: %q", p)
	}
	tab.Open(site)
	tab.Open(script)
	if status := tab.Open(site + "/none"); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
	localtest.Eval[any](tab, "null")
	all := strings.Join(tab.Problems(), "\n")
	for _, want := range []string{"Content Security Policy", "bad", "nothing is not defined", "404"} {
		if !strings.Contains(all, want) {
			t.Errorf("missed %q in:\n%s", want, all)
		}
	}
	for _, p := range tab.Problems() {
		tab.Allow(p)
	}
}

func TestBrowserWithoutScripts(t *testing.T) {
	site := servePages(t, "", map[string]string{"/": `<!doctype html><title>x</title><h1>plain</h1><script>document.querySelector("h1").textContent = "scripted"</script>`})
	tab := localtest.Browser(t)
	tab.Open(site)
	if got := tab.Text("h1"); got != "scripted" {
		t.Errorf("with scripts: %q", got)
	}
	tab.Scripts(false)
	tab.Open(site)
	if got := tab.Text("h1"); got != "plain" {
		t.Errorf("without scripts: %q", got)
	}
}

func TestAxeSeesViolations(t *testing.T) {
	site := servePages(t, "", map[string]string{"/": `<!doctype html><html><head><title></title></head><body><h3>x</h3><input><img src="/"></body></html>`})
	tab := localtest.Browser(t)
	tab.Open(site)
	if found := localtest.AxeViolations(t, tab); len(found) < 4 {
		t.Errorf("axe saw only %v", found)
	}
}

// TestLoginInBrowser signs in on a phone, in both themes and languages, through the provider's own page.
func TestLoginInBrowser(t *testing.T) {
	site := servePages(t, "", map[string]string{"/callback": `<!doctype html><html lang="en"><title>Back</title><h1>back</h1></html>`})
	provider := localtest.OIDC(t, []local.User{
		{Subject: "u1", Email: "xiaowen@farshore.example", Name: "林晓雯", Password: "demo", Featured: true, Note: "Owner of Farshore Design Studio"},
		{Subject: "u2", Email: "a-rather-long-address-of-somebody@a-rather-long-domain.example", Name: "Somebody", Password: "demo", Featured: true},
	}, local.Client{ID: "portal", Secret: "s", RedirectURIs: []string{site + "/callback"}})
	enter := provider.Issuer + "/authorize?client_id=portal&response_type=code&scope=openid&state=s&redirect_uri=" + site + "/callback"
	for _, theme := range []string{"light", "dark"} {
		for _, lang := range []string{"en", "zh-CN"} {
			t.Run(theme+" "+lang, func(t *testing.T) {
				tab := localtest.Browser(t)
				tab.Size(390, 800)
				tab.Theme(theme)
				tab.Open(enter + "&ui_locales=" + lang)
				if n := tab.Overflow(); n > 0 {
					t.Errorf("the page is %d pixels too wide", n)
				}
				localtest.Axe(t, tab)
				tab.Allow("401")
				tab.Fill("#email", "xiaowen@farshore.example")
				tab.Fill("#password", "wrong")
				tab.Follow("form.card button")
				tab.Wait("[role=alert]")
				localtest.Axe(t, tab)
				tab.Fill("#password", "demo")
				tab.Follow("form.card button")
				if got := tab.Text("h1"); got != "back" {
					t.Errorf("after signing in: %q", got)
				}
			})
		}
	}
	t.Run("one click", func(t *testing.T) {
		tab := localtest.Browser(t)
		tab.Open(enter)
		tab.Follow(`button[value=u2]`)
		if got := tab.Text("h1"); got != "back" {
			t.Errorf("after signing in: %q", got)
		}
	})
}

func TestStandInPages(t *testing.T) {
	box, hooks := localtest.Mail(t), localtest.Webhooks(t)
	send(t, box, "xiaowen@farshore.example")
	res, err := http.Post(hooks.Hook, "application/json", strings.NewReader(`{"specversion":"1.0"}`)) // a test
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	tab := localtest.Browser(t)
	for _, width := range []int{390, 1280} {
		tab.Size(width, 800)
		for _, page := range []string{box.URL, box.URL + "/messages/1", hooks.URL, hooks.URL + "/events/1"} {
			tab.Open(page)
			if n := tab.Overflow(); n > 0 {
				t.Errorf("%s is %d pixels too wide at %d", page, n, width)
			}
			localtest.Axe(t, tab)
		}
	}
}
