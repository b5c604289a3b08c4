package refund_test

import (
	"testing"

	"offramp/migration/refund"
)

func TestALargeRefundIsWaivedByTwo(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 36_500_00, "CNY")
	r := h.submit("a", "CNY", refund.Waive)
	r, err := h.service.Review(t.Context(), clara, r.Ref, r.Version)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = h.service.Approve(t.Context(), alan, h.p, r.Ref, r.Version); err != nil || r.State != refund.Second {
		t.Fatalf("%s, %v", r.State, err)
	}
	if r, err = h.service.Approve(t.Context(), bella, h.p, r.Ref, r.Version); err != nil || r.State != refund.Waived || r.SettledAt == nil {
		t.Fatalf("%s, %v", r.State, err)
	}
	if h.step("a") != "completed waived" {
		t.Error(h.step("a"))
	}
	h.balanced()
}
