package portal_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/deploy/examples"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
)

const screen = "/console/support/customers/customer-a"

// acts are the newest entries of the audit log for one act, as "actor object detail".
func (w *world) acts(act string) []string {
	w.Helper()
	rows, err := audit.List(w.Context(), w.db, db.SystemScope("test"), audit.Filter{Act: act}, audit.Page{})
	if err != nil {
		w.Fatal(err)
	}
	var list []string
	for _, r := range rows {
		list = append(list, fmt.Sprint(r.Actor, " ", r.Object, " ", r.CustomerID, " ", r.Detail))
	}
	return list
}

func TestStaffArriveWhereTheirRolesLead(t *testing.T) {
	w := newWorld(t)
	for who, want := range map[string]string{"support": "/console/support", "programme_manager": "/console/programme", "auditor": "/console/audit", "finance_clerk": "/console/finance/refunds", "finance_releaser": "/console/finance/refunds"} {
		if a := w.get(who, "/console"); a.status != 303 || a.location != want {
			t.Errorf("%s: %d to %s", who, a.status, a.location)
		}
		if a := w.get(who, "/"); a.location != "/console" {
			t.Errorf("%s comes home to %s", who, a.location)
		}
	}
	w.exec(`UPDATE identity SET roles = '{support,auditor}' WHERE id = 'identity-support'`)
	w.hides(w.shows("support", "/console", `href="/console/support"`, `href="/console/audit"`, "Support · Auditor"), `href="/console/programme"`)
	w.speak("support", "zh-CN")
	w.shows("support", "/console", "退市管理后台", "审计日志")
}

func TestRefusalsSpeakToWhoeverReadsThem(t *testing.T) {
	w := newWorld(t)
	a := w.get("support", "/console/audit")
	w.shownIn(a.body, "Your roles do not include this.")
	w.hides(a.body, "the owner of your account", "contact us")
	if a.status != 403 {
		t.Errorf("support at the audit log: %d", a.status)
	}
	w.speak("support", "zh-CN")
	w.shownIn(w.get("support", "/console/audit").body, "您的角色没有此权限")
	w.shownIn(w.post("member", "/exports", nil).body, "owner of your account")
}

func TestSupportFindsCustomers(t *testing.T) {
	w := newWorld(t)
	for query, want := range map[string]string{
		"HZ-20418": "Farshore Design Studio", "hz-20418": "Farshore Design Studio", "shore des": "Farshore Design Studio",
		"lin other": "Canary Works", "OTHER@canary.example": "Canary Works",
	} {
		w.hides(w.shows("support", "/console/support?"+url.Values{"q": {query}}.Encode(), want), "No customers found", "Exports with problems")
	}
	w.shows("support", "/console/support?q=100%25", "No customers found", "Try just the number")
	w.shows("support", "/console/support?q=canary.example", "Canary Works", "Farshore Design Studio")
	want := []string{"identity-support customers  map[found:2 skip:0 text:canary.example]", "identity-support customers  map[found:0 skip:0 text:100%]"}
	if diff := cmp.Diff(want, w.acts("customer.search")[:2]); diff != "" {
		t.Error("recorded (-want +got):\n" + diff)
	}
	if log := strings.Join(w.acts("customer.search"), "\n"); !strings.Contains(log, "text:O***@canary.example") || strings.Contains(log, "OTHER@") {
		t.Errorf("recorded addresses:\n%s", log)
	}
	w.speak("support", "zh-CN")
	w.shows("support", "/console/support?q=nobody", "未找到客户")
}

