package payout_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"offramp/migration/refund/payout"
)

// history draws what a provider may tell of one refund: states that move on, at instants that may be one second.
func history(t *rapid.T) []payout.Event {
	at, events := time.Unix(1_760_000_000, 0).UTC(), []payout.Event{}
	states := rapid.SampledFrom([][]payout.State{
		{payout.Succeeded},
		{payout.Accepted, payout.Succeeded},
		{payout.Accepted, payout.Failed},
		{payout.Succeeded, payout.Failed},
		{payout.Accepted, payout.Accepted, payout.Succeeded, payout.Failed},
		{payout.Accepted, payout.Succeeded, payout.Succeeded},
	}).Draw(t, "states")
	for i, state := range states {
		at = at.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "seconds")) * time.Second)
		o := payout.Outcome{State: state, ID: "re_1", At: at, Amount: 100, Currency: "CNY"}
		if state == payout.Failed {
			o.Failure, o.Code = payout.MethodFailed, rapid.SampledFrom([]string{"declined", "unknown"}).Draw(t, "code")
		}
		events = append(events, payout.Event{ID: string(rune('a' + i)), Created: at, Outcome: o})
	}
	return events
}

// Every order of a history, with some events delivered twice, ends where the history does.
func TestF08_EveryOrderEndsInTheSameState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		events := history(t)
		want := events[len(events)-1].Outcome
		for range rapid.IntRange(0, 2).Draw(t, "twice") {
			events = append(events, rapid.SampledFrom(events).Draw(t, "again"))
		}
		start := rapid.SampledFrom([]payout.Outcome{{}, {State: payout.Unknown, Code: "timeout"}, {State: payout.NotFound}}).Draw(t, "start")
		permute(events, func(order []payout.Event) {
			state := start
			for _, e := range order {
				var err error
				if state, err = payout.Merge(state, e); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, state); diff != "" {
				t.Fatalf("%v: %s", order, diff)
			}
		})
	})
}

// permute calls f with every order of list.
func permute(list []payout.Event, f func([]payout.Event)) {
	if len(list) == 0 {
		f(nil)
		return
	}
	var walk func(head, rest []payout.Event)
	walk = func(head, rest []payout.Event) {
		if len(rest) == 0 {
			f(head)
			return
		}
		for i := range rest {
			next := append(append([]payout.Event{}, rest[:i]...), rest[i+1:]...)
			walk(append(head[:len(head):len(head)], rest[i]), next)
		}
	}
	walk(nil, list)
}

// Any two things that may be said of a refund, contradictions included, come to the same in both orders.
func TestF08_MergeIsTheSameInBothOrdersWhateverIsSaid(t *testing.T) {
	t.Parallel()
	outcome := rapid.Custom(func(t *rapid.T) payout.Outcome {
		return payout.Outcome{
			State: rapid.SampledFrom([]payout.State{payout.Accepted, payout.Succeeded, payout.Failed, payout.Unknown}).Draw(t, "state"), ID: "re_1",
			Code: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "code"), Amount: rapid.Int64Range(1, 2).Draw(t, "amount"),
			At: time.Unix(rapid.Int64Range(0, 2).Draw(t, "at"), 0),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := outcome.Draw(t, "a"), outcome.Draw(t, "b"), outcome.Draw(t, "c")
		fold := func(list ...payout.Outcome) (state payout.Outcome) {
			for _, o := range list {
				state, _ = payout.Fold(state, o)
			}
			return state
		}
		for _, other := range [][]payout.Outcome{{a, c, b}, {b, a, c}, {b, c, a}, {c, a, b}, {c, b, a}, {a, b, c, a, b}} {
			if diff := cmp.Diff(fold(a, b, c), fold(other...)); diff != "" {
				t.Fatalf("%v: %s", other, diff)
			}
		}
	})
}

func TestF09_WhatFailedAfterItSucceededHasFailed(t *testing.T) {
	at := time.Unix(1_760_000_000, 0)
	succeeded := payout.Outcome{State: payout.Succeeded, ID: "re_1", At: at}
	failed := payout.Event{Outcome: payout.Outcome{State: payout.Failed, ID: "re_1", Failure: payout.MethodFailed, At: at}}
	if got, err := payout.Merge(succeeded, failed); err != nil || got.State != payout.Failed {
		t.Errorf("in the same second: %+v, %v", got, err)
	}
	failed.Outcome.At = at.Add(time.Hour)
	got, err := payout.Merge(succeeded, failed)
	if err != nil || got.State != payout.Failed {
		t.Errorf("later: %+v, %v", got, err)
	}
	if got, err = payout.Merge(got, payout.Event{Outcome: succeeded}); err != nil || got.State != payout.Failed {
		t.Errorf("the older event comes last: %+v, %v", got, err)
	}
}

func TestMergeKeepsWhatIsKnown(t *testing.T) {
	known := payout.Outcome{State: payout.Accepted, ID: "re_1", At: time.Unix(5, 0)}
	for name, next := range map[string]payout.Outcome{"unknown": {State: payout.Unknown}, "not found": {State: payout.NotFound}, "refused": {State: payout.Failed, Failure: payout.Invalid}} {
		if got, err := payout.Fold(known, next); err != nil || !cmp.Equal(got, known) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := payout.Fold(known, payout.Outcome{State: payout.Succeeded, ID: "re_2", At: time.Unix(9, 0)}); !errors.Is(err, payout.ErrSecondRefund) || !cmp.Equal(got, known) {
		t.Errorf("another refund: %+v, %v", got, err)
	}
	if got, err := payout.Merge(known, payout.Event{}); err != nil || !cmp.Equal(got, known) {
		t.Errorf("an event without a refund: %+v, %v", got, err)
	}
	if got, _ := payout.Fold(payout.Outcome{State: payout.Unknown}, payout.Outcome{State: payout.NotFound}); got.State != payout.NotFound {
		t.Errorf("looked up: %+v", got)
	}
}
