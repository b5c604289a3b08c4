package product_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"offramp/deploy/examples"
	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
	"offramp/deploy/local/product"
	"offramp/export/connect"
	"offramp/export/source"
	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/internal/money"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/quote"
)

// paymentRows are the answer of the example's query.
type paymentRows struct {
	names []string
	rows  [][]string
	at    int
}

func (r *paymentRows) Columns() []string { return r.names }
func (r *paymentRows) Next() bool        { r.at++; return r.at <= len(r.rows) }
func (r *paymentRows) Values() []string  { return r.rows[r.at-1] }
func (r *paymentRows) Line() int         { return r.at }
func (r *paymentRows) Err() error        { return nil }

// answer reads a query of the programme as an import does.
func answer(t *testing.T, url string, q migration.Query) *paymentRows {
	t.Helper()
	sources := connect.New(map[string]string{"product": url}, source.Options{})
	defer sources.Close()
	r := &paymentRows{}
	err := sources.QueryRows(t.Context(), q, func(columns []string, values []*string) error {
		r.names = columns
		row := make([]string, len(values))
		for i, v := range values {
			if v != nil {
				row[i] = *v
			}
		}
		r.rows = append(r.rows, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTheStagesPaymentsAreQuoted imports what the product's query gives and works out what each of its customers gets.
func TestTheStagesPaymentsAreQuoted(t *testing.T) {
	shop := localtest.EmptyDatabase(t)
	if err := product.Load(t.Context(), shop.SuperURL, product.Options{Largest: 2000, Store: &shelf{bytes: map[string]int{}}}); err != nil {
		t.Fatal(err)
	}
	d := localtest.DB(t)
	programmes := migration.NewProgrammes(d)
	stage, second := migration.Actor{ID: "stage", Kind: "operator"}, migration.Actor{ID: "second", Kind: "operator"}
	proposed, err := programmes.Propose(t.Context(), stage, examples.Hezhou)
	if err != nil {
		t.Fatal(migration.FindingsOf(err), err)
	}
	if err := programmes.Approve(t.Context(), second, proposed.Version.Number); err != nil {
		t.Fatal(err)
	}
	p := proposed.Programme
	if _, err := migration.NewImporter(d, programmes).Import(t.Context(), stage, answer(t, shop.SuperURL, *p.Customers), migration.ImportOptions{AllOrNothing: true}); err != nil {
		t.Fatal(err)
	}
	var refused []string
	report, err := refund.NewEntitlements(d, programmes, nil).Import(t.Context(), stage, answer(t, shop.SuperURL, *p.Entitlements), refund.PaymentOptions{
		Complete: true, Say: func(l migration.ImportLine) {
			if l.Outcome == migration.LineRefused {
				refused = append(refused, l.Reason)
			}
		},
	})
	if err != nil || len(refused) > 0 {
		t.Fatalf("%v, %v", err, refused)
	}
	t.Logf("%+v", report)
	if report.Created < 300 || report.Due < 100 || report.NotDue < 20 || report.Due+report.NotDue != 200 {
		t.Errorf("%+v", report)
	}
	seen := quotesOf(t, d, p)
	for _, want := range []string{"currency CNY", "currency USD", "currency EUR", "currency JPY", "discount", "goodwill", "refunded", "credited", "store", "nothing"} {
		if seen[want] == 0 {
			t.Errorf("no quote shows %s: %v", want, seen)
		}
	}
	t.Log(seen)
	theProviderKnowsThem(t, shop.SuperURL, d)
	againWithoutPayments(t, shop)
}

// theProviderKnowsThem holds what the payment provider charged against what was imported as paid through it. None of the
// currencies is one whose units at Stripe are others than here.
func theProviderKnowsThem(t *testing.T, owner string, d *db.DB) {
	t.Helper()
	charges, err := product.Charges(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	after := map[local.StripeAfter]int{}
	want := map[string]local.StripePayment{}
	for _, c := range charges {
		after[c.After]++
		c.After = ""
		want[c.ID] = c
	}
	if after[local.StripeLater] == 0 || after[local.StripeBounces] < 5 || after[local.StripeAtOnce] < 50 {
		t.Errorf("what becomes of refunds: %v", after)
	}
	got := map[string]local.StripePayment{}
	err = d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		rows, err := tx.Pgx.Query(t.Context(), `SELECT provider_ref, gross - discount, lower(currency), refunded FROM payment WHERE provider = 'stripe'`)
		if err != nil {
			return err
		}
		var c local.StripePayment
		_, err = pgx.ForEachRow(rows, []any{&c.ID, &c.Amount, &c.Currency, &c.Refunded}, func() error {
			got[c.ID] = c
			return nil
		})
		return err
	})
	if diff := cmp.Diff(got, want); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// againWithoutPayments loads a stage that was made before there were payments.
func againWithoutPayments(t *testing.T, shop localtest.TestDatabase) {
	t.Helper()
	owner := shop.Super(t)
	if _, err := owner.Exec(t.Context(), `DROP TABLE payment`); err != nil {
		t.Fatal(err)
	}
	if err := product.Load(t.Context(), shop.SuperURL, product.Options{}); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := owner.QueryRow(t.Context(), `SELECT count(*) FROM payment`).Scan(&n); err != nil || n < 300 {
		t.Errorf("%d payments, %v", n, err)
	}
}

// quotesOf works out every customer's quotes, counts what they show, and holds the reference customer's to the reference.
func quotesOf(t *testing.T, d *db.DB, p *migration.Programme) map[string]int {
	t.Helper()
	seen := map[string]int{}
	err := d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		rows, err := tx.Pgx.Query(t.Context(), `SELECT id, ref, tier FROM customer ORDER BY ref`)
		if err != nil {
			return err
		}
		var customers []migration.Customer
		for rows.Next() {
			var c migration.Customer
			if err := rows.Scan(&c.ID, &c.Ref, &c.Tier); err != nil {
				return err
			}
			customers = append(customers, c)
		}
		rows.Close()
		for _, c := range customers {
			e, err := refund.LoadEntitlement(t.Context(), tx, c.ID)
			if err != nil {
				return err
			}
			in, _ := quote.For(p, c, e, tx.Now)
			quotes, err := quote.Compute(in)
			if err != nil {
				return err
			}
			tally(t, seen, p, c, quotes)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func tally(t *testing.T, seen map[string]int, p *migration.Programme, c migration.Customer, quotes []quote.Quote) {
	t.Helper()
	for _, q := range quotes {
		seen["currency "+q.Currency]++
		for _, n := range q.Notes {
			seen[string(n.Kind)]++
		}
		for _, part := range q.Parts {
			for _, l := range part.Lines {
				if l.Amount != 0 || l.Kind == quote.ByStore {
					seen[string(l.Kind)]++
				}
			}
		}
		for _, tag := range locale.Tags() {
			w := quote.Word(locale.For(tag), q, p)
			for _, part := range w.Parts {
				for _, l := range part.Lines {
					if strings.Contains(l.Label+l.Formula, "⟦") || strings.Contains(l.Formula, "<no value>") {
						t.Errorf("%s: %+v", c.Ref, l)
					}
				}
			}
		}
	}
	if c.Ref != product.Reference {
		return
	}
	if len(quotes) != 1 || money.Format(quotes[0].Total, "CNY") != "4438.36" {
		t.Fatalf("%s: %+v", c.Ref, quotes)
	}
	want := "135 of 365 days unused: CN¥12,000.00 × 135 / 365 = CN¥4,438.36"
	last := quote.Word(locale.For("en"), quotes[0], p).Parts
	if got := last[len(last)-1].Lines[0].Formula; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
