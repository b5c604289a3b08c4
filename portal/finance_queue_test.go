package portal_test

import (
	"net/url"
	"strings"
	"testing"

	"offramp/migration"
)

func TestTheQueueFindsWhatIsNamedWhateverElseIsSet(t *testing.T) {
	w := newPrepaid(t)
	w.paid("b", "INV-7", 365000)
	ref, other := w.asked("owner"), w.askedFor("other", url.Values{"method": {"original"}})
	for _, named := range []string{ref, strings.ToLower(ref), "hz-20418", "owner@canary.example", "OWNER@Canary.example"} {
		w.hides(w.shows("finance_clerk", queue+"?"+url.Values{"status": {"paid"}, "method": {"credit"}, "q": {named}}.Encode(), ref), other)
	}
	w.hides(w.shows("finance_clerk", queue+"?status=paid&q=Farshore", "No refunds match this filter."), ref) // a name is one condition among others
}

func TestTheQueueReadsAmountsAsPeopleTypeThem(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner") // CNY 3,600.00
	for _, typed := range []string{"currency=cny&least=3,600", "least=3600", "least=CNY+3,600.00", "least=%C2%A53,600.00", "least=%EF%BC%93600", "least=3%C2%A0600&most=3,600+cny"} {
		w.shows("finance_clerk", queue+"?"+typed, ref)
	}
	for _, typed := range []string{"least=3,601", "most=3,599.99"} {
		w.hides(w.shows("finance_clerk", queue+"?"+typed, "No refunds match this filter."), queue+"/"+ref)
	}
	w.exec(`INSERT INTO refund_total (state, tier, method, currency, count, amount) VALUES ('paid', 'team', 'bank', 'EUR', 1, 5)`)
	if a := w.get("finance_clerk", queue+"?least=5"); a.status != 422 || !strings.Contains(a.body, "Enter the currency too, such as CNY") {
		t.Errorf("in two currencies: %d", a.status)
	}
}

func TestTheQueuesFiguresLeadToWhatTheyCount(t *testing.T) {
	w := newPrepaid(t)
	w.hides(w.shows("finance_clerk", queue, "There is nothing to review."), "No refunds match")
	w.shows("finance_approver", queue, "There is nothing to approve.")
	ref := w.asked("owner")
	body := w.shows("finance_clerk", queue+"?method=bank", `href="`+queue+`?status=to_review"`, `href="`+queue+`?status=unknown"`, "CN¥3,600.00", `aria-label="Remove “Bank account”"`)
	w.shownIn(body, `href="`+queue+`?status=to_review" aria-label="Remove “Bank account”"`, ref)
	w.hides(w.shows("finance_clerk", queue+"?method=credit", "No refunds match this filter."), "nothing to review")
}

func TestAClerkReviewsOneAfterTheOther(t *testing.T) {
	w := newPrepaid(t)
	w.paid("b", "INV-7", 365000)
	first, second := w.asked("owner"), w.askedFor("other", url.Values{"method": {"original"}})
	in := "?in=" + url.QueryEscape("status=to_review")
	w.shows("finance_clerk", queue, `href="`+queue+"/"+first+in+`"`)
	page := w.shows("finance_clerk", queue+"/"+first+in, "Mark as reviewed and open next", `data-key="s"`, `href="`+queue+"/"+second+in+`"`, `href="`+queue+`?status=to_review"`)
	form := func(page string) url.Values {
		return url.Values{"version": {w.found(shownVersion, page)}, "in": {"status=to_review"}, "next": {"yes"}}
	}
	if a := w.sent("finance_clerk", queue+"/"+first+"/review", form(page), 303); a.location != queue+"/"+second+in {
		t.Errorf("after the first: %s", a.location)
	}
	page = w.shows("finance_clerk", queue+"/"+second+in, "Mark as reviewed and open next")
	w.hides(page, "Next refund")
	if a := w.sent("finance_clerk", queue+"/"+second+"/review", form(page), 303); a.location != queue+"?status=to_review" {
		t.Errorf("after the last: %s", a.location)
	}
	w.shows("finance_clerk", queue+"/"+first+"?in="+url.QueryEscape("least=x%zz"), first) // a place that cannot be read is none
}

