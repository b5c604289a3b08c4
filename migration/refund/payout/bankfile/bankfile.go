package bankfile

import (
	"iter"
	"time"

	"offramp/migration/refund/payout/account"
)

// Debtor is the account that pays, from the configuration.
type Debtor struct {
	Name    string
	IBAN    string // or Account
	Account string // number of an account without IBAN
	BIC     string // of the bank; or CNAPS
	CNAPS   string // 12 digits
}

// Payment is one credit transfer.
type Payment struct {
	Ref      string // EndToEndId: our reference with its attempt, at most 35 characters, unique in all files
	Amount   int64  // minor units, above zero
	Currency string // ISO 4217
	To       account.Account
	Note     string // what the customer reads on the statement, at most 140 characters; may be empty
}

// Batch is what one file pays.
type Batch struct {
	ID        string    // MsgId: unique in all files, at most 35 characters
	Created   time.Time // of the batch, not of the writing: the same batch gives the same bytes
	Execution time.Time // the day on which the bank is asked to pay; its year, month and day count
	Debtor    Debtor
	// Payments lists them in one order, the same each time it is called: it is walked more than once, to have the totals first.
	Payments func() iter.Seq2[Payment, error]
}

// Total is how many payments come to how much, in one currency.
type Total struct {
	Currency string
	Count    int
	Sum      int64 // minor units
}

// Summary is what a file holds.
type Summary struct {
	Count  int
	Sum    string  // CtrlSum of the whole file: the amounts added up without regard to currency, as ISO 20022 wants it
	Totals []Total // by currency, in its order
	Size   int64   // bytes
	SHA256 string  // of the bytes, hexadecimal
}
