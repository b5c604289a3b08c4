package writeback

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"time"
)

// State of a delivery.
type State string

// The states of a delivery.
const (
	Pending   State = "pending"
	Delivered State = "delivered"
	Parked    State = "parked" // given up after the last try; a human may replay it
)

// Sink is another system that receives status changes, as one worker knows it.
type Sink struct {
	Name   string
	URL    string // empty: this worker was not told
	Secret string // "whsec_" and base64; during a rotation two of them, separated by a space; empty: this worker was not told
}

// Want is what a worker lacks to serve a sink.
type Want string

// What a worker may lack.
const (
	Nothing     Want = ""
	Address     Want = "address"
	Secret      Want = "secret"
	ValidSecret Want = "valid_secret"
)

// Wants says what is missing to deliver to s.
func (s Sink) Wants() Want {
	switch {
	case s.URL == "":
		return Address
	case strings.TrimSpace(s.Secret) == "":
		return Secret
	}
	if _, err := signers(s); err != nil {
		return ValidSecret
	}
	return Nothing
}

// Answer is what one try came to.
type Answer struct {
	At      time.Time `json:"at"`
	EventID string    `json:"event"`
	Status  int       `json:"status"`          // of HTTP; 0: no answer
	Fault   string    `json:"fault,omitempty"` // empty: delivered
	Took    int64     `json:"ms"`
}

// Delivery is one event on its way to one sink.
type Delivery struct {
	EventID    string // also the webhook's id, in every try
	Sink       string
	CustomerID string
	Version    int
	Type       string
	Subject    string // the customer's number in the retired product
	State      State
	Attempts   int
	NextAt     time.Time
	LastError  string
	CreatedAt  time.Time
	DoneAt     *time.Time
}

// schedule is how long to wait after each failed try: some 75 hours in all, as Standard Webhooks proposes.
var schedule = [...]time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	// lease is how long a dispatcher may keep what it claimed. After a kill others wait for its end.
	lease = 3 * time.Minute
	// sendMargin is what must be left of the lease when a send begins: more than a send can take.
	sendMargin = time.Minute
	// maxPause caps how long a receiver may ask us to wait.
	maxPause = 24 * time.Hour
)

// parcel is one delivery that was claimed, with its event.
type parcel struct {
	EventID    string
	CustomerID string
	Version    int
	Attempts   int
	Type       string
	Subject    string
	Data       json.RawMessage
	At         time.Time
}

// answer is what a try came to.
type answer struct {
	status int           // of HTTP; 0: no answer
	retry  time.Duration // that the receiver asked for; 0: it did not
	fault  string        // empty: delivered
	took   time.Duration
}

func (a answer) delivered() bool { return a.fault == "" }

// gone reports whether the receiver wants nothing more, ever.
func (a answer) gone() bool { return a.status == 410 }

// outcome is what becomes of a claimed delivery.
type outcome struct {
	parcel parcel
	state  State
	tried  int // 1, or 0 for one that was let go untried
	nextAt time.Time
	fault  string
	answer *Answer // nil: it was not tried
}

// settle decides what becomes of p after a try at now.
func settle(p parcel, a answer, now time.Time) outcome {
	o := outcome{parcel: p, tried: 1, nextAt: now, fault: a.fault}
	o.answer = &Answer{At: now.UTC(), EventID: p.EventID, Status: a.status, Fault: a.fault, Took: a.took.Milliseconds()}
	switch {
	case a.delivered():
		o.state = Delivered
	case a.gone(): // it waits for the sink to be switched on again
		o.state, o.tried = Pending, 0
	case p.Attempts >= len(schedule):
		o.state = Parked
	default:
		o.state, o.nextAt = Pending, now.Add(delay(p.Attempts, a.retry))
	}
	return o
}

// letGo returns p to the others untried.
func letGo(p parcel, now time.Time) outcome { return outcome{parcel: p, state: Pending, nextAt: now} }

// delay is the wait after the failed try that follows so many others: the schedule plus up to a tenth, so that what
// failed together does not come back together, and never less than the receiver asked for.
func delay(attempts int, asked time.Duration) time.Duration {
	d := schedule[min(attempts, len(schedule)-1)]
	d += rand.N(d / 10) //nolint:gosec // spreads load, guards nothing
	return max(d, min(asked, maxPause))
}