func TestAnApproverSeesBeforeWhichNeedASecondPerson(t *testing.T) {
	w := newPrepaid(t)
	w.paid("b", "INV-7", 365000)
	small, large := w.asked("owner"), w.askedFor("other", url.Values{"method": {"original"}})
	w.exec(`UPDATE refund SET second_needed = true, updated_at = now() WHERE ref = $1`, large)
	for _, ref := range []string{small, large} {
		w.decided("finance_clerk", ref, "review", nil)
	}
	w.shows("finance_approver", queue, "then a second person", "data-all")
	all := url.Values{"all": {"yes"}, "back": {"status=to_approve"}}
	asked := w.sent("finance_approver", queue+"/approve", all, 200).body
	w.shownIn(asked, "Approve 2 refunds?", "1 of them also needs a second person", "Needs a second person", small, large)
	picked := url.Values{"confirmed": {"yes"}, "back": {"status=to_approve"}}
	for _, one := range strings.Split(asked, `name="ref" value="`)[1:] {
		value, _, _ := strings.Cut(one, `"`)
		picked.Add("ref", value)
	}
	w.shownIn(w.sent("finance_approver", queue+"/approve", picked, 200).body, "1 refund approved", "1 is waiting for a second person.")
	if a := w.sent("finance_approver", queue+"/approve", all, 303); a.location != queue+"?status=to_approve" {
		t.Errorf("nothing is left for this approver: %s", a.location)
	}
}

func TestFinanceSeesWhatIsLate(t *testing.T) {
	w := newPrepaid(t)
	w.programme.p.Refund.Within = migration.Within{Review: 5, Pay: 10, Bank: 3}
	w.paid("b", "INV-7", 365000)
	ref, other := w.asked("owner"), w.askedFor("other", url.Values{"method": {"original"}})
	w.shows("finance_approver", queue, `href="`+queue+`?late=yes"`, "oldest: ")
	w.shows("finance_approver", queue+"?late=yes", "Nothing is late.")
	w.hides(w.shows("finance_approver", queue+"/"+ref, "Promised to the customer", "decision: by"), "Decision is late")
	w.decided("finance_clerk", other, "review", nil)
	w.decided("finance_approver", other, "approve", nil)
	w.at(day.AddDate(0, 0, 6))
	w.shows("owner", "/refund/"+ref, "Late: this was due by")
	body := w.shows("finance_approver", queue+"?late=yes", ref, "Decision is late", "decision: 1", `aria-label="Remove “Late”"`, `<option value="yes" selected>Only late ones`)
	w.hides(body, other)
	w.shows("finance_clerk", queue+"/"+ref, "Decision is late", "We promised the customer this by "+day.AddDate(0, 0, 5).In(w.programme.p.Zone).Format("2 January 2006"), "decision: was due by")
	w.at(day.AddDate(0, 0, 11))
	w.shows("finance_approver", queue+"?late=yes", ref, other, "Payment is late", "decision: 1 · payment: 1")
	w.hides(w.shows("finance_approver", queue+".csv?late=yes&status=to_pay", other), ref)
}

