package replacement

import (
	"slices"
	"time"

	"offramp/migration"
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

	id, sealed string
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

// same reports whether another decision would change nothing.
func (c Choice) same(o Choice) bool {
	return c.Decision == o.Decision && c.Replacement == o.Replacement && c.Reason == o.Reason && c.Text == o.Text &&
		c.WithOffer == o.WithOffer && slices.Equal(c.Losses, o.Losses) && c.State != Withdrawn && c.State != Failed
}

// event is what the journey is told of a new decision.
func (c Choice) event() migration.Event {
	e := migration.Event{Actor: c.By, Reason: c.Reason, At: c.At}
	switch c.Decision {
	case None:
		e.Kind = migration.ChoiceNone
	case Later:
		e.Kind = migration.ChoiceDeferred
	default:
		e.Kind = migration.ChoiceMade
		e.Choice = c.detail()
	}
	return e
}

func (c Choice) detail() *migration.ChoiceDetail {
	return &migration.ChoiceDetail{Replacement: c.Replacement, Own: c.Own, OfferUntil: c.OfferUntil}
}

// ranks order the states that a replacement reports; a report about an earlier one came late and changes nothing.
var ranks = map[State]int{Made: 0, Accepted: 1, Importing: 2, Failed: 2, Moved: 3}

// Report returns the choice after its replacement has reported a state, and whether that changes anything. What was moved
// stays moved, and a report that comes late or twice changes nothing.
func (c Choice) Report(now time.Time, state State) (Choice, bool) {
	from, known := ranks[c.State]
	to := ranks[state]
	if !known || c.State == state || c.State == Moved || to < from {
		return c, false
	}
	c.State, c.ChangedAt = state, now
	return c, true
}

// CodeFor is the code that comes with the choice of r: the customer's own from the pool, or that for everybody. None where
// the choice came without an offer.
func (o Overview) CodeFor(r migration.Replacement) (Code, bool) {
	if o.Choice == nil || o.Choice.Replacement != r.Key || !o.Choice.WithOffer {
		return Code{}, false
	}
	if c, ok := o.Codes[r.Key]; ok {
		c.Until = o.Choice.OfferUntil
		return c, true
	}
	if r.Offer != nil && r.Offer.Code != "" {
		return Code{Replacement: r.Key, Code: r.Offer.Code, At: o.Choice.At, Until: o.Choice.OfferUntil}, true
	}
	return Code{}, false
}
