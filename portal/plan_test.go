package portal_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/internal/db"
	"offramp/migration"
)

// shows asks for a page and fails for each text that it lacks.
func (w *world) shows(who, path string, texts ...string) string {
	w.Helper()
	a := w.get(who, path)
	if a.status != 200 {
		w.Errorf("%s %s: %d", who, path, a.status)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			w.Errorf("%s %s lacks %q:\n%s", who, path, text, a.body)
		}
	}
	if strings.Contains(a.body, "⟦") || strings.Contains(a.body, "&lt;no value") {
		w.Errorf("%s %s lacks a message:\n%s", who, path, a.body)
	}
	return a.body
}

func (w *world) hides(body string, texts ...string) {
	w.Helper()
	for _, text := range texts {
		if strings.Contains(body, text) {
			w.Errorf("%q must not be shown", text)
		}
	}
}

func TestPlanPage(t *testing.T) {
	w := newWorld(t)
	w.shows("owner", "/plan",
		"Farshore Design Studio · Customer number HZ-20418", `<span class="count__num">71</span>`,
		"Thank you for six years. We put all our work into its successor.", "Sun, 31 January 2027", "101 days left",
		"Beijing time (UTC+8)", "moving@hezhou.example", `href="tel:4000000000"`, "Support code", `href="/en/faq"`,
		"Check your key dates", "Go to key dates", `href="/exports/new"`, "Not needed", "Cannot start yet")
	w.post("owner", "/language/zh-CN", url.Values{"return_to": {"/plan"}})
	w.shows("owner", "/plan", `lang="zh-CN"`, "您的迁移计划", "感谢您六年来的信任。我们将全部精力投入新一代产品。", "2027年1月31日（周日）", "还有101天", "北京时间（UTC+8）")
}

// TestSharedPagesAreTheReadersOwn compares the page put together from what customers share with the one that is rendered
// as a whole, which an address with a query gets.
func TestSharedPagesAreTheReadersOwn(t *testing.T) {
	w := newWorld(t)
	w.exec(`UPDATE customer SET name = '<b>"R&D"</b> 远岸' WHERE id = $1`, w.ids["b"])
	same := func(state string) {
		t.Helper()
		for _, who := range []string{"owner", "member", "other", "owner"} {
			whole := strings.ReplaceAll(w.get(who, "/plan?x=1").body, "/plan?x=1", "/plan")
			if diff := cmp.Diff(whole, w.get(who, "/plan").body); diff != "" {
				t.Errorf("%s, %s: %s", state, who, diff)
			}
		}
	}
	export := migration.Event{Actor: w.ids["owner"], ExportID: "e1", Number: 10001, Bytes: 15_000_000_000, Until: day.AddDate(0, 0, 7)}
	same("new")
	w.post("owner", "/plan/dates", nil)
	same("noted")
	for _, kind := range []migration.EventKind{
		migration.ExportRequested, migration.ExportReady, migration.ExportExpired, migration.ExportChecked,
	} {
		export.Kind = kind
		w.tell("a", export)
		same(string(kind))
	}
	w.at(time.Date(2027, 3, 1, 2, 0, 0, 0, time.UTC))
	same("another day")
	w.post("owner", "/language/zh-CN", nil)
	same("another language")
}

func TestZ03_PagesShowNothingOfOthers(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.choose("other", "heguang")
	w.choose("owner", "heguang")
	for _, r := range w.server.Routes() {
		if r.Method == "GET" {
			w.get("other", samples.Replace(r.Path)) // what customers share was rendered for somebody else first
			w.hides(w.get("owner", samples.Replace(r.Path)).body, "Canary Works", "HZ-7<", "other@canary.example", w.ids["b"], "7731", "7,731", "7,732")
		}
	}
}

func TestPlanShowsOwnZoneAndExtension(t *testing.T) {
	w := newWorld(t)
	w.exec(`INSERT INTO extension (customer_id, milestone, day, reason, granted_by, granted_at) VALUES ($1, 'export_deadline', '2027-03-12', 'Audit until March', 'staff', $2)`,
		w.ids["b"], day)
	w.shows("other", "/plan", "12 March 2027", "111 days left", "You have more time: for other customers it is 2 March 2027 (Beijing time).",
		"In your time zone: 31 January 2027, 15:59, London time (UTC).")
	w.shows("other", "/plan/dates", "Fri, 12 March 2027", "Reason: Audit until March", "12 March 2027, 15:59, London time")
	w.hides(w.shows("owner", "/plan"), "12 March 2027", "In your time zone", "(Beijing time)")
	w.hides(w.shows("owner", "/plan/dates", "Since Mon, 31 August 2026", "From the end of that day, Beijing time (UTC+8)"), "(Beijing time)")
}

