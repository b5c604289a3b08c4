package quote

import (
	"fmt"
	"slices"
	"time"

	"offramp/internal/money"
	"offramp/migration"
)

// Method is how something was paid.
type Method string

// The ways of paying.
const (
	Card      Method = "card"
	Bank      Method = "bank"
	Alipay    Method = "alipay"
	WeChat    Method = "wechat"
	AppStore  Method = "app_store"
	PlayStore Method = "play_store"
	Other     Method = "other"
)

// Methods lists the ways of paying.
var Methods = []Method{Card, Bank, Alipay, WeChat, AppStore, PlayStore, Other}

// ByStore reports whether an app store took the money, which it alone can give back.
func (m Method) ByStore() bool { return m == AppStore || m == PlayStore }

// Payment is one payment of a customer for a period or for units of use. Amounts are in minor units of Currency and never
// negative. Its JSON form is stored.
type Payment struct {
	Ref         string        `json:"ref"` // unique within the customer
	InvoiceRef  string        `json:"invoice_ref,omitempty"`
	PaidAt      time.Time     `json:"paid_at"`
	Method      Method        `json:"method"`
	Provider    string        `json:"provider,omitempty"`     // such as stripe; empty: none that can be asked
	ProviderRef string        `json:"provider_ref,omitempty"` // the payment at the provider, such as pi_3Q...
	Currency    string        `json:"currency"`               // ISO 4217
	Gross       int64         `json:"gross"`                  // the price before the discount; with tax where the policy says inclusive
	Tax         int64         `json:"tax,omitempty"`          // contained in the price or on top of it, as the policy says
	Discount    int64         `json:"discount,omitempty"`
	PeriodStart migration.Day `json:"period_start"`         // first day paid for
	PeriodEnd   migration.Day `json:"period_end"`           // last day paid for
	Units       int64         `json:"units,omitempty"`      // bought; 0: none are counted
	UnitsUsed   int64         `json:"units_used,omitempty"` //
	Refunded    int64         `json:"refunded,omitempty"`   // before, elsewhere
	Credited    int64         `json:"credited,omitempty"`   // before, elsewhere
}

// Entitlement is what one customer has paid.
type Entitlement struct {
	Version  int       `json:"version"` // goes up whenever a payment changes
	Payments []Payment `json:"payments"`
}

// maxPeriod bounds a period, in days: longer ones are slips of a year's digit.
const maxPeriod = 366 * 50

// Check says what no policy can count, naming the column; nil when all is well.
func (p Payment) Check() error {
	switch _, known := money.Digits(p.Currency); {
	case p.Ref == "":
		return fmt.Errorf("ref is empty")
	case !known:
		return fmt.Errorf("currency %q is none of ISO 4217", p.Currency)
	case !slices.Contains(Methods, p.Method):
		return fmt.Errorf("method %q is unknown", p.Method)
	}
	for _, a := range []struct {
		name  string
		minor int64
	}{
		{"gross", p.Gross},
		{"tax", p.Tax},
		{"discount", p.Discount},
		{"refunded", p.Refunded},
		{"credited", p.Credited},
		{"units", p.Units},
		{"units_used", p.UnitsUsed},
	} {
		if a.minor < 0 || a.minor > money.Max {
			return fmt.Errorf("%s is out of range", a.name)
		}
	}
	switch {
	case p.Discount > p.Gross:
		return fmt.Errorf("discount %s is more than gross %s", p.format(p.Discount), p.format(p.Gross))
	case p.Tax > p.Gross-p.Discount:
		return fmt.Errorf("tax %s is more than the price of %s that it is on", p.format(p.Tax), p.format(p.Gross-p.Discount))
	case p.Refunded+p.Credited > p.Gross-p.Discount+p.Tax:
		return fmt.Errorf("refunded and credited are %s together, more than was paid", p.format(p.Refunded+p.Credited))
	case p.PeriodStart.IsZero() || p.PeriodEnd.IsZero():
		return fmt.Errorf("the period has no start or no end")
	case p.PeriodEnd.Before(p.PeriodStart):
		return fmt.Errorf("period_end %s lies before period_start %s", p.PeriodEnd, p.PeriodStart)
	case p.PeriodStart.DaysUntil(p.PeriodEnd) > maxPeriod:
		return fmt.Errorf("the period from %s to %s is longer than 50 years", p.PeriodStart, p.PeriodEnd)
	}
	return nil
}

func (p Payment) format(minor int64) string { return money.Format(minor, p.Currency) }

// paid is what the customer handed over in all.
func (p Payment) paid(policy Policy) int64 {
	if policy.TaxPrices == migration.TaxExclusive {
		return p.Gross - p.Discount + p.Tax
	}
	return p.Gross - p.Discount
}
