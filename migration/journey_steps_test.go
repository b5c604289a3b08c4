package migration

import (
	"errors"
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 21, 4, 0, 0, 0, time.UTC)

func started(t *testing.T, rules StepRules, events ...Event) Journey {
	t.Helper()
	j := Journey{CustomerID: "a"}
	for i, e := range slices.Concat([]Event{{Kind: JourneyStarted, Rules: rules}}, events) {
		e.At = noon.Add(time.Duration(i) * time.Minute)
		var err error
		if j, err = j.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

func TestAChoiceMovesStepThree(t *testing.T) {
	own, partner := &ChoiceDetail{Replacement: "next", Own: true}, &ChoiceDetail{Replacement: "other"}
	for name, tt := range map[string]struct {
		events []Event
		want   Status
		state  string
	}{
		"nothing":                   {nil, NotStarted, ""},
		"later":                     {[]Event{{Kind: ChoiceDeferred, Reason: "budget"}}, InProgress, "deferred"},
		"later, then an offer ends": {[]Event{{Kind: ChoiceDeferred}, {Kind: ChoiceOfferEnding}}, ActionNeeded, "offer_ending"},
		"none":                      {[]Event{{Kind: ChoiceNone}}, Completed, "none"},
		"a partner":                 {[]Event{{Kind: ChoiceMade, Choice: partner}}, Completed, "made"},
		"a partner imports":         {[]Event{{Kind: ChoiceMade, Choice: partner}, {Kind: ChoiceImporting, Choice: partner}}, Completed, "importing"},
		"our own":                   {[]Event{{Kind: ChoiceMade, Choice: own}}, InProgress, "made"},
		"our own imports":           {[]Event{{Kind: ChoiceMade, Choice: own}, {Kind: ChoiceImporting}}, InProgress, "importing"},
		"our own moved":             {[]Event{{Kind: ChoiceMade, Choice: own}, {Kind: ChoiceMoved}}, Completed, "moved"},
		"our own failed":            {[]Event{{Kind: ChoiceMade, Choice: own}, {Kind: ChoiceFailed}}, Problem, "failed"},
		"withdrawn":                 {[]Event{{Kind: ChoiceMade, Choice: partner}, {Kind: ChoiceWithdrawn}}, ActionNeeded, "withdrawn"},
		"news of an earlier choice": {[]Event{{Kind: ChoiceMade, Choice: own}, {Kind: ChoiceMade, Choice: partner}, {Kind: ChoiceFailed, Choice: own}}, Completed, "made"},
		"undone":                    {[]Event{{Kind: ChoiceMade, Choice: partner}, {Kind: ChoiceUndone}}, NotStarted, ""},
	} {
		t.Run(name, func(t *testing.T) {
			j := started(t, StepRules{Choose: true}, tt.events...)
			state := ""
			if j.Detail.Choice != nil {
				state = j.Detail.Choice.State
			}
			if j.Status[StepChoose] != tt.want || state != tt.state {
				t.Errorf("%s %q, want %s %q", j.Status[StepChoose], state, tt.want, tt.state)
			}
		})
	}
	if j := started(t, StepRules{}, Event{Kind: ChoiceMade, Choice: partner}); j.Status[StepChoose] != NotNeeded {
		t.Errorf("without the step: %s", j.Status[StepChoose])
	}
}

func TestRefundsMoveStepFour(t *testing.T) {
	cny := []Amount{{443836, "CNY"}}
	one, two := &RefundDetail{Ref: "RF-1", Amount: cny[0], Method: "bank"}, &RefundDetail{Ref: "RF-2", Amount: Amount{100, "USD"}, Method: "original"}
	for name, tt := range map[string]struct {
		events []Event
		want   Status
	}{
		"not known yet":             {nil, CannotStart},
		"due":                       {[]Event{{Kind: RefundDue, Due: cny}}, NotStarted},
		"not due":                   {[]Event{{Kind: RefundNotDue}}, NotNeeded},
		"submitted":                 {[]Event{{Kind: RefundDue, Due: cny}, {Kind: RefundSubmitted, Refund: one}}, InProgress},
		"unknown":                   {[]Event{{Kind: RefundSubmitted, Refund: one}, {Kind: RefundUnknown, Refund: one}}, InProgress},
		"paid":                      {[]Event{{Kind: RefundSubmitted, Refund: one}, {Kind: RefundPaid, Refund: one}}, Completed},
		"paid, and more is due":     {[]Event{{Kind: RefundSubmitted, Refund: one, Due: []Amount{{100, "USD"}}}, {Kind: RefundPaid, Refund: one}}, NotStarted},
		"paid, then returned":       {[]Event{{Kind: RefundSubmitted, Refund: one}, {Kind: RefundPaid, Refund: one}, {Kind: RefundReturned, Refund: one}}, ActionNeeded},
		"a question outranks":       {[]Event{{Kind: RefundSubmitted, Refund: one}, {Kind: RefundSubmitted, Refund: two}, {Kind: RefundQuestioned, Refund: two}}, ActionNeeded},
		"one paid, one on its way":  {[]Event{{Kind: RefundSubmitted, Refund: one}, {Kind: RefundPaid, Refund: one}, {Kind: RefundSubmitted, Refund: two}}, InProgress},
		"declined":                  {[]Event{{Kind: RefundSubmitted, Refund: one}, {Kind: RefundDeclined, Refund: one}}, ActionNeeded},
		"declined, and time passed": {[]Event{{Kind: RefundSubmitted, Refund: one}, {Kind: RefundDeclined, Refund: one}, {Kind: RefundClosed, Refund: one}}, Completed},
		"withdrawn":                 {[]Event{{Kind: RefundSubmitted, Refund: one}, {Kind: RefundWithdrawn, Refund: one, Due: cny}}, NotStarted},
		"step configured again":     {[]Event{{Kind: RefundNotDue}, {Kind: StepsReconfigure, Rules: StepRules{Settle: true}}}, NotNeeded},
	} {
		t.Run(name, func(t *testing.T) {
			if j := started(t, StepRules{Settle: true}, tt.events...); j.Status[StepSettle] != tt.want {
				t.Errorf("%s, want %s", j.Status[StepSettle], tt.want)
			}
		})
	}
	if j := started(t, StepRules{}, Event{Kind: RefundDue, Due: cny}); j.Status[StepSettle] != NotNeeded {
		t.Errorf("without the step: %s", j.Status[StepSettle])
	}
}

func TestStepFiveOpensWhenTheOthersNeedNothingMore(t *testing.T) {
	checked := []Event{{Kind: ExportRequested, ExportID: "x"}, {Kind: ExportChecked, ExportID: "x"}}
	partner := Event{Kind: ChoiceMade, Choice: &ChoiceDetail{Replacement: "other"}}
	both := StepRules{Choose: true, Settle: true}
	for name, tt := range map[string]struct {
		rules  StepRules
		events []Event
		want   Status
	}{
		"at first":              {both, nil, CannotStart},
		"one left":              {both, append(checked, partner), CannotStart},
		"all settled":           {both, append(checked, partner, Event{Kind: RefundNotDue}), NotStarted},
		"one came back":         {both, append(checked, partner, Event{Kind: RefundNotDue}, Event{Kind: ChoiceUndone}), CannotStart},
		"confirmed":             {StepRules{}, append(checked, Event{Kind: MoveConfirmed}), Completed},
		"confirmed before time": {both, []Event{{Kind: MoveConfirmed}}, Completed},
		"confirmed stays":       {both, append(checked, partner, Event{Kind: RefundNotDue}, Event{Kind: MoveConfirmed}, Event{Kind: ChoiceUndone}), Completed},
	} {
		t.Run(name, func(t *testing.T) {
			if j := started(t, tt.rules, tt.events...); j.Status[StepConfirm] != tt.want {
				t.Errorf("%s, want %s", j.Status[StepConfirm], tt.want)
			}
		})
	}
	if _, err := (Journey{}).Apply(Event{Kind: "choice.invented"}); !errors.Is(err, ErrUnknownEvent) {
		t.Errorf("an unknown choice event: %v", err)
	}
}
