package governance

import "offramp/internal/fault"

// What staff may meet.
var (
	ErrNoTemplate  = fault.New(fault.NotFound, "workspace.no_template")
	ErrNoPlan      = fault.New(fault.NotFound, "workspace.no_plan")
	ErrUnknown     = fault.New(fault.NotFound, "workspace.not_found")
	ErrRunning     = fault.New(fault.Conflict, "workspace.running")      // a plan runs already
	ErrChanged     = fault.New(fault.Conflict, "workspace.changed")      // somebody else changed the item meanwhile
	ErrGateShut    = fault.New(fault.Conflict, "workspace.gate_shut")    // something that the gate needs does not hold
	ErrTurn        = fault.New(fault.Conflict, "workspace.turn")         // the gate of an earlier phase is shut
	ErrWaits       = fault.New(fault.Conflict, "workspace.waits")        // what the item waits for is not done
	ErrByFact      = fault.New(fault.Conflict, "workspace.by_fact")      // the portal itself ticks it
	ErrSamePerson  = fault.New(fault.Forbidden, "workspace.same_person") // a waiver takes a second person
	ErrInput       = fault.New(fault.Invalid, "fault.input")             // fields say which
	ErrOwner       = fault.New(fault.Invalid, "workspace.owner_unknown") // nobody of the staff, or one without a role
	ErrNotYours    = fault.New(fault.Forbidden, "workspace.not_yours")   // neither the owner nor a programme manager
	ErrNotPossible = fault.New(fault.Conflict, "workspace.not_possible") // the item's state does not allow it
)