// TestEveryReferenceFindsTheCustomer types each kind of reference as people do.
func TestEveryReferenceFindsTheCustomer(t *testing.T) {
	w := newPrepaid(t)
	e := w.requestExport("owner", "a")
	w.sent("owner", "/exports/"+e.ID+"/help", url.Values{"text": {"The tasks of 2019 are missing."}}, 303)
	ref := w.brought("owner", url.Values{"method": {"original"}})
	w.credentials(day)
	w.sent("finance_clerk", "/console/finance/batches", url.Values{"method": {"original"}, "currency": {"CNY"}}, 303)
	batch := w.text(`SELECT ref FROM batch`)
	code := page.SupportCode([]byte("a secret of thirty-two characters"), w.ids["a"])
	for by, typed := range map[string][]string{
		"EX-10001":     {"EX-10001", "ex 10001", "ex10001", "10001", "ＥＸ－１０００１"},
		"HR-10001":     {"HR-10001", "hr 10001", " 10001 "},
		ref:            {ref, strings.ToLower(ref), strings.ReplaceAll(ref, "-", " "), strings.ReplaceAll(ref, "-", ""), strings.TrimPrefix(ref, "RF-"), "rf 1"},
		batch:          {batch, strings.ToLower(batch), strings.ReplaceAll(batch, "-", ""), strings.TrimPrefix(batch, "PB-"), "pb-1"},
		"Support code": {code, strings.ReplaceAll(code, " ", ""), strings.ReplaceAll(code, " ", "-")},
	} {
		for _, text := range typed {
			body := w.shows("support", "/console/support?"+url.Values{"q": {text}}.Encode(), "Farshore Design Studio", "Found by", by)
			w.hides(body, "Canary Works")
		}
	}
	for _, text := range []string{"hz20418", "20418", "HZ 20418", "#20418"} {
		w.hides(w.shows("support", "/console/support?"+url.Values{"q": {text}}.Encode(), "Farshore Design Studio"), "Canary Works", "Found by")
	}
	for _, text := range []string{"EX-99999", "RF-2025-000001", "hr10002", "000000"} {
		w.shows("support", "/console/support?"+url.Values{"q": {text}}.Encode(), "No customers found")
	}
}

// TestSupportsScreenShowsThreeContacts holds who is shown at once, and that an address that was asked for is in sight.
func TestSupportsScreenShowsThreeContacts(t *testing.T) {
	w := newWorld(t)
	w.hides(w.shows("support", screen, "Lin owner", "Lin member"), "All 2 contacts")
	w.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at)
		SELECT 'more-' || n, $1, 'more' || n || '@farshore.example', 'More ' || n, 'member', $2, $2 FROM generate_series(1, 4) n`, w.ids["a"], day)
	before, rest, _ := strings.Cut(w.shows("support", screen, "All 7 contacts", "More 4"), "All 7 contacts")
	w.hides(before, "More 4")
	if !strings.Contains(rest, "More 4") {
		t.Error("the rest is lost")
	}
	a := w.post("support", screen+"/reveal", url.Values{"contact": {"more-4"}})
	if !strings.Contains(a.body, `<details class="why" open>`) || !strings.Contains(a.body, "more4@farshore.example") {
		t.Error("the address that was asked for is out of sight")
	}
}

var markup = regexp.MustCompile(`(?s)<script.*?</script>|<[^>]*>`)

// TestSupportsWordsSpeakToTheAgent holds that the screen does not speak to the agent as if they were the customer.
func TestSupportsWordsSpeakToTheAgent(t *testing.T) {
	w := newPrepaid(t)
	w.phonePages()
	toCustomers := regexp.MustCompile(`(?i)\byou(r|rs)?\b[^.<]*`)
	for _, path := range []string{screen, "/console/support", "/console/support?q=canary"} {
		body := w.shows("support", path, "Farshore Design Studio")
		if strings.Contains(body, "⟦") {
			t.Errorf("%s shows a key", path)
		}
		for _, found := range toCustomers.FindAllString(markup.ReplaceAllString(body, " "), -1) {
			if !strings.HasPrefix(found, "Your account ") && !strings.Contains("your name you open is recorded", strings.TrimSpace(found)) {
				t.Errorf("%s says %q", path, found)
			}
		}
	}
}

func TestSearchIsPaged(t *testing.T) {
	w := newWorld(t)
	w.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at)
		SELECT 'crowd-' || n, 'C-' || n, 'Crowd ' || lpad(n::text, 3, '0'), 'standard', 'en', 'UTC', $1, $1 FROM generate_series(1, 60) n`, day)
	w.hides(w.shows("support", "/console/support?q=crowd", "Crowd 001", "Crowd 025", "page=2&amp;q=crowd"), "Crowd 026", "Previous page")
	w.hides(w.shows("support", "/console/support?page=3&q=crowd", "Crowd 051", "Crowd 060", "page=2&amp;q=crowd"), "Next page")
}

