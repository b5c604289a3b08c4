package migration

import "slices"

// Kinds of replacement.
const (
	KindOwn     = "own"     // the company's own product: step 3 is completed when the customer has moved
	KindPartner = "partner" // another company's
	KindSelf    = "self"    // do it yourself: a way of going on without another product
)

// Replacement is a product to move to.
type Replacement struct {
	Key            string         `yaml:"key"`
	Name           Text           `yaml:"name"`
	Kind           string         `yaml:"kind"`           // one of the kinds above; empty: partner
	Withdrawn      bool           `yaml:"withdrawn"`      // not offered any more; those who chose it are told
	NoCredit       bool           `yaml:"no_credit"`      // no credit goes toward it
	Summary        Text           `yaml:"summary"`        // one sentence
	Text           Text           `yaml:"text"`           // Markdown
	URL            string         `yaml:"url"`            // about the product
	Price          *Price         `yaml:"price"`          // nil: not said
	Effort         *Effort        `yaml:"effort"`         // nil: not said
	Guide          *Guide         `yaml:"guide"`          // nil: there is none
	Datasets       []DatasetMove  `yaml:"datasets"`       // what becomes of each dataset; one that is not listed: not said
	Features       []FeatureMove  `yaml:"features"`       // whether it has each feature; one that is not listed: not said
	Limits         []Limit        `yaml:"limits"`         // such as 10 GB of files
	Location       Text           `yaml:"location"`       // where the data will lie
	Certifications []string       `yaml:"certifications"` // such as ISO 27001
	Offer          *Offer         `yaml:"offer"`          // nil: there is none
	SignUp         *SignUp        `yaml:"sign_up"`        // nil: no hand-over
	Contact        *Reach         `yaml:"contact"`        // nil: the programme's help
	Import         *ImportProfile `yaml:"import"`         // nil: it reads no files of ours
}

// Own reports whether it is the company's own product.
func (r Replacement) Own() bool { return r.Kind == KindOwn }

// TakesCredit reports whether a refund can become credit toward it: not where it is free of charge, is no product, or is not offered
// any more.
func (r Replacement) TakesCredit() bool {
	return !r.NoCredit && !r.Withdrawn && r.Kind != KindSelf && (r.Price == nil || r.Price.Model != PriceFree && r.Price.Amount > 0)
}

// Models of price.
const (
	PriceFree      = "free"
	PriceSeatMonth = "seat_month" // for each seat and month
	PriceSeatYear  = "seat_year"
	PriceFlatMonth = "flat_month" // for each month, whatever the number of seats
	PriceFlatYear  = "flat_year"
	PriceOnce      = "once" // paid once
)

// Price is what a replacement costs before its offer.
type Price struct {
	Model    string `yaml:"model"`    // one of the models above
	Amount   int64  `yaml:"amount"`   // minor units of Currency
	Currency string `yaml:"currency"` // ISO 4217
	Note     Text   `yaml:"note"`     // such as what is not included
}

// Effort is how much work the move is.
type Effort struct {
	Hours int  `yaml:"hours"` // of one person, for a customer of usual size
	Text  Text `yaml:"text"`
}

// Guide is how to move, as a list to tick off.
type Guide struct {
	Video string      `yaml:"video"` // web address; it is linked to, never embedded
	Steps []GuideStep `yaml:"steps"`
}

// GuideStep is one entry of a guide.
type GuideStep struct {
	Key   string `yaml:"key"`
	Title Text   `yaml:"title"`
	Text  Text   `yaml:"text"` // Markdown
}

// What becomes of a dataset or a feature.
const (
	MovesAll  = "all"  // a dataset moves whole; a feature is there
	MovesPart = "part" // a dataset moves with loss; a feature is there and needs work
	MovesNone = "none" // a dataset does not move; there is no such feature
)

// DatasetMove says what becomes of one dataset.
type DatasetMove struct {
	Dataset string `yaml:"dataset"` // key
	Moves   string `yaml:"moves"`   // all, part or none
	Text    Text   `yaml:"text"`    // one sentence; required for part and none
}

