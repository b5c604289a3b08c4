package signin_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"offramp/auth"
	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
	"offramp/portal/page"
)

func TestSignInLeadsWhereOneWanted(t *testing.T) {
	w := newWorld(t)
	ada := w.visitor()
	door := w.get(ada, "/plan/dates")
	if door.URL.Path != "/sign-in" || !strings.Contains(door.Body, "/sign-in/start?return_to=%2Fplan%2Fdates") || !strings.Contains(door.Body, "Hezhou") {
		t.Fatalf("asked to sign in at %s\n%s", door.URL, door.Body)
	}
	if p := w.signIn(ada, "/sign-in/start?return_to=%2Fplan%2Fdates", "ada"); p.URL.Path != "/plan/dates" || p.Status != 200 {
		t.Errorf("arrived at %s: %d", p.URL, p.Status)
	}
	if p := w.get(ada, "/sign-in"); p.URL.Path != "/plan" {
		t.Errorf("the door leads to %s", p.URL)
	}
	sam := w.visitor()
	if p := w.signIn(sam, "/staff/sign-in/start", "sam"); p.URL.Path != "/console/support" {
		t.Errorf("staff arrive at %s: %d", p.URL, p.Status)
	}
	if p := w.get(sam, "/account"); !strings.Contains(p.Body, "Support") || strings.Contains(p.Body, `name="zone"`) {
		t.Errorf("staff's account\n%s", p.Body)
	}
	if p := w.get(w.visitor(), "/console/support"); p.URL.Path != "/staff/sign-in" {
		t.Errorf("a console asks to sign in at %s", p.URL)
	}
}

func TestA06_ReturnToLeadsNowhereElse(t *testing.T) {
	w := newWorld(t)
	for raw, want := range map[string]string{
		"/plan/dates": "/plan/dates", "/account?x=1": "/account",
		"//evil.example": "/plan", `/\evil.example`: "/plan", "/\t/evil.example": "/plan", "/plan\r\nLocation: //evil.example": "/plan",
		"/@evil.example": "/plan", "/%2f%2fevil.example": "/plan", "https://evil.example/": "/plan", "/nowhere": "/plan", "/signed-out": "/plan",
		"/plan/export": "/plan", "/static/css/x.css": "/plan", "/sign-in/start": "/plan", "/sign-out": "/plan", "": "/plan",
	} {
		p := w.signIn(w.visitor(), "/sign-in/start?"+url.Values{"return_to": {raw}}.Encode(), "ada")
		if p.URL.Host != strings.TrimPrefix(w.url, "http://") || p.URL.Path != want {
			t.Errorf("%q leads to %s", raw, p.URL)
		}
	}
}

func TestA01_WrongStateMakesNoSession(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/sign-in/callback", "/sign-in/callback?code=x", "/sign-in/callback?code=canary-code&state=canary-state", "/staff/sign-in/callback?state=x"} {
		v := w.visitor()
		v.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		w.get(v, "/sign-in/start") // a sign-in of this browser's own is under way
		p := w.get(v, path)
		door := "/sign-in"
		if strings.HasPrefix(path, "/staff") {
			door = "/staff/sign-in"
		}
		if p.Status != 400 || !strings.Contains(p.Body, "could not be completed") || !strings.Contains(p.Body, `href="`+door+`"`) {
			t.Errorf("%s: %d\n%s", path, p.Status, p.Body)
		}
		for _, c := range (&http.Response{Header: p.Header}).Cookies() {
			if strings.HasSuffix(c.Name, page.SessionCookie) {
				t.Errorf("%s sets a session", path)
			}
		}
	}
	if n := w.count(`SELECT count(*) FROM session`); n != 0 {
		t.Errorf("%d sessions", n)
	}
	if !strings.Contains(w.log.String(), `"route":"/sign-in/callback","status":400`) || strings.Contains(w.log.String(), "canary") {
		t.Errorf("logged as\n%s", w.log)
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	w := newWorld(t)
	token := w.usedInvitation()
	for _, c := range []struct {
		start, who, says, way string
		status                int
	}{
		{"/sign-in/start", "nobody", "no customer for this account", "/sign-in/start?fresh=1", 403},
		{"/sign-in/start", "stopped", "Your access is disabled", "/sign-in/start?fresh=1", 403},
		{"/staff/sign-in/start", "eve", "You do not have a role here", "/staff/sign-in/start?fresh=1", 403},
		{"/sign-in/start?invitation=" + token, "nobody", "no longer works", "/sign-in", 410},
	} {
		p := w.signIn(w.visitor(), c.start, c.who)
		if p.Status != c.status || !strings.Contains(p.Body, c.says) || !strings.Contains(p.Body, `href="`+c.way+`"`) {
			t.Errorf("%s as %s: %d\n%s", c.start, c.who, p.Status, p.Body)
		}
	}
	// Another account is asked for even where the provider knows the browser.
	v := w.visitor()
	w.signIn(v, "/sign-in/start", "nobody")
	if p := w.get(v, "/sign-in/start?fresh=1"); !strings.HasPrefix(p.URL.String(), w.customers.Issuer) {
		t.Errorf("asking again ends at %s", p.URL)
	}
	if p := w.signIn(v, "/sign-in/start?fresh=1", "ada"); p.URL.Path != "/plan" {
		t.Errorf("another account ends at %s", p.URL)
	}
}

