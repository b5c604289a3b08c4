package replacement

import "offramp/internal/fault"

// What people may meet.
var (
	ErrNotFound      = fault.New(fault.NotFound, "replacement.not_found")
	ErrNotOwner      = fault.New(fault.Forbidden, "replacement.not_owner")
	ErrWithdrawn     = fault.New(fault.Gone, "replacement.withdrawn")           // not offered any more
	ErrOfferEnded    = fault.New(fault.Conflict, "replacement.offer_ended")     // between the page and the choice; shown again without it
	ErrLossesChanged = fault.New(fault.Conflict, "replacement.losses_changed")  // those accepted are not those of now; shown again
	ErrCarriedOut    = fault.New(fault.Conflict, "replacement.carried_out")     // the customer has moved: nothing to change
	ErrNothingChosen = fault.New(fault.Conflict, "replacement.nothing_chosen")  // undone, or never made
	ErrReason        = fault.New(fault.Invalid, "replacement.bad_reason")       // Fields: reason, text
	ErrConsent       = fault.New(fault.Invalid, "replacement.bad_consent")      // Fields: fields
	ErrHandOver      = fault.New(fault.Gone, "replacement.hand_over_over")      // a link that was used, altered or is too old
	ErrNoSignUp      = fault.New(fault.NotFound, "replacement.no_sign_up")      // the replacement takes no hand-over
	ErrBadReport     = fault.New(fault.Invalid, "replacement.bad_report")       // of a replacement, about its progress
	ErrUnsigned      = fault.New(fault.Unauthenticated, "replacement.unsigned") // its signature does not verify, or is too old
)
