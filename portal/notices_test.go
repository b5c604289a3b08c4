package portal_test

import (
	"context"
	"fmt"
	"html"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/mail"
	"offramp/migration"
	told "offramp/migration/notice"
	"offramp/migration/notice/briefing"
	"offramp/migration/notice/click"
	"offramp/portal/page"
)

func (w *world) notices(kit *page.Kit) *told.Service {
	return told.NewService(w.web, kit.Programmes, "https://moving.example", reportSeals)
}

// taken is a mail server that takes everything.
type taken struct{}

func (taken) Hand(context.Context, mail.Envelope) mail.Result {
	return mail.Result{State: mail.Accepted}
}

// notify gives the programme notices, and a version that they are sent under.
func (w *world) notify() {
	w.Helper()
	w.plans()
	w.exec(`INSERT INTO programme_version (version, state, source, digest, proposed_by, proposed_at) VALUES (1, 'proposed', 'x', 'x', 'somebody', now())`)
}

// plans gives the programme notices: the announcement, a talk with key customers and a reminder.
func (w *world) plans() {
	w.Helper()
	p := *w.programme.p
	p.Tiers = []migration.Tier{{Key: "standard", Name: both("Standard customers", "普通客户")}, {Key: "core", Name: both("Key customers", "核心客户"), Core: true}}
	words := migration.Words{
		Title: both("{product} closes on {date:service_end}", "{product}将于{date:service_end}停止服务"), Opening: both("{thanks} {reason}", "{thanks}{reason}"),
		Next: both("Open [your plan]({link:plan}).", "请打开[您的计划]({link:plan})。"), Script: both("Say *thank you* to {contact}.", "感谢{contact}。"),
	}
	p.Notices = migration.NoticePlan{
		Hour: 9, QuietFrom: 20, QuietTo: 8, WaitDays: 3, Rate: 600, PauseAbove: 10, CallOwner: "the account team",
		List: []migration.Notice{
			{Key: "announcement", Kind: migration.NoticePublic, On: migration.Trigger{Milestone: migration.Announcement, Days: []int{0}}, Channels: []string{"email", "call"}, Words: []migration.Words{words}},
			{Key: "export", Kind: migration.NoticeReminder, Step: "export", On: migration.Trigger{Milestone: migration.ExportDeadline, Days: []int{-30, -7, 0}}, Channels: []string{"email"}, Words: []migration.Words{words}},
		},
	}
	w.programme.p = &p
}

// tellAll approves everything and sends what is due.
func (w *world) tellAll() {
	w.Helper()
	for _, n := range w.programme.p.Notices.List {
		_, hash := told.ContentOf(w.programme.p, n)
		w.sent("programme_manager", "/console/notices/"+n.Key+"/approve", url.Values{"hash": {hash}}, 303)
	}
	sender := &told.Sender{Service: told.NewService(w.db, w.programme, "https://moving.example", reportSeals), Post: taken{}, Logger: slog.New(slog.DiscardHandler)}
	if err := sender.Sweep(w.Context()); err != nil {
		w.Fatal(err)
	}
}

func TestTheManagerApprovesWhatCustomersAreTold(t *testing.T) {
	w := newWorld(t)
	w.shows("programme_manager", "/console/notices", "This programme has no notices")
	w.notify()
	w.shows("programme_manager", "/console/notices", "Waiting for approval", "Hezhou Teamwork closes on 31 January 2027")
	w.shows("programme_manager", "/console/notices/announcement", "Approve these words", "31 August 2026 (+0)", "All customers")
	if a := w.post("programme_manager", "/console/notices/announcement/approve", url.Values{"hash": {"0"}}); a.status != 409 {
		t.Errorf("an approval of what nobody saw: %d", a.status)
	}
	if a := w.get("programme_manager", "/console/notices/none"); a.status != 404 {
		t.Errorf("no such notice: %d", a.status)
	}
	if a := w.get("programme_manager", "/console/notices/announcement?customer=HZ-0"); a.status != 422 || !strings.Contains(a.body, "No customer has this number.") {
		t.Errorf("no such customer: %d", a.status)
	}
	ref := w.text(`SELECT ref FROM customer WHERE id = $1`, w.ids["a"])
	w.shows("programme_manager", "/console/notices/announcement?locale=en&customer="+ref, "Hezhou Teamwork closes on 31 January 2027", "Service stops: 31 January 2027")
	w.shows("programme_manager", "/console/notices/announcement?locale=zh-CN&customer="+ref, "禾舟协作将于2027年1月31日停止服务")
	w.tellAll()
	w.shows("programme_manager", "/console/notices", "Sending")
	w.shows("programme_manager", "/console/notices/announcement", "Approved by", "By channel, tier and language", `/console/notices/announcement/messages?group=planned`, "channel=email")
	w.shows("programme_manager", "/console/notices/announcement/messages?group=accepted&channel=email", "Accepted by the email server", ref, "Download as CSV", ">Reached<")
	w.hides(w.shows("programme_manager", "/console/notices/announcement/messages?group=bounced", "No message is in this state."), ref+"<")
	if a := w.get("programme_manager", "/console/notices/announcement/messages.csv?group=sent"); a.status != 200 || !strings.HasPrefix(a.body, "\ufeffCustomer,") || !strings.Contains(a.body, ref) {
		t.Errorf("the file: %d %q", a.status, a.body)
	}
	if a := w.get("programme_manager", "/console/notices/announcement/messages?group=all"); a.status != 404 {
		t.Errorf("a group that does not exist: %d", a.status)
	}
	if a := w.post("programme_manager", "/console/notices/announcement/pause", url.Values{"reason": {" "}}); a.status != 422 {
		t.Errorf("a pause without a reason: %d", a.status)
	}
	w.sent("programme_manager", "/console/notices/announcement/pause", url.Values{"reason": {"typo"}}, 303)
	w.shows("programme_manager", "/console/notices", "Paused")
	w.sent("programme_manager", "/console/notices/announcement/resume", nil, 303)
	if a := w.get("programme_manager", "/console/notices/day?day=tomorrow"); a.status != 422 || !strings.Contains(a.body, "Enter the date like 2027-01-31") {
		t.Errorf("a bad day: %d", a.status)
	}
	w.shows("programme_manager", "/console/notices/day?day=2027-01-31", "Sun, 31 January 2027", ref)
	w.shows("programme_manager", "/console/notices/day?day=2027-01-30", "Nothing is due on this day")
}