// TestSelectingAllOfMoreThanFitsSaysHowManyAreTaken has 1,001 refunds wait, behind as many that this approver has reviewed.
func TestSelectingAllOfMoreThanFitsSaysHowManyAreTaken(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	w.decided("finance_clerk", ref, "review", nil)
	super := w.super.Super(t)
	for _, sql := range []string{
		`SET session_replication_role = replica`, // a thousand requests by hand
		`INSERT INTO refund (id, number, ref, customer_id, tier, name_key, state, method, currency, amount, quote, quote_digest, policy_version, account, account_kind,
				requested_by, requested_at, updated_at, reviewed_by, reviewed_at)
			SELECT 'r' || n, 100000 + n, 'RF-2026-' || 100000 + n, customer_id, tier, name_key, state, method, currency, amount, quote, quote_digest, policy_version, account, account_kind,
				requested_by, requested_at - interval '1 day' + n * interval '1 second', updated_at, CASE WHEN n > 1001 THEN reviewed_by ELSE 'identity-finance_approver' END, reviewed_at
			FROM refund, generate_series(1, 2001) n`,
		`INSERT INTO refund_total (state, tier, method, currency, count, amount) SELECT state, tier, method, currency, 2001, 2001 * amount FROM refund WHERE number < 100000`,
		`SET session_replication_role = origin`,
	} {
		if _, err := super.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	w.shows("finance_approver", queue, "Select the first 1,000")
	all := url.Values{"all": {"yes"}, "back": {"status=to_approve"}}
	body := w.sent("finance_approver", queue+"/approve", all, 200).body
	w.shownIn(body, "Approve 1,000 refunds?", "These are the first 1,000 that you can approve. There are more.", "RF-2026-101002", "RF-2026-102001")
	if got := strings.Count(body, `name="ref" value="`); got != 1000 {
		t.Errorf("%d are taken", got)
	}
	w.hides(body, "RF-2026-101001")
	if _, err := super.Exec(t.Context(), `SET session_replication_role = replica; UPDATE refund SET state = 'approved', approved_by = 'identity-second', approved_content = content WHERE id = 'r2001'; SET session_replication_role = origin`); err != nil {
		t.Fatal(err)
	}
	body = w.sent("finance_approver", queue+"/approve", all, 200).body
	w.hides(body, "that you can approve. There are more")
	w.shownIn(body, "Approve 1,000 refunds?", ref)
}

// TestListsThatAreCutSaySo has more batches, files and tasks than their pages show.
func TestListsThatAreCutSaySo(t *testing.T) {
	w := newPrepaid(t)
	super := w.super.Super(t)
	for _, sql := range []string{
		`SET session_replication_role = replica`,
		`INSERT INTO batch (id, ref, state, method, currency, count, control, sha256, created_by, created_at)
			SELECT 'b' || n, 'PB-2026-' || 100000 + n, 'discarded', 'original', 'CNY', 1, 1, '', 'identity-finance_clerk', now() FROM generate_series(1, 100) n`,
		`INSERT INTO bank_import (id, name, sha256, imported_by, imported_at) SELECT 'i' || n, 'f' || n, 's' || n, 'identity-finance_clerk', now() FROM generate_series(1, 100) n`,
		`INSERT INTO refund_task (id, kind, key, opened_at) SELECT 't' || n, 'second_refund', 'k' || n, now() FROM generate_series(1, 200) n`,
		`SET session_replication_role = origin`,
	} {
		if _, err := super.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	pages := map[string]string{
		"/console/finance/batches": "Only the latest 100 are shown.", "/console/finance/reconciliation": "Only the latest 100 are shown.",
		"/console/finance/tasks": "Only the 200 that have waited longest are shown. There are more.",
	}
	for path, words := range pages {
		w.hides(w.shows("finance_clerk", path), words)
	}
	for _, sql := range []string{
		`SET session_replication_role = replica`,
		`INSERT INTO batch SELECT (jsonb_populate_record(b, '{"id": "more", "ref": "PB-2026-999999"}')).* FROM batch b WHERE id = 'b1'`,
		`INSERT INTO bank_import (id, name, sha256, imported_by, imported_at) VALUES ('more', 'f', 's', 'identity-finance_clerk', now())`,
		`INSERT INTO refund_task (id, kind, key, opened_at) VALUES ('more', 'second_refund', 'k', now())`,
		`SET session_replication_role = origin`,
	} {
		if _, err := super.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for path, words := range pages {
		w.shows("finance_clerk", path, words)
	}
}
