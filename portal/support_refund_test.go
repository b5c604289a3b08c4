package portal_test

import (
	"net/url"
	"strings"
	"testing"
)

func TestSupportSeesWhereACustomersRefundsStand(t *testing.T) {
	w := newPrepaid(t)
	screen := "/console/support/customers/" + w.ids["a"]
	w.shows("support", screen, "Refunds and credit", "This customer has not asked for a refund or credit.")
	ref := w.asked("owner")
	body := w.shows("support", screen, ref, "CN¥3,600.00", "Bank account", "Submitted")
	w.hides(body, "has not asked for a refund or credit", "CANARY-holder", "**** 3000", "DE89", `href="`+queue, `href="/refund/`)
	w.decided("finance_clerk", ref, "question", url.Values{"question": {"CANARY-question"}})
	w.hides(w.shows("support", screen, "Question asked"), "CANARY-question", "Submitted")
	w.hides(w.shows("support", "/console/support/customers/"+w.ids["b"], "This customer has not asked for a refund or credit."), ref)
	if a := w.get("support", queue+"/"+ref); a.status != 403 {
		t.Errorf("support follows the reference: %d", a.status)
	}
	w.exec(`UPDATE identity SET roles = '{support,finance_clerk}' WHERE id = 'identity-support'`)
	if body := w.shows("support", screen, ref); !strings.Contains(body, `href="`+queue+"/"+ref+`"`) {
		t.Error("who works in finance, too, has no link")
	}
	w.shows("support", queue+"/"+ref, "CN¥3,600.00")
	w.speak("support", "zh-CN")
	w.shows("support", screen, "退款与抵扣", "最近变动", "等待答复")
}

// TestListsSayThatMoreFollows fills the lists of what waits for support beyond what a page shows.
func TestListsSayThatMoreFollows(t *testing.T) {
	w := newWorld(t)
	w.exec(`INSERT INTO help_request (id, customer_id, contact_id, text, state, created_at, due_at)
		SELECT 'h' || n, $1, $2, 'question ' || n, 'open', $3, $3 FROM generate_series(1, 50) n`, w.ids["a"], w.ids["owner"], day)
	w.exec(`INSERT INTO help_request (id, customer_id, contact_id, text, state, created_at, answer, answered_at, answered_by)
		SELECT 'a' || n, $1, $2, 'question ' || n, 'answered', $3, 'yes', $3, 'identity-support' FROM generate_series(1, 51) n`, w.ids["a"], w.ids["owner"], day)
	const oldest, latest = "The 50 most pressing requests are shown. The queue has all of them.", "Only the latest 50 are shown."
	w.hides(w.shows("support", "/console/support", latest), oldest)
	w.exec(`INSERT INTO help_request (id, customer_id, contact_id, text, state, created_at, due_at) VALUES ('h51', $1, $2, 'one more', 'open', $3, $3::timestamptz + interval '1 day')`, w.ids["a"], w.ids["owner"], day)
	w.hides(w.shows("support", "/console/support", latest, oldest, "/help/h50\""), "/help/h51\"")
}
