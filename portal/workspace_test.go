package portal_test

import (
	"net/url"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
)

const plan = "/console/workspace/light"

// TestACompanyRunsItsPlan goes from the choice of a template over owners, items and a waiver to an open gate.
func TestACompanyRunsItsPlan(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.exec(`INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at) VALUES ('max', 'staff', 'x', 'max', 'Max Second', '{programme_manager}', now(), now())`)
	w.shows("support", "/console/workspace", "Choose a workplan", "A programme manager starts the workplan.", "Retirement in ten steps")
	w.sent("programme_manager", "/console/workspace", url.Values{"template": {"none"}}, 404)
	w.sent("programme_manager", "/console/workspace", url.Values{"template": {"light"}}, 303)
	w.sent("programme_manager", "/console/workspace", url.Values{"template": {"light"}}, 409)
	w.shows("support", "/console/workspace", "Retirement in ten steps", "0 of 10 items are done.", "Gate: Ready to announce", "Write down why the product is retired", "Every notice is approved")
	w.sent("programme_manager", plan+"/phases/approve/open", nil, 409)

	// Faults stand beside their fields, and what was written is kept.
	item := plan + "/items/reasons"
	a := w.sent("programme_manager", item+"/done", url.Values{"version": {"1"}, "note": {"We focus."}, "link": {"wiki"}}, 422)
	w.shownIn(a.body, "We focus.", `value="wiki"`, `id="link-error"`, "Enter a whole web address")
	a = w.sent("programme_manager", item+"/assign", url.Values{"version": {"1"}, "owner": {"identity-support"}, "day": {"tomorrow"}}, 422)
	w.shownIn(a.body, `value="tomorrow"`, `id="day-error"`)
	w.sent("programme_manager", item+"/assign", url.Values{"version": {"1"}, "owner": {"identity-support"}}, 303)
	w.shows("support", plan, "Yours", "Write down why the product is retired")
	w.sent("auditor", item+"/done", url.Values{"version": {"2"}}, 403)
	w.sent("support", item+"/done", url.Values{"version": {"1"}}, 409)
	w.sent("support", item+"/done", url.Values{"version": {"2"}, "note": {"We focus."}}, 303)
	a = w.sent("auditor", item+"/comment", url.Values{"text": {""}}, 422)
	w.shownIn(a.body, "Write something first")
	w.sent("auditor", item+"/comment", url.Values{"text": {"<b>Well</b> said"}}, 303)
	w.shows("auditor", item, "&lt;b&gt;Well&lt;/b&gt; said", "marked it as done", "the owner")
	for _, key := range []string{"agreements", "programme_file", "export_tried"} {
		w.sent("programme_manager", plan+"/items/"+key+"/done", url.Values{"version": {"1"}}, 303)
	}

	// The fact is waived by two, until a day; the item that it ticks as well.
	waive := plan + "/phases/approve/facts/words/waive"
	a = w.sent("programme_manager", waive, url.Values{"reason": {"The printer is late"}, "until": {"2026-11-20"}}, 422)
	w.shownIn(a.body, `value="The printer is late"`, "Enter a date that has not passed")
	w.sent("programme_manager", waive, url.Values{"reason": {"The printer is late"}, "until": {"2026-11-30"}}, 303)
	w.sent("programme_manager", plan+"/items/notices_ready/waive", url.Values{"reason": {"The printer is late"}, "until": {"2026-11-30"}}, 303)
	for _, id := range strings.Fields(w.text(`SELECT string_agg(id, ' ') FROM governance_waiver`)) {
		w.sent("programme_manager", plan+"/waivers/"+id+"/agree", nil, 403)
		if _, err := w.super.Super(t).Exec(t.Context(), `UPDATE governance_waiver SET asked_by = 'max' WHERE id = $1`, id); err != nil { // as if a colleague had asked
			t.Fatal(err)
		}
		w.sent("programme_manager", plan+"/waivers/"+id+"/agree", nil, 303)
	}
	w.shows("programme_manager", plan, "“Prepare” has everything it needs", "Max Second, agreed by")
	w.sent("support", plan+"/phases/approve/open", nil, 403)
	w.sent("programme_manager", plan+"/phases/approve/open", nil, 303)
	w.shows("programme_manager", plan, "opened it on", "It is open because of a waiver until the end of 30 November 2026", "Gate: The service may end")
	w.sent("programme_manager", plan+"/phases/carry_out/replan", url.Values{"edge": {"to"}, "day": {"2027-03-10"}, "reason": {"More exports"}}, 303)
	w.shows("programme_manager", plan, "10 March 2027, first planned for 2 March 2027", "More exports")

	// The checklist by department, person and month; handing over.
	w.shows("support", plan+"/items?by=department&show=all", "Programme management", "Legal", "Finance")
	w.shows("support", plan+"/items?by=day&show=all", "2026-07")
	w.shows("support", plan+"/items?show=late", "Stop sign-ups and paid orders at the instant", "31 October 2026, 21 days ago")
	w.shows("support", plan+"/items?show=late&whose=max", "There is nothing left here")
	w.sent("programme_manager", plan+"/items/erased/assign", url.Values{"version": {"1"}, "owner": {"identity-support"}}, 303)
	w.sent("programme_manager", "/console/workspace/hand-over", url.Values{"from": {"identity-support"}, "to": {"max"}, "plan": {"light"}}, 303)
	w.shows("support", plan+"/items?by=person", "Max Second")

	// The full template takes over; what was done stays.
	w.sent("programme_manager", "/console/workspace/change", url.Values{"template": {"retirement"}}, 303)
	w.shows("support", "/console/workspace", "Retirement of a product", "Ready to apply")
	w.shows("support", "/console/workspace/retirement/items/reasons", "We focus.", "Done")
	if n := len(w.acts("workspace.done")); n != 4 {
		t.Errorf("%d acts were recorded", n)
	}
}

// TestH02_ThePlanInABrowser looks at the plan's pages, wide and narrow, in both languages.
func TestH02_ThePlanInABrowser(t *testing.T) {
	w := newWorld(t)
	w.notify()
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	tab.Allow("422")
	tab.Open(base + "/test-as/programme_manager")
	w.speak("programme_manager", "en")
	tab.Open(base + "/console/workspace")
	w.see(tab, "plan-choose-en")
	w.sent("programme_manager", "/console/workspace", url.Values{"template": {"retirement"}}, 303)
	const plan = "/console/workspace/retirement"
	w.sent("programme_manager", plan+"/items/decision/assign", url.Values{"version": {"1"}, "owner": {"identity-programme_manager"}}, 303)
	w.sent("programme_manager", plan+"/items/decision/waive", url.Values{"reason": {"Decided last year"}, "until": {"2027-01-31"}}, 303)
	w.sent("programme_manager", plan+"/items/reasons/done", url.Values{"version": {"1"}, "note": {"We focus."}}, 303)
	for tag, width := range map[string]int{"en": 390, "zh-CN": 1280} {
		w.speak("programme_manager", tag)
		for name, path := range map[string]string{"plan": plan, "items": plan + "/items", "decision": plan + "/items/decision", "reasons": plan + "/items/reasons"} {
			tab.Open(base + path)
			w.see(tab, "plan-"+name+"-"+tag, width)
		}
	}
	tab.Open(base + plan + "/items/goals")
	tab.Fill("#link", "wiki")
	tab.Click("#finish .btn--primary")
	tab.Wait(".errors")
	w.see(tab, "plan-errors")
}
