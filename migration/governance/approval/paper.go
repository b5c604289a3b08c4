package approval

import (
	"slices"
	"time"
)

// States of a paper and of a round.
const (
	Draft     = "draft"
	Open      = "open"
	Approved  = "approved"
	SentBack  = "sent_back"
	Void      = "void"
	Withdrawn = "withdrawn"
	Stale     = "stale"
)

// States of a node; besides those above.
const (
	Waiting = "waiting"
	Skipped = "skipped"
	Over    = "over"
)

// States of a seat; besides approved and sent back.
const (
	Asked    = "asked"
	Replaced = "replaced"
)

// Kinds are what papers may be about, in the order of pages.
var Kinds = []string{"application", "announcement", "budget", "closing", "other"}

// Concerns are what those who decide watch.
var Concerns = []string{"cost", "compliance", "strategy", "customers", "technology", "other"}

// Paper is what people decide about.
type Paper struct {
	ID, Kind, Title, Body string
	Budget, Currency      string // a decimal number, such as 1200.50
	Hash, State           string
	Round, Version        int
	Author, ChangedBy     string
	CreatedAt, ChangedAt  time.Time
	Waits                 bool // for the reader's decision, by themselves or for whom they stand in for
}

// Round is one time that a paper was submitted.
type Round struct {
	Number                  int
	Hash, Content           string
	Path                    Path
	SubmittedBy             string
	SubmittedAt, DecideFrom time.Time
	State, Why              string
	EndedAt                 *time.Time
	Stops                   []Stop
}

// Stop is a node of the path in a round, with its seats.
type Stop struct {
	Node
	Step                    int
	State                   string
	OpenedAt, DueAt         *time.Time
	RemindedAt, EscalatedAt *time.Time
	Seats                   []Seat
	MineSeat                string // the reader may decide for this seat; empty: for none
}

// Seat is one who is asked.
type Seat struct {
	Who, By, State, Words string // By: who decided, where another one than Who
	At                    *time.Time
	StandIns              []string // who may decide for them now
}

// Talk is one that was held before the decision.
type Talk struct {
	Whom, Concern, Said, Agreed, Unsolved, By string
	At                                        time.Time
}

// Desk is a paper with everything about it.
type Desk struct {
	Paper  Paper
	Rounds []Round // newest first
	Talks  []Talk
}

// Now is the latest round; false: it was never submitted.
func (d Desk) Now() (Round, bool) {
	if len(d.Rounds) == 0 {
		return Round{}, false
	}
	return d.Rounds[0], true
}

// Seen is the content that a person approved last, in an earlier round; empty: none.
func (d Desk) Seen(person string) string {
	for i, r := range d.Rounds {
		if i == 0 && r.State == Open {
			continue
		}
		for _, stop := range r.Stops {
			if slices.ContainsFunc(stop.Seats, func(s Seat) bool { return s.State == Approved && (s.Who == person || s.By == person) }) {
				return r.Content
			}
		}
	}
	return ""
}

// Words are what a draft is made of.
type Words struct {
	Kind, Title, Body, Budget, Currency string
}

// Delegation is that one decides for another while they are away.
type Delegation struct {
	ID, Principal, Delegate, Reason string
	StartsAt, EndsAt                time.Time
	EndedAt                         *time.Time
}
