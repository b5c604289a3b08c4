package portal_test

import (
	"net/url"
	"testing"

	"offramp/deploy/examples"
	"offramp/deploy/local/localtest"
)

// TestH02_ExportPagesInABrowser looks at an export in each state.
func TestH02_ExportPagesInABrowser(t *testing.T) {
	w := newWorld(t)
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404") // the icon that browsers ask for on the first page, which is no page of ours
	tab.Open(base + "/test-as/owner")
	look := func(paths ...string) {
		t.Helper()
		for _, tag := range []string{"en", "zh-CN"} {
			w.speak("owner", tag)
			for _, path := range paths {
				w.look(tab, base, tag, path)
			}
		}
	}
	look("/exports")
	e := w.requestExport("owner", "a")
	path := "/exports/" + e.ID
	look(path)
	w.exec(`UPDATE export SET state = 'failed', finished_at = $2 WHERE id = $1`, e.ID, day)
	look(path)
	w.seal(e, "a", partial())
	look("/exports", path, path+"/check")
	w.get("owner", path+"/download")
	look(path, path+"/check")
	w.exec(`UPDATE export SET state = 'expired' WHERE id = $1`, e.ID)
	look(path)
}

// TestH02_ConsolesInABrowser looks at each page of staff.
func TestH02_ConsolesInABrowser(t *testing.T) {
	w := newWorld(t)
	w.exec(`UPDATE customer SET tier = 'core'`)
	w.exec(`INSERT INTO extension (customer_id, milestone, day, reason, granted_by, granted_at) VALUES ($1, 'export_deadline', '2027-03-20', 'Long illness.', 'identity-support', $2)`, w.ids["a"], day)
	e := w.requestExport("owner", "a")
	w.exec(`UPDATE export SET state = 'failed', failures = 3, cause = 'column title is gone', finished_at = $2 WHERE id = $1`, e.ID, day)
	w.propose("operator", string(examples.Hezhou))
	w.exec(`UPDATE identity SET roles = '{support,programme_manager,auditor}' WHERE id = 'identity-support'`)
	w.manager("second")
	w.sent("second", "/console/people/staff/identity-finance_clerk/disable", url.Values{"reason": {"Has left the company."}}, 303)
	w.sent("second", "/console/people/customer/"+w.ids["member"]+"/disable", url.Values{"reason": {"Requested it by phone."}}, 303)
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404") // the icon that browsers ask for on the first page, which is no page of ours
	tab.Allow("422")
	tab.Open(base + "/test-as/support")
	for _, tag := range []string{"en", "zh-CN"} {
		w.speak("support", tag)
		for _, path := range []string{
			"/console", "/console/support", "/console/support?q=canary", "/console/support?q=nobody", screen,
			"/console/programme", "/console/programme/1", "/console/audit", "/console/audit?from=x", "/console/audit/1",
			"/console/people", "/console/people?q=hz-20418", "/console/people?q=nobody", "/console/people/staff/identity-finance_clerk",
			"/console/people/staff/identity-auditor", "/console/people/customer/" + w.ids["member"],
		} {
			w.look(tab, base, tag, path)
		}
	}
}
