// Package application is the application to retire the product, while it is written: five sections and four attachments.
//
// People write each section's words. What the product knows it counts itself, with the instant and where the figure is from; what it does
// not know (activity, revenue, complaints elsewhere, competitors) people enter as small tables with a source and a day. Submitting writes
// the whole report as a paper of kind application (migration/governance/approval), whose hash freezes it; submitting again changes that
// paper, which voids what was decided about it and shows readers what changed.
package application

import "offramp/internal/fault"

// Kind is the kind of the paper that a report becomes.
const Kind = "application"

// What staff may meet.
var (
	ErrInput   = fault.New(fault.Invalid, "fault.input") // fields say which
	ErrChanged = fault.New(fault.Conflict, "application.changed")
	ErrUnknown = fault.New(fault.NotFound, "application.no_table")
	ErrSame    = fault.New(fault.Conflict, "application.same") // the paper says the same already
)
