package migration

import "time"

// What may happen to step 3. The names are stored and leave in events: they do not change.
const (
	ChoiceMade        EventKind = "choice.made"         // a replacement was chosen, or another one instead
	ChoiceNone        EventKind = "choice.none"         // none of these, with a reason
	ChoiceDeferred    EventKind = "choice.deferred"     // not decided: ask me later, with a reason
	ChoiceUndone      EventKind = "choice.undone"       // the customer took the choice back
	ChoiceOfferEnding EventKind = "choice.offer_ending" // an offer ends soon and nothing is decided
	ChoiceWithdrawn   EventKind = "choice.withdrawn"    // the chosen product is not offered any more
	ChoiceAccepted    EventKind = "choice.accepted"     // the replacement has taken the customer on
	ChoiceImporting   EventKind = "choice.importing"    // it is bringing the data over
	ChoiceMoved       EventKind = "choice.moved"        // the customer works there now
	ChoiceFailed      EventKind = "choice.failed"       // it could not bring the data over
)

// ChoiceDetail is what was decided in step 3, as the plan page shows it.
type ChoiceDetail struct {
	Replacement string     `json:"replacement,omitempty"` // its key; empty: none
	Own         bool       `json:"own,omitempty"`         // the company's own product: the step is completed when the customer has moved
	State       string     `json:"state"`                 // made, none, deferred, offer_ending, withdrawn, accepted, importing, moved, failed
	At          time.Time  `json:"at"`
	OfferUntil  *time.Time `json:"offer_until,omitempty"` // last moment of the offer that comes with it
}

// choiceStatus says which status follows from each of the states; that of made depends on whose product it is.
var choiceStatus = map[EventKind]Status{
	ChoiceNone: Completed, ChoiceDeferred: InProgress, ChoiceUndone: NotStarted, ChoiceOfferEnding: ActionNeeded,
	ChoiceWithdrawn: ActionNeeded, ChoiceAccepted: InProgress, ChoiceImporting: InProgress, ChoiceMoved: Completed, ChoiceFailed: Problem,
}

// choiceState is the part of an event's name behind the dot.
func choiceState(k EventKind) string { return string(k)[len("choice."):] }

// applyChoice moves step 3.
//
//	not started --deferred--> in progress; --offer ending--> action needed; --undone--> not started
//	not started --made--> completed, or in progress for an own product --accepted, importing--> in progress --moved--> completed
//	made --withdrawn--> action needed;  in progress --failed--> problem;  not started --none--> completed
func (j *Journey) applyChoice(e Event) {
	if j.Status[StepChoose] == NotNeeded {
		return
	}
	if e.Kind == ChoiceUndone {
		j.Detail.Choice = nil
		j.Status[StepChoose] = NotStarted
		return
	}
	next := ChoiceDetail{}
	if e.Choice != nil {
		next = *e.Choice
	}
	if current := j.Detail.Choice; current != nil && follows(e.Kind) {
		if e.Choice != nil && e.Choice.Replacement != current.Replacement { // about a choice that is no longer the customer's
			return
		}
		next = *current
	}
	next.State, next.At = choiceState(e.Kind), e.At
	status := choiceStatus[e.Kind]
	if e.Kind == ChoiceMade {
		status = Completed
		if next.Own {
			status = InProgress
		}
	}
	if !next.Own && (e.Kind == ChoiceAccepted || e.Kind == ChoiceImporting) {
		status = Completed // a partner's progress is told, and is not the customer's to wait for
	}
	j.Detail.Choice = &next
	j.Status[StepChoose] = status
}

// follows reports whether an event tells of a choice that was made before.
func follows(k EventKind) bool {
	switch k {
	case ChoiceWithdrawn, ChoiceAccepted, ChoiceImporting, ChoiceMoved, ChoiceFailed:
		return true
	}
	return false
}
