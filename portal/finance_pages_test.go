package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// brought takes a customer's request through review and approval, and returns its reference.
func (w *world) brought(who string, form url.Values) string {
	w.Helper()
	ref := w.askedFor(who, form)
	for _, step := range []struct{ who, act string }{{"finance_clerk", "review"}, {"finance_approver", "approve"}} {
		if a := w.decided(step.who, ref, step.act, nil); a.status != 303 {
			w.Fatalf("%s: %d\n%s", step.act, a.status, a.body)
		}
	}
	return ref
}

// askedFor sends a request off that needs no account.
func (w *world) askedFor(who string, form url.Values) string {
	w.Helper()
	w.sent(who, "/refund/CNY/method", form, 303)
	a := w.sent(who, "/refund/CNY/check", url.Values{"quote": {w.found(shownDigest, w.shows(who, "/refund/CNY/check"))}}, 303)
	return shownRef.FindString(a.location)
}

func TestZ05_WhoTookPartIsToldWhyTheNextStepIsNotTheirs(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	w.exec(`UPDATE identity SET roles = '{finance_clerk,finance_approver}' WHERE id = 'identity-finance_clerk'`)
	w.decided("finance_clerk", ref, "review", nil)
	w.hides(w.shows("finance_clerk", queue+"/"+ref, "You have already worked on this refund"), `action="`+queue+"/"+ref+`/approve"`)
	a := w.decided("finance_clerk", ref, "approve", nil)
	if a.status != 403 {
		t.Errorf("approved by whoever reviewed: %d", a.status)
	}
	w.shownIn(a.body, "Someone else has to do this", ref, "CN¥3,600.00")
	w.hides(w.shows("finance_approver", queue+"/"+ref, `action="`+queue+"/"+ref+`/approve"`), "already worked on this refund")
}

func TestTheAccountIsShownOnceAndRecorded(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	w.hides(w.shows("finance_clerk", queue+"/"+ref, "**** 3000", "Show account number"), "DE8937")
	a := w.sent("finance_clerk", queue+"/"+ref+"/reveal", nil, 200)
	w.shownIn(a.body, "DE89370400440532013000", "CANARY-holder")
	w.hides(a.body, "**** 3000", "Show account number")
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("kept: %q", a.header.Get("Cache-Control"))
	}
	if got := w.acts("refund.reveal"); len(got) != 1 || !strings.Contains(got[0], "identity-finance_clerk refund "+ref) {
		t.Errorf("recorded: %q", got)
	}
	w.hides(w.shows("finance_clerk", queue+"/"+ref, "**** 3000"), "DE8937")
	if a := w.get("finance_clerk", queue+"/"+ref+"/reveal"); a.status != 405 && a.status != 404 {
		t.Errorf("by a link: %d", a.status)
	}
}

func TestFilesHoldExactlyTheFilter(t *testing.T) {
	w := newPrepaid(t)
	w.paid("b", "INV-7", 365000)
	ours, theirs := w.asked("owner"), w.askedFor("other", url.Values{"method": {"original"}})
	for filter, want := range map[string][2]bool{
		"status=all": {true, true}, "status=all&method=bank": {true, false}, "status=all&currency=CNY&most=1500.00": {false, true},
		"q=" + theirs: {false, true}, "status=to_pay": {false, false}, "status=all&currency=EUR": {false, false},
	} {
		a := w.get("finance_clerk", queue+".csv?"+filter)
		if got := [2]bool{strings.Contains(a.body, ours), strings.Contains(a.body, theirs)}; a.status != 200 || got != want {
			t.Errorf("%s: %d holds %v, want %v\n%s", filter, a.status, got, want, a.body)
		}
		page := w.get("finance_clerk", queue+"?"+filter).body
		if got := [2]bool{strings.Contains(page, `href="`+queue+"/"+ours+`?in=`), strings.Contains(page, `href="`+queue+"/"+theirs+`?in=`)}; got != want {
			t.Errorf("%s: the page holds %v, want %v", filter, got, want)
		}
	}
	if a := w.get("finance_clerk", queue+".csv?status=nowhere"); a.status != 422 || a.header.Get("Content-Disposition") != "" {
		t.Errorf("a filter that cannot be read: %d %q", a.status, a.header.Get("Content-Disposition"))
	}
}

