package refund_test

import (
	"errors"
	"strings"
	"testing"

	"offramp/deploy/local"
	"offramp/migration/refund"
	"offramp/migration/refund/payout"
)

// twicePaid is a refund of two payments: one transfer of the second half has arrived, the provider's refund of the first came
// back after it, and the customer has named an account for that. The transfer may still come back.
func twicePaid(t *testing.T) (*house, refund.Refund) {
	t.Helper()
	h, r := halfPaid(t)
	h.approved(r)
	h.released(refund.Bank, "CNY")
	h.told(r.Ref+"-3", "booked")
	h.fails("pi_P1")
	return h, h.corrected(h.get(r))
}

func TestF09_MoneyThatComesBackWhileItIsDecidedUponIsEnteredOnce(t *testing.T) {
	for name, c := range map[string]struct {
		reach func(*house, refund.Refund) refund.Refund
		stays refund.State
	}{
		"submitted": {func(_ *house, r refund.Refund) refund.Refund { return r }, refund.Submitted},
		"questioned": {func(h *house, r refund.Refund) refund.Refund {
			return h.must(h.service.SendBack(h.Context(), clara, r.Ref, r.Version, "Which branch?"))
		}, refund.Questioned},
		"reviewed": {func(h *house, r refund.Refund) refund.Refund {
			return h.must(h.service.Review(h.Context(), clara, r.Ref, r.Version))
		}, refund.Submitted},
		"approved": {(*house).approved, refund.Submitted},
		"batched": {func(h *house, r refund.Refund) refund.Refund {
			r = h.approved(r)
			if _, err := h.service.CreateBatch(h.Context(), cora, refund.Bank, "CNY"); err != nil {
				h.Fatal(err)
			}
			return h.get(r)
		}, refund.Submitted},
		"declined": {func(h *house, r refund.Refund) refund.Refund {
			return h.must(h.service.Decline(h.Context(), clara, h.p, r.Ref, r.Version, refund.ReasonRefunded, ""))
		}, refund.Declined},
		"objected": {func(h *house, r refund.Refund) refund.Refund {
			r = h.must(h.service.Decline(h.Context(), cora, h.p, r.Ref, r.Version, refund.ReasonRefunded, "")) // clara looks a second time
			return h.must(h.service.Object(h.Context(), who("a"), r.Ref, r.Version, "It was not."))
		}, refund.Objected},
	} {
		t.Run(name, func(t *testing.T) {
			h, r := twicePaid(t)
			r = c.reach(h, r)
			if string(r.State) != name || r.Settled != 190_05 {
				t.Fatalf("%s, settled %d", r.State, r.Settled)
			}
			h.told(r.Ref+"-3", "returned")
			h.again(r.Ref+"-3", "returned", "2026-12-04") // the bank tells it again
			r = h.get(r)
			if r.State != c.stays || r.Settled != 0 || h.account("reversal") != "38010" {
				t.Errorf("%s, settled %d, came back %s", r.State, r.Settled, h.account("reversal"))
			}
			if got := h.text(`SELECT count(*) FROM refund_payment WHERE settled`); got != "0" {
				t.Errorf("%s payments count as given back", got)
			}
			if got := h.text(`SELECT string_agg(kind, ' ') FROM refund_task WHERE key LIKE '% 3 %'`); got != refund.TaskMoneyBack {
				t.Errorf("tasks: %s", got)
			}
			if got := h.history(r); strings.Count(got, "came_back") != 1 {
				t.Error(got)
			}
			h.balanced()
			h.paidOut(r)
		})
	}
}

// must passes a refund on.
func (h *house) must(r refund.Refund, err error) refund.Refund {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
	return r
}

// again imports the same news as another file.
func (h *house) again(id, state, day string) {
	h.Helper()
	_, err := h.service.ImportResults(h.Context(), clara, "again.csv", strings.NewReader("end_to_end_id,state,amount,currency,date\n"+id+","+state+",190.05,CNY,"+day+"\n"))
	if err != nil {
		h.Fatal(err)
	}
}

// paidOut brings a refund of which nothing is settled to its end: both halves are paid, once, and the ledger knows.
func (h *house) paidOut(r refund.Refund) {
	h.Helper()
	if !r.Open() || r.State == refund.Declined {
		return
	}
	if r.State == refund.Questioned {
		r = h.must(h.service.Answer(h.Context(), who("a"), r.Ref, r.Version, "The main one."))
	}
	h.approved(r)
	if b := h.released(refund.Bank, "CNY"); b.Count != 1 || b.Control != 380_10 || b.Dropped != 0 {
		h.Errorf("%+v", b)
	}
	_, err := h.service.ImportResults(h.Context(), clara, "end.csv", strings.NewReader("end_to_end_id,state,amount,currency,date\n"+r.Ref+"-4,booked,380.10,CNY,2026-12-20\n"))
	if err != nil {
		h.Fatal(err)
	}
	if got := h.get(r); got.State != refund.Paid || got.Settled != got.Amount {
		h.Errorf("%s, settled %d", got.State, got.Settled)
	}
	const sums = `SELECT concat_ws(' ', -sum(amount) FILTER (WHERE account IN ('paid', 'reversal')), sum(amount) FILTER (WHERE account IN ('liability', 'in_transit')),
		sum(amount) FILTER (WHERE account IN ('prepaid', 'goodwill')), sum(amount) FILTER (WHERE account = 'goodwill'))
		FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id WHERE e.refund_id = $1`
	if got, want := h.text(sums, r.ID), "38010 0 38010 "+h.text(`SELECT extra FROM refund WHERE id = $1`, r.ID); got != want {
		h.Errorf("paid, owed, accrued, of it goodwill: %s, want %s", got, want)
	}
	h.balanced()
}

