package refund

import (
	"time"
)

// BatchState is where a batch stands.
type BatchState string

// The states of a batch.
const (
	BatchCreated   BatchState = "created"
	BatchReleased  BatchState = "released"
	BatchDiscarded BatchState = "discarded" // its refunds are approved again
)

// Batch is refunds of one method and currency that are paid together.
type Batch struct {
	ID         string
	Ref        string // PB-2026-000012
	State      BatchState
	Method     Method
	Currency   string
	Count      int
	Control    int64  // sum of the amounts, minor units
	SHA256     string // of Bank: of the file's bytes; of the others: of the list of references and amounts
	Size       int64  // of Bank: bytes of the file
	CreatedBy  string // identity ids
	CreatedAt  time.Time
	ReleasedBy string
	ReleasedAt *time.Time
	Dropped    int // refunds that changed before the release and were left out
	Unfit      int // refunds that could not be paid and were left out when it was made
	LeftOut    int // approved refunds that whoever made it did not choose
}

// Item is one refund in a batch.
type Item struct {
	Row
	Account  MaskedAccount // of Bank; without the holder's name where it cannot be opened now
	EndToEnd string        // of Bank: the payment's id in the file
	Dropped  string        // why it was left out at release: the state it went to, "discarded"; empty: it was not
	Unfit    string        // why it was left out when the batch was made: UnfitHolder and so on; empty: it was not

	sealed string
}

// Trace is something that somebody did to a batch.
type Trace struct {
	At  time.Time
	By  string // identity id
	Act string // batch.create, batch.release, batch.discard, batch.download
}

// Payable is what is approved and in no batch.
type Payable struct {
	Method Method
	Total
}

// BatchLimit is how many refunds one batch takes.
const BatchLimit = 10_000
