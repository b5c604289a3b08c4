package auth

import (
	"slices"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Realm says through which of the two providers a person comes.
type Realm string

// The realms.
const (
	Customers Realm = "customer"
	Staff     Realm = "staff"
)

// Role is what a member of staff may do.
type Role string

// The roles of staff.
const (
	Support          Role = "support"           // finds customers, sees one screen, helps
	FinanceClerk     Role = "finance_clerk"     // reviews refunds
	FinanceApprover  Role = "finance_approver"  // approves refunds
	FinanceReleaser  Role = "finance_releaser"  // releases payments
	ProgrammeManager Role = "programme_manager" // dates, tiers, notices, reports
	Auditor          Role = "auditor"           // reads the audit log
	Operator         Role = "operator"          // watches the queue and the workers
)

// Roles lists every role of staff.
var Roles = []Role{Support, FinanceClerk, FinanceApprover, FinanceReleaser, ProgrammeManager, Auditor, Operator}

// Session is a signed-in person as they are at this request: everything but the instants is read anew each time.
type Session struct {
	ID         string // public name, in the list of one's sessions
	IdentityID string
	Realm      Realm

	CustomerID   string // empty for staff, as are the next five
	CustomerRef  string
	CustomerName string
	CustomerTier string
	ContactID    string
	Role         string // migration.Owner or migration.Member

	Roles []Role // staff's

	Name  string
	Email string // as the provider tells it

	MailTo      string // where mail to this contact goes; empty: nowhere, and for staff
	MailProblem string // why the last mail was not taken: refused or unwritable; empty: it was

	Locale string // as chosen or imported; may be empty for staff
	Zone   string // IANA; empty for staff

	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time // absolute

	AuthenticatedAt *time.Time // when the provider asked for credentials last; nil: it does not say
}

// Who is the person as the nouns of a customer's migration know them.
func (s Session) Who() migration.Who {
	return migration.Who{CustomerID: s.CustomerID, ContactID: s.ContactID, Role: s.Role}
}

// Has reports whether the session is staff's and has at least one of the roles.
func (s Session) Has(roles ...Role) bool {
	return s.Realm == Staff && slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(s.Roles, r) })
}

// SteppedUp reports whether the person gave their credentials to the provider within a time. Before bank details are entered or
// shown, a page asks for that, and else sends the browser through a sign-in with Start.Fresh.
func (s Session) SteppedUp(now time.Time, within time.Duration) bool {
	return s.AuthenticatedAt != nil && now.Sub(*s.AuthenticatedAt) <= within
}

// StepUpFor is how long credentials count as given just now.
const StepUpFor = 10 * time.Minute

// Scope reaches what the person may reach: one customer's rows, or everyone's for staff, whose use of it is audited.
func (s Session) Scope() db.Scope {
	if s.Realm == Staff {
		return db.StaffScope(s.IdentityID)
	}
	return db.CustomerScope(s.CustomerID)
}

// Actor names the person in the audit log.
func (s Session) Actor() string {
	if s.Realm == Staff {
		return s.IdentityID
	}
	return s.ContactID
}

// ActorKind is the person's kind in the audit log.
func (s Session) ActorKind() string {
	if s.Realm == Staff {
		return audit.Staff
	}
	return audit.Customer
}

// Live is one entry in the list of a person's sessions.
type Live struct {
	ID        string
	UserAgent string // as the browser called itself; untrusted
	CreatedAt time.Time
	SeenAt    time.Time
	Current   bool
}
