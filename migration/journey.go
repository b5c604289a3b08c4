package migration

import (
	"fmt"
	"strings"
	"time"

	"offramp/internal/fault"
)

// Status is one of the seven words that a step may bear.
type Status string

// The seven statuses.
const (
	NotStarted   Status = "not_started"
	InProgress   Status = "in_progress"
	ActionNeeded Status = "action_needed"
	Problem      Status = "problem"
	Completed    Status = "completed"
	CannotStart  Status = "cannot_start"
	NotNeeded    Status = "not_needed"
)

// Step names one of the five steps.
type Step string

// The five steps, in order.
const (
	StepDates   Step = "dates"
	StepExport  Step = "export"
	StepChoose  Step = "choose"
	StepSettle  Step = "settle"
	StepConfirm Step = "confirm"
)

// Steps lists the five in order.
var Steps = [5]Step{StepDates, StepExport, StepChoose, StepSettle, StepConfirm}

// EventKind names what happened to a customer. The names are stored and leave in events: they do not change.
type EventKind string

// What may happen in this release.
const (
	JourneyStarted   EventKind = "journey.started"
	DatesNoted       EventKind = "dates.noted"
	DatesChanged     EventKind = "dates.changed" // a date moved: the programme's or, by an extension, the customer's own
	ExportRequested  EventKind = "export.requested"
	ExportReady      EventKind = "export.ready"
	ExportChecked    EventKind = "export.checked" // the customer confirms that the copy is complete
	ExportFailed     EventKind = "export.failed"
	ExportCancelled  EventKind = "export.cancelled"
	ExportExpired    EventKind = "export.expired"
	StepsReconfigure EventKind = "steps.changed" // a programme version added or dropped a step
)

// Event is one entry in a customer's history, stored as JSON under these names, which do not change.
type Event struct {
	Kind     EventKind      `json:"kind"`
	Actor    string         `json:"actor"` // contact or staff identity id, or "system"
	At       time.Time      `json:"at"`
	ExportID string         `json:"export_id,omitempty"` // of export events
	Number   int64          `json:"number,omitempty"`    // of the export, as in EX-10001
	Bytes    int64          `json:"bytes,omitempty"`     // of the ready archive
	Until    time.Time      `json:"until,omitzero"`      // the ready archive can be downloaded until
	Days     map[string]Day `json:"days,omitempty"`      // of date events: milestone -> day as the customer now knows it
	Was      map[string]Day `json:"was,omitempty"`       // of DatesChanged: what it was before
	Rules    StepRules      `json:"rules,omitzero"`      // of JourneyStarted and StepsReconfigure
	Choice   *ChoiceDetail  `json:"choice,omitempty"`    // of choice events: what was chosen; State and At are filled in by Apply
	Refund   *RefundDetail  `json:"refund,omitempty"`    // of refund events about one request; State and At are filled in by Apply
	Due      []Amount       `json:"due,omitempty"`       // of RefundDue, RefundSubmitted and RefundWithdrawn: what is left to ask for
	Reason   string         `json:"reason,omitempty"`    // key of a reason that was chosen from a list
}

// Journey is the folded state of one customer: the single row that every surface reads. Version counts its events.
type Journey struct {
	CustomerID string
	Version    int
	Status     map[Step]Status
	Detail     Detail
	Progress   *Progress // of the running export; may be nil
	UpdatedAt  time.Time
}

// Detail is what the plan page shows of each step beside its status.
type Detail struct {
	NotedAt *time.Time     `json:"noted_at,omitempty"` // step 1 was completed
	Days    map[string]Day `json:"days,omitempty"`     // as noted, to tell what changed since
	Changed map[string]Day `json:"changed,omitempty"`  // milestone -> the day it had when it was noted
	Export  *ExportDetail  `json:"export,omitempty"`
	Choice  *ChoiceDetail  `json:"choice,omitempty"`
	Settle  *SettleDetail  `json:"settle,omitempty"`
	Rules   StepRules      `json:"rules"`

	ConfirmedAt *time.Time `json:"confirmed_at,omitempty"` // step 5 was completed
}

// ExportDetail is the latest export as the plan page shows it.
type ExportDetail struct {
	ID          string     `json:"id"`
	Number      int64      `json:"number"`
	State       string     `json:"state"` // requested, ready, checked, failed, cancelled, expired
	RequestedAt time.Time  `json:"requested_at"`
	Bytes       int64      `json:"bytes,omitempty"`
	Until       *time.Time `json:"until,omitempty"`
	Checked     bool       `json:"checked,omitempty"` // some export was checked: the step stays completed
}

// Progress is how far the running export is. Bytes are of raw data read; Left is zero where no stable rate is known.
type Progress struct {
	ExportID   string        `json:"export_id"`
	Stage      string        `json:"stage"`
	RowsDone   int64         `json:"rows_done"`
	RowsTotal  int64         `json:"rows_total"`
	BytesDone  int64         `json:"bytes_done"`
	BytesTotal int64         `json:"bytes_total"`
	Percent    int           `json:"percent"`
	Left       time.Duration `json:"left"`
	Delayed    string        `json:"delayed,omitempty"` // message key of the reason
	At         time.Time     `json:"at"`
}

