package refund

import "time"

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
}

// Queue names what became of a bank result.
type Queue string

// The queues.
const (
	QueueMatched   Queue = "matched"   // booked as it was sent: the refund is paid
	QueueDiffering Queue = "differing" // ours, with another amount or currency, or in a state that does not fit
	QueueReturned  Queue = "returned"  // came back: the customer was asked for other details
	QueueUnmatched Queue = "unmatched" // none of ours
)

// BankResult is one line of an import.
type BankResult struct {
	ID        string
	ImportID  string
	Line      int
	Queue     Queue
	EndToEnd  string
	Ref       string // of the refund; empty: none
	Booked    bool   // false: returned
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
	TaskMoneyBack = "money_back"    // paid, and then the money came back
	TaskSecond    = "second_refund" // the provider has another refund of the same attempt
	TaskLate      = "late_news"     // an attempt moved after its refund had gone on
	TaskUnknown   = "unknown_long"  // looked up again and again, and still nobody knows
	TaskLedger    = "ledger"        // the ledger does not come out as it must
)
