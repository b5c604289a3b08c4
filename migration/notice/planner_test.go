package notice_test

import (
	"slices"
	"testing"
)

// A pass after the first looks only at what has changed. Nobody who becomes due in between may be passed over.
func TestThePlannerFindsWhoHasChangedSinceTheLastPass(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en", "A-3,Asia/Shanghai,en", "A-4,Asia/Shanghai,en")
	h.exec(`UPDATE journey j SET export = 'completed', dates = 'completed' FROM customer c WHERE c.id = j.customer_id AND c.ref IN ('A-2', 'A-3', 'A-4')`)
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	h.at("2027-02-23T01:10:00Z") // a week before the deadline
	if got := h.got("A-1"); !slices.Equal(got, []string{"2 things to do before Boats closes", "Boats closes on 31 January 2027"}) {
		t.Fatalf("A-1 got %q", got)
	}

	for _, one := range []struct{ why, ref, sql, at string }{
		{"a step that is open again", "A-2", `UPDATE journey SET export = 'not_started', updated_at = $1 WHERE customer_id = (SELECT id FROM customer WHERE ref = 'A-2')`, "2027-02-23T01:20:00Z"},
		{"a change that was committed late", "A-3", `UPDATE journey SET export = 'not_started', updated_at = $1::timestamptz - interval '8 minutes' WHERE customer_id = (SELECT id FROM customer WHERE ref = 'A-3')`, "2027-02-23T01:21:00Z"},
	} {
		h.exec(one.sql, h.clock.Now())
		h.at(one.at)
		if got := h.got(one.ref); len(got) != 2 {
			t.Errorf("%s: %s got %q", one.why, one.ref, got)
		}
	}
	h.bring("B-1,America/New_York,en") // a customer in a zone of which no pass knew: it is evening there
	h.at("2027-02-23T01:40:00Z")
	if got := h.one(`SELECT string_agg(m.notice, ' ' ORDER BY m.notice) FROM notice_message m JOIN customer c ON c.id = m.customer_id WHERE c.ref = 'B-1'`); got != "announcement confirm export" {
		t.Errorf("for B-1 is planned %q", got)
	}

	// What bears no time of its change is found by the pass over all, within the hour.
	h.exec(`UPDATE journey SET export = 'not_started' WHERE customer_id = (SELECT id FROM customer WHERE ref = 'A-4')`)
	h.at("2027-02-23T02:00:00Z")
	if got := h.got("A-4"); len(got) != 1 {
		t.Errorf("A-4 got %q: the pass looked at everybody", got)
	}
	h.at("2027-02-23T02:11:00Z")
	if got := h.got("A-4"); len(got) != 2 {
		t.Errorf("A-4 got %q after an hour", got)
	}
}

func TestAPassAfterAnExtensionPlansTheLaterDay(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en")
	h.approveAll()
	h.at("2026-06-01T02:00:00Z")
	h.at("2027-02-23T01:10:00Z")
	before := len(h.got("A-1"))
	h.exec(`INSERT INTO extension (customer_id, milestone, day, granted_by, granted_at) SELECT id, 'export_deadline', '2027-03-10', 'ben', $1 FROM customer WHERE ref = 'A-1'`, h.clock.Now())
	h.at("2027-02-23T01:30:00Z")
	if got := h.got("A-1"); len(got) != before {
		t.Errorf("A-1 got %q before the later day comes near", got)
	}
	h.at("2027-03-03T01:10:00Z") // a week before the later day
	if got := h.got("A-1"); len(got) == before {
		t.Error("nobody reminded of the later day")
	}
	before = len(h.got("A-2")) // is given a day that others have already, of which all were gone through
	h.exec(`INSERT INTO extension (customer_id, milestone, day, granted_by, granted_at) SELECT id, 'export_deadline', '2027-03-10', 'ben', $1 FROM customer WHERE ref = 'A-2'`, h.clock.Now())
	h.at("2027-03-03T01:20:00Z")
	if got := h.got("A-2"); len(got) == before {
		t.Error("A-2 is not reminded of the later day")
	}
}