// FeatureMove says whether a replacement has one of the product's features.
type FeatureMove struct {
	Feature string `yaml:"feature"` // key
	Has     string `yaml:"has"`     // all, part (needs work) or none
	Text    Text   `yaml:"text"`    // one sentence: the work that it needs, or what stands in its place
}

// Limit is a bound of a replacement. Limits of the same name are compared.
type Limit struct {
	Name  Text `yaml:"name"`
	Value Text `yaml:"value"`
}

// Offer is an advantage for customers who come from this programme.
type Offer struct {
	Text     Text     `yaml:"text"`     // one sentence
	Discount int      `yaml:"discount"` // basis points off the price; 0: none
	Until    Day      `yaml:"until"`    // the last day, in the programme's zone; zero: without end
	Tiers    []string `yaml:"tiers"`    // keys; empty: all
	Code     string   `yaml:"code"`     // the same for everybody
	Pool     bool     `yaml:"pool"`     // each customer draws a code of its own from those that were imported
}

// For reports whether the offer is for customers of a tier.
func (o Offer) For(tier string) bool { return len(o.Tiers) == 0 || slices.Contains(o.Tiers, tier) }

// Fields that may be handed over to a replacement's sign-up.
const (
	FieldCustomerRef  = "customer_ref"
	FieldCustomerName = "customer_name"
	FieldContactName  = "contact_name"
	FieldContactEmail = "contact_email"
	FieldLocale       = "locale"
	FieldSeats        = "seats"
	FieldTier         = "tier"
)

// SignUpFields lists them in the order in which they are shown.
var SignUpFields = []string{FieldCustomerRef, FieldCustomerName, FieldContactName, FieldContactEmail, FieldLocale, FieldSeats, FieldTier}

// SignUp is the replacement's own sign-up, which takes on a customer with the fields that the customer agreed to.
type SignUp struct {
	URL    string   `yaml:"url"`
	Fields []string `yaml:"fields"` // the most that is handed over
}

// Reach is whom to turn to about a replacement.
type Reach struct {
	Email string `yaml:"email"`
	Phone string `yaml:"phone"`
	URL   string `yaml:"url"`
}

// Feature is something that the retired product does, and how to know that a customer uses it.
type Feature struct {
	Key       string           `yaml:"key"`
	Name      Text             `yaml:"name"`
	Group     Text             `yaml:"group"` // heading under which it is compared; empty: none
	Query     `yaml:",inline"` // with :customer_id it gives one row, the count; without it rows of customer_ref and count
	Attribute string           `yaml:"attribute"` // column of the import in the place of a query: a number, or true or yes for one
}

// Counted reports whether the programme says how often a feature is used.
func (f Feature) Counted() bool { return f.SQL != "" || f.Attribute != "" }

// ChoiceRules say how customers choose.
type ChoiceRules struct {
	Recommend string `yaml:"recommend"` // on or off; empty: on
	Seats     string `yaml:"seats"`     // attribute with the number of seats; empty: prices for a seat are not added up
	Period    string `yaml:"period"`    // attribute with month or year, for which prices are added up; empty: year
	Refresh   int    `yaml:"refresh"`   // hours between two looks at what customers use; default 24
}

// Recommends reports whether customers are told which replacement fits best.
func (r ChoiceRules) Recommends() bool { return r.Recommend != "off" }

// Feature returns the feature with this key.
func (p *Programme) Feature(key string) (Feature, bool) {
	for _, f := range p.Features {
		if f.Key == key {
			return f, true
		}
	}
	return Feature{}, false
}

// Offered are the replacements that may be chosen, in the file's order.
func (p *Programme) Offered() []Replacement {
	var list []Replacement
	for _, r := range p.Replacements {
		if !r.Withdrawn {
			list = append(list, r)
		}
	}
	return list
}

// StepsInEffect are the steps that customers have: without a replacement on offer there is nothing to choose.
func (p *Programme) StepsInEffect() StepRules {
	rules := p.Steps
	rules.Choose = rules.Choose && len(p.Offered()) > 0
	return rules
}
