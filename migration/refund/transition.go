package refund

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// waits lists the states in which finance has something to look at.
var waits = []State{Submitted, Objected, Reviewed, Second, Approved, Batched}

// Open reports whether the refund is neither settled nor over.
func (r Refund) Open() bool {
	return !slices.Contains([]State{Paid, Credited, Waived, Closed, Withdrawn}, r.State)
}

var withdrawable = []State{Submitted, Questioned, Objected, Reviewed, Second}

// MayWithdraw reports whether the customer may still take it back: until it is approved, and not once a part of it was paid,
// whose payment would be free to be given back again. The two parts of one request go together.
func (r Refund) MayWithdraw() bool {
	return r.Settled == 0 && slices.Contains(withdrawable, r.State) && (r.Other == "" || slices.Contains(withdrawable, r.OtherState))
}

// MayObject reports whether the customer may object to a refusal at an instant.
func (r Refund) MayObject(now time.Time) bool {
	return r.State == Declined && r.ObjectUntil != nil && !now.After(*r.ObjectUntil)
}

// MayCorrect reports whether the customer may name another account: after the money came back, or in answer to a question.
func (r Refund) MayCorrect() bool {
	return r.State == Returned || r.State == Questioned && r.Method == Bank
}

// hands are the people who had the refund in their hands since it was last submitted.
func (r Refund) hands() []string {
	return []string{r.RequestedBy, r.ReviewedBy, r.ApprovedBy, r.SecondApprovedBy, r.ReleasedBy}
}

func (r Refund) touchedBy(who string) bool { return slices.Contains(r.hands(), who) }

// review finds it in order.
func (r Refund) review(now time.Time, by string) (Refund, error) {
	switch {
	case r.State != Submitted && r.State != Objected:
		return r, ErrMoved
	case r.touchedBy(by), r.DeclinedBy == by:
		return r, ErrSamePerson
	}
	r.State, r.ReviewedBy, r.ReviewedAt = Reviewed, by, &now
	return r, nil
}

// approve approves it, or approves it a second time.
func (r Refund) approve(now time.Time, by string) (Refund, error) {
	switch {
	case r.State != Reviewed && r.State != Second:
		return r, ErrMoved
	case r.touchedBy(by):
		return r, ErrSamePerson
	}
	done := Approved
	if r.Method == Waive {
		done = Waived
		r.SettledAt = &now
	}
	switch {
	case r.State == Second:
		r.State, r.SecondApprovedBy, r.SecondApprovedAt = done, by, &now
		return r, nil
	case r.SecondNeeded:
		done, r.SettledAt = Second, nil
	}
	r.State, r.ApprovedBy, r.ApprovedAt = done, by, &now
	return r, nil
}

// sendable are the states from which finance may send it back or decline it: until it is released.
var sendable = []State{Submitted, Objected, Reviewed, Second, Approved, Batched}

// ask sends it back with a question.
func (r Refund) ask(question string) (Refund, error) {
	question, err := text(question)
	switch {
	case !slices.Contains(sendable, r.State):
		return r, ErrMoved
	case err != nil:
		return r, err
	}
	r = r.anew()
	r.State, r.Question, r.Answer = Questioned, question, ""
	return r, nil
}

// reply answers the question.
func (r Refund) reply(answer string) (Refund, error) {
	answer, err := text(answer)
	switch {
	case r.State != Questioned:
		return r, ErrMoved
	case err != nil:
		return r, err
	}
	r.State, r.Answer = Submitted, answer
	return r, nil
}

// decline refuses it. After an objection that is for another person than declined it before.
func (r Refund) decline(until time.Time, by string, reason Reason, words string) (Refund, error) {
	words = strings.TrimSpace(words)
	bad := ErrReason
	if !slices.Contains(Reasons, reason) {
		bad = bad.Field("reason", "refund.reason.none", nil)
	}
	if reason == ReasonOther && words == "" {
		bad = bad.Field("text", "refund.text.none", nil)
	}
	if utf8.RuneCountInString(words) > MaxText {
		bad = bad.Field("text", "fault.input.long", map[string]any{"Limit": MaxText})
	}
	switch {
	case !slices.Contains(append([]State{Questioned}, sendable...), r.State):
		return r, ErrMoved
	case r.Objection != "" && r.DeclinedBy == by:
		return r, ErrSamePerson
	case len(bad.Fields) > 0:
		return r, bad
	}
	r.DeclinedBy = by
	r.State, r.Reason, r.ReasonText, r.ObjectUntil, r.BatchID = Declined, reason, words, &until, ""
	return r, nil
}

// object objects to a refusal.
func (r Refund) object(now time.Time, why string) (Refund, error) {
	why, err := text(why)
	switch {
	case !r.MayObject(now):
		return r, ErrMoved
	case err != nil:
		return r, err
	}
	r = r.anew()
	r.State, r.Objection = Objected, why
	return r, nil
}

// withdraw takes it back.
func (r Refund) withdraw() (Refund, error) {
	if !r.MayWithdraw() {
		return r, ErrMoved
	}
	r.State = Withdrawn
	return r, nil
}

// anew forgets who reviewed and approved: a new round begins. The database does the same.
func (r Refund) anew() Refund {
	r.ReviewedBy, r.ReviewedAt, r.ApprovedBy, r.ApprovedAt = "", nil, "", nil
	r.SecondApprovedBy, r.SecondApprovedAt, r.ReleasedBy, r.ReleasedAt, r.BatchID = "", nil, "", nil, ""
	return r
}

// text checks what a person has to write.
func text(s string) (string, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return "", ErrText.Field("text", "refund.text.none", nil)
	case utf8.RuneCountInString(s) > MaxText:
		return "", ErrText.Field("text", "fault.input.long", map[string]any{"Limit": MaxText})
	}
	return s, nil
}
