package notice_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/internal/textdiff"
	"offramp/migration/notice"
)

// moved is boats with another last day to export.
func movedTo(day string) string {
	return strings.Replace(boats, "{key: export_deadline, day: 2027-03-02}", "{key: export_deadline, day: "+day+"}", 1)
}

func TestAMovedDateTellsItself(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,zh-CN", "A-4,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	h.exec(`INSERT INTO extension VALUES ((SELECT id FROM customer WHERE ref = 'A-4'), 'export_deadline', '2027-06-30', '', 'anna', now())`)
	h.bring("A-3,Asia/Shanghai,en") // who is announced the second day, between the two moves
	h.box.Clear()
	h.apply(movedTo("2027-03-20"))
	if got := h.one(`SELECT detail->>'correction' FROM audit WHERE act = 'programme.approve' ORDER BY seq DESC LIMIT 1`); got != "2" {
		t.Errorf("the audit log counts %s customers to correct", got)
	}
	h.at("2026-06-01T02:10:00Z")
	if a := h.got("A-1"); len(a) != 0 {
		t.Errorf("sent before anybody approved it: %q", a)
	}
	// A second move before anything was sent takes the first one's place.
	h.apply(movedTo("2027-03-25"))
	if got := h.one(`SELECT string_agg(version || ' ' || coalesce(replaced_by::text, '-'), ', ' ORDER BY version) FROM notice_correction`); got != "2 3, 3 -" {
		t.Errorf("drafts: %s", got)
	}
	h.approve("moved:3")
	h.at("2026-06-01T02:20:00Z")
	h.at("2026-06-01T02:21:00Z")
	h.at("2026-06-01T04:00:00Z")
	if a, b := h.got("A-1"), h.got("A-2"); !slices.Equal(a, []string{"Boats: dates have moved"}) || !slices.Equal(b, []string{"小船：日期有变动"}) {
		t.Errorf("%q %q", a, b)
	}
	if got := h.got("A-4"); len(got) != 0 {
		t.Errorf("to whom it did not move: %q", got)
	}
	if m := h.box.Messages("a-3@customer.example")[0]; !strings.Contains(m.Text, "25 March 2027 (we told you 20 March 2027)") {
		t.Errorf("who was told the day in between:\n%s", m.Text)
	}
	m := h.box.Messages("a-1@customer.example")[0]
	if !strings.Contains(m.Text, "25 March 2027 (we told you 2 March 2027)") || strings.Contains(m.Text, "20 March") {
		t.Errorf("the text:\n%s", m.Text)
	}
	// Back to the first day: those who were told the other one hear of it once more.
	h.box.Clear()
	h.apply(boats)
	h.approve("moved:4")
	h.at("2026-06-01T05:00:00Z")
	if a, b := h.got("A-1"), h.got("A-3"); len(a) != 1 || len(b) != 1 {
		t.Errorf("back again: %q %q", a, b)
	}
	if m := h.box.Messages("a-1@customer.example")[0]; !strings.Contains(m.Text, "2 March 2027 (we told you 25 March 2027)") {
		t.Errorf("the text:\n%s", m.Text)
	}
}

func TestR05_WhoHeardOfTheMoveElsewhereIsNotToldTwice(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	h.apply(movedTo("2027-03-20"))
	h.approve("moved:2")
	if _, err := h.notices.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A-1 is told the new day by something else before the correction goes out.
	h.exec(`UPDATE notice_delivery SET days = days || '{"export_deadline": "2027-03-20"}' WHERE customer_id = (SELECT id FROM customer WHERE ref = 'A-1')`)
	h.box.Clear()
	h.at("2026-06-01T02:30:00Z")
	if a, b := h.got("A-1"), h.got("A-2"); len(a) != 0 || len(b) != 1 {
		t.Errorf("%q %q", a, b)
	}
	if got := h.one(`SELECT m.state || ' ' || m.reason FROM notice_message m JOIN customer c ON c.id = m.customer_id WHERE ref = 'A-1' AND notice = 'moved:2'`); got != "dropped current" {
		t.Errorf("A-1: %s", got)
	}
	list, err := h.notices.Outdated(t.Context(), ben.ID)
	if err != nil || len(list) != 1 || list[0].Notice != "announcement" || list[0].Customers != 1 || list[0].Open != 0 {
		t.Errorf("outdated: %+v %v", list, err)
	}
}

