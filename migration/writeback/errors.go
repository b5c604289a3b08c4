package writeback

import "offramp/internal/fault"

// What staff may meet.
var (
	ErrUnknownDelivery = fault.New(fault.NotFound, "writeback.delivery_not_found")
	ErrUnknownSink     = fault.New(fault.NotFound, "writeback.sink_not_found")
	ErrSinkOn          = fault.New(fault.Conflict, "writeback.sink_on")
	ErrSpan            = fault.New(fault.Invalid, "writeback.span")
)
