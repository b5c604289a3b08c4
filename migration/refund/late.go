package refund

import (
	"context"
	"fmt"
	"slices"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/refund/payout"
)

// underWay reports whether a refund's state is what its attempts make it.
func underWay(r Refund) bool {
	return slices.Contains([]State{Released, Unknown, Paid, Returned}, r.State)
}

// unsettled says which task news of an attempt is that cannot be entered, because a human has to find out first what is true;
// empty: it can. list has the attempt as it would be.
func unsettled(r Refund, before, a attempt, list []attempt) (kind string) {
	if _, settled, _ := sum(r, list); settled > r.Amount || rivalled(a, list) {
		return TaskSecond // paid twice: no ledger entry undoes that
	}
	if underWay(r) || r.State != Withdrawn && before.over() && a.over() {
		return ""
	}
	return TaskLate
}

// lateNews enters that money came back, or has arrived after all, while its refund is decided upon once more or after it was
// declined. What is left to pay is another amount now, so whoever had decided decides again; nothing is paid by this. The
// attempt's state has changed, so the same news told again changes nothing.
func (s *Service) lateNews(ctx context.Context, tx *db.Tx, r Refund, a attempt, list []attempt) error {
	next := r
	_, next.Settled, _ = sum(r, list)
	news := act{kind: "came_back", actor: system, text: reasonOf(a), record: "refund.came_back", detail: map[string]any{"attempt": a.number, "settled": next.Settled}}
	if a.state == string(payout.Succeeded) {
		news.kind, news.text, news.record = "arrived", "", "refund.arrived"
		if err := s.task(ctx, tx, TaskLate, a, fmt.Sprintf("%s after the refund was %s", a.state, r.State)); err != nil {
			return err
		}
	}
	if slices.Contains([]State{Reviewed, Second, Approved, Batched}, r.State) {
		next = next.anew()
		next.State, news.tell = Submitted, migration.RefundSubmitted
	}
	_, err := s.follow(ctx, tx, r, next, news)
	return err
}

// rivalled reports whether an attempt that had failed is alive again beside another one at the same payment.
func rivalled(a attempt, list []attempt) bool {
	return a.channel != bankChannel && a.state != string(payout.Failed) && slices.ContainsFunc(list, func(o attempt) bool {
		return o.number != a.number && o.paymentRef == a.paymentRef && o.channel != bankChannel && o.state != string(payout.Failed)
	})
}
