package refund

import "time"

// Format is a kind of file.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// Word translates a message key for a file's headings: portal pages hand in the reader's catalogue.
type Word func(key string) string

// Month is one month in the programme's zone.
type Month struct {
	Year  int
	Month time.Month
}

// MonthPart is one of the tables of a month.
type MonthPart string

// The parts.
const (
	Summary  MonthPart = "summary"
	Postings MonthPart = "postings"
)

// Close is a month's summary, and where all money stands at the moment of reading.
type Close struct {
	Lines []CloseLine
	Now   []Stand // by currency
	At    time.Time
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

// BalanceFault is an entry, or an account of a refund, that does not come out as it must.
type BalanceFault struct {
	Kind     string // unbalanced, state
	Object   string // id of the entry, or reference of the refund
	Currency string
	Off      int64
}
