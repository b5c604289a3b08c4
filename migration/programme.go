package migration

import (
	"fmt"
	"time"
)

// Text holds a wording per locale tag ("zh-CN", "en").
type Text map[string]string

// In returns the wording for a locale and the tag of the wording returned, which differs where a translation is missing:
// then the programme's first locale answers.
func (t Text) In(locale, fallback string) (text, tag string) {
	if s := t[locale]; s != "" {
		return s, locale
	}
	return t[fallback], fallback
}

// Milestone keys. The first four are required in every programme.
const (
	Announcement   = "announcement"
	SalesStop      = "sales_stop"
	ServiceEnd     = "service_end"
	ExportDeadline = "export_deadline"
	SignUpStop     = "sign_up_stop"
	Erasure        = "erasure"
)

// Kinds of product, which decide how early a closure ought to be announced.
const (
	Business = "business"
	Consumer = "consumer"
)

// Programme is one retirement of one product: the programme file, read and checked. It is immutable once loaded and
// shared between requests.
type Programme struct {
	Version    int         `yaml:"-"` // of the stored file; 0 before it is stored
	Key        string      `yaml:"programme"`
	Product    Product     `yaml:"product"`
	Locales    []string    `yaml:"locales"` // the first is the fallback
	ZoneName   string      `yaml:"zone"`    // IANA
	Thanks     Text        `yaml:"thanks"`
	Reason     Text        `yaml:"reason"`
	Milestones []Milestone `yaml:"milestones"` // in order of day
	Tiers      []Tier      `yaml:"tiers"`
	Customers  *Query      `yaml:"customers"` // where import without a file reads; nil: files only
	Datasets   []Dataset   `yaml:"datasets"`
	Export     ExportRules `yaml:"export"`
	SignIn     SignInRules `yaml:"sign_in"`
	Help       Help        `yaml:"help"`
	Sinks      []Sink      `yaml:"sinks"`
	Brand      Brand       `yaml:"brand"`
	Steps      StepRules   `yaml:"steps"`
	Notices    NoticePlan  `yaml:"notices"`
	Feedback   *Feedback   `yaml:"feedback"` // nil: nobody is asked

	Features     []Feature     `yaml:"features"` // what the product does, as replacements are compared by
	Choice       ChoiceRules   `yaml:"choice"`
	Replacements []Replacement `yaml:"replacements"`

	Entitlements *Query       `yaml:"entitlements"` // where the import of payments reads; nil: files only
	Refund       *RefundRules `yaml:"refund"`       // nil: nothing is refunded

	Zone     *time.Location `yaml:"-"` // of ZoneName
	Warnings Findings       `yaml:"-"` // what looked wrong when the file was read, and may be right

	lines map[string]int // path -> line in the file
}

// Line is where the file says what path names, such as "datasets[invoices].query"; 0 when it does not.
func (p *Programme) Line(path string) int { return p.lines[path] }

// Product is what is being retired.
type Product struct {
	Name    Text   `yaml:"name"`
	Company Text   `yaml:"company"`
	Kind    string `yaml:"kind"` // Business or Consumer
	URL     string `yaml:"url"`
	Since   int    `yaml:"since"` // year it was launched; 0: not said
}

// Milestone is one dated event. It happens at the last moment of its day in the programme's zone.
type Milestone struct {
	Key    string `yaml:"key"`
	Day    Day    `yaml:"day"`
	Name   Text   `yaml:"name"`   // empty: the catalogue's name for Key
	Effect Text   `yaml:"effect"` // one sentence: what changes for the customer
}

// Tier is a class of customers. Core tiers are spoken to in person before the public notice.
type Tier struct {
	Key      string `yaml:"key"`
	Name     Text   `yaml:"name"`
	Core     bool   `yaml:"core"`
	SpokenTo Day    `yaml:"spoken_to"` // day of the personal talk; required for core tiers
	Rule     string `yaml:"rule"`      // CEL over the imported row (ref, name, attributes); empty: by the import's tier column
}

// Query reads from a configured source. Parameters are named; a dataset's query knows :customer_id, the customer's number
// in the retired product.
type Query struct {
	Source string `yaml:"source"`
	SQL    string `yaml:"query"`
}

