package portal_test

import (
	"net/url"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
)

const twoSteps = `path: two_steps
name: {en: Two steps, zh-CN: 两步}
steps:
  - - {key: finance, name: {en: Finance, zh-CN: 财务}, roles: [finance_approver], need: 1, days: 3}
    - {key: legal, name: {en: Legal, zh-CN: 法务}, watches: {en: the law, zh-CN: 合规}, chosen: true, days: 3}
  - - {key: board, name: {en: Board, zh-CN: 管理层}, chosen: true, days: 3}
`

// applied writes an application and submits it on two steps.
func (w *world) applied() (path string) {
	w.Helper()
	w.sent("programme_manager", "/console/approvals/paths", url.Values{"source": {twoSteps}}, 303)
	w.sent("programme_manager", "/console/approvals/new", url.Values{
		"kind": {"application"}, "title": {"Retire the product"}, "body": {"# Why\n\nWe <b>focus</b>."}, "budget": {"1,200"}, "currency": {"eur"},
	}, 303)
	path = "/console/approvals/" + w.text(`SELECT id FROM approval_paper`)
	w.sent("programme_manager", path+"/submit", url.Values{
		"version": {"1"}, "path": {"two_steps"}, "node-legal": {"identity-support"}, "node-board": {"identity-auditor"},
	}, 303)
	return path
}

func (w *world) decides(who, path, node, decision string, status int) {
	w.Helper()
	hash := w.text(`SELECT hash FROM approval_round ORDER BY round DESC LIMIT 1`)
	w.sent(who, path+"/decide", url.Values{"node": {node}, "seat": {"identity-" + who}, "hash": {hash}, "decision": {decision}, "words": {"Read by " + who}}, status)
}

