package refund

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	"offramp/migration/refund/payout/bankfile"
)

// openFor bounds how long the accounts of a batch may take to open: their keys may be elsewhere, and refunds are locked meanwhile.
const openFor = 30 * time.Second

// openAll opens the accounts of items that have none yet. ErrKeys.
func (s *Service) openAll(ctx context.Context, items []batched) error {
	ctx, cancel := context.WithTimeout(ctx, openFor)
	defer cancel()
	for i := range items {
		if items[i].to.Kind != "" {
			continue
		}
		to, err := s.openAccount(ctx, items[i].CustomerID, items[i].sealed)
		if err != nil {
			return fmt.Errorf("refund %s: %w", items[i].Ref, err)
		}
		items[i].to = to
	}
	return nil
}

// bankFile writes the file of a batch, whose accounts are open, and reads it back by the checker, which shares no code with the
// writer.
func (s *Service) bankFile(b Batch, items []batched) ([]byte, error) {
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
		ID: id, Created: b.CreatedAt, Execution: b.CreatedAt, Debtor: debtor.Debtor, Unicode: debtor.Unicode,
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