// Dataset is a named part of the product's data that a customer may export.
type Dataset struct {
	Key         string            `yaml:"key"`
	Name        Text              `yaml:"name"`
	Description Text              `yaml:"description"`
	Query       `yaml:",inline"`  // of a database; Objects or Request stand in its place for other sources
	Objects     *ObjectQuery      `yaml:"objects"` // of a bucket or a directory: the objects themselves are the dataset
	Request     *Request          `yaml:"request"` // of an HTTP API that pages JSON
	Count       string            `yaml:"count"`   // SQL that counts the same rows; empty: count(*) over the query
	Columns     []Column          `yaml:"columns"` // what is promised; a column that the query stops giving is a loud failure
	Files       *Files            `yaml:"files"`   // the rows name objects to copy; nil: rows only
	RowKey      string            `yaml:"row_key"` // column whose values are unique and ordered within a customer; large exports are cut into volumes by it
	Filters     map[string]string `yaml:"filters"` // key of an ExportRules filter -> the column that it restricts
	Period      string            `yaml:"period"`  // column with the instant or day that a chosen period restricts
	Changed     string            `yaml:"changed"` // column with the instant of the last change, for "changes since the last export"
}

// ObjectQuery selects one customer's objects in a bucket or a directory.
type ObjectQuery struct {
	Prefix   string `yaml:"prefix"`   // with :customer_id in it, such as customers/:customer_id/
	Metadata bool   `yaml:"metadata"` // also the media type and the metadata of each object, which costs a request each
}

// Request is how an HTTP API gives one customer's rows: a GET whose answer holds a list, page after page.
type Request struct {
	Path   string            `yaml:"path"`   // below the source's address, with :customer_id in it, such as /v1/notes?account=:customer_id
	Header map[string]string `yaml:"header"` // further headers; secrets belong into the configuration
	Items  string            `yaml:"items"`  // dotted path to the list, such as data.items; empty: the answer is the list
	Total  string            `yaml:"total"`  // dotted path to how many there are in all; empty: counted by reading
	Paging Paging            `yaml:"paging"`
}

// Ways of paging.
const (
	PagingLink   = "link"   // RFC 8288: Link header with rel="next"
	PagingCursor = "cursor" // the answer names what to ask for next
	PagingPage   = "page"   // pages have numbers
	PagingNone   = "none"   // one answer holds all
)

// Paging is how the next page is asked for.
type Paging struct {
	By            string `yaml:"by"`             // one of the ways above
	Cursor        string `yaml:"cursor"`         // cursor: dotted path to it, or to the next page's address; absent, null or empty ends
	More          string `yaml:"more"`           // dotted path to a boolean in the answer: false ends; empty: the API has none
	Parameter     string `yaml:"parameter"`      // cursor, page: query parameter that takes it; cursor: empty when addresses come
	First         int    `yaml:"first"`          // page: number of the first page
	Size          int    `yaml:"size"`           // rows to ask for in one page; 0: the API's own
	SizeParameter string `yaml:"size_parameter"` // query parameter that takes Size
}

// Column documents one column of a dataset.
type Column struct {
	Name    string `yaml:"name"`
	Type    string `yaml:"type"` // as documented in the receipt; empty: whatever the source says
	Meaning Text   `yaml:"meaning"`
	Unit    string `yaml:"unit"`
}

// Files says which columns of a dataset's rows name the attachments, and where those lie.
type Files struct {
	Source string `yaml:"source"`
	Key    string `yaml:"key"`  // column with the object's key
	Name   string `yaml:"name"` // column with the name that the customer gave it
	Size   string `yaml:"size"` // column with the size in bytes; empty: unknown
}

// ExportRules bound exports of this programme.
type ExportRules struct {
	KeepDays     int      `yaml:"keep_days"`     // a ready export can be downloaded for so many days; default 7
	Members      bool     `yaml:"members"`       // contacts in the member role may export, too
	PromiseHours int      `yaml:"promise_hours"` // an export that takes longer moves the customer's deadline; default 24
	Filters      []Filter `yaml:"filters"`       // what a customer may restrict an export to, such as projects
}

// Filter is something by which a customer may restrict an export. Datasets say which of their columns it applies to.
type Filter struct {
	Key   string           `yaml:"key"`
	Name  Text             `yaml:"name"`
	Query `yaml:",inline"` // two columns of text, value and label, of one customer
}

// SignInRules say how a person who signs in is tied to a customer.
type SignInRules struct {
	LinkVerifiedEmail bool `yaml:"link_verified_email"` // an address that the provider has verified may find the contact
}

