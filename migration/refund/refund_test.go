package refund_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/deploy/local"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/refund"
)

func TestARefundToTheOriginalPaymentFromQuoteToPaid(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	h.pay(local.StripePayment{ID: "pi_P1", Amount: 365_00, Currency: "cny"})
	r := h.submit("a", "CNY", refund.Original)
	if want := int64(181_00 + 9_05); r.Amount != want || r.State != refund.Submitted || !strings.HasPrefix(r.Ref, "RF-2026-") {
		t.Errorf("submitted %+v, want %d", r, want)
	}
	if got := h.step("a"); got != "in_progress submitted" {
		t.Error(got)
	}
	r = h.approved(r)
	if r.State != refund.Approved || h.account("liability") != "-19005" || h.account("goodwill") != "905" || h.account("prepaid") != "18100" {
		t.Errorf("approved: %s, liability %s, goodwill %s, prepaid %s", r.State, h.account("liability"), h.account("goodwill"), h.account("prepaid"))
	}
	b := h.released(refund.Original, "CNY")
	if b.Count != 1 || b.Control != 19005 || b.State != refund.BatchReleased || h.account("in_transit") != "-19005" {
		t.Errorf("released %+v, in transit %s", b, h.account("in_transit"))
	}
	if strings.Contains(h.mails(), mailPaid) || h.get(r).State != refund.Released {
		t.Errorf("said to be paid before it is: %s", h.mails())
	}
	h.work()
	if r = h.get(r); r.State != refund.Paid || r.Settled != r.Amount || h.account("paid") != "-19005" || h.account("in_transit") != "0" {
		t.Errorf("%s, settled %d, paid %s, in transit %s", r.State, r.Settled, h.account("paid"), h.account("in_transit"))
	}
	if got := h.provider.Refunds(); len(got) != 1 || got[0].Amount != 19005 || got[0].Ref() != r.Ref {
		t.Errorf("the provider has %+v", got)
	}
	if got, want := h.history(r), "submitted reviewed approved batched released paid"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
	if got, want := h.mails(), "refund_received refund_approved refund_paid"; got != want {
		t.Errorf("mails %q, want %q", got, want)
	}
	if got := h.step("a"); got != "completed paid" {
		t.Error(got)
	}
	h.balanced()
}

const mailPaid = "refund_paid"