// ErrUnknownEvent is a fault of ours: the journey was told something that it does not know.
var ErrUnknownEvent = fault.New(fault.Internal, "journey.unknown_event")

// Apply returns the journey after e. It changes nothing of j. An event about an export that is no longer the latest
// moves nothing but the version.
//
//	step 1  not started --noted--> completed --date changed--> action needed --noted--> completed
//	step 2  not started --requested--> in progress --ready--> action needed --checked--> completed
//	                        in progress --failed--> problem;  ready --expired--> action needed (make a new one)
//	step 3  see applyChoice;  step 4  see applySettle
//	step 5  cannot start --steps 2 to 4 need nothing more--> not started --confirmed--> completed
func (j Journey) Apply(e Event) (Journey, error) {
	next := j.clone()
	next.Version++
	next.UpdatedAt = e.At
	switch e.Kind {
	case JourneyStarted, StepsReconfigure:
		next.configure(e)
	case DatesNoted:
		at := e.At
		next.Detail.NotedAt, next.Detail.Days, next.Detail.Changed = &at, e.Days, nil
		next.Status[StepDates] = Completed
	case DatesChanged:
		next.changeDates(e)
	case ExportRequested, ExportReady, ExportChecked, ExportFailed, ExportCancelled, ExportExpired:
		next.applyExport(e)
	case MoveConfirmed:
		next.confirm(e)
	default:
		switch {
		case strings.HasPrefix(string(e.Kind), "choice.") && (e.Kind == ChoiceMade || choiceStatus[e.Kind] != ""):
			next.applyChoice(e)
		case isSettle(e.Kind):
			next.applySettle(e)
		default:
			return j, ErrUnknownEvent.Wrap(fmt.Errorf("event %q", e.Kind))
		}
	}
	next.openConfirm()
	return next, nil
}

func (j *Journey) configure(e Event) {
	j.Detail.Rules = e.Rules
	if e.Kind == JourneyStarted {
		j.Status = map[Step]Status{StepDates: NotStarted, StepExport: NotStarted, StepConfirm: CannotStart}
	}
	// What is prepaid is known only once it was imported, so step 4 waits; a choice can be made at once.
	for _, one := range []struct {
		step  Step
		has   bool
		first Status
	}{{StepChoose, e.Rules.Choose, NotStarted}, {StepSettle, e.Rules.Settle, CannotStart}} {
		switch current := j.Status[one.step]; {
		case !one.has:
			j.Status[one.step] = NotNeeded
		case current == "" || current == NotNeeded || one.first == NotStarted && current == CannotStart:
			j.Status[one.step] = one.first
		}
	}
	if e.Rules.Settle && j.Detail.Settle != nil {
		j.Status[StepSettle] = j.Detail.Settle.status()
	}
}

func (j *Journey) changeDates(e Event) {
	if j.Status[StepDates] == NotStarted { // nothing was noted yet, so nothing has changed for the customer
		return
	}
	if j.Detail.Changed == nil {
		j.Detail.Changed = map[string]Day{}
	}
	for key, was := range e.Was {
		if _, known := j.Detail.Changed[key]; !known {
			j.Detail.Changed[key] = was
		}
	}
	j.Status[StepDates] = ActionNeeded
}

func (j *Journey) applyExport(e Event) {
	current := j.Detail.Export
	if e.Kind == ExportRequested {
		checked := current != nil && current.Checked
		j.Detail.Export = &ExportDetail{ID: e.ExportID, Number: e.Number, State: "requested", RequestedAt: e.At, Checked: checked}
		j.Progress = nil
		j.setExport(InProgress)
		return
	}
	if current == nil || current.ID != e.ExportID && e.Kind != ExportChecked {
		return
	}
	switch e.Kind {
	case ExportReady:
		until := e.Until
		current.State, current.Bytes, current.Until = "ready", e.Bytes, &until
		j.setExport(ActionNeeded)
	case ExportChecked:
		current.Checked = true
		if current.ID == e.ExportID {
			current.State = "checked"
		}
		j.Status[StepExport] = Completed
	case ExportFailed:
		current.State = "failed"
		j.setExport(Problem)
	case ExportExpired:
		current.State = "expired"
		j.setExport(ActionNeeded)
	case ExportCancelled:
		current.State = "cancelled"
		j.setExport(NotStarted)
	}
	j.Progress = nil
}

// setExport keeps a step that the customer has completed: a later export is a bonus.
func (j *Journey) setExport(s Status) {
	if j.Detail.Export.Checked {
		s = Completed
	}
	j.Status[StepExport] = s
}

// Done counts the steps that are completed or not needed.
func (j Journey) Done() int {
	n := 0
	for _, step := range Steps {
		if s := j.Status[step]; s == Completed || s == NotNeeded {
			n++
		}
	}
	return n
}

func (j Journey) clone() Journey {
	next := j
	next.Status = make(map[Step]Status, len(Steps))
	for k, v := range j.Status {
		next.Status[k] = v
	}
	if j.Detail.Changed != nil {
		next.Detail.Changed = make(map[string]Day, len(j.Detail.Changed))
		for k, v := range j.Detail.Changed {
			next.Detail.Changed[k] = v
		}
	}
	if j.Detail.Export != nil {
		e := *j.Detail.Export
		next.Detail.Export = &e
	}
	return next // Choice and Settle are replaced, never written into
}
