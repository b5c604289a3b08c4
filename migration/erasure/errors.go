package erasure

import "offramp/internal/fault"

// What people may meet.
var (
	ErrUnknown    = fault.New(fault.NotFound, "erasure.not_found")
	ErrSamePerson = fault.New(fault.Forbidden, "erasure.same_person") // it takes two
	ErrChanged    = fault.New(fault.Conflict, "erasure.changed")      // somebody else was faster
	ErrObstacle   = fault.New(fault.Conflict, "erasure.obstacle")     // something stands against it; the page lists what
	ErrRunning    = fault.New(fault.Conflict, "erasure.already")      // it was asked for, or ordered, before
	ErrInput      = fault.New(fault.Invalid, "fault.input")           // fields say which
)
