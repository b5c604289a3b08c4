package auth

import "offramp/internal/fault"

// What a person meets when a sign-in or a session is refused. Each key has a page that says what to do.
var (
	// ErrSignedOut: no session, or one that is over.
	ErrSignedOut = fault.New(fault.Unauthenticated, "auth.signed_out")
	// ErrState: the answer does not belong to a sign-in that this browser began, or to one that is too old or was used.
	ErrState = fault.New(fault.Invalid, "auth.state_mismatch")
	// ErrDenied: the person, or the provider for them, declined.
	ErrDenied = fault.New(fault.Forbidden, "auth.denied")
	// ErrProviderDown: the provider does not answer. Sessions that exist go on.
	ErrProviderDown = fault.New(fault.Unavailable, "auth.provider_down")
	// ErrProviderRefused: the provider's answer was no proof of who signed in.
	ErrProviderRefused = fault.New(fault.Invalid, "auth.provider_refused")
	// ErrUnknownCustomer: signed in at the provider, and no customer of ours.
	ErrUnknownCustomer = fault.New(fault.Forbidden, "auth.unknown_customer")
	// ErrDisabled: the identity, the contact or the customer is disabled.
	ErrDisabled = fault.New(fault.Forbidden, "auth.disabled")
	// ErrStaffDisabled: the member of staff is disabled.
	ErrStaffDisabled = fault.New(fault.Forbidden, "auth.staff_disabled")
	// ErrNoRole: a member of staff in none of the groups that give a role.
	ErrNoRole = fault.New(fault.Forbidden, "auth.no_role")
	// ErrTooWeak: the provider did not ask for credentials as strong as ours have to be.
	ErrTooWeak = fault.New(fault.Forbidden, "auth.too_weak")
	// ErrStale: credentials were given too long ago for what is asked.
	ErrStale = fault.New(fault.Forbidden, "auth.stale")
	// ErrInvitation: used, expired or never sent.
	ErrInvitation = fault.New(fault.Gone, "auth.invitation_gone")
	// ErrMayNotInvite: neither the customer's owner nor staff who look after customers.
	ErrMayNotInvite = fault.New(fault.Forbidden, "auth.may_not_invite")
	// ErrLogoutToken: a back-channel logout that is not what the provider sends.
	ErrLogoutToken = fault.New(fault.Invalid, "auth.logout_token")
	// ErrNoSession: not one of the reader's own live sessions.
	ErrNoSession = fault.New(fault.NotFound, "auth.session_not_found")
	// ErrNoContact: no such contact to invite.
	ErrNoContact = fault.New(fault.NotFound, "auth.contact_not_found")
)

// Of addresses that mail goes to, and of contacts that are joined.
var (
	ErrAddress      = fault.New(fault.Invalid, "fault.input")
	ErrAddressLimit = fault.New(fault.Limited, "auth.address.limit")
	ErrAddressLink  = fault.New(fault.Gone, "auth.address.link")
	ErrMayNotJoin   = fault.New(fault.Forbidden, "auth.may_not_join")
)
