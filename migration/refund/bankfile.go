package refund

import (
	"bytes"
	"fmt"
	"iter"

	"offramp/migration/refund/payout/bankfile"
)

// bankFile writes the file of a batch and reads it back by the checker, which shares no code with the writer.
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
		Payments: func() iter.Seq2[bankfile.Payment, error] { return s.transfers(b, items) },
	})
	if err != nil {
		return nil, err
	}
	if sum.Count != b.Count || len(sum.Totals) != 1 || sum.Totals[0].Sum != b.Control || sum.Totals[0].Currency != b.Currency {
		return nil, fmt.Errorf("the file holds %d payments of %v, the batch %d of %d %s", sum.Count, sum.Totals, b.Count, b.Control, b.Currency)
	}
	return file.Bytes(), bankfile.Verify(bytes.NewReader(file.Bytes()), sum)
}

func (s *Service) transfers(b Batch, items []batched) iter.Seq2[bankfile.Payment, error] {
	return func(yield func(bankfile.Payment, error) bool) {
		for _, item := range items {
			to, err := s.openAccount(item.CustomerID, item.sealed)
			if !yield(bankfile.Payment{Ref: item.endToEnd, Amount: item.amount, Currency: b.Currency, To: to, Note: item.Ref}, err) || err != nil {
				return
			}
		}
	}
}
