package portal_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"offramp/internal/db"
	"offramp/migration"
)

const queue = "/console/finance/refunds"

func TestARefundIsAskedForReviewedApprovedAndReleasedByThreePeople(t *testing.T) {
	w := newPrepaid(t)
	w.shows("owner", "/plan", "Estimated refund: CN¥8,760.00", `href="/refund"`)
	w.shows("owner", "/refund", "150 of 365 days", "CN¥3,600.00", "Request refund or credit", `href="/refund/CNY/method"`)
	w.hides(w.shows("member", "/refund", "CN¥3,600.00", "Only the owner of your account can ask"), `/refund/CNY/method`)
	w.shows("owner", "/refund/CNY/method", "How do you want your money back?", "Back to the original payment", "To a bank account")
	ref := w.asked("owner")
	w.shows("owner", "/refund/"+ref+"/submitted", ref, "We have your refund request", "Two people in finance")
	page := w.shows("owner", "/refund/"+ref, "Received", "CN¥3,600.00", "**** 3000", "CANARY-holder", "Withdraw request")
	w.hides(page, "DE89", "0532013000")
	w.storedNowhere("DE89370400440532013000")
	w.shows("owner", "/plan", ref+": Received, CN¥3,600.00")

	w.shows("finance_clerk", "/console/finance/refunds", ref, "Farshore Design Studio · HZ-20418", "CN¥3,600.00", "1 refund in all", "To review")
	w.hides(w.shows("finance_clerk", queue+"/"+ref, "150 of 365 days", "INV-1", "pi_INV-1", "**** 3000", "Mark as reviewed"), "DE89")
	if a := w.decided("finance_clerk", ref, "review", nil); a.status != 303 {
		t.Fatalf("review: %d\n%s", a.status, a.body)
	}
	w.shows("finance_clerk", queue+"/"+ref, "Waiting for an approver.")
	body := w.shows("finance_approver", queue, ref, "To approve", `name="ref"`)
	picked := url.Values{"ref": {w.found(shownChoice, body)}, "back": {"status=to_approve"}}
	w.shownIn(w.sent("finance_approver", queue+"/approve", picked, 200).body, "Approve 1 refund?", "CN¥3,600.00", ref)
	picked.Set("confirmed", "yes")
	w.shownIn(w.sent("finance_approver", queue+"/approve", picked, 200).body, "1 refund approved", ref, "Approved", "status=to_approve")
	w.shownIn(w.sent("finance_approver", queue+"/approve", picked, 200).body, "0 refunds approved", "1 could not be approved")
	w.shows("owner", "/refund/"+ref, "We have not paid anything yet")

	w.shows("finance_clerk", "/console/finance/batches", "Bank account", "Choose refunds")
	batch := w.sent("finance_clerk", "/console/finance/batches", url.Values{"method": {"bank"}, "currency": {"CNY"}}, 303).location
	w.hides(w.shows("finance_clerk", batch, "Waiting for a releaser.", ref, "CN¥3,600.00", "CANARY-holder · IBAN **** 3000", "Made the batch"), "Release 1 payment")
	w.shows("finance_releaser", batch, "the money leaves", "Release 1 payment: CN¥3,600.00", "CANARY-holder · IBAN **** 3000")
	if a := w.get("finance_releaser", batch+"/file"); a.status != 409 || a.header.Get("Content-Disposition") != "" {
		t.Errorf("a file before the release: %d %q", a.status, a.header.Get("Content-Disposition"))
	}
	w.sent("finance_releaser", batch+"/release", nil, 303)
	w.sent("finance_releaser", batch+"/release", nil, 409)
	file := w.get("finance_releaser", batch+"/file")
	if file.status != 200 || !strings.Contains(file.body, "pain.001.001.09") || !strings.Contains(file.body, "3600.00") || !strings.Contains(file.header.Get("Content-Disposition"), ".xml") {
		t.Errorf("the file: %d %v\n%s", file.status, file.header, file.body)
	}
	w.shows("owner", "/refund/"+ref, "Your payment is on its way.")
	w.shows("finance_releaser", "/console/finance/refunds?status=released", ref, "Released")
	w.shows("finance_clerk", "/console/finance/reports", "Month close", "3,600.00")
	for path, kind := range map[string]string{queue + ".csv?status=all": "text/csv", queue + ".xlsx?status=all": "spreadsheetml", "/console/finance/reports.csv": "text/csv", "/console/finance/reports.xlsx": "spreadsheetml"} {
		if a := w.get("finance_clerk", path); a.status != 200 || !strings.Contains(a.header.Get("Content-Type"), kind) || strings.Contains(path, "csv") && !strings.Contains(a.body, "3600.00") {
			t.Errorf("%s: %d %v\n%s", path, a.status, a.header, a.body)
		}
	}
	w.speak("owner", "zh-CN")
	w.shows("owner", "/refund/"+ref, "付款途中", "计算方法")
	w.speak("finance_clerk", "zh-CN")
	w.shows("finance_clerk", queue+"/"+ref, "计算过程", "已放款")
}

