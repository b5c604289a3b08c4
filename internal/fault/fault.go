// Package fault gives every refusal a kind, which the web maps to a status in one place, and a message key, which the
// reader sees in their own language. Internal details travel as the wrapped cause and are only logged.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what went wrong in terms that a caller can act upon.
type Kind int

// The kinds, from the caller's fault to ours.
const (
	Internal        Kind = iota // ours; the reader sees an incident id only
	Invalid                     // the input; Fields say what to mend
	Unauthenticated             // nobody is signed in
	Forbidden                   // signed in, and may not
	NotFound                    // does not exist, or is another customer's: the same answer
	Conflict                    // someone else was faster, or the state has moved on
	Gone                        // existed and was withdrawn or expired
	Limited                     // too often
	Unavailable                 // a part that we need does not answer; try again later
)

var names = [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not_found", "conflict", "gone", "limited", "unavailable"}

// String returns the kind's name as it stands in logs and message keys.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(names) {
		return "internal"
	}
	return names[k]
}

// Field is one fault in one named input.
type Field struct {
	Name string         // the input's name in the form or file
	Key  string         // message key
	Args map[string]any // for the message's placeholders
}

// Error is a refusal. Nouns declare theirs as package variables and return them as they are or by With, Wrap and Field,
// which copy, so that errors.Is finds the original.
type Error struct {
	Kind   Kind
	Key    string
	Args   map[string]any
	Fields []Field
	cause  error
	origin *Error
}

// New declares an error of a kind with a message key such as "export.not_found".
func New(kind Kind, key string) *Error {
	return &Error{Kind: kind, Key: key}
}

// Error is for logs; readers see the message behind Key.
func (e *Error) Error() string {
	text := e.Key
	for _, f := range e.Fields {
		text += fmt.Sprintf(" [%s: %s]", f.Name, f.Key)
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the cause, if any.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is e or the error that e was copied from.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && e.root() == t.root()
}

func (e *Error) root() *Error {
	if e.origin != nil {
		return e.origin
	}
	return e
}

func (e *Error) copy() *Error {
	c := *e
	c.origin = e.root()
	c.Fields = append([]Field(nil), e.Fields...)
	return &c
}

// With returns a copy that carries values for the message's placeholders.
func (e *Error) With(args map[string]any) *Error {
	c := e.copy()
	c.Args = args
	return c
}

// Wrap returns a copy with a cause for the log.
func (e *Error) Wrap(cause error) *Error {
	c := e.copy()
	c.cause = cause
	return c
}

// Field returns a copy with one more field fault.
func (e *Error) Field(name, key string, args map[string]any) *Error {
	c := e.copy()
	c.Fields = append(c.Fields, Field{Name: name, Key: key, Args: args})
	return c
}

// As finds the outermost *Error in err's chain.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// KindOf returns the kind of err: Internal for anything that is no *Error.
func KindOf(err error) Kind {
	if e, ok := As(err); ok {
		return e.Kind
	}
	return Internal
}
