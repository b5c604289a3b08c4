package notice_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
	"offramp/internal/db"
	"offramp/migration/notice"
	"offramp/migration/notice/reach"
)

// talk is boats with a talk with core customers before the public notice.
var talk = strings.Replace(boats, "  list:\n", `  list:
    - key: talk
      kind: personal
      on: {milestone: announcement, days: [-10]}
      words: [{script: {en: "Thank {contact}.", zh-CN: "感谢{contact}。"}}]
`, 1)

func TestN07_OnlyAWaiverByTwoPeopleStandsForATalk(t *testing.T) {
	h := openHarbour(t, talk, "K-1,Asia/Shanghai,en", "A-1,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-05-22T02:00:00Z")
	call := h.one(`SELECT id FROM notice_call`)
	// A call that reaches nobody is no talk.
	for _, outcome := range []string{notice.CallNoAnswer, notice.CallWrong} {
		if err := h.notices.EndCall(t.Context(), ben.ID, call, outcome, ""); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.one(`SELECT state || ' ' || attempts || ' ' || due_day FROM notice_call`); got != "open 2 2026-05-23" {
		t.Errorf("after two attempts: %s", got)
	}
	if err := h.notices.ConfirmWaiver(t.Context(), ben.ID, call); !errors.Is(err, notice.ErrUnknown) {
		t.Errorf("a waiver that nobody asked for: %v", err)
	}
	if err := h.notices.AskWaiver(t.Context(), ben.ID, call, " "); !errors.Is(err, notice.ErrNoReason) {
		t.Errorf("without a reason: %v", err)
	}
	if err := h.notices.AskWaiver(t.Context(), ben.ID, call, "closed down"); err != nil {
		t.Fatal(err)
	}
	if err := h.notices.ConfirmWaiver(t.Context(), ben.ID, call); !errors.Is(err, notice.ErrSamePerson) {
		t.Errorf("confirmed by who asked: %v", err)
	}
	h.at("2026-06-01T02:00:00Z")
	if n := len(h.box.Messages("")); n != 0 {
		t.Errorf("%d mails while a waiver waits", n)
	}
	if err := h.notices.ConfirmWaiver(t.Context(), anna.ID, call); err != nil {
		t.Fatal(err)
	}
	h.at("2026-06-01T02:05:00Z")
	if a, k := h.got("A-1"), h.got("K-1"); len(a) != 1 || len(k) != 1 {
		t.Errorf("%q %q", a, k)
	}
}

func TestN14_TheServiceEndWaitsForEverybody(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en", "A-3,Asia/Shanghai,en")
	h.approveAll()
	s := reach.NewService(h.db, h.programmes)
	h.at("2026-06-01T02:00:00Z")
	if err := s.AskEnd(t.Context(), anna.ID); !errors.Is(err, reach.ErrEarly) {
		t.Errorf("before its day: %v", err)
	}
	h.at("2027-02-01T02:00:00Z")
	id := func(ref string) string { return h.one(`SELECT id FROM customer WHERE ref = $1`, ref) }
	h.exec(`INSERT INTO identity (id, realm, issuer, subject, customer_id, contact_id, name, created_at, signed_in_at)
		SELECT 'i', 'customer', 'x', 'x', c.id, k.id, 'Ann', now(), '2026-05-31' FROM customer c JOIN contact k ON k.customer_id = c.id WHERE ref = 'A-1'`)
	if err := s.AskEnd(t.Context(), anna.ID); !errors.Is(err, reach.ErrUnreached) {
		t.Errorf("with three customers whom nothing reached: %v", err)
	}
	p, err := s.List(t.Context(), ben.ID, reach.Query{Limit: 10})
	if err != nil || p.Unreached != 3 || p.All != 3 || p.List[0].Why != reach.WhySilent || p.List[0].CallID == "" {
		t.Errorf("%+v %v", p, err)
	}
	if p, err = s.List(t.Context(), ben.ID, reach.Query{Search: "a-2", Limit: 10}); err != nil || p.Found != 1 || p.List[0].Ref != "A-2" {
		t.Errorf("found %+v %v", p, err)
	}
	h.exec(`UPDATE identity SET signed_in_at = '2026-07-01'`) // A-1 signs in after the announcement
	call := h.one(`SELECT k.id FROM notice_call k JOIN customer c ON c.id = k.customer_id WHERE ref = 'A-2' AND notice = 'announcement'`)
	if err := h.notices.EndCall(t.Context(), ben.ID, call, notice.CallReached, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.AskWaiver(t.Context(), anna.ID, id("A-3"), "closed down"); err != nil {
		t.Fatal(err)
	}
	if err := s.AskEnd(t.Context(), anna.ID); !errors.Is(err, reach.ErrUnreached) {
		t.Errorf("while a waiver waits: %v", err)
	}
	if err := s.ConfirmWaiver(t.Context(), anna.ID, id("A-3")); !errors.Is(err, reach.ErrSame) {
		t.Errorf("confirmed by who asked: %v", err)
	}
	if err := s.ConfirmWaiver(t.Context(), ben.ID, id("A-3")); err != nil {
		t.Fatal(err)
	}
	h.workplan("service_end") // G05: the gate before it is shut
	if err := s.AskEnd(t.Context(), anna.ID); !errors.Is(err, reach.ErrGate) {
		t.Errorf("through a shut gate: %v", err)
	}
	h.exec(`INSERT INTO governance_gate (id, plan_id, phase, seen, opened_by, opened_at) VALUES ('g', 'p', 'approve', '{}', 'mia', now())`)
	if err := s.AskEnd(t.Context(), anna.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.DeclareEnd(t.Context(), anna.ID); !errors.Is(err, reach.ErrSame) {
		t.Errorf("declared by who asked: %v", err)
	}
	h.bring("A-4,Asia/Shanghai,en") // an import in between
	if err := s.DeclareEnd(t.Context(), ben.ID); !errors.Is(err, reach.ErrUnreached) {
		t.Errorf("with a customer who came in between: %v", err)
	}
	// The database refuses it to whomever, also to who cannot see the customers.
	for _, scope := range []db.Scope{db.SystemScope("test"), db.NoScope()} {
		err = h.db.InTx(t.Context(), scope, func(tx *db.Tx) error {
			_, err := tx.Pgx.Exec(t.Context(), `UPDATE service_end SET declared_by = 'ben', declared_at = now()`)
			return err
		})
		if !db.IsCheck(err, "service_end_reached") && !db.IsCheck(err, "service_end_scope") {
			t.Errorf("the database declares it: %v", err)
		}
	}
	h.exec(`UPDATE customer SET state = 'disabled' WHERE ref = 'A-4'`)
	if err := s.DeclareEnd(t.Context(), ben.ID); err != nil {
		t.Fatal(err)
	}
	if e, err := s.End(t.Context(), ben.ID); err != nil || e.DeclaredBy != ben.ID || e.AskedBy != anna.ID {
		t.Errorf("%+v %v", e, err)
	}
}

func TestN14_APersonTakesACustomerWhoWasSentNothing(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	s := reach.NewService(h.db, h.programmes)
	id := h.one(`SELECT id FROM customer`)
	for range 2 {
		if err := s.OpenCall(t.Context(), ben.ID, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.OpenCall(t.Context(), ben.ID, "nobody"); !errors.Is(err, reach.ErrUnknown) {
		t.Errorf("%v", err)
	}
	list, err := h.notices.Calls(t.Context(), ben.ID, 10)
	if err != nil || len(list) != 1 || list[0].Owner != ben.ID || list[0].Script == "" {
		t.Errorf("%+v %v", list, err)
	}
	p, err := s.List(t.Context(), ben.ID, reach.Query{Limit: 10})
	if err != nil || p.List[0].Why != reach.WhyUntold || p.List[0].CallID != list[0].ID {
		t.Errorf("%+v %v", p, err)
	}
}

// TestZ05_NoNameThatNobodyBearsWaives tries, as the web side's role, what no page offers.
func TestZ05_NoNameThatNobodyBearsWaives(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en")
	web := h.database.Web(t, db.Options{Clock: h.clock})
	for id, role := range map[string]string{"mia": "programme_manager", "max": "programme_manager", "leo": "finance_clerk"} {
		h.exec(`INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at)
			VALUES ('` + id + `', 'staff', 'i', '` + id + `', '` + id + `', '{` + role + `}', now(), now())`)
	}
	at, tables := map[string]context.Context{}, h.database.Super(t)
	for _, id := range []string{"mia", "max", "leo"} {
		at[id] = localtest.SignedIn(t.Context(), t, tables, id)
	}
	as := func(who, sql string) error {
		return web.InTx(at[who], db.StaffScope(who), func(tx *db.Tx) error {
			_, err := tx.Pgx.Exec(t.Context(), sql)
			return err
		})
	}
	const ask = `INSERT INTO notice_waiver (customer_id, reason, asked_by, asked_at) SELECT id, 'r', '%s', now() FROM customer`
	for name, sql := range map[string]string{
		"by nobody":      fmt.Sprintf(ask, "Mia Manager"),
		"by a clerk":     fmt.Sprintf(ask, "leo"),
		"both at once":   `INSERT INTO notice_waiver (customer_id, reason, asked_by, asked_at, confirmed_by) SELECT id, 'r', 'mia', now(), 'max' FROM customer`,
		"an end at once": `INSERT INTO service_end (version, asked_by, asked_at, declared_by) VALUES (1, 'mia', now(), 'max')`,
	} {
		if err := as("mia", sql); err == nil {
			t.Errorf("%s: done", name)
		}
	}
	if err := as("leo", fmt.Sprintf(ask, "leo")); err == nil {
		t.Error("by a clerk who is signed in: done")
	}
	if err := as("max", fmt.Sprintf(ask, "mia")); err == nil {
		t.Error("in the name of another: done")
	}
	if err := as("mia", fmt.Sprintf(ask, "mia")); err != nil {
		t.Fatal(err)
	}
	for name, sql := range map[string]string{
		"confirmed by nobody": `UPDATE notice_waiver SET confirmed_by = 'Max'`, "confirmed by a clerk": `UPDATE notice_waiver SET confirmed_by = 'leo'`,
	} {
		if err := as("leo", sql); err == nil {
			t.Errorf("%s: done", name)
		}
	}
	if err := as("mia", `UPDATE notice_waiver SET confirmed_by = 'max', confirmed_at = now()`); err == nil {
		t.Error("confirmed in the name of another: done")
	}
	if err := as("max", `UPDATE notice_waiver SET confirmed_by = 'max', confirmed_at = now()`); err != nil {
		t.Fatal(err)
	}
	if err := as("mia", `UPDATE notice_waiver SET asked_by = 'max', confirmed_by = 'mia'`); err == nil {
		t.Error("what two people decided was decided anew")
	}
}
