package portal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/auth"
	"offramp/export"
	"offramp/migration"
	"offramp/portal"
)

func TestZ09_OtherSpellingsOpenNothing(t *testing.T) {
	w := newWorld(t)
	for _, who := range []string{"anonymous", "owner", "support"} {
		straight := w.get(who, "/plan")
		for _, path := range []string{"/%70lan", "//plan", "/plan%2f", "/x/../plan", "/./plan", "/plan%00", "/plan;x", `/plan\`, "/plan%2fdates", "/PLAN"} {
			if a := w.get(who, path); a.status != 404 {
				t.Errorf("%s %s: %d", who, path, a.status)
			}
		}
		if a := w.get(who, "/plan/"); a.status != 308 || a.location != "/plan" {
			t.Errorf("/plan/: %d to %s", a.status, a.location)
		}
		head := w.do(who, "HEAD", "/plan", "", nil)
		if head.status != straight.status || head.location != straight.location || head.body != "" {
			t.Errorf("%s HEAD: %d instead of %d", who, head.status, straight.status)
		}
		for _, header := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
			a := w.do(who, "GET", "/plan/dates", "", http.Header{header: {"POST"}})
			if want := w.get(who, "/plan/dates"); a.status != want.status {
				t.Errorf("%s: %d instead of %d", header, a.status, want.status)
			}
		}
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
			if a := w.do(who, method, "/plan", "", nil); a.status != 405 {
				t.Errorf("%s %s: %d", who, method, a.status)
			}
		}
	}
	for _, path := range []string{"/.git/config", "/.env", "/debug/pprof", "/debug/vars", "/metrics", "/assets", "/static", "/.well-known"} {
		if a := w.get("operator", path); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, path := range []string{"/%2f%2fevil.example", "//evil.example/", "/evil.example//"} {
		if a := w.get("anonymous", path); a.location != "" {
			t.Errorf("%s leads to %s", path, a.location)
		}
	}
}

func TestZ02_WhatIsNotThereLooksTheSame(t *testing.T) {
	w := newWorld(t)
	a, b := w.get("owner", "/nothing"), w.get("owner", "/calendars/x")
	if a.status != 404 || a.body != b.body || strings.Contains(a.body, "Incident") {
		t.Errorf("%d\n%s\n%s", a.status, a.body, b.body)
	}
	if x, y := w.get("owner", "/calendar/unknown.ics"), w.get("owner", "/calendar/stopped"); x.status != 410 || y.status != 410 {
		t.Errorf("%d, %d", x.status, y.status)
	}
}

func TestZ02_AnotherCustomersExportIsOneThatDoesNotExist(t *testing.T) {
	w := newWorld(t)
	owner := migration.Who{CustomerID: w.ids["b"], ContactID: w.ids["other"], Role: migration.Owner}
	e, err := w.exports.Request(t.Context(), owner, w.programme.p, export.Selection{Datasets: []string{"projects"}, Formats: []string{"csv"}})
	if err != nil {
		t.Fatal(err)
	}
	if a := w.get("other", "/exports/"+e.ID); a.status != 200 {
		t.Fatalf("its owner gets %d", a.status)
	}
	before := w.stateSum()
	for _, r := range w.server.Routes() {
		if !strings.HasPrefix(r.Path, "/exports/:id") {
			continue
		}
		theirs, none := strings.ReplaceAll(r.Path, ":id", e.ID), strings.ReplaceAll(r.Path, ":id", strings.Repeat("X", len(e.ID)))
		a, b := w.do("owner", r.Method, theirs, "", nil), w.do("owner", r.Method, none, "", nil)
		a.header.Del("Date")
		b.header.Del("Date")
		if a.status != 404 || cmp.Diff(a.body, b.body)+cmp.Diff(a.header, b.header) != "" {
			t.Errorf("%s %s: %d, differs by %s%s", r.Method, r.Path, a.status, cmp.Diff(a.body, b.body), cmp.Diff(a.header, b.header))
		}
	}
	if w.stateSum() != before {
		t.Error("a request for another customer's export changed something")
	}
}

func TestH01_EveryAnswerBearsTheHeaders(t *testing.T) {
	w := newWorld(t)
	for _, public := range []string{"http://portal.example", "https://portal.example"} {
		w.serve(public)
		for _, r := range w.server.Routes() {
			check(t, public, r.Path, w.request("owner", r).header)
		}
		for _, path := range []string{"/nothing", "//", "/%00"} {
			check(t, public, path, w.get("owner", path).header)
		}
		check(t, public, "theme", w.post("owner", "/theme/dark", nil).header)
	}
}

func check(t *testing.T, public, path string, h http.Header) {
	t.Helper()
	csp := h.Get("Content-Security-Policy")
	if strings.Contains(csp, "unsafe") || !strings.HasPrefix(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "base-uri 'none'") {
		t.Errorf("%s: policy %q", path, csp)
	}
	foreign, from := strings.HasPrefix(path, "/banner."), "same-origin" // the banner is for the product's pages
	if foreign {
		from = "cross-origin"
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": from,
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %s is %q", path, name, h.Get(name))
		}
	}
	if cache := h.Get("Cache-Control"); cache != "no-store" && !strings.HasPrefix(path, "/static") && !strings.HasPrefix(path, "/brand") && path != "/receipt-keys.json" && !foreign { // public keys
		t.Errorf("%s: Cache-Control is %q", path, cache)
	}
	secure := strings.HasPrefix(public, "https")
	if (h.Get("Strict-Transport-Security") != "") != secure {
		t.Errorf("%s at %s: HSTS is %q", path, public, h.Get("Strict-Transport-Security"))
	}
	for _, cookie := range (&http.Response{Header: h}).Cookies() {
		if !cookie.HttpOnly || cookie.Path != "/" || cookie.Domain != "" || cookie.SameSite != http.SameSiteLaxMode ||
			secure && (!cookie.Secure || !strings.HasPrefix(cookie.Name, "__Host-")) {
			t.Errorf("%s at %s: cookie %s", path, public, cookie)
		}
	}
}

func TestP07_LogNamesNobodyAndNoSecret(t *testing.T) {
	w := newWorld(t)
	w.post("owner", "/plan/calendar", nil)
	for _, r := range w.server.Routes() {
		w.request("owner", r)
	}
	w.get("owner", "/calendar/canary-token.ics")
	w.get("anonymous", "/en/faq?q=canary-search")
	w.get("anonymous", "/canary-path")
	w.get("anonymous", "/plan?code=canary-code")
	w.post("owner", "/theme/dark", url.Values{"email": {"canary@example.com"}})
	for _, canary := range []string{"canary", "secret-of-", "Lin owner", "Farshore"} {
		if strings.Contains(w.log.String(), canary) {
			t.Errorf("the log holds %q:\n%s", canary, w.log)
		}
	}
	if !strings.Contains(w.log.String(), `"route":"/plan/dates"`) || !strings.Contains(w.log.String(), `"customer":"customer-a"`) {
		t.Errorf("the log says too little:\n%s", w.log)
	}
}

// broken are sessions that cannot be read.
type broken struct {
	portal.Sessions
	err   error
	panic bool
}

func (b broken) Resolve(context.Context, string, bool, ...auth.Also) (auth.Session, error) {
	if b.panic {
		panic("canary of a panic")
	}
	return auth.Session{}, b.err
}

func TestFaultsOfOursHaveANumberAndNoDetail(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		sessions broken
		status   int
	}{
		{broken{err: errors.New("canary of an error")}, 500},
		{broken{panic: true}, 500},
		{broken{err: fmt.Errorf("read session: %w", context.DeadlineExceeded)}, 503},
	} {
		w.sessions = c.sessions
		w.serve("http://portal.example")
		a := w.get("owner", "/plan")
		if a.status != c.status || strings.Contains(a.body, "canary") || !strings.Contains(a.body, "Incident number") {
			t.Errorf("%d\n%s", a.status, a.body)
		}
		_, after, _ := strings.Cut(a.body, `<code class="hash">`)
		number, _, _ := strings.Cut(after, "<")
		if number == "" || !strings.Contains(w.log.String(), number) {
			t.Errorf("number %q is not in the log:\n%s", number, w.log)
		}
	}
}

func TestNoProgramme(t *testing.T) {
	w := newWorld(t)
	w.programme.p = nil
	for path, status := range map[string]int{"/": 404, "/en/": 404, "/plan": 503, "/calendar/x.ics": 410} {
		if a := w.get("owner", path); a.status != status && path != "/" {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for tag, says := range map[string][]string{
		"en": {"No programme is in effect", "offramp doctor", "offramp apply -f programme.yaml", "Two programme managers sign in as staff", "offramp import customers.csv", `href="/staff/sign-in"`},
		"zh": {"目前没有生效的退市计划", "offramp apply -f programme.yaml", "请两位计划经理"},
	} {
		a := w.do("anonymous", "GET", "/", "", http.Header{"Accept-Language": {tag}})
		if a.status != 503 {
			t.Errorf("/: %d", a.status)
		}
		for _, text := range says {
			if !strings.Contains(a.body, text) {
				t.Errorf("/ in %s does not say %q", tag, text)
			}
		}
	}
}

func TestHealth(t *testing.T) {
	w := newWorld(t)
	for _, h := range []http.Handler{w.server.Live(), w.server.Ready()} {
		if status := probe(h); status != 200 {
			t.Error(status)
		}
	}
	w.web.Pool.Close()
	if status := probe(w.server.Ready()); status != 503 {
		t.Errorf("ready without a database: %d", status)
	}
	if status := probe(w.server.Live()); status != 200 {
		t.Error(status)
	}
}

// TestRefusalsAreLogged looks for who was refused what, on lines that no request can forge.
func TestRefusalsAreLogged(t *testing.T) {
	w := newWorld(t)
	before := len(w.log.String())
	w.get("member", "/console/finance/refunds")
	w.get("anonymous", "/plan%0a%7B%22msg%22:%22forged%22%7D")
	w.do("owner", "GET", "/plan", "", http.Header{"User-Agent": {"x\u2028{\"msg\":\"forged\"}"}, "X-Forwarded-For": {"1.2.3.4\u2028{\"msg\":\"forged\"}"}})
	var refused int
	for _, line := range strings.Split(strings.TrimSpace(w.log.String()[before:]), "\n") {
		var said struct {
			Msg, Route, Incident, Address, Identity string
			Status                                  int
		}
		if err := json.Unmarshal([]byte(line), &said); err != nil || said.Msg != "request" {
			t.Errorf("%v: %s", err, line)
		}
		if said.Status == 403 && said.Route == "/console/finance/refunds" && said.Incident != "" && said.Address == "127.0.0.1" && said.Identity != "" {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d refusals are logged:\n%s", refused, w.log.String()[before:])
	}
}
