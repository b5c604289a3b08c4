package refund

import "offramp/internal/fault"

// What people may meet.
var (
	ErrNotFound     = fault.New(fault.NotFound, "refund.not_found")
	ErrMoved        = fault.New(fault.Conflict, "refund.moved")         // someone was faster: the version is stale, or the state has moved on
	ErrQuoteChanged = fault.New(fault.Conflict, "refund.quote_changed") // what the customer saw is no longer what would be paid
	ErrNothing      = fault.New(fault.Conflict, "refund.nothing")       // nothing is left to settle in this currency
	ErrOwner        = fault.New(fault.Forbidden, "refund.owner_only")
	ErrNotOffered   = fault.New(fault.NotFound, "refund.not_offered")     // the programme settles nothing
	ErrSamePerson   = fault.New(fault.Forbidden, "refund.same_person")    // who asked, reviewed, approved or made the batch cannot do this as well
	ErrRole         = fault.New(fault.Forbidden, "refund.role")           // the person has not, or no longer, the role that the decision asks for
	ErrDetails      = fault.New(fault.Invalid, "refund.bad_details")      // Fields: method, kind, number, holder, bank, branch, replacement
	ErrRest         = fault.New(fault.Invalid, "refund.bad_rest")         // what becomes of the rest was not agreed to
	ErrText         = fault.New(fault.Invalid, "refund.bad_text")         // Fields: text
	ErrReason       = fault.New(fault.Invalid, "refund.bad_reason")       // Fields: reason, text
	ErrFilter       = fault.New(fault.Invalid, "refund.bad_filter")       // Fields by the filter's names
	ErrTooMany      = fault.New(fault.Invalid, "refund.too_many")         // Args: Limit
	ErrEmptyBatch   = fault.New(fault.Conflict, "refund.batch.empty")     // nothing is approved for it, or nothing is left of it
	ErrBatchMoved   = fault.New(fault.Conflict, "refund.batch.moved")     // released or discarded meanwhile
	ErrNoneFit      = fault.New(fault.Conflict, "refund.batch.none_fit")  // nothing that is approved can be paid as it is: all was sent back. Args: Count
	ErrNoDebtor     = fault.New(fault.Conflict, "refund.batch.no_debtor") // no account to pay from is configured for the currency
	ErrImport       = fault.New(fault.Invalid, "refund.import.bad")       // Fields: file, with the line
	ErrImported     = fault.New(fault.Conflict, "refund.import.again")    // the same file was imported before
	ErrMatch        = fault.New(fault.Invalid, "refund.match.bad")        // Fields: ref, with why a line of the bank does not fit; Args may be migration.Amount
	ErrKeys         = fault.New(fault.Unavailable, "refund.keys")         // what opens and seals bank details is out of reach; Fields: number
	ErrReveals      = fault.New(fault.Limited, "finance.reveals")         // one person has looked at as many accounts as one may. Args: Limit
	ErrLimited      = fault.New(fault.Limited, "refund.limited")          // too many tries

	ErrDocument      = fault.New(fault.Invalid, "refund.document.bad")         // Fields: document
	ErrNoDocument    = fault.New(fault.NotFound, "refund.document.none")       // or it was removed, or the reader may not see it
	ErrDocumentsOver = fault.New(fault.Conflict, "refund.document.over")       // the refund is settled or over
	ErrDocumentStays = fault.New(fault.Conflict, "refund.document.stays")      // approved meanwhile, or somebody else attached it
	ErrScanning      = fault.New(fault.Conflict, "refund.document.scanning")   // the scanner has not said yet whether a document is harmless
	ErrUnfit         = fault.New(fault.Gone, "refund.document.unfit")          // the scanner has refused it
	ErrUnfitAnswer   = fault.New(fault.Conflict, "refund.document.unanswered") // the scanner has refused what the customer sent when asked
	ErrStorage       = fault.New(fault.Unavailable, "refund.document.store")   // the store of documents does not do its part
)
