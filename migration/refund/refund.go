package refund

import (
	"time"

	"offramp/migration"
	"offramp/migration/refund/payout/account"
	"offramp/migration/refund/quote"
)

// State is where a refund stands. The names are stored.
type State string

// The states; doc.go draws them.
const (
	Submitted  State = "submitted"
	Questioned State = "questioned" // finance waits for the customer's answer
	Reviewed   State = "reviewed"
	Second     State = "second" // approved once; the amount needs a second approver
	Approved   State = "approved"
	Batched    State = "batched"
	Released   State = "released" // the payment is on its way
	Unknown    State = "unknown"  // whether it was paid is being looked up
	Paid       State = "paid"
	Credited   State = "credited"
	Waived     State = "waived"
	Returned   State = "returned" // the bank or the original method gave it back: other details are needed
	Declined   State = "declined"
	Objected   State = "objected" // against a refusal; looked at again like a new one
	Closed     State = "closed"   // declined, and the period for objecting is over
	Withdrawn  State = "withdrawn"
)

// States lists every state in the order of a refund's life.
var States = []State{
	Submitted, Questioned, Objected, Reviewed, Second, Approved, Batched, Released, Unknown, Paid, Credited, Waived, Returned,
	Declined, Closed, Withdrawn,
}

// Method is the way in which a refund is settled: one of migration.SettleOriginal and so on.
type Method string

// The methods.
const (
	Original Method = migration.SettleOriginal
	Bank     Method = migration.SettleBank
	Credit   Method = migration.SettleCredit
	Waive    Method = migration.SettleWaive
)

// Methods lists the ways of settling.
var Methods = []Method{Original, Bank, Credit, Waive}

// Refund is one request to settle what was prepaid in one currency.
type Refund struct {
	ID          string
	Ref         string // RF-2026-000318
	Version     int    // goes up with every change; a change names the one that it was decided upon
	CustomerID  string
	State       State
	Method      Method
	Currency    string
	Amount      int64         // minor units: what is paid or, with the bonus, credited
	Settled     int64         // of it: what has been paid for certain
	Quote       quote.Quote   // frozen
	QuoteDigest string        // SHA-256 of its canonical form
	Replacement string        // of Credit: key
	Account     MaskedAccount // of Bank
	Tier        string        // of the customer, when it was submitted

	RequestedBy      string // contact id
	RequestedAt      time.Time
	ReviewedBy       string // identity ids
	ReviewedAt       *time.Time
	ApprovedBy       string
	ApprovedAt       *time.Time
	SecondApprovedBy string
	SecondApprovedAt *time.Time
	ReleasedBy       string
	DeclinedBy       string // who declined it last: the second look is another person's
	ReleasedAt       *time.Time
	SettledAt        *time.Time // paid, credited or waived
	UpdatedAt        time.Time

	ReviewDays, PayDays, BankDays int    // as promised when it was submitted; 0: nothing was
	CreditPrice                   int64  // of Credit: what the replacement costs the customer, in minor units; 0: not known
	CreditRest                    int64  // what is over that price
	RestRule                      string // what becomes of that: migration.RestKept and so on

	// Of a request in two parts, a credit and the payment of its rest, both of which have the three fields above.
	PaysRest   bool   // this one is the payment
	Other      string // reference of the other part; empty: this is the whole request
	OtherState State

	Question     string // the last one that finance asked
	Answer       string // the customer's
	Reason       Reason // of Declined
	ReasonText   string // beside it, as finance wrote it
	ObjectUntil  *time.Time
	Objection    string // why the customer objected
	Failure      string // of Returned: why, such as method_failed or AC04
	SecondNeeded bool   // the amount needs a second approver
	BatchID      string // of Batched and later

	restOf  string // id of the credit whose rest it pays
	sealed  string // the account
	extra   int64  // of Amount: goodwill and bonus
	content string // what an approval stands for
}

// MaskedAccount is a bank account as people see it.
type MaskedAccount struct {
	Kind   account.Kind // empty: none
	Holder string
	Last4  string
	Bank   string // code: BIC or CNAPS

	BankName string // of a company's account: bank and branch
}

// Reason is why finance declines, from a list; the message refund.reason.<reason> words it for the customer.
type Reason string

// The reasons.
const (
	ReasonUsed      Reason = "used"      // the service was used in full
	ReasonRefunded  Reason = "refunded"  // was given back before
	ReasonDisputed  Reason = "disputed"  // the customer's bank is taking the payment back already
	ReasonStore     Reason = "store"     // bought at an app store, which alone can give it back
	ReasonNotOwner  Reason = "not_owner" // whoever asked did not pay
	ReasonDocuments Reason = "documents" // what was asked for did not come
	ReasonOther     Reason = "other"     // the text says it
)

// Reasons lists them.
var Reasons = []Reason{ReasonUsed, ReasonRefunded, ReasonDisputed, ReasonStore, ReasonNotOwner, ReasonDocuments, ReasonOther}

// Happening is one entry of a refund's history, oldest first.
type Happening struct {
	At        time.Time
	Version   int
	Kind      string // name of the act: submitted, reviewed, questioned, answered, approved, voided, batched, released, paid ...
	Actor     string // contact or identity id, or "system"
	ActorKind string // audit.Customer, audit.Staff, audit.System
	From, To  State
	Text      string // question, answer, reason, objection, failure
}

// Bounds of what people write, in characters.
const (
	MaxText = 2000
)
