package refund_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/migration"
	"offramp/migration/refund"
)

func TestStagesSayWhenTheMoneyComesAndWhatIsLate(t *testing.T) {
	zone := programme().Zone
	asked := time.Date(2026, time.December, 1, 2, 0, 0, 0, time.UTC)
	day := func(n int) *time.Time { at := asked.AddDate(0, 0, n); return &at }
	base := refund.Refund{Method: refund.Bank, ReviewDays: 5, PayDays: 10, BankDays: 3, RequestedAt: asked, UpdatedAt: asked}
	with := func(s refund.State, change func(*refund.Refund)) refund.Refund {
		r := base
		r.State = s
		change(&r)
		return r
	}
	none := func(*refund.Refund) {}
	approved := func(r *refund.Refund) { r.ApprovedAt = day(2) }
	paid := func(r *refund.Refund) { r.ApprovedAt, r.ReleasedAt, r.SettledAt = day(2), day(4), day(5) }
	for name, c := range map[string]struct {
		r    refund.Refund
		now  int
		want string
	}{
		"asked for":              {with(refund.Submitted, none), 1, "review 12-06 now, pay 12-16, bank 12-19"},
		"late":                   {with(refund.Reviewed, none), 6, "review 12-06 now late, pay 12-16, bank 12-19"},
		"on the last day":        {with(refund.Submitted, none), 5, "review 12-06 now, pay 12-16, bank 12-19"},
		"answered":               {with(refund.Submitted, func(r *refund.Refund) { r.UpdatedAt = *day(7) }), 7, "review 12-13 now, pay 12-23, bank 12-26"},
		"approved early":         {with(refund.Approved, approved), 3, "review 12-06 over, pay 12-13 now, bank 12-16"},
		"paid":                   {with(refund.Paid, paid), 6, "review 12-06 over, pay 12-13 over, bank 12-09 now"},
		"waits for the customer": {with(refund.Questioned, none), 1, ""},
		"withdrawn":              {with(refund.Withdrawn, none), 1, ""},
		"credit":                 {with(refund.Submitted, func(r *refund.Refund) { r.Method = refund.Credit }), 1, "review 12-06 now, pay 12-16"},
		"waived":                 {with(refund.Submitted, func(r *refund.Refund) { r.Method = refund.Waive }), 1, "review 12-06 now"},
		"nothing promised":       {with(refund.Submitted, func(r *refund.Refund) { r.ReviewDays, r.PayDays, r.BankDays = 0, 0, 0 }), 1, ""},
		"no days for review":     {with(refund.Submitted, func(r *refund.Refund) { r.ReviewDays = 0 }), 1, "pay -, bank -"},
	} {
		var texts []string
		for _, s := range c.r.Stages(zone, *day(c.now)) {
			text := string(s.Key) + " -"
			if !s.By.IsZero() {
				text = string(s.Key) + " " + s.By.Add(-1).In(zone).Format("01-02")
			}
			for word, is := range map[string]bool{" over": s.Over, " now": s.Now} {
				if is {
					text += word
				}
			}
			if s.Late {
				text += " late"
			}
			texts = append(texts, text)
		}
		if got := strings.Join(texts, ", "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestCreditIsOfferedOnlyWhereItIsWorthSomething(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY") // 190.05, as credit toward chuanxing 209.05
	h.p.Replacements = []migration.Replacement{
		{Key: "chuanxing"}, {Key: "free", Price: &migration.Price{Model: migration.PriceFree}}, {Key: "refuses", NoCredit: true}, {Key: "gone", Withdrawn: true}, {Key: "self", Kind: migration.KindSelf},
	}
	prices := map[string]int64{}
	h.config.Price = func(_ *migration.Programme, r migration.Replacement, c migration.Customer, _ time.Time) (int64, string, bool) {
		return prices[r.Key], "CNY", prices[r.Key] > 0 && c.ID == "a"
	}
	h.service = refund.NewService(h.config)
	for _, c := range []struct {
		price int64
		rule  string
		want  string
	}{
		{0, migration.RestKept, "chuanxing: 20905 at 0, rest 0 "},
		{300_00, migration.RestLost, "chuanxing: 20905 at 30000, rest 0 "},
		{100_00, migration.RestKept, "chuanxing: 20905 at 10000, rest 10905 kept"},
		{100_00, migration.RestLost, "chuanxing: 10000 at 10000, rest 10905 lost"},
		{100_00, migration.RestPaid, ""},
	} {
		prices["chuanxing"], h.p.Refund.CreditRest = c.price, c.rule
		o := h.offer("a", "CNY")
		got := ""
		for _, credit := range o.Credits {
			got += fmt.Sprintf("%s: %d at %d, rest %d %s", credit.Replacement, credit.Amount(), credit.Price, credit.Rest, credit.Rule)
		}
		offered := fmt.Sprint(o.Methods)
		if got != c.want || strings.Contains(offered, "credit") != (c.want != "") {
			t.Errorf("%d %s: %q, want %q; methods %s", c.price, c.rule, got, c.want, offered)
		}
	}
	for _, key := range []string{"free", "refuses", "gone", "self", "nowhere"} {
		if _, err := h.service.ChooseMethod(t.Context(), who("a"), h.p, "CNY", refund.Credit, key); !errors.Is(err, refund.ErrDetails) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestWhatLapsesOfACreditIsAgreedTo(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	h.p.Refund.CreditRest = migration.RestLost
	h.config.Price = func(*migration.Programme, migration.Replacement, migration.Customer, time.Time) (int64, string, bool) {
		return 100_00, "CNY", true
	}
	h.service = refund.NewService(h.config)
	o := h.offer("a", "CNY")
	if _, err := h.service.ChooseMethod(t.Context(), who("a"), h.p, "CNY", refund.Credit, "chuanxing"); err != nil {
		t.Fatal(err)
	}
	for _, lost := range []int64{0, 1, 109_04} {
		if _, err := h.service.Submit(t.Context(), who("a"), h.p, refund.Submission{Currency: "CNY", QuoteDigest: o.Digest, Lost: lost}); !errors.Is(err, refund.ErrRest) {
			t.Errorf("agreed to %d: %v", lost, err)
		}
	}
	r, err := h.service.Submit(t.Context(), who("a"), h.p, refund.Submission{Currency: "CNY", QuoteDigest: o.Digest, Lost: 109_05})
	if err != nil || r.Amount != 100_00 || r.CreditRest != 109_05 || r.RestRule != migration.RestLost {
		t.Fatalf("%+v, %v", r, err)
	}
	r = h.approved(r)
	h.released(refund.Credit, "CNY")
	if got := h.get(r); got.State != refund.Credited || got.CreditPrice != 100_00 {
		t.Errorf("%s at a price of %d", got.State, got.CreditPrice)
	}
	h.balanced()
}

func TestEachPromisedMailIsSentAndTheRefundStays(t *testing.T) {
	h := open(t)
	h.p.Refund.Within = migration.Within{Review: 5, Pay: 10, Bank: 3}
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Bank)
	r, err := h.service.SendBack(t.Context(), clara, r.Ref, r.Version, "Which account?")
	if err != nil {
		t.Fatal(err)
	}
	if r, err = h.service.Answer(t.Context(), who("a"), r.Ref, r.Version, "This one."); err != nil {
		t.Fatal(err)
	}
	if r, err = h.service.SendBack(t.Context(), clara, r.Ref, r.Version, "Another one, please."); err != nil {
		t.Fatal(err)
	}
	if r, err = h.service.CorrectDetails(t.Context(), who("a"), h.p, r.Ref, r.Version, iban); err != nil {
		t.Fatal(err)
	}
	if r, err = h.service.Decline(t.Context(), clara, h.p, r.Ref, r.Version, refund.ReasonUsed, ""); err != nil {
		t.Fatal(err)
	}
	if r, err = h.service.Object(t.Context(), who("a"), r.Ref, r.Version, "I did not."); err != nil {
		t.Fatal(err)
	}
	if r, err = h.service.Withdraw(t.Context(), who("a"), h.p, r.Ref, r.Version); err != nil {
		t.Fatal(err)
	}
	want := "refund_received refund_question refund_answered refund_question refund_corrected refund_declined refund_objected refund_withdrawn"
	if got := h.mails(); got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if got := h.text(`SELECT args->'data'->>'review_days' || ' ' || (args->'data'->>'bank_days') FROM river_job WHERE args->>'template' = 'refund_received'`); got != "5 3" {
		t.Errorf("promised %q", got)
	}
	e, err := h.service.Estimate(t.Context(), who("a"), h.p)
	if err != nil || len(e.Refunds) != 1 || e.Refunds[0].Ref != r.Ref || e.Refunds[0].State != refund.Withdrawn {
		t.Errorf("listed %+v, %v", e.Refunds, err)
	}
}
