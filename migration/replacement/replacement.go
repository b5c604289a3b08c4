package replacement

import (
	"time"
)

// Decision is what a customer decided in step 3.
type Decision string

// The decisions.
const (
	Chosen Decision = "chosen" // a replacement
	None   Decision = "none"   // none of these
	Later  Decision = "later"  // not decided: ask me later
)

// State is where a chosen replacement stands.
type State string

// The states.
const (
	Made      State = "made"
	Accepted  State = "accepted" // the replacement has taken the customer on
	Importing State = "importing"
	Moved     State = "moved"
	Failed    State = "failed"
	Withdrawn State = "withdrawn" // the programme offers it no more
	Undone    State = "undone"    // by the customer
	Replaced  State = "replaced"  // by another decision
)

// NoneReasons and LaterReasons are the reasons to pick from; their messages are replacement.reason.<key>.
var (
	NoneReasons  = []string{"too_expensive", "missing_features", "another_product", "not_needed", "own_solution", "data_location", "other"}
	LaterReasons = []string{"budget", "colleagues", "comparing", "contract", "too_early", "other"}
)

// MaxText bounds what a customer writes about a reason, in characters.
const MaxText = 2000

// Choice is one decision of a customer. The latest that is neither undone nor replaced counts.
type Choice struct {
	ID          string
	CustomerID  string
	Decision    Decision
	Replacement string // key; empty unless Chosen
	Programme   int    // version of the programme that was read
	Own         bool
	State       State
	Losses      []string   // keys of the losses that were accepted, sorted
	OfferUntil  *time.Time // last moment of the offer that came with it
	WithOffer   bool
	Reason      string // key; of None and Later, and of what failed
	Text        string // the customer's own words
	By          string // contact id
	At          time.Time
	ChangedAt   time.Time // the state's latest change
}

// Changeable reports whether the customer may still decide otherwise.
func (c Choice) Changeable() bool { return c.State != Moved }

// Code is what an offer's code came to for a customer.
type Code struct {
	Replacement string
	Code        string // empty while Waiting
	Waiting     bool   // the pool was empty: the customer is told when there are codes again
	At          time.Time
	Until       *time.Time // last moment of the offer
}

// HandOver is one hand-over of a customer to a replacement's sign-up.
type HandOver struct {
	ID          string
	Replacement string
	Fields      []string // what the customer agreed to hand over
	By          string   // contact id
	At          time.Time
	Until       time.Time // the link's end
	RedeemedAt  *time.Time
}

// Tick is one step of a guide that was done.
type Tick struct {
	By   string // contact id
	Name string // of the contact
	At   time.Time
}

// Overview is what the pages of step 3 show of one customer. It is read in one round trip.
type Overview struct {
	Usage     Usage
	Choice    *Choice                    // the decision that counts; nil: none
	Codes     map[string]Code            // replacement -> drawn code or place on the waiting list; codes are for owners and staff who asked
	HandOver  *HandOver                  // the latest to the replacement that was chosen; nil: none
	Ticks     map[string]map[string]Tick // replacement -> step of its guide
	CountedAt time.Time                  // oldest of the known counts; zero: nothing is known
	Counting  bool                       // a fresh count of this customer was asked for and has not come
}

// Check is what a customer is shown before a choice is made.
type Check struct {
	Losses     []Loss
	Offer      OfferState
	OfferUntil time.Time // zero: without end, or no offer
	Price      Price
	Code       bool // a code comes with it
	Scarce     bool // the pool of codes is empty: the customer would wait
	CarriedOut bool // the customer has moved already: nothing can be chosen
}

// Accept is what a customer agrees to when choosing.
type Accept struct {
	Replacement string
	Losses      []string // keys of the losses that the page listed and the customer ticked
	WithOffer   bool     // the page showed an offer that was open
}

// Decline is none of these, or not yet, with a reason.
type Decline struct {
	Reason string // one of NoneReasons or LaterReasons
	Text   string // may be empty, save for the reason other
}

// Value is one field as it would be handed over.
type Value struct {
	Field string // one of migration.SignUpFields
	Value string
}

// Pool is how the codes of one replacement stand, for staff.
type Pool struct {
	Replacement string
	Free        int64
	Drawn       int64
	Waiting     int64 // customers who wait for a code
	Since       time.Time
}

// Waiter is a customer who waits for a code, for staff.
type Waiter struct {
	CustomerID   string
	CustomerRef  string
	CustomerName string
	Replacement  string
	Since        time.Time
}