// TestAnApplicationIsApprovedByThree is sent back once, changed, approved by three people, and opens the gate that asks for it.
func TestAnApplicationIsApprovedByThree(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.shows("support", "/console/approvals", "No paper has been written yet.")
	w.sent("support", "/console/approvals/new", url.Values{"kind": {"other"}}, 403)
	a := w.sent("programme_manager", "/console/approvals/new", url.Values{"kind": {"budget"}, "title": {""}, "body": {"Kept words"}, "budget": {"a lot"}}, 422)
	w.shownIn(a.body, "Kept words", `value="a lot"`, `id="title-error"`, `id="budget-error"`)
	a = w.sent("programme_manager", "/console/approvals/paths", url.Values{"source": {strings.Replace(twoSteps, "days: 3", "days: 0", 1)}}, 422)
	w.shownIn(a.body, "4:", "must be between 1 and 60 working days", "two_steps")
	paper := w.applied()
	w.shows("finance_approver", "/console/approvals", "Retire the product", "Being decided")
	body := w.shows("finance_approver", paper, "Your decision", "Two steps", "1200 EUR", "<svg", "Step 1 – Finance: Being decided; Legal: Being decided. Step 2 – Board: Not yet asked.")
	w.hides(body, "<b>focus</b>")
	w.hides(w.shows("programme_manager", paper, "Withdraw"), "Your decision")
	w.decides("finance_approver", paper, "board", "approve", 403)
	a = w.sent("support", paper+"/decide", url.Values{"node": {"legal"}, "seat": {"identity-support"}, "hash": {w.text(`SELECT hash FROM approval_round`)}, "decision": {"approve"}}, 422)
	w.shownIn(a.body, "Say what you base your decision on")
	w.decides("support", paper, "legal", "send_back", 303)
	w.shows("programme_manager", paper, "Sent back", "Read by support", "Choose this path")
	w.sent("programme_manager", paper+"/edit", url.Values{"version": {"1"}, "kind": {"application"}, "title": {"Retire the product"}, "body": {"# Why\n\nWe focus on another one."}, "budget": {"1200"}, "currency": {"EUR"}}, 303)
	w.sent("programme_manager", paper+"/edit", url.Values{"version": {"1"}, "kind": {"application"}, "title": {"x"}, "body": {"x"}}, 409)
	a = w.sent("programme_manager", paper+"/submit", url.Values{"version": {"2"}, "path": {"two_steps"}, "node-legal": {"identity-programme_manager"}}, 422)
	w.shownIn(a.body, `id="node-legal-error"`, `id="node-board-error"`, "cannot decide about it")
	w.sent("programme_manager", paper+"/submit", url.Values{"version": {"2"}, "path": {"two_steps"}, "node-legal": {"identity-support"}, "node-board": {"identity-auditor"}}, 303)
	w.decides("support", paper, "legal", "approve", 303)
	w.decides("finance_approver", paper, "finance", "approve", 303)
	w.decides("finance_approver", paper, "finance", "approve", 409)
	w.decides("auditor", paper, "board", "approve", 303)
	record := w.shows("support", paper+"/record", "Approved", "Round 1", "Round 2", "Read by auditor", w.text(`SELECT hash FROM approval_paper`), "We focus on another one.")
	w.shownIn(record, "Sent back", "Step 2 · Board")

	// The plan's gate sees it, until its words change.
	w.sent("programme_manager", "/console/workspace", url.Values{"template": {"retirement"}}, 303)
	w.shows("support", "/console/workspace", "Application to retire the product")
	w.sent("programme_manager", paper+"/edit", url.Values{"version": {"2"}, "kind": {"application"}, "title": {"Retire the product"}, "body": {"Never mind."}}, 303)
	w.shows("support", paper, "Void: its words changed")
	w.hides(w.get("support", "/console/workspace").body, "Application to retire the product")

	// Delegates and talks.
	a = w.sent("support", "/console/approvals/delegates", url.Values{"to": {"identity-auditor"}, "first": {"2026-11-25"}, "last": {"2026-11-24"}, "reason": {"Leave"}}, 422)
	w.shownIn(a.body, `value="2026-11-24"`, "must not be before the first")
	w.sent("support", "/console/approvals/delegates", url.Values{"to": {"identity-auditor"}, "first": {"2026-11-20"}, "last": {"2026-12-24"}, "reason": {"Leave"}}, 303)
	w.shows("auditor", "/console/approvals/delegates", "Leave", "20 November 2026 to 24 December 2026")
	a = w.sent("auditor", "/console/approvals/delegates", url.Values{"to": {"identity-support"}, "first": {"2026-11-25"}, "last": {"2026-11-26"}, "reason": {"Leave"}}, 409)
	w.sent("auditor", "/console/approvals/delegates/"+w.text(`SELECT id FROM approval_delegate`)+"/end", nil, 404)
	w.sent("support", "/console/approvals/delegates/"+w.text(`SELECT id FROM approval_delegate`)+"/end", nil, 303)
	a = w.sent("support", paper+"/talks", url.Values{"whom": {"Finance"}, "concern": {"cost"}, "said": {""}, "agreed": {"A cap"}}, 422)
	w.shownIn(a.body, "A cap", `id="said-error"`)
	w.sent("support", paper+"/talks", url.Values{"whom": {"Finance"}, "concern": {"cost"}, "said": {"Too dear"}, "agreed": {"A cap"}}, 303)
	w.shows("auditor", paper, "Too dear", "A cap", "What concerns them")
	if n := w.count(`SELECT count(*) FROM staff_mail WHERE kind = 'approval_done'`); n < 4 {
		t.Errorf("%d were told of the approval", n)
	}
}

// TestH02_ApprovalsInABrowser looks at the pages, wide and narrow, in both languages.
func TestH02_ApprovalsInABrowser(t *testing.T) {
	w := newWorld(t)
	w.notify()
	paper := w.applied()
	w.sent("support", "/console/approvals/delegates", url.Values{"to": {"identity-auditor"}, "first": {"2026-11-20"}, "last": {"2026-12-24"}, "reason": {"Leave"}}, 303)
	w.decides("support", paper, "legal", "approve", 303)
	w.sent("support", paper+"/talks", url.Values{"whom": {"Finance"}, "concern": {"cost"}, "said": {"Too dear"}}, 303)
	base, tab := w.browse(), localtest.Browser(t)
	for tag, width := range map[string]int{"en": 390, "zh-CN": 1280} {
		for name, page := range map[string][2]string{
			"list": {"finance_approver", "/console/approvals"}, "paper": {"finance_approver", paper}, "record": {"auditor", paper + "/record"},
			"delegates": {"support", "/console/approvals/delegates"}, "paths": {"programme_manager", "/console/approvals/paths"}, "new": {"programme_manager", "/console/approvals/new"},
		} {
			w.speak(page[0], tag)
			tab.Open(base + "/test-as/" + page[0])
			tab.Open(base + page[1])
			w.see(tab, "approval-"+name+"-"+tag, width)
		}
	}
}
