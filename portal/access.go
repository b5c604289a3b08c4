package portal

import (
	"offramp/auth"
	"offramp/migration"
)

// Access is a set of those who may use a route.
type Access uint16

// Those who come.
const (
	Anonymous Access = 1 << iota
	Owner
	Member
	Support
	FinanceClerk
	FinanceApprover
	FinanceReleaser
	ProgrammeManager
	Auditor
	Operator
)

// Sets that routes name.
const (
	Customer = Owner | Member
	Finance  = FinanceClerk | FinanceApprover | FinanceReleaser
	Staff    = Support | Finance | ProgrammeManager | Auditor | Operator
	SignedIn = Customer | Staff
	Public   = Anonymous | SignedIn
)

var staffAccess = map[auth.Role]Access{
	auth.Support: Support, auth.FinanceClerk: FinanceClerk, auth.FinanceApprover: FinanceApprover,
	auth.FinanceReleaser: FinanceReleaser, auth.ProgrammeManager: ProgrammeManager, auth.Auditor: Auditor,
	auth.Operator: Operator,
}

// accessOf returns what a session counts as: all of a member of staff's roles, or one of a customer's two.
func accessOf(s *auth.Session) Access {
	switch {
	case s == nil:
		return Anonymous
	case s.Realm == auth.Staff:
		var a Access
		for _, role := range s.Roles {
			a |= staffAccess[role]
		}
		return a
	case s.Role == migration.Owner:
		return Owner
	case s.Role == migration.Member:
		return Member
	}
	return 0
}
