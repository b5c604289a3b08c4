package refund_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/quote"
)

// shopProgramme settles by days in the zone of Shanghai.
const shopProgramme = `programme: shop
product: {name: {en: Shop}, company: {en: Shop Works}, kind: business}
locales: [en]
zone: Asia/Shanghai
thanks: {en: Thank you.}
reason: {en: We stop.}
milestones:
  - {key: announcement, day: 2026-06-01}
  - {key: sales_stop, day: 2026-08-01}
  - {key: service_end, day: 2027-01-31}
  - {key: export_deadline, day: 2027-03-02}
tiers:
  - {key: standard, name: {en: Standard}, rule: "true"}
datasets:
  - {key: goods, name: {en: Goods}, source: shop, query: "select :customer_id::text as id", row_key: id}
steps: {settle: true}
refund:
  version: 2027-1
  basis: days
  from: service_end
  minimum: {CNY: "1.00"}
  payout: {methods: [original, bank, credit, waive], accounts: [iban]}
help: {email: help@shop.example}
`

// till is a shop with a programme and three customers.
type till struct {
	*testing.T
	db         *db.DB
	clock      *clock.Manual
	programmes *migration.Programmes
	payments   *refund.Entitlements
	covered    map[string]map[string]bool
}

var (
	paula = migration.Actor{ID: "paula", Kind: audit.Operator}
	quinn = migration.Actor{ID: "quinn", Kind: audit.Operator}
)

func openTill(t *testing.T) *till {
	t.Helper()
	t.Parallel()
	return openTillAlone(t)
}

// openTillAlone is openTill for a test that measures the process, so that no other may run beside it.
func openTillAlone(t *testing.T) *till {
	t.Helper()
	h := &till{T: t, clock: clock.NewManual(time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)), covered: map[string]map[string]bool{}}
	h.db = localtest.DB(t, db.Options{Clock: h.clock})
	h.programmes = migration.NewProgrammes(h.db)
	h.payments = refund.NewEntitlements(h.db, h.programmes, func(_ context.Context, _ *db.Tx, ids []string) (map[string]map[string]bool, error) {
		for id := range h.covered {
			if len(ids) == 0 {
				return nil, fmt.Errorf("asked of nobody, not of %s", id)
			}
		}
		return h.covered, nil
	})
	h.apply(shopProgramme)
	importer := migration.NewImporter(h.db, h.programmes)
	rows := migration.CSVRows(strings.NewReader("ref,name\nA-1,Alder\nA-2,Birch\nA-3,Cedar\n"))
	if _, err := importer.Import(t.Context(), paula, rows, migration.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *till) apply(src string) {
	h.Helper()
	p, err := h.programmes.Propose(h.Context(), paula, []byte(src))
	if err != nil {
		h.Fatal(migration.FindingsOf(err), err)
	}
	if err := h.programmes.Approve(h.Context(), quinn, p.Version.Number); err != nil {
		h.Fatal(err)
	}
	h.clock.Advance(time.Minute) // past what a programme is remembered for
}

const payHeader = "customer_ref,ref,invoice_ref,paid_at,method,provider,provider_ref,currency,gross,tax,discount,period_start,period_end,units,units_used,refunded,credited\n"

const payFile = payHeader +
	"A-1,P-1,INV-1,2026-07-20T10:00:00+08:00,card,stripe,pi_1,CNY,8760.00,495.85,876.00,2026-08-01,2027-07-31,,,100.00,\n" +
	"A-1,P-2,,2026-07-20,alipay,,,CNY,12.00,,,2026-02-01,2027-01-31,,,,\n" +
	"A-2,P-1,,2026-07-20,app_store,,,USD,99.99,,,2026-08-01,2027-07-31,,,,\n"

// take imports a file and returns the lines as "2:created" with the reasons of refusals.
func (h *till) take(file string, o refund.PaymentOptions) (refund.PaymentReport, []string) {
	h.Helper()
	report, lines, err := h.try(file, o)
	if err != nil {
		h.Fatal(err)
	}
	return report, lines
}

func (h *till) try(file string, o refund.PaymentOptions) (refund.PaymentReport, []string, error) {
	h.Helper()
	var lines []string
	o.Source = "payments.csv"
	o.Say = func(l migration.ImportLine) {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%d:%s %s", l.Line, l.Outcome, l.Reason), " "))
	}
	report, err := h.payments.Import(h.Context(), paula, migration.CSVRows(strings.NewReader(file)), o)
	return report, lines, err
}

