package refund

import (
	"context"
	"fmt"
	"slices"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/refund/quote"
)

// settle works out what is due to some customers and tells the journeys of those for whom that is new, in the caller's
// transaction. It returns how many were told of something, and how many of nothing.
func (e *Entitlements) settle(ctx context.Context, tx *db.Tx, p *migration.Programme, actor string, list []*entitled) (due, notDue int64, err error) {
	if len(list) == 0 {
		return 0, 0, nil
	}
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.customer.ID
	}
	paid, err := e.store.payments(ctx, tx, ids)
	if err != nil {
		return 0, 0, err
	}
	covered, err := e.covering(ctx, tx, ids)
	if err != nil {
		return 0, 0, err
	}
	var told []migration.Told
	for _, c := range list {
		amounts, err := dueOf(p, c.customer, paid[c.customer.ID], covered[c.customer.ID], tx)
		if err != nil {
			return 0, 0, fmt.Errorf("work out what is due to %s: %w", c.customer.Ref, err)
		}
		first := c.programme == 0
		if !first && slices.Equal(amounts, c.due) {
			continue
		}
		c.due = amounts
		event := migration.Event{Kind: migration.RefundDue, Actor: actor, Due: amounts}
		if len(amounts) == 0 {
			event = migration.Event{Kind: migration.RefundNotDue, Actor: actor}
			notDue++
		} else {
			due++
		}
		told = append(told, migration.Told{CustomerID: c.customer.ID, Ref: c.customer.Ref, Event: event})
	}
	if err := e.store.due(ctx, tx, p.Version, list); err != nil {
		return 0, 0, err
	}
	if !p.Steps.Settle {
		return 0, 0, nil
	}
	return due, notDue, e.customers.TellAll(ctx, tx, told)
}

// dueOf is what a customer could ask for, by currency: what is paid out or, where only that is possible, credited.
func dueOf(p *migration.Programme, c migration.Customer, e quote.Entitlement, covered map[string]bool, tx *db.Tx) ([]migration.Amount, error) {
	e.Payments = slices.DeleteFunc(slices.Clone(e.Payments), func(pay quote.Payment) bool { return covered[pay.Ref] })
	in, ok := quote.For(p, c, e, tx.Now)
	if !ok {
		return nil, nil
	}
	quotes, err := quote.Compute(in)
	if err != nil {
		return nil, err
	}
	var amounts []migration.Amount
	for _, q := range quotes {
		if q.Refund > 0 || q.Credits[0].Total > 0 && p.Refund.Offers(migration.SettleCredit) {
			amounts = append(amounts, migration.Amount{Minor: q.Total, Currency: q.Currency})
		}
	}
	return amounts, nil
}

// Refresh works out anew what is due to customers for whom the programme in effect or a day of their own has changed since,
// and tells their journeys. It is cheap when nothing has. Each batch is one transaction. It returns how many were told.
func (e *Entitlements) Refresh(ctx context.Context, actor string) (told int64, err error) {
	p, err := e.active(ctx)
	if err != nil {
		return 0, err
	}
	for {
		n := 0
		err := e.db.InTx(ctx, db.SystemScope("refresh what is due"), func(tx *db.Tx) error {
			if err := e.store.takeTurn(ctx, tx); err != nil {
				return err
			}
			stale, err := e.store.stale(ctx, tx, p.Version, paymentBatchSize)
			if err != nil {
				return err
			}
			n = len(stale)
			due, notDue, err := e.settle(ctx, tx, p, actor, stale)
			told += due + notDue
			return err
		})
		if err != nil || n == 0 {
			return told, err
		}
	}
}