func TestSupportSeesExportsWithProblems(t *testing.T) {
	w := newWorld(t)
	w.shows("support", "/console/support", "No exports have problems.")
	e := w.requestExport("owner", "a")
	w.exec(`UPDATE export SET state = 'failed', failures = 3, cause = 'column title is gone', finished_at = $2 WHERE id = $1`, e.ID, day)
	w.exec(`UPDATE export SET requested_at = $2 WHERE id = $1`, e.ID, day.AddDate(0, 0, -3))
	w.hides(w.shows("support", "/console/support", "EX-10001", "Farshore Design Studio · HZ-20418", screen, "has no explanation here", "3 days", "Failed", e.ID+"/retry"), "column title is gone")
	if len(w.acts("export.list_troubles")) != 2 {
		t.Error("a look at the list was not recorded")
	}
	w.shows("support", screen, "Technical text", `<pre class="source">column title is gone</pre>`, "3 failed tries", "/console/support/exports/"+e.ID+"/retry")
	w.exec(`UPDATE export SET cause = 'source: dataset "tasks": schema: column "x" does not exist (SQLSTATE 42703)' WHERE id = $1`, e.ID)
	w.hides(w.shows("support", "/console/support", "Tasks: The product&#39;s database lacks a table or column", "3 failed tries · SQLSTATE 42703"), "does not exist")
	w.speak("support", "zh-CN")
	w.shows("support", "/console/support", "任务：产品的数据库中缺少计划所指定的表或列", "SQLSTATE 42703")
	w.speak("support", "en")
	if a := w.post("support", "/console/support/exports/"+e.ID+"/retry", nil); a.status != 303 || a.location != screen {
		t.Errorf("retry: %d to %s", a.status, a.location)
	}
	w.hides(w.shows("support", screen, "Queued", "Waiting for 3 days"), "/retry")
	if got := w.acts("export.retry"); len(got) != 1 || !strings.HasPrefix(got[0], "identity-support export EX-10001") {
		t.Errorf("recorded %v", got)
	}
}

func TestSupportSeesOneScreen(t *testing.T) {
	w := newWorld(t)
	w.exec(`UPDATE customer SET attributes = '{"plan": "Team yearly", "seats": "20"}' WHERE id = $1`, w.ids["a"])
	w.exec(`INSERT INTO extension (customer_id, milestone, day, reason, granted_by, granted_at) VALUES ($1, 'export_deadline', '2027-03-20', 'Long illness.', 'identity-support', $2)`, w.ids["a"], day)
	w.exec(`UPDATE identity SET name = 'Wang Lei' WHERE id = 'identity-programme_manager'`)
	w.tell("a", migration.Event{Kind: migration.DatesNoted, Actor: w.ids["owner"]})
	w.tell("a", migration.Event{Kind: migration.DatesChanged, Actor: "identity-programme_manager", Was: map[string]migration.Day{"service_end": migration.NewDay(2027, 1, 31)}, Days: map[string]migration.Day{"service_end": migration.NewDay(2027, 2, 15)}})
	body := w.shows("support", screen, "HZ-20418 · standard", "Farshore Design Studio", "Lin owner", "o***@canary.example", "Owner", "Team yearly",
		"Beijing time (UTC+8)", "119 days left", "Later for this customer. For others: 2 March 2027. Long illness.", "Granted 21 November 2026.", "In effect", "Imported from the product", "Noted the key dates", "by Lin owner",
		"Service stops: 31 January 2027 → 15 February 2027", "by Wang Lei", "by the system", "Action needed", "Not used yet", "This customer has not exported anything yet.")
	w.hides(body, "owner@canary.example", "member@canary.example", "Canary Works", "identity-programme_manager")
	if got := w.acts("customer.view"); len(got) != 1 || !strings.HasPrefix(got[0], "identity-support customer HZ-20418 customer-a") {
		t.Errorf("recorded %v", got)
	}
	w.speak("support", "zh-CN")
	w.shows("support", screen, "联系人", "已确认关键日期", "历史记录", "停止服务：2027年1月31日 → 2027年2月15日")
}

func TestSupportRevealsOneAddressAndItIsRecorded(t *testing.T) {
	w := newWorld(t)
	a := w.post("support", screen+"/reveal", url.Values{"contact": {w.ids["owner"]}})
	if a.status != 200 || !strings.Contains(a.body, "owner@canary.example") || strings.Contains(a.body, "member@canary.example") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if diff := cmp.Diff([]string{"identity-support contact contact-owner customer-a map[]"}, w.acts("contact.reveal")); diff != "" {
		t.Error("recorded (-want +got):\n" + diff)
	}
	before := w.stateSum()
	for _, contact := range []string{w.ids["other"], "", "nobody"} { // of another customer, or none
		if a := w.post("support", screen+"/reveal", url.Values{"contact": {contact}}); a.status != 404 {
			t.Errorf("%q: %d", contact, a.status)
		}
	}
	if a := w.get("support", "/console/support/customers/nobody"); a.status != 404 {
		t.Errorf("unknown customer: %d", a.status)
	}
	if w.stateSum() != before {
		t.Error("what was refused was recorded as done")
	}
}

