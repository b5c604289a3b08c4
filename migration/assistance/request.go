package assistance

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"offramp/internal/fault"
)

// State is where a request stands.
type State string

// The states.
const (
	Open     State = "open"
	Answered State = "answered"
	Closed   State = "closed"
)

// Topics are what a request may be about, in the order in which they are offered.
var Topics = []string{"export", "dates", "replacement", "refund", "account", "error", "other"}

// What people may meet.
var (
	ErrNotFound  = fault.New(fault.NotFound, "help.not_found")
	ErrMoved     = fault.New(fault.Conflict, "help.moved")         // it was answered or closed meanwhile
	ErrMany      = fault.New(fault.Limited, "help.many")           // Args: Limit
	ErrAsk       = fault.New(fault.Invalid, "help.bad")            // Fields: topic, expected, text
	ErrNoAnswer  = fault.New(fault.Invalid, "help.bad_note")       // Fields: answer
	ErrNoNote    = fault.New(fault.Invalid, "help.bad_note")       // Fields: note
	ErrMeanwhile = fault.New(fault.Conflict, "help.meanwhile")     // somebody has said something that the page did not show
	ErrFull      = fault.New(fault.Limited, "help.full")           // Args: Limit; the conversation is as long as it may get
	ErrOwner     = fault.New(fault.Invalid, "help.bad_owner")      // Fields: owner
	ErrSnooze    = fault.New(fault.Invalid, "help.bad_snooze")     // Fields: until
	ErrNoContext = fault.New(fault.NotFound, "help.unknown_about") // the refund or export is not the customer's
)

// Bounds of what people write.
const (
	MaxText    = 4000 // characters of one entry
	maxEntries = 500  // of one conversation
)

// Ask is what a customer asks for. Dataset or Text has to say something. The rest is where they were when they asked.
type Ask struct {
	ExportID string // empty: not about an export
	Dataset  string // key, where something is missing; empty: not said
	Expected *int64 // how many rows or files the customer had counted; nil: not said
	Text     string
	Topic    string // of Topics; empty: not said
	Page     string // path of the page
	Refund   string // reference of the refund
	Incident string // that an error page has named
}

// Checked returns the request in its canonical form, or ErrAsk with the fields to mend.
func (a Ask) Checked() (Ask, error) {
	bad := ErrAsk
	a.Text = strings.TrimSpace(a.Text)
	switch {
	case a.Dataset == "" && a.Text == "" && a.ExportID != "":
		bad = bad.Field("text", "help.say_what", nil)
	case a.Dataset == "" && a.Text == "":
		bad = bad.Field("text", "help.say_it", nil)
	case utf8.RuneCountInString(a.Text) > MaxText:
		bad = bad.Field("text", "fault.input.long", map[string]any{"Limit": MaxText})
	}
	if a.Expected != nil && *a.Expected < 0 {
		bad = bad.Field("expected", "help.expected.bad", nil)
	}
	if a.Topic != "" && !slices.Contains(Topics, a.Topic) {
		bad = bad.Field("topic", "help.topic.bad", nil)
	}
	if len(bad.Fields) > 0 {
		return a, bad
	}
	if a.Topic == "" && a.ExportID != "" {
		a.Topic = "export"
	}
	return a, nil
}

// Request is one request for help.
type Request struct {
	ID         string
	Number     int64
	CustomerID string
	ContactID  string // who asked
	Ask
	ExportReference string // such as EX-10001; empty: not about an export
	State           State
	CreatedAt       time.Time
	Answer          string // the last one, or all of them where an older release wrote them
	AnsweredAt      *time.Time
	AnsweredBy      string // identity id
	ClosedAt        *time.Time
	Owner           string   // identity id of who answers; empty: nobody has taken it
	Priority        Priority // of an open one
	DueAt           time.Time
	SnoozedUntil    *time.Time
	EscalatedAt     *time.Time
	Said            int // entries of the conversation
}

// Reference is the name that people use, as in HR-10001.
func (r Request) Reference() string { return fmt.Sprintf("HR-%d", r.Number) }

// Late reports whether an answer is owed longer than was promised.
func (r Request) Late(now time.Time) bool { return r.State == Open && now.After(r.DueAt) }

// Close ends a request. Closing again changes nothing.
func (r Request) Close(now time.Time) Request {
	if r.State != Closed {
		r.State, r.ClosedAt, r.SnoozedUntil = Closed, &now, nil
	}
	return r
}

// said is a text that people may write, or the key of what is wrong with it.
func said(text, none string) (clean, key string, args map[string]any) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return text, none, nil
	case utf8.RuneCountInString(text) > MaxText:
		return text, "fault.input.long", map[string]any{"Limit": MaxText}
	}
	return text, "", nil
}
