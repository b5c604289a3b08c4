package notice_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/notice"
)

func TestTheAnnouncementGoesOutAtNineWhereTheCustomerIs(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,zh-CN", "A-2,Pacific/Kiritimati,en", "A-3,Etc/GMT+12,en", "A-4,Europe/Berlin,en")
	h.approveAll()
	h.at("2026-05-31T18:59:00Z")
	if n := len(h.box.Messages("")); n != 0 {
		t.Errorf("%d mails before anywhere is nine", n)
	}
	h.at("2026-05-31T19:00:00Z") // 09:00 at UTC+14
	if got := h.got("A-2"); !slices.Equal(got, []string{"Boats closes on 31 January 2027"}) {
		t.Errorf("first zone: %q", got)
	}
	h.at("2026-06-01T01:00:00Z")
	if got := h.got("A-1"); !slices.Equal(got, []string{"小船将于2027年1月31日停止服务"}) {
		t.Errorf("Shanghai: %q", got)
	}
	h.at("2026-06-01T07:00:00Z")
	h.at("2026-06-01T21:00:00Z") // 09:00 at UTC-12
	for _, ref := range []string{"A-1", "A-2", "A-3", "A-4"} {
		if got := h.got(ref); len(got) != 1 {
			t.Errorf("%s got %q", ref, got)
		}
	}
	m := h.box.Messages("a-4@customer.example")[0]
	for _, want := range []string{"Thank you.", "We stop.", "your plan (https://moving.example/go/", "/plan), Ann *A-4* of Customer A-4.", "Service stops: 31 January 2027", "help@boats.example"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the text has no %q:\n%s", want, m.Text)
		}
	}
	if !strings.Contains(m.HTML, "<strong>Ann *A-4*</strong>") {
		t.Errorf("a name was read as Markdown:\n%s", m.HTML)
	}
	if m.Header["List-Unsubscribe"] != "" {
		t.Error("a mandatory notice can be unsubscribed")
	}
}

func TestR01_OneRowPerCustomerRuleAndDay(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Europe/Berlin,en")
	h.approveAll()
	h.at("2026-12-02T08:00:00Z") // 90 days before: 09:00 in Berlin's winter
	before := len(h.got("A-1"))
	h.at("2026-12-02T08:30:00Z")
	h.at("2026-12-01T08:00:00Z") // the clock is set back a day
	h.at("2026-12-03T08:00:00Z")
	if got := h.got("A-1"); len(got) != before {
		t.Errorf("again: %q", got)
	}
}