func TestF09_ABatchIsReleasedWithoutARefundWhoseMoneyCameBackMeanwhile(t *testing.T) {
	h, r := twicePaid(t)
	h.approved(r)
	h.paid("b", "PB", 365_00, "CNY")
	other := h.approved(h.submit("b", "CNY", refund.Bank))
	b, err := h.service.CreateBatch(t.Context(), cora, refund.Bank, "CNY")
	if err != nil || b.Count != 2 {
		t.Fatalf("%+v, %v", b, err)
	}
	h.told(r.Ref+"-3", "returned")
	if b, err = h.service.ReleaseBatch(t.Context(), rolf, b.ID); err != nil || b.Count != 1 || b.Dropped != 1 || b.Control != other.Amount {
		t.Errorf("%+v, %v", b, err)
	}
	h.balanced()
	h.paidOut(h.get(r))
}

func TestF09_AProvidersNewsWhileItIsDecidedUponIsEnteredAtOnce(t *testing.T) {
	h, r := halfPaid(t)
	h.approved(r)
	h.fails("pi_P1")
	if got := h.get(r); got.State != refund.Submitted || got.Settled != 0 {
		t.Fatalf("%s, settled %d", got.State, got.Settled)
	}
	if got := h.text(`SELECT count(*) FROM provider_event WHERE processed_at IS NULL`); got != "0" {
		t.Errorf("%s events wait", got)
	}
	h.balanced()
	h.approved(h.get(r))
	if b := h.released(refund.Bank, "CNY"); b.Control != 380_10 {
		t.Errorf("%+v", b)
	}
	h.balanced()
}

// arrives tells that an attempt that had failed has arrived after all, as the provider would.
func (h *house) arrives(r refund.Refund, number int) {
	h.Helper()
	e := payout.Event{ID: "evt_late", Type: "refund.updated", Created: today.AddDate(0, 0, 3), Ref: r.Ref, Attempt: number, Outcome: payout.Outcome{
		State: payout.Succeeded, ID: h.text(`SELECT provider_refund FROM payout_attempt WHERE refund_id = $1 AND number = $2`, r.ID, number), Amount: 190_05, Currency: "CNY", At: today.AddDate(0, 0, 3),
	}}
	if err := h.service.ReceiveEvent(h.Context(), "stripe", e); err != nil {
		h.Fatal(err)
	}
	if err := refund.DrainEvents(h.Context(), h.service); err != nil {
		h.Fatal(err)
	}
}

func TestF09_WhatHasArrivedAfterAllIsNotPaidAgain(t *testing.T) {
	h, r := halfPaid(t)
	r = h.approved(r)
	h.arrives(r, 2)
	r = h.get(r)
	if r.State != refund.Submitted || r.Settled != r.Amount || !strings.Contains(h.history(r), "arrived") {
		t.Fatalf("%s, settled %d of %d, %s", r.State, r.Settled, r.Amount, h.history(r))
	}
	if got := h.text(`SELECT string_agg(kind, ' ' ORDER BY kind) FROM refund_task WHERE kind IN ('late_news', 'nothing')`); got != refund.TaskLate {
		t.Errorf("tasks: %s", got)
	}
	h.balanced()
	h.approved(r)
	if _, err := h.service.CreateBatch(t.Context(), cora, refund.Bank, "CNY"); !errors.Is(err, refund.ErrNoneFit) {
		t.Errorf("it is paid again: %v", err)
	}
	h.balanced()
}

func TestF03_APaymentThatWasMadeTwiceIsATaskAndNoRetry(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	h.pay(local.StripePayment{ID: "pi_P1", Amount: 365_00, Currency: "cny"})
	real := h.config.Providers["stripe"]
	h.config.Providers["stripe"] = answering{payout.Outcome{State: payout.Failed, Failure: payout.NoFunds, Code: "balance_insufficient"}}
	r := h.approved(h.submit("a", "CNY", refund.Original))
	h.released(refund.Original, "CNY")
	h.work()
	h.config.Providers["stripe"] = real
	r = h.get(r)
	r = h.must(h.service.TryAgain(t.Context(), rolf, r.Ref, r.Version))
	early := payout.Event{ID: "evt_early", Type: "refund.updated", Created: today, Ref: r.Ref, Attempt: 1, Outcome: payout.Outcome{State: payout.Accepted, ID: "re_twice", Amount: r.Amount, Currency: "CNY", At: today}}
	if err := h.service.ReceiveEvent(t.Context(), "stripe", early); err != nil {
		t.Fatal(err)
	}
	h.work()
	if r = h.get(r); r.State != refund.Paid {
		t.Fatal(r.State)
	}
	e := payout.Event{ID: "evt_twice", Type: "refund.updated", Created: today, Ref: r.Ref, Attempt: 1, Outcome: payout.Outcome{State: payout.Succeeded, ID: "re_twice", Amount: r.Amount, Currency: "CNY", At: today}}
	for range 2 {
		if err := h.service.ReceiveEvent(t.Context(), "stripe", e); err != nil {
			t.Fatal(err)
		}
		if err := refund.DrainEvents(t.Context(), h.service); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.text(`SELECT string_agg(kind, ' ' ORDER BY kind) FROM refund_task`); got != "no_funds "+refund.TaskSecond+" "+refund.TaskSecond || // one for each news of it
		h.get(r).State != refund.Paid {
		t.Errorf("tasks %q, %s", got, h.get(r).State)
	}
}
