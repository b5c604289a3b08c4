package db

import "context"

// Scope says whose rows a transaction may reach. It becomes PostgreSQL settings that end with the transaction; row-level
// security does the rest. The zero Scope reaches nothing that belongs to a customer.
type Scope struct {
	kind     string // "", "customer", "staff", "system"
	customer string
	token    string
	name     string
}

// NoScope reaches no customer's rows.
func NoScope() Scope { return Scope{} }

// CustomerScope reaches the rows of one customer. An empty id reaches nothing.
func CustomerScope(customerID string) Scope {
	if customerID == "" {
		return Scope{}
	}
	return Scope{kind: "customer", customer: customerID, name: customerID}
}

// StaffScope reaches every customer's rows on behalf of a named member of staff. Whoever uses it records the use in the
// audit log.
func StaffScope(identityID string) Scope { return Scope{kind: "staff", name: identityID} }

// SystemScope reaches every customer's rows for a named purpose of ours: sign-in, import, dispatch, sweep. No request's
// input may choose it.
func SystemScope(purpose string) Scope { return Scope{kind: "system", name: purpose} }

// TokenScope reaches the rows that carry this hash of a secret which the bearer has shown.
func TokenScope(hash string) Scope { return Scope{kind: "token", token: hash, name: "bearer"} }

// SetSQL sets the three settings for the current transaction; in a pgx batch it shares one implicit transaction and one
// round trip with the statements behind it.
const SetSQL = `SELECT set_config('offramp.customer', $1, true), set_config('offramp.scope', $2, true), set_config('offramp.token', $3, true)`

// Args are the values for SetSQL.
func (s Scope) Args() []any {
	scope := ""
	if s.kind == "staff" || s.kind == "system" {
		scope = s.kind
	}
	return []any{s.customer, scope, s.token}
}

// String names the scope in logs.
func (s Scope) String() string {
	if s.kind == "" {
		return "none"
	}
	return s.kind + ":" + s.name
}

type proofKey struct{}

// WithProof has each transaction under ctx prove, by what only a session's cookie gives, in whose name it acts: the database compares
// it with who the audit log's entries name.
func WithProof(ctx context.Context, proof string) context.Context {
	return context.WithValue(ctx, proofKey{}, proof)
}

// proofSQL sets the proof for the current transaction.
const proofSQL = `SELECT set_config('offramp.proof', $1, true)`