func TestNotingDatesCompletesStep1(t *testing.T) {
	w := newWorld(t)
	w.shows("owner", "/plan/dates", "I have noted these dates", "Until 23:59, Beijing time (UTC+8)")
	w.hides(w.shows("member", "/plan/dates", "The owner of your account"), "I have noted these dates")
	for range 2 {
		if a := w.post("owner", "/plan/dates", nil); a.status != 303 || a.location != "/plan" || !strings.Contains(a.header.Get("Set-Cookie"), "flash.dates_noted") {
			t.Fatalf("%d to %s", a.status, a.location)
		}
	}
	j, err := w.customers.Journey(t.Context(), db.CustomerScope(w.ids["a"]), w.ids["a"])
	if err != nil || j.Version != 2 || j.Status[migration.StepDates] != migration.Completed {
		t.Fatalf("%+v, %v", j, err)
	}
	w.shows("owner", "/plan", "Noted on 21 November 2026", "Request a full copy of your data")
	w.shows("owner", "/plan/dates", "You noted these dates on 21 November 2026, 10:24.")

	w.tell("a", migration.Event{
		Kind: migration.DatesChanged, Actor: "system", Was: map[string]migration.Day{"service_end": migration.NewDay(2027, 1, 31)},
		Days: map[string]migration.Day{"service_end": migration.NewDay(2027, 2, 28)},
	})
	moved := *w.programme.p
	moved.Milestones = append([]migration.Milestone(nil), moved.Milestones...)
	moved.Milestones[3].Day = migration.NewDay(2027, 2, 28)
	w.programme.p = &moved
	w.shows("owner", "/plan", "A date has changed", "Action needed")
	w.shows("owner", "/plan/dates", "Changed from", "Sun, 31 January 2027", "Sun, 28 February 2027", "I have noted these dates")
}

func TestFlashIsShownOnceAndSaysOnlyOurWords(t *testing.T) {
	w := newWorld(t)
	with := func(value string) answer {
		return w.do("anonymous", "GET", "/plan", "", map[string][]string{"Cookie": {"offramp-flash=" + value + "; offramp-session=" + w.cookies["owner"]}})
	}
	a := with("ok:flash.dates_noted:/plan")
	if !strings.Contains(a.body, "Step 1 is completed") || !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Error("the message is missing or stays")
	}
	for _, forged := range []string{"ok:You have won", "ok:plan.title", "bad:flash.none", "x", "ok:flash.dates_noted", "ok:flash.dates_noted:/plan/dates"} {
		if b := with(forged).body; strings.Contains(b, "banner--page") {
			t.Errorf("%s was shown", forged)
		}
	}
}

func TestExportCardFollowsTheJourney(t *testing.T) {
	w := newWorld(t)
	export := func(kind migration.EventKind) migration.Event {
		return migration.Event{Kind: kind, Actor: w.ids["owner"], ExportID: "e1", Number: 10001, Bytes: 15_000_000_000, Until: day.AddDate(0, 0, 7)}
	}
	w.hides(w.shows("member", "/plan", "Only the owner of your account can export"), "Start export")
	w.post("owner", "/plan/dates", nil)
	w.tell("a", export(migration.ExportRequested))
	w.shows("owner", "/plan", "Waiting to start", `hx-get="/plan/export?seen="`, "Update progress", "htmx-4.0.1")
	w.tx(func(tx *db.Tx) error {
		return w.customers.SetProgress(t.Context(), tx, w.ids["a"], migration.Progress{
			ExportID: "e1", Stage: "files", RowsDone: 9_300, RowsTotal: 15_000, BytesDone: 9_300_000_000, BytesTotal: 15_000_000_000, Percent: 62, Left: 6 * time.Minute, At: day,
		})
	})
	w.shows("owner", "/plan", "Packing files – stage 3 of 4", `value="62"`, "9,300 of 15,000 rows · about 6 minutes left")
	w.shows("owner", "/plan/export?seen=reading", "Packing files – stage 3 of 4", `hx-swap-oob="true"`, "hx-trigger")
	w.hides(w.shows("owner", "/plan/export?seen=files"), "hx-swap-oob")
	w.tell("a", export(migration.ExportReady))
	w.hides(w.shows("owner", "/plan/export?seen=files", "Your export is ready: 15.0 GB", "hx-swap-oob", `href="/exports/e1"`), "hx-trigger")
	w.hides(w.shows("owner", "/plan", "You can download it until 28 November 2026, 10:24.", "Action needed"), "htmx-4.0.1")
	w.tell("a", export(migration.ExportExpired))
	w.shows("owner", "/plan", "You can make a new one until 2 March 2027", "Your last download has expired")
	w.tell("a", export(migration.ExportChecked))
	w.shows("owner", "/plan", "it is complete", "Completed")
	w.tell("b", export(migration.ExportRequested))
	w.tell("b", export(migration.ExportFailed))
	w.shows("other", "/plan", "Reference: EX-10001", "There is a problem")
}

