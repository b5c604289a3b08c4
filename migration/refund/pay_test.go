package refund_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/deploy/local"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/migration/refund"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/stripe"
)

// onTheWay is a released refund of one payment, whose job has not run yet.
func onTheWay(t *testing.T, after local.StripeAfter) (*house, refund.Refund) {
	t.Helper()
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	h.pay(local.StripePayment{ID: "pi_P1", Amount: 365_00, Currency: "cny", After: after})
	r := h.approved(h.submit("a", "CNY", refund.Original))
	h.released(refund.Original, "CNY")
	return h, r
}

// later lets time pass, and lets the reconciler do what is due.
func (h *house) later(d time.Duration) {
	h.Helper()
	h.clock.Advance(d)
	if err := h.service.Reconcile(h.Context()); err != nil {
		h.Fatal(err)
	}
	h.work()
}

// paidOnce is the end that everything has to come to.
func (h *house) paidOnce(r refund.Refund) {
	h.Helper()
	if got := h.get(r); got.State != refund.Paid {
		h.Errorf("%s is %s", r.Ref, got.State)
	}
	if got := h.provider.Refunds(); len(got) != 1 || got[0].Amount != r.Amount {
		h.Errorf("the provider has %+v", got)
	}
	h.balanced()
}

func TestF04_WhatNobodyKnowsIsUnknownUntilItIsLookedUp(t *testing.T) {
	for name, c := range map[string]struct {
		fault local.StripeFault
		done  bool // the provider has done it
	}{
		"503 after": {local.Stripe503After, true}, "500 kept": {local.Stripe500Kept, true}, "reset after": {local.StripeResetAfter, true},
		"garbled": {local.StripeGarbled, true}, "503 before": {local.Stripe503Before, false}, "reset before": {local.StripeResetBefore, false},
	} {
		t.Run(name, func(t *testing.T) {
			h, r := onTheWay(t, local.StripeAtOnce)
			h.provider.FaultNext(c.fault, c.fault, c.fault)
			h.work()
			h.provider.FaultBy(nil)
			if got := h.get(r); got.State != refund.Unknown || h.step("a") != "in_progress unknown" || strings.Contains(h.mails(), mailPaid) {
				t.Fatalf("%s, %s, %s", got.State, h.step("a"), h.mails())
			}
			h.balanced()
			h.later(4 * time.Minute)
			if got := h.get(r); got.State != refund.Unknown {
				t.Errorf("looked up before a call that was cut off is over: %s", got.State)
			}
			h.later(2 * time.Minute)
			h.paidOnce(r)
		})
	}
}

func TestF04_LookUpsThatFailAreTriedByTheHourAndTheDay(t *testing.T) {
	h, r := onTheWay(t, local.StripeAtOnce)
	h.provider.FaultNext(local.Stripe503After, local.Stripe503After, local.Stripe503After)
	h.work()
	broken := slices.Repeat([]local.StripeFault{local.Stripe503Before}, 9)
	for i, wait := range []time.Duration{5 * time.Minute, time.Hour, 24 * time.Hour} {
		h.provider.FaultBy(nil)
		h.provider.FaultNextRead(broken...)
		h.later(wait - time.Second)
		before := h.text(`SELECT looked FROM payout_attempt`)
		h.later(2 * time.Second)
		if before != fmt.Sprint(i) || h.text(`SELECT looked FROM payout_attempt`) != fmt.Sprint(i+1) || h.get(r).State != refund.Unknown {
			t.Fatalf("after %v: looked up %s and then %s times, %s", wait, before, h.text(`SELECT looked FROM payout_attempt`), h.get(r).State)
		}
	}
	if h.text(`SELECT string_agg(kind, ' ') FROM refund_task`) != refund.TaskUnknown {
		t.Errorf("finance is told %q", h.text(`SELECT string_agg(kind, ' ') FROM refund_task`))
	}
	h.provider.FaultBy(nil)
	h.later(25 * time.Hour)
	h.paidOnce(r)
}

