package portal_test

import (
	"net/url"
	"strings"
	"testing"

	"offramp/migration"
)

func TestTheCustomerIsToldWhenTheMoneyComes(t *testing.T) {
	w := newPrepaid(t)
	w.programme.p.Refund.Within = migration.Within{Review: 5, Pay: 10, Bank: 3}
	by := func(days int) string { return day.AddDate(0, 0, days).In(w.programme.p.Zone).Format("2 January 2006") }
	w.shows("owner", "/refund", "When you get the money", "We decide: by "+by(5)+" (within 5 days)", "We pay: by "+by(15), "It is on your statement: by "+by(18))
	w.sent("owner", "/refund/CNY/method", url.Values{"method": {"original"}}, 303)
	w.shows("owner", "/refund/CNY/check", "We pay: by "+by(15))
	ref := w.askedFor("owner", url.Values{"method": {"original"}})
	w.shows("owner", "/refund/"+ref+"/submitted", "We decide: by "+by(5), "CN¥3,600.00")
	w.hides(w.shows("owner", "/refund/"+ref, "We decide: by "+by(5)), "late:")
	w.at(day.AddDate(0, 0, 6))
	w.shows("owner", "/refund/"+ref, "Late: this was due by "+by(5))
}

func TestAfterSendingThePageLeadsWithTheRefund(t *testing.T) {
	w := newPrepaid(t)
	ref := w.askedFor("owner", url.Values{"method": {"original"}})
	w.hides(w.shows("owner", "/refund", ">Your refund</h1>", ref+": CN¥3,600.00. Received."), "CN¥0.00", "Estimated total")
	w.sent("owner", "/refund/"+ref+"/withdraw", url.Values{"version": {"1"}}, 303)
	w.shows("owner", "/refund", ref, "Withdrawn", "Estimated total", `<p class="sum">CN¥3,600.00</p>`)
}

func TestCreditSaysThePriceAndWhatBecomesOfTheRest(t *testing.T) {
	w := newPrepaid(t)
	p := w.programme.p
	p.Refund.Payout.Methods, p.Refund.CreditRest = []string{migration.SettleOriginal, migration.SettleCredit}, migration.RestLost
	p.Replacements = []migration.Replacement{
		{Key: "drift", Name: both("Driftboard", "浮板"), Price: &migration.Price{Model: migration.PriceOnce, Amount: 100000, Currency: "CNY"}},
		{Key: "gratis", Name: both("Gratis", "免费"), Price: &migration.Price{Model: migration.PriceFree}},
	}
	page := w.shows("owner", "/refund/CNY/method", "Driftboard: CN¥1,000.00 in credit. Your price there is CN¥1,000.00, of which the credit covers CN¥1,000.00. CN¥2,600.00 is more than the price. You lose it.")
	w.hides(page, "Gratis")
	w.sent("owner", "/refund/CNY/method", url.Values{"method": {"credit"}, "replacement": {"drift"}}, 303)
	page = w.shows("owner", "/refund/CNY/check", "Price for you", "I agree that CN¥2,600.00 is lost", `name="rest"`, `value="260000"`)
	quote := w.found(shownDigest, page)
	w.shownIn(w.sent("owner", "/refund/CNY/check", url.Values{"quote": {quote}}, 422).body, "Agree that this amount is lost", `<a href="#rest">`)
	a := w.sent("owner", "/refund/CNY/check", url.Values{"quote": {quote}, "rest": {"260000"}}, 303)
	w.shows("owner", "/refund/"+shownRef.FindString(a.location), "Price for you", "CN¥2,600.00 is more than the price. You lose it.", "CN¥1,000.00")
}

