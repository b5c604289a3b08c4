package portal_test

import (
	"strings"
	"testing"
)

func TestTheQueueCountsAllOfAFilterForWhoActsUponIt(t *testing.T) {
	w := newPrepaid(t)
	w.asked("owner")
	conn, err := w.super.Super(t).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, sql := range []string{
		`SET session_replication_role = replica`,
		`INSERT INTO refund (id, number, ref, customer_id, tier, name_key, state, method, currency, amount, quote, quote_digest, policy_version, requested_by, requested_at, updated_at)
			SELECT 'm' || i, 1000 + i, 'RF-2026-' || to_char(1000 + i, 'FM000000'), r.customer_id, r.tier, 'many ' || i, 'submitted', 'original', 'CNY', 1000, r.quote, r.quote_digest, '1', r.requested_by, r.requested_at, now()
			  FROM refund r, generate_series(1, 1500) i`,
		`SET session_replication_role = origin`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	body := w.shows("finance_clerk", queue+"?q=many", "at least 500 refunds: CN¥5,000.00", `hx-get="/console/finance/refunds/totals?q=many&amp;status=all"`, `href="/console/finance/refunds?q=many&amp;status=all&amp;exact=yes"`)
	w.hides(body, "1,500")
	whole := w.shows("finance_clerk", queue+"?q=many&exact=yes", "1,500 refunds in all", "CN¥15,000.00")
	w.hides(whole, "at least 1,", "hx-get")
	a := w.get("finance_clerk", queue+"/totals?q=many&status=all")
	w.shownIn(a.body, `id="totals"`, "1,500 refunds in all: CN¥15,000.00", "first 500 by name")
	if a.status != 200 || strings.Contains(a.body, "<html") || strings.Contains(a.body, "hx-get") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if a := w.get("finance_clerk", queue+"/totals?least=x"); a.status != 422 {
		t.Errorf("a filter that cannot be read: %d", a.status)
	}
	w.speak("finance_clerk", "zh-CN")
	w.shownIn(w.get("finance_clerk", queue+"/totals?q=many&status=all").body, "共1,500笔退款：")
}
