package quote_test

import (
	"testing"

	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/quote"
)

// TestQuotesAreTheSameWhenTheyGiveTheSame holds the digest by which the product tells quotes apart.
func TestQuotesAreTheSameWhenTheyGiveTheSame(t *testing.T) {
	t.Parallel()
	digest := func(q quote.Quote) string {
		t.Helper()
		d, err := refund.Digest(q)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	q := one(t, plainPolicy, yearly)
	later := q
	later.AsOf, later.EntitlementVersion, later.PolicyVersion, later.PolicyDigest = migration.NewDay(2027, 1, 1), 7, "v2", "other"
	if digest(q) != digest(later) {
		t.Error("another day makes it another")
	}
	cheaper := yearly
	cheaper.Gross--
	if digest(q) == digest(one(t, plainPolicy, cheaper)) {
		t.Error("another price is the same")
	}
	kinder := plainPolicy
	kinder.Bonus = []quote.Bonus{{BasisPoints: 1}}
	if digest(q) == digest(one(t, kinder, yearly)) {
		t.Error("another bonus is the same")
	}
}
