package export

import (
	"errors"

	"offramp/internal/fault"
)

// What people may meet.
var (
	ErrNotFound      = fault.New(fault.NotFound, "export.not_found")
	ErrOwnersOnly    = fault.New(fault.Forbidden, "export.owners_only")
	ErrDeadline      = fault.New(fault.Gone, "export.deadline_passed")
	ErrExpired       = fault.New(fault.Gone, "export.gone")
	ErrLost          = fault.New(fault.Gone, "export.lost") // the archive is missing from the bucket although nobody removed it
	ErrNotReady      = fault.New(fault.Conflict, "export.not_ready")
	ErrMoved         = fault.New(fault.Conflict, "export.moved")      // the state is no longer the one that the act needs
	ErrOtherLive     = fault.New(fault.Conflict, "export.other_live") // another export of the customer is being built
	ErrNotDownloaded = fault.New(fault.Conflict, "export.not_downloaded")
	ErrLimited       = fault.New(fault.Limited, "export.limited")    // Args: Limit, Hours until the next, Again (time.Time)
	ErrPasswordGone  = fault.New(fault.Gone, "export.password_gone") // the password of an export that failed long ago was destroyed
	ErrSelection     = fault.New(fault.Invalid, "export.bad_selection")
)

// errFenced ends an attempt that another one has overtaken, or whose export was cancelled.
var errFenced = errors.New("export: the attempt was overtaken or its export cancelled")