func TestADecisionUponAnOldVersionComesBackWithWhatWasTyped(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	old := w.found(shownVersion, w.get("finance_approver", queue+"/"+ref).body)
	w.decided("finance_clerk", ref, "review", nil)
	a := w.post("finance_approver", queue+"/"+ref+"/decline", url.Values{"version": {old}, "reason": {"other"}, "text": {"CANARY-typed"}})
	if a.status != 409 {
		t.Fatalf("declined upon an old version: %d", a.status)
	}
	w.shownIn(a.body, "This refund has changed", ">CANARY-typed</textarea>", `<option value="other" selected`, "150 of 365 days")
	w.shows("finance_approver", queue+"/"+ref, "To approve")
	if a := w.post("finance_approver", queue+"/"+ref+"/decline", url.Values{"reason": {"used"}}); a.status != 400 {
		t.Errorf("upon no version: %d", a.status)
	}
}

func TestTheWayBackToTheQueueLeadsNowhereElse(t *testing.T) {
	w := newPrepaid(t)
	for back, want := range map[string]string{
		"": queue, "status=to_approve&tier=standard": queue + "?status=to_approve&tier=standard", "status=all#x": queue, `a\b`: queue,
	} {
		if a := w.sent("finance_approver", queue+"/approve", url.Values{"back": {back}}, 303); a.location != want {
			t.Errorf("%q leads to %s", back, a.location)
		}
	}
}

func TestABatchIsReleasedWithoutWhatHasChangedAndSaysSo(t *testing.T) {
	w := newPrepaid(t)
	w.paid("b", "INV-7", 365000)
	waits := url.Values{"method": {"original"}}
	kept, edited := w.brought("owner", waits), w.brought("other", waits)
	batch := w.sent("finance_clerk", "/console/finance/batches", url.Values{"method": {"original"}, "currency": {"CNY"}}, 303).location
	w.exec(`UPDATE refund SET quote_digest = md5(ref) || md5(ref) WHERE ref = $1`, edited)
	a := w.sent("finance_releaser", batch+"/release", nil, 303)
	if got := strings.Join(a.header.Values("Set-Cookie"), " "); !strings.Contains(got, "flash.refund_batch_dropped") {
		t.Errorf("said: %s", got)
	}
	w.shows("finance_releaser", batch, kept, edited)
	w.shows("finance_releaser", queue+"?status=released", kept)
	w.hides(w.shows("finance_releaser", queue+"?status=released", kept), edited)
}

func TestOnlyAReleaserTriesAgainAndOnlyWhatFailed(t *testing.T) {
	w := newPrepaid(t)
	ref := w.brought("owner", url.Values{"method": {"original"}})
	batch := w.sent("finance_clerk", "/console/finance/batches", url.Values{"method": {"original"}, "currency": {"CNY"}}, 303).location
	w.hides(w.shows("finance_releaser", queue+"/"+ref, "Approved"), "Try the payment again")
	w.sent("finance_releaser", batch+"/release", nil, 303)
	w.hides(w.shows("finance_releaser", queue+"/"+ref, "Released", "Planned"), "Try the payment again")
	w.exec(`UPDATE payout_attempt SET state = 'failed', failure = 'no_funds', next_at = NULL, settled_at = now()`)
	w.hides(w.shows("finance_clerk", queue+"/"+ref, "Failed"), "Try the payment again")
	w.shows("finance_releaser", queue+"/"+ref, "Failed", "Try the payment again")
	form := url.Values{"version": {w.found(shownVersion, w.get("finance_releaser", queue+"/"+ref).body)}}
	w.sent("finance_releaser", queue+"/"+ref+"/again", form, 303)
	w.hides(w.shows("finance_releaser", queue+"/"+ref, "Payment tried again"), `name="again"`)
}

func TestLinesOfBankResultsAreListedByTheirQueue(t *testing.T) {
	w := newPrepaid(t)
	const head = "end_to_end_id,amount,currency,state,date,reason\n"
	a := w.upload("finance_clerk", "/console/finance/reconciliation", "results.csv", head+"FOREIGN,5.00,CNY,booked,2026-11-24,\n")
	w.shows("finance_clerk", a.location, "FOREIGN")
	w.shows("finance_clerk", a.location+"?queue=unmatched", "FOREIGN")
	w.hides(w.shows("finance_clerk", a.location+"?queue=matched", "There are no lines of this kind."), "FOREIGN")
	w.shows("finance_clerk", a.location+"?queue=nowhere", "FOREIGN") // an old link shows all
	if a := w.do("finance_clerk", "GET", a.location+"?queue=a&queue=b", "", http.Header{}); a.status != 400 {
		t.Errorf("twice: %d", a.status)
	}
}

