package refund

import (
	"time"

	"offramp/migration"
	"offramp/migration/refund/quote"
)

// Filter chooses refunds. Empty fields choose all.
type Filter struct {
	States    []State
	Tier      string
	Method    Method
	Currency  string
	Least     int64  // minor units of Currency, which has to be given then
	Most      int64  // 0: no bound
	Text      string // a reference, a customer's number or a contact's address, found whatever the other fields say; or the beginning of a name
	OlderThan int    // days since it was submitted
	LateIn    string // a zone: what is late by its days, as Stage.Late has it; empty: all
}

// Row is one refund as the queue lists it.
type Row struct {
	ID, Ref      string
	Version      int
	CustomerID   string
	CustomerRef  string
	CustomerName string
	Tier         string
	Method       Method
	Currency     string
	Amount       int64
	State        State
	SecondNeeded bool
	RequestedAt  time.Time
	ReviewedBy   string // identity ids
	ApprovedBy   string
	BatchID      string

	number      int64
	price, rest int64 // of a credit in two parts
	rule        string
	due         *time.Time // so many days after its stage began
	days        int
}

// Late reports whether what the refund waits for should have been done, by the rule that tells the customer: Stage.Late.
func (r Row) Late(zone *time.Location, now time.Time) bool {
	return r.due != nil && now.After(migration.DayOf(r.due.Add(-time.Duration(r.days)*24*time.Hour).In(zone)).AddDays(r.days).End(zone))
}

// LateFigure is how many refunds are late in a stage.
type LateFigure struct {
	Stage StageKey
	Count int
}

// Total is how many refunds come to how much in one currency.
type Total struct {
	Currency string
	Count    int64
	Amount   int64
}

// QueuePage is one page of the queue, the longest waiting first; with a bound on the amount the largest first.
type QueuePage struct {
	Rows    []Row
	Totals  []Total // of the whole filter, by currency
	Stands  []Stand // where the money of the whole filter is, by currency; nil for filters that have no kept totals
	AtLeast bool    // the totals are lower bounds: counting stopped at TotalsLimit; Totals has the others
	Next    string  // for the page behind; empty: this is the last
}

// PageSize is how many rows a page of the queue has, TotalsLimit where counting stops for filters that have no kept totals,
// BulkLimit how many can be approved at once.
const (
	PageSize    = 50
	TotalsLimit = 500
	BulkLimit   = 1000
)

// File is one refund with all that is known of it.
type File struct {
	Refund
	CustomerRef  string
	CustomerName string
	ContactName  string
	Payments     []Covered
	Documents    []Document // with those that the customer does not see, and those that were removed
	History      []Happening
	Attempts     []Attempt
	Current      *quote.Quote // what the calculation gives today, where it differs from the frozen one; nil: the same
	MayReview    bool         // for this member of staff, by who did what so far
	MayApprove   bool
	Held         error // why its documents keep it from being reviewed and approved: ErrScanning, ErrUnfitAnswer; nil: they do not
}

// Covered is a payment with the part of it that the refund gives back.
type Covered struct {
	quote.Payment
	Amount  int64 // minor units
	Settled bool  // this part was paid for certain
}

// Attempt is one try at one payment, without anything secret.
type Attempt struct {
	Number    int
	Payment   string // ref of the payment; empty: bank
	Channel   string // stripe, bank
	State     string // planned, sent, accepted, succeeded, failed, unknown
	Amount    int64
	Provider  string // the provider's id of the refund
	Failure   string
	Code      string
	Detail    string
	PlannedAt time.Time
	CalledAt  *time.Time
	SettledAt *time.Time
	NextAt    *time.Time // when it is looked up again
}

// Choice is one row of a bulk decision.
type Choice struct {
	Ref     string
	Version int
}

// Result is what became of one row.
type Result struct {
	Ref   string
	State State // after it
	Err   error // nil: done; ErrNotFound, ErrMoved, ErrSamePerson, ErrScanning, ErrUnfitAnswer
}

// Figures are what the head of the queue shows.
type Figures struct {
	States []StateFigure
	Budget []BudgetFigure
	Oldest *time.Time // of what waits for finance
	Tasks  int        // open tasks
	Late   []LateFigure
	Scans  ScanWait
}

// StateFigure is how much stands in a state, in one currency: how many refunds, what they ask for, and where the money of them is.
type StateFigure struct {
	State State
	Total
	Standing
}

// BudgetFigure compares where the money stands in a currency with what was set aside.
type BudgetFigure struct {
	Currency string
	Budget   int64 // 0: none was set
	Standing
}
