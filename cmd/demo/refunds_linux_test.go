package main

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local"
	"offramp/deploy/local/postgres"
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

// refunds pays three customers back as people do it in their browsers: one to the card, one to a card that has expired and then
// to a bank account, and one to two bank accounts, the first of which is closed. Then it holds the ledger and the payment provider
// against what they were shown.
func refunds(t *testing.T, r report) {
	t.Helper()
	began := time.Now()
	h := &till{T: t, report: r, browsers: map[string]*local.Visitor{}, second: map[string]int{}}
	for i, role := range []string{"finance_clerk", "finance_approver", "finance_approver", "finance_releaser"} {
		h.enters([]string{"clerk", "approver", "second", "releaser"}[i], h.account(role, "", i == 2), "/staff/sign-in/start")
	}
	h.comesOut(h.toTheCard(), h.toAnExpiredCard(), h.toABank())
	t.Logf("three refunds took %s", time.Since(began))
}

// toTheCard pays what the reference customer has left back to the card.
func (h *till) toTheCard() string {
	h.Helper()
	h.owns("farshore", product.Reference)
	h.sees("farshore", "/refund", "135 of 365 days", "CN¥4,438.36")
	ref, paid := h.paysByCard("farshore")
	h.becomes("farshore", ref, "Your payment is on its way.")
	h.sends("farshore", h.report.StripeURL+"/refunds/"+paid.ID, url.Values{"status": {"succeeded"}})
	h.becomes("farshore", ref, "We paid this on")
	return ref
}

// paysByCard asks for everything back to the card, and brings it through finance to the provider.
func (h *till) paysByCard(who string) (ref string, paid local.StripeRefund) {
	h.Helper()
	ref = h.asks(who, h.sends(who, "/refund/CNY/method", url.Values{"method": {"original"}}).Body)
	h.approves(ref)
	h.sees(who, "/refund/"+ref, "We have not paid anything yet")
	h.releases("original")
	eventually(h.T, 20*time.Second, "a worker asks the provider", func() bool {
		made := h.made(ref)
		if len(made) > 0 {
			paid = made[0]
		}
		return len(made) > 0
	})
	return ref, paid
}

// toAnExpiredCard pays back to a card, which comes back after it was told to be paid, and then to a bank account.
func (h *till) toAnExpiredCard() string {
	h.Helper()
	h.owns("expired", h.text(`SELECT c.ref FROM customer c JOIN contact o ON o.customer_id = c.id AND o.role = 'owner' JOIN payment p ON p.customer_id = c.id
		WHERE p.currency = 'CNY' AND p.period_end > '2027-01-31' AND p.provider = 'stripe' AND substr(p.ref, 5)::bigint % 9 = 4
		AND NOT EXISTS (SELECT FROM payment q WHERE q.customer_id = c.id AND q.ref <> p.ref AND q.period_end > '2027-01-31') ORDER BY c.ref LIMIT 1`))
	ref, paid := h.paysByCard("expired")
	h.becomes("expired", ref, "We paid this on")
	h.sends("expired", h.report.StripeURL+"/refunds/"+paid.ID, url.Values{"status": {"failed"}, "failure": {"expired_or_canceled_card"}})
	h.becomes("expired", ref, "The payment came back. Give us an account that we can pay.")
	h.givesAnother("expired", ref)
	h.booked(h.paysByFile(ref))
	h.becomes("expired", ref, "We paid this on")
	return ref
}

// givesAnother gives a bank account after a payment has come back.
func (h *till) givesAnother(who, ref string) {
	h.Helper()
	version := h.found(shownVersion, h.sees(who, "/refund/"+ref+"/account"))
	h.sends(who, "/refund/"+ref+"/account", url.Values{"version": {version}, "kind": {"cn_card"}, "number": {"6222 0202 0000 0000 006"}, "holder": {"林一"}})
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
	h.sees("large", "/refund/"+ref, "Your payment is on its way.")
	h.results("results.csv", fmt.Sprintf("end_to_end_id,amount,currency,state,date,reason\n%s,%s,CNY,returned,2026-12-03,AC04\n", first[0], first[1]))
	h.becomes("large", ref, "The payment came back. Give us an account that we can pay.")
	h.givesAnother("large", ref)
	second := h.paysByFile(ref)
	if first[0] == second[0] || first[1] != second[1] {
		h.Errorf("paid as %v, and again as %v", first, second)
	}
	h.booked(second)
	h.becomes("large", ref, "We paid this on")
	return ref
}

