package assistance

import (
	"time"
)

// Kind is what an entry of a conversation is. The names are stored.
type Kind string

// The kinds. The customer sees what was said, that it was settled, and that it was opened again.
const (
	ByCustomer Kind = "customer"
	ByStaff    Kind = "staff"
	Note       Kind = "note"     // for colleagues alone
	Given      Kind = "owner"    // Text: identity id of the new owner; empty: nobody
	Snoozed    Kind = "snoozed"  // Text: until when, RFC 3339
	Woken      Kind = "woken"    // by itself, or by a colleague
	Late       Kind = "late"     // it was not answered in time
	Settled    Kind = "closed"   // by either side
	Reopened   Kind = "reopened" // the customer has written again
)

// Entry is something that was said or done about a request.
type Entry struct {
	N     int
	Kind  Kind
	Actor string // contact or identity id, or worker
	Name  string // of a contact; empty: staff, or not known
	Text  string
	At    time.Time
}

// Spoken reports whether it is part of what the two sides say to each other.
func (e Entry) Spoken() bool { return e.Kind == ByCustomer || e.Kind == ByStaff }

// Conversation is a request with everything that was said, oldest first.
type Conversation struct {
	Request
	Asker   string // name of who asked
	Entries []Entry
}

// Heard is the number of the last entry that was said: a page that shows it shows all of the conversation.
func (c Conversation) Heard() int { return heard(c.Entries) }

func heard(entries []Entry) (n int) {
	for _, e := range entries {
		if e.Spoken() {
			n = e.N
		}
	}
	return n
}

// older puts answers in their place that a release without conversations has written. Entries that a customer may not see leave gaps
// in the numbers.
func older(r Request, entries []Entry) []Entry {
	if r.Answer == "" || r.AnsweredAt == nil {
		return entries
	}
	at := 0
	for i, e := range entries {
		if e.Kind == ByStaff && e.Text == r.Answer {
			return entries
		}
		if !e.At.After(*r.AnsweredAt) {
			at = i + 1
		}
	}
	list := append([]Entry{}, entries[:at]...)
	list = append(list, Entry{Kind: ByStaff, Actor: r.AnsweredBy, Text: r.Answer, At: *r.AnsweredAt})
	return append(list, entries[at:]...)
}

// Round is one time from a request's opening, or reopening, to its end.
type Round struct {
	N                  int
	OpenedAt           time.Time
	AnsweredAt         *time.Time // first
	EndedAt            *time.Time
	ToAnswer, ToSettle time.Duration // working time; zero where the instant is missing
}