func TestF01_AHundredSubmitsAreOneRequest(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	o := h.offer("a", "CNY")
	if _, err := h.service.ChooseMethod(t.Context(), who("a"), h.p, "CNY", refund.Original, ""); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var refs sync.Map
	for range 100 {
		all.Go(func() {
			r, err := h.service.Submit(t.Context(), who("a"), h.p, refund.Submission{Currency: "CNY", QuoteDigest: o.Digest})
			if err != nil {
				t.Error(err)
			}
			refs.Store(r.Ref, true)
		})
	}
	all.Wait()
	n := 0
	refs.Range(func(any, any) bool { n++; return true })
	if n != 1 || h.text(`SELECT count(*) FROM refund`) != "1" || h.mails() != "refund_received" {
		t.Errorf("%d references, %s refunds, mails %s", n, h.text(`SELECT count(*) FROM refund`), h.mails())
	}
	// Withdrawn, the same can be asked for anew.
	r := h.service
	list, err := r.List(t.Context(), who("a"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Withdraw(t.Context(), who("a"), h.p, list[0].Ref, list[0].Version); err != nil {
		t.Fatal(err)
	}
	if got := h.step("a"); got != "not_started due 19005 CNY" {
		t.Error(got)
	}
	if again := h.submit("a", "CNY", refund.Original); again.Ref == list[0].Ref {
		t.Error("a withdrawn refund came back")
	}
}

func TestAQuoteThatChangedIsShownBesideTheOneThatWasSeen(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	o := h.offer("a", "CNY")
	if _, err := h.service.ChooseMethod(t.Context(), who("a"), h.p, "CNY", refund.Original, ""); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(72 * time.Hour) // days alone change nothing
	h.exec(`UPDATE payment SET discount = 10000 WHERE ref = 'P1'`)
	_, err := h.service.Submit(t.Context(), who("a"), h.p, refund.Submission{Currency: "CNY", QuoteDigest: o.Digest})
	both, ok := refund.ChangedQuote(err)
	if !errors.Is(err, refund.ErrQuoteChanged) || !ok || both.Shown == nil || both.Shown.Total != 19005 || both.Now.Quote.Total >= 19005 {
		t.Fatalf("%+v, %v", both, err)
	}
	r, err := h.service.Submit(t.Context(), who("a"), h.p, refund.Submission{Currency: "CNY", QuoteDigest: both.Now.Digest})
	if err != nil || r.Amount != both.Now.Quote.Refund {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestF12_EachCurrencyIsItsOwnRefund(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	h.paid("a", "P2", 365, "JPY")
	r := h.submit("a", "JPY", refund.Original)
	if r.Currency != "JPY" || r.Amount != 190 || h.step("a") != "in_progress submitted due 19005 CNY" {
		t.Errorf("%d %s, %s", r.Amount, r.Currency, h.step("a"))
	}
	if err := h.try(`UPDATE refund SET currency = 'CNY' WHERE id = $1`, h.approved(r).ID); err != nil {
		t.Fatal(err)
	}
	if got := h.get(r); got.State != refund.Submitted {
		t.Errorf("approved in another currency: %s", got.State)
	}
	if b, err := h.service.CreateBatch(t.Context(), cora, refund.Original, "CNY"); !errors.Is(err, refund.ErrEmptyBatch) {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestOwnersAloneAsk(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	o, r := h.offer("a", "CNY"), h.submit("a", "CNY", refund.Original)
	member := who("a")
	member.Role = migration.Member
	for name, do := range map[string]func() error{
		"draft": func() error { _, err := h.service.Draft(t.Context(), member, "CNY"); return err },
		"choose": func() error {
			_, err := h.service.ChooseMethod(t.Context(), member, h.p, "CNY", refund.Bank, "")
			return err
		},
		"fill": func() error { _, err := h.service.FillAccount(t.Context(), member, h.p, "CNY", iban); return err },
		"submit": func() error {
			_, err := h.service.Submit(t.Context(), member, h.p, refund.Submission{Currency: "CNY", QuoteDigest: o.Digest})
			return err
		},
		"withdraw": func() error { _, err := h.service.Withdraw(t.Context(), member, h.p, r.Ref, r.Version); return err },
		"answer":   func() error { _, err := h.service.Answer(t.Context(), member, r.Ref, r.Version, "x"); return err },
		"object":   func() error { _, err := h.service.Object(t.Context(), member, r.Ref, r.Version, "x"); return err },
		"correct": func() error {
			_, err := h.service.CorrectDetails(t.Context(), member, h.p, r.Ref, r.Version, iban)
			return err
		},
	} {
		if err := do(); !errors.Is(err, refund.ErrOwner) {
			t.Errorf("%s by a member: %v", name, err)
		}
	}
	for name, do := range map[string]func() error{
		"get":      func() error { _, _, err := h.service.Get(t.Context(), who("b"), r.Ref); return err },
		"withdraw": func() error { _, err := h.service.Withdraw(t.Context(), who("b"), h.p, r.Ref, r.Version); return err },
		"nothing":  func() error { _, _, err := h.service.Get(t.Context(), who("b"), "RF-2026-999999"); return err },
	} {
		if err := do(); !errors.Is(err, refund.ErrNotFound) {
			t.Errorf("%s by another customer: %v", name, err)
		}
	}
}

func TestBankDetailsAreSealedAndShownMasked(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "EUR")
	if _, err := h.service.FillAccount(t.Context(), who("a"), h.p, "EUR", iban); err != nil {
		t.Fatal(err)
	}
	r := h.submit("a", "EUR", refund.Bank)
	if r.Account.Last4 != "3000" || r.Account.Holder != "Lin Yi" {
		t.Errorf("%+v", r.Account)
	}
	whole := h.text(`SELECT string_agg(r::text, ' ') FROM refund r`) + h.text(`SELECT string_agg(r::text, ' ') FROM refund_draft r`) + h.text(`SELECT string_agg(a::text, ' ') FROM audit a`)
	if strings.Contains(whole, "532013") || strings.Contains(whole, "Lin Yi") {
		t.Errorf("in the open: %s", whole)
	}
	a, err := h.service.Reveal(t.Context(), clara, r.Ref)
	if err != nil || a.Number != "DE89370400440532013000" {
		t.Errorf("%v, %v", a, err)
	}
	if h.text(`SELECT count(*) FROM audit WHERE act = 'refund.reveal' AND actor = 'staff-clara'`) != "1" {
		t.Error("nothing recorded")
	}
	bad := iban
	bad.Number = "DE88370400440532013000"
	_, err = h.service.FillAccount(t.Context(), who("b"), h.p, "EUR", bad)
	if !errors.Is(err, refund.ErrNothing) {
		t.Errorf("without a payment: %v", err)
	}
	h.paid("b", "P2", 365_00, "EUR")
	_, err = h.service.FillAccount(t.Context(), who("b"), h.p, "EUR", bad)
	if f, ok := fault.As(err); !ok || !errors.Is(err, refund.ErrDetails) || len(f.Fields) != 1 || f.Fields[0].Name != "number" {
		t.Errorf("a wrong checksum: %v", err)
	}
}

func TestQuestionAnswerDeclineObjectionAndClosing(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	r = h.approved(r)
	r, err := h.service.SendBack(t.Context(), clara, r.Ref, r.Version, "Which invoice?")
	if err != nil || r.State != refund.Questioned || r.ReviewedBy != "" || h.step("a") != "action_needed questioned" || h.account("liability") != "0" {
		t.Fatalf("%+v, %v, %s, liability %s", r, err, h.step("a"), h.account("liability"))
	}
	if r, err = h.service.Answer(t.Context(), who("a"), r.Ref, r.Version, "The one of July."); err != nil || r.State != refund.Submitted || r.Answer != "The one of July." {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := h.service.Decline(t.Context(), clara, h.p, r.Ref, r.Version, refund.ReasonOther, " "); !errors.Is(err, refund.ErrReason) {
		t.Errorf("without a reason: %v", err)
	}
	if r, err = h.service.Decline(t.Context(), clara, h.p, r.Ref, r.Version, refund.ReasonUsed, ""); err != nil || r.State != refund.Declined || h.step("a") != "action_needed declined" {
		t.Fatalf("%+v, %v", r, err)
	}
	if r, err = h.service.Object(t.Context(), who("a"), r.Ref, r.Version, "We did not use it."); err != nil || r.State != refund.Objected {
		t.Fatalf("%+v, %v", r, err)
	}
	if r, err = h.service.Decline(t.Context(), alan, h.p, r.Ref, r.Version, refund.ReasonUsed, ""); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(29 * 24 * time.Hour)
	if err := h.service.Daily(t.Context()); err != nil || h.get(r).State != refund.Declined {
		t.Fatalf("%s, %v", h.get(r).State, err)
	}
	h.clock.Advance(2 * 24 * time.Hour)
	if err := h.service.Daily(t.Context()); err != nil || h.get(r).State != refund.Closed || h.step("a") != "completed closed" {
		t.Fatalf("%s, %v, %s", h.get(r).State, err, h.step("a"))
	}
	if _, err := h.service.Object(t.Context(), who("a"), r.Ref, h.get(r).Version, "Too late."); !errors.Is(err, refund.ErrMoved) {
		t.Error(err)
	}
	h.balanced()
}

func TestCreditWithItsBonusAndWaiving(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	h.paid("b", "P2", 365_00, "CNY")
	credit, waive := h.submit("a", "CNY", refund.Credit), h.submit("b", "CNY", refund.Waive)
	if credit.Amount != 19005+1900 && credit.Amount != 19005+1901 || credit.Replacement != "chuanxing" {
		t.Errorf("credit %d toward %q", credit.Amount, credit.Replacement)
	}
	if w := h.approved(waive); w.State != refund.Waived || h.step("b") != "completed waived" {
		t.Errorf("%s, %s", w.State, h.step("b"))
	}
	h.approved(credit)
	if h.step("a") != "in_progress approved" || strings.Contains(h.mails(), "refund_credited") {
		t.Errorf("%s, %s", h.step("a"), h.mails())
	}
	h.released(refund.Credit, "CNY")
	if got := h.get(credit); got.State != refund.Credited || h.step("a") != "completed credited" || h.account("credits") != h.text(`SELECT -amount FROM refund WHERE method = 'credit'`) {
		t.Errorf("%s, %s, credits %s", got.State, h.step("a"), h.account("credits"))
	}
	h.balanced()
}
