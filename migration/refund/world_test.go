package refund_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/outbound"
	"offramp/internal/secret"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/account"
	"offramp/migration/refund/payout/bankfile"
	"offramp/migration/refund/payout/stripe"
)

var today = time.Date(2026, time.December, 1, 2, 0, 0, 0, time.UTC)

// Who decides in these tests.
const (
	clara = "staff-clara" // reviews
	alan  = "staff-alan"  // approves
	bella = "staff-bella" // approves, too
	cora  = "staff-cora"  // makes batches
	rolf  = "staff-rolf"  // releases
)

// house is the service on a database of its own, with customers who have prepaid, and a payment provider where it is asked for.
type house struct {
	*testing.T
	database localtest.TestDatabase
	tables   *pgxpool.Pool // the superuser's: who may what is nothing to what a test prepares
	db       *db.DB
	clock    *clock.Manual
	service  *refund.Service
	config   refund.Config
	p        *migration.Programme
	provider *local.Stripe
}

func open(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	h := &house{T: t, database: localtest.Database(t), clock: clock.NewManual(today), p: programme()}
	h.tables = h.database.Super(t)
	h.db = h.database.Open(t, db.Options{Clock: h.clock, MaxConns: 12})
	h.config = config(t, h.db)
	h.service = refund.NewService(h.config)
	h.exec(`INSERT INTO entitlement_import (id, source, started_by, started_at) VALUES ('i', 'test', 'test', $1)`, today)
	for id, role := range map[string]string{clara: "finance_clerk", alan: "finance_approver", bella: "finance_approver", cora: "finance_clerk", rolf: "finance_releaser"} {
		h.staff(id, role)
	}
	h.customer("a")
	h.customer("b")
	return h
}

// config is what every process of these tests works with.
func config(t testing.TB, d *db.DB) refund.Config {
	t.Helper()
	queue, err := jobs.NewInserter(d)
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.New(refund.Purpose, []byte("a secret of tests that is long enough"))
	if err != nil {
		t.Fatal(err)
	}
	return refund.Config{
		DB: d, Jobs: queue, Customers: migration.NewService(d), Box: box, Providers: map[string]payout.Provider{"stripe": nil},
		Debtors: map[string]refund.Debtor{
			"CNY": {Debtor: bankfile.Debtor{Name: "Hezhou", Account: "310066661018800012345", CNAPS: "301290000007"}, Unicode: true},
			"EUR": {Debtor: bankfile.Debtor{Name: "Hezhou", IBAN: "DE89370400440532013000", BIC: "COBADEFFXXX"}},
		},
	}
}

func programme() *migration.Programme {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return &migration.Programme{
		Version: 1, Locales: []string{"zh-CN", "en"}, Zone: zone, Steps: migration.StepRules{Settle: true, Choose: true},
		Milestones:   []migration.Milestone{{Key: migration.SalesStop, Day: migration.NewDay(2026, 8, 1)}, {Key: migration.ServiceEnd, Day: migration.NewDay(2026, 12, 31)}},
		Replacements: []migration.Replacement{{Key: "chuanxing"}},
		Refund: &migration.RefundRules{
			Version: "2027-1", Basis: migration.BasisDays, From: migration.ServiceEnd, Rounding: migration.RoundHalfEven, Discount: migration.DiscountProportional,
			Tax: migration.RefundTax{Prices: migration.TaxInclusive}, BelowMinimum: migration.BelowCredit,
			Goodwill: []migration.Goodwill{{Tier: "team", BasisPoints: 500}}, Bonus: []migration.Bonus{{Replacement: "chuanxing", BasisPoints: 1000}},
			SecondFrom: migration.Amounts{"CNY": "10000.00"}, ObjectionDays: 30, Budget: migration.Amounts{"CNY": "500000.00"},
			Payout: migration.PayoutRules{
				Methods: []string{migration.SettleOriginal, migration.SettleBank, migration.SettleCredit, migration.SettleWaive}, Accounts: []string{migration.AccountIBAN, migration.AccountCNCard, migration.AccountCNCompany},
			},
		},
	}
}

// pay starts a payment provider, which the service pays by.
func (h *house) pay(payments ...local.StripePayment) {
	h.Helper()
	h.provider = localtest.Stripe(h.T, local.StripeOptions{Payments: payments})
	h.config.Providers = map[string]payout.Provider{"stripe": client(h.provider.Key, h.provider.URL)}
	h.service = refund.NewService(h.config)
}

func client(key, url string) payout.Provider {
	way := outbound.NewClient(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 5 * time.Second, MaxBody: 1 << 20})
	return stripe.New(stripe.Options{Key: key, HTTP: way, URL: url})
}

func (h *house) in(scope db.Scope, fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.db.InTx(h.Context(), scope, fn); err != nil {
		h.Fatal(err)
	}
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	if _, err := h.tables.Exec(h.Context(), sql, args...); err != nil {
		h.Fatal(err)
	}
}

// try runs raw SQL as the application's role in the widest scope there is.
func (h *house) try(sql string, args ...any) error {
	return h.db.InTx(h.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(h.Context(), sql, args...)
		return err
	})
}

// text reads one value.
func (h *house) text(sql string, args ...any) (s string) {
	h.Helper()
	h.in(db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(h.Context(), `SELECT coalesce((`+sql+`)::text, '')`, args...).Scan(&s)
	})
	return s
}

// staff adds a member of staff.
func (h *house) staff(id string, roles ...string) {
	h.Helper()
	h.exec(`INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at) VALUES ($1, 'staff', 'i', $1, $1, $2, $3, $3)`, id, roles, today)
}

