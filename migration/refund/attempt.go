package refund

import (
	"time"

	"offramp/migration/refund/payout"
)

// The states of an attempt that are not payout's.
const (
	planned = "planned" // its key is committed; nothing has left
	sent    = "sent"    // somebody calls
)

// bankChannel is the channel of bank files.
const bankChannel = "bank"

// When an unknown attempt is looked up: a call that was cut off may still be on its way for a while.
var lookAfter = []time.Duration{5 * time.Minute, time.Hour, 24 * time.Hour}

const (
	callFor  = 30 * time.Second // a call to a provider
	leaseFor = 2 * time.Minute  // nobody else touches an attempt while somebody may be calling
	busyFor  = time.Minute      // before a provider that was busy is called again
)

// attempt is one try at one payment.
type attempt struct {
	refundID, ref   string
	number          int
	customerID      string
	paymentRef      string
	channel         string
	providerPayment string
	amount          int64
	currency        string
	key             string
	state           string
	fence           int
	leasedUntil     *time.Time
	outcome         payout.Outcome // as it is known
	calledAt        *time.Time
	settledAt       *time.Time
	nextAt          *time.Time
	looked          int
}

// order is what the provider is asked.
func (a attempt) order() payout.Order {
	return payout.Order{
		Ref: a.ref, Attempt: a.number, IdempotencyKey: a.key, ProviderPayment: a.providerPayment, ProviderRefund: a.outcome.ID,
		Amount: a.amount, Currency: a.currency,
	}
}

func (a attempt) over() bool {
	return a.state == string(payout.Succeeded) || a.state == string(payout.Failed)
}

// deed is what a worker does about an attempt next.
type deed int

const (
	nothing deed = iota // it is settled, or on its way
	wait                // until the attempt's next time
	call                // the provider has never been called with it, or knows nothing of it
	look                // whether the provider has it
	lost                // whoever called has died: nobody knows
)

// next says what to do about an attempt at an instant.
func (a attempt) next(now time.Time) deed {
	leased := a.leasedUntil != nil && now.Before(*a.leasedUntil)
	due := a.nextAt == nil || !now.Before(*a.nextAt)
	switch {
	case a.channel == bankChannel || a.over() || a.state == string(payout.Accepted):
		return nothing
	case leased || !due:
		return wait
	case a.state == planned:
		return call
	case a.state == sent:
		return lost
	}
	return look
}

// again is when it is worth coming back to an attempt that waits.
func (a attempt) again() time.Time {
	var at time.Time
	for _, t := range []*time.Time{a.leasedUntil, a.nextAt} {
		if t != nil && t.After(at) {
			at = *t
		}
	}
	return at
}

// claim takes the attempt for a call or a look-up.
func (a attempt) claim(now time.Time, d deed) attempt {
	until := now.Add(leaseFor)
	a.fence++
	a.leasedUntil, a.nextAt = &until, nil
	if d == call {
		a.state, a.calledAt = sent, &now
	}
	return a
}

// lose notes that nobody knows what became of the call.
func (a attempt) lose(now time.Time) attempt {
	a.state, a.leasedUntil = string(payout.Unknown), nil
	from := now
	if a.looked == 0 && a.calledAt != nil {
		from = *a.calledAt
	}
	at := from.Add(lookAfter[min(a.looked, len(lookAfter)-1)])
	a.nextAt = &at
	return a
}

// fold takes in what a call, a look-up or an event tells. The end is the same in every order of what is told.
func (a attempt) fold(now time.Time, o payout.Outcome) (attempt, error) {
	a.leasedUntil = nil
	switch {
	case o.ID != "":
		merged, err := payout.Merge(a.outcome, payout.Event{Outcome: o})
		if err != nil {
			return a, err
		}
		a.outcome = merged
		return a.stand(now), nil
	case a.outcome.ID != "" || a.over():
		return a, nil // the provider has told more by an event meanwhile
	case o.State == payout.NotFound && a.calledAt != nil && now.Sub(*a.calledAt) < lookAfter[0]:
		return a.lose(now), nil // the call may still be on its way
	case o.State == payout.NotFound:
		a.state, a.nextAt = planned, nil // once more, with the same key
		return a, nil
	case o.State == payout.Failed && o.Failure == payout.Busy:
		at := now.Add(busyFor)
		a.state, a.nextAt, a.outcome.Code, a.outcome.Detail = planned, &at, o.Code, o.Detail
		return a, nil
	case o.State == payout.Failed:
		a.outcome = o
		return a.stand(now), nil
	}
	a.outcome.Code, a.outcome.Detail = o.Code, o.Detail
	return a.lose(now), nil
}

// stand makes the attempt's state what is known of it.
func (a attempt) stand(now time.Time) attempt {
	if a.state == string(a.outcome.State) {
		return a
	}
	a.state, a.nextAt, a.settledAt = string(a.outcome.State), nil, nil
	if a.over() {
		a.settledAt = &now
	}
	return a
}

// customers says which failures only the customer can mend, by naming a bank account.
func customers(f payout.Failure) bool { return f == payout.MethodFailed || f == returned }

// returned is the failure of a bank transfer that came back; its code is the bank's.
const returned payout.Failure = "returned"

// sum works out where a refund stands by the attempts of its latest try at each payment.
func sum(r Refund, list []attempt) (State, int64, string) {
	latest := map[string]attempt{}
	var settled int64
	for _, a := range list { // by number
		latest[a.paymentRef] = a
		if a.state == string(payout.Succeeded) {
			settled += a.amount
		}
	}
	var unknown, open, broken bool
	why := ""
	for _, a := range latest {
		switch {
		case a.state == string(payout.Unknown):
			unknown = true
		case !a.over():
			open = true
		case a.state == string(payout.Failed) && customers(a.outcome.Failure):
			broken = true
			if reason := reasonOf(a); why == "" || reason < why {
				why = reason
			}
		case a.state == string(payout.Failed):
			open = true // a human of ours mends it
		}
	}
	switch {
	case settled == r.Amount:
		return Paid, settled, ""
	case unknown:
		return Unknown, settled, ""
	case open || !broken:
		return Released, settled, ""
	}
	return Returned, settled, why
}

func reasonOf(a attempt) string {
	if a.outcome.Failure == returned && a.outcome.Code != "" {
		return a.outcome.Code
	}
	return string(a.outcome.Failure)
}
