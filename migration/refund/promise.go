package refund

import (
	"strconv"
	"time"

	"offramp/internal/mail"
	"offramp/migration"
)

// StageKey names a stage of a refund on its way to the customer.
type StageKey string

// The stages, in their order.
const (
	StageReview StageKey = "review" // until it is decided
	StagePay    StageKey = "pay"    // until it is paid or credited
	StageBank   StageKey = "bank"   // until it stands on the customer's statement
)

// stages in the order of Refund.stage.
var stages = []StageKey{StageReview, StagePay, StageBank}

// Stage is one of them with what was promised of it.
type Stage struct {
	Key  StageKey
	Days int       // calendar days; 0: nothing was promised
	By   time.Time // the last moment of the last day in the programme's zone; zero: it cannot be told
	Over bool
	Now  bool // the refund is in it
	Late bool // it is in it, and By is over
}

// Promised are the stages of a refund that would be submitted now. Those of which nothing is promised are left out.
func Promised(p *migration.Programme, m Method, now time.Time) []Stage {
	if p.Refund == nil {
		return nil
	}
	w := p.Refund.Within
	return Refund{Method: m, State: Submitted, ReviewDays: w.Review, PayDays: w.Pay, BankDays: w.Bank, RequestedAt: now, UpdatedAt: now}.Stages(p.Zone, now)
}

// Stages are a refund's stages as they stand at an instant. While it waits for the customer, or is over, there are none: the days
// begin anew with the answer.
func (r Refund) Stages(zone *time.Location, now time.Time) []Stage {
	at := r.stage()
	if at < 0 {
		return nil
	}
	all := []Stage{{Key: StageReview, Days: r.ReviewDays}, {Key: StagePay, Days: r.PayDays}, {Key: StageBank, Days: r.BankDays}}
	switch r.Method {
	case Credit:
		all = all[:2]
	case Waive:
		all = all[:1]
	}
	begins := []*time.Time{r.reviewedFrom(), last(r.ApprovedAt, r.SecondApprovedAt), paidFrom(r)}
	list := all[:0]
	var from *time.Time // the end of the stage before, where this one has not begun
	for i, s := range all {
		s.Over, s.Now = i < at, i == at
		if i <= at && begins[i] != nil {
			from = begins[i]
		}
		if s.Days == 0 {
			from = nil // nobody can tell when the next one begins
			continue
		}
		if from != nil {
			s.By = migration.DayOf(from.In(zone)).AddDays(s.Days).End(zone)
			s.Late = s.Now && now.After(s.By)
			if s.Late && r.State == Paid { // it was paid, and the bank's days are over
				s.Late, s.Now, s.Over = false, false, true
			}
			by := s.By
			from = &by
		}
		list = append(list, s)
	}
	return list
}

// stage is which stage the refund is in, from 0; -1: in none.
func (r Refund) stage() int {
	switch r.State {
	case Submitted, Objected, Reviewed, Second:
		return 0
	case Approved, Batched:
		return 1
	case Released, Unknown:
		return 2
	case Paid:
		return 2
	}
	return -1
}

// StageOf is the stage that a state is in; empty: none.
func StageOf(s State) StageKey {
	if at := (Refund{State: s}).stage(); at >= 0 {
		return stages[at]
	}
	return ""
}

// reviewedFrom is when the days of the review begin to count: with the request, or with the customer's last answer.
func (r Refund) reviewedFrom() *time.Time {
	at := r.RequestedAt
	if (r.State == Submitted || r.State == Objected) && r.UpdatedAt.After(at) {
		at = r.UpdatedAt
	}
	return &at
}

// paidFrom is when the bank's days begin to count: with the payment, or, until that is certain, with the release.
func paidFrom(r Refund) *time.Time {
	if r.SettledAt != nil {
		return r.SettledAt
	}
	return r.ReleasedAt
}

func last(a, b *time.Time) *time.Time {
	if b != nil {
		return b
	}
	return a
}

// promised adds to a mail's data the days of the stages that begin with what it tells.
func promised(r Refund, template string, data map[string]string) {
	days := map[string]int{"review_days": r.ReviewDays, "pay_days": r.PayDays, "bank_days": r.BankDays}
	switch template {
	case mail.RefundReceived, mail.RefundAnswered, mail.RefundCorrected, mail.RefundObjected:
	case mail.RefundApproved:
		delete(days, "review_days")
	case mail.RefundPaid:
		delete(days, "review_days")
		delete(days, "pay_days")
	default:
		return
	}
	switch r.Method {
	case Waive:
		delete(days, "pay_days")
		delete(days, "bank_days")
	case Credit:
		delete(days, "bank_days")
	}
	for _, key := range []string{"review_days", "pay_days", "bank_days"} {
		n, wanted := days[key]
		if wanted && n == 0 {
			return // nobody can tell when the next one begins
		}
		if wanted {
			data[key], data["since"] = strconv.Itoa(n), r.UpdatedAt.UTC().Format(time.RFC3339)
		}
	}
}