// TestTheRestOfACreditGoesToAnAccount asks for credit that is larger than the price, where the programme pays out the rest.
func TestTheRestOfACreditGoesToAnAccount(t *testing.T) {
	w := newPrepaid(t)
	p := w.programme.p
	p.Refund.Within = migration.Within{Review: 5, Pay: 10, Bank: 3}
	p.Refund.Payout.Methods, p.Refund.CreditRest = []string{migration.SettleBank, migration.SettleCredit}, migration.RestPaid
	p.Replacements = []migration.Replacement{
		{Key: "drift", Name: both("Driftboard", "浮板"), Price: &migration.Price{Model: migration.PriceOnce, Amount: 100000, Currency: "CNY"}},
	}
	w.shows("owner", "/refund/CNY/method", "Driftboard: CN¥1,000.00 in credit. Your price there is CN¥1,000.00, of which the credit covers CN¥1,000.00. CN¥2,600.00 is more than the price. We pay it to your bank account.")
	chosen := url.Values{"method": {"credit"}, "replacement": {"drift"}}
	if a := w.sent("owner", "/refund/CNY/method", chosen, 303); a.location != "/refund/CNY/bank" {
		t.Errorf("on to %s", a.location)
	}
	if a := w.get("owner", "/refund/CNY/check"); a.location != "/refund/CNY/bank" {
		t.Errorf("checked without an account: %d to %s", a.status, a.location)
	}
	w.sent("owner", "/refund/CNY/bank", url.Values{"kind": {"iban"}, "number": {"DE89 3704 0044 0532 0130 00"}, "holder": {"Lin Yi"}, "bank": {"COBADEFFXXX"}}, 303)
	page := w.shows("owner", "/refund/CNY/check", "**** 3000", "Estimated credit", "Estimated payment to your account", "We hand the credit on: by", "We pay: by", "It is on your statement: by",
		"I agree: CN¥1,000.00 becomes credit with Driftboard, and CN¥2,600.00 is paid to this account", `name="rest"`, `value="260000"`)
	quote := w.found(shownDigest, page)
	w.shownIn(w.sent("owner", "/refund/CNY/check", url.Values{"quote": {quote}}, 422).body, "Agree to both amounts, or choose another way", `<a href="#rest">`)
	ref := shownRef.FindString(w.sent("owner", "/refund/CNY/check", url.Values{"quote": {quote}, "rest": {"260000"}}, 303).location)
	rest := shownRef.FindString(strings.ReplaceAll(w.shows("owner", "/refund/"+ref+"/submitted", "We pay CN¥2,600.00 to your bank account: RF-"), ref, ""))
	w.hides(w.shows("owner", "/refund/"+ref, "Other part: paid to your bank account", rest+": CN¥2,600.00", "Both parts together", "You withdraw both"), "**** 3000")
	w.shows("owner", "/refund/"+rest, "Other part: credit", ref+": CN¥1,000.00", "**** 3000", "CN¥2,600.00")
	w.shows("owner", "/refund", ref, "To a bank account, rest of "+ref)
	w.shows("finance_clerk", "/console/finance/refunds/"+ref, "Rest paid out", rest+" · ")
	w.shows("finance_clerk", "/console/finance/refunds/"+rest, "Credit from the same request", ref+" · ", "Both parts together")
	w.sent("owner", "/refund/"+rest+"/withdraw", url.Values{"version": {"1"}}, 303)
	w.shows("owner", "/refund/"+ref, "Withdrawn")
}

// TestACompanyGivesItsAccount gives a company account: each part that is refused has its own words beside its own field, and is kept.
func TestACompanyGivesItsAccount(t *testing.T) {
	w := newPrepaid(t)
	w.sent("owner", "/refund/CNY/method", url.Values{"method": {"bank"}}, 303)
	w.shows("owner", "/refund/CNY/bank", "Company account", `name="branch"`)
	form := url.Values{"kind": {"cn_company"}, "number": {"3100 6666 1018 8000 12"}, "holder": {"云帆设计有限公司"}, "branch": {""}, "bank": {"301290000007"}}
	a := w.sent("owner", "/refund/CNY/bank", form, 422)
	w.shownIn(a.body, `href="#branch"`, "Enter the bank and branch", "云帆设计有限公司")
	w.hides(a.body, `href="#holder"`, `href="#number"`)
	form.Set("branch", "中国银行上海市分行")
	w.sent("owner", "/refund/CNY/bank", form, 303)
	w.shows("owner", "/refund/CNY/check", "云帆设计有限公司", "中国银行上海市分行")
}

// TestANameIsShownAsOurBankWritesItAndAsked gives a name that our bank does not take: the page shows how it can be written and asks, and
// nothing is kept before the answer.
func TestANameIsShownAsOurBankWritesItAndAsked(t *testing.T) {
	w := newPrepaid(t)
	w.exec(`INSERT INTO payment (customer_id, ref, invoice_ref, paid_at, method, provider, provider_ref, currency, gross, period_start, period_end, import_id, changed_at)
		VALUES ($1, 'INV-9', 'INV-9', $2, 'card', 'stripe', 'pi_9', 'EUR', 36500, '2026-07-01', '2027-06-30', 'i', $2)`, w.ids["a"], day)
	w.exec(`UPDATE entitlement SET version = version + 1 WHERE customer_id = $1`, w.ids["a"])
	w.sent("owner", "/refund/EUR/method", url.Values{"method": {"bank"}}, 303)
	w.hides(w.shows("owner", "/refund/EUR/bank", `name="holder"`), `name="written"`)
	form := url.Values{"kind": {"iban"}, "number": {"DE89 3704 0044 0532 0130 00"}, "holder": {"Jürgen Groß"}, "bank": {"COBADEFFXXX"}}
	for tag, words := range map[string][]string{
		"zh-CN": {"以我们银行接受的字母书写户名", "同意写作Juergen Gross"},
		"en":    {"Account name in the letters that our bank accepts", "Yes, write it as Juergen Gross"},
	} {
		w.speak("owner", tag)
		a := w.sent("owner", "/refund/EUR/bank", form, 422)
		w.shownIn(a.body, append(words, `name="written"`, `value="Juergen Gross"`, `value="Jürgen Groß"`, `href="#holder"`)...)
	}
	w.speak("owner", "en")
	if a := w.get("owner", "/refund/EUR/check"); a.location != "/refund/EUR/bank" {
		t.Errorf("kept without an answer: %d to %s", a.status, a.location)
	}
	form.Set("written", "Somebody Else") // what was not shown is not agreed to
	w.sent("owner", "/refund/EUR/bank", form, 422)
	form.Set("written", "Juergen Gross")
	w.sent("owner", "/refund/EUR/bank", form, 303)
	w.hides(w.shows("owner", "/refund/EUR/check", "Juergen Gross"), "Jürgen")
}