func (w *world) usedInvitation() string {
	w.Helper()
	w.exec(`SELECT staff_signs_in('x', 'i', 'x', 'x', '', '{support}', now())`)
	token, err := w.service.Invite(localtest.SignedIn(w.Context(), w.T, w.tables, "x"), auth.Session{Realm: auth.Staff, Roles: []auth.Role{auth.Support}, IdentityID: "x"}, "a", "bob")
	if err != nil {
		w.Fatal(err)
	}
	w.exec(`UPDATE invitation SET used_at = now()`)
	return token
}

func TestA09_ProviderDown(t *testing.T) {
	w := newWorld(t)
	ada := w.visitor()
	w.signIn(ada, "/sign-in/start", "ada")
	w.customers.Down(true)
	w.exec(`DELETE FROM sign_in`)
	if p := w.get(ada, "/plan"); p.Status != 200 {
		t.Errorf("a live session gets %d", p.Status)
	}
	// The address is known already; it is the browser that meets the closed door. A portal that starts now does not know it.
	v := w.visitor()
	w.service = auth.NewService(w.db, auth.Config{Customers: auth.RealmConfig{Provider: w.party(w.customers, "/sign-in")}})
	fresh := httptest.NewServer(w.portal(w.url))
	defer fresh.Close()
	v.Portal = fresh.URL
	if p := w.get(v, "/sign-in/start"); p.Status != 503 || !strings.Contains(p.Body, "is not responding") || !strings.Contains(p.Body, `href="/sign-in"`) {
		t.Errorf("%d\n%s", p.Status, p.Body)
	}
}

func TestSignOutReachesTheProvider(t *testing.T) {
	w := newWorld(t)
	ada := w.visitor()
	w.signIn(ada, "/sign-in/start", "ada")
	p := w.post(ada, "/sign-out", nil)
	if p.URL.Path != "/signed-out" || p.Header.Get("Refresh") != "0; url=/signed-out/provider" || !strings.Contains(p.Body, `href="/signed-out/provider"`) {
		t.Fatalf("%s, %q\n%s", p.URL, p.Header.Get("Refresh"), p.Body)
	}
	if p := w.get(ada, "/plan"); p.URL.Path != "/sign-in" {
		t.Errorf("after signing out: %s", p.URL)
	}
	if p := w.get(ada, "/signed-out/provider"); p.URL.String() != w.url+"/signed-out" || p.Header.Get("Refresh") != "" {
		t.Errorf("the provider leads to %s", p.URL)
	}
	if p := w.get(ada, "/sign-in/start"); !strings.HasPrefix(p.URL.String(), w.customers.Issuer) {
		t.Errorf("the provider lets the browser in by itself: %s", p.URL)
	}
	if p := w.post(ada, "/sign-out", nil); p.URL.Path != "/signed-out" || p.Header.Get("Refresh") != "" {
		t.Errorf("signing out twice: %s", p.URL)
	}
}