// TestI05_EverySurfaceTurnsAtTheSameInstant compares plan, dates and calendar around a deadline.
func TestI05_EverySurfaceTurnsAtTheSameInstant(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ zone, utc, shown string }{
		{"Etc/GMT+12", "20270201T115900Z", "2027-01-31T23:59:00-12:00"},
		{"Pacific/Kiritimati", "20270131T095900Z", "2027-01-31T23:59:00+14:00"},
		{"America/New_York", "20270201T045900Z", "2027-01-31T23:59:00-05:00"},
		{"Asia/Kathmandu", "20270131T181400Z", "2027-01-31T23:59:00+05:45"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		p := *w.programme.p
		p.Zone, p.ZoneName = zone, c.zone
		w.programme.p = &p
		end := migration.NewDay(2027, 2, 1).Start(zone)
		w.at(end.Add(-time.Second))
		w.shows("owner", "/plan", `<span class="count__num count__num--word">Today</span>`, `datetime="`+c.shown+`"`, "the service stops at the end of the day")
		w.shows("owner", "/plan/dates", `datetime="`+c.shown+`"`, ">Today<")
		if body := w.get("owner", "/plan/dates.ics").body; !strings.Contains(body, "DTSTART:"+c.utc) || strings.Count(body, "BEGIN:VALARM") != 6 {
			t.Errorf("%s before: %s", c.zone, body)
		}
		w.at(end.Add(time.Second))
		w.shows("owner", "/plan", `<span class="count__num">29</span>`, "until the last day to download")
		if body := w.get("owner", "/plan/dates.ics").body; !strings.Contains(body, "DTSTART:"+c.utc) || strings.Count(body, "BEGIN:VALARM") != 4 {
			t.Errorf("%s after: %s", c.zone, body)
		}
	}
}

func TestI05_DaylightSavingAndLeapDay(t *testing.T) {
	w := newWorld(t)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p := *w.programme.p
	p.Zone, p.ZoneName = berlin, "Europe/Berlin"
	p.Milestones = []migration.Milestone{
		{Key: migration.Announcement, Day: migration.NewDay(2027, 6, 1)},
		{Key: migration.ServiceEnd, Day: migration.NewDay(2028, 2, 29)},
		{Key: migration.ExportDeadline, Day: migration.NewDay(2028, 3, 26)}, // clocks go forward
	}
	w.programme.p = &p
	w.shows("owner", "/plan", "Tue, 29 February 2028", `datetime="2028-03-26T23:59:00+02:00"`)
	body := w.get("owner", "/plan/dates.ics").body
	for _, want := range []string{"DTSTART:20280229T225900Z", "DTSTART:20280326T215900Z"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	w.at(time.Date(2028, 3, 25, 23, 30, 0, 0, time.UTC)) // half past midnight on the 26th in Berlin
	w.shows("owner", "/plan", "Today")
}

func TestAfterEverything(t *testing.T) {
	w := newWorld(t)
	w.at(time.Date(2027, 4, 2, 0, 0, 0, 0, time.UTC))
	w.hides(w.shows("owner", "/plan", "All dates of this closure are in the past", "You can no longer export"), "count__num", "Start export")
}

// TestWhoCannotBeWrittenToIsAskedForAnotherAddress: every page says so, and the account's page says why.
func TestWhoCannotBeWrittenToIsAskedForAnotherAddress(t *testing.T) {
	w := newWorld(t)
	w.hides(w.shows("owner", "/plan"), "/account#mail")
	w.exec(`UPDATE contact SET mail_problem = 'unwritable' WHERE id = $1`, w.ids["owner"])
	w.shows("owner", "/plan", "/account#mail")
	w.shows("owner", "/account", "Our email server cannot send to this address")
	w.speak("owner", "zh-CN")
	w.shows("owner", "/account", "我们的邮件服务器无法发信到此地址")
}
