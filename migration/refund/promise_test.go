package refund_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/payout/account"
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
		"paid long ago":          {with(refund.Paid, paid), 30, "review 12-06 over, pay 12-13 over, bank 12-09 over"},
		"sent long ago":          {with(refund.Released, func(r *refund.Refund) { r.ApprovedAt, r.ReleasedAt = day(2), day(4) }), 30, "review 12-06 over, pay 12-13 over, bank 12-08 now late"},
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
		{300_00, migration.RestPaid, "chuanxing: 20905 at 30000, rest 0 "},
		{209_00, migration.RestPaid, "chuanxing: 20900 at 20900, rest 5 paid"},
		{209_04, migration.RestPaid, "chuanxing: 20904 at 20904, rest 1 paid"},
		{100_00, migration.RestPaid, "chuanxing: 10000 at 10000, rest 9914 paid"}, // of 190.05, 90.91 with a bonus of 9.09 are 100.00
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
	h.p.Refund.Minimum = migration.Amounts{"CNY": "200.00"} // what is paid out: nothing
	if o := h.offer("a", "CNY"); len(o.Credits) > 0 {
		t.Errorf("the rest of what is not paid out: %+v", o.Credits)
	}
	h.p.Refund.Minimum, h.p.Refund.Payout.Methods = nil, []string{migration.SettleCredit}
	if o := h.offer("a", "CNY"); len(o.Credits) > 0 {
		t.Errorf("a rest without a way to pay it: %+v", o.Credits)
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
		if _, err := h.service.Submit(t.Context(), who("a"), h.p, refund.Submission{Currency: "CNY", QuoteDigest: o.Digest, Rest: lost}); !errors.Is(err, refund.ErrRest) {
			t.Errorf("agreed to %d: %v", lost, err)
		}
	}
	r, err := h.service.Submit(t.Context(), who("a"), h.p, refund.Submission{Currency: "CNY", QuoteDigest: o.Digest, Rest: 109_05})
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

// splits is a house that pays out what is over the price of 100.00 of the one replacement there is.
func splits(t *testing.T) *house {
	t.Helper()
	h := open(t)
	h.p.Refund.CreditRest = migration.RestPaid
	h.config.Price = func(*migration.Programme, migration.Replacement, migration.Customer, time.Time) (int64, string, bool) {
		return 100_00, "CNY", true
	}
	h.service = refund.NewService(h.config)
	return h
}

// asksBoth asks for credit whose rest is paid out, and returns both parts.
func (h *house) asksBoth(id string) (credit, rest refund.Refund) {
	h.Helper()
	o := h.offer(id, "CNY")
	if _, err := h.service.ChooseMethod(h.Context(), who(id), h.p, "CNY", refund.Credit, "chuanxing"); err != nil {
		h.Fatal(err)
	}
	c, _ := o.CreditTo("chuanxing")
	sub := refund.Submission{Currency: "CNY", QuoteDigest: o.Digest, Rest: c.Rest}
	if _, err := h.service.Submit(h.Context(), who(id), h.p, sub); !errors.Is(err, refund.ErrDetails) {
		h.Fatalf("without an account: %v", err)
	}
	if _, err := h.service.FillAccount(h.Context(), who(id), h.p, "CNY", account.Account{Kind: account.Card, Number: "4539148803436467", Holder: "林一", Bank: "301290000007"}); err != nil {
		h.Fatal(err)
	}
	for _, rest := range []int64{0, c.Rest - 1} {
		if _, err := h.service.Submit(h.Context(), who(id), h.p, refund.Submission{Currency: "CNY", QuoteDigest: o.Digest, Rest: rest}); !errors.Is(err, refund.ErrRest) {
			h.Fatalf("agreed to %d: %v", rest, err)
		}
	}
	credit, err := h.service.Submit(h.Context(), who(id), h.p, sub)
	if err != nil {
		h.Fatal(err)
	}
	if again, err := h.service.Submit(h.Context(), who(id), h.p, sub); err != nil || again.Ref != credit.Ref {
		h.Fatalf("sent again: %s, %v", again.Ref, err)
	}
	return credit, h.get(refund.Refund{CustomerID: id, Ref: credit.Other})
}

