package notice_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local"
	"offramp/internal/mail/inbound"
	"offramp/migration/notice/truth"
)

// failed is a report of delivery about a mail, as it comes to the mail's return address.
func failed(m local.Message, recipient string) []byte {
	return []byte(strings.ReplaceAll(fmt.Sprintf(`From: MAILER-DAEMON@relay.example
To: %s
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

words
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

%s
--b
Content-Type: text/rfc822-headers

Message-ID: <%s>
--b--
`, m.From, recipient, m.MessageID), "\n", "\r\n"))
}

const noSuchUser = "Final-Recipient: rfc822; a-1@customer.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <a-1@customer.example> unknown\n"

// report brings a mail that came in and wants it to be worth something.
func (h *harbour) report(raw []byte, want string) {
	h.Helper()
	if got, err := h.truth.Take(h.Context(), truth.Mailbox, raw); err != nil || got != want {
		h.Errorf("a mail came in as %q (%v), want %q", got, err, want)
	}
}

// mail is the one mail that a customer got.
func (h *harbour) mail(ref string) local.Message {
	h.Helper()
	all := h.box.Messages(strings.ToLower(ref) + "@customer.example")
	if len(all) == 0 {
		h.Fatalf("%s got no mail", ref)
	}
	return all[0]
}

// delivery is the state of a customer's delivery of the announcement.
func (h *harbour) delivery(ref string) string {
	h.Helper()
	return h.one(`SELECT d.state FROM notice_delivery d JOIN customer c ON c.id = d.customer_id JOIN notice_message m ON m.id = d.message_id
		WHERE ref = $1 AND notice = 'announcement'`, ref)
}

func TestN03_ABounceTakesTheMessageToTheNextChannel(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en", "A-3,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	m := h.mail("A-1")
	if !strings.HasPrefix(m.From, "bounces+") || !strings.HasSuffix(m.From, "@boats.example") {
		t.Fatalf("the envelope's sender is %s", m.From)
	}
	h.report(failed(h.mail("A-2"), "Action: delayed\nStatus: 4.4.1\nWill-Retry-Until: Sat, 6 Jun 2026 01:00:00 +0000\n"), truth.Taken)
	h.report(failed(h.mail("A-3"), "Action: delivered\nStatus: 2.1.5\n"), truth.Taken)
	h.report(failed(m, noSuchUser), truth.Taken)
	for ref, want := range map[string]string{"A-1": "bounced", "A-2": "delayed", "A-3": "delivered"} {
		if got := h.delivery(ref); got != want {
			t.Errorf("%s is %s, want %s", ref, got, want)
		}
	}
	if got := h.one(`SELECT cause || ': ' || evidence FROM notice_suppression`); got != "bounced: 5.1.1 · 550 5.1.1 <[email]> unknown" {
		t.Errorf("suppressed: %s", got)
	}
	h.at("2026-06-01T02:05:00Z")
	if got := h.one(`SELECT string_agg(c.ref || ' ' || m.state || ' ' || m.channel, ', ' ORDER BY ref) FROM notice_message m JOIN customer c ON c.id = m.customer_id`); got != "A-1 sent call, A-2 sent email, A-3 sent email" {
		t.Errorf("messages: %s", got)
	}
	if got := h.one(`SELECT string_agg(c.ref, ', ') FROM notice_call k JOIN customer c ON c.id = k.customer_id`); got != "A-1" {
		t.Errorf("calls: %s", got)
	}
	// The reminder has email alone: nothing goes to the dead address, and no second call is opened.
	h.box.Clear()
	h.at("2026-12-02T02:00:00Z")
	if got := h.got("A-1"); len(got) != 0 {
		t.Errorf("a suppressed address got %q", got)
	}
	if got := h.got("A-2"); len(got) != 1 {
		t.Errorf("a delayed address got %q", got)
	}
	if got := h.one(`SELECT count(*)::text FROM notice_call k JOIN customer c ON c.id = k.customer_id WHERE ref = 'A-1'`); got != "1" {
		t.Errorf("%s calls to who has one open", got)
	}
	// Another address of the same contact is written to.
	h.exec(`UPDATE contact SET email = 'new@customer.example' WHERE email = 'a-1@customer.example'`)
	h.at("2027-01-01T02:00:00Z")
	if got := h.box.Messages("new@customer.example"); len(got) != 1 {
		t.Errorf("the new address got %d mails", len(got))
	}
}

