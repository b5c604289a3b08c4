// Package people finds the people who sign in, ends their sessions, and shuts them out or lets them in again.
//
//	             staff, console
//	wish ──▶ proposed ──confirm, by another manager──▶ done
//	  │          └──withdraw──▶ withdrawn
//	  └── a customer's person, or the command line ──▶ done
//
// A member of staff is an identity, a customer's person a contact, whatever identities they sign in with. Whoever is shut out is
// refused at the next request and at every sign-in; what was given to them ends with them, by the database itself.
package people

import (
	"time"

	"offramp/internal/fault"
	"offramp/migration"
)

// Kind says what a person is.
type Kind string

// The kinds of people.
const (
	Staff    Kind = "staff"
	Customer Kind = "customer"
)

// What may be done about a person.
const (
	Disable = "disable"
	Enable  = "enable"
)

// Where a change stands.
const (
	Proposed  = "proposed"
	Done      = "done"
	Withdrawn = "withdrawn"
)

// Ref names a person: an identity of staff, or a contact.
type Ref struct {
	Kind Kind
	ID   string
}

// Person is somebody who signs in, or could.
type Person struct {
	Ref
	Name, Email string
	Roles       []string // staff's, as of the last sign-in

	CustomerID, CustomerRef, CustomerName string // empty for staff, as is the next
	Role                                  string // owner or member

	Disabled    bool
	CustomerOff bool       // the customer's access as a whole is off
	SignedInAt  *time.Time // nil: never
	Sessions    int        // open ones
}

// Session is an open session of a person.
type Session struct {
	ID        string
	UserAgent string // as the browser called itself; untrusted
	CreatedAt time.Time
	SeenAt    time.Time
}

// Change is a wish to shut somebody out or to let them in, and what became of it.
type Change struct {
	ID         string
	Who        Ref
	Name       string // the person's
	Act, State string
	Reason     string
	ProposedBy string // an identity; empty: the command line
	Operator   string // who was at the command line
	ProposedAt time.Time
	DecidedBy  string // an identity; empty: nobody else had to
	DecidedAt  *time.Time
}

// File is what is known of one person.
type File struct {
	Person
	Open    []Session
	Changes []Change // newest first
}

// Waiting is the change that waits for a second person; nil: none does.
func (f File) Waiting() *Change {
	for i, c := range f.Changes {
		if c.State == Proposed {
			return &f.Changes[i]
		}
	}
	return nil
}

const maxReason = 500

// What is refused.
var (
	// ErrUnknown: nobody has this name.
	ErrUnknown = fault.New(fault.NotFound, "people.not_found")
	// ErrNoChange: no such change, or it waits no more.
	ErrNoChange = fault.New(fault.Conflict, "people.no_change")
	// ErrMay: no programme manager.
	ErrMay = fault.New(fault.Forbidden, "people.may_not")
	// ErrSelf: about oneself.
	ErrSelf = fault.New(fault.Forbidden, "people.self")
	// ErrTwo: who proposed it does not confirm it.
	ErrTwo = fault.New(fault.Forbidden, "people.two")
	// ErrState: they are shut out, or let in, already.
	ErrState = fault.New(fault.Conflict, "people.state_already")
	// ErrWaits: another change of the same person waits.
	ErrWaits = fault.New(fault.Conflict, "people.waits")
	// ErrNoSecond: nobody could confirm it.
	ErrNoSecond = fault.New(fault.Conflict, "people.no_second")

	errReason = fault.New(fault.Invalid, "fault.input")
)

// by is who acts: a programme manager in the console, or an operator.
type by = migration.Actor
