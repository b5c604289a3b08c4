package refund

import (
	"context"
	"io"
	"time"
)

// Format is a kind of file.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// Word translates a message key for a file's headings: portal pages hand in the reader's catalogue.
type Word func(key string) string

// WriteQueue writes every refund of exactly the filter as a file, in constant memory, and records it. ErrFilter. For finance.
func (s *Service) WriteQueue(ctx context.Context, staffID string, f Filter, format Format, word Word, w io.Writer) error {
	return errNotYet
}

// Month is one month in the programme's zone.
type Month struct {
	Year  int
	Month time.Month
}

// CloseLine is one line of a month's summary, in minor units.
type CloseLine struct {
	Tier     string
	Currency string
	Opening  int64 // owed at the beginning
	Accrued  int64 // approved in the month, with goodwill and bonus
	Goodwill int64 // of Accrued
	Reversed int64 // accruals taken back: declined or changed after approval
	Paid     int64 // left for good
	Back     int64 // money that came back after it was paid
	Credits  int64
	Closing  int64 // owed at the end, with what is on its way
}

// CloseMonth sums up a month from the ledger, by tier and currency. For finance.
func (s *Service) CloseMonth(ctx context.Context, staffID string, zone *time.Location, m Month) ([]CloseLine, error) {
	return nil, errNotYet
}

// WriteMonth writes the month's summary and every posting behind it as a file, in constant memory, and records it. For finance.
func (s *Service) WriteMonth(ctx context.Context, staffID string, zone *time.Location, m Month, format Format, word Word, w io.Writer) error {
	return errNotYet
}

// BalanceFault is an entry, or an account of a refund, that does not come out as it must.
type BalanceFault struct {
	Kind     string // unbalanced, state
	Object   string // id of the entry, or reference of the refund
	Currency string
	Off      int64
}

// CheckBalance looks through the ledger: every entry balances, and what it says of each refund fits its state.
func (s *Service) CheckBalance(ctx context.Context) ([]BalanceFault, error) { return nil, errNotYet }
