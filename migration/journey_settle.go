package migration

import (
	"slices"
	"time"
)

// What may happen to step 4. The names are stored and leave in events: they do not change.
const (
	RefundDue        EventKind = "refund.due"       // something prepaid is left to settle; also when the amount changed
	RefundNotDue     EventKind = "refund.not_due"   // nothing prepaid is left
	RefundSubmitted  EventKind = "refund.submitted" // asked for
	RefundReviewed   EventKind = "refund.reviewed"
	RefundQuestioned EventKind = "refund.questioned" // finance asks the customer something
	RefundAnswered   EventKind = "refund.answered"
	RefundApproved   EventKind = "refund.approved"
	RefundReleased   EventKind = "refund.released" // the payment is on its way
	RefundUnknown    EventKind = "refund.unknown"  // whether it was paid is being looked up
	RefundPaid       EventKind = "refund.paid"
	RefundCredited   EventKind = "refund.credited" // as credit toward the replacement
	RefundWaived     EventKind = "refund.waived"
	RefundReturned   EventKind = "refund.returned" // by the bank, or the original method failed: other details are needed
	RefundDeclined   EventKind = "refund.declined" // the customer may object within the period
	RefundObjected   EventKind = "refund.objected"
	RefundClosed     EventKind = "refund.closed" // declined, and the period for objecting is over
	RefundWithdrawn  EventKind = "refund.withdrawn"
)

// Amount is money in minor units of an ISO 4217 currency.
type Amount struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"`
}

// SettleDetail is what step 4 is about, as the plan page shows it.
type SettleDetail struct {
	Due     []Amount       `json:"due,omitempty"`     // what could still be asked for, one per currency; estimated
	Refunds []RefundDetail `json:"refunds,omitempty"` // every request that was not withdrawn, oldest first
}

// RefundDetail is one request.
type RefundDetail struct {
	Ref    string    `json:"ref"`    // as in RF-2026-000318
	State  string    `json:"state"`  // the part of the event's name behind the dot
	Amount Amount    `json:"amount"` // what was asked for, later what is paid
	Method string    `json:"method"` // original, bank, credit, waive
	At     time.Time `json:"at"`     // of the state
}

// settleStatus says what one request's state means for the step.
var settleStatus = map[EventKind]Status{
	RefundSubmitted: InProgress, RefundReviewed: InProgress, RefundAnswered: InProgress, RefundApproved: InProgress, RefundReleased: InProgress,
	RefundUnknown: InProgress, RefundObjected: InProgress, RefundQuestioned: ActionNeeded, RefundReturned: ActionNeeded, RefundDeclined: ActionNeeded,
	RefundPaid: Completed, RefundCredited: Completed, RefundWaived: Completed, RefundClosed: Completed,
}

func isSettle(k EventKind) bool {
	_, ok := settleStatus[k]
	return ok || k == RefundDue || k == RefundNotDue || k == RefundWithdrawn
}

// applySettle moves step 4: what needs the customer outranks what is under way, and that what is done.
//
//	cannot start --due--> not started --submitted--> in progress --paid, credited, waived--> completed
//	             --not due--> not needed   in progress --questioned, returned, declined--> action needed --answered, objected--> in progress
//	                                       in progress --withdrawn--> not started;  declined --closed--> completed
func (j *Journey) applySettle(e Event) {
	if !j.Detail.Rules.Settle {
		return
	}
	d := SettleDetail{}
	if j.Detail.Settle != nil {
		d = SettleDetail{Due: j.Detail.Settle.Due, Refunds: slices.Clone(j.Detail.Settle.Refunds)}
	}
	switch e.Kind {
	case RefundDue, RefundSubmitted, RefundWithdrawn:
		d.Due = e.Due
	case RefundNotDue:
		d.Due = nil
	}
	if e.Refund != nil {
		d.put(e.Kind, *e.Refund, e.At)
	}
	j.Detail.Settle = &d
	j.Status[StepSettle] = d.status()
}

func (d *SettleDetail) put(kind EventKind, r RefundDetail, at time.Time) {
	r.State, r.At = string(kind)[len("refund."):], at
	i := slices.IndexFunc(d.Refunds, func(o RefundDetail) bool { return o.Ref == r.Ref })
	switch {
	case kind == RefundWithdrawn && i >= 0:
		d.Refunds = slices.Delete(d.Refunds, i, i+1)
	case kind == RefundWithdrawn:
	case i >= 0:
		d.Refunds[i] = r
	default:
		d.Refunds = append(d.Refunds, r)
	}
}

func (d *SettleDetail) status() Status {
	seen := map[Status]bool{}
	for _, r := range d.Refunds {
		seen[settleStatus[EventKind("refund."+r.State)]] = true
	}
	switch {
	case seen[ActionNeeded]:
		return ActionNeeded
	case seen[InProgress]:
		return InProgress
	case len(d.Due) > 0:
		return NotStarted
	case seen[Completed]:
		return Completed
	}
	return NotNeeded
}
