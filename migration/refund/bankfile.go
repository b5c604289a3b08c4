package refund

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"offramp/migration/refund/payout/account"
	"offramp/migration/refund/payout/bankfile"
)

// openFor bounds how long the accounts of a batch may take to open: their keys may be elsewhere.
const openFor = 30 * time.Second

// opened are accounts by what they were sealed as. What no key of ours opens has no kind.
type opened map[string]account.Account

// openAll opens the accounts of refunds. It may call a key service, so it comes before the transaction that locks them. ErrKeys:
// nobody can tell now.
func (s *Service) openAll(ctx context.Context, list []Refund) (opened, error) {
	ctx, cancel := context.WithTimeout(ctx, openFor)
	defer cancel()
	all := opened{}
	for _, r := range list {
		to, err := s.openAccount(ctx, r.CustomerID, r.sealed)
		if errors.Is(err, ErrKeys) {
			return nil, fmt.Errorf("refund %s: %w", r.Ref, err)
		}
		all[r.sealed] = to
	}
	return all, nil
}

// take fills in the accounts of items. ErrBatchMoved: one was changed since they were opened.
func (o opened) take(items []batched) error {
	for i := range items {
		to, ok := o[items[i].sealed]
		if !ok || to.Kind == "" {
			return ErrBatchMoved
		}
		items[i].to = to
	}
	return nil
}

// bankFile writes the file of a batch, whose accounts are open, as of an instant, and reads it back by the checker, which shares no
// code with the writer. The bank is asked to pay on that day, or on the next on which it works.
func (s *Service) bankFile(b Batch, items []batched, at time.Time) ([]byte, error) {
	debtor, ok := s.debtor(b.Currency)
	if !ok {
		return nil, ErrNoDebtor
	}
	id := b.Ref
	if b.Dropped > 0 {
		id += "-R" // another file than the one with the dropped refunds, which never left
	}
	var file bytes.Buffer
	sum, err := bankfile.Write(&file, bankfile.Batch{
		ID: id, Created: at, Execution: debtor.Days.Next(at, b.Currency), Debtor: debtor.Debtor, Unicode: debtor.Unicode, Booking: debtor.Booking,
		Payments: func() iter.Seq2[bankfile.Payment, error] { return payments(b, items) },
	})
	if err != nil {
		return nil, err
	}
	if sum.Count != b.Count || len(sum.Totals) != 1 || sum.Totals[0].Sum != b.Control || sum.Totals[0].Currency != b.Currency {
		return nil, fmt.Errorf("the file holds %d payments of %v, the batch %d of %d %s", sum.Count, sum.Totals, b.Count, b.Control, b.Currency)
	}
	return file.Bytes(), bankfile.Verify(bytes.NewReader(file.Bytes()), sum)
}

func payments(b Batch, items []batched) iter.Seq2[bankfile.Payment, error] {
	return func(yield func(bankfile.Payment, error) bool) {
		for _, item := range items {
			if !yield(bankfile.Payment{Ref: item.endToEnd, Amount: item.amount, Currency: b.Currency, To: item.to, Note: item.Ref}, nil) {
				return
			}
		}
	}
}
