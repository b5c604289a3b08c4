package bankresult

import (
	"bufio"
	"bytes"
	"io"
	"iter"
	"time"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"offramp/migration/refund/payout/isoxml"
)

// State is what the bank says of a payment.
type State string

// The states.
const (
	Booked   State = "booked"   // left the account
	Returned State = "returned" // came back
	// Unclear names a payment and says neither: where it is one of ours, someone must look. Why says what it is otherwise.
	Unclear State = "unclear"
	Passed  State = "passed" // about none of our payments, or about nothing yet; Why says what it is
)

// Why is what a line is that is passed over.
type Why string

// The reasons. They are stored.
const (
	Pending Why = "pending" // not booked yet: the booking comes in a later file
	Income  Why = "income"  // money that came in, and is not said to have come back
	Outlay  Why = "outlay"  // money that left, and names neither a payment nor a batch, such as a charge
	Bounced Why = "bounced" // a collection or a payment of somebody else's that was taken back from us
	Blank   Why = "blank"   // a line of a table without anything in it
)

// Result is what one line of a file says: of one payment, of a batch booked as one, or of nothing that concerns us.
type Result struct {
	EndToEndID string // the payment's Ref in the bank file; empty: the bank names none, and someone must find out
	State      State
	Why        Why       // of Passed and Unclear
	Whole      bool      // a batch is booked as one, and its payments are not named; Amount is that of all of them
	Batch      string    // of Whole: its PmtInfId, or its MsgId; empty: it has neither
	Payments   int       // of Whole: how many payments it is said to have beside those that are named; 0: not said
	Amount     int64     // minor units; of Passed, 0 where it is not given
	Currency   string    // ISO 4217
	Reason     string    // of Returned: an ISO 20022 code such as AC04; empty: none given
	Detail     string    // the bank's own words about it; for what came back, also its free text
	Date       time.Time // booking day, midnight UTC
	BankRef    string    // the bank's reference of the entry or transaction
	Line       int       // in the file, where it ends
}

// MaxBytes is the largest file that is read.
const MaxBytes = isoxml.MaxBytes

// maxText bounds what is kept of one text.
const maxText = 500

// errNone is the cause of a file without a single booking or line.
var errNone error = &isoxml.Wrong{Key: "refund.import.empty", Text: "the file has no results"}

// Read reads a bank's file of either kind, by how it begins. Each booking or line comes as a Result, also what is passed over.
// They come as they are read; each error is an isoxml.Fault
// that names its line. A fault within one result is followed by more, so that all can be told at once; whoever imports takes
// a file with a fault as a whole or not at all.
func Read(r io.Reader) iter.Seq2[Result, error] { return readWithin(r, MaxBytes) }

func readWithin(r io.Reader, limit int64) iter.Seq2[Result, error] {
	b := bufio.NewReaderSize(r, 4096)
	if head, _ := b.Peek(2); string(head) == "\xff\xfe" || string(head) == "\xfe\xff" { // UTF-16, as Excel saves "Unicode text"
		b = bufio.NewReaderSize(transform.NewReader(b, unicode.BOMOverride(unicode.UTF8.NewDecoder())), 4096)
	}
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
