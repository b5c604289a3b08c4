package refund

import (
	"context"
	"io"
	"time"
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
}

// ImportResults reads a file of bank results (camt.054 or CSV) and settles what it matches, all of it or nothing. ErrImport
// with the lines that cannot be read; ErrImported. For finance.
func (s *Service) ImportResults(ctx context.Context, staffID, name string, file io.Reader) (Import, error) {
	return Import{}, errNotYet
}

// Imports lists the latest imports, newest first, at most limit. For finance.
func (s *Service) Imports(ctx context.Context, staffID string, limit int) ([]Import, error) {
	return nil, errNotYet
}

// OpenImport returns one import with the lines of a queue, at most limit; an empty queue: all. ErrNotFound. For finance.
func (s *Service) OpenImport(ctx context.Context, staffID, id string, q Queue, limit int) (Import, []BankResult, error) {
	return Import{}, nil, errNotYet
}

// MatchResult ties an unmatched or differing line to a released bank refund of the same amount and currency, which it settles.
// ErrNotFound, ErrMoved. For finance.
func (s *Service) MatchResult(ctx context.Context, staffID, resultID, ref, note string) (BankResult, error) {
	return BankResult{}, errNotYet
}

// SettleResult takes a line off its queue with a note; ReopenResult puts it back. ErrNotFound, ErrMoved, ErrText. For finance.
func (s *Service) SettleResult(ctx context.Context, staffID, resultID, note string) (BankResult, error) {
	return BankResult{}, errNotYet
}

// ReopenResult puts a line that SettleResult took off back on its queue.
func (s *Service) ReopenResult(ctx context.Context, staffID, resultID string) (BankResult, error) {
	return BankResult{}, errNotYet
}

// Task is something about a refund that a human in finance has to look at.
type Task struct {
	ID       string
	Kind     string // money_back, second_refund, over_refund, no_funds, auth, invalid, unknown_long, ledger
	Ref      string // of the refund; empty: none
	Detail   string
	OpenedAt time.Time
	DoneBy   string
	DoneAt   *time.Time
}

// Tasks lists the open tasks, oldest first, at most limit. For finance.
func (s *Service) Tasks(ctx context.Context, staffID string, limit int) ([]Task, error) {
	return nil, errNotYet
}

// FinishTask takes a task off the list. ErrNotFound, ErrMoved. For finance.
func (s *Service) FinishTask(ctx context.Context, staffID, id, note string) error { return errNotYet }

// TryAgain plans a new attempt at the parts of a refund that have failed for certain for a reason that is ours, such as no
// funds. ErrNotFound, ErrMoved. For finance releasers.
func (s *Service) TryAgain(ctx context.Context, staffID, ref string, version int) (Refund, error) {
	return Refund{}, errNotYet
}
