package payout

import (
	"cmp"
	"errors"
	"fmt"
)

// ErrSecondRefund is the cause of news about another refund than the one that the attempt has: it was paid twice, or
// somebody copied our metadata. A human must look.
var ErrSecondRefund = errors.New("payout: the attempt has another refund")

// Merge folds an event of the attempt into what is known of it. What is newer by the provider's clock holds; in the same
// second what is further along does, so a refund that succeeded and then came back has failed. The end is the same in
// every order of the events and however often each comes.
func Merge(current Outcome, e Event) (Outcome, error) {
	if e.Outcome.ID == "" {
		return current, nil // no refund, no news
	}
	return Fold(current, e.Outcome)
}

// Fold is Merge for what a call or a look-up came to. What the provider has outweighs what a call could not say: neither a
// time-out nor an absence takes back a refund that is known.
func Fold(current, next Outcome) (Outcome, error) {
	switch {
	case current.ID == "":
		return next, nil
	case next.ID == "":
		return current, nil
	case current.ID != next.ID:
		return current, fmt.Errorf("%w: %s beside %s", ErrSecondRefund, next.ID, current.ID)
	case later(next, current):
		return next, nil
	}
	return current, nil
}

// later orders what is said of one refund: by the provider's clock, then by how far along, then by the words, so that what
// comes first does not decide between two that differ.
func later(a, b Outcome) bool {
	return cmp.Or(
		a.At.Compare(b.At), cmp.Compare(rank(a.State), rank(b.State)),
		cmp.Compare(a.Failure, b.Failure), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Detail, b.Detail),
		cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Currency, b.Currency),
	) > 0
}

func rank(s State) int {
	switch s {
	case Accepted:
		return 1
	case Succeeded:
		return 2
	case Failed:
		return 3
	}
	return 0
}