// TestAClerkChoosesWhatGoesIntoABatch ticks, previews, meets a refund that changed meanwhile, and makes the batch of exactly the rest.
func TestAClerkChoosesWhatGoesIntoABatch(t *testing.T) {
	w := newPrepaid(t)
	first := w.brought("owner", url.Values{"method": {"original"}})
	w.paid("b", "INV-9", 365000)
	second := w.brought("other", url.Values{"method": {"original"}})
	const batches = "/console/finance/batches"
	new := batches + "/new?currency=CNY&method=original"
	w.shows("finance_clerk", batches, "Choose refunds", `href="`+strings.ReplaceAll(new, "&", "&amp;")+`"`)
	body := w.shows("finance_clerk", new, first, second, "identity-finance_approver", "2 refunds in all", `checked`, "Preview batch")
	picked := shownChoice.FindAllStringSubmatch(body, -1)
	if len(picked) != 2 {
		t.Fatalf("%d to choose among", len(picked))
	}
	w.hides(w.shows("finance_clerk", new+"&older=3", "No approved refunds outside a batch match the filter"), first)
	if a := w.get("finance_clerk", new+"&older=x"); a.status != 422 || !strings.Contains(a.body, `value="x"`) {
		t.Errorf("an age that is none: %d", a.status)
	}
	if a := w.get("finance_releaser", new); a.status != 403 {
		t.Errorf("a releaser chooses: %d", a.status)
	}
	form := url.Values{"method": {"original"}, "currency": {"CNY"}, "step": {"preview"}}
	if a := w.post("finance_clerk", batches, form); a.status != 422 || !strings.Contains(a.body, "Tick at least one refund") {
		t.Errorf("nothing ticked: %d", a.status)
	}
	form["ref"] = []string{picked[0][1]}
	w.hides(w.sent("finance_clerk", batches, form, 200).body, second)
	form["ref"] = []string{picked[0][1], picked[1][1]}
	w.shownIn(w.sent("finance_clerk", batches, form, 200).body, "Make this batch?", first, second, "Make the batch of 2 refunds")
	w.exec(`UPDATE refund SET state = 'questioned', question = 'Which account?' WHERE ref = $1`, second)
	form.Set("step", "create")
	a := w.sent("finance_clerk", batches, form, 409)
	w.shownIn(a.body, "1 refund has changed since you saw it", second+": now “Waiting for an answer”", "Make the batch of 1 refund", picked[0][1])
	w.hides(a.body, `value="`+picked[1][1]+`"`)
	if n := w.count(`SELECT count(*) FROM batch`); n != 0 {
		t.Errorf("%d batches", n)
	}
}

// TestABatchSaysWhoLeftOutWhat makes a batch of one of two refunds.
func TestABatchSaysWhoLeftOutWhat(t *testing.T) {
	w := newPrepaid(t)
	first := w.brought("owner", url.Values{"method": {"original"}})
	w.paid("b", "INV-9", 365000)
	second := w.brought("other", url.Values{"method": {"original"}})
	form := url.Values{"method": {"original"}, "currency": {"CNY"}, "step": {"create"}, "ref": {w.text(`SELECT ref || ':' || version FROM refund WHERE ref = $1`, second)}}
	batch := w.sent("finance_clerk", "/console/finance/batches", form, 303).location
	w.shows("finance_clerk", batch, "Left out by choice", "1, by identity-finance_clerk", first, "Left out by identity-finance_clerk, still approved", "1 refund in all")
	w.shows("finance_clerk", "/console/finance/batches/new", first)
	w.sent("finance_releaser", batch+"/release", nil, 303)
	if got := w.text(`SELECT string_agg(ref || ' ' || state, ', ' ORDER BY ref) FROM refund WHERE ref IN ($1, $2)`, first, second); !strings.Contains(got, first+" approved") || strings.Contains(got, second+" approved") {
		t.Error(got)
	}
	w.hides(w.shows("finance_clerk", "/console/finance/batches/new", first), second)
}
