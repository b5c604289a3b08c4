package notice

import "offramp/internal/fault"

// What staff and customers may meet.
var (
	ErrUnknown    = fault.New(fault.NotFound, "notice.not_found")
	ErrApproved   = fault.New(fault.Conflict, "notice.approved_already")
	ErrSamePerson = fault.New(fault.Forbidden, "notice.same_person")
	ErrChanged    = fault.New(fault.Conflict, "notice.changed") // the content is not what the person has seen
	ErrCallEnded  = fault.New(fault.Conflict, "notice.call_ended")
	ErrNoOutcome  = fault.New(fault.Invalid, "notice.no_outcome")
	ErrBadRate    = fault.New(fault.Invalid, "notice.bad_rate")
	ErrTrials     = fault.New(fault.Conflict, "notice.trials")
	ErrNoAddress  = fault.New(fault.Conflict, "notice.no_address") // the provider tells no email address of whoever asks
	ErrNoReason   = fault.New(fault.Invalid, "notice.no_reason")
)
