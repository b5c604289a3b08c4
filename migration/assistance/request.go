package assistance

import (
	"fmt"
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

// What people may meet.
var (
	ErrNotFound = fault.New(fault.NotFound, "help.not_found")
	ErrMoved    = fault.New(fault.Conflict, "help.moved")   // it was answered or closed meanwhile
	ErrMany     = fault.New(fault.Limited, "help.many")     // Args: Limit
	ErrAsk      = fault.New(fault.Invalid, "help.bad")      // Fields: what, expected, text
	ErrNoAnswer = fault.New(fault.Invalid, "help.bad_note") // Fields: answer
)

// MaxText bounds what a customer or a member of staff writes, in characters.
const MaxText = 4000

// maxAnswers bounds all answers to one request together.
const maxAnswers = 5 * MaxText

// Ask is what a customer asks for. Dataset or Text has to say something.
type Ask struct {
	ExportID string // empty: not about an export
	Dataset  string // key, where something is missing; empty: not said
	Expected *int64 // how many rows or files the customer had counted; nil: not said
	Text     string
}

// Checked returns the request in its canonical form, or ErrAsk with the fields to mend.
func (a Ask) Checked() (Ask, error) {
	bad := ErrAsk
	a.Text = strings.TrimSpace(a.Text)
	switch {
	case a.Dataset == "" && a.Text == "":
		bad = bad.Field("text", "help.say_what", nil)
	case utf8.RuneCountInString(a.Text) > MaxText:
		bad = bad.Field("text", "fault.input.long", map[string]any{"Limit": MaxText})
	}
	if a.Expected != nil && *a.Expected < 0 {
		bad = bad.Field("expected", "help.expected.bad", nil)
	}
	if len(bad.Fields) > 0 {
		return a, bad
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
	Answer          string // the customer reads it
	AnsweredAt      *time.Time
	AnsweredBy      string // identity id
	ClosedAt        *time.Time
}

// Reference is the name that people use, as in HR-10001.
func (r Request) Reference() string { return fmt.Sprintf("HR-%d", r.Number) }

// Reply answers a request, or answers it again: the customer reads what was written before as well.
func (r Request) Reply(now time.Time, by, answer string) (Request, error) {
	answer = strings.TrimSpace(answer)
	switch {
	case r.State == Closed:
		return r, ErrMoved
	case answer == "":
		return r, ErrNoAnswer.Field("answer", "help.answer.none", nil)
	case utf8.RuneCountInString(answer) > MaxText:
		return r, ErrNoAnswer.Field("answer", "fault.input.long", map[string]any{"Limit": MaxText})
	}
	if r.State == Answered {
		answer = r.Answer + "\n\n" + answer
	}
	if utf8.RuneCountInString(answer) > maxAnswers {
		return r, ErrNoAnswer.Field("answer", "help.answer.full", nil)
	}
	r.State, r.Answer, r.AnsweredAt, r.AnsweredBy = Answered, answer, &now, by
	return r, nil
}

// Close ends a request that the customer needs no more. Closing again changes nothing.
func (r Request) Close(now time.Time) Request {
	if r.State != Closed {
		r.State, r.ClosedAt = Closed, &now
	}
	return r
}
