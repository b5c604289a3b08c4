// Package auth knows who is signed in: identities as an OpenID provider names them, the contact or the staff roles that
// each stands for, and sessions.
//
// An identity is (issuer, subject) and nothing else. A customer's person is tied to a contact once, by the first of these
// that holds, and stays tied:
//
//	invitation -> claim with the customer's number -> within that customer: verified address, else a new contact
//
// Staff get their roles from the provider's groups at each sign-in. What a session may do is never stored in it: contact,
// customer and roles are read with each request, so that a change counts from the next one.
//
// A session begins at sign-in under a fresh secret of which the database keeps only the hash, and lives until the first of
// these: no request for Config.Idle, Config.Lifetime after sign-in, sign-out, an end from the list of one's sessions, or
// a logout that the provider announces. Sessions live in PostgreSQL; every replica sees the same.
package auth
