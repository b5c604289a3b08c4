package refund_test

import (
	"errors"
	"testing"
	"time"

	"offramp/migration/refund"
)

// many makes n refunds of CNY 10.00 and more, one a minute, past the triggers: none of it is decided upon by anybody.
func (h *house) many(n int) {
	h.Helper()
	conn, err := h.database.Super(h.T).Acquire(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	defer conn.Release()
	for _, sql := range []string{
		`SET session_replication_role = replica`,
		`INSERT INTO refund (id, number, ref, customer_id, tier, name_key, state, method, currency, amount, quote, quote_digest, policy_version, requested_by, requested_at, updated_at)
			SELECT 'm' || i, 1000 + i, 'RF-2026-' || to_char(1000 + i, 'FM000000'), 'a', 'team', 'many ' || i, 'submitted', 'original', (ARRAY['CNY', 'EUR'])[1 + i % 2], 1000 + i,
			       '{}', repeat('0', 64), '1', 'contact-a', '2026-11-01'::timestamptz + i * interval '1 minute', now() FROM generate_series(1, ` + h.text(`SELECT $1::int`, n) + `) i`,
		`UPDATE refund SET quote = (SELECT quote FROM refund WHERE id NOT LIKE 'm%' LIMIT 1) WHERE id LIKE 'm%'`,
		`INSERT INTO refund_total (state, tier, method, currency, count, amount) SELECT state, tier, method, currency, count(*), sum(amount) FROM refund WHERE id LIKE 'm%' GROUP BY 1, 2, 3, 4`,
		`SET session_replication_role = origin`,
	} {
		if _, err := conn.Exec(h.Context(), sql); err != nil {
			h.Fatal(err)
		}
	}
}

func sumUp(list []refund.Total) (count, amount int64) {
	for _, t := range list {
		count, amount = count+t.Count, amount+t.Amount
	}
	return count, amount
}

func TestTotalsOfAnyFilterAreWholeOrSaySo(t *testing.T) {
	const n = 5000
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	h.submit("a", "CNY", refund.Waive)
	h.many(n)
	for name, c := range map[string]struct {
		filter        refund.Filter
		count, amount int64
	}{
		"a name's head": {refund.Filter{Text: "MANY"}, n, n*1000 + n*(n+1)/2},
		"an amount":     {refund.Filter{Currency: "CNY", Most: 5000, Method: refund.Original}, 2000, 2000*1000 + 2*2000*2001/2},
		"an age":        {refund.Filter{OlderThan: 28, Method: refund.Original}, 2*24*60 + 120, 0},
	} {
		page, err := h.service.Queue(t.Context(), clara, c.filter, "")
		if count, _ := sumUp(page.Totals); err != nil || !page.AtLeast || count >= c.count {
			t.Errorf("%s: the page counts %d, at least: %t, %v", name, count, page.AtLeast, err)
		}
		totals, atLeast, err := h.service.Totals(t.Context(), clara, c.filter)
		if count, amount := sumUp(totals); err != nil || atLeast || count != c.count || c.amount != 0 && amount != c.amount {
			t.Errorf("%s: %d come to %d, at least: %t, %v; want %d and %d", name, count, amount, atLeast, err, c.count, c.amount)
		}
		var streamed int64
		if err := h.service.Stream(t.Context(), clara, c.filter, func(refund.Row) error { streamed++; return nil }); err != nil || streamed != c.count {
			t.Errorf("%s: the file has %d, %v", name, streamed, err)
		}
	}
	refund.CountFor(h.service, time.Millisecond)
	totals, atLeast, err := h.service.Totals(t.Context(), clara, refund.Filter{Text: "many"})
	if count, _ := sumUp(totals); err != nil || !atLeast || count != refund.TotalsLimit {
		t.Errorf("in a millisecond: %d, at least: %t, %v", count, atLeast, err)
	}
	if _, _, err := h.service.Totals(t.Context(), clara, refund.Filter{Least: 1}); !errors.Is(err, refund.ErrFilter) {
		t.Error(err)
	}
}
