package migration

import "time"

// States of a programme version.
//
//	proposed --approved--> active --the next one is approved--> superseded
//	proposed --withdrawn--> withdrawn
const (
	VersionProposed   = "proposed"
	VersionActive     = "active"
	VersionSuperseded = "superseded"
	VersionWithdrawn  = "withdrawn"
)

// Actor is who acts on behalf of the company: a member of staff in the console, or an operator at the command line.
type Actor struct {
	ID   string // identity id, or the operator's name; two different people have two different ids
	Kind string // audit.Staff, audit.Operator or audit.System
}

// Where versions come from. The database says so, by the role that stored them.
const (
	FromCommand = "command" // the name of who proposed it is no proof: two programme managers approve it
	FromConsole = "console"
)

// NeedsTwo reports whether one more person has to approve it after the next one.
func (v Version) NeedsTwo() bool { return v.Origin == FromCommand && v.FirstApprovedBy == "" }

// Version is one stored version of the programme file.
type Version struct {
	Number     int
	State      string
	Source     string // the file as it was proposed; empty in lists
	Digest     string // SHA-256 of Source, hex
	ProposedBy string
	ProposedAt time.Time
	Origin     string // Command, Console, or empty: an older release stored it

	FirstApprovedBy string    // of a version from the command line, which two approve; empty: nobody yet
	FirstApprovedAt time.Time // zero: nobody yet

	ApprovedBy string    // empty: not approved
	ApprovedAt time.Time // zero: not approved
}

// Proposal is a version beside the one that it replaces.
type Proposal struct {
	Version   Version  // Number is 0 where nothing was stored
	Base      int      // the version that it is compared with; 0: there is none yet
	Unchanged bool     // it says what the active version says already; nothing was stored
	Changes   []Change // in the file's order
	Moved     []MovedDate
	Told      []Audience // customers whose own dates move; they are told when the version is approved
	Warnings  Findings
	Programme *Programme
}

// Audience is how many customers of one tier a change concerns.
type Audience struct {
	Tier      string
	Customers int
}
