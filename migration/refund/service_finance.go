package refund

import (
	"context"
	"time"

	"offramp/migration"
	"offramp/migration/refund/payout/account"
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
	Text      string // a reference, a customer's number, or the beginning of a customer's name
	OlderThan int    // days since it was submitted
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
	AtLeast bool    // the totals are lower bounds: counting stopped at TotalsLimit
	Next    string  // for the page behind; empty: this is the last
}

// PageSize is how many rows a page of the queue has, TotalsLimit where counting stops for filters that have no kept totals,
// BulkLimit how many can be approved at once.
const (
	PageSize    = 50
	TotalsLimit = 10_000
	BulkLimit   = 1000
)

// Queue returns one page. after is the Next of the page before; empty: the first. ErrFilter. For finance.
func (s *Service) Queue(ctx context.Context, staffID string, f Filter, after string) (QueuePage, error) {
	return QueuePage{}, errNotYet
}

// Stream calls each with every refund of exactly the filter, in the queue's order, from one snapshot, in constant memory, and
// records that they were taken out. ErrFilter. For finance.
func (s *Service) Stream(ctx context.Context, staffID string, f Filter, each func(Row) error) error {
	return errNotYet
}

// File is one refund with all that is known of it.
type File struct {
	Refund
	CustomerRef  string
	CustomerName string
	ContactName  string
	Payments     []Covered
	History      []Happening
	Attempts     []Attempt
	Current      *quote.Quote // what the calculation gives today, where it differs from the frozen one; nil: the same
	MayReview    bool         // for this member of staff, by who did what so far
	MayApprove   bool
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

// Open returns one refund with all that is known of it, and records that it was looked at. ErrNotFound. For finance.
func (s *Service) Open(ctx context.Context, staffID string, p *migration.Programme, ref string) (File, error) {
	return File{}, errNotYet
}

// Reveal returns the whole bank account, and records it. ErrNotFound. For finance.
func (s *Service) Reveal(ctx context.Context, staffID, ref string) (account.Account, error) {
	return account.Account{}, errNotYet
}

// OfCustomer returns a customer's refunds, newest first. For staff who have opened the customer's file, which is recorded there.
func (s *Service) OfCustomer(ctx context.Context, staffID, customerID string) ([]Refund, error) {
	return nil, errNotYet
}

// Review finds a refund in order. ErrNotFound, ErrMoved, ErrSamePerson. For finance clerks.
func (s *Service) Review(ctx context.Context, staffID, ref string, version int) (Refund, error) {
	return Refund{}, errNotYet
}

// Approve approves a reviewed refund, or approves it a second time where the amount needs it. ErrNotFound, ErrMoved,
// ErrSamePerson. For finance approvers.
func (s *Service) Approve(ctx context.Context, staffID string, p *migration.Programme, ref string, version int) (Refund, error) {
	return Refund{}, errNotYet
}

// SendBack asks the customer a question; review and approvals begin anew. ErrNotFound, ErrMoved, ErrText. For finance.
func (s *Service) SendBack(ctx context.Context, staffID, ref string, version int, question string) (Refund, error) {
	return Refund{}, errNotYet
}

// Decline refuses a refund with a reason; the customer may object within the programme's period. ErrNotFound, ErrMoved,
// ErrReason. For finance.
func (s *Service) Decline(ctx context.Context, staffID string, p *migration.Programme, ref string, version int, reason Reason, text string) (Refund, error) {
	return Refund{}, errNotYet
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
	Err   error // nil: done; ErrNotFound, ErrMoved, ErrSamePerson
}

// BulkApprove approves each refund as Approve does, or says why not, in the order given. ErrTooMany. For finance approvers.
func (s *Service) BulkApprove(ctx context.Context, staffID string, p *migration.Programme, choices []Choice) ([]Result, error) {
	return nil, errNotYet
}

// Figures are what the head of the queue shows.
type Figures struct {
	States []StateFigure
	Budget []BudgetFigure
	Oldest *time.Time // of what waits for finance
	Tasks  int        // open tasks
}

// StateFigure is how much stands where, in one currency.
type StateFigure struct {
	State State
	Total
}

// BudgetFigure compares what is due and paid in a currency with what was set aside.
type BudgetFigure struct {
	Currency string
	Budget   int64 // 0: none was set
	Open     int64 // asked for and not settled
	Spent    int64 // paid or credited, or on its way
}

// Figures returns them. For finance and programme managers.
func (s *Service) Figures(ctx context.Context, staffID string, p *migration.Programme) (Figures, error) {
	return Figures{}, errNotYet
}