func TestA07_LogoutAtTheProviderEndsSessionsHere(t *testing.T) {
	w := newWorld(t)
	ada, bob, sam := w.visitor(), w.visitor(), w.visitor()
	w.signIn(ada, "/sign-in/start", "ada")
	w.signIn(bob, "/sign-in/start", "bob")
	w.signIn(sam, "/staff/sign-in/start", "sam")
	if err := w.customers.EndSessions(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	if err := w.staff.EndSessions(t.Context(), "sam"); err != nil {
		t.Fatal(err)
	}
	for who, c := range map[string]struct {
		v    *local.Visitor
		want string
	}{"ada": {ada, "/sign-in"}, "bob": {bob, "/account"}, "sam": {sam, "/sign-in"}} {
		if p := w.get(c.v, "/account"); p.URL.Path != c.want {
			t.Errorf("%s is at %s", who, p.URL)
		}
	}
	for _, form := range []url.Values{nil, {"logout_token": {"x.y.z"}}, {"logout_token": {"a", "b"}}} {
		if p := w.post(w.visitor(), "/sign-in/back-channel-logout", form); p.Status != 400 {
			t.Errorf("%v: %d", form, p.Status)
		}
	}
}

func TestA05_CookieChangesAtSignIn(t *testing.T) {
	w := newWorld(t)
	v := w.visitor()
	here, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	cookie := func() string {
		for _, c := range v.Client.Jar.Cookies(here) {
			if c.Name == page.SessionCookie {
				return c.Value
			}
		}
		return ""
	}
	v.Client.Jar.SetCookies(here, []*http.Cookie{{Name: page.SessionCookie, Value: "planted", Path: "/"}})
	w.signIn(v, "/sign-in/start", "ada")
	first := cookie()
	w.signIn(v, "/sign-in/start", "ada")
	second := cookie()
	if first == "planted" || first == "" || second == first {
		t.Errorf("cookies %q, %q", first, second)
	}
	if n := w.count(`SELECT count(*) FROM session WHERE ended_at IS NULL`); n != 1 {
		t.Errorf("%d live sessions", n)
	}
}

func TestH01_CookiesOfSignInAreBoundToTheHost(t *testing.T) {
	w := newWorld(t)
	for public, name := range map[string]string{"https://portal.example": "__Host-offramp-sign-in", w.url: "offramp-sign-in"} {
		r := httptest.NewRequest("GET", "/sign-in/start", nil)
		answer := httptest.NewRecorder()
		w.portal(public).ServeHTTP(answer, r)
		cookies := answer.Result().Cookies()
		if len(cookies) != 1 || cookies[0].Name != name || !cookies[0].HttpOnly || cookies[0].Path != "/" || cookies[0].SameSite != http.SameSiteLaxMode ||
			cookies[0].Secure != strings.HasPrefix(public, "https") {
			t.Errorf("%s: %v", public, cookies)
		}
	}
}

func TestP07_SignInLogsNoSecretAndNoAddress(t *testing.T) {
	w := newWorld(t)
	for _, who := range []string{"ada", "nobody", "stopped"} {
		w.signIn(w.visitor(), "/sign-in/start?invitation=canary-invitation", who)
		w.signIn(w.visitor(), "/sign-in/start", who)
	}
	w.customers.Down(true)
	w.get(w.visitor(), "/sign-in/start")
	for _, canary := range []string{"canary", "code=", "state=", "eyJ", "Name of"} {
		if strings.Contains(w.log.String(), canary) {
			t.Errorf("the log holds %q:\n%s", canary, w.log)
		}
	}
}

// TestA08_WhatWasTypedOutlivesTheStepUp sends a form with old credentials, gives them again at the provider, and sends what the page kept.
func TestA08_WhatWasTypedOutlivesTheStepUp(t *testing.T) {
	w := newWorld(t)
	mia := w.visitor()
	w.signIn(mia, "/staff/sign-in/start", "mia")
	if _, err := w.tables.Exec(t.Context(), `UPDATE session SET authenticated_at = authenticated_at - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	reason := strings.Repeat("他已离职。\"><b>left</b>&amp; ", 15) + "\n第二行"
	const path = "/console/people/customer/bob/disable"
	p := w.post(mia, path, url.Values{"reason": {reason}})
	if p.Status != http.StatusForbidden || !strings.Contains(p.Body, "Send again") || !strings.Contains(p.Body, `target="_blank"`) || strings.Contains(p.Body, "<b>left") {
		t.Fatalf("%d\n%s", p.Status, p.Body)
	}
	kept := regexp.MustCompile(`<input type="hidden" name="reason" value="([^"]*)"`).FindStringSubmatch(p.Body)
	way := regexp.MustCompile(`href="(/staff/sign-in/start\?fresh=1[^"]*)" target="_blank"`).FindStringSubmatch(p.Body)
	if kept == nil || way == nil || !strings.Contains(p.Body, `action="`+path+`"`) {
		t.Fatalf("what was typed is not kept:\n%s", p.Body)
	}
	if n := w.count(`SELECT count(*) FROM person_change`); n != 0 {
		t.Fatal("it was done all the same")
	}
	w.signIn(mia, html.UnescapeString(way[1]), "mia")
	w.post(mia, path, url.Values{"reason": {html.UnescapeString(kept[1])}})
	var got string
	if err := w.tables.QueryRow(t.Context(), `SELECT reason FROM person_change WHERE contact_id = 'bob' AND state = 'done'`).Scan(&got); err != nil || got != reason {
		t.Errorf("%q, %v", got, err)
	}
}