func TestF01_AHundredSubmitsAreOneRefund(t *testing.T) {
	w := newPrepaid(t)
	w.sent("owner", "/refund/CNY/method", url.Values{"method": {"original"}}, 303)
	form := url.Values{"quote": {w.found(shownDigest, w.shows("owner", "/refund/CNY/check"))}}
	seen := make(chan string, 100)
	for range 100 {
		go func() {
			a := w.post("owner", "/refund/CNY/check", form)
			seen <- a.location
		}()
	}
	refs := map[string]int{}
	for range 100 {
		refs[<-seen]++
	}
	if len(refs) != 1 || !strings.HasSuffix(first(refs), "/submitted") {
		t.Errorf("the answers lead to %v", refs)
	}
}

func TestTheAmountIsAskedAboutWhenItHasChanged(t *testing.T) {
	w := newPrepaid(t)
	w.sent("owner", "/refund/CNY/method", url.Values{"method": {"original"}}, 303)
	old := w.found(shownDigest, w.shows("owner", "/refund/CNY/check"))
	w.paid("a", "INV-2", 365000)
	a := w.sent("owner", "/refund/CNY/check", url.Values{"quote": {old}}, 409)
	w.shownIn(a.body, "The amount has changed", "CN¥5,100.00", "Send with the new amount")
	w.sent("owner", "/refund/CNY/check", url.Values{"quote": {w.found(shownDigest, a.body)}}, 303)
}

func TestFinanceAsksDeclinesAndTheCustomerAnswersAndObjects(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	a := w.decided("finance_clerk", ref, "question", url.Values{"question": {"  "}})
	if a.status != 422 || !strings.Contains(a.body, `id="question-error"`) {
		t.Errorf("an empty question: %d", a.status)
	}
	if a := w.decided("finance_clerk", ref, "question", url.Values{"question": {"Which <b>account</b>?"}}); a.status != 303 {
		t.Fatalf("question: %d\n%s", a.status, a.body)
	}
	body := w.shows("owner", "/refund/"+ref, "We have a question", "Which &lt;b&gt;account&lt;/b&gt;?", "Send answer")
	version := w.found(shownVersion, body)
	w.hides(w.shows("member", "/refund/"+ref, "We have a question"), "Send answer")
	if a := w.post("owner", "/refund/"+ref+"/answer", url.Values{"version": {version}}); a.status != 422 || !strings.Contains(a.body, `id="answer-error"`) {
		t.Errorf("an empty answer: %d", a.status)
	}
	w.sent("owner", "/refund/"+ref+"/answer", url.Values{"version": {version}, "answer": {"The first."}}, 303)
	stale := w.sent("owner", "/refund/"+ref+"/answer", url.Values{"version": {version}, "answer": {"Again."}}, 409)
	w.shownIn(stale.body, "Your request has changed since you opened this page")
	w.shows("finance_clerk", queue+"/"+ref, "The first.")
	if a := w.decided("finance_clerk", ref, "decline", url.Values{"text": {"x"}}); a.status != 422 || !strings.Contains(a.body, `id="reason-error"`) || !strings.Contains(a.body, ">x</textarea>") {
		t.Errorf("declined without a reason: %d", a.status)
	}
	if a := w.decided("finance_clerk", ref, "decline", url.Values{"reason": {"used"}, "text": {"See the contract."}}); a.status != 303 {
		t.Fatalf("decline: %d\n%s", a.status, a.body)
	}
	body = w.shows("owner", "/refund/"+ref, "You used the service for all of the time that you paid for.", "See the contract.", "If you disagree", "Send objection")
	w.sent("owner", "/refund/"+ref+"/objection", url.Values{"version": {w.found(shownVersion, body)}, "objection": {"It was not."}}, 303)
	w.shows("finance_clerk", queue, ref, "Objection: to review")
	w.shows("owner", "/plan", "We are checking your request")
}

