package bankresult

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"time"

	"offramp/migration/refund/payout/isoxml"
)

// State is what the bank says of a payment.
type State string

// The states.
const (
	Booked   State = "booked"   // left the account
	Returned State = "returned" // came back
)

// Result is what the bank says of one payment.
type Result struct {
	EndToEndID string // the payment's Ref in the bank file; empty: the bank names none, and someone must find out
	State      State
	Amount     int64     // minor units
	Currency   string    // ISO 4217
	Reason     string    // of Returned: an ISO 20022 code such as AC04; empty: none given
	Detail     string    // the bank's own words about it
	Date       time.Time // booking day, midnight UTC
	BankRef    string    // the bank's reference of the entry or transaction
	Line       int       // in the file, where it ends
}

// MaxBytes is the largest file that is read.
const MaxBytes = isoxml.MaxBytes

// maxText bounds what is kept of one text.
const maxText = 500

// errNone is the cause of a file without a single result or line.
var errNone = errors.New("the file has no results")

// Read reads a bank's file of either kind, by how it begins. Results come as they are read; each error is an isoxml.Fault
// that names its line. A fault within one result is followed by more, so that all can be told at once; whoever imports takes
// a file with a fault as a whole or not at all.
func Read(r io.Reader) iter.Seq2[Result, error] { return readWithin(r, MaxBytes) }

func readWithin(r io.Reader, limit int64) iter.Seq2[Result, error] {
	b := bufio.NewReaderSize(r, 4096)
	head, _ := b.Peek(512)
	if bytes.HasPrefix(bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n"), []byte("<")) {
		return camtWithin(b, limit)
	}
	return csvWithin(b, limit)
}

func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	for i := range s { // at a character's end
		if i > maxText-4 {
			return s[:i]
		}
	}
	return s[:maxText]
}
