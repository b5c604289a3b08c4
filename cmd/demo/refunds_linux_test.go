package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/deploy/local"
	"offramp/deploy/local/product"
	"offramp/internal/db"
	"offramp/migration/refund"
)

const (
	consoleRefunds = "/console/finance/refunds"
	consoleBatches = "/console/finance/batches"
	consoleBank    = "/console/finance/reconciliation"
)

var (
	shownQuote   = regexp.MustCompile(`name="quote" value="([0-9a-f]{64})"`)
	shownVersion = regexp.MustCompile(`name="version" value="([0-9]+)"`)
	shownRef     = regexp.MustCompile(`RF-[0-9]{4}-[0-9]+`)
	shownEnd     = regexp.MustCompile(`<EndToEndId>([^<]+)</EndToEndId>`)
	shownSum     = regexp.MustCompile(`<InstdAmt Ccy="CNY">([^<]+)</InstdAmt>`)
)

// till is the running demonstration with everybody who has to do with a refund, each with a browser of their own.
type till struct {
	*testing.T
	report   report
	browsers map[string]*local.Visitor
}

// refunds pays two customers back as people do it in their browsers: one to the card, and one to a bank account, the first of
// which is closed. Then it holds the ledger and the payment provider against what they were shown.
func refunds(t *testing.T, r report) {
	t.Helper()
	began := time.Now()
	h := &till{T: t, report: r, browsers: map[string]*local.Visitor{}}
	for i, role := range []string{"finance_clerk", "finance_approver", "finance_approver", "finance_releaser"} {
		h.enters([]string{"clerk", "approver", "second", "releaser"}[i], h.account(role, "", i == 2), "/staff/sign-in/start")
	}
	card, bank := h.toTheCard(), h.toABank()
	h.comesOut(card, bank)
	t.Logf("two refunds took %s", time.Since(began))
}

// account finds somebody who can sign in: the first of a role, or the next.
func (h *till) account(role, customer string, next bool) account {
	h.Helper()
	for _, u := range h.report.Users {
		if u.Role == role && u.Customer == customer {
			if !next {
				return u
			}
			next = false
		}
	}
	h.Fatalf("nobody is %s of %q", role, customer)
	return account{}
}

// enters opens a browser, signs in, and reads English from then on.
func (h *till) enters(who string, a account, start string) {
	h.Helper()
	h.browsers[who] = local.NewVisitor(h.report.PortalURL)
	page, err := h.browsers[who].SignIn(h.Context(), start, a.Email, a.Password)
	if err != nil || page.Status != 200 {
		h.Fatalf("%s signs in: %v, %d at %s", a.Email, err, page.Status, page.URL)
	}
	h.sends(who, "/language/en", nil)
}

// owns signs the owner of a customer in.
func (h *till) owns(who, customer string) account {
	h.Helper()
	a := h.account("customer_owner", customer, false)
	h.enters(who, a, "/sign-in/start?return_to=/refund")
	return a
}

// sees opens a page, which must show some texts.
func (h *till) sees(who, path string, texts ...string) string {
	h.Helper()
	page, err := h.browsers[who].Get(h.Context(), path)
	if err != nil || page.Status != 200 {
		h.Fatalf("%s opens %s: %v, %d", who, path, err, page.Status)
	}
	for _, text := range texts {
		if !strings.Contains(page.Body, text) {
			h.Fatalf("%s at %s does not see %q:\n%s", who, path, text, page.Body)
		}
	}
	return page.Body
}

// sends fills a form in and returns the page that it leads to.
func (h *till) sends(who, path string, form url.Values) local.Page {
	h.Helper()
	page, err := h.browsers[who].Post(h.Context(), path, form)
	if err != nil || page.Status != 200 {
		h.Fatalf("%s sends %v to %s: %v, %d\n%s", who, form, path, err, page.Status, page.Body)
	}
	return page
}

// found is what a page has in a place.
func (h *till) found(where *regexp.Regexp, body string) string {
	h.Helper()
	m := where.FindStringSubmatch(body)
	if m == nil {
		h.Fatalf("no %s in\n%s", where, body)
	}
	return m[len(m)-1]
}

// decides sends a decision upon the version of the refund that the console shows.
func (h *till) decides(who, ref, act string) {
	h.Helper()
	version := h.found(shownVersion, h.sees(who, consoleRefunds+"/"+ref))
	h.sends(who, consoleRefunds+"/"+ref+"/"+act, url.Values{"version": {version}})
}

// asks sends a request off, twice at the same time as impatient people do, and returns its reference.
func (h *till) asks(who, body string) string {
	h.Helper()
	form := url.Values{"quote": {h.found(shownQuote, body)}}
	pages := make([]local.Page, 2)
	h.twice(func(i int) (err error) {
		pages[i], err = h.browsers[who].Post(h.Context(), "/refund/CNY/check", form)
		return err
	})
	refs := []string{shownRef.FindString(pages[0].URL.Path), shownRef.FindString(pages[1].URL.Path)}
	if refs[0] == "" || refs[0] != refs[1] {
		h.Fatalf("two clicks are %q", refs)
	}
	return refs[0]
}