func TestTheRestOfACreditIsPaidOut(t *testing.T) {
	h := splits(t)
	h.paid("a", "P1", 100_00, "CNY") // 52.07 with goodwill
	h.paid("a", "P2", 265_00, "CNY") // 137.98
	credit, rest := h.asksBoth("a")
	if got := fmt.Sprintf("%s %d %q %s %d %q %t %t", credit.Method, credit.Amount, credit.Account.Last4, rest.Method, rest.Amount, rest.Account.Last4, rest.Other == credit.Ref, rest.PaysRest); got !=
		"credit 10000 \"\" bank 9914 \"6467\" true true" {
		t.Errorf("asked for %s", got)
	}
	parts := h.text(`SELECT string_agg(payment_ref || ' ' || method || ' ' || p.amount, ', ' ORDER BY number, payment_ref) FROM refund_payment p JOIN refund r ON r.id = refund_id`)
	if want := "P1 credit 5207, P2 credit 3884, P2 bank 9914"; parts != want {
		t.Errorf("they give back %s, want %s", parts, want)
	}
	if got := h.step("a"); got != "in_progress submitted submitted" {
		t.Errorf("the step is %s", got)
	}
	expect := func(when string, want refund.Standing) {
		t.Helper()
		if got := h.readAll(); got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
		h.balanced()
	}
	expect("asked for", refund.Standing{Due: 199_14})
	credit, rest = h.approved(credit), h.approved(rest)
	expect("approved", refund.Standing{Approved: 199_14})
	h.released(refund.Credit, "CNY")
	expect("credited", refund.Standing{Approved: 99_14, Credited: 100_00})
	b := h.released(refund.Bank, "CNY")
	if b.Count != 1 || b.Control != 99_14 {
		t.Errorf("the bank is told to pay %d: %d", b.Count, b.Control)
	}
	expect("sent", refund.Standing{OnTheWay: 99_14, Credited: 100_00})
	h.exec(`UPDATE payout_attempt SET state = 'succeeded', settled_at = $2 WHERE refund_id = $1`, rest.ID, h.clock.Now())
	h.exec(`UPDATE refund SET state = 'paid', settled = amount, updated_at = $2 WHERE id = $1`, rest.ID, h.clock.Now())
	expect("paid", refund.Standing{Paid: 99_14, Credited: 100_00})
	if got := h.text(`SELECT sum(amount) FROM ledger_posting WHERE account IN ('prepaid', 'goodwill')`); got != "19914" {
		t.Errorf("given in all: %s", got)
	}
	if e, err := h.service.Estimate(t.Context(), who("a"), h.p); err != nil || len(e.Quotes) > 0 {
		t.Errorf("left to ask for: %+v, %v", e.Quotes, err)
	}
}

func TestBothPartsOfARequestAreTakenBackTogether(t *testing.T) {
	h := splits(t)
	h.paid("a", "P1", 365_00, "CNY")
	credit, rest := h.asksBoth("a")
	if _, err := h.service.Withdraw(t.Context(), who("a"), h.p, rest.Ref, rest.Version); err != nil {
		t.Fatal(err)
	}
	if got := h.get(credit); got.State != refund.Withdrawn || h.get(rest).State != refund.Withdrawn {
		t.Errorf("the credit is %s", got.State)
	}
	if o := h.offer("a", "CNY"); o.Quote.Total != 190_05 {
		t.Errorf("%d can be asked for again", o.Quote.Total)
	}
	credit, rest = h.asksBoth("a")
	h.refusedBy(h.try(`UPDATE refund SET state = 'withdrawn' WHERE id = $1`, rest.ID), "refund_order")
	h.approved(credit)
	if _, err := h.service.Withdraw(t.Context(), who("a"), h.p, rest.Ref, rest.Version); !errors.Is(err, refund.ErrMoved) || h.get(rest).MayWithdraw() {
		t.Errorf("one part is approved: %v", err)
	}
	h.balanced()
}

// TestARequestInTwoPartsIsOneBySize holds that parting an amount does not spare it the second approver.
func TestARequestInTwoPartsIsOneBySize(t *testing.T) {
	h := splits(t)
	h.p.Refund.SecondFrom = migration.Amounts{"CNY": "199.00"}
	h.paid("a", "P1", 365_00, "CNY")
	credit, rest := h.asksBoth("a")
	if !credit.SecondNeeded || !rest.SecondNeeded {
		t.Errorf("a second approver for the credit: %t, for the rest: %t", credit.SecondNeeded, rest.SecondNeeded)
	}
	h.exec(`UPDATE refund SET second_needed = false`) // as before the programme asked for one
	if _, err := h.service.Review(t.Context(), clara, credit.Ref, credit.Version+1); err != nil {
		t.Fatal(err)
	}
	queue, err := h.service.Queue(t.Context(), alan, refund.Filter{States: []refund.State{refund.Reviewed}}, "")
	if err != nil || len(queue.Rows) != 1 || !refund.NeedsSecond(h.p, queue.Rows[0]) {
		t.Errorf("the queue says that one approver is enough for a part: %+v, %v", queue.Rows, err)
	}
	if r, err := h.service.Review(t.Context(), clara, rest.Ref, rest.Version+1); err != nil {
		t.Fatal(err)
	} else if r, err = h.service.Approve(t.Context(), alan, h.p, r.Ref, r.Version); err != nil || r.State != refund.Second {
		t.Errorf("approved: %s, %v", r.State, err)
	}
}

