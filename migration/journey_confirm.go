package migration

// MoveConfirmed completes step 5: the customer says that they have moved. The name is stored and leaves in events.
const MoveConfirmed EventKind = "move.confirmed"

// openConfirm lets step 5 start when steps 2 to 4 need nothing more, and closes it again when one of them does. What was
// confirmed stays confirmed.
func (j *Journey) openConfirm() {
	if j.Status[StepConfirm] == Completed {
		return
	}
	j.Status[StepConfirm] = CannotStart
	if j.Settled() {
		j.Status[StepConfirm] = NotStarted
	}
}

// Settled reports whether steps 2 to 4 need nothing more.
func (j Journey) Settled() bool {
	for _, step := range []Step{StepExport, StepChoose, StepSettle} {
		if s := j.Status[step]; s != Completed && s != NotNeeded {
			return false
		}
	}
	return true
}

func (j *Journey) confirm(e Event) {
	at := e.At
	j.Detail.ConfirmedAt = &at
	j.Status[StepConfirm] = Completed
}
