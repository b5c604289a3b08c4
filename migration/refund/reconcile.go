package refund

import (
	"slices"
	"time"

	"offramp/migration/refund/payout/bankresult"
)

// Import is one file of bank results.
type Import struct {
	ID         string
	Name       string // of the file, as it was uploaded
	SHA256     string
	ImportedBy string
	ImportedAt time.Time
	Matched    int
	Differing  int
	Returned   int
	Unmatched  int
	Open       int // differing, returned and unmatched ones that nobody has settled
	Passed     []PassedOver
}

// PassedOver is how many lines of a file concern no refund, for one reason.
type PassedOver struct {
	Why   bankresult.Why
	Count int
	Lines []int // the first of them, at most passedLines
}

// passedLines is how many lines are named of what is passed over for one reason.
const passedLines = 20

// pass counts one line.
func (i *Import) pass(why bankresult.Why, line int) {
	at := slices.IndexFunc(i.Passed, func(p PassedOver) bool { return p.Why == why })
	if at < 0 {
		at, i.Passed = len(i.Passed), append(i.Passed, PassedOver{Why: why})
	}
	p := &i.Passed[at]
	if p.Count++; len(p.Lines) < passedLines {
		p.Lines = append(p.Lines, line)
	}
}

// PassedCount is how many lines concern no refund.
func (i *Import) PassedCount() (n int) {
	for _, p := range i.Passed {
		n += p.Count
	}
	return n
}

// Queue names what became of a bank result.
type Queue string

// The queues.
const (
	QueueMatched   Queue = "matched"   // booked as it was sent: the refund is paid
	QueueDiffering Queue = "differing" // ours, with another amount or currency, or in a state that does not fit, or unclear
	QueueReturned  Queue = "returned"  // came back: the customer was asked for other details
	QueueUnmatched Queue = "unmatched" // not known to be ours
)

// BankResult is one line of an import.
type BankResult struct {
	ID        string
	ImportID  string
	Line      int
	Queue     Queue
	EndToEnd  string
	Ref       string         // of the refund; empty: none
	Booked    bool           // false: returned
	Unclear   bankresult.Why // it names a payment of ours, and says neither; empty: it is clear
	Whole     bool           // a batch booked as one; EndToEnd is what the bank calls it
	BatchID   string         // of the batch of ours that it is; empty: none
	BatchRef  string
	Payments  int // of Whole: how many payments it is said to have; 0: not said
	Amount    int64
	Currency  string
	Expected  int64 // of a match: what was sent
	Reason    string
	Detail    string
	Date      time.Time
	BankRef   string
	SettledBy string // who looked at it; empty: open
	SettledAt *time.Time
	Note      string

	refundID string
}

// Task is something about a refund that a human in finance has to look at.
type Task struct {
	ID       string
	Kind     string // one of the kinds below, of UnfitSealed and UnfitNothing, or a failure of an attempt
	Ref      string // of the refund; empty: none
	Detail   string
	OpenedAt time.Time
	DoneBy   string
	DoneAt   *time.Time
}

// Kinds of task beside the failures of attempts.
const (
	TaskMoneyBack   = "money_back"    // paid, and then the money came back
	TaskNotReleased = "not_released"  // an attempt that does not follow from a released batch: it was not made
	TaskSecond      = "second_refund" // the provider has another refund of the same attempt
	TaskLate        = "late_news"     // an attempt moved after its refund had gone on
	TaskUnknown     = "unknown_long"  // looked up again and again, and still nobody knows
	TaskLedger      = "ledger"        // the ledger does not come out as it must
)
