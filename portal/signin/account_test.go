package signin_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var endForm = regexp.MustCompile(`action="(/account/sessions/[A-Z0-9]+/end)"`)

func TestAccountListsAndEndsSessions(t *testing.T) {
	w := newWorld(t)
	here, there, bob := w.visitor(), w.visitor(), w.visitor()
	w.signIn(here, "/sign-in/start", "ada")
	w.signIn(there, "/sign-in/start", "ada")
	w.signIn(bob, "/sign-in/start", "bob")
	p := w.get(here, "/account")
	ends := endForm.FindAllStringSubmatch(p.Body, -1)
	if len(ends) != 1 || strings.Count(p.Body, "This session") != 1 || !strings.Contains(p.Body, "Farshore") || !strings.Contains(p.Body, "A-1") {
		t.Fatalf("%d can be ended\n%s", len(ends), p.Body)
	}
	if p := w.post(bob, ends[0][1], nil); p.Status != 404 {
		t.Errorf("bob ends ada's: %d", p.Status)
	}
	if p := w.post(here, ends[0][1], nil); p.URL.Path != "/account" || !strings.Contains(p.Body, "You have ended the session") {
		t.Errorf("%s\n%s", p.URL, p.Body)
	}
	if p := w.get(there, "/account"); p.URL.Path != "/sign-in" {
		t.Errorf("the other browser is at %s", p.URL)
	}
	w.signIn(there, "/sign-in/start", "ada")
	if p := w.post(here, "/account/sessions/end-others", nil); !strings.Contains(p.Body, "You have ended all other sessions") {
		t.Errorf("%s\n%s", p.URL, p.Body)
	}
	if p := w.get(there, "/account"); p.URL.Path != "/sign-in" {
		t.Errorf("the other browser is at %s", p.URL)
	}
	if p := w.get(bob, "/account"); p.Status != 200 || p.URL.Path != "/account" {
		t.Errorf("bob is at %s", p.URL)
	}
}

func TestProfileIsCheckedAndKept(t *testing.T) {
	w := newWorld(t)
	ada := w.visitor()
	w.signIn(ada, "/sign-in/start", "ada")
	for _, c := range []struct{ locale, zone, says string }{
		{"", "", "Choose one of the languages"},
		{"de", "UTC", "Choose one of the languages"},
		{"en", "Mars/Phobos", "Choose one of the time zones"},
		{"en", "../../etc/passwd", "Choose one of the time zones"},
		{"en", "", "Choose one of the time zones"},
		{"en\x00", "UTC", "Choose"},
		{"en", strings.Repeat("x", 2000), "Choose one of the time zones"},
		{"<b>", "<script>alert(1)</script>", "Choose"},
	} {
		p := w.post(ada, "/account", url.Values{"locale": {c.locale}, "zone": {c.zone}})
		if c.locale == "en\x00" && p.URL.Path == "/account" && p.Status == 200 {
			continue // the character was taken out
		}
		if p.Status != 422 || !strings.Contains(p.Body, c.says) || !strings.Contains(p.Body, `aria-invalid="true"`) || strings.Contains(p.Body, "<script>alert") {
			t.Errorf("%q, %q: %d\n%s", c.locale, c.zone, p.Status, p.Body)
		}
	}
	p := w.post(ada, "/account", url.Values{"locale": {"zh-CN"}, "zone": {"Asia/Tokyo"}})
	if p.Status != 200 || !strings.Contains(p.Body, "个人资料已保存") || !strings.Contains(p.Body, `<option value="Asia/Tokyo" selected`) {
		t.Errorf("%d\n%s", p.Status, p.Body)
	}
	if n := w.count(`SELECT count(*) FROM contact WHERE id = 'ada' AND locale = 'zh-CN' AND zone = 'Asia/Tokyo'`); n != 1 {
		t.Error("the profile was not stored")
	}
	if p := w.post(ada, "/account", url.Values{"locale": {"en"}, "zone": {"UTC"}, "role": {"owner"}}); p.Status != 400 {
		t.Errorf("an unknown field: %d", p.Status)
	}
}
