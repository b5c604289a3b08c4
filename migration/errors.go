package migration

import "offramp/internal/fault"

// What people and callers may meet.
var (
	ErrNoProgramme     = fault.New(fault.Unavailable, "programme.none_active")
	ErrUnknownCustomer = fault.New(fault.NotFound, "customer.not_found")
	ErrJourneyMoved    = fault.New(fault.Conflict, "journey.moved")
)