func (h *till) twice(do func(i int) error) {
	h.Helper()
	var group sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		group.Go(func() { errs[i] = do(i) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			h.Fatal(err)
		}
	}
}

// releases makes a batch of everything that waits and releases it, with two clicks at once. It returns the batch's path.
func (h *till) releases(method string) string {
	h.Helper()
	batch := h.sends("clerk", consoleBatches, url.Values{"method": {method}, "currency": {"CNY"}}).URL.Path
	h.sees("releaser", batch, "Release this batch?")
	h.twice(func(int) error {
		_, err := h.browsers["releaser"].Post(h.Context(), batch+"/release", nil)
		return err
	})
	return batch
}

// becomes waits until the customer is told something of a refund.
func (h *till) becomes(who, ref, text string) {
	h.Helper()
	eventually(h.T, 20*time.Second, ref+" is told to be: "+text, func() bool { return strings.Contains(h.sees(who, "/refund/"+ref), text) })
}

// toTheCard pays what the reference customer has left back to the card.
func (h *till) toTheCard() (ref string) {
	h.Helper()
	h.owns("farshore", product.Reference)
	h.sees("farshore", "/refund", "135 of 365 days", "CN¥4,438.36")
	ref = h.asks("farshore", h.sends("farshore", "/refund/CNY/method", url.Values{"method": {"original"}}).Body)
	h.decides("clerk", ref, "review")
	h.decides("approver", ref, "approve")
	h.sees("farshore", "/refund/"+ref, "Nothing has been paid yet")
	h.releases("original")
	var paid local.StripeRefund
	eventually(h.T, 20*time.Second, "a worker asks the provider", func() bool {
		made := h.made(ref)
		if len(made) > 0 {
			paid = made[0]
		}
		return len(made) > 0
	})
	h.becomes("farshore", ref, "The payment is on its way.")
	h.sends("farshore", h.report.StripeURL+"/refunds/"+paid.ID, url.Values{"status": {"succeeded"}})
	h.becomes("farshore", ref, "The payment was made on")
	return ref
}

// made lists the provider's refunds of a reference.
func (h *till) made(ref string) []local.StripeRefund {
	h.Helper()
	var all []local.StripeRefund
	if err := json.Unmarshal([]byte(h.sees("clerk", h.report.StripeURL+"/api/refunds")), &all); err != nil {
		h.Fatal(err)
	}
	return slices.DeleteFunc(all, func(r local.StripeRefund) bool { return r.Ref() != ref })
}

