package portal_test

import (
	"net/url"
	"testing"

	"offramp/migration"
)

func TestTheCustomerIsToldWhenTheMoneyComes(t *testing.T) {
	w := newPrepaid(t)
	w.programme.p.Refund.Within = migration.Within{Review: 5, Pay: 10, Bank: 3}
	by := func(days int) string { return day.AddDate(0, 0, days).In(w.programme.p.Zone).Format("2 January 2006") }
	w.shows("owner", "/refund", "When the money comes", "We decide: by "+by(5)+" (within 5 days)", "We pay: by "+by(15), "It is on your statement: by "+by(18))
	w.sent("owner", "/refund/CNY/method", url.Values{"method": {"original"}}, 303)
	w.shows("owner", "/refund/CNY/check", "We pay: by "+by(15))
	ref := w.askedFor("owner", url.Values{"method": {"original"}})
	w.shows("owner", "/refund/"+ref+"/submitted", "We decide: by "+by(5), "CN¥3,600.00")
	w.hides(w.shows("owner", "/refund/"+ref, "We decide: by "+by(5)), "late:")
	w.at(day.AddDate(0, 0, 6))
	w.shows("owner", "/refund/"+ref, "late: this should have been done by "+by(5))
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
	page := w.shows("owner", "/refund/CNY/method", "Driftboard: CN¥1,000.00 credit. Your price there: CN¥1,000.00; covered: CN¥1,000.00. CN¥2,600.00 is more than the price and is lost.")
	w.hides(page, "Gratis")
	w.sent("owner", "/refund/CNY/method", url.Values{"method": {"credit"}, "replacement": {"drift"}}, 303)
	page = w.shows("owner", "/refund/CNY/check", "Price for you", "I agree that CN¥2,600.00 is lost", `name="lost"`, `value="260000"`)
	quote := w.found(shownDigest, page)
	w.shownIn(w.sent("owner", "/refund/CNY/check", url.Values{"quote": {quote}}, 422).body, "Agree that this amount is lost", `<a href="#lost">`)
	a := w.sent("owner", "/refund/CNY/check", url.Values{"quote": {quote}, "lost": {"260000"}}, 303)
	w.shows("owner", "/refund/"+shownRef.FindString(a.location), "Price for you", "CN¥2,600.00 is more than the price and is lost.", "CN¥1,000.00")
}

// TestACompanyGivesItsAccount gives a company account: each part that is refused has its own words beside its own field, and is kept.
func TestACompanyGivesItsAccount(t *testing.T) {
	w := newPrepaid(t)
	w.sent("owner", "/refund/CNY/method", url.Values{"method": {"bank"}}, 303)
	w.shows("owner", "/refund/CNY/bank", "Company account", `name="branch"`)
	form := url.Values{"kind": {"cn_company"}, "number": {"3100 6666 1018 8000 12"}, "holder": {"云帆设计有限公司"}, "branch": {""}, "bank": {"301290000007"}}
	a := w.sent("owner", "/refund/CNY/bank", form, 422)
	w.shownIn(a.body, `href="#branch"`, "Enter the bank and the branch", "云帆设计有限公司")
	w.hides(a.body, `href="#holder"`, `href="#number"`)
	form.Set("branch", "中国银行上海市分行")
	w.sent("owner", "/refund/CNY/bank", form, 303)
	w.shows("owner", "/refund/CNY/check", "云帆设计有限公司", "中国银行上海市分行")
}
