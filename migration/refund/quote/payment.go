package quote

import (
	"time"

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