func TestZ02_ARefundOfAnotherCustomerDoesNotExist(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	for _, path := range []string{"", "/submitted", "/account"} {
		there, nowhere := w.get("other", "/refund/"+ref+path), w.get("other", "/refund/RF-2026-999999"+path)
		if there.status != 404 || plain(there.body, ref) != plain(nowhere.body, "RF-2026-999999") {
			t.Errorf("%s: %d", path, there.status)
		}
	}
	for _, act := range []string{"answer", "objection", "withdraw"} {
		if a := w.post("other", "/refund/"+ref+"/"+act, url.Values{"version": {"1"}, "answer": {"x"}, "objection": {"x"}}); a.status != 400 && a.status != 404 {
			t.Errorf("%s: %d", act, a.status)
		}
	}
	w.hides(w.shows("other", "/refund", "Nothing to refund"), ref, "CANARY-holder")
}

func TestI01_TheAccountsFormKeepsWhatWasTyped(t *testing.T) {
	w := newPrepaid(t)
	w.sent("owner", "/refund/CNY/method", url.Values{"method": {"bank"}}, 303)
	good := url.Values{"kind": {"iban"}, "number": {"DE89370400440532013000"}, "holder": {"Lin"}, "bank": {""}}
	for name, value := range map[string]string{"empty": "", "long": strings.Repeat("x", 1<<15), "nul": "a\x00b", "utf8": "\xff\xfe", "markup": "<b>x</b>", "bidi": "a\u202eb", "arabic": "٣٤٥"} {
		for _, field := range []string{"kind", "number", "holder"} {
			form := url.Values{}
			for k, v := range good {
				form[k] = v
			}
			form.Set(field, value)
			a := w.post("owner", "/refund/CNY/bank", form)
			if a.status != 422 && !(field == "holder" && a.status == 303 && (name == "markup" || name == "arabic" || name == "utf8")) || strings.Contains(a.body, "<b>x</b>") {
				t.Errorf("%s in %s: %d", name, field, a.status)
			}
		}
	}
	a := w.post("owner", "/refund/CNY/bank", url.Values{"kind": {"iban"}, "number": {"DE89370400440532013001"}, "holder": {"Lin"}})
	w.shownIn(a.body, `id="number-error"`, `value="DE89370400440532013001"`, "<title>Error: ")
	if a := w.post("owner", "/refund/CNY/bank", url.Values{"state": {"paid"}}); a.status != 400 {
		t.Errorf("an extra field: %d", a.status)
	}
	if a := w.get("owner", "/refund/XXX/method"); a.status != 404 {
		t.Errorf("a currency that is none: %d", a.status)
	}
}

func TestA11_BankDetailsNeedCredentialsGivenJustNow(t *testing.T) {
	w := newPrepaid(t)
	w.sent("owner", "/refund/CNY/method", url.Values{"method": {"bank"}}, 303)
	account := url.Values{"kind": {"iban"}, "number": {"DE89370400440532013000"}, "holder": {"Lin"}}
	w.shows("owner", "/refund/CNY/bank", "Which bank account should we pay?")
	w.at(day.Add(11 * time.Minute))
	w.hides(w.shows("owner", "/refund/CNY/bank", "Sign in again", "/sign-in/start?fresh=1&amp;return_to=%2Frefund%2FCNY%2Fbank"), `name="number"`)
	w.sent("owner", "/refund/CNY/bank", account, 303) // who began in time may be slow
	w.at(day.Add(31 * time.Minute))
	w.shownIn(w.sent("owner", "/refund/CNY/bank", account, 403).body, "we did not save the account")
	w.credentials(nil)
	w.shownIn(w.sent("owner", "/refund/CNY/bank", account, 403).body, "Sign in again")
}