func TestN04_ReportsInAnyOrderOnlyMoveForward(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en")
	h.approveAll()
	// The report overtakes our own record: it comes while the server still has the mail in its hand.
	h.sender.Post = &early{Poster: h.sender.Post, h: h}
	h.at("2026-06-01T02:00:00Z")
	if got := h.delivery("A-1"); got != "bounced" {
		t.Errorf("a report before our own record: %s", got)
	}
	h.at("2026-06-01T02:02:00Z")
	if got := h.one(`SELECT m.channel FROM notice_message m JOIN customer c ON c.id = m.customer_id WHERE ref = 'A-1'`); got != "call" {
		t.Errorf("the message went on by %s", got)
	}
	m := h.mail("A-2")
	h.report(failed(m, "Action: failed\nStatus: 5.2.2\n"), truth.Taken)
	h.report(failed(m, "Action: delayed\nStatus: 4.2.2\n"), truth.Taken) // older news, late
	h.report(failed(m, "Action: delivered\nStatus: 2.0.0\n"), truth.Taken)
	if got := h.delivery("A-2"); got != "bounced" {
		t.Errorf("late news took it back to %s", got)
	}
	if got := h.one(`SELECT count(*)::text FROM notice_fact`); got != "4" {
		t.Errorf("%s facts were kept, want all 4", got)
	}
	if _, err := h.database.Super(t).Exec(t.Context(), `UPDATE notice_delivery SET state = 'accepted' WHERE state = 'bounced'`); err == nil {
		t.Error("the database lets a state move back")
	}
}

