package refund_test

import (
	"errors"
	"testing"
	"time"

	"offramp/migration/refund"
)

func TestADayHasSoManyLooksAtAccounts(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Bank)
	for i := range refund.RevealsDaily {
		if _, err := h.service.Reveal(t.Context(), clara, r.Ref); err != nil {
			t.Fatalf("look %d: %v", i+1, err)
		}
	}
	if _, err := h.service.Reveal(t.Context(), clara, r.Ref); !errors.Is(err, refund.ErrReveals) {
		t.Errorf("one look too many: %v", err)
	}
	if n := h.text(`SELECT count(*) FROM audit WHERE act = 'refund.reveal_capped' AND actor = '` + clara + `'`); n != "1" {
		t.Errorf("%s items for the auditor", n)
	}
	if _, err := h.service.Reveal(t.Context(), alan, r.Ref); err != nil {
		t.Errorf("a colleague: %v", err)
	}
	h.clock.Advance(24*time.Hour + time.Second)
	if _, err := h.service.Reveal(t.Context(), clara, r.Ref); err != nil {
		t.Errorf("the next day: %v", err)
	}
}
