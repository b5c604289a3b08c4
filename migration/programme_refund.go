package migration

import (
	"slices"

	"offramp/internal/money"
)

// What of a payment counts as unused.
const (
	BasisDays   = "days"   // calendar days of the period paid for
	BasisMonths = "months" // whole months of the period that have not begun
	BasisUsage  = "usage"  // units bought and not used
)

// Ways of rounding to the currency's smallest unit.
const (
	RoundHalfEven = "half_even"
	RoundHalfUp   = "half_up"
	RoundDown     = "down"
	RoundUp       = "up"
)

// Ways of counting a discount against the unused part.
const (
	DiscountProportional = "proportional" // the unused part of the price, less the same part of the discount
	DiscountFirst        = "first"        // the discount comes off the price first; the rest is divided
	DiscountFull         = "full"         // the whole discount comes off the unused part: what was used is charged at the full price
)

// How payments state their tax.
const (
	TaxInclusive = "inclusive" // the gross price contains the tax
	TaxExclusive = "exclusive" // the tax was paid on top of the price
)

// What becomes of an amount below the minimum.
const (
	BelowCredit  = "credit"  // it is not paid out but may be turned into credit
	BelowNothing = "nothing" // it lapses
)

// Ways of settling that a programme offers.
const (
	SettleOriginal = "original" // back the way it was paid
	SettleBank     = "bank"     // to a bank account
	SettleCredit   = "credit"   // toward a replacement
	SettleWaive    = "waive"    // nothing is wanted back
)

// Kinds of bank account that can be paid to.
const (
	AccountIBAN      = "iban"
	AccountCNCard    = "cn_card"
	AccountCNCompany = "cn_company"
)

const defaultObjectionDays = 30

// Amounts holds one decimal amount per currency, such as CNY: "1000.00". The checked file's amounts are exact.
type Amounts map[string]string

// RefundRules say how what a customer has prepaid is settled: the policy of the quotes and the way they are paid.
type RefundRules struct {
	Version       string      `yaml:"version"`        // name of the policy, which every quote states; change it with the rules
	Basis         string      `yaml:"basis"`          // one of the bases above
	From          string      `yaml:"from"`           // SalesStop or ServiceEnd: what comes after that day is unused
	Rounding      string      `yaml:"rounding"`       // of every line; default half_even
	Discount      string      `yaml:"discount"`       // default proportional
	Tax           RefundTax   `yaml:"tax"`            //
	Minimum       Amounts     `yaml:"minimum"`        // less is not paid out; a currency that is not named has none
	BelowMinimum  string      `yaml:"below_minimum"`  // default credit where credit is offered
	Goodwill      []Goodwill  `yaml:"goodwill"`       // on top, per tier
	Bonus         []Bonus     `yaml:"bonus"`          // on top of credit toward a replacement
	SecondFrom    Amounts     `yaml:"second_from"`    // from this amount on, a second approver is needed; a currency that is not named never needs one
	ObjectionDays int         `yaml:"objection_days"` // a declined customer may object for so many days; default 30
	Within        Within      `yaml:"within"`         // when the money comes
	CreditRest    string      `yaml:"credit_rest"`    // what becomes of credit over the replacement's price; default kept
	Payout        PayoutRules `yaml:"payout"`         //
	Budget        Amounts     `yaml:"budget"`         // set aside per currency
	Stores        []Store     `yaml:"stores"`         // app stores whose purchases they alone refund
}

// Within says in how many calendar days each stage of a refund is over. 0: nothing is promised.
type Within struct {
	Review int `yaml:"review"` // decided, after it was asked for
	Pay    int `yaml:"pay"`    // paid or credited, after it was approved
	Bank   int `yaml:"bank"`   // on the customer's statement, after it was paid
}

// What becomes of the part of a credit that is over the replacement's price.
const (
	RestKept = "kept" // it stays with the replacement, for what is bought there later
	RestLost = "lost" // it lapses; the customer agrees to that
	RestPaid = "paid" // it is paid to a bank account that the customer gives and agrees to
)

// PaysToBanks reports whether refunds are paid to bank accounts that customers give.
func (r RefundRules) PaysToBanks() bool {
	return slices.Contains(r.Payout.Methods, SettleBank) && len(r.Payout.Accounts) > 0
}

// RefundTax says how payments state their tax, and whether the unused part's tax is given back.
type RefundTax struct {
	Prices string `yaml:"prices"` // TaxInclusive or TaxExclusive; default inclusive
	Kept   bool   `yaml:"kept"`   // true: the tax is not given back
}

// Goodwill is what a tier gets on top of the unused part, at most up to what was paid. Exactly one of the two is given.
type Goodwill struct {
	Tier        string  `yaml:"tier"`         // key
	BasisPoints int     `yaml:"basis_points"` // of the amount due: 500 is 5 %
	Amount      Amounts `yaml:"amount"`       // fixed, per customer and currency
}

// Bonus is what is added when the amount is turned into credit.
type Bonus struct {
	Replacement string `yaml:"replacement"`  // key; empty: every replacement that has no bonus of its own
	BasisPoints int    `yaml:"basis_points"` // of the credit: 1000 is 10 %
}

// PayoutRules say how refunds reach the customer.
type PayoutRules struct {
	Methods  []string `yaml:"methods"`  // of the ways of settling above, in the order in which they are offered
	Accounts []string `yaml:"accounts"` // kinds of bank account; needed with bank
}

// Store is how an app store takes back a purchase that was made there.
type Store struct {
	Method string `yaml:"method"` // app_store or play_store
	URL    string `yaml:"url"`    // where the customer asks the store
	Text   Text   `yaml:"text"`   // what to do there; empty: the catalogue's
}

// Offers reports whether a way of settling is offered.
func (r *RefundRules) Offers(method string) bool {
	for _, m := range r.Payout.Methods {
		if m == method {
			return true
		}
	}
	return false
}

// Minor returns the amounts in minor units by currency. Those that cannot be read are left out; a checked file has none.
func (a Amounts) Minor() map[string]int64 {
	minor := make(map[string]int64, len(a))
	for code, text := range a {
		if n, err := money.Parse(text, code); err == nil {
			minor[code] = n
		}
	}
	return minor
}
