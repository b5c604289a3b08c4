package portal_test

import (
	"net/url"
	"strings"
	"testing"

	"offramp/internal/audit"
	"offramp/portal/trail"
)

// TestQ10_CustomersSeeWhoLookedAtTheirData lets colleagues look at two customers and reads what each of them is shown.
func TestQ10_CustomersSeeWhoLookedAtTheirData(t *testing.T) {
	w := newWorld(t)
	w.hides(w.shows("owner", trail.Path, "Who looked at our data"), "Our support team")
	w.shows("support", screen, "Farshore Design Studio")
	w.post("support", screen+"/reveal", url.Values{"contact": {w.ids["member"]}})
	w.shows("support", "/console/support/customers/"+w.ids["b"], "Canary Works")

	body := w.shows("owner", trail.Path, "Our support team", "Opened your company’s record", "Viewed an email address in full", "Lin member")
	w.hides(body, "identity-support", "member@farshore.example", "⟦", "Lin other")
	if got := strings.Count(body, "Viewed an email address in full"); got != 1 {
		t.Errorf("one look at an address is shown %d times", got)
	}
	w.hides(w.shows("other", trail.Path, "Opened your company’s record"), "Viewed an email address", "Lin member")
	w.shows("owner", "/account", trail.Path)
	w.hides(w.shows("support", "/account"), trail.Path)
	w.speak("owner", "zh-CN")
	w.shows("owner", trail.Path, "谁查看过我们的数据", "我们的客服", "查看了完整的邮箱")
}

// TestQ10_EveryLookHasWords walks the looks that are recorded, so that each is in the trail under its words, and the pages of a
// long trail, so that none is left out or shown twice. Members see their own sessions, owners those of everybody.
func TestQ10_EveryLookHasWords(t *testing.T) {
	w := newWorld(t)
	const entry = `INSERT INTO audit (at, actor, actor_kind, act, object, customer_id, detail) VALUES ($1, $2, $3, $4, $5, $6, '{}')`
	for _, act := range audit.Looks {
		w.exec(entry, day, "identity-support", "staff", act, "refund RF-2026-000009", w.ids["a"])
	}
	for _, who := range []string{"owner", "member"} {
		w.exec(entry, day, w.ids[who], "customer", "session.begin", "session of-"+who, w.ids["a"])
	}
	body := w.shows("owner", trail.Path, "Our finance team", "RF-2026-000009", "Viewed bank details in full", "Opened a request for help", "Lin owner", "Lin member", "Signed in")
	w.hides(body, "⟦")
	w.hides(w.shows("member", trail.Path, "Lin member", "Viewed bank details in full"), "Lin owner</td>")
	for range 60 {
		w.exec(entry, day, "identity-support", "staff", "refund.view", "refund RF-2026-000010", w.ids["a"])
	}
	body = w.shows("owner", trail.Path, "RF-2026-000010")
	_, next, found := strings.Cut(body, trail.Path+"?before=")
	if !found {
		t.Fatal("there is no way to older entries")
	}
	next, _, _ = strings.Cut(next, `"`)
	older := w.shows("owner", trail.Path+"?before="+next, "RF-2026-000009", "Newest entries")
	if got := strings.Count(body, "RF-2026-000010") + strings.Count(older, "RF-2026-000010"); got%60 != 0 {
		t.Errorf("60 looks are shown as %d", got)
	}
}
