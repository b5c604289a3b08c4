// Package audit writes the log of who did what: append-only and hash-chained by the database, in the same transaction as
// the act. If the entry cannot be written, the act does not happen.
package audit

import (
	"context"
	"encoding/json"
	"fmt"

	"offramp/internal/db"
)

// Kinds of actor.
const (
	Customer = "customer" // a contact of a customer
	Staff    = "staff"    // a member of the company's staff
	System   = "system"   // a worker
	Operator = "operator" // the command line
)

// Entry is one act. Detail holds no secret and no more personal data than the act needs.
type Entry struct {
	Actor      string // identity or contact id, worker or operator name
	ActorKind  string // Customer, Staff, System or Operator
	Act        string // verb phrase such as "export.request"
	Object     string // what it was done to, such as "export EX-10001"
	CustomerID string // empty: no customer is concerned
	Detail     map[string]any
}

// Record appends e at the end of tx. The head of the chain is locked only while the transaction commits: all acts of everybody
// meet there. An entry that cannot be written fails the commit.
func Record(_ context.Context, tx *db.Tx, e Entry) error {
	detail := []byte("{}")
	if len(e.Detail) > 0 {
		var err error
		if detail, err = json.Marshal(e.Detail); err != nil {
			return fmt.Errorf("record %s: %w", e.Act, err)
		}
	}
	var customer *string
	if e.CustomerID != "" {
		customer = &e.CustomerID
	}
	const sql = `INSERT INTO audit (at, actor, actor_kind, act, object, customer_id, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	tx.AtEnd(func(err error) error { return fmt.Errorf("record %s: %w", e.Act, err) },
		sql, tx.Now, e.Actor, e.ActorKind, e.Act, e.Object, customer, string(detail))
	return nil
}
