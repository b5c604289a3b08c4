package quote_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/migration"
	"offramp/migration/refund/quote"
)

// vector is one case that was worked out by other means: with exact fractions and day by day.
type vector struct {
	Name     string          `json:"name"`
	Policy   quote.Policy    `json:"policy"`
	Tier     string          `json:"tier"`
	LastDay  migration.Day   `json:"last_day"`
	Payments []quote.Payment `json:"payments"`
	Want     []wanted        `json:"want"`
}

type wanted struct {
	Currency string       `json:"currency"`
	Parts    []wantedPart `json:"parts"`
	Total    int64        `json:"total"`
	Refund   int64        `json:"refund"`
	Credits  []pair       `json:"credits"`
	Note     string       `json:"note,omitempty"`
}

// pair is ["name", amount].
type pair struct {
	Name   string
	Amount int64
}

// UnmarshalJSON reads the two.
func (p *pair) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[2]any{&p.Name, &p.Amount})
}

type wantedPart struct {
	Ref    string `json:"ref"`
	Paid   int64  `json:"paid"`
	Lines  []pair `json:"lines"`
	Amount int64  `json:"amount"`
}

func vectors(t *testing.T) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 {
		t.Fatalf("only %d vectors", len(all))
	}
	return all
}

func (v vector) quotes(t *testing.T) []quote.Quote {
	t.Helper()
	got, err := quote.Compute(quote.Input{
		Policy: v.Policy, Tier: v.Tier, LastDay: v.LastDay, AsOf: migration.NewDay(2026, 11, 25),
		Entitlement: quote.Entitlement{Version: 3, Payments: v.Payments},
	})
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	return got
}

func TestF11_QuotesAreAsWorkedOutByOtherMeans(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			var got []wanted
			for _, q := range v.quotes(t) {
				got = append(got, summed(q))
			}
			if diff := cmp.Diff(v.Want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// summed reduces a quote to what a vector states.
func summed(q quote.Quote) wanted {
	w := wanted{Currency: q.Currency, Total: q.Total, Refund: q.Refund}
	for _, p := range q.Parts {
		part := wantedPart{Ref: p.Payment.Ref, Paid: p.Paid, Amount: p.Amount}
		for _, l := range p.Lines {
			part.Lines = append(part.Lines, pair{string(l.Kind), l.Amount})
		}
		w.Parts = append(w.Parts, part)
	}
	for _, c := range q.Credits {
		w.Credits = append(w.Credits, pair{c.Replacement, c.Total})
	}
	for _, n := range q.Notes {
		w.Note += string(n.Kind)
	}
	return w
}