// booked brings in what the bank says of a payment that left.
func (h *till) booked(paid [2]string) {
	h.Helper()
	h.results("camt.xml", fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>M-%[1]s</MsgId><CreDtTm>2026-12-05T18:00:00+08:00</CreDtTm></GrpHdr>
<Ntfctn><Id>N1</Id><CreDtTm>2026-12-05T18:00:00+08:00</CreDtTm><Acct><Id><Othr><Id>31050123456789012345</Id></Othr></Id></Acct>
<Ntry><Amt Ccy="CNY">%[2]s</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-12-05</Dt></BookgDt><AcctSvcrRef>B-%[1]s</AcctSvcrRef>
<BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>%[1]s</EndToEndId></Refs><Amt Ccy="CNY">%[2]s</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls></NtryDtls></Ntry>
</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>
`, paid[0], paid[1]))
}

// signsInAgain is what the page of the account asks for once the credentials are an hour old.
func (h *till) signsInAgain(a account, customer string) {
	h.Helper()
	h.text(`WITH aged AS (UPDATE session s SET authenticated_at = authenticated_at - interval '1 hour' FROM customer c
		WHERE c.id = s.customer_id AND c.ref = '` + customer + `' RETURNING 1) SELECT count(*)::text FROM aged`)
	if body := h.sees("large", "/refund/CNY/bank", "Sign in again"); strings.Contains(body, `name="number"`) {
		h.Error("an account is asked for all the same")
	}
	page, err := h.browsers["large"].SignIn(h.Context(), "/sign-in/start?fresh=1&return_to=/refund/CNY/bank", a.Email, a.Password)
	if err != nil || page.URL.Path != "/refund/CNY/bank" || !strings.Contains(page.Body, `name="number"`) {
		h.Fatalf("signed in again: %v, at %s\n%s", err, page.URL, page.Body)
	}
}

// approves reviews a refund and approves it, twice where its amount needs that.
func (h *till) approves(ref string) {
	h.Helper()
	h.decides("clerk", ref, "review")
	h.decides("approver", ref, "approve")
	if strings.Contains(h.sees("clerk", consoleRefunds+"/"+ref), "To approve a second time") {
		h.second[ref]++
		h.decides("second", ref, "approve")
	}
}

// paysByFile brings a refund through finance into a bank file, and returns what the file calls it and its amount.
func (h *till) paysByFile(ref string) [2]string {
	h.Helper()
	h.approves(ref)
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
func (h *till) comesOut(card, expired, bank string) {
	h.Helper()
	if h.second[bank] != 2 || h.second[card] != 0 {
		h.Errorf("approved by two: %v", h.second)
	}
	if made := h.made(card); len(made) != 1 || made[0].Amount != 443836 || made[0].Status != "succeeded" {
		h.Errorf("the provider made %+v", made)
	}
	if made := h.made(expired); len(made) != 1 || made[0].Status != "failed" {
		h.Errorf("the provider made %+v for the expired card", made)
	}
	if made := h.made(bank); len(made) != 0 {
		h.Errorf("the provider made %+v for a refund by bank", made)
	}
	app, err := url.Parse(h.report.DatabaseURL)
	if err != nil {
		h.Fatal(err)
	}
	app.User = url.User(postgres.AppRole)
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
			SELECT CASE account WHEN 'reversal' THEN 'paid' ELSE account END AS account, sum(amount) FROM ledger_posting
			WHERE account IN ('liability', 'in_transit', 'paid', 'reversal') GROUP BY 1) AS a`: "in_transit 0, liability 0, paid -" + h.text(`SELECT sum(amount)::text FROM refund`),
		`SELECT string_agg(state || ' ' || (settled = amount), ', ') FROM refund`:                "paid true, paid true, paid true",
		`SELECT coalesce(string_agg(kind, ', '), 'none') FROM refund_task WHERE done_at IS NULL`: "money_back",
	} {
		if got := h.text(sql); got != want {
			h.Errorf("%s is %s, want %s", sql, got, want)
		}
	}
	h.toldOthers(product.Reference, "refund.paid", `"settle":"completed"`)
	h.sees("farshore", "/plan", card+": Paid, CN¥4,438.36")
	list := h.sees("clerk", consoleRefunds+".csv?status=all", card, expired, bank, "4438.36")
	if rows := strings.Count(strings.TrimSpace(list), "\n"); rows != 3 {
		h.Errorf("%d refunds in the list:\n%s", rows, list)
	}
	if mails := h.sees("clerk", h.report.MailURL+"/api/messages"); strings.Count(mails, card) == 0 || strings.Count(mails, bank) == 0 {
		h.Error("nobody got a mail")
	}
	h.sees("clerk", "/console/finance/reports", "Month close", "4,438.36")
}
