package refund_test

import (
	"errors"
	"strings"
	"testing"

	"offramp/deploy/local"
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

// halfPaid is a refund of two payments. The first was given back; the second came back, and the customer has named an account
// for it.
func halfPaid(t *testing.T) (*house, refund.Refund) {
	t.Helper()
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	h.paid("a", "P2", 365_00, "CNY")
	h.pay(local.StripePayment{ID: "pi_P1", Amount: 365_00, Currency: "cny"}, local.StripePayment{ID: "pi_P2", Amount: 365_00, Currency: "cny", After: local.StripeLater})
	r := h.approved(h.submit("a", "CNY", refund.Original))
	h.released(refund.Original, "CNY")
	h.work()
	h.fails("pi_P2")
	if r = h.get(r); r.State != refund.Returned || r.Settled != 190_05 {
		t.Fatalf("%s, settled %d", r.State, r.Settled)
	}
	return h, h.corrected(r)
}

// fails lets the provider's refund of a payment fail.
func (h *house) fails(payment string) {
	h.Helper()
	before := len(h.provider.Events())
	for _, p := range h.provider.Refunds() {
		if p.Payment == payment {
			if err := h.provider.Settle(p.ID, "failed", "lost_or_stolen_card"); err != nil {
				h.Fatal(err)
			}
		}
	}
	h.receiveAll(h.provider.Events()[before:])
}

func (h *house) corrected(r refund.Refund) refund.Refund {
	h.Helper()
	r, err := h.service.CorrectDetails(h.Context(), who("a"), h.p, r.Ref, r.Version, iban)
	if err != nil {
		h.Fatal(err)
	}
	return r
}

// told imports what the bank says of one transfer.
func (h *house) told(id, state string) {
	h.Helper()
	i, err := h.service.ImportResults(h.Context(), clara, "r.csv", strings.NewReader("end_to_end_id,state,amount,currency,date\n"+id+","+state+",190.05,CNY,2026-12-03\n"))
	if err != nil || i.Matched+i.Returned != 1 {
		h.Fatalf("%+v, %v", i, err)
	}
}

func TestF10_WhatWasPaidInPartIsNotTakenBackAndAskedForAgain(t *testing.T) {
	h, r := halfPaid(t)
	if r.MayWithdraw() {
		t.Error("it may be withdrawn")
	}
	if _, err := h.service.Withdraw(t.Context(), who("a"), h.p, r.Ref, r.Version); !errors.Is(err, refund.ErrMoved) {
		t.Errorf("withdrawn with a part that was paid: %v", err)
	}
	if err := h.try(`UPDATE refund SET state = 'withdrawn' WHERE id = $1`, r.ID); err == nil {
		t.Error("the database lets it be withdrawn")
	}
	h.balanced()
}

func TestF09_WhatComesBackLaterIsPaidByAnotherTransfer(t *testing.T) {
	h, r := halfPaid(t)
	h.approved(r)
	h.released(refund.Bank, "CNY")
	h.told(r.Ref+"-3", "booked")
	if got := h.get(r); got.State != refund.Paid {
		t.Fatal(got.State)
	}
	h.fails("pi_P1") // the first comes back after all, with a transfer that stays
	if r = h.get(r); r.State != refund.Returned || r.Settled != 190_05 {
		t.Fatalf("%s, settled %d", r.State, r.Settled)
	}
	h.approved(h.corrected(r))
	if b := h.released(refund.Bank, "CNY"); b.Control != 190_05 {
		t.Errorf("%+v", b)
	}
	h.told(r.Ref+"-4", "booked")
	if got := h.get(r); got.State != refund.Paid {
		t.Errorf("%s, settled %d", got.State, got.Settled)
	}
	h.balanced()
}

func TestATransferThatComesBackLeavesWhatTheProviderPaid(t *testing.T) {
	h, r := halfPaid(t)
	h.approved(r)
	h.released(refund.Bank, "CNY")
	h.told(r.Ref+"-3", "returned")
	if got := h.text(`SELECT string_agg(payment_ref, ' ') FROM refund_payment WHERE settled`); got != "P1" {
		t.Errorf("settled: %q", got)
	}
	h.balanced()
}
