package portal_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"

	"offramp/internal/db"
	"offramp/migration"
)

func probe(h http.Handler) int {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	return rec.Code
}

func TestPublicNoticeHasTheFiveElements(t *testing.T) {
	w := newWorld(t)
	w.hides(w.shows("anonymous", "/en/", "Hezhou Teamwork closes on 31 January 2027", "Thank you for six years.", "We put all our work into its successor.",
		"Key dates", "What to do next", `href="/sign-in"`, "moving@hezhou.example", `hreflang="zh-CN" href="/zh-CN/"`), "Support code", "Compare replacement")
	w.shows("anonymous", "/zh-CN/", "禾舟协作将于2027年1月31日停止服务", "感谢您六年来的信任。", "接下来怎么做")
	for path, status := range map[string]int{"/fr/": 308, "/fr": 404, "/en/faq/": 308, "/en": 308, "/de/faq": 404} {
		if a := w.get("anonymous", path); a.status != status {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	w.at(time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC))
	w.shows("anonymous", "/en/", "Hezhou Teamwork closed on 31 January 2027")
}

func TestFAQSearch(t *testing.T) {
	w := newWorld(t)
	w.hides(w.shows("anonymous", "/en/faq?q=COST", "1 question found", "What does it cost?"), "Can I keep my files?")
	w.shows("anonymous", "/en/faq?q=zebra", "No questions match", "Can I keep my files?", `value="zebra"`)
	for _, pattern := range []string{"%", "c_st", ".*", "c?st", "[a-z]", `\`, "$^"} { // text, not a pattern of any kind
		w.shows("anonymous", "/en/faq?q="+url.QueryEscape(pattern), "No questions match")
	}
	w.shows("anonymous", "/zh-CN/faq", "文件能保留吗？", "需要付费吗？")
	w.shows("owner", "/help", "Can I keep my files?", "Support code")
}

func TestLanguageAndTheme(t *testing.T) {
	w := newWorld(t)
	with := func(who, path string, header http.Header) answer { return w.do(who, "GET", path, "", header) }
	if a := with("anonymous", "/", http.Header{"Accept-Language": {"en-GB,en;q=0.9"}}); a.location != "/en/" {
		t.Error(a.location)
	}
	if a := with("anonymous", "/", http.Header{"Accept-Language": {"en"}, "Cookie": {"offramp-language=zh-CN"}}); a.location != "/zh-CN/" {
		t.Error(a.location)
	}
	if a := with("anonymous", "/nothing", http.Header{"Cookie": {"offramp-theme=dark; offramp-language=en"}}); !strings.Contains(a.body, `lang="en" data-theme="dark"`) {
		t.Error(a.body)
	}
	a := w.post("owner", "/language/zh-CN", url.Values{"return_to": {"/plan"}})
	if a.location != "/plan" || !strings.Contains(a.header.Get("Set-Cookie"), "offramp-language=zh-CN") {
		t.Error(a.location, a.header)
	}
	w.shows("owner", "/plan", "您的迁移计划") // from the profile: this client keeps no cookies
	if a := w.post("owner", "/language/fr", url.Values{"return_to": {"/plan"}}); a.status != 303 || a.header.Get("Set-Cookie") != "" {
		t.Error(a.status, a.header)
	}
	if a := w.post("owner", "/theme/plaid", nil); a.status != 303 || a.header.Get("Set-Cookie") != "" {
		t.Error(a.status, a.header)
	}
}

func TestErrorPagesSpeakTheLanguageOfWhoIsSignedIn(t *testing.T) {
	w := newWorld(t)
	speaks := func(who, method, path string, status int, tag, title string) {
		t.Helper()
		a := w.do(who, method, path, "", nil) // from a browser that asks for English
		if a.status != status || !strings.Contains(a.body, `<html lang="`+tag+`"`) || !strings.Contains(a.body, title) {
			t.Errorf("%s %s %s: %d\n%s", who, method, path, a.status, a.body)
		}
	}
	for _, who := range []string{"owner", "support"} {
		w.speak(who, "zh-CN")
		for _, path := range []string{"/no-such-page", "/console/no-such-page", "/%70lan"} {
			speaks(who, "GET", path, 404, "zh-CN", "此页面不存在")
		}
		speaks(who, "DELETE", "/plan", 405, "zh-CN", "此页面不支持该操作")
		speaks(who, "POST", "/plan/dates.ics", 405, "zh-CN", "此页面不支持该操作")
		speaks(who, "GET", "/brand/none.css", 404, "zh-CN", "此页面不存在") // a route that looks nobody up
	}
	speaks("anonymous", "GET", "/no-such-page", 404, "en", "This page does not exist")
	speaks("anonymous", "DELETE", "/plan", 405, "en", "This page does not work that way")
	w.clock.Advance(10 * time.Minute)
	speaks("owner", "GET", "/no-such-page", 404, "zh-CN", "")
	if w.count(`SELECT count(*) FROM session WHERE id = 'session-owner' AND seen_at > created_at`) != 0 {
		t.Error("an address where nothing is has kept the session alive")
	}
	w.exec(`UPDATE session SET ended_at = $1 WHERE id = 'session-support'`, day)
	speaks("support", "GET", "/no-such-page", 404, "en", "This page does not exist")
	w.web.Pool.Close()
	speaks("owner", "GET", "/no-such-page", 404, "en", "This page does not exist")
	w.sessions = broken{panic: true}
	w.serve("http://portal.example")
	speaks("anonymous", "GET", "/no-such-page", 404, "en", "") // nobody is asked about somebody without a session
}

// feed returns the address of the owner's subscription as the dates page shows it.
func (w *world) feed() string {
	w.Helper()
	_, after, _ := strings.Cut(w.get("owner", "/plan/dates").body, `data-copy="http://portal.example`)
	path, _, _ := strings.Cut(after, `"`)
	return path
}

func TestCalendarSubscription(t *testing.T) {
	w := newWorld(t)
	if w.feed() != "" {
		t.Fatal("a subscription nobody asked for")
	}
	w.post("owner", "/plan/calendar", nil)
	first := w.feed()
	a := w.get("anonymous", first)
	if a.status != 200 || a.header.Get("Content-Type") != "text/calendar; charset=utf-8" || !strings.Contains(a.body, "SUMMARY:Hezhou Teamwork: Service stops") {
		t.Fatalf("%s: %d %s", first, a.status, a.body)
	}
	w.post("owner", "/plan/calendar", nil)
	second := w.feed()
	if w.get("anonymous", first).status != 410 || w.get("anonymous", second).status != 200 || first == second {
		t.Error("the old address still opens")
	}
	if w.get("member", "/plan/dates").body == "" || strings.Contains(w.get("member", "/plan/dates").body, second) {
		t.Error("a colleague sees the address")
	}
	w.post("owner", "/language/zh-CN", nil)
	if body := w.get("anonymous", second).body; !strings.Contains(body, "禾舟协作：停止服务") {
		t.Error(body)
	}
	w.exec(`UPDATE contact SET state = 'disabled' WHERE id = $1`, w.ids["owner"])
	if a := w.get("anonymous", second); a.status != 410 {
		t.Errorf("of a disabled contact: %d", a.status)
	}
	w.exec(`UPDATE contact SET state = 'active' WHERE id = $1`, w.ids["owner"])
	w.post("owner", "/plan/calendar/stop", nil)
	if a := w.get("anonymous", second); a.status != 410 {
		t.Errorf("after the stop: %d", a.status)
	}
}

// events reads a calendar as calendar programs do: "sequence start" by UID.
func events(t *testing.T, body string) map[string]string {
	t.Helper()
	cal, err := ics.ParseCalendar(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range cal.Events() {
		status := ""
		if p := e.GetProperty(ics.ComponentPropertyStatus); p != nil {
			status = " " + p.Value
		}
		found[e.Id()] = e.GetProperty(ics.ComponentPropertySequence).Value + " " + e.GetProperty(ics.ComponentPropertyDtStart).Value + status
	}
	return found
}

func TestCalendarEventsKeepTheirNamesAndCountTheirChanges(t *testing.T) {
	w := newWorld(t)
	const stop, export, erase = "service_end-customer-a@portal.example", "export_deadline-customer-a@portal.example", "erasure-customer-a@portal.example"
	w.post("owner", "/plan/dates", nil)
	before := events(t, w.get("owner", "/plan/dates.ics").body)
	if before[stop] != "1 20270131T155900Z" || len(before) != 6 {
		t.Fatalf("%v", before)
	}
	w.exec(`INSERT INTO extension (customer_id, milestone, day, reason, granted_by, granted_at) VALUES ($1, 'export_deadline', '2027-03-12', '', 'staff', $2)`, w.ids["a"], day)
	extended := events(t, w.get("owner", "/plan/dates.ics").body)
	if extended[stop] != before[stop] || extended[export] <= before[export] || !strings.HasSuffix(extended[export], " 20270312T155900Z") {
		t.Errorf("%v", extended)
	}
	w.exec(`UPDATE extension SET day = '2027-03-20', granted_at = $1`, day.Add(time.Hour))
	if again := events(t, w.get("owner", "/plan/dates.ics").body); again[export] <= extended[export] {
		t.Errorf("%v", again)
	}
	p := *w.programme.p
	p.Version, p.Milestones = 2, append([]migration.Milestone(nil), p.Milestones[:5]...)
	p.Milestones[3].Day = migration.NewDay(2027, 2, 28)
	w.programme.p = &p
	moved := events(t, w.get("owner", "/plan/dates.ics").body)
	if moved[stop] != "2 20270228T155900Z" || !strings.HasPrefix(moved[erase], "2 ") || !strings.HasSuffix(moved[erase], " CANCELLED") {
		t.Errorf("%v", moved)
	}
}

func TestCalendarLinesAreFolded(t *testing.T) {
	w := newWorld(t)
	w.post("owner", "/language/zh-CN", nil)
	body := w.get("owner", "/plan/dates.ics").body
	for line := range strings.SplitSeq(body, "\r\n") {
		if len(line) > 75 {
			t.Errorf("%d octets: %s", len(line), line)
		}
	}
	if !strings.Contains(body, "\r\n") || !strings.Contains(body, "REFRESH-INTERVAL;VALUE=DURATION:P1D") || !strings.Contains(body, "TRANSP:TRANSPARENT") {
		t.Error(body)
	}
}

func TestPollingKeepsNoSessionAlive(t *testing.T) {
	w := newWorld(t)
	seen := func() (at time.Time) {
		w.tx(func(tx *db.Tx) error {
			return tx.Pgx.QueryRow(t.Context(), `SELECT seen_at FROM session WHERE id = 'session-owner'`).Scan(&at)
		})
		return at
	}
	w.clock.Advance(10 * time.Minute)
	w.get("owner", "/plan/export")
	if !seen().Equal(day) {
		t.Error("a poll has kept the session alive")
	}
	w.get("owner", "/plan")
	if seen().Equal(day) {
		t.Error("a visit has not")
	}
	w.clock.Advance(31 * time.Minute)
	if a := w.get("owner", "/plan"); a.location != "/sign-in?return_to=%2Fplan" {
		t.Error(a.status, a.location)
	}
	if a := w.get("owner", "/plan/export"); a.status != 401 || a.header.Get("HX-Redirect") != "/sign-in" {
		t.Error(a.status, a.header)
	}
}
