package notice_test

import (
	"fmt"
	"testing"

	"offramp/migration/notice"
)

// TestEachNumberIsThatOfItsList sends to many, lets some fail and some be reached, and holds each number against the list behind it.
func TestEachNumberIsThatOfItsList(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,zh-CN", "A-2,Asia/Shanghai,en", "A-3,Asia/Shanghai,en", "A-4,Asia/Shanghai,en", "A-5,America/New_York,en")
	h.exec(`UPDATE contact SET email = 'refused@bounce.invalid' WHERE email = 'a-3@customer.example'`)
	h.approveAll()
	h.at("2026-06-01T01:30:00Z") // nine in Shanghai; in New York nothing is due yet
	h.exec(`INSERT INTO identity (id, realm, issuer, subject, name, customer_id, contact_id, created_at, signed_in_at)
		SELECT 'i', 'customer', 'i', 's', 'Ann', c.id, k.id, '2026-06-01T02:00Z', '2026-06-01T02:00Z'
		  FROM customer c JOIN contact k ON k.customer_id = c.id WHERE c.ref = 'A-2'`)
	h.exec(`UPDATE notice_delivery SET state = 'delivered' WHERE customer_id = (SELECT id FROM customer WHERE ref = 'A-4')`)
	list, err := h.notices.Overview(t.Context(), anna.ID)
	if err != nil {
		t.Fatal(err)
	}
	counts := list[0].Counts
	for group, want := range map[notice.Group]int{
		notice.All: 4, notice.Waiting: 0, notice.Sent: 4, notice.Accepted: 3, notice.Reached: 1, notice.Silent: 3, notice.Bad: 0, notice.Dropped: 0, notice.Calls: 1,
	} {
		if counts[group] != want {
			t.Errorf("%s: %d, want %d in %v", group, counts[group], want, counts)
		}
	}
	for group, n := range counts {
		rows, found, err := h.notices.Messages(t.Context(), anna.ID, notice.MessageQuery{Notice: "announcement", Group: group, Limit: 10})
		if err != nil || found != n || len(rows) != n {
			t.Errorf("%s: %d counted, %d found, %d listed, %v", group, n, found, len(rows), err)
		}
	}
	parts, err := h.notices.Parts(t.Context(), anna.ID, "announcement")
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]int{}
	for _, p := range parts {
		for group, n := range p.Counts {
			sums[p.By+" "+string(group)] += n
			q := notice.MessageQuery{Notice: "announcement", Group: group, Limit: 10}
			switch p.By {
			case "channel":
				if q.Channel = p.Value; p.Value == "" {
					q.Channel = "none"
				}
			case "tier":
				q.Tier = p.Value
			case "locale":
				q.Locale = p.Value
			}
			if _, found, err := h.notices.Messages(t.Context(), anna.ID, q); err != nil || found != n {
				t.Errorf("%s %q %s: %d counted, %d found, %v", p.By, p.Value, group, n, found, err)
			}
		}
	}
	for _, by := range []string{"channel", "tier", "locale"} {
		for group, n := range counts {
			if got := sums[fmt.Sprintf("%s %s", by, group)]; got != n {
				t.Errorf("%s by %s: %d, want %d", group, by, got, n)
			}
		}
	}
	if _, _, err := h.notices.Messages(t.Context(), anna.ID, notice.MessageQuery{Notice: "announcement", Group: "nobody", Limit: 1}); err == nil {
		t.Error("a group that does not exist was listed")
	}
	second, found, err := h.notices.Messages(t.Context(), anna.ID, notice.MessageQuery{Notice: "announcement", Offset: 3, Limit: 2})
	if err != nil || found != 4 || len(second) != 1 || second[0].Ref != "A-4" {
		t.Errorf("the second page: %+v of %d, %v", second, found, err)
	}
}