func TestF05_AfterTheKeyIsForgottenItIsLookedUpFirst(t *testing.T) {
	h, r := onTheWay(t, local.StripeAtOnce)
	h.provider.FaultNext(local.StripeResetAfter, local.StripeResetAfter, local.StripeResetAfter)
	h.work()
	h.provider.FaultBy(nil)
	h.provider.ForgetKeys()
	h.later(48 * time.Hour)
	h.paidOnce(r)
}

func TestFailuresGoToWhoCanMendThem(t *testing.T) {
	h, r := onTheWay(t, local.StripeLost)
	h.work()
	if got := h.get(r); got.State != refund.Released {
		t.Fatalf("%+v", got)
	}
	settle(h, "failed", "lost_or_stolen_card")
	h.receiveAll(h.provider.Events())
	r = h.get(r)
	if r.State != refund.Returned || h.step("a") != "action_needed returned" || h.account("in_transit") != "0" || h.account("liability") != fmt.Sprint(-r.Amount) {
		t.Fatalf("%s, %s, in transit %s, liability %s", r.State, h.step("a"), h.account("in_transit"), h.account("liability"))
	}
	h.balanced()
	// The customer names an account; everybody looks at it afresh; a bank file pays it.
	r, err := h.service.CorrectDetails(t.Context(), who("a"), h.p, r.Ref, r.Version, iban)
	if err != nil || r.State != refund.Submitted || r.Method != refund.Bank || r.ApprovedBy != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	h.balanced()
	r = h.approved(r)
	b := h.released(refund.Bank, "CNY")
	var file bytes.Buffer
	if err := h.service.BatchFile(t.Context(), rolf, b.ID, &file); err != nil || !strings.Contains(file.String(), r.Ref+"-2") {
		t.Fatalf("%v: %s", err, file.String())
	}
	i, err := h.service.ImportResults(t.Context(), clara, "results.csv", strings.NewReader("end_to_end_id,state,amount,currency,date\n"+r.Ref+"-2,booked,190.05,CNY,2026-12-03\n"))
	if err != nil || i.Matched != 1 || h.get(r).State != refund.Paid {
		t.Errorf("%+v, %v, %s", i, err, h.get(r).State)
	}
	h.balanced()
}

// settle lets the provider's only refund come to an end.
func settle(h *house, status, failure string) {
	h.Helper()
	if err := h.provider.Settle(h.provider.Refunds()[0].ID, status, failure); err != nil {
		h.Fatal(err)
	}
}

// receiveAll takes the provider's events as the webhook does, and folds them in.
func (h *house) receiveAll(events []local.StripeEvent) {
	h.Helper()
	for _, e := range events {
		got, err := stripe.ReadEvent(e.Body, h.provider.Sign(e.Body, time.Now()), h.provider.Secrets)
		if err != nil {
			h.Fatal(err)
		}
		if err := h.service.ReceiveEvent(h.Context(), "stripe", got); err != nil {
			h.Fatal(err)
		}
		h.work()
	}
}

func TestF09_SucceededLaterFailed(t *testing.T) {
	h, r := onTheWay(t, local.StripeAtOnce)
	h.work()
	h.paidOnce(r)
	settle(h, "failed", "expired_or_canceled_card")
	h.receiveAll(h.provider.Events())
	if got := h.get(r); got.State != refund.Returned || got.Settled != 0 || h.step("a") != "action_needed returned" {
		t.Errorf("%s, settled %d, %s", got.State, got.Settled, h.step("a"))
	}
	if h.account("reversal") != fmt.Sprint(r.Amount) || h.account("liability") != fmt.Sprint(-r.Amount) || h.text(`SELECT kind FROM refund_task`) != refund.TaskMoneyBack {
		t.Errorf("reversal %s, liability %s, task %s", h.account("reversal"), h.account("liability"), h.text(`SELECT kind FROM refund_task`))
	}
	h.balanced()
}