func TestTheCustomerReadsEverythingAgain(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.shows("owner", "/inbox", "You have no messages yet", "You cannot turn these emails off.")
	w.tellAll()
	body := w.shows("owner", "/inbox", "Hezhou Teamwork closes on 31 January 2027", "Sent to your email address")
	w.hides(body, "This message says")
	p := *w.programme.p
	p.Milestones = append([]migration.Milestone(nil), p.Milestones...)
	p.Milestones[3].Day = migration.NewDay(2027, 2, 14)
	w.programme.p = &p
	w.shows("owner", "/inbox", "This message says 31 January 2027 for “Service stops”. The date is now 14 February 2027.")
	w.sent("owner", "/inbox/preferences", nil, 303)
	if got := w.text(`SELECT optional::text FROM notice_preference`); got != "false" {
		t.Errorf("optional: %s", got)
	}
	w.sent("owner", "/inbox/preferences", url.Values{"optional": {"yes"}}, 303)
	w.shows("owner", "/plan", `href="/inbox"`)
}

// The plan speaks of the last message for two weeks, to whom it was sent and to nobody else.
func TestThePlanSpeaksOfTheLastMessage(t *testing.T) {
	w := newWorld(t)
	w.notify()
	const told = "We sent you a message on "
	w.hides(w.shows("owner", "/plan", `href="/inbox"`), told)
	w.tellAll()
	w.shows("owner", "/plan", told, "Hezhou Teamwork closes on 31 January 2027", "Read your messages")
	w.hides(w.shows("other", "/plan", `href="/inbox"`), told) // it is night there
	w.hides(w.shows("member", "/plan", `href="/inbox"`), told)
	w.at(day.AddDate(0, 0, 13))
	w.shows("owner", "/plan", told)
	w.at(day.AddDate(0, 0, 15))
	w.hides(w.shows("owner", "/plan", `href="/inbox"`), told)
}

func TestPeopleGiveConfirmAndRemoveTheirOwnNumber(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.shows("member", "/inbox", "Get text messages")
	w.shows("member", "/inbox/phone", "Give your phone number", "may text me about the closure of")
	for sent, want := range map[string]string{
		"0151 12345678": "Start the number with its country code", "": "Enter a phone number", "+49 15": "Enter a phone number", "+49 1511 <b>": "Enter a phone number",
	} {
		a := w.post("member", "/inbox/phone", url.Values{"phone": {sent}, "sms": {"yes"}})
		if a.status != 422 || !strings.Contains(a.body, want) || !strings.Contains(a.body, `value="`+html.EscapeString(sent)+`"`) || !strings.Contains(a.body, " checked") {
			t.Errorf("%q: %d, want %q beside what was sent", sent, a.status, want)
		}
	}
	code := func(id string) string {
		sum, got := w.text(`SELECT hash FROM phone_code WHERE contact_id = $1 ORDER BY tries LIMIT 1`, id), w.text(`SELECT code FROM phone_code WHERE contact_id = $1 ORDER BY tries LIMIT 1`, id)
		if len(got) != 6 || strings.Contains(sum, got) && len(sum) != 64 {
			t.Fatalf("code %q, kept as %s", got, sum)
		}
		return got
	}
	state := func() string {
		return w.text(`SELECT concat_ws(' ', number, origin, consent_at IS NOT NULL, withdrawn_at IS NOT NULL, (SELECT string_agg(act || ' ' || way || ' ' || words, '; ' ORDER BY id) FROM sms_consent))
			FROM contact_phone WHERE contact_id = $1`, w.ids["member"])
	}
	// Another person of the customer cannot use the code, and five wrong tries spend it.
	w.sent("member", "/inbox/phone", url.Values{"phone": {"+49 1511 2345678"}, "sms": {"yes"}}, 303)
	w.shows("member", "/inbox/phone", "Enter the code", "+49 1511 2345678")
	if a := w.post("owner", "/inbox/phone/confirm", url.Values{"code": {code(w.ids["member"])}}); a.status != 422 || !strings.Contains(a.body, "no longer works") {
		t.Errorf("the owner entered the member's code: %d", a.status)
	}
	wrong := "000000"
	if code(w.ids["member"]) == wrong {
		wrong = "111111"
	}
	for try := range 6 {
		a := w.post("member", "/inbox/phone/confirm", url.Values{"code": {wrong}})
		if want := []string{"This is not the code", "no longer works"}[try/5]; a.status != 422 || !strings.Contains(a.body, want) {
			t.Errorf("wrong code, try %d: %d, want %q", try+1, a.status, want)
		}
	}
	if a := w.post("member", "/inbox/phone/confirm", url.Values{"code": {code(w.ids["member"])}}); a.status != 422 {
		t.Errorf("the right code after five wrong ones: %d", a.status)
	}
	w.sent("member", "/inbox/phone", url.Values{"phone": {"0049 1511 2345678"}, "sms": {"yes"}}, 303)
	right := code(w.ids["member"])
	w.sent("member", "/inbox/phone/confirm", url.Values{"code": {right[:3] + " " + right[3:]}}, 303)
	if got := state(); !strings.HasPrefix(got, "+4915112345678 person t f given person ") || !strings.Contains(got, "may text me about the closure of Hezhou Teamwork") {
		t.Errorf("after the code: %s", got)
	}
	w.shows("member", "/inbox/phone", "You agreed on", "Stop text messages")
	w.shows("member", "/inbox", "Change or stop texts to +49 1511 2345678")
	w.sent("member", "/inbox/phone/consent", url.Values{"agree": {"no"}}, 303)
	w.sent("member", "/inbox/phone/consent", url.Values{"agree": {"no"}}, 303)
	w.shows("member", "/inbox/phone", "You stopped them on")
	w.sent("member", "/inbox/phone/consent", url.Values{"agree": {"yes"}}, 303)
	if got := state(); strings.Count(got, "given") != 2 || strings.Count(got, "withdrawn") != 1 {
		t.Errorf("kept of the consent: %s", got)
	}
	// A fourth code within the hour is one too many.
	w.sent("member", "/inbox/phone", url.Values{"phone": {"+86 138 0013 8000"}}, 303)
	if a := w.post("member", "/inbox/phone", url.Values{"phone": {"+86 138 0013 8000"}}); a.status != 429 || !strings.Contains(a.body, "Too many codes") {
		t.Errorf("a fourth code: %d", a.status)
	}
	w.sent("member", "/inbox/phone/remove", nil, 303)
	if got := state(); !strings.HasPrefix(got, " person f f ") || strings.Count(got, "withdrawn") != 2 {
		t.Errorf("after it was removed: %s", got)
	}
	for path, form := range map[string]url.Values{"consent": {"agree": {"yes"}}, "remove": nil} {
		if a := w.post("member", "/inbox/phone/"+path, form); a.status != 409 {
			t.Errorf("%s without a number: %d", path, a.status)
		}
	}
}

