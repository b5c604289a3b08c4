package portal_test

import (
	"maps"
	"net/url"
	"testing"

	"offramp/deploy/local/localtest"
)

func riskForm(more url.Values) url.Values {
	form := url.Values{
		"version": {"1"}, "title": {"Files are lost in the move"}, "class": {"technical"}, "likelihood": {"4"}, "impact": {"5"}, "plan": {"Try every export"},
		"sign": {"A checksum differs"}, "owner": {"identity-support"}, "review": {"2026-11-25"},
	}
	maps.Copy(form, more)
	return form
}

// fearing enters a risk and returns its page.
func (w *world) fearing() string {
	w.Helper()
	w.sent("programme_manager", "/console/risks/new", riskForm(nil), 303)
	return "/console/risks/" + w.text(`SELECT id FROM risk ORDER BY created_at DESC LIMIT 1`)
}

// TestARiskIsKeptUntilItIsProvedOver goes from an empty register over faults, two editors and a late review to evidence and back.
func TestARiskIsKeptUntilItIsProvedOver(t *testing.T) {
	w := newWorld(t)
	w.shows("auditor", "/console/risks", "No risks here", "Heat map")
	w.sent("support", "/console/risks/new", riskForm(nil), 403)
	a := w.sent("programme_manager", "/console/risks/new", riskForm(url.Values{
		"title": {" "}, "class": {"other"}, "likelihood": {"6"}, "impact": {""}, "owner": {"nobody"}, "review": {"2026-11-20"},
	}), 422)
	w.shownIn(a.body, `id="title-error"`, `id="class-error"`, `id="likelihood-error"`, `id="impact-error"`, `id="owner-error"`, `id="review-error"`, "Try every export", `value="2026-11-20"`)
	risk := w.fearing()
	w.shows("auditor", risk, "Files are lost in the move", "20", "High", "entered it")
	w.shows("auditor", "/console/risks", "impact=5&amp;likelihood=4", "with likelihood 4 and impact 5")
	w.shows("auditor", "/console/risks?impact=5&likelihood=4", risk)
	w.hides(w.get("auditor", "/console/risks?impact=4&likelihood=4").body, risk)
	w.hides(w.get("auditor", "/console/risks?class=legal").body, risk)

	// The owner writes, others do not; of two editors the second keeps what they wrote, and overwrites nothing.
	w.sent("auditor", risk+"/edit", riskForm(nil), 403)
	w.sent("support", risk+"/edit", riskForm(url.Values{"plan": {"Try every export twice"}}), 303)
	a = w.sent("programme_manager", risk+"/edit", riskForm(url.Values{"plan": {"My own words"}}), 409)
	w.shownIn(a.body, "My own words", "Try every export twice", "Someone changed this risk", `name="version" value="2"`)
	if plan := w.text(`SELECT plan FROM risk`); plan != "Try every export twice" {
		t.Errorf("the plan is %q", plan)
	}
	w.shows("auditor", risk, "Plan: Try every export → Try every export twice")

	// A late review is marked; an owner without a role as well.
	if _, err := w.super.Super(t).Exec(t.Context(), `UPDATE risk SET review_on = '2026-11-20'; UPDATE identity SET roles = '{}' WHERE id = 'identity-support'`); err != nil {
		t.Fatal(err)
	}
	w.shows("auditor", "/console/risks?state=late", "The review of 1 risk is overdue", "Review overdue", "(has no role any more)", risk)

	// Over with evidence, and again with a reason.
	a = w.sent("programme_manager", risk+"/close", url.Values{"version": {"2"}, "evidence": {"All are proved"}, "proof": {"ftp://x"}}, 422)
	w.shownIn(a.body, "All are proved", `value="ftp://x"`, `id="proof-error"`)
	w.sent("programme_manager", risk+"/close", url.Values{"version": {"2"}, "evidence": {""}, "proof": {""}}, 422)
	w.sent("programme_manager", risk+"/close", url.Values{"version": {"2"}, "evidence": {"All are proved"}, "proof": {"https://example.com/proof"}}, 303)
	w.shows("auditor", risk, "All are proved", `href="https://example.com/proof"`, "closed it")
	w.hides(w.get("auditor", "/console/risks").body, risk)
	w.sent("programme_manager", risk+"/edit", riskForm(url.Values{"version": {"3"}}), 409)
	w.sent("programme_manager", risk+"/reopen", url.Values{"version": {"3"}, "reason": {" "}}, 422)
	w.sent("programme_manager", risk+"/reopen", url.Values{"version": {"3"}, "reason": {"One was not"}}, 303)
	w.shows("auditor", risk, "One was not", "All are proved")
	if len(w.acts("risk.closed"))+len(w.acts("risk.reopened"))+len(w.acts("risk.changed")) != 3 {
		t.Error("the acts were not recorded once each")
	}
}

// TestH02_RisksInABrowser looks at the pages, wide and narrow, in both languages.
func TestH02_RisksInABrowser(t *testing.T) {
	w := newWorld(t)
	base, tab := w.browse(), localtest.Browser(t)
	risk := w.fearing()
	tab.Open(base + "/test-as/programme_manager")
	for tag, width := range map[string]int{"en": 390, "zh-CN": 1280} {
		w.speak("programme_manager", tag)
		for name, path := range map[string]string{"list": "/console/risks", "risk": risk, "new": "/console/risks/new"} {
			tab.Open(base + path)
			w.see(tab, "risks-"+name+"-"+tag, width)
		}
	}
}