// TestF08_EventsInEveryOrderComeToTheSameEnd delivers the provider's events of a refund that was accepted, succeeded and came
// back, in many orders and often, before and after the call's own answer is known.
func TestF08_EventsInEveryOrderComeToTheSameEnd(t *testing.T) {
	base := today.Truncate(time.Second)
	told := func(id string, s payout.State, f payout.Failure, after time.Duration) payout.Event {
		return payout.Event{ID: id, Type: "refund.updated", Created: base.Add(after), Attempt: 1, Outcome: payout.Outcome{
			State: s, ID: "re_1", Failure: f, Currency: "CNY", Amount: 19005, At: base.Add(after),
		}}
	}
	all := []payout.Event{
		told("e1", payout.Accepted, "", 0), told("e2", payout.Succeeded, "", time.Second),
		told("e3", payout.Succeeded, "", time.Second), told("e4", payout.Failed, payout.MethodFailed, 2*time.Second),
	}
	h := open(t)
	h.pay()
	h.config.Providers["stripe"] = answering{payout.Outcome{State: payout.Accepted, ID: "re_1", Currency: "CNY", Amount: 19005, At: base}}
	h.service = refund.NewService(h.config)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		id := fmt.Sprintf("c%d", i)
		h.customer(id)
		h.paid(id, "P"+id, 365_00, "CNY")
		r := h.approved(h.submit(id, "CNY", refund.Original))
		h.released(refund.Original, "CNY")
		events := append(slices.Clone(all), all[random.IntN(len(all))])
		random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		at := random.IntN(len(events) + 1) // when the call itself answers
		for n, e := range events {
			if n == at {
				h.work()
			}
			e.Ref, e.ID, e.Outcome.ID = r.Ref, e.ID+id, "re_1"
			if err := h.service.ReceiveEvent(t.Context(), "stripe", e); err != nil {
				t.Fatal(err)
			}
			if at > n { // the call has not answered: only events are folded in
				if err := refund.DrainEvents(t.Context(), h.service); err != nil {
					t.Fatal(err)
				}
			} else {
				h.work()
			}
		}
		h.work()
		if got := h.get(r); got.State != refund.Returned || got.Settled != 0 || h.text(`SELECT state FROM payout_attempt WHERE refund_id = $1`, r.ID) != "failed" {
			t.Errorf("%v, call at %d: %s, settled %d", names(events), at, got.State, got.Settled)
		}
	}
	h.balanced()
}

func names(list []payout.Event) (out []string) {
	for _, e := range list {
		out = append(out, string(e.Outcome.State))
	}
	return out
}

// answering is a provider that always says the same: what is tested here is the order of what is told.
type answering struct{ outcome payout.Outcome }

func (a answering) Refund(context.Context, payout.Order) (payout.Outcome, error) {
	return a.outcome, nil
}

func (a answering) LookUp(context.Context, payout.Order) (payout.Outcome, error) {
	return a.outcome, nil
}

func TestNoFundsIsMendedByFinanceAndTriedAgain(t *testing.T) {
	h, r := onTheWay(t, local.StripeAtOnce)
	good := h.config.Providers["stripe"]
	h.config.Providers["stripe"] = answering{payout.Outcome{State: payout.Failed, Failure: payout.NoFunds, Code: "balance_insufficient"}}
	h.work()
	r = h.get(r)
	if r.State != refund.Released || h.text(`SELECT kind FROM refund_task`) != string(payout.NoFunds) || h.step("a") != "in_progress released" {
		t.Fatalf("%s, %s", r.State, h.text(`SELECT kind FROM refund_task`))
	}
	h.balanced()
	h.config.Providers["stripe"] = good
	r, err := h.service.TryAgain(t.Context(), rolf, r.Ref, r.Version)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.TryAgain(t.Context(), rolf, r.Ref, r.Version); !errors.Is(err, refund.ErrMoved) {
		t.Errorf("while one is under way: %v", err)
	}
	h.work()
	h.paidOnce(r)
}