func TestI03_TheQueuesFilterSaysWhatItCannotRead(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	for _, c := range []struct{ query, id, label, text, kept string }{
		{"status=nowhere", "status", "Status", "Choose one from the list", ""},
		{"method=gold", "method", "Method", "Choose one from the list", ""},
		{"q=" + strings.Repeat("a", 101), "q", "Reference, customer number, email or name", "Use up to 100 characters", strings.Repeat("a", 100)},
		{"currency=XQ", "currency", "Currency", "Enter a currency such as CNY", "XQ"},
		{"currency=XQ&least=5", "currency", "Currency", "Enter a currency such as CNY", "XQ"},
		{"currency=CNY&least=-1", "least", "Amount from", "Enter the amount without a sign", "-1"},
		{"currency=CNY&least=1e3", "least", "Amount from", "Enter digits 0 to 9", "1e3"},
		{"currency=CNY&most=NaN", "most", "Amount to", "Enter digits 0 to 9", "NaN"},
		{"currency=CNY&most=0.005", "most", "Amount to", "Enter an amount in CNY with at most 2 decimals", "0.005"},
		{"currency=CNY&least=1,00", "least", "Amount from", "Enter digits 0 to 9", "1,00"},
		{"currency=CNY&least=9223372036854775808", "least", "Amount from", "This amount is too large", "9223372036854775808"},
		{"currency=CNY&least=٣", "least", "Amount from", "Enter digits 0 to 9", "٣"},
		{"currency=JPY&least=1.5", "least", "Amount from", "Enter an amount in JPY", "1.5"},
		{"currency=CNY&least=2&most=1", "least", "Amount from", "Enter the smaller amount first", "2"},
		{"older=x", "older", "Waiting for at least (days)", "Enter a whole number of days", "x"},
		{"older=-1", "older", "Waiting for at least (days)", "Enter a whole number of days", "-1"},
	} {
		a := w.get("finance_clerk", queue+"?"+c.query)
		if a.status != 422 {
			t.Errorf("%s: %d", c.query, a.status)
		}
		w.shownIn(a.body, "<title>Error: ", ">There is a problem</h2>", `<a href="#`+c.id+`">`+c.label+": "+c.text, `id="`+c.id+`-error"><span class="vh">Error:</span>`+c.text, `aria-describedby="`+c.id+`-error"`)
		if c.kept != "" {
			w.shownIn(a.body, `value="`+c.kept+`"`)
		}
		w.shownIn(a.body, "We did not search.")
		w.hides(a.body, queue+".csv", "No refunds match")
	}
	both := w.get("finance_clerk", queue+"?currency=CNY&least=x&most=y&older=z")
	w.shownIn(both.body, ">There are 3 problems</h2>", `<a href="#least">Amount from: `, `<a href="#most">Amount to: `, `<a href="#older">Waiting for at least (days): `)
	for _, mangled := range []string{"after=x", "after=" + strings.Repeat("t", 201), "exact=yes!"} {
		a := w.get("finance_clerk", queue+"?"+mangled)
		w.shownIn(a.body, ">There is a problem</h2>", "<li>Start again from the first page</li>")
	}
	w.speak("finance_clerk", "zh-CN")
	w.shownIn(w.get("finance_clerk", queue+"?currency=CNY&most=x&older=x").body, `<a href="#most">金额不高于：请只输入数字`, `<a href="#older">已等待天数不少于：请输入整数天数</a>`)
	w.speak("finance_clerk", "en")
	w.shows("finance_clerk", queue+"?currency=CNY&least=3600.00&most=3600.00&status=all", ref)
	w.hides(w.shows("finance_clerk", queue+"?currency=CNY&least=3600.01&status=all", "No refunds match this filter."), ref)
	w.hides(w.shows("finance_approver", queue+"?q=nobody", "No refunds match this filter."), "Approve selected")
	w.shows("finance_clerk", queue+"?q="+ref, ref)
	w.shows("finance_clerk", queue+"?q=hz-20418", ref)
}

// TestQuestionsAboutMoneyHaveAnswers in a programme that gives money back, and in no other.
func TestQuestionsAboutMoneyHaveAnswers(t *testing.T) {
	w := newPrepaid(t)
	w.shows("anonymous", "/en/faq", "When do I get the money?", "How is my refund worked out?")
	w.shows("anonymous", "/zh-CN/faq?q=到账", "退款什么时候到账？")
	w.shows("owner", "/help", "When do I get the money?")
	w.hides(newWorld(t).shows("anonymous", "/en/faq"), "When do I get the money?")
}

func TestStepFourIsNotOfferedWithoutAPolicy(t *testing.T) {
	w := newWorld(t)
	if a := w.get("owner", "/refund"); a.status != 404 {
		t.Errorf("%d", a.status)
	}
	w.hides(w.shows("owner", "/plan"), `href="/refund"`)
	if j, err := w.customers.Journey(w.Context(), db.CustomerScope(w.ids["a"]), w.ids["a"]); err != nil || j.Status[migration.StepSettle] != migration.NotNeeded {
		t.Errorf("%v, %v", j.Status, err)
	}
}