// say runs a query that returns one text under a scope of ours.
func (h *till) say(sql string, args ...any) (text string) {
	h.Helper()
	err := h.db.InTx(h.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(h.Context(), sql, args...).Scan(&text)
	})
	if err != nil {
		h.Fatal(err)
	}
	return text
}

func (h *till) id(ref string) string { return h.say(`SELECT id FROM customer WHERE ref = $1`, ref) }

// settles lists what the journeys were told about step 4, in order.
func (h *till) settles() string {
	return h.say(`SELECT coalesce(string_agg(c.ref || ' ' || kind || coalesce(' ' || nullif(data->>'due', ''), ''), ', ' ORDER BY e.at, c.ref), '')
		FROM journey_event e JOIN customer c ON c.id = e.customer_id WHERE kind LIKE 'refund.%'`)
}

func (h *till) versions() string {
	return h.say(`SELECT coalesce(string_agg(c.ref || ' v' || e.version, ', ' ORDER BY c.ref), '') FROM entitlement e JOIN customer c ON c.id = e.customer_id`)
}

func TestPaymentsAreImportedAndTheirCustomersTold(t *testing.T) {
	h := openTill(t)
	report, lines := h.take(payFile, refund.PaymentOptions{Complete: true})
	if diff := cmp.Diff([]string{"2:created", "3:created", "4:created"}, lines); diff != "" {
		t.Error(diff)
	}
	want := refund.PaymentReport{Read: 3, Created: 3, Customers: 2, Due: 1, NotDue: 2, Stored: true}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Error(diff)
	}
	// 181 of 365 days of 8760.00 less 876.00 of discount, less 100.00 that was refunded
	if got := h.settles(); got != `A-1 refund.due [{"minor": 380960, "currency": "CNY"}], A-2 refund.not_due, A-3 refund.not_due` {
		t.Error(got)
	}
	if got := h.say(`SELECT string_agg(c.ref || ' ' || settle, ', ' ORDER BY c.ref) FROM journey j JOIN customer c ON c.id = j.customer_id`); got != "A-1 not_started, A-2 not_needed, A-3 not_needed" {
		t.Error(got)
	}
	if got := h.say(`SELECT string_agg(act, ', ' ORDER BY seq) FROM audit WHERE act LIKE 'payments.%'`); got != "payments.import.start, payments.import" {
		t.Error(got)
	}
	if got := h.say(`SELECT concat_ws(' ', source, started_by, read, created, updated, refused, finished_at IS NOT NULL) FROM entitlement_import`); got != "payments.csv paula 3 3 0 0 t" {
		t.Error(got)
	}
	id := h.id("A-1")
	err := h.db.InTx(t.Context(), db.CustomerScope(id), func(tx *db.Tx) error {
		e, err := refund.LoadEntitlement(t.Context(), tx, id)
		want := quote.Entitlement{Version: 1, Payments: []quote.Payment{
			{
				Ref: "P-1", InvoiceRef: "INV-1", PaidAt: time.Date(2026, 7, 20, 2, 0, 0, 0, time.UTC), Method: quote.Card, Provider: "stripe", ProviderRef: "pi_1",
				Currency: "CNY", Gross: 876000, Tax: 49585, Discount: 87600, Refunded: 10000,
				PeriodStart: migration.NewDay(2026, 8, 1), PeriodEnd: migration.NewDay(2027, 7, 31),
			},
			{
				Ref: "P-2", PaidAt: time.Date(2026, 7, 19, 16, 0, 0, 0, time.UTC), Method: quote.Alipay, Currency: "CNY", Gross: 1200,
				PeriodStart: migration.NewDay(2026, 2, 1), PeriodEnd: migration.NewDay(2027, 1, 31),
			},
		}}
		if diff := cmp.Diff(want, e, cmp.Comparer(func(a, b migration.Day) bool { return a == b })); diff != "" {
			t.Error(diff)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportingPaymentsAgainChangesNothingButWhatChanged(t *testing.T) {
	h := openTill(t)
	h.take(payFile, refund.PaymentOptions{Complete: true})
	events := h.settles()
	h.clock.Advance(time.Hour)
	report, _ := h.take(payFile, refund.PaymentOptions{Complete: true})
	if report.Unchanged != 3 || report.Created+report.Updated+report.Refused+report.Due+report.NotDue != 0 || h.settles() != events {
		t.Errorf("%+v\n%s", report, h.settles())
	}
	if got := h.versions(); got != "A-1 v1, A-2 v1, A-3 v1" {
		t.Error(got)
	}
	h.clock.Advance(time.Hour)
	report, lines := h.take(strings.Replace(payFile, "P-2,,2026-07-20", "P-2,INV-2,2026-07-20", 1), refund.PaymentOptions{})
	if report.Updated != 1 || report.Unchanged != 2 || lines[1] != "3:updated" || h.settles() != events {
		t.Errorf("another invoice is no other amount: %+v", report)
	}
	if got := h.versions(); got != "A-1 v2, A-2 v1, A-3 v1" {
		t.Error(got)
	}
	h.clock.Advance(time.Hour)
	h.take(strings.Replace(payFile, "100.00,\n", "7000.00,\n", 1), refund.PaymentOptions{})
	if got := strings.TrimPrefix(h.settles(), events); got != ", A-1 refund.not_due" {
		t.Error(got)
	}
}

// TestI03_BadPaymentsAreRefusedByLine puts a good line of the same customer after each bad one.
func TestI03_BadPaymentsAreRefusedByLine(t *testing.T) {
	h := openTill(t)
	bad := []struct{ line, want string }{
		{"A-9,P,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,", "the customer A-9 is unknown"},
		{",P,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,", "customer_ref is empty"},
		{"A-1,,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,", "ref is empty"},
		{"A-1,P,,2026-07-20,cash,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,", `the method "cash" must be one of card, bank`},
		{"A-1,P,,2026-07-20,card,,pi_9,CNY,1.00,,,2026-08-01,2027-07-31,,,,", "provider is empty"},
		{"A-1,P,,2026-07-20,card,My Bank,x,CNY,1.00,,,2026-08-01,2027-07-31,,,,", `the provider "My Bank" must be`},
		{"A-1,P,,2026-07-20,card,,,CNX,1.00,,,2026-08-01,2027-07-31,,,,", `the currency "CNX" is none of ISO 4217`},
		{"A-1,P,,2026-07-20,card,,,CNY,,,,2026-08-01,2027-07-31,,,,", "gross is empty"},
		{"A-1,P,,2026-07-20,card,,,CNY,-1,,,2026-08-01,2027-07-31,,,,", `gross "-1" has a sign`},
		{"A-1,P,,2026-07-20,card,,,CNY,1e3,,,2026-08-01,2027-07-31,,,,", `gross "1e3" is no amount`},
		{"A-1,P,,2026-07-20,card,,,CNY,NaN,,,2026-08-01,2027-07-31,,,,", `gross "NaN" is a program's word for nothing`},
		{"A-1,P,,2026-07-20,card,,,CNY,0.005,,,2026-08-01,2027-07-31,,,,", `gross "0.005" has more decimals than CNY`},
		{`A-1,P,,2026-07-20,card,,,CNY,"1,00",,,2026-08-01,2027-07-31,,,,`, `gross "1,00" is no amount`},
		{"A-1,P,,2026-07-20,card,,,CNY,92233720368547758.08,,,2026-08-01,2027-07-31,,,,", "is more than"},
		{"A-1,P,,2026-07-20,card,,,CNY,١٢,,,2026-08-01,2027-07-31,,,,", `gross "١٢" is no amount`},
		{"A-1,P,,2026-07-20,card,,,JPY,10.5,,,2026-08-01,2027-07-31,,,,", `gross "10.5" has more decimals than JPY, which has 0`},
		{"A-1,P,,2026-07-20,card,,,KWD,1.2345,,,2026-08-01,2027-07-31,,,,", "than KWD, which has 3"},
		{"A-1,P,,2026-07-20,card,,,CNY,1.00,,2.00,2026-08-01,2027-07-31,,,,", "discount 2.00 is more than gross 1.00"},
		{"A-1,P,,2026-07-20,card,,,CNY,1.00,2.00,,2026-08-01,2027-07-31,,,,", "tax 2.00 is more than the price of 1.00"},
		{"A-1,P,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,0.60,0.41", "refunded and credited are 1.01 together, more than was paid"},
		{"A-1,P,,2026-07-20,card,,,CNY,1.00,,,2027-08-01,2027-07-31,,,,", "period_end 2027-07-31 lies before period_start"},
		{"A-1,P,,2026-07-20,card,,,CNY,1.00,,,1926-08-01,2027-07-31,,,,", "longer than 50 years"},
		{"A-1,P,,2026-07-20,card,,,CNY,1.00,,,2027-02-30,2027-07-31,,,,", `period_start "2027-02-30" is no day`},
		{"A-1,P,,2026-07-20 08:00,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,", "paid_at \"2026-07-20 08:00\" is no day such as"},
		{"A-1,P,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,1.5,,,", `units "1.5" is no whole number`},
		{"A-1,P,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,+1,,,", `units "+1" is no whole number`},
		{"A-1,P\u202e,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,", "ref holds a control or an invisible character"},
		{"A-1,<b>,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,", "ref holds markup"},
		{"A-1," + strings.Repeat("x", 200) + ",,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,", "ref has 200 characters"},
		{"A-1,P,,2026-07-20,card", "has 5 fields; the first line names 17 columns"},
		{`A-1,"P,,2026-07-20`, "the quoted field does not end on this line"},
	}
	var file strings.Builder
	file.WriteString(payHeader)
	for i, c := range bad {
		fmt.Fprintf(&file, "%s\nA-1,G-%d,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,\n", c.line, i)
	}
	report, lines := h.take(file.String(), refund.PaymentOptions{})
	if len(lines) != 2*len(bad) || report.Refused != int64(len(bad)) || report.Created != int64(len(bad)) {
		t.Fatalf("%d lines: %+v", len(lines), report)
	}
	for i, c := range bad {
		if want := fmt.Sprintf("%d:refused ", 2+2*i); !strings.HasPrefix(lines[2*i], want) || !strings.Contains(lines[2*i], c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.line, lines[2*i], c.want)
		}
		if lines[2*i+1] != fmt.Sprintf("%d:created", 3+2*i) {
			t.Errorf("after %s: %s", c.line, lines[2*i+1])
		}
	}
}

func TestPaymentsThatContradictAreRefused(t *testing.T) {
	h := openTill(t)
	h.take(payFile, refund.PaymentOptions{})
	for _, c := range []struct{ lines, want string }{
		{"A-3,P-1,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,\nA-3,P-1,,2026-07-20,card,,,CNY,2.00,,,2026-08-01,2027-07-31,,,,\n", "3:refused the payment P-1 of A-3 is on line 2 already"},
		{"A-3,P-5,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,\nA-3,P-6,,2026-07-20,card,stripe,pi_1,CNY,2.00,,,2026-08-01,2027-07-31,,,,\n", "3:refused provider_ref pi_1 is that of another payment (P-1) already"},
		{"A-3,P-7,,2026-07-20,card,stripe,pi_7,CNY,1.00,,,2026-08-01,2027-07-31,,,,\nA-3,P-8,,2026-07-20,card,stripe,pi_7,CNY,2.00,,,2026-08-01,2027-07-31,,,,\n", "3:refused provider_ref pi_7 is that of another payment (P-7)"},
		{"A-3,P-9,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,\nA-1,P-1,,2026-07-20,card,stripe,pi_1,JPY,1,,,2026-08-01,2027-07-31,,,,\n", "3:refused the currency is JPY and was CNY"},
	} {
		if _, lines := h.take(payHeader+c.lines, refund.PaymentOptions{}); !strings.HasPrefix(lines[1], c.want) {
			t.Errorf("got %s\nwant %s", lines[1], c.want)
		}
	}
}

// TestRowsOfACustomerMustFollowEachOther puts a customer's rows on both sides of a batch's end.
func TestRowsOfACustomerMustFollowEachOther(t *testing.T) {
	h := openTill(t)
	row := func(customer string, n int) string {
		return fmt.Sprintf("%s,P-%d,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,\n", customer, n)
	}
	var file strings.Builder
	file.WriteString(payHeader + row("A-1", 0))
	for n := range 1500 { // one customer's rows stay together, though they are more than a batch
		file.WriteString(row("A-2", n))
	}
	file.WriteString(row("A-3", 0) + row("A-1", 1))
	report, lines := h.take(file.String(), refund.PaymentOptions{})
	if report.Created != 1502 || report.Refused != 1 || !strings.HasPrefix(lines[1502], "1504:refused other rows of A-1 came before; order them by customer_ref") {
		t.Errorf("%+v %s", report, lines[1502])
	}
	if got := h.versions(); got != "A-1 v1, A-2 v1, A-3 v1" {
		t.Error(got)
	}
}

// TestF12_ACustomersCurrenciesStayApart tells of each currency by itself.
func TestF12_ACustomersCurrenciesStayApart(t *testing.T) {
	h := openTill(t)
	h.take(payHeader+
		"A-1,P-1,,2026-07-20,card,,,CNY,365.00,,,2026-08-01,2027-07-31,,,,\n"+
		"A-1,P-2,,2026-07-20,card,,,JPY,365,,,2026-08-01,2027-07-31,,,,\n"+
		"A-1,P-3,,2026-07-20,card,,,KWD,0.365,,,2026-08-01,2027-07-31,,,,\n", refund.PaymentOptions{})
	want := `A-1 refund.due [{"minor": 18100, "currency": "CNY"}, {"minor": 181, "currency": "JPY"}, {"minor": 181, "currency": "KWD"}]`
	if got := h.settles(); got != want {
		t.Error(got)
	}
}

// TestF11_InstantsAreDaysInTheProgrammesZone reads the same period as days, and as instants of two zones.
func TestF11_InstantsAreDaysInTheProgrammesZone(t *testing.T) {
	h := openTill(t)
	h.take(payHeader+
		"A-1,P-1,,2026-07-20,card,,,CNY,365.00,,,2026-08-01,2027-07-31,,,,\n"+
		"A-1,P-2,,2026-07-20,card,,,CNY,365.00,,,2026-07-31T16:00:00Z,2027-07-31T16:00:00Z,,,,\n"+ // midnight in Shanghai
		"A-1,P-3,,2026-07-20 00:00:00+00,card,,,CNY,365.00,,,2026-08-01 00:00:00+08,2027-07-31 23:59:59+08,,,,\n"+
		"A-1,P-4,,2026-07-20,card,,,CNY,365.00,,,2026-07-31T20:00:00-04:00,2027-07-31T00:00:00-04:00,,,,\n", refund.PaymentOptions{})
	got := h.say(`SELECT string_agg(ref || ' ' || period_start || ' ' || period_end, ', ' ORDER BY ref) FROM payment`)
	if want := "P-1 2026-08-01 2027-07-31, P-2 2026-08-01 2027-07-31, P-3 2026-08-01 2027-07-31, P-4 2026-08-01 2027-07-31"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestABrokenHeaderOfPaymentsRefusesTheWhole(t *testing.T) {
	h := openTill(t)
	for file, want := range map[string]string{
		"": "the file is empty",
		"customer_ref,ref,paid_at,method,currency,gross,period_start\n": "the column period_end is missing",
		strings.Replace(payHeader, "gross", "gros", 1):                  `the column "gros" is unknown`,
		strings.Replace(payHeader, "tax", "ref", 1):                     `the column "ref" is there twice`,
	} {
		report, _, err := h.try(file, refund.PaymentOptions{})
		if !errors.Is(err, refund.ErrBadPayments) || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) || report.Stored {
			t.Errorf("%.40q: %v, want %s", file, err, want)
		}
	}
}

func TestADryRunAndAllOrNothingStoreNothing(t *testing.T) {
	h := openTill(t)
	report, lines := h.take(payFile, refund.PaymentOptions{DryRun: true, Complete: true})
	if report.Stored || report.Created != 3 || report.Due != 1 || len(lines) != 3 {
		t.Errorf("%+v %v", report, lines)
	}
	report, _, err := h.try(payFile+"A-9,P,,2026-07-20,card,,,CNY,1.00,,,2026-08-01,2027-07-31,,,,\n", refund.PaymentOptions{AllOrNothing: true})
	if !errors.Is(err, refund.ErrPaymentsRefused) || report.Stored || report.Refused != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	if got := h.say(`SELECT concat_ws(' ', (SELECT count(*) FROM payment), (SELECT count(*) FROM entitlement_import), (SELECT count(*) FROM audit WHERE act LIKE 'payments%'))`); got != "0 0 0" {
		t.Error(got)
	}
	if h.settles() != "" {
		t.Error(h.settles())
	}
}

func TestPaymentsNeedAPolicy(t *testing.T) {
	h := openTill(t)
	start, end := strings.Index(shopProgramme, "refund:"), strings.Index(shopProgramme, "help:")
	h.apply(shopProgramme[:start] + shopProgramme[end:])
	if _, _, err := h.try(payFile, refund.PaymentOptions{}); !errors.Is(err, refund.ErrNoPolicy) {
		t.Error(err)
	}
}

func TestWhatIsCoveredIsNotDueOnceMore(t *testing.T) {
	h := openTill(t)
	h.covered[h.id("A-1")] = map[string]bool{"P-1": true}
	h.take(payFile, refund.PaymentOptions{})
	if got := h.settles(); got != "A-1 refund.not_due, A-2 refund.not_due" {
		t.Error(got)
	}
}

// TestRefreshFollowsTheProgrammeAndACustomersOwnDays works out anew only what a change concerns.
func TestRefreshFollowsTheProgrammeAndACustomersOwnDays(t *testing.T) {
	h := openTill(t)
	h.take(payFile, refund.PaymentOptions{Complete: true})
	refresh := func(want int64) {
		t.Helper()
		h.clock.Advance(time.Minute)
		if told, err := h.payments.Refresh(t.Context(), "system"); err != nil || told != want {
			t.Errorf("%d told, %v, want %d", told, err, want)
		}
	}
	refresh(0)
	h.apply(strings.Replace(shopProgramme, "service_end, day: 2027-01-31", "service_end, day: 2027-02-28", 1))
	refresh(1)
	refresh(0)
	if got := h.settles(); !strings.HasSuffix(got, `A-1 refund.due [{"minor": 320480, "currency": "CNY"}]`) { // 153 of 365 days
		t.Error(got)
	}
	p, err := h.programmes.Active(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = h.db.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		_, _, err := migration.NewService(h.db).Extend(t.Context(), tx, p, migration.Grant{
			CustomerID: h.id("A-1"), Milestone: migration.ServiceEnd, Day: migration.NewDay(2027, 7, 31), Actor: "paula", ActorKind: audit.Staff,
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	refresh(1)
	if got := h.settles(); !strings.HasSuffix(got, `A-1 refund.not_due`) {
		t.Error(got)
	}
}

// TestZ06_PaymentsAreOutOfReachForOthers asks in another customer's scope, and in none.
func TestZ06_PaymentsAreOutOfReachForOthers(t *testing.T) {
	h := openTill(t)
	h.take(payFile, refund.PaymentOptions{})
	id := h.id("A-1")
	for name, scope := range map[string]db.Scope{"another": db.CustomerScope(h.id("A-2")), "none": db.NoScope()} {
		err := h.db.InTx(t.Context(), scope, func(tx *db.Tx) error {
			e, err := refund.LoadEntitlement(t.Context(), tx, id)
			if e.Version != 0 || len(e.Payments) != 0 {
				t.Errorf("%s sees %+v", name, e)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestF10_TheDatabaseRefusesAmountsThatCannotBe goes past the checks of an import that is under way.
func TestF10_TheDatabaseRefusesAmountsThatCannotBe(t *testing.T) {
	h := openTill(t)
	h.take(payFile, refund.PaymentOptions{})
	update := func(set, where string) error {
		return h.db.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
			if _, err := tx.Pgx.Exec(t.Context(), `INSERT INTO entitlement_import (id, source, started_by, started_at) VALUES ('raw', 'test', 'test', now())`); err != nil {
				return err
			}
			_, err := tx.Pgx.Exec(t.Context(), "UPDATE payment SET import_id = 'raw', "+set+" WHERE "+where)
			return err
		})
	}
	for set, constraint := range map[string]string{
		"gross = -1":                    "minor_units_check",
		"refunded = gross":              "payment_given_back",
		"discount = gross + 1":          "payment_discount",
		"tax = gross":                   "payment_tax",
		"period_end = period_start - 1": "payment_period",
		"currency = 'cny'":              "payment_currency_check",
		"method = 'cash'":               "payment_method_check",
		"provider = ''":                 "payment_provider_is_named",
	} {
		if err := update(set, "ref = 'P-1' AND provider <> ''"); !db.IsCheck(err, constraint) {
			t.Errorf("%s: %v, want %s", set, err, constraint)
		}
	}
	if err := update("provider = 'stripe', provider_ref = 'pi_1'", "ref = 'P-2'"); !db.IsUnique(err, "payment_provider") {
		t.Errorf("one payment at the provider is two here: %v", err)
	}
}

// streamed makes rows on the way, and remembers how much memory was held when the last was asked for.
type streamed struct {
	at, rows int
	heap     uint64
}

func (s *streamed) Columns() []string { return strings.Split(strings.TrimSpace(payHeader), ",") }
func (s *streamed) Line() int         { return s.at + 1 }
func (s *streamed) Err() error        { return nil }

func (s *streamed) Next() bool {
	if s.at++; s.at%2000 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		s.heap = max(s.heap, m.HeapAlloc)
	}
	return s.at <= s.rows
}

func (s *streamed) Values() []string {
	return []string{
		fmt.Sprintf("M-%d", s.at/4), fmt.Sprintf("P-%d", s.at), "", "2026-07-20", "card", "stripe", fmt.Sprintf("pi_m%d", s.at), "CNY", "365.00", "", "",
		"2026-08-01", "2027-07-31", "", "", "", "",
	}
}

// TestManyPaymentsAreImportedInConstantMemory compares the memory held by an import with that of one six times as long.
func TestManyPaymentsAreImportedInConstantMemory(t *testing.T) {
	h := openTillAlone(t)
	var customers strings.Builder
	customers.WriteString("ref,name\n")
	const most = 12_000
	for i := range most/4 + 1 {
		fmt.Fprintf(&customers, "M-%d,Many %d\n", i, i)
	}
	if _, err := migration.NewImporter(h.db, h.programmes).Import(t.Context(), paula, migration.CSVRows(strings.NewReader(customers.String())), migration.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	var heaps []uint64
	for _, rows := range []int{2_000, most} {
		began, r := time.Now(), &streamed{rows: rows}
		report, err := h.payments.Import(t.Context(), paula, r, refund.PaymentOptions{Source: "stream"})
		if err != nil || report.Read != int64(rows) || report.Refused != 0 {
			t.Fatalf("%+v, %v", report, err)
		}
		heaps = append(heaps, r.heap)
		t.Logf("%d payments in %s, %d MB held", rows, time.Since(began).Round(time.Millisecond), r.heap>>20)
	}
	if heaps[1] > heaps[0]+16<<20 {
		t.Errorf("%d bytes held, then %d", heaps[0], heaps[1])
	}
	if got := h.say(`SELECT concat_ws(' ', count(*), max(version)) FROM payment p JOIN entitlement e USING (customer_id)`); got != "12000 2" && got != "12000 1" {
		t.Error(got)
	}
}

// TestPaymentsThatASpreadsheetSaved imports a file of payments as it was reported, where it is at hand.
func TestPaymentsThatASpreadsheetSaved(t *testing.T) {
	at := os.Getenv("OFFRAMP_TEST_FIELD")
	if at == "" {
		at = filepath.Join("..", "..", "..", "shared", "data", "field")
	}
	file, err := os.ReadFile(filepath.Join(at, "csv-scientific-ref", "pay.csv"))
	if os.IsNotExist(err) {
		t.Skip("the file is not there: set OFFRAMP_TEST_FIELD to a folder of files that spreadsheets saved")
	}
	if err != nil {
		t.Fatal(err)
	}
	h := openTill(t)
	_, lines := h.take(strings.ReplaceAll(string(file), "HZ-20418", "A-1"), refund.PaymentOptions{})
	for i, want := range []string{
		"2:refused gross \"12,000.00\"", "3:refused paid_at \"12/06/2026\"", "4:refused paid_at \"2026-06-12T14:30:00+0800\"", "5:created", "6:refused the method \"Visa\"",
		"7:refused period_end", "8:refused ref \"1.07E+05\" looks like a number that a spreadsheet shortened",
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("%q, want %q", lines, want)
		}
	}
}
