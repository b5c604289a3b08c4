package migration

import "offramp/internal/fault"

// What those who change the programme or import customers may meet.
var (
	ErrBadProgramme     = fault.New(fault.Invalid, "programme.invalid") // wraps Findings
	ErrUnknownProgramme = fault.New(fault.NotFound, "programme.not_found")
	ErrProgrammeOpen    = fault.New(fault.Conflict, "programme.open") // another proposal waits for approval
	ErrProgrammeMoved   = fault.New(fault.Conflict, "programme.moved")
	ErrEarlier          = fault.New(fault.Invalid, "programme.earlier")
	ErrSamePerson       = fault.New(fault.Forbidden, "programme.same_person")
	ErrBadImport        = fault.New(fault.Invalid, "import.unreadable")
	ErrImportRefused    = fault.New(fault.Invalid, "import.refused")
	ErrImportCrossed    = fault.New(fault.Conflict, "import.crossed") // something else changed the same customers meanwhile
)