func TestPeopleDecideWhoGetsWhat(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.shows("owner", "/inbox", "Choose who gets what", "Change the language of your messages")
	w.hides(w.shows("owner", "/inbox/people", "Lin owner", "Lin member", "The person who asks for an export always gets the emails"), "Lin disabled")
	w.hides(w.shows("member", "/inbox/people", "Lin member"), "Lin owner<")
	a := w.post("owner", "/inbox/people", url.Values{"exports": {w.ids["member"]}})
	if a.status != 422 || !strings.Contains(a.body, `id="dates-error"`) || !strings.Contains(a.body, "Choose at least one person with an email address") ||
		!regexp.MustCompile(`name="exports"[^>]*value="`+w.ids["member"]+`" checked`).MatchString(a.body) {
		t.Errorf("nobody is told the dates: %d", a.status)
	}
	for name, gets := range map[string]url.Values{
		"another customer's": {"dates": {w.ids["owner"], w.ids["other"]}}, "a disabled one": {"dates": {w.ids["owner"], w.ids["disabled"]}},
	} {
		if a := w.post("owner", "/inbox/people", gets); a.status != 404 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if a := w.post("member", "/inbox/people", url.Values{"dates": {w.ids["owner"]}}); a.status != 404 {
		t.Errorf("a member decided about an owner: %d", a.status)
	}
	w.sent("owner", "/inbox/people", url.Values{"dates": {w.ids["member"]}, "money": {w.ids["owner"], w.ids["member"]}}, 303)
	state := w.text(`SELECT string_agg(concat_ws(' ', contact_id, topic, wants, changed_by), '; ' ORDER BY contact_id, topic) FROM reader_topic`)
	if want := "contact-member dates t contact-owner; contact-member money t contact-owner; contact-owner dates f contact-owner; contact-owner money t contact-owner"; state != want {
		t.Errorf("stored: %s", state)
	}
	if a := w.post("member", "/inbox/people", nil); a.status != 422 {
		t.Errorf("the last one who is told the dates left: %d", a.status)
	}
}

func TestN13_TheGatewaysEventsAreTakenByTheirSignatureAlone(t *testing.T) {
	w := newWorld(t)
	w.exec(`INSERT INTO contact_phone (contact_id, customer_id, number, origin, consent_at, changed_at) VALUES ($1, $2, '+4915112345678', 'person', $3, $3)`,
		w.ids["owner"], w.ids["a"], day)
	stopped := func() string {
		return w.text(`SELECT (withdrawn_at IS NOT NULL)::text FROM contact_phone`)
	}
	event := `{"events": [{"type": "answered", "number": "+49 1511 2345678", "text": "%s"}]}`
	for _, c := range []struct {
		name, body string
		change     func(*http.Request)
		want       int
		stopped    string
	}{
		{"unsigned", fmt.Sprintf(event, "STOP"), func(r *http.Request) { r.Header.Del("webhook-signature") }, 401, "false"},
		{"no event", `{"events": []}`, nil, 400, "false"},
		{"no type", `{"events": [{"type": "read", "reference": "x"}]}`, nil, 400, "false"},
		{"nothing named", `{"events": [{"type": "delivered"}]}`, nil, 400, "false"},
		{"unknown field", `{"events": [{"type": "delivered", "reference": "x", "price": "1"}]}`, nil, 400, "false"},
		{"no number", `{"events": [{"type": "answered", "number": "151", "text": "STOP"}]}`, nil, 400, "false"},
		{"an id that is not known yet", `{"events": [{"type": "delivered", "id": "SM1"}]}`, nil, 409, "false"},
		{"a reference of nobody's", `{"events": [{"type": "delivered", "reference": "x"}]}`, nil, 204, "false"},
		{"another answer", fmt.Sprintf(event, "please do not stop"), nil, 204, "false"},
		{"stop", fmt.Sprintf(event, "退订"), nil, 204, "true"},
	} {
		change := c.change
		if change == nil {
			change = func(*http.Request) {}
		}
		if status, _ := w.hook("/hooks/sms", "msg_"+c.name, c.body, change); status != c.want || stopped() != c.stopped {
			t.Errorf("%s: %d, stopped %s; want %d, %s", c.name, status, stopped(), c.want, c.stopped)
		}
	}
}

// RFC 8058: the mail provider posts for the reader, without cookies; following the link changes nothing.
func TestN11_OneClickDeclinesOptionalEmailsAndALookDoesNot(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.tellAll()
	id := w.text(`SELECT mail_id FROM notice_delivery WHERE customer_id = $1 LIMIT 1`, w.ids["a"])
	wants := func() string {
		return w.text(`SELECT coalesce(string_agg(p.optional::text, ' '), 'as before') FROM notice_preference p JOIN notice_delivery d USING (contact_id) WHERE d.mail_id = $1`, id)
	}
	place := "/unsubscribe/" + reportSeals.LeaveToken(id)
	w.shows("nobody", place, "Stop tips and offers?", "still email you", `action="`+place+`"`)
	if a := w.do("nobody", "HEAD", place, "", nil); a.status != 200 || wants() != "as before" {
		t.Errorf("a look: %d, %s", a.status, wants())
	}
	for _, other := range []string{"/unsubscribe/" + reportSeals.Token(id), "/unsubscribe/" + id, "/unsubscribe/x", place + "a"} {
		get, post := w.get("nobody", other), w.post("nobody", other, url.Values{"List-Unsubscribe": {"One-Click"}})
		if get.status != 404 || post.status != 404 || wants() != "as before" {
			t.Errorf("%s: %d, %d, %s", other, get.status, post.status, wants())
		}
	}
	if a := w.post("nobody", place, nil); a.status != 200 || wants() != "as before" {
		t.Errorf("an empty post: %d, %s", a.status, wants())
	}
	for range 2 { // providers try again
		a := w.post("nobody", place, url.Values{"List-Unsubscribe": {"One-Click"}})
		if a.status != 200 || !strings.Contains(a.body, "You will get no more tips and offers") || wants() != "false" {
			t.Errorf("one click: %d, %s", a.status, wants())
		}
	}
}

func TestSupportRingsWhomNobodyReached(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.shows("support", "/console/calls", "You have no calls to make")
	w.tellAll()
	w.exec(`UPDATE notice_message SET sent_at = sent_at - interval '4 days'`)
	w.exec(`UPDATE identity SET signed_in_at = '2026-01-01'`) // before the notice was due
	w.tellAgain()
	body := w.shows("support", "/console/calls", "Due 24 November 2026", "Nobody yet. Calls are made by: the account team", "Say <em>thank you</em> to", "How the call ended")
	id := w.text(`SELECT id FROM notice_call ORDER BY id LIMIT 1`)
	if !strings.Contains(body, "/console/calls/"+id) {
		t.Error("the call has no form")
	}
	w.sent("support", "/console/calls/"+id+"/take", nil, 303)
	if a := w.post("support", "/console/calls/"+id+"/end", url.Values{"outcome": {"perhaps"}}); a.status != 422 {
		t.Errorf("an outcome of nobody's: %d", a.status)
	}
	w.sent("support", "/console/calls/"+id+"/end", url.Values{"outcome": {"reached"}, "note": {"Moves in May."}}, 303)
	if a := w.post("support", "/console/calls/"+id+"/end", url.Values{"outcome": {"reached"}}); a.status != 409 {
		t.Errorf("a second end: %d", a.status)
	}
	for _, who := range []string{"finance_clerk", "auditor", "owner"} {
		if a := w.get(who, "/console/calls"); a.status == 200 {
			t.Errorf("%s sees the calls", who)
		}
	}
}

func (w *world) tellAgain() {
	w.Helper()
	sender := &told.Sender{Service: told.NewService(w.db, w.programme, "https://moving.example", reportSeals), Post: taken{}, Logger: slog.New(slog.DiscardHandler)}
	if err := sender.Sweep(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// text reads one value as the owner of the database sees it.
func (w *world) text(sql string, args ...any) (s string) {
	w.Helper()
	if err := w.super.Super(w.T).QueryRow(w.Context(), sql, args...).Scan(&s); err != nil {
		w.Fatal(fmt.Errorf("%s: %w", sql, err))
	}
	return s
}

func TestN14_TheManagerSeesWhomNothingReached(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.exec(`UPDATE identity SET signed_in_at = '2026-01-01'`)
	const place = "/console/reach"
	body := w.shows("programme_manager", place, "Nothing sent yet", "customers are neither reached nor waived", "Take this call")
	w.hides(body, "/console/reach/end\"")
	w.sent("programme_manager", place+"/end", nil, 409)
	id := w.ids["a"]
	a := w.post("programme_manager", place+"/"+id+"/waive", url.Values{"reason": {" "}})
	if a.status != 422 || !strings.Contains(a.body, "Give the reason") {
		t.Errorf("a waiver without a reason: %d", a.status)
	}
	w.sent("programme_manager", place+"/"+id+"/waive", url.Values{"reason": {"Closed down."}}, 303)
	w.shows("programme_manager", place, "asks for a waiver: Closed down.", "Another person has to confirm it.")
	w.sent("programme_manager", place+"/"+id+"/confirm", nil, 403)
	w.exec(`UPDATE notice_waiver SET asked_by = 'another'`)
	w.shows("programme_manager", place, "Confirm waiver")
	w.sent("programme_manager", place+"/"+id+"/confirm", nil, 303)
	w.hides(w.shows("programme_manager", place, "Waived"), "Closed down.")
	w.sent("programme_manager", place+"/"+w.ids["b"]+"/call", nil, 303)
	w.shows("programme_manager", place, "Due 24 November 2026")
	w.shows("support", "/console/calls", "Ask to waive this call", "Only “Spoke with them” ends the call.")
	call := w.text(`SELECT id FROM notice_call`)
	w.sent("support", "/console/calls/"+call+"/end", url.Values{"outcome": {"no_answer"}}, 303)
	w.shows("support", "/console/calls", "Tried 1 time, nobody reached")
	w.sent("support", "/console/calls/"+call+"/waive", url.Values{"reason": {"No such number."}}, 303)
	w.shows("programme_manager", "/console/calls", "asks for a waiver: No such number.", "Confirm waiver")
	w.sent("programme_manager", "/console/calls/"+call+"/confirm-waiver", nil, 303)
	w.shows("programme_manager", place+"?q=nobody", "No customers match.")
	w.exec(`UPDATE customer SET state = 'disabled' WHERE id NOT IN ($1, $2)`, w.ids["a"], w.ids["b"])
	w.exec(`INSERT INTO notice_waiver VALUES ($1, 'x', 'another', now())`, w.ids["b"])
	w.exec(`UPDATE notice_waiver SET confirmed_by = 'third', confirmed_at = now() WHERE customer_id = $1`, w.ids["b"])
	w.shows("programme_manager", place, "Every customer is reached or waived", "The service ends on Sun, 31 January 2027.")
	w.sent("programme_manager", place+"/end", nil, 409) // its day has not come
	for _, who := range []string{"support", "finance_clerk", "auditor", "owner"} {
		if a := w.get(who, place); a.status == 200 {
			t.Errorf("%s sees the list", who)
		}
	}
}

// TestH02_NoticesPagesInABrowser looks at the pages of those who tell customers, as TestH02_CustomersPagesInABrowser at those of customers.
func TestH02_NoticesPagesInABrowser(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.tellAll()
	w.exec(`UPDATE identity SET signed_in_at = '2026-01-01'`)
	w.sent("programme_manager", "/console/reach/"+w.ids["a"]+"/waive", url.Values{"reason": {"Closed down."}}, 303)
	w.sent("programme_manager", "/console/reach/"+w.ids["b"]+"/call", nil, 303)
	base, tab := w.browse(), localtest.Browser(t)
	ref := w.text(`SELECT ref FROM customer WHERE id = $1`, w.ids["a"])
	for who, paths := range map[string][]string{
		"programme_manager": {
			"/console/notices", "/console/notices/announcement?customer=" + ref, "/console/notices/announcement/messages?group=sent", "/console/notices/day?day=2027-01-31", "/console/reach", "/console/calls", "/console/deliveries",
		},
		"owner": {"/inbox"},
	} {
		tab.Open(base + "/test-as/" + who)
		for _, tag := range []string{"en", "zh-CN"} {
			w.speak(who, tag)
			for _, path := range paths {
				w.look(tab, base, tag, path)
			}
		}
	}
	tab.Open(base + "/test-as/programme_manager")
	tab.Open(base + "/console/notices/announcement?customer=" + ref)
	const status = `performance.getEntriesByType("resource").filter(e => e.initiatorType == "iframe").map(e => e.responseStatus).join()`
	if got := localtest.Eval[string](tab, status); got != "200" {
		t.Errorf("the frame with the email came to %q", got)
	}
	tab.Open(base + "/console/notices/announcement/preview?locale=en&customer=" + ref)
	if text := localtest.Eval[string](tab, `document.body.innerText`); !strings.Contains(text, "Hezhou Teamwork closes on 31 January 2027") {
		t.Errorf("the email shows %q", text)
	}
	if dir := os.Getenv("OFFRAMP_TEST_SHOTS"); dir != "" {
		tab.Screenshot(filepath.Join(dir, "letter.png"))
	}
}

func TestN13_AMailProviderIsBelievedByItsSignatureAndTheMailsProof(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.tellAll()
	id := w.text(`SELECT mail_id FROM notice_delivery ORDER BY mail_id LIMIT 1`)
	state := func() string { return w.text(`SELECT state FROM notice_delivery WHERE mail_id = $1`, id) }
	event := func(mail string) string {
		return fmt.Sprintf(`{"events": [{"type": "bounced", "mail": %q, "status": "5.1.1"}]}`, mail)
	}
	proven := reportSeals.Token(id) + "@moving.example"
	for _, c := range []struct {
		name, body string
		change     func(*http.Request)
		want       int
		state      string
	}{
		{"unsigned", event(proven), func(r *http.Request) { r.Header.Del("webhook-signature") }, 401, "accepted"},
		{"forged", event(proven), func(r *http.Request) { r.Header.Set("webhook-signature", "v1,AAAA") }, 401, "accepted"},
		{"stale", event(proven), func(r *http.Request) { r.Header.Set("webhook-timestamp", "1700000000") }, 401, "accepted"},
		{"no message", "{", func(*http.Request) {}, 400, "accepted"},
		{"without proof", event(id + "@moving.example"), func(*http.Request) {}, 204, "accepted"},
		{"huge", event(strings.Repeat("x", 600<<10)), func(*http.Request) {}, 413, "accepted"},
		{"proven", event(proven), func(*http.Request) {}, 204, "bounced"},
	} {
		if status, _ := w.hook("/hooks/mail", "msg_"+c.name, c.body, c.change); status != c.want || state() != c.state {
			t.Errorf("%s: %d, and the delivery is %s", c.name, status, state())
		}
	}
}

func TestSupportSeesWhatDidNotArriveAndLiftsIt(t *testing.T) {
	w := newWorld(t)
	w.notify()
	const place = "/console/deliveries"
	w.shows("support", place, "Every address gets email", "There are no such emails.", "Nothing has come in.")
	w.tellAll()
	id := w.text(`SELECT mail_id FROM notice_delivery WHERE customer_id = $1 LIMIT 1`, w.ids["a"])
	w.hook("/hooks/mail", "msg_1", fmt.Sprintf(`{"events": [{"type": "bounced", "mail": "%s@x.example", "status": "5.1.1", "detail": "no such user"}]}`, reportSeals.Token(id)))
	body := w.shows("support", place, "Came back", "5.1.1 · no such user", "Email provider: came back", "Send a test email and resume", "1 told us about an email of ours")
	ref := w.text(`SELECT ref FROM customer WHERE id = $1`, w.ids["a"])
	if !strings.Contains(body, ref) {
		t.Errorf("the page does not name %s", ref)
	}
	w.hides(w.shows("support", place+"?q=nobody%25", "Every address gets email"), "no such user")
	contact := w.text(`SELECT contact_id FROM notice_suppression`)
	w.sent("support", place+"/"+contact+"/lift", nil, 303)
	w.sent("support", place+"/"+contact+"/lift", nil, 409)
	w.sent("support", place+"/none/lift", nil, 404)
	w.hides(w.shows("programme_manager", place, "It goes out within a minute."), "Send a test email and resume")

	w.exec(`INSERT INTO notice_delivery (message_id, customer_id, contact_id, channel, mail_id, state, subject, started_at)
		SELECT d.message_id, d.customer_id, k.id, 'email', 'other', 'lapsed', d.subject, d.started_at
		  FROM notice_delivery d JOIN contact k ON k.customer_id = d.customer_id AND k.id <> d.contact_id LIMIT 1`)
	message, to := w.text(`SELECT message_id FROM notice_delivery WHERE state = 'lapsed' LIMIT 1`), w.text(`SELECT contact_id FROM notice_delivery WHERE state = 'lapsed' LIMIT 1`)
	again := place + "/mails/" + message + "/again"
	w.shows("support", place, "No news", "Nobody that we know of. There was no news for 72 hours.", "I know that this email may arrive twice")
	if a := w.post("support", again, url.Values{"contact": {to}}); a.status != 422 || !strings.Contains(a.body, "Confirm that it may arrive twice") {
		t.Errorf("sent again without the confirmation: %d", a.status)
	}
	w.sent("support", again, url.Values{"contact": {to}, "sure": {"yes"}}, 303)
	w.shows("support", place, "We are. A colleague asked to send it again.")
	for _, who := range []string{"finance_clerk", "auditor", "owner"} {
		if a := w.get(who, place); a.status == 200 {
			t.Errorf("%s sees the page", who)
		}
	}
}

// keeping is a mail server that keeps what it takes.
type keeping struct{ taken map[string]mail.Envelope }

// Hand implements told.Poster.
func (k keeping) Hand(_ context.Context, e mail.Envelope) mail.Result {
	k.taken[e.Address+" "+e.Subject] = e
	return mail.Result{State: mail.Accepted}
}

func TestN06_TheFramedPreviewIsWhatIsSent(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.exec(`UPDATE customer SET state = 'disabled' WHERE id <> $1`, w.ids["a"])
	ref := w.text(`SELECT ref FROM customer WHERE id = $1`, w.ids["a"])
	body := w.shows("programme_manager", "/console/notices/announcement?locale=&customer="+ref, "How the email looks")
	if !strings.Contains(body, `<iframe class="letter" src="/console/notices/announcement/preview?customer=`+ref) {
		t.Error("the page has no frame")
	}
	a := w.get("programme_manager", "/console/notices/announcement/preview?locale=&customer="+ref)
	if p := a.header.Get("Content-Security-Policy"); a.status != 200 || !strings.Contains(p, "default-src 'none'") || !strings.Contains(p, "sandbox") || strings.Contains(p, "script-src") {
		t.Errorf("%d %s", a.status, p)
	}
	if n := w.get("programme_manager", "/console/notices/announcement/preview?customer=HZ-0"); n.status != 404 {
		t.Errorf("no such customer: %d", n.status)
	}
	if !strings.Contains(body, "does not pass on your email address") || strings.Contains(body, "Send to me") {
		t.Error("whoever has no address is offered a test")
	}
	w.exec(`UPDATE identity SET email = 'mia@company.example' WHERE id = 'identity-programme_manager'`)
	body = w.shows("programme_manager", "/console/notices/announcement?locale=&customer="+ref, "at mia@company.example", "Send to me")
	_, sum, _ := strings.Cut(body, `/try"`)
	_, sum, _ = strings.Cut(sum, `name="hash" value="`)
	sum, _, _ = strings.Cut(sum, `"`)
	form := url.Values{"customer": {ref}, "locale": {""}, "hash": {sum}}
	w.sent("programme_manager", "/console/notices/announcement/try", form, 303)
	w.shows("programme_manager", "/console/notices/announcement?locale=&customer="+ref, "Your last test, ", "waiting to be sent")
	w.sent("programme_manager", "/console/notices/announcement/try", url.Values{"customer": {ref}, "hash": {"0"}}, 409)
	w.sent("programme_manager", "/console/notices/announcement/try", url.Values{"customer": {"HZ-0"}, "hash": {sum}}, 404)
	_, hash := told.ContentOf(w.programme.p, w.programme.p.Notices.List[0])
	w.sent("programme_manager", "/console/notices/announcement/approve", url.Values{"hash": {hash}}, 303)
	post := keeping{map[string]mail.Envelope{}}
	sender := &told.Sender{Service: told.NewService(w.db, w.programme, "https://moving.example", reportSeals), Post: post, Logger: slog.New(slog.DiscardHandler)}
	if err := sender.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	same := false
	for _, e := range post.taken {
		same = same || e.HTML == a.body
	}
	w.shows("programme_manager", "/console/notices/announcement?locale=&customer="+ref, "accepted by the email server")
	if !same {
		t.Errorf("none of %d mails is the one that was previewed", len(post.taken))
	}
}

func TestN02_TheManagerSetsTheRate(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.shows("programme_manager", "/console/notices", "600 emails a minute, from the programme.")
	for _, bad := range []string{"fast", "0", "-4", "1000001"} {
		if a := w.post("programme_manager", "/console/notices/rate", url.Values{"rate": {bad}}); a.status != 422 || !strings.Contains(a.body, "Enter a whole number from 1 to 1,000,000") || !strings.Contains(a.body, `value="`+bad+`"`) {
			t.Errorf("%s: %d", bad, a.status)
		}
	}
	w.sent("programme_manager", "/console/notices/rate", url.Values{"rate": {"50"}}, 303)
	w.shows("programme_manager", "/console/notices", "50 emails a minute, set here.")
	if got := w.acts("notice.rate"); len(got) != 1 || !strings.Contains(got[0], "50") {
		t.Errorf("recorded %v", got)
	}
	w.sent("programme_manager", "/console/notices/rate", url.Values{"rate": {""}}, 303)
	w.shows("programme_manager", "/console/notices", "600 emails a minute, from the programme.")
}

// TestN05_AMachineThatFollowsEveryLinkReachesNobody lets a scanner open an email and follow all of it, as mail gateways do. Who was
// only looked at by machines is handed to a person in time.
func TestN05_AMachineThatFollowsEveryLinkReachesNobody(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.exec(`UPDATE customer SET state = 'disabled' WHERE id <> $1`, w.ids["a"])
	w.exec(`UPDATE identity SET signed_in_at = '2026-01-01'`)
	_, hash := told.ContentOf(w.programme.p, w.programme.p.Notices.List[0])
	w.sent("programme_manager", "/console/notices/announcement/approve", url.Values{"hash": {hash}}, 303)
	post := keeping{map[string]mail.Envelope{}}
	sender := &told.Sender{Service: told.NewService(w.db, w.programme, "https://moving.example", reportSeals), Post: post, Logger: slog.New(slog.DiscardHandler)}
	if err := sender.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`https://moving\.example(/[^\s"<>)]*)`)
	followed := 0
	var places []string // of the letter's own links, each once
	for _, e := range post.taken {
		for _, link := range links.FindAllStringSubmatch(e.HTML+"\n"+e.Plain, -1) {
			for _, method := range []string{"HEAD", "GET"} {
				if a := w.do("anonymous", method, link[1], "", http.Header{"User-Agent": {safeLinks}}); a.status >= 400 {
					t.Errorf("%s %s: %d", method, link[1], a.status)
				}
				followed++
				if strings.HasPrefix(link[1], click.Path) && !slices.Contains(places, link[1]) {
					places = append(places, link[1])
				}
			}
		}
	}
	verdicts := func() string {
		return w.text(`SELECT coalesce(string_agg(DISTINCT verdict || ' ' || why, ', ' ORDER BY verdict || ' ' || why), '') FROM notice_click`)
	}
	if followed == 0 || len(places) == 0 || verdicts() != "program method, program soon" {
		t.Errorf("%d links followed, to %q: %s", followed, places, verdicts())
	}
	w.shows("programme_manager", "/console/notices/announcement/messages?group=silent", "HZ-20418")
	w.hides(w.shows("programme_manager", "/console/notices/announcement/messages?group=reached", "No message is in this state."), "HZ-20418")
	if n := w.count(`SELECT count(*) FROM notice_call`); n != 0 {
		t.Errorf("%d calls at once", n)
	}
	w.shows("programme_manager", "/console/notices/announcement/messages?group=scanned", "HZ-20418", "Followed by a program")

	// Later, a person follows one link, and is told apart; it still is no proof that they were reached.
	follow := func(who, link, agent string, more http.Header) {
		t.Helper()
		header := http.Header{"User-Agent": {agent}}
		maps.Copy(header, more)
		if a := w.do(who, "GET", link, "", header); a.status != 302 || strings.Contains(a.header.Get("Location"), "/go/") {
			t.Errorf("%s: %d to %s", link, a.status, a.header.Get("Location"))
		}
	}
	w.at(day.Add(time.Hour))
	follow("anonymous", places[0], "curl/8.5.0", nil)
	follow("anonymous", places[0], firefox, http.Header{"Sec-Purpose": {"prefetch;prerender"}})
	follow("programme_manager", places[0], firefox, nil) // tries the links of a preview
	if got := verdicts(); got != "program agent, program method, program prefetch, program soon" {
		t.Errorf("programs and staff: %s", got)
	}
	w.at(day.Add(2 * time.Hour)) // a scanner that poses as a browser gives itself away by its second link
	follow("anonymous", places[0], firefox, nil)
	follow("anonymous", strings.TrimSuffix(places[0], "plan")+"dates", firefox, nil)
	if n := w.count(`SELECT count(*) FROM notice_click WHERE verdict = 'person'`); n != 0 {
		t.Errorf("%d clicks of a scanner count as a person's: %s", n, verdicts())
	}
	w.at(day.Add(3 * time.Hour))
	follow("anonymous", places[0], firefox, nil)
	w.shows("programme_manager", "/console/notices/announcement/messages?group=followed", "HZ-20418", "Followed by a person")
	w.shows("programme_manager", "/console/reach", "A person followed a link in the email, but nobody has signed in since")
	follow("anonymous", click.Path+strings.Repeat("a", 26)+"/plan", firefox, nil) // no mail's: it leads on all the same
	follow("anonymous", places[0][:strings.LastIndexByte(places[0], '/')]+"/nowhere", safeLinks, nil)

	w.at(day.AddDate(0, 0, 4))
	if err := sender.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT count(*) FROM notice_call WHERE state = 'open'`); n != 1 {
		t.Errorf("%d people were asked to ring a customer of whom nothing was heard", n)
	}
	w.shows("support", "/console/calls", "Link followed", "2026-11-21 13:24")
}

// What programs and people's browsers call themselves.
const (
	safeLinks = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36" // as it poses
	firefox   = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
)

// A provider's word on who opened a mail counts apart, too, and only where it proves which mail it means.
func TestN05_AProvidersOpensAndClicksAreToldApart(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.tellAll()
	id := w.text(`SELECT mail_id FROM notice_delivery WHERE customer_id = $1 LIMIT 1`, w.ids["a"])
	mail := reportSeals.Token(id) + "@moving.example"
	state := func() string {
		return w.text(`SELECT opened || ' ' || followed FROM notice_delivery WHERE mail_id = $1`, id)
	}
	for i, c := range []struct{ event, want string }{
		{`{"type": "opened", "mail": "` + mail + `"}`, "program "},
		{`{"type": "clicked", "mail": "` + mail + `", "person": true}`, "program person"},
		{`{"type": "clicked", "mail": "` + mail + `"}`, "program person"},
		{`{"type": "opened", "mail": "` + mail + `", "person": true}`, "person person"},
		{`{"type": "opened", "mail": "forged@moving.example", "person": true}`, "person person"},
	} {
		w.hook("/hooks/mail", fmt.Sprintf("msg_%d", i), `{"events": [`+c.event+`]}`)
		if got := state(); got != c.want {
			t.Errorf("%s: %q, want %q", c.event, got, c.want)
		}
	}
	w.shows("programme_manager", "/console/notices/announcement", "Opened by a person, as reported")
	if n := w.count(`SELECT count(*) FROM notice_click`); n != 4 {
		t.Errorf("%d clicks, want 4", n)
	}
}

// TestN07_ColleaguesReadTheBriefingFirst approves a briefing, has staff acknowledge it, and waives the rest of the wait, in both languages.
func TestN07_ColleaguesReadTheBriefingFirst(t *testing.T) {
	w := newWorld(t)
	w.shows("support", "/console/briefing", "No briefing")
	w.notify()
	p := *w.programme.p
	p.Notices.Briefing = &migration.Briefing{
		Audience: []string{"support", "programme_manager"},
		Voice:    migration.Voice{Why: both("We build ferries.", "我们改造渡轮。"), Say: both("Until **{date:service_end}**.", "到**{date:service_end}**。"), Never: both("Perhaps.", "也许。")},
		Questions: []migration.BriefingQuestion{
			{Topic: both("Data", "数据"), Question: both("Is it <b>safe</b>?", "安全吗？"), Answer: both("[Export]({link:export}) it.", "请导出。")},
			{Topic: both("Money", "费用"), Question: both("Who pays?", "谁付款？"), Answer: both("{company}.", "{company}。")},
		},
		RolePlay: []migration.Scenario{{Title: both("Angry", "愤怒"), Situation: both("Night.", "夜里。"), Customer: both("Mine!", "我的！"), Say: both("Look.", "看。"), Never: both("No.", "不。")}},
	}
	w.programme.p = &p
	w.shows("programme_manager", "/console/notices/announcement", "Waiting for approval")
	body := w.shows("support", "/console/briefing", "This briefing is not approved yet", "<strong>31 January 2027</strong>", "Is it &lt;b&gt;safe&lt;/b&gt;?")
	w.hides(body, "I have read this")
	w.hides(w.shows("support", "/console/briefing?q=WHO", "Who pays?"), "safe")
	w.shows("support", "/console/briefing?q=zebra", "No answers found")
	w.shows("support", "/console/briefing?locale=zh-CN", "我们改造渡轮", "<strong>2027年1月31日</strong>")
	if a := w.get("support", "/console/briefing?q="+strings.Repeat("x", 101)); a.status != 422 || !strings.Contains(a.body, `id="q-error"`) {
		t.Errorf("a long search: %d", a.status)
	}
	w.shows("auditor", "/console/briefing/role-play", "Angry", "The customer says", "Mine!")
	_, hash := briefing.ContentOf(w.programme.p)
	w.sent("support", "/console/briefing/acknowledge", url.Values{"hash": {hash}}, 409)
	w.sent("support", "/console/briefing/approve", url.Values{"hash": {hash}}, 403)
	w.sent("programme_manager", "/console/briefing/approve", url.Values{"hash": {"0"}}, 409)
	w.sent("programme_manager", "/console/briefing/approve", url.Values{"hash": {hash}}, 303)
	w.sent("support", "/console/briefing/acknowledge", url.Values{"hash": {hash}, "locale": {"zh-CN"}}, 303)
	w.shows("support", "/console/briefing", "You acknowledged this briefing on")
	w.shows("programme_manager", "/console/briefing/readers", "1 of 2", "1 colleague has not acknowledged", "No email known", "Acknowledged")
	_, words := told.ContentOf(w.programme.p, w.programme.p.Notices.List[0])
	w.sent("programme_manager", "/console/notices/announcement/approve", url.Values{"hash": {words}}, 303)
	w.shows("programme_manager", "/console/notices", "Waiting for the briefing", "1 colleague has not acknowledged the briefing", `href="/console/briefing/readers"`)
	a := w.sent("programme_manager", "/console/briefing/readers/waive", url.Values{"reason": {" "}}, 422)
	w.shownIn(a.body, "Give the reason", `id="reason-error"`)
	w.sent("programme_manager", "/console/briefing/readers/waive", url.Values{"reason": {"The press knows."}}, 303)
	w.sent("programme_manager", "/console/briefing/readers/confirm", nil, 403)
	w.shows("programme_manager", "/console/briefing/readers", "The press knows.", "Another person has to confirm it.")
	w.sent("programme_manager", "/console/briefing/readers/refuse", nil, 303)
	w.sent("programme_manager", "/console/briefing/readers/remind", nil, 303)
	w.sent("programme_manager", "/console/briefing/acknowledge", url.Values{"hash": {hash}}, 303)
	w.hides(w.shows("programme_manager", "/console/notices"), "Waiting for the briefing")
	w.speak("support", "zh-CN")
	w.shows("support", "/console/briefing", "统一口径", "您已于")
}