// TestARestIsThatOfItsCredit tries by raw SQL to pay more than was agreed, or to whom it was not.
func TestARestIsThatOfItsCredit(t *testing.T) {
	h := splits(t)
	h.paid("a", "P1", 365_00, "CNY")
	h.paid("b", "P2", 365_00, "CNY")
	credit, rest := h.asksBoth("a")
	other := h.submit("b", "CNY", refund.Bank)
	h.refusedBy(h.try(`UPDATE refund SET credit_rest = 1 WHERE id = $1`, credit.ID), "refund_stays")
	h.refusedBy(h.try(`UPDATE refund SET rest_of = $2, rest_rule = 'paid' WHERE id = $1`, other.ID, credit.ID), "refund_stays")
	h.paid("a", "P3", 365_00, "CNY")
	third := h.submit("a", "CNY", refund.Bank)
	for name, id := range map[string]string{"another refund": third.ID, "the credit": credit.ID} {
		err := h.try(`INSERT INTO refund_payment (refund_id, customer_id, payment_ref, amount, paid, rest) VALUES ($1, 'a', 'P1', 1, 36500, false)`, id)
		if !db.IsUnique(err, "refund_payment_once") && !db.IsUnique(err, "refund_payment_pkey") {
			t.Errorf("%s covers the payment once more: %v", name, err)
		}
	}
	const copied = `INSERT INTO refund (id, ref, number, method, account, account_kind, amount, credit_rest, rest_of, customer_id, tier, state, currency, quote,
			quote_digest, policy_version, requested_by, requested_at, updated_at, name_key, rest_rule, credit_price)
		SELECT 'copy', 'RF-2026-999999', 999999, 'bank', 'x', 'iban', 9914, 9914, $2, customer_id, tier, state, currency, quote,
			quote_digest, policy_version, requested_by, requested_at, updated_at, name_key, rest_rule, credit_price FROM refund WHERE id = $1`
	h.paid("a", "P4", 365_00, "CNY")
	if err := h.try(copied, rest.ID, credit.ID); !db.IsUnique(err, "refund_rest_once") {
		t.Errorf("a second rest: %v", err)
	}
	err := h.db.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		if _, err := tx.Pgx.Exec(t.Context(), copied, rest.ID, nil); err != nil {
			return err
		}
		_, err := tx.Pgx.Exec(t.Context(), `INSERT INTO refund_payment (refund_id, customer_id, payment_ref, amount, paid) VALUES ('copy', 'a', 'P4', 9914, 36500)`)
		return err
	})
	h.refusedBy(err, "refund_rest")
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

// TestFinanceSeesAsLateWhatTheCustomerIsTold reads at many instants what the queue, its rows and its figure call late, and what the
// customers' pages do.
func TestFinanceSeesAsLateWhatTheCustomerIsTold(t *testing.T) {
	h := open(t)
	h.p.Refund.Within = migration.Within{Review: 5, Pay: 3, Bank: 2}
	var all []refund.Refund
	for i, id := range []string{"a", "b", "c", "d", "e", "f"} {
		if id > "b" {
			h.customer(id)
		}
		h.paid(id, "P"+id, 365_00, "CNY")
		if id == "f" {
			h.p.Refund.Within = migration.Within{}
		}
		r := h.submit(id, "CNY", map[bool]refund.Method{true: refund.Bank, false: refund.Original}[id == "d"])
		h.clock.Advance(time.Duration(i) * 7 * time.Hour)
		var err error
		switch id {
		case "b":
			r, err = h.service.Review(t.Context(), clara, r.Ref, r.Version)
		case "c", "d":
			r = h.approved(r)
		case "e":
			if r, err = h.service.SendBack(t.Context(), clara, r.Ref, r.Version, "Which?"); err == nil && id == "e" {
				h.clock.Advance(30 * time.Hour)
				r, err = h.service.Answer(t.Context(), who(id), r.Ref, r.Version, "This.")
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	h.clock.Advance(time.Hour)
	h.released(refund.Bank, "CNY")
	seen := map[string]bool{}
	for range 60 {
		now := h.clock.Now()
		var told []string
		stages := map[refund.StageKey]int{}
		for _, r := range all {
			for _, s := range h.get(r).Stages(h.p.Zone, now) {
				if s.Late {
					told = append(told, r.Ref)
					stages[s.Key]++
				}
			}
		}
		slices.Sort(told)
		page, err := h.service.Queue(t.Context(), clara, refund.Filter{LateIn: h.p.Zone.String()}, "")
		if err != nil {
			t.Fatal(err)
		}
		listed := refs(page.Rows)
		slices.Sort(listed)
		whole, err := h.service.Queue(t.Context(), clara, refund.Filter{}, "")
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, r := range whole.Rows {
			if r.Late(h.p.Zone, now) {
				rows = append(rows, r.Ref)
			}
		}
		slices.Sort(rows)
		figures, err := h.service.Figures(t.Context(), clara, h.p)
		if err != nil {
			t.Fatal(err)
		}
		counted := map[refund.StageKey]int{}
		for _, f := range figures.Late {
			counted[f.Stage] = f.Count
		}
		if !slices.Equal(told, listed) || !slices.Equal(told, rows) || !maps.Equal(stages, counted) {
			t.Fatalf("%s: told %v, listed %v, marked %v; told %v, counted %v", now, told, listed, rows, stages, counted)
		}
		seen[fmt.Sprint(stages)] = true
		h.clock.Advance(5 * time.Hour)
	}
	if len(seen) < 3 {
		t.Errorf("hardly anything became late: %v", seen)
	}
}