// toABank pays a large amount to a bank account that is closed, and then to another.
func (h *till) toABank() (ref string) {
	h.Helper()
	large := h.text(`SELECT c.ref FROM customer c JOIN entitlement e ON e.customer_id = c.id
		JOIN contact o ON o.customer_id = c.id AND o.role = 'owner'
		WHERE e.due @> '[{"currency": "CNY"}]' AND jsonb_array_length(e.due) = 1 AND (e.due->0->>'minor')::bigint > 1000000 AND c.ref <> '` + product.Reference + `' ORDER BY c.ref LIMIT 1`)
	a := h.owns("large", large)
	h.sends("large", "/refund/CNY/method", url.Values{"method": {"bank"}})
	h.signsInAgain(a, large)
	body := h.sends("large", "/refund/CNY/bank", url.Values{"kind": {"iban"}, "number": {"DE89 3704 0044 0532 0130 00"}, "holder": {"Lin Yi"}, "bank": {"COBADEFFXXX"}}).Body
	if strings.Contains(body, "0532013000") {
		h.Error("the account is shown in full")
	}
	ref = h.asks("large", body)
	first := h.paysByFile(ref)
	h.sees("large", "/refund/"+ref, "The payment is on its way.")
	h.results("results.csv", fmt.Sprintf("end_to_end_id,amount,currency,state,date,reason\n%s,%s,CNY,returned,2026-12-03,AC04\n", first[0], first[1]))
	h.becomes("large", ref, "The payment came back. Please give us an account that it can be paid to.")
	version := h.found(shownVersion, h.sees("large", "/refund/"+ref+"/account"))
	h.sends("large", "/refund/"+ref+"/account", url.Values{"version": {version}, "kind": {"cn_card"}, "number": {"6222 0202 0000 0000 006"}, "holder": {"林一"}})
	second := h.paysByFile(ref)
	if first[0] == second[0] || first[1] != second[1] {
		h.Errorf("paid as %v, and again as %v", first, second)
	}
	h.results("camt.xml", fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-12-05T18:00:00+08:00</CreDtTm></GrpHdr>
<Ntfctn><Id>N1</Id><CreDtTm>2026-12-05T18:00:00+08:00</CreDtTm><Acct><Id><Othr><Id>31050123456789012345</Id></Othr></Id></Acct>
<Ntry><Amt Ccy="CNY">%[2]s</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-12-05</Dt></BookgDt><AcctSvcrRef>B-1</AcctSvcrRef>
<BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>%[1]s</EndToEndId></Refs><Amt Ccy="CNY">%[2]s</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls></NtryDtls></Ntry>
</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>
`, second[0], second[1]))
	h.becomes("large", ref, "The payment was made on")
	return ref
}

// signsInAgain is what the page of the account asks for once the credentials are an hour old.
func (h *till) signsInAgain(a account, customer string) {
	h.Helper()
	h.text(`WITH aged AS (UPDATE session s SET authenticated_at = authenticated_at - interval '1 hour' FROM customer c
		WHERE c.id = s.customer_id AND c.ref = '` + customer + `' RETURNING 1) SELECT count(*)::text FROM aged`)
	if body := h.sees("large", "/refund/CNY/bank", "Please sign in again"); strings.Contains(body, `name="number"`) {
		h.Error("an account is asked for all the same")
	}
	page, err := h.browsers["large"].SignIn(h.Context(), "/sign-in/start?fresh=1&return_to=/refund/CNY/bank", a.Email, a.Password)
	if err != nil || page.URL.Path != "/refund/CNY/bank" || !strings.Contains(page.Body, `name="number"`) {
		h.Fatalf("signed in again: %v, at %s\n%s", err, page.URL, page.Body)
	}
}

// paysByFile brings a large refund through finance into a bank file, and returns what the file calls it and its amount.
func (h *till) paysByFile(ref string) [2]string {
	h.Helper()
	h.decides("clerk", ref, "review")
	h.decides("approver", ref, "approve")
	h.sees("clerk", consoleRefunds+"/"+ref, "To approve a second time")
	h.decides("second", ref, "approve")
	file := h.sees("releaser", h.releases("bank")+"/file", "pain.001.001.09", ref)
	return [2]string{h.found(shownEnd, file), h.found(shownSum, file)}
}

// results brings a file of the bank's in.
func (h *till) results(name, content string) {
	h.Helper()
	page, err := h.browsers["clerk"].Upload(h.Context(), consoleBank, "file", name, []byte(content))
	if err != nil || page.Status != 200 || !strings.HasPrefix(page.URL.Path, consoleBank+"/") {
		h.Fatalf("results: %v, %d at %s\n%s", err, page.Status, page.URL, page.Body)
	}
}

// comesOut holds the ledger, the provider and what customers were told against each other.
func (h *till) comesOut(card, bank string) {
	h.Helper()
	if made := h.made(card); len(made) != 1 || made[0].Amount != 443836 || made[0].Status != "succeeded" {
		h.Errorf("the provider made %+v", made)
	}
	if made := h.made(bank); len(made) != 0 {
		h.Errorf("the provider made %+v for a refund by bank", made)
	}
	app, err := url.Parse(h.report.DatabaseURL)
	if err != nil {
		h.Fatal(err)
	}
	app.User = url.User(local.AppRole)
	d, err := db.Open(h.Context(), app.String(), db.Options{MaxConns: 2})
	if err != nil {
		h.Fatal(err)
	}
	defer d.Pool.Close()
	if faults, err := refund.NewService(refund.Config{DB: d}).CheckBalance(h.Context()); err != nil || len(faults) > 0 {
		h.Errorf("the ledger: %+v, %v", faults, err)
	}
	for sql, want := range map[string]string{
		`SELECT string_agg(account || ' ' || sum, ', ' ORDER BY account) FROM (
			SELECT account, sum(amount) FROM ledger_posting WHERE account IN ('liability', 'in_transit', 'paid') GROUP BY account) AS a`: "in_transit 0, liability 0, paid -" + h.text(`SELECT sum(amount)::text FROM refund`),
		`SELECT string_agg(state || ' ' || (settled = amount), ', ') FROM refund`:                "paid true, paid true",
		`SELECT coalesce(string_agg(kind, ', '), 'none') FROM refund_task WHERE done_at IS NULL`: "none",
	} {
		if got := h.text(sql); got != want {
			h.Errorf("%s is %s, want %s", sql, got, want)
		}
	}
	if mails := h.sees("clerk", h.report.MailURL+"/api/messages"); strings.Count(mails, card) == 0 || strings.Count(mails, bank) == 0 {
		h.Error("nobody got a mail")
	}
	h.sees("clerk", "/console/finance/reports", "Month close", "4,438.36")
}

// text asks the portal's database for one value.
func (h *till) text(sql string) (s string) {
	h.Helper()
	return read[string](h.T, h.report.DatabaseURL, sql)
}