func TestSeveralPaymentsAreGivenBackEachByItself(t *testing.T) {
	h := open(t)
	var payments []local.StripePayment
	for i := range 3 {
		ref := fmt.Sprintf("P%d", i)
		h.paid("a", ref, 365_00, "CNY")
		payments = append(payments, local.StripePayment{ID: "pi_" + ref, Amount: 365_00, Currency: "cny"})
	}
	payments[1].After = local.StripeLater
	h.pay(payments...)
	r := h.approved(h.submit("a", "CNY", refund.Original))
	h.released(refund.Original, "CNY")
	h.work()
	if got := h.get(r); got.State != refund.Released || got.Settled != 2*19005 || strings.Contains(h.mails(), mailPaid) {
		t.Errorf("%s, settled %d, %s", got.State, got.Settled, h.mails())
	}
	h.balanced()
	for _, p := range h.provider.Refunds() {
		if p.Status == "pending" {
			if err := h.provider.Settle(p.ID, "failed", "lost_or_stolen_card"); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.receiveAll(h.provider.Events())
	r = h.get(r)
	if r.State != refund.Returned || r.Settled != 2*19005 {
		t.Fatalf("%s, settled %d", r.State, r.Settled)
	}
	// Only the rest goes to the bank.
	r, err := h.service.CorrectDetails(t.Context(), who("a"), h.p, r.Ref, r.Version, iban)
	if err != nil {
		t.Fatal(err)
	}
	h.approved(r)
	if b := h.released(refund.Bank, "CNY"); b.Control != 19005 {
		t.Errorf("%+v", b)
	}
	h.balanced()
}

// order is what a worker process of these tests does.
type order struct {
	Database, Key, URL string
	Now                time.Time
	Kill               string // the point at which it kills itself
}

const orderVariable = "OFFRAMP_TEST_PAYER"

// TestPayerProcess is no test of its own: the test binary starts itself with it as a worker that can be killed.
func TestPayerProcess(t *testing.T) {
	text := os.Getenv(orderVariable)
	if text == "" {
		t.Skip("started by other tests")
	}
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), o.Database, db.Options{MaxConns: 4, Clock: clock.NewManual(o.Now)})
	if err != nil {
		t.Fatal(err)
	}
	c := config(t, d)
	c.Providers = map[string]payout.Provider{"stripe": client(o.Key, o.URL)}
	c.At = func(point string) {
		if point == o.Kill {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if err := refund.Drain(t.Context(), refund.NewService(c)); err != nil {
		t.Fatal(err)
	}
}

// TestF06_AKilledPayerNeverPaysTwice kills real processes at each named point around the provider's call, fifty in all, and
// lets another one find what they left.
func TestF06_AKilledPayerNeverPaysTwice(t *testing.T) {
	kills := 50
	if testing.Short() {
		kills = 6
	}
	points := []string{"claimed", "answered", "noted"}
	h := open(t)
	h.pay()
	refunds := map[string]refund.Refund{}
	for i := range kills {
		id := fmt.Sprintf("k%d", i)
		h.customer(id)
		h.paid(id, "P"+id, 365_00, "CNY")
		h.provider.Seed(local.StripePayment{ID: "pi_P" + id, Amount: 365_00, Currency: "cny"})
		r := h.approved(h.submit(id, "CNY", refund.Original))
		refunds[r.Ref] = r
	}
	h.released(refund.Original, "CNY")
	for i := range kills {
		text, err := json.Marshal(order{h.database.AppURL, h.provider.Key, h.provider.URL, h.clock.Now(), points[i%len(points)]})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPayerProcess$")
		cmd.Env = append(os.Environ(), orderVariable+"="+string(text))
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("kill %d at %s: %v: %s", i, points[i%len(points)], err, out)
		}
	}
	h.balanced()
	for range 4 {
		h.later(6 * time.Minute)
	}
	paid := map[string]int{}
	for _, p := range h.provider.Refunds() {
		paid[p.Ref()]++
	}
	for ref, r := range refunds {
		if got := h.get(r); got.State != refund.Paid || paid[ref] != 1 {
			t.Errorf("%s is %s and was paid %d times", ref, got.State, paid[ref])
		}
	}
	h.balanced()
}