func TestR02_TwoPlannersAndSendersAtOnce(t *testing.T) {
	var customers []string
	for i := range 40 {
		customers = append(customers, fmt.Sprintf("A-%d,Asia/Shanghai,en", i))
	}
	h := openHarbour(t, boats, customers...)
	h.approveAll()
	h.clock.Set(time.Date(2026, 6, 1, 2, 0, 0, 0, time.UTC))
	errs := make(chan error, 4)
	for range 4 {
		go func() { errs <- h.sender.Sweep(t.Context()) }()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	h.at("2026-06-01T02:01:00Z") // whoever found nothing had come too early
	for i := range 40 {
		if got := h.got(fmt.Sprintf("A-%d", i)); len(got) != 1 {
			t.Errorf("A-%d got %q", i, got)
		}
	}
}

func TestR05_CheckedAnewAtTheMomentOfSending(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en", "A-3,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	h.box.Clear()
	h.clock.Set(time.Date(2027, 1, 31, 2, 0, 0, 0, time.UTC)) // 30 days before the last day to export
	if _, err := h.notices.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.exec(`UPDATE journey SET export = 'completed', dates = 'completed' WHERE customer_id = (SELECT id FROM customer WHERE ref = 'A-1')`)
	h.exec(`UPDATE contact SET state = 'disabled' WHERE customer_id = (SELECT id FROM customer WHERE ref = 'A-2')`)
	h.at("2027-01-31T02:00:00Z")
	if got := h.got("A-1"); len(got) != 0 {
		t.Errorf("who is done was reminded: %q", got)
	}
	if got := h.got("A-2"); len(got) != 0 {
		t.Errorf("a disabled contact was mailed: %q", got)
	}
	if got := h.got("A-3"); !slices.Equal(got, []string{"2 things to do before Boats closes"}) {
		t.Errorf("two reminders of a day: %q", got)
	}
	if state := h.one(`SELECT string_agg(m.state || ' ' || m.reason, ', ' ORDER BY notice) FROM notice_message m JOIN customer c ON c.id = m.customer_id WHERE ref = 'A-1' AND notice <> 'announcement'`); state != "dropped done, dropped done" {
		t.Errorf("A-1: %s", state)
	}
	if state := h.one(`SELECT string_agg(m.state || ' ' || m.reason, ', ' ORDER BY notice) FROM notice_message m JOIN customer c ON c.id = m.customer_id WHERE ref = 'A-2' AND notice <> 'announcement'`); state != "failed no_channel, failed no_channel" {
		t.Errorf("A-2: %s", state)
	}
}

func TestN09_AfterAnOutageOnlyTheLatestStageInOneMail(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	h.box.Clear()
	h.at("2027-02-20T02:00:00Z") // nothing ran for the stages 90, 60, 30 and 15
	if got := h.got("A-1"); !slices.Equal(got, []string{"2 things to do before Boats closes"}) {
		t.Errorf("got %q", got)
	}
	if rows := h.one(`SELECT string_agg(notice || ' ' || stage, ', ' ORDER BY notice) FROM notice_message WHERE notice <> 'announcement'`); rows != "confirm -15, export -15" {
		t.Errorf("rows: %s", rows)
	}
	// Leaving the audience and coming back repeats nothing.
	h.exec(`UPDATE journey SET export = 'completed'`)
	h.at("2027-02-20T03:00:00Z")
	h.exec(`UPDATE journey SET export = 'not_started'`)
	h.at("2027-02-20T04:00:00Z")
	if got := h.got("A-1"); len(got) != 1 {
		t.Errorf("after coming back: %q", got)
	}
}

func TestN06_OnlyApprovedContentIsSent(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.at("2026-06-01T02:00:00Z")
	if got := h.got("A-1"); len(got) != 0 {
		t.Errorf("sent without approval: %q", got)
	}
	p, err := h.programmes.Active(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := p.Notice("announcement")
	_, hash := notice.ContentOf(p, n)
	if err := h.notices.Approve(t.Context(), anna.ID, n.Key, hash); !errors.Is(err, notice.ErrSamePerson) {
		t.Errorf("approved by who drafted it: %v", err)
	}
	if err := h.notices.Approve(t.Context(), ben.ID, n.Key, "0"); !errors.Is(err, notice.ErrChanged) {
		t.Errorf("approved unseen: %v", err)
	}
	if err := h.notices.Approve(t.Context(), ben.ID, n.Key, hash); err != nil {
		t.Fatal(err)
	}
	h.apply(strings.Replace(boats, "closes on {date:service_end}", "ends on {date:service_end}", 1))
	h.at("2026-06-01T02:05:00Z")
	if got := h.got("A-1"); len(got) != 0 {
		t.Errorf("an edit after the approval was sent: %q", got)
	}
	h.approveAll()
	letter, to, err := h.notices.Preview(t.Context(), ben.ID, "announcement", h.one(`SELECT id FROM customer`), "")
	if err != nil {
		t.Fatal(err)
	}
	h.at("2026-06-01T02:05:30Z")
	if got := h.got("A-1"); !slices.Equal(got, []string{"Boats ends on 31 January 2027"}) {
		t.Errorf("got %q", got)
	}
	m := h.box.Messages("")[0]
	if diff := cmp.Diff(letter.Plain, strings.ReplaceAll(m.Text, "\r\n", "\n")); diff != "" || to.Contact != "Ann *A-1*" {
		t.Errorf("sent is not what was previewed (-previewed +sent):\n%s", diff)
	}
	if sum := h.one(`SELECT body_hash FROM notice_delivery`); sum != letter.Sum {
		t.Errorf("hash %s, previewed %s", sum, letter.Sum)
	}
}

func TestN03_RefusalsInTheDialogue(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en", "A-3,Asia/Shanghai,en")
	h.approveAll()
	codes := map[string]int{"a-1@customer.example": 550, "a-2@customer.example": 451}
	h.box.Refuse(func(to string) int { return codes[to] })
	h.at("2026-06-01T02:00:00Z")
	states := `SELECT string_agg(c.ref || ' ' || m.state || ' ' || m.channel || ' ' || d.state, ', ' ORDER BY c.ref)
		FROM notice_message m JOIN customer c ON c.id = m.customer_id JOIN notice_delivery d ON d.message_id = m.id`
	if got := h.one(states); got != "A-1 sent call refused, A-2 planned email deferred, A-3 sent email accepted" {
		t.Errorf("%s", got)
	}
	if got := h.one(`SELECT string_agg(c.ref || ' ' || k.state, ', ') FROM notice_call k JOIN customer c ON c.id = k.customer_id`); got != "A-1 open" {
		t.Errorf("calls: %s", got)
	}
	if got := h.one(`SELECT string_agg(c.ref || ' ' || s.cause, ', ') FROM notice_suppression s JOIN customer c ON c.id = s.customer_id`); got != "A-1 refused" {
		t.Errorf("suppressed: %s", got)
	}
	codes = nil
	h.at("2026-06-01T02:10:00Z")
	if got := h.got("A-2"); len(got) != 1 {
		t.Errorf("a deferred mail was not tried again: %q", got)
	}
	if got := h.one(states); got != "A-1 sent call refused, A-2 sent email accepted, A-3 sent email accepted" {
		t.Errorf("%s", got)
	}
}

func TestN04_StatesOnlyMoveForward(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	h.exec(`UPDATE notice_delivery SET state = 'bounced'`)
	err := h.db.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(t.Context(), `UPDATE notice_delivery SET state = 'accepted'`)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "bounced cannot become accepted") {
		t.Errorf("%v", err)
	}
}

func TestN10_TooManyFailuresPauseANotice(t *testing.T) {
	var customers []string
	for i := range 60 {
		customers = append(customers, fmt.Sprintf("A-%d,Asia/Shanghai,en", i))
	}
	h := openHarbour(t, boats, customers...)
	h.approveAll()
	h.box.Refuse(func(string) int { return 550 })
	h.at("2026-06-01T02:00:00Z")
	if got := h.one(`SELECT notice || ' ' || paused || ' ' || reason FROM notice_control`); got != "announcement true bounces" {
		t.Errorf("%s", got)
	}
	if got := h.one(`SELECT count(*)::text FROM notice_message WHERE state = 'planned'`); got == "0" {
		t.Error("everything went out all the same")
	}
	h.box.Refuse(func(string) int { return 0 })
	if err := h.notices.Resume(t.Context(), ben.ID, "announcement"); err != nil {
		t.Fatal(err)
	}
	h.at("2026-06-01T02:10:00Z")
	if got := h.one(`SELECT count(*)::text FROM notice_message WHERE state = 'planned'`); got != "0" {
		t.Errorf("%s still wait", got)
	}
	for i := range 60 {
		if got := h.got(fmt.Sprintf("A-%d", i)); len(got) > 1 {
			t.Errorf("N02: A-%d got %d", i, len(got))
		}
	}
}

func TestN07_ThePublicNoticeWaitsForTheTalks(t *testing.T) {
	src := strings.Replace(boats, "  list:\n", `  list:
    - key: talk
      kind: personal
      on: {milestone: announcement, days: [-10]}
      words: [{script: {en: "Thank {contact}.", zh-CN: "感谢{contact}。"}}]
`, 1)
	h := openHarbour(t, src, "K-1,Asia/Shanghai,en", "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-05-22T02:00:00Z")
	if got := h.one(`SELECT c.ref || ' ' || k.state || ' ' || k.due_day FROM notice_call k JOIN customer c ON c.id = k.customer_id`); got != "K-1 open 2026-05-22" {
		t.Errorf("%s", got)
	}
	h.at("2026-06-01T02:00:00Z")
	if n := len(h.box.Messages("")); n != 0 {
		t.Errorf("%d mails while a talk is open", n)
	}
	planned, err := h.notices.Plan(t.Context())
	if err != nil || !slices.ContainsFunc(planned, func(p notice.Planned) bool { return p.Held == notice.HeldTalks && p.Open == 1 }) {
		t.Errorf("%+v %v", planned, err)
	}
	call := h.one(`SELECT id FROM notice_call`)
	if err := h.notices.EndCall(t.Context(), ben.ID, call, "", ""); !errors.Is(err, notice.ErrNoOutcome) {
		t.Errorf("ended without an outcome: %v", err)
	}
	if err := h.notices.EndCall(t.Context(), ben.ID, call, "reached", "will move"); err != nil {
		t.Fatal(err)
	}
	h.at("2026-06-01T02:05:00Z")
	if a, k := h.got("A-1"), h.got("K-1"); len(a) != 1 || len(k) != 1 {
		t.Errorf("%q %q", a, k)
	}
}

// TestZ05_ANameAtTheCommandLineDraftsNothing: the person who put such a version into effect stands for its words, and another approves.
func TestZ05_ANameAtTheCommandLineDraftsNothing(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.exec(`ALTER TABLE programme_version DISABLE TRIGGER programme_guard`)
	h.exec(`UPDATE programme_version SET origin = 'command', proposed_by = 'Ben Manager', approved_by = 'ben'`)
	p, err := h.programmes.Active(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := p.Notice("announcement")
	_, hash := notice.ContentOf(p, n)
	if err := h.notices.Approve(t.Context(), ben.ID, n.Key, hash); !errors.Is(err, notice.ErrSamePerson) {
		t.Errorf("approved by who put it into effect: %v", err)
	}
	if err := h.notices.Approve(t.Context(), anna.ID, n.Key, hash); err != nil {
		t.Error(err)
	}
}

// TestG05_NoticesWaitForTheGateOfTheWorkplan: planned or not, nothing but a talk goes while the gate is shut.
func TestG05_NoticesWaitForTheGateOfTheWorkplan(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.workplan("notices")
	h.at("2026-06-01T02:00:00Z")
	if n := len(h.box.Messages("")); n != 0 {
		t.Errorf("%d mails through a shut gate", n)
	}
	planned, err := h.notices.Plan(t.Context())
	if err != nil || planned[0].Held != notice.HeldGate {
		t.Errorf("%+v %v", planned, err)
	}
	h.exec(`INSERT INTO governance_gate (id, plan_id, phase, seen, until, opened_by, opened_at) VALUES ('g', 'p', 'approve', '{}', '2026-06-01T02:10:00Z', 'mia', now())`)
	h.clock.Set(time.Date(2026, 6, 1, 2, 5, 0, 0, time.UTC))
	if _, err := h.notices.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.at("2026-06-01T02:11:00Z") // it was planned while the gate was open, which is shut by now
	if n := len(h.box.Messages("")); n != 0 {
		t.Errorf("%d mails after the waiver's end", n)
	}
	h.exec(`UPDATE governance_gate SET until = NULL`)
	h.at("2026-06-01T02:12:00Z")
	if got := h.got("A-1"); len(got) != 1 {
		t.Errorf("after the gate opened: %q", got)
	}
}

func TestR04_ADeadProcessLeavesUnknownAndNoSecondCopy(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en")
	h.approveAll()
	h.clock.Set(time.Date(2026, 6, 1, 2, 0, 0, 0, time.UTC))
	died := errors.New("killed")
	h.sender.Post = deadly{t: t, died: died}
	func() {
		defer func() { _ = recover() }()
		_ = h.sender.Sweep(t.Context())
	}()
	if got := h.one(`SELECT string_agg(DISTINCT state, ',') FROM notice_delivery`); got != "sending" {
		t.Errorf("right after: %s", got)
	}
	h.sender.Post = h.post()
	h.at("2026-06-01T02:30:00Z")
	if n := len(h.box.Messages("")); n != 0 {
		t.Errorf("%d mails were sent blindly again", n)
	}
	if got := h.one(`SELECT string_agg(DISTINCT m.state || ' ' || d.state, ',') FROM notice_message m JOIN notice_delivery d ON d.message_id = m.id`); got != "sent unknown" {
		t.Errorf("after the sweep: %s", got)
	}
	// Nobody is left untold: without proof, a person calls.
	h.at("2026-06-05T02:30:00Z")
	if got := h.one(`SELECT count(*)::text FROM notice_call WHERE state = 'open'`); got != "2" {
		t.Errorf("%s calls", got)
	}
}

func (h *harbour) exec(sql string, args ...any) {
	h.Helper()
	if _, err := h.database.Super(h.T).Exec(h.Context(), sql, args...); err != nil {
		h.Fatal(err)
	}
}

// TestN12_WhatWasForeseenIsWhatWasSent lives a whole programme day by day.
func TestN12_WhatWasForeseenIsWhatWasSent(t *testing.T) {
	h := openHarbour(t, strings.Replace(boats, "notices:\n", "notices:\n  holidays: [2027-01-31]\n", 1), "A-1,Asia/Shanghai,en", "A-2,America/New_York,en", "A-3,Pacific/Kiritimati,zh-CN", "A-4,Etc/GMT+12,en")
	h.exec(`INSERT INTO extension VALUES ((SELECT id FROM customer WHERE ref = 'A-2'), 'export_deadline', '2027-03-20', '', 'anna', now())`)
	h.exec(`UPDATE journey SET export = 'completed' WHERE customer_id = (SELECT id FROM customer WHERE ref = 'A-3')`)
	h.approveAll()
	first, last := migration.NewDay(2026, time.May, 20), migration.NewDay(2027, time.April, 1)
	foreseen := map[string]bool{}
	for day := first; !day.After(last); day = day.AddDays(1) {
		list, err := h.notices.Foresee(t.Context(), ben.ID, day, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			for _, d := range f.Due {
				foreseen[fmt.Sprintf("%s %s %d %s", d.Ref, d.Notice, d.Stage, d.At.UTC().Format(time.RFC3339))] = true
			}
		}
	}
	if len(foreseen) < 40 {
		t.Fatalf("only %d foreseen", len(foreseen))
	}
	for day := first; !day.After(last); day = day.AddDays(1) {
		for hour := range 24 {
			at := day.Start(time.UTC).Add(time.Duration(hour) * time.Hour)
			if hour%3 != 1 && !strings.Contains(fmt.Sprint(foreseen), at.Format(time.RFC3339)) {
				continue // nothing is due, and the others stand for it
			}
			h.at(at.Format(time.RFC3339))
		}
	}
	sent := map[string]bool{}
	rows, err := h.database.Super(t).Query(t.Context(), `SELECT c.ref, m.notice, m.stage, m.due_at FROM notice_message m JOIN customer c ON c.id = m.customer_id WHERE m.sent_at IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var ref, key string
		var stage int
		var at time.Time
		if err := rows.Scan(&ref, &key, &stage, &at); err != nil {
			t.Fatal(err)
		}
		sent[fmt.Sprintf("%s %s %d %s", ref, key, stage, at.UTC().Format(time.RFC3339))] = true
	}
	if diff := cmp.Diff(foreseen, sent); diff != "" {
		t.Errorf("(-foreseen +sent)\n%s", diff)
	}
}

func TestN11_AnOptionalNoticeThatNobodyTakesRingsNobody(t *testing.T) {
	src := strings.Replace(boats, "    - key: export\n", `    - key: offer
      kind: optional
      on: {milestone: announcement}
      words: [{title: {en: Tips, zh-CN: 建议}, opening: {en: Hello., zh-CN: 您好。}, next: {en: Look., zh-CN: 请看。}}]
    - key: export
`, 1)
	h := openHarbour(t, src, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en")
	h.approveAll()
	who := migration.Who{
		CustomerID: h.one(`SELECT id FROM customer WHERE ref = 'A-1'`),
		ContactID:  h.one(`SELECT k.id FROM contact k JOIN customer c ON c.id = k.customer_id WHERE ref = 'A-1'`),
	}
	if err := h.notices.Want(t.Context(), who, false); err != nil {
		t.Fatal(err)
	}
	h.at("2026-06-01T02:00:00Z")
	if a, b := h.got("A-1"), h.got("A-2"); len(a) != 1 || len(b) != 2 {
		t.Errorf("declined: %q, taken: %q", a, b)
	}
	for _, m := range h.box.Messages("a-2@customer.example") { // only what is optional can be declined by one click
		token, _ := strings.CutPrefix(strings.Trim(m.Header["List-Unsubscribe"], "<>"), "https://moving.example/unsubscribe/")
		id, ok := seals.OpenLeave(token)
		if optional := m.Subject == "Tips"; ok != optional || strings.Contains(m.Text, "cannot unsubscribe from it") == optional || optional && (m.Header["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" || id == "") {
			t.Errorf("%s: %q, %q", m.Subject, m.Header["List-Unsubscribe"], m.Header["List-Unsubscribe-Post"])
		}
	}
	const sql = `SELECT m.state || ' ' || m.reason || ' ' || (SELECT count(*) FROM notice_call) FROM notice_message m
		JOIN customer c ON c.id = m.customer_id WHERE c.ref = 'A-1' AND m.notice = 'offer'`
	if got := h.one(sql); got != "dropped declined 0" {
		t.Errorf("%s", got)
	}
}
