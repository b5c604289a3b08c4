package portal_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"offramp/export/storage"
	"offramp/internal/secret"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/bankfile"
	"offramp/migration/replacement"
)

// refunds is the service of refunds over the world's database; nobody works its jobs.
func (w *world) refunds() *refund.Service {
	w.Helper()
	box, err := secret.New(refund.Purpose, []byte("a secret of thirty-two characters"))
	if err != nil {
		w.Fatal(err)
	}
	return refund.NewService(refund.Config{
		Price: func(p *migration.Programme, r migration.Replacement, c migration.Customer, now time.Time) (int64, string, bool) {
			price := replacement.PriceFor(p, r, c, now)
			return price.ToPay, price.Currency, price.Model != "" && price.Summed
		},
		DB: w.web, Jobs: w.inserter(), Customers: w.customers, Vault: secret.NewVault(secret.VaultOptions{Purpose: refund.Purpose, Ring: box, Keys: w.keys}), Bodies: storage.NewShelf(w.bucket, refund.DocumentPrefix), Scanner: w.scanner, Providers: map[string]payout.Provider{"stripe": nil},
		Debtors: map[string]refund.Debtor{"EUR": {Debtor: bankfile.Debtor{Name: "Hezhou Technology", IBAN: "DE89370400440532013000", BIC: "COBADEFFXXX"}}, "CNY": {Debtor: bankfile.Debtor{Name: "Hezhou Technology", Account: "310066661018800012345", CNAPS: "301290000007"}, Unicode: true}},
	})
}

// newPrepaid is a world whose customer a has prepaid CNY 8,760.00 for a year from July 2026, of which 150 days are unused
// after the service ends on 31 January 2027: CNY 3,600.00.
func newPrepaid(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	p := w.programme.p
	p.Steps = migration.StepRules{Settle: true}
	p.Tiers = []migration.Tier{{Key: "standard", Name: both("Standard customers", "普通客户")}}
	p.Refund = &migration.RefundRules{
		Version: "2027-1", Basis: migration.BasisDays, From: migration.ServiceEnd, Rounding: migration.RoundHalfEven, Discount: migration.DiscountProportional,
		Tax: migration.RefundTax{Prices: migration.TaxInclusive}, BelowMinimum: migration.BelowCredit, SecondFrom: migration.Amounts{"CNY": "10000.00"},
		ObjectionDays: 30, Budget: migration.Amounts{"CNY": "500000.00"},
		Payout: migration.PayoutRules{
			Methods: []string{migration.SettleOriginal, migration.SettleBank, migration.SettleWaive}, Accounts: []string{migration.AccountIBAN, migration.AccountCNCard, migration.AccountCNCompany},
		},
	}
	w.exec(`INSERT INTO entitlement_import (id, source, started_by, started_at) VALUES ('i', 'test', 'test', $1)`, day)
	for _, who := range []string{"a", "b"} {
		w.exec(`INSERT INTO entitlement (customer_id, version, import_id, programme, changed_at, due_at) VALUES ($1, 1, 'i', 1, $2, $2)`, w.ids[who], day)
		w.tell(who, migration.Event{Kind: migration.StepsReconfigure, Actor: "system", Rules: p.Steps})
	}
	w.paid("a", "INV-1", 876000)
	w.credentials(day)
	return w
}

// credentials is when everybody gave theirs; nil: nobody knows. The application may not change it.
func (w *world) credentials(at any) {
	w.Helper()
	if _, err := w.super.Super(w.T).Exec(w.Context(), `UPDATE session SET authenticated_at = $1`, at); err != nil {
		w.Fatal(err)
	}
}

// paid adds a payment for the year from July 2026.
func (w *world) paid(customer, ref string, gross int64) {
	w.Helper()
	w.exec(`INSERT INTO payment (customer_id, ref, invoice_ref, paid_at, method, provider, provider_ref, currency, gross, period_start, period_end, import_id, changed_at)
		VALUES ($1, $2, $2, $3, 'card', 'stripe', 'pi_' || $2, 'CNY', $4, '2026-07-01', '2027-06-30', 'i', $3)`, w.ids[customer], ref, day, gross)
	w.exec(`UPDATE entitlement SET version = version + 1 WHERE customer_id = $1`, w.ids[customer])
	w.tell(customer, migration.Event{Kind: migration.RefundDue, Actor: "system", Due: []migration.Amount{{Minor: gross, Currency: "CNY"}}})
}

var (
	shownDigest  = regexp.MustCompile(`name="quote" value="([0-9a-f]{64})"`)
	shownVersion = regexp.MustCompile(`name="version" value="([0-9]+)"`)
	shownEnd     = regexp.MustCompile(`<EndToEndId>([^<]+)</EndToEndId>`)
	shownLine    = regexp.MustCompile(`action="(/console/finance/reconciliation/[^"]+)/settle"`)
	shownRef     = regexp.MustCompile(`RF-[0-9]{4}-[0-9]+`)
)

// asked sends a request of the owner off, to a bank account, and returns its reference.
func (w *world) asked(who string) string {
	w.Helper()
	w.sent(who, "/refund/CNY/method", url.Values{"method": {"bank"}}, 303)
	w.sent(who, "/refund/CNY/bank", url.Values{"kind": {"iban"}, "number": {"DE89 3704 0044 0532 0130 00"}, "holder": {"CANARY-holder"}, "bank": {"COBADEFFXXX"}}, 303)
	a := w.sent(who, "/refund/CNY/check", url.Values{"quote": {w.found(shownDigest, w.shows(who, "/refund/CNY/check"))}}, 303)
	return shownRef.FindString(a.location)
}

// sent posts a form and expects a status.
func (w *world) sent(who, path string, form url.Values, status int) answer {
	w.Helper()
	a := w.post(who, path, form)
	if a.status != status {
		w.Fatalf("%s %s: %d to %s, want %d\n%s", who, path, a.status, a.location, status, strings.TrimSpace(a.body))
	}
	return a
}

// found is what a page shows in a place.
func (w *world) found(where *regexp.Regexp, body string) string {
	w.Helper()
	m := where.FindStringSubmatch(body)
	if m == nil {
		w.Fatalf("no %s in\n%s", where, body)
	}
	return m[len(m)-1]
}

// decided posts a decision about a refund upon the version that the page shows.
func (w *world) decided(who, ref, act string, form url.Values) answer {
	w.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("version", w.found(shownVersion, w.get(who, "/console/finance/refunds/"+ref).body))
	return w.post(who, "/console/finance/refunds/"+ref+"/"+act, form)
}

// shownIn expects texts in a page that answered a form.
func (w *world) shownIn(body string, texts ...string) {
	w.Helper()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			w.Errorf("the answer lacks %q:\n%s", text, body)
		}
	}
	if strings.Contains(body, "⟦") {
		w.Errorf("the answer lacks a message:\n%s", body)
	}
}

// first is any key of a map.
func first(m map[string]int) string {
	for k := range m {
		return k
	}
	return ""
}

var incident = regexp.MustCompile(`[0-9A-Z]{20,}`)

// plain is a page without what names the request or the address.
func plain(body, ref string) string {
	return incident.ReplaceAllString(strings.ReplaceAll(body, ref, "REF"), "INCIDENT")
}

var shownChoice = regexp.MustCompile(`name="ref" value="([^"]+)"`)
