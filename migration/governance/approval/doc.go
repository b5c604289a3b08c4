// Package approval has people decide about papers in writing: an application, a budget, an announcement. A paper takes a path of
// steps; the nodes of one step decide side by side, and each node asks people or roles for all approvals or for some of them.
//
//	draft --submitted--> open --the last step has approved--> approved
//	open --anybody sends it back, with words--> sent back --changed, submitted--> open
//	open, approved --its words change--> void;  approved --an earlier gate is reopened--> stale
//
// What is approved is a hash of the words: a change of them ends the round, and the next one shows what changed since each reader's own
// approval. Nobody decides about what they ask for, also not for an absent colleague: the database refuses it. A node has a time limit;
// a worker reminds once and escalates once. Whoever has to know is written to in the same transaction.
package approval

import "offramp/internal/fault"

// Pages is where they are shown, which mails lead to.
const Pages = "/console/approvals"

// What staff may meet.
var (
	ErrUnknown   = fault.New(fault.NotFound, "approval.not_found")
	ErrInput     = fault.New(fault.Invalid, "fault.input") // fields say which
	ErrChanged   = fault.New(fault.Conflict, "approval.changed")
	ErrState     = fault.New(fault.Conflict, "approval.state_fault") // what it is does not allow it
	ErrDecided   = fault.New(fault.Conflict, "approval.decided")     // by them, or by whom they stand in for
	ErrRequester = fault.New(fault.Forbidden, "approval.requester")  // they ask for it, or wrote it
	ErrNotAsked  = fault.New(fault.Forbidden, "approval.not_asked")
	ErrEarly     = fault.New(fault.Conflict, "approval.early") // the papers have not been out long enough
	ErrCircle    = fault.New(fault.Conflict, "approval.delegate_circle")
	ErrTwice     = fault.New(fault.Conflict, "approval.delegate_twice")
	ErrNobody    = fault.New(fault.Conflict, "approval.nobody") // a node has nobody who could decide
)