// Help is where a customer turns to.
type Help struct {
	Email string `yaml:"email"`
	Phone string `yaml:"phone"`
	Hours Text   `yaml:"hours"`
	FAQ   []FAQ  `yaml:"faq"`

	Working     []WorkingPeriod `yaml:"working"`      // when requests are worked on; none: always
	Closed      []Day           `yaml:"closed"`       // holidays
	Worked      []Day           `yaml:"worked"`       // worked although the weekday is free
	AnswerHours int             `yaml:"answer_hours"` // working hours within which a request is answered
	UrgentHours int             `yaml:"urgent_hours"` // likewise one that is urgent
}

// WorkingPeriod is part of some weekdays in which requests are worked on.
type WorkingPeriod struct {
	Days []string `yaml:"days"` // of Weekdays
	From string   `yaml:"from"` // such as 09:00
	To   string   `yaml:"to"`   // 24:00 is midnight
}

// Weekdays are the weekdays' names in a programme's file, as time.Weekday counts them.
var Weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseMinute reads a time of day such as 09:00, up to 24:00, as minutes since midnight.
func ParseMinute(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, fmt.Errorf("%q is no time of day such as 09:00", s)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// FAQ is one question with its answer.
type FAQ struct {
	Question Text `yaml:"question"`
	Answer   Text `yaml:"answer"`
}

// Sink is another system that receives status changes. Its address and secret come from the configuration.
type Sink struct {
	Name string `yaml:"name"`
}

// Brand is the white label: one seed colour, from which accessible shades are derived.
type Brand struct {
	Colour string `yaml:"colour"` // #rrggbb
}

// ImportProfile says how our datasets become files that the replacement imports as they are.
type ImportProfile struct {
	Files []ImportFile `yaml:"files"`
	Loses []Loss       `yaml:"loses"` // what cannot be carried, beside what follows from the files themselves
}

// ImportFile is one file for the replacement, made from one dataset.
type ImportFile struct {
	Name    string         `yaml:"name"`    // such as issues.csv; its extension, .csv or .jsonl, is the format
	Dataset string         `yaml:"dataset"` // key
	Where   string         `yaml:"where"`   // CEL over row: rows that are not taken when false; empty: all
	Columns []ImportColumn `yaml:"columns"`
}

// ImportColumn is a column of a file for the replacement. Exactly one of From, Value and Constant gives it.
type ImportColumn struct {
	Name      string            `yaml:"name"`
	From      string            `yaml:"from"`      // column of the dataset, as it is
	Value     string            `yaml:"value"`     // CEL over row
	Constant  *string           `yaml:"constant"`  //
	Map       map[string]string `yaml:"map"`       // replaces values of From or Value
	Otherwise *string           `yaml:"otherwise"` // for values that Map does not have; nil: they stay as they are and are named as not carried
}

// Loss is something that the replacement has no place for.
type Loss struct {
	Dataset string `yaml:"dataset"` // key; empty: of the product as a whole
	Column  string `yaml:"column"`  // empty: the whole dataset
	Text    Text   `yaml:"text"`    // one sentence; empty: the catalogue's
}

// StepRules say which of the five steps this programme has. Steps 1 and 2 are always there.
type StepRules struct {
	Choose bool `yaml:"choose" json:"choose,omitempty"`
	Settle bool `yaml:"settle" json:"settle,omitempty"`
}

// Milestone returns the dated event with this key.
func (p *Programme) Milestone(key string) (Milestone, bool) {
	for _, m := range p.Milestones {
		if m.Key == key {
			return m, true
		}
	}
	return Milestone{}, false
}

// Replacement returns the product to move to with this key.
func (p *Programme) Replacement(key string) (Replacement, bool) {
	for _, r := range p.Replacements {
		if r.Key == key {
			return r, true
		}
	}
	return Replacement{}, false
}

// Dataset returns the dataset with this key.
func (p *Programme) Dataset(key string) (Dataset, bool) {
	for _, d := range p.Datasets {
		if d.Key == key {
			return d, true
		}
	}
	return Dataset{}, false
}

// Fallback is the locale that answers where a translation is missing.
func (p *Programme) Fallback() string { return p.Locales[0] }

// Deadline returns the last moment of a milestone for one customer, whose extensions may move it, and whether the
// programme has that milestone.
func (p *Programme) Deadline(key string, extensions map[string]Day) (time.Time, bool) {
	m, ok := p.Milestone(key)
	if !ok {
		return time.Time{}, false
	}
	day := m.Day
	if later, ok := extensions[key]; ok && later.After(day) {
		day = later
	}
	return day.End(p.Zone), true
}