// customer adds a customer with an owner and a journey.
func (h *house) customer(id string) {
	h.Helper()
	h.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at) VALUES ($1, 'HZ-' || $1, 'Customer ' || $1, 'team', 'en', 'UTC', $2, $2)`, id, today)
	h.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ('contact-' || $1, $1, $1 || '@example.com', 'Lin ' || $1, 'owner', $2, $2)`, id, today)
	h.exec(`INSERT INTO entitlement (customer_id, version, import_id, programme, changed_at, due_at) VALUES ($1, 1, 'i', 1, $2, $2)`, id, today)
	h.in(db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := h.config.Customers.Tell(h.Context(), tx, id, migration.Event{Kind: migration.JourneyStarted, Actor: "test", Rules: h.p.Steps})
		return err
	})
}

// paid adds a payment for a year from 2026-07-01, of which 181 of 365 days are unused after 2026-12-31.
func (h *house) paid(customer, ref string, gross int64, currency string) {
	h.Helper()
	h.exec(`INSERT INTO payment (customer_id, ref, paid_at, method, provider, provider_ref, currency, gross, period_start, period_end, import_id, changed_at)
		VALUES ($1, $2, $3, 'card', 'stripe', 'pi_' || $2, $4, $5, '2026-07-01', '2027-06-30', 'i', $3)`, customer, ref, today, currency, gross)
	h.exec(`UPDATE entitlement SET version = version + 1 WHERE customer_id = $1`, customer)
}

func who(id string) migration.Who {
	return migration.Who{CustomerID: id, ContactID: "contact-" + id, Role: migration.Owner}
}

func (h *house) offer(id, currency string) refund.Offer {
	h.Helper()
	e, err := h.service.Estimate(h.Context(), who(id), h.p)
	if err != nil {
		h.Fatal(err)
	}
	for _, o := range e.Quotes {
		if o.Quote.Currency == currency {
			return o
		}
	}
	h.Fatalf("no quote in %s: %+v", currency, e)
	return refund.Offer{}
}

var iban = account.Account{Kind: account.IBAN, Number: "DE89 3704 0044 0532 0130 00", Holder: "Lin Yi", Bank: "COBADEFFXXX"}

// submit asks for a refund of everything in a currency.
func (h *house) submit(id, currency string, m refund.Method) refund.Refund {
	h.Helper()
	o := h.offer(id, currency)
	if _, err := h.service.ChooseMethod(h.Context(), who(id), h.p, currency, m, map[refund.Method]string{refund.Credit: "chuanxing"}[m]); err != nil {
		h.Fatal(err)
	}
	if m == refund.Bank {
		if _, err := h.service.FillAccount(h.Context(), who(id), h.p, currency, iban); err != nil {
			h.Fatal(err)
		}
	}
	r, err := h.service.Submit(h.Context(), who(id), h.p, refund.Submission{Currency: currency, QuoteDigest: o.Digest})
	if err != nil {
		h.Fatal(err)
	}
	return r
}

// approved brings a refund through review and approval.
func (h *house) approved(r refund.Refund) refund.Refund {
	h.Helper()
	r, err := h.service.Review(h.Context(), clara, r.Ref, r.Version)
	if err != nil {
		h.Fatal(err)
	}
	if r, err = h.service.Approve(h.Context(), alan, h.p, r.Ref, r.Version); err != nil {
		h.Fatal(err)
	}
	if r.State == refund.Second {
		if r, err = h.service.Approve(h.Context(), bella, h.p, r.Ref, r.Version); err != nil {
			h.Fatal(err)
		}
	}
	return r
}

// released brings everything that is approved into a batch and releases it.
func (h *house) released(m refund.Method, currency string) refund.Batch {
	h.Helper()
	b, err := h.service.CreateBatch(h.Context(), cora, m, currency)
	if err != nil {
		h.Fatal(err)
	}
	if b, err = h.service.ReleaseBatch(h.Context(), rolf, b.ID); err != nil {
		h.Fatal(err)
	}
	return b
}

func (h *house) get(r refund.Refund) refund.Refund {
	h.Helper()
	got, _, err := h.service.Get(h.Context(), who(r.CustomerID), r.Ref)
	if err != nil {
		h.Fatal(err)
	}
	return got
}

// balanced holds the ledger against itself and against the refunds.
func (h *house) balanced() {
	h.Helper()
	faults, err := h.service.CheckBalance(h.Context())
	if err != nil || len(faults) > 0 {
		h.Errorf("the ledger: %+v, %v", faults, err)
	}
}

// account sums up one account of the ledger.
func (h *house) account(name string) string {
	h.Helper()
	return h.text(`SELECT sum(amount) FROM ledger_posting WHERE account = $1`, name)
}

// step is the customer's status of step 4 and the states of the refunds in it.
func (h *house) step(id string) string {
	h.Helper()
	j, err := h.config.Customers.Journey(h.Context(), db.CustomerScope(id), id)
	if err != nil {
		h.Fatal(err)
	}
	s := string(j.Status[migration.StepSettle])
	if j.Detail.Settle != nil {
		for _, r := range j.Detail.Settle.Refunds {
			s += " " + r.State
		}
		for _, d := range j.Detail.Settle.Due {
			s += fmt.Sprintf(" due %d %s", d.Minor, d.Currency)
		}
	}
	return s
}

func (h *house) mails() string {
	h.Helper()
	return h.text(`SELECT string_agg(args->>'template', ' ' ORDER BY id) FROM river_job WHERE kind = 'mail'`)
}

func (h *house) history(r refund.Refund) string {
	h.Helper()
	return h.text(`SELECT string_agg(kind, ' ' ORDER BY id) FROM refund_event WHERE refund_id = $1`, r.ID)
}

// work runs the jobs of payments as a worker would, one after the other, until none is left.
func (h *house) work() {
	h.Helper()
	if err := refund.Drain(h.Context(), h.service); err != nil {
		h.Fatal(err)
	}
}