func TestN13_WhatProvesNothingChangesNothing(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	m := h.mail("A-1")
	forged := m
	forged.From, forged.MessageID = "bounces@boats.example", strings.Repeat("a", 42)+"@boats.example"
	h.report(failed(forged, noSuchUser), truth.Unproven)
	h.report([]byte("From: a-1@customer.example\r\nTo: "+m.From+"\r\nAuto-Submitted: auto-replied\r\n\r\n550 5.1.1 away\r\n"), "auto_reply")
	h.report([]byte("From: a-1@customer.example\r\nTo: "+m.From+"\r\n\r\nWhat is this?\r\n"), "letter")
	unknown := m
	unknown.MessageID, unknown.From = "", "bounces+"+seals.Token("00112233445566778899aabbccddeeff")+"@boats.example"
	h.report(failed(unknown, noSuchUser), truth.Lost)
	if got := h.delivery("A-1"); got != "accepted" {
		t.Errorf("the delivery is %s", got)
	}
	if got := h.one(`SELECT count(*)::text FROM notice_suppression`); got != "0" {
		t.Error("an address was suppressed")
	}
	// Each mail counts once, whichever way and however often it comes.
	true1 := failed(m, "Action: failed\nStatus: 5.0.0\n")
	h.report(true1, truth.Taken)
	h.report(true1, truth.Repeated)
	in, err := h.truth.Inflow(t.Context(), anna.ID, h.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range in.Tallies {
		got = append(got, fmt.Sprintf("%s %d", one.Outcome, one.Count))
	}
	if want := []string{"auto_reply 1", "letter 1", "lost 1", "repeated 1", "taken 1", "unproven 1"}; !slices.Equal(got, want) {
		t.Errorf("counted %q", got)
	}
}

func TestOurOwnFaultSuppressesNobody(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	m := h.mail("A-1")
	suppressed := func() string { return h.one(`SELECT count(*)::text FROM notice_suppression WHERE lifted_at IS NULL`) }
	for i := range 40 {
		for _, status := range []string{"5.7.1", "5.4.5", "5.1.8", "4.7.0"} {
			h.report(failed(m, fmt.Sprintf("Action: failed\nStatus: %s\nDiagnostic-Code: smtp; try %d\n", status, i)), truth.Taken)
		}
	}
	if got := suppressed(); got != "0" {
		t.Error("our own fault suppressed an address")
	}
	// A failure without a cause speaks against the address once it comes again; a full mailbox at the eighteenth time.
	h.report(failed(m, "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; first\n"), truth.Taken)
	if got := suppressed(); got != "0" {
		t.Error("one failure without a cause was enough")
	}
	h.clock.Advance(truth.Window + time.Hour)
	for i := range truth.SoftFails {
		if got := suppressed(); got != "0" {
			t.Fatalf("suppressed after %d soft failures", i)
		}
		h.report(failed(m, fmt.Sprintf("Action: delayed\nStatus: 4.2.2\nDiagnostic-Code: smtp; full %d\n", i)), truth.Taken)
	}
	if got := suppressed(); got != "1" {
		t.Error("a mailbox that was full 18 times in a month is still written to")
	}
}

func TestASuppressionIsLiftedByATestMail(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,zh-CN")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	h.report(failed(h.mail("A-1"), noSuchUser), truth.Taken)
	h.box.Clear()
	list, err := h.truth.Suppressions(t.Context(), ben.ID, "a-1@customer.example", 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %+v", err, list)
	}
	if s := list[0]; s.Ref != "A-1" || len(s.Facts) != 1 || s.Facts[0].Source != truth.Mailbox || !s.Current || s.At.IsZero() {
		t.Errorf("listed as %+v", s)
	}
	for _, search := range []string{"%", "_", `\`, "nobody"} {
		if list, err := h.truth.Suppressions(t.Context(), ben.ID, search, 10); err != nil || len(list) != 0 {
			t.Errorf("%q finds %d (%v)", search, len(list), err)
		}
	}
	lift := func() error { return h.truth.Lift(t.Context(), ben.ID, list[0].ContactID) }
	if err := lift(); err != nil {
		t.Fatal(err)
	}
	if err := lift(); !errors.Is(err, truth.ErrAsked) {
		t.Errorf("asked twice: %v", err)
	}
	h.box.Refuse(func(string) int { return 550 })
	h.at("2026-06-01T02:10:00Z")
	probe := func() *truth.Probe {
		list, err := h.truth.Suppressions(t.Context(), ben.ID, "A-1", 10)
		if err != nil || len(list) != 1 {
			t.Fatalf("%v %+v", err, list)
		}
		return list[0].Probe
	}
	if p := probe(); p.State != "refused" || p.EndedAt == nil || p.AskedBy != ben.ID || !strings.Contains(p.Detail, "550") {
		t.Errorf("a refused test mail: %+v", p)
	}
	h.box.Refuse(nil)
	if err := lift(); err != nil {
		t.Fatal(err)
	}
	h.at("2026-06-01T02:20:00Z")
	if p := probe(); p.State != "accepted" {
		t.Errorf("a test mail that was taken: %+v", p)
	}
	if got := h.got("A-1"); !slices.Equal(got, []string{"小船：确认邮箱能否收到邮件"}) {
		t.Errorf("the test mail is %q", got)
	}
	if got := h.one(`SELECT lifted_by FROM notice_suppression`); got != ben.ID {
		t.Errorf("lifted by %q", got)
	}
	if err := lift(); !errors.Is(err, truth.ErrNone) {
		t.Errorf("lifted again: %v", err)
	}
	// The server took the test mail and sent it back later.
	h.report(failed(h.mail("A-1"), noSuchUser), truth.Taken)
	if got := h.one(`SELECT (lifted_at IS NULL)::text FROM notice_suppression`); got != "true" {
		t.Error("a test mail that came back leaves the address open")
	}
	if p := probe(); p.State != "bounced" {
		t.Errorf("a test mail that came back: %+v", p)
	}
	if got := h.one(`SELECT string_agg(act, ', ' ORDER BY seq) FROM audit WHERE act IN ('notice.suppress', 'notice.lift', 'notice.lifted')`); got != "notice.suppress, notice.lift, notice.lift, notice.lifted, notice.suppress" {
		t.Errorf("audited: %s", got)
	}
}

func TestR03_AnUnknownIsNeverResentByItselfAndOnceByAPerson(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.box.Bounce("a-1@customer.example", local.BounceHang)
	h.at("2026-06-01T02:00:00Z")
	if got := h.delivery("A-1"); got != "unknown" {
		t.Fatalf("after a hang: %s", got)
	}
	if got := h.one(`SELECT detail FROM notice_delivery`); got != "no answer after the message" {
		t.Errorf("the delivery says %q", got)
	}
	h.box.Bounce("a-1@customer.example", 0)
	h.box.Clear()
	for _, at := range []string{"2026-06-01T03:00:00Z", "2026-06-02T03:00:00Z", "2026-06-03T03:00:00Z"} {
		h.at(at)
	}
	if got := h.got("A-1"); len(got) != 0 {
		t.Fatalf("resent blindly: %q", got)
	}
	message, contact := h.one(`SELECT message_id FROM notice_delivery`), h.one(`SELECT contact_id FROM notice_delivery`)
	again := func() error { return h.truth.Again(t.Context(), ben.ID, message, contact) }
	if err := h.truth.Again(t.Context(), ben.ID, "none", contact); !errors.Is(err, truth.ErrNone) {
		t.Errorf("of no mail: %v", err)
	}
	if err := again(); err != nil {
		t.Fatal(err)
	}
	h.at("2026-06-03T04:00:00Z")
	h.at("2026-06-03T05:00:00Z")
	if got := h.got("A-1"); len(got) != 1 {
		t.Errorf("sent again by a person: %q", got)
	}
	if got := h.delivery("A-1"); got != "accepted" {
		t.Errorf("sent again, and %s", got)
	}
	if err := again(); !errors.Is(err, truth.ErrSettled) {
		t.Errorf("again, though it is known: %v", err)
	}
}

func TestADelayOfWhichNobodySpeaksLapses(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en", "A-3,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	h.report(failed(h.mail("A-1"), "Action: delayed\nStatus: 4.4.1\n"), truth.Taken)
	h.report(failed(h.mail("A-2"), "Action: delayed\nStatus: 4.4.1\nWill-Retry-Until: Sat, 6 Jun 2026 01:00:00 +0000\n"), truth.Taken)
	h.at("2026-06-04T01:59:00Z")
	if got := h.delivery("A-1"); got != "delayed" {
		t.Errorf("before 72 hours: %s", got)
	}
	h.at("2026-06-04T02:01:00Z")
	for ref, want := range map[string]string{"A-1": "lapsed", "A-2": "delayed", "A-3": "accepted"} {
		if got := h.delivery(ref); got != want {
			t.Errorf("%s after 72 hours: %s, want %s", ref, got, want)
		}
	}
	h.at("2026-06-06T02:01:00Z")
	if got := h.delivery("A-2"); got != "lapsed" {
		t.Errorf("past what the server said: %s", got)
	}
	h.report(failed(h.mail("A-1"), "Action: delivered\nStatus: 2.0.0\n"), truth.Taken)
	if got := h.delivery("A-1"); got != "delivered" {
		t.Errorf("late good news: %s", got)
	}
}

func TestN13_TheMailboxIsReadOnceWhateverBreaks(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en", "A-3,Asia/Shanghai,en")
	h.approveAll()
	h.box.Bounce("a-1@customer.example", local.BounceLater)
	h.box.Bounce("a-2@customer.example", local.BounceSlow)
	h.box.Bounce("a-3@customer.example", local.BounceSpam)
	h.at("2026-06-01T02:00:00Z")
	for i := range 600 {
		h.box.Reports.Add(fmt.Appendf(nil, "Subject: %d\r\n\r\nspam\r\n", i))
	}
	box, err := inbound.Parse("pop3://"+local.ReportUser+"@"+h.box.POP, local.ReportPassword)
	if err != nil {
		t.Fatal(err)
	}
	reader := &truth.Reader{Service: h.truth, Box: box, Logger: slog.New(slog.DiscardHandler)}
	h.box.Reports.Drop.Store(100) // the server hangs up in the middle, and deletes nothing
	if n, err := reader.Look(t.Context()); err == nil || n != 100 {
		t.Errorf("%d mails of a talk that broke off: %v", n, err)
	}
	if in, err := h.truth.Inflow(t.Context(), anna.ID, h.clock.Now()); err != nil || in.Problem == "" || in.LookedAt == nil {
		t.Errorf("a look that failed leaves %+v (%v)", in, err)
	}
	h.box.Reports.Drop.Store(0)
	if n, err := reader.Look(t.Context()); err != nil || n != 603 {
		t.Errorf("%d mails, and %v", n, err)
	}
	if h.box.Reports.Len() != 0 {
		t.Errorf("%d mails are left", h.box.Reports.Len())
	}
	if got := h.one(`SELECT string_agg(outcome || ' ' || count, ', ' ORDER BY outcome) FROM notice_report_count`); got != "letter 600, repeated 100, taken 3" {
		t.Errorf("counted %s", got)
	}
	for ref, want := range map[string]string{"A-1": "bounced", "A-2": "delayed", "A-3": "complained"} {
		if got := h.delivery(ref); got != want {
			t.Errorf("%s is %s, want %s", ref, got, want)
		}
	}
	// Another process that reads makes this one wait.
	h.exec(`UPDATE notice_mailbox SET leased_until = '2026-06-01T03:00:00Z'`)
	h.box.Reports.Add([]byte("Subject: more\r\n\r\n"))
	if n, err := reader.Look(t.Context()); err != nil || n != 0 || h.box.Reports.Len() != 1 {
		t.Errorf("beside another process: %d, %v", n, err)
	}
}

func TestN13_AProvidersMessageCountsOnceAndWithProof(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	m := h.mail("A-1")
	body := fmt.Sprintf(`{"events": [{"type": "delayed", "mail": "<%s>", "until": "2026-06-05T00:00:00Z"}, {"type": "bounced", "mail": %q, "status": "5.1.1", "detail": "nobody ann@x.example"},
		{"type": "complained", "mail": "other@boats.example"}]}`, m.MessageID, m.From)
	for i, want := range []int{2, 0} {
		if n, err := h.truth.TakeHook(t.Context(), "msg_1", []byte(body)); err != nil || n != want {
			t.Errorf("time %d: %d events told something (%v), want %d", i+1, n, err, want)
		}
	}
	if got := h.one(`SELECT state || ': ' || detail FROM notice_delivery`); got != "bounced: 5.1.1 · nobody [email]" {
		t.Errorf("the delivery is %s", got)
	}
	for _, bad := range []string{"", "[]", `{"events": []}`, `{"events": [{"type": "lost", "mail": "x"}]}`, `{"events": [{"type": "bounced"}]}`, `{"events": [{"type": "bounced", "mail": "x", "more": 1}]}`} {
		if _, err := h.truth.TakeHook(t.Context(), "msg_2", []byte(bad)); !errors.Is(err, truth.ErrBadEvent) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