func TestAMovedDateShowsWhoWasToldTheOldOne(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	p, err := h.programmes.Propose(t.Context(), anna, []byte(movedTo("2027-03-20")))
	if err != nil {
		t.Fatal(err)
	}
	m, err := h.notices.Misled(t.Context(), ben.ID, p.Programme, p.Moved, 1)
	if err != nil {
		t.Fatal(err)
	}
	if m.Customers != 2 || len(m.List) != 1 || m.List[0].Ref != "A-1" || !slices.Equal(m.Notices, []notice.CountOf{{Notice: "announcement", Customers: 2}}) {
		t.Errorf("%+v", m)
	}
	if d := m.List[0].Dates; len(d) != 1 || d[0].Was.String() != "2027-03-02" || d[0].Day.String() != "2027-03-20" {
		t.Errorf("%+v", d)
	}
}

// What was planned of a notice that the programme drops ends, too: else nothing is ever finished.
func TestANoticeThatLeavesTheProgrammeLeavesNothingWaiting(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	h.exec(`UPDATE notice_message SET state = 'planned', notice = 'old', next_at = '2099-01-01'`)
	h.apply(strings.Replace(boats, "Thank you.", "Thanks.", 1))
	h.at("2026-06-01T02:05:00Z")
	if got := h.one(`SELECT state || ' ' || reason FROM notice_message WHERE notice = 'old'`); got != "dropped gone" {
		t.Errorf("%s", got)
	}
}

func TestASecondMoveOfAnotherDateStillTellsTheFirst(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	h.apply(movedTo("2027-03-20"))
	h.apply(strings.Replace(movedTo("2027-03-20"), "{key: sales_stop, day: 2026-08-01}", "{key: sales_stop, day: 2026-08-15}", 1))
	h.approve("moved:3")
	h.box.Clear()
	h.at("2026-06-01T02:30:00Z")
	m := h.box.Messages("a-1@customer.example")[0]
	for _, want := range []string{"20 March 2027 (we told you 2 March 2027)", "15 August 2026 (we told you 1 August 2026)"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("no %q:\n%s", want, m.Text)
		}
	}
}

func TestN02_ANewRateCountsAndNobodyIsToldTwice(t *testing.T) {
	var customers []string
	for i := range 50 {
		customers = append(customers, fmt.Sprintf("A-%d,Asia/Shanghai,en", i))
	}
	h := openHarbour(t, boats, customers...)
	h.approveAll()
	for _, bad := range []int{-1, 1_000_001} {
		if err := h.notices.SetRate(t.Context(), ben.ID, bad); !errors.Is(err, notice.ErrBadRate) {
			t.Errorf("%d: %v", bad, err)
		}
	}
	if err := h.notices.SetRate(t.Context(), ben.ID, 10); err != nil {
		t.Fatal(err)
	}
	h.at("2026-06-01T02:00:00Z")
	if n := len(h.box.Messages("")); n != 10 {
		t.Errorf("%d mails in the first minute", n)
	}
	if err := h.notices.Pause(t.Context(), ben.ID, "announcement", "typo"); err != nil {
		t.Fatal(err)
	}
	h.at("2026-06-01T02:02:00Z")
	if n := len(h.box.Messages("")); n != 10 {
		t.Errorf("%d mails while it stands still", n)
	}
	if err := h.notices.Resume(t.Context(), ben.ID, "announcement"); err != nil {
		t.Fatal(err)
	}
	if rate, own, err := h.notices.Rate(t.Context(), ben.ID); err != nil || rate != 10 || !own {
		t.Errorf("a pause forgot the rate: %d %v %v", rate, own, err)
	}
	if err := h.notices.SetRate(t.Context(), ben.ID, 0); err != nil {
		t.Fatal(err)
	}
	h.sender = &notice.Sender{Service: notice.NewService(h.db, h.programmes, "https://moving.example", seals), Post: h.post(), Logger: slog.New(slog.DiscardHandler)}
	h.at("2026-06-01T02:04:00Z") // another process, as after a restart
	for i := range 50 {
		if got := h.got(fmt.Sprintf("A-%d", i)); len(got) != 1 {
			t.Errorf("A-%d got %q", i, got)
		}
	}
}

func TestN06_ASecondApprovalSeesTheDifferenceInWords(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.apply(strings.Replace(boats, "closes on {date:service_end}", "ends on {date:service_end}", 1))
	list, err := h.notices.Overview(t.Context(), ben.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := []notice.Change{{Path: "Notice.Words.1.Title.en", Parts: textdiff.Words("{product} closes on {date:service_end}", "{product} ends on {date:service_end}")}}
	if diff := cmp.Diff(want, list[0].Changes); diff != "" || list[0].Approved || list[1].Changes != nil {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