func TestI01_ConsoleFieldsTakeAnything(t *testing.T) {
	w := newWorld(t)
	for who, path := range map[string]string{"support": "/console/support", "auditor": "/console/audit"} {
		for _, field := range map[string][]string{"support": {"q", "page"}, "auditor": {"actor", "customer", "act", "from", "to", "before"}}[who] {
			for name, value := range hostile {
				if name == "long" {
					value = value[:2000]
				}
				a := w.get(who, path+"?"+url.Values{field: {value}}.Encode())
				if a.status != 200 && a.status != 422 || strings.Contains(a.body, "<script>alert") || a.header.Get("X") != "" {
					t.Errorf("%s %s, %s: %d", path, field, name, a.status)
				}
			}
			if a := w.get(who, path+"?"+field+"=a&"+field+"=b"); a.status != 400 {
				t.Errorf("%s twice: %d", field, a.status)
			}
		}
	}
	for name, value := range hostile {
		if a := w.post("support", screen+"/reveal", url.Values{"contact": {value}}); a.status != 404 && a.status != 422 {
			t.Errorf("reveal, %s: %d", name, a.status)
		}
	}
	for _, path := range []string{"/console/programme/0", "/console/programme/-1", "/console/programme/1x", "/console/programme/01", "/console/programme/99999999999999999999", "/console/programme/7"} {
		if a := w.get("programme_manager", path); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, path := range []string{"/console/audit/0", "/console/audit/x", "/console/audit/99999999999999999999", "/console/audit/9223372036854775807", "/console/audit/99"} {
		if a := w.get("auditor", path); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func (w *world) propose(by, source string) int {
	w.Helper()
	p, err := migration.NewProgrammes(w.db).Propose(w.Context(), migration.Actor{ID: by, Kind: audit.Staff}, []byte(source))
	if err != nil {
		w.Fatal(err)
	}
	return p.Version.Number
}

func TestZ05_WhoProposedAProgrammeCannotApproveIt(t *testing.T) {
	w := newWorld(t)
	w.exec(`UPDATE customer SET tier = 'core'`) // one of the example's
	w.programme.p = nil                         // the console works before there is a programme
	w.shows("programme_manager", "/console/programme", "No programme is in effect", "offramp apply")
	w.propose("identity-programme_manager", string(examples.Hezhou))
	w.hides(w.shows("programme_manager", "/console/programme", "Waiting for approval: version 1", "You proposed this version", "/1/withdraw"), "/1/approve")
	if a := w.post("programme_manager", "/console/programme/1/approve", nil); a.status != 403 {
		t.Errorf("approved by who proposed it: %d", a.status)
	}
	w.shows("programme_manager", "/console/programme", "Waiting for approval")
	w.exec(`INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at)
		VALUES ('identity-second', 'staff', 'https://staff.example', 'second', 'Chen Li', '{programme_manager}', $1, $1)`, day)
	w.session("second", "")
	w.confirmed("second", day.AddDate(5, 0, 0))
	w.shows("second", "/console/programme", "/1/approve", "This is the first version", "Service stops: 31 January 2027", "milestones[service_end].effect", "Quiet hours begin")
	if a := w.post("second", "/console/programme/1/approve", nil); a.status != 303 || a.location != "/console/programme" {
		t.Errorf("approved by another: %d to %s", a.status, a.location)
	}
	if a := w.post("second", "/console/programme/1/approve", nil); a.status != 409 {
		t.Errorf("approved twice: %d", a.status)
	}
	w.shows("programme_manager", "/console/programme", "In effect: version 1", "2026-11-21 02:24, Chen Li")
}

// TestZ05_AVersionFromTheCommandLineTakesTwoInTheConsole proposes as the command does, under the name of somebody who signs in.
func TestZ05_AVersionFromTheCommandLineTakesTwoInTheConsole(t *testing.T) {
	w := newWorld(t)
	w.exec(`UPDATE customer SET tier = 'core'`)
	w.programme.p = nil
	command := migration.NewProgrammes(w.super.Work(t, db.Options{Clock: w.clock}))
	if _, err := command.Propose(t.Context(), migration.Actor{ID: "identity-programme_manager", Kind: audit.Operator}, examples.Hezhou); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"second", "third"} {
		w.exec(`INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at)
			VALUES ('identity-' || $1, 'staff', 'https://staff.example', $1, $1, '{programme_manager}', $2, $2)`, name, day)
		w.session(name, "")
		w.confirmed(name, day.AddDate(5, 0, 0))
	}
	state := func() string {
		return w.text(`SELECT state || ' ' || origin || ' ' || coalesce(first_approved_by, '-') || ' ' || coalesce(approved_by, '-') FROM programme_version`)
	}
	// The name at the command line is that of somebody who signs in: it is nobody's proof, and it does not approve.
	if a := w.post("programme_manager", "/console/programme/1/approve", nil); a.status != 403 {
		t.Errorf("by the name that proposed: %d", a.status)
	}
	if a := w.post("second", "/console/programme/1/approve", nil); a.status != 303 || state() != "proposed command identity-second -" {
		t.Errorf("by one: %d, %s", a.status, state())
	}
	if a := w.post("second", "/console/programme/1/approve", nil); a.status != 403 || state() != "proposed command identity-second -" {
		t.Errorf("by the same one twice: %d, %s", a.status, state())
	}
	if a := w.post("third", "/console/programme/1/approve", nil); a.status != 303 || state() != "active command identity-second identity-third" {
		t.Errorf("by another: %d, %s", a.status, state())
	}
}

func TestManagerSeesWhatAVersionChanges(t *testing.T) {
	w := newWorld(t)
	w.exec(`UPDATE customer SET tier = 'core'`)
	programmes := migration.NewProgrammes(w.db)
	w.propose("operator", string(examples.Hezhou))
	if err := programmes.Approve(t.Context(), migration.Actor{ID: "second", Kind: audit.Operator}, 1); err != nil {
		t.Fatal(err)
	}
	p, err := programmes.Active(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end, _ := p.Milestone(migration.ServiceEnd)
	later := end.Day.AddDays(7)
	w.exec(`INSERT INTO notice_message (id, customer_id, notice, stage, due_day, due_at, hash, state, next_at, planned_at)
		VALUES ('m', $1, 'announcement', 0, '2026-08-31', now(), '', 'sent', now(), now())`, w.ids["a"])
	w.exec(`INSERT INTO notice_delivery (message_id, customer_id, contact_id, channel, mail_id, state, days, started_at)
		SELECT 'm', customer_id, id, 'email', 'x', 'accepted', jsonb_build_object('service_end', $2::text), now() FROM contact
		 WHERE customer_id = $1 LIMIT 1`, w.ids["a"], end.Day.String())
	w.propose("operator", strings.Replace(string(examples.Hezhou), end.Day.String(), later.String(), 1))
	w.shows("programme_manager", "/console/programme", "1 customer was told an old date.", "Who was told an old date",
		inWords(p, end.Day)+" → "+inWords(p, later)+"</td>")
	w.shows("programme_manager", "/console/programme", "Waiting for approval: version 2", "Compared with version 1.",
		inWords(p, end.Day)+" → "+inWords(p, later)+" (7 days later): 2 customers must be told", "Dates that change", "Customers whose own dates change", ">2<", "operator", "/2/approve", "/2/withdraw")
	w.shows("programme_manager", "/console/programme/2", "Version 2", inWords(p, later))
	w.speak("programme_manager", "zh-CN")
	w.shows("programme_manager", "/console/programme", "待批准：版本2", "变动的日期", "自身日期受影响的客户", "批准此版本")
	a := w.get("programme_manager", "/console/programme/1/source")
	if a.body != string(examples.Hezhou) || a.header.Get("Content-Disposition") != `attachment; filename="programme-v1.yaml"` {
		t.Errorf("%d %s", a.status, a.header.Get("Content-Disposition"))
	}
	if a := w.post("programme_manager", "/console/programme/2/withdraw", nil); a.status != 303 {
		t.Errorf("withdraw: %d", a.status)
	}
	w.hides(w.shows("programme_manager", "/console/programme", "已撤回", "生效中"), "/2/approve")
	if got := w.acts("programme.withdraw"); len(got) != 1 || !strings.HasPrefix(got[0], "identity-programme_manager") {
		t.Errorf("recorded %v", got)
	}
}

func inWords(p *migration.Programme, d migration.Day) string {
	return locale.For("en").Date(d.Start(p.Zone), p.Zone)
}

// TestAnEarlierDateNeedsAReasonAndALongChangeIsSeenWhole approves a version that takes time from customers and hides a condition.
func TestAnEarlierDateNeedsAReasonAndALongChangeIsSeenWhole(t *testing.T) {
	w := newWorld(t)
	programmes := migration.NewProgrammes(w.db)
	w.propose("operator", string(examples.Hezhou))
	if err := programmes.Approve(t.Context(), migration.Actor{ID: "second", Kind: audit.Operator}, 1); err != nil {
		t.Fatal(err)
	}
	p, err := programmes.Active(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end, _ := p.Milestone(migration.ExportDeadline)
	file := strings.Replace(string(examples.Hezhou), end.Day.String(), end.Day.AddDays(-3).String(), 1)
	w.propose("operator", strings.Replace(file, "= :customer_id", "= :customer_id OR true", 1))
	w.shows("programme_manager", "/console/programme", "1 date becomes earlier", "(3 days earlier)", "Why do dates become earlier?", "Added:", "OR true", "Query")
	a := w.post("programme_manager", "/console/programme/2/approve", url.Values{"reason": {" "}})
	if a.status != 422 || !strings.Contains(a.body, "Say why dates become earlier. Customers get less time") {
		t.Errorf("without a reason: %d", a.status)
	}
	if a := w.post("programme_manager", "/console/programme/2/approve", url.Values{"reason": {"The data centre closes."}}); a.status != 303 {
		t.Errorf("with a reason: %d", a.status)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE act = 'programme.approve' AND detail->>'reason' = 'The data centre closes.'`); n != 1 {
		t.Errorf("%d entries with the reason", n)
	}
}

func TestAuditorReadsTheLog(t *testing.T) {
	w := newWorld(t)
	w.requestExport("owner", "a")
	w.requestExport("other", "b")
	w.shows("auditor", "/console/audit", "Requested an export", "export EX-10001", "Lin owner (customer)", "Beijing time (UTC+8)")
	for query, c := range map[string]struct{ shows, hides string }{
		"actor=Lin+owner":               {"EX-10001", "EX-10002"},
		"actor=OTHER@canary.example":    {"EX-10002", "EX-10001"},
		"actor=contact-other":           {"EX-10002", "EX-10001"},
		"customer=hz-7":                 {"EX-10002", "EX-10001"},
		"act=audit.":                    {"Viewed the audit log", "Requested an export"},
		"from=2026-11-21&to=2026-11-21": {"EX-10001", "No entries match"},
		"from=2026-11-22":               {"No entries match.", "EX-10001"},
		"to=2026-11-20":                 {"No entries match.", "EX-10001"},
		"actor=nobody+at+all":           {"No entries match.", "EX-10001"},
		"act=export.&customer=HZ-20418": {"EX-10001", "EX-10002"},
		"object=ex-10002":               {"EX-10002", "EX-10001"},
		"act=requested+an+export":       {"EX-10001", "Viewed the audit log"},
		"before=1":                      {"No entries match.", "EX-10001"},
	} {
		w.hides(w.shows("auditor", "/console/audit?"+query, c.shows), c.hides)
	}
	w.exec(`UPDATE contact SET name = 'Lin owner' WHERE id = $1`, w.ids["other"])
	for query, text := range map[string]string{
		"customer=HZ-0": "No customer has this number", "from=2026-02-30": `<a href="#from">From: Enter the date like 2027-01-31`, "to=x": `<a href="#to">Up to and including: Enter the date`, "actor=Lin+owner": "Several people have this name",
	} {
		if a := w.get("auditor", "/console/audit?"+query); a.status != 422 || !strings.Contains(a.body, text) || !strings.Contains(a.body, "<title>Error: ") {
			t.Errorf("%s: %d\n%s", query, a.status, a.body)
		}
	}
	w.shows("auditor", "/console/audit/1", "Entry 1", "export.request", "contact-owner", "2026-11-21T02:24:00.000000Z", "&#34;formats&#34;")
	if got := w.acts("audit.view"); len(got) != 1 || !strings.Contains(got[0], "audit entry 1") {
		t.Errorf("recorded %v", got)
	}
	w.speak("auditor", "zh-CN")
	w.shows("auditor", "/console/audit", "审计日志", "Lin owner（客户）")
}

func TestTheLogIsPaged(t *testing.T) {
	w := newWorld(t)
	w.tx(func(tx *db.Tx) error {
		for range 60 {
			if err := audit.Record(t.Context(), tx, audit.Entry{Actor: "worker", ActorKind: audit.System, Act: "test.act", Object: "thing"}); err != nil {
				return err
			}
		}
		return nil
	})
	body := w.shows("auditor", "/console/audit?act=test.", ">60<", ">11<", `href="/console/audit?act=test.&amp;before=11"`)
	w.hides(body, ">10<", "Newest entries")
	w.hides(w.shows("auditor", "/console/audit?act=test.&before=11", ">10<", ">1<", "Newest entries"), "Next page")
}

func TestL02_AuditorChecksTheChain(t *testing.T) {
	w := newWorld(t)
	w.requestExport("owner", "a")
	w.requestExport("other", "b")
	check := func(texts ...string) {
		t.Helper()
		a := w.post("auditor", "/console/audit/check", nil)
		for _, text := range texts {
			if a.status != 200 || !strings.Contains(a.body, text) {
				t.Errorf("%d lacks %q:\n%s", a.status, text, a.body)
			}
		}
	}
	check("The chain is whole", "Entries checked", "Keep a copy of the head somewhere else")
	if got := w.acts("audit.verify"); len(got) != 1 || !strings.Contains(got[0], "whole:true") {
		t.Errorf("recorded %v", got)
	}
	if _, err := w.super.Super(t).Exec(t.Context(), `UPDATE audit SET object = 'export EX-9' WHERE seq = 2`); err != nil {
		t.Fatal(err)
	}
	check("The chain breaks at entry 2", "is not what was written", `href="/console/audit/2"`)
	w.speak("auditor", "zh-CN")
	check("链条在记录2处断裂")
}

// TestL02_TheConsoleFindsWhatASuperuserMakesAnew holds the log against heads that lie in a real bucket.
func TestL02_TheConsoleFindsWhatASuperuserMakesAnew(t *testing.T) {
	w := newWorld(t)
	w.exec(`UPDATE installation SET demonstration = false`)
	w.requestExport("owner", "a")
	w.requestExport("other", "b")
	check := func(texts ...string) {
		t.Helper()
		a := w.post("auditor", "/console/audit/check", nil)
		for _, text := range texts {
			if a.status != 200 || !strings.Contains(a.body, text) {
				t.Errorf("%d lacks %q:\n%s", a.status, text, a.body)
			}
		}
	}
	check("The chain is whole")
	check("The log is complete since head ", "which was signed and kept outside the database", "the first is entry 1") // the tests' clock is not the database's
	super := w.super.Super(t)
	for what, sql := range map[string]string{
		"edited": `UPDATE audit SET actor = 'someone' WHERE seq = 2`, "cut": `DELETE FROM audit WHERE seq > 2`,
	} {
		for _, sql := range []string{sql, `DO $$ DECLARE r audit; p bytea := decode(repeat('00', 32), 'hex'); n bigint := 0; BEGIN
			FOR r IN SELECT * FROM audit ORDER BY seq LOOP
				r.prev_hash := p; p := audit_digest(r); n := r.seq;
				UPDATE audit SET prev_hash = r.prev_hash, hash = p WHERE seq = r.seq;
			END LOOP;
			UPDATE audit_head SET seq = n, hash = p;
		END $$`} {
			if _, err := super.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
		t.Log(what)
		check("The chain breaks at entry ")
	}
}

// TestWhoCannotBeWrittenToReadsSoAndGivesAnAddress signs in as a contact without an address.
func TestWhoCannotBeWrittenToReadsSoAndGivesAnAddress(t *testing.T) {
	w := newWorld(t)
	w.hides(w.shows("member", "/plan", "Your plan"), "We cannot email you")
	w.exec(`UPDATE contact SET email = id || '@unlinked.invalid' WHERE id = $1`, w.ids["member"])
	for _, path := range []string{"/plan", "/exports", "/help"} {
		w.shows("member", path, "We cannot email you: we have no address for you", `href="/account#mail"`)
	}
	w.shows("member", "/account", "We have no address for you")
	if a := w.post("member", "/account/mail", url.Values{"address": {"nobody"}}); a.status != 422 || !strings.Contains(a.body, "such as name@example.com") || !strings.Contains(a.body, `value="nobody"`) {
		t.Errorf("a bad address: %d", a.status)
	}
	if a := w.post("member", "/account/mail", url.Values{"address": {"lin@farshore.example"}}); a.status != 303 {
		t.Errorf("an address: %d", a.status)
	}
	w.shows("member", "/account/mail/abc", "Confirm your email address")
	if a := w.post("member", "/account/mail/abc", nil); a.status != 410 {
		t.Errorf("a link that nobody sent: %d", a.status)
	}
	w.shows("support", "/console/support/customers/"+w.ids["a"], "No address, so gets no email", "Two contacts are one person")
	if a := w.post("support", "/console/support/customers/"+w.ids["a"]+"/join", url.Values{"from": {w.ids["member"]}, "into": {w.ids["owner"]}}); a.status != 303 {
		t.Errorf("joined: %d", a.status)
	}
	w.shows("auditor", "/console/audit?act=contact.join", "Joined two contacts")
}

// manager is one more programme manager.
func (w *world) manager(who string) {
	w.Helper()
	w.staff(who)
	w.exec(`UPDATE identity SET roles = '{programme_manager}' WHERE id = $1`, "identity-"+who)
}

func TestA08_WhoIsDisabledIsOutAtTheNextRequest(t *testing.T) {
	w := newWorld(t)
	const me = "programme_manager"
	person := "/console/people/customer/" + w.ids["member"]
	w.hides(w.shows(me, "/console/people?q=hz-20418", "Lin member", "Member of Farshore Design Studio · HZ-20418", person), "member@canary.example")
	w.hides(w.shows(me, person, "m***@canary.example", "Enabled", "End all sessions", "download scripts"), "member@canary.example")
	w.shows("member", "/plan")
	w.sent(me, person+"/end-sessions", nil, 303)
	if a := w.get("member", "/plan"); a.status != 303 || !strings.HasPrefix(a.location, "/sign-in") {
		t.Errorf("after the sessions ended: %d to %s", a.status, a.location)
	}
	if a := w.sent(me, person+"/disable", url.Values{"reason": {"  "}}, 422); !strings.Contains(a.body, "Enter a reason") {
		t.Error(a.body)
	}
	w.sent(me, person+"/disable", url.Values{"reason": {"Has left <b>the</b> company"}}, 303)
	w.hides(w.shows(me, person, "Disabled", "Has left &lt;b&gt;the&lt;/b&gt; company", "Enable access"), "End all sessions")
	w.sent(me, person+"/disable", url.Values{"reason": {"Again"}}, 409)
	if a := w.get(me, "/console/people/customer/nobody"); a.status != 404 {
		t.Errorf("nobody: %d", a.status)
	}
	if a := w.get(me, "/console/people/strangers/"+w.ids["member"]); a.status != 404 {
		t.Errorf("another kind: %d", a.status)
	}
	w.speak(me, "zh-CN")
	w.shows(me, person, "已停用", "启用访问权限", "变更记录")
}

func TestZ05_ASecondManagerConfirmsThatStaffAreDisabled(t *testing.T) {
	w := newWorld(t)
	w.manager("second")
	const me, clerk = "programme_manager", "/console/people/staff/identity-finance_clerk"
	w.shows("finance_clerk", "/console/finance/refunds")
	w.sent(me, "/console/people/staff/identity-"+me+"/disable", url.Values{"reason": {"x"}}, 403)
	w.sent(me, clerk+"/disable", url.Values{"reason": {"On leave"}}, 303)
	w.shows("finance_clerk", "/console/finance/refunds") // not yet
	w.hides(w.shows(me, clerk, "Another programme manager has to confirm this", "Withdraw"), "/confirm\"")
	body := w.shows("second", "/console/people", "Waiting for a second programme manager", "On leave", clerk)
	w.hides(body, "Propose to disable")
	confirm := w.found(regexp.MustCompile(`action="(/console/people/changes/[^"]+)/confirm"`), w.shows("second", clerk))
	w.sent(me, confirm+"/confirm", nil, 403)
	w.confirmed("second", w.clock.Now().Add(-time.Hour))
	w.sent("second", confirm+"/confirm", nil, 403) // credentials are too old
	w.confirmed("second", w.clock.Now())
	w.sent("second", confirm+"/confirm", nil, 303)
	if a := w.get("finance_clerk", "/console/finance/refunds"); a.status != 303 || !strings.HasPrefix(a.location, "/staff/sign-in") {
		t.Errorf("a disabled clerk: %d to %s", a.status, a.location)
	}
	w.sent("second", confirm+"/confirm", nil, 409)
	w.hides(w.shows(me, "/console/people", "Disabled"), "On leave")
	for _, act := range []string{"person.propose_disable", "person.disable"} {
		if got := w.acts(act); len(got) != 1 || !strings.Contains(got[0], "identity identity-finance_clerk") {
			t.Errorf("%s is recorded as %v", act, got)
		}
	}
}
