package bankresult

import "time"

// State is what the bank says of a payment.
type State string

// The states.
const (
	Booked   State = "booked"   // left the account
	Returned State = "returned" // came back
)

// Result is what the bank says of one payment.
type Result struct {
	EndToEndID string // the payment's Ref in the bank file
	State      State
	Amount     int64     // minor units
	Currency   string    // ISO 4217
	Reason     string    // of Returned: an ISO 20022 code such as AC04
	Detail     string    // the bank's own words about it
	Date       time.Time // booking day, midnight UTC
	BankRef    string    // the bank's reference of the entry or transaction
	Line       int       // in the file, where it begins
}
