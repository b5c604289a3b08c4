package console

import (
	"time"

	"offramp/export"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/migration/refund"
	"offramp/migration/replacement"
	"offramp/portal/customer"
	"offramp/portal/ui"
)

// A badge on a page of staff tells by its colour whose turn it is, by one rule for all things and pages:
//
//	ours     staff have the next move: amber
//	theirs   the customer, the bank or a machine has it: blue
//	done     it came to its end as it should: a tick
//	problem  something went wrong and stays so until somebody acts: red
//	over     it ended without result, or was never needed: grey
const (
	Ours    = ui.ToneActionNeeded
	Theirs  = ui.ToneInProgress
	Done    = ui.ToneCompleted
	Problem = ui.ToneProblem
	Over    = ui.ToneNotNeeded
)

var exportTurns = map[export.State]ui.Tone{
	export.Queued: Theirs, export.Running: Theirs, export.Ready: Theirs, export.Failed: Problem, export.Cancelled: Over, export.Expired: Over,
}

// ExportBadge words where an export stands.
func ExportBadge(l *locale.Locale, e export.Export, now time.Time) (tone ui.Tone, text string) {
	tone, text = customer.ExportTag(l, e, now)
	switch {
	case e.Lost(now):
		return Problem, text
	case tone == Done:
		return Done, text
	case e.State == export.Ready && !e.Downloadable(now):
		return Over, text
	case e.Live() && e.Cause != "": // a machine tries again, and the customer waits
		return Problem, text
	}
	return exportTurns[e.State], text
}

var volumeTurns = map[export.VolumeState]ui.Tone{
	export.VolumeWaiting: Theirs, export.VolumeBuilding: Theirs, export.VolumeSealed: Done,
}

// VolumeTurn is whose turn it is with a file of an export.
func VolumeTurn(s export.VolumeState) ui.Tone { return volumeTurns[s] }

var refundTurns = map[refund.State]ui.Tone{
	refund.Submitted: Ours, refund.Objected: Ours, refund.Reviewed: Ours, refund.Second: Ours, refund.Approved: Ours, refund.Batched: Ours,
	refund.Questioned: Theirs, refund.Released: Theirs, refund.Unknown: Problem, refund.Returned: Problem,
	refund.Paid: Done, refund.Credited: Done, refund.Waived: Done, refund.Declined: Over, refund.Closed: Over, refund.Withdrawn: Over,
}

// RefundTurn is whose turn it is with a refund.
func RefundTurn(s refund.State) ui.Tone { return refundTurns[s] }

var batchTurns = map[refund.BatchState]ui.Tone{refund.BatchCreated: Ours, refund.BatchReleased: Done, refund.BatchDiscarded: Over}

// BatchTurn is whose turn it is with a batch.
func BatchTurn(s refund.BatchState) ui.Tone { return batchTurns[s] }

var helpTurns = map[assistance.State]ui.Tone{assistance.Open: Ours, assistance.Answered: Theirs, assistance.Closed: Done}

// HelpTurn is whose turn it is with a request for help.
func HelpTurn(s assistance.State) ui.Tone { return helpTurns[s] }

var stepTurns = map[migration.Status]ui.Tone{
	migration.NotStarted: Theirs, migration.InProgress: Theirs, migration.ActionNeeded: Theirs, migration.Problem: Problem,
	migration.Completed: Done, migration.CannotStart: Over, migration.NotNeeded: Over,
}

// StepTurn is whose turn it is with one of a customer's steps, which is never ours.
func StepTurn(s migration.Status) ui.Tone { return stepTurns[s] }

var choiceTurns = map[replacement.State]ui.Tone{
	replacement.Made: Done, replacement.Accepted: Theirs, replacement.Importing: Theirs, replacement.Moved: Done,
	replacement.Failed: Problem, replacement.Withdrawn: Theirs, replacement.Undone: Over, replacement.Replaced: Over,
}

// ChoiceTurn is whose turn it is with a customer's choice.
func ChoiceTurn(s replacement.State) ui.Tone { return choiceTurns[s] }

var versionTurns = map[string]ui.Tone{
	migration.VersionProposed: Ours, migration.VersionActive: Done, migration.VersionSuperseded: Over, migration.VersionWithdrawn: Over,
}

// VersionTurn is whose turn it is with a version of the programme.
func VersionTurn(s string) ui.Tone { return versionTurns[s] }
