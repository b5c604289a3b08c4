package refund

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/bankfile"
	"offramp/migration/refund/payout/bankresult"
)

// ours finds the reference of a transfer of ours in a bank's free text.
var ours = regexp.MustCompile(`RF-[0-9]{4}-[0-9]{6,}-[0-9]+`)

// batchName takes apart what a bank calls one of our batches: its reference, what its file's id has more, and the number of the
// PmtInf in it, where it names one.
var batchName = regexp.MustCompile(`^(PB-[0-9]{4}-[0-9]{6,})(-R)?(?:-[0-9]+)?$`)

// matchLine holds one line against what was sent, and settles the refund where both agree. Where mine is false the line concerns no
// refund.
func (s *Service) matchLine(ctx context.Context, tx *db.Tx, importID string, r bankresult.Result) (line BankResult, mine bool, err error) {
	line = BankResult{
		ID: rand.Text(), ImportID: importID, Line: r.Line, Queue: QueueUnmatched, EndToEnd: r.EndToEndID, Booked: r.State == bankresult.Booked,
		Amount: r.Amount, Currency: r.Currency, Reason: r.Reason, Detail: r.Detail, Date: r.Date, BankRef: r.BankRef,
		Whole: r.Whole, Payments: r.Payments,
	}
	unclear := r.State == bankresult.Unclear
	if unclear {
		line.Unclear = r.Why
	}
	if r.Whole {
		line.EndToEnd = r.Batch
		return s.matchWhole(ctx, tx, line)
	}
	refundID, number, err := s.findTransfer(ctx, tx, r)
	if errors.Is(err, ErrNotFound) {
		return line, !unclear, nil
	}
	if err != nil {
		return line, true, err
	}
	refund, a, err := s.store.lockAttempt(ctx, tx, refundID, number)
	if err != nil {
		return line, true, err
	}
	line.refundID, line.Ref, line.Expected = refund.ID, refund.Ref, a.amount
	if line.Queue = QueueDiffering; !unclear {
		line.Queue, err = s.settleLine(ctx, tx, refund, a, line)
	}
	return line, true, err
}

// findTransfer finds the transfer that a line names; one that came back may name it in the bank's words only. ErrNotFound.
func (s *Service) findTransfer(ctx context.Context, tx *db.Tx, r bankresult.Result) (refundID string, number int, err error) {
	err = ErrNotFound
	if r.EndToEndID != "" {
		refundID, number, err = s.store.findKey(ctx, tx, r.EndToEndID)
	}
	if key := ours.FindString(r.Detail); errors.Is(err, ErrNotFound) && r.State != bankresult.Booked && key != "" {
		return s.store.findKey(ctx, tx, key)
	}
	return refundID, number, err
}

// matchWhole holds the booking of a batch as one against the batch that it names: where the amount, and the number of payments if
// it is said, are the batch's, each of its transfers is settled.
func (s *Service) matchWhole(ctx context.Context, tx *db.Tx, line BankResult) (BankResult, bool, error) {
	name := batchName.FindStringSubmatch(line.EndToEnd)
	if name == nil {
		return line, line.Unclear == "", nil
	}
	sent, err := s.sentWith(ctx, tx, name[1])
	if errors.Is(err, ErrNotFound) {
		return line, line.Unclear == "", nil
	}
	if err != nil {
		return line, true, err
	}
	line.BatchID, line.BatchRef, line.Queue = sent.ID, sent.Ref, QueueDiffering
	part := sent.named(line.EndToEnd)
	if line.Expected = part.sum(); line.Unclear != "" || !part.is(line) || line.Payments > 0 && line.Payments != len(part) {
		return line, true, nil
	}
	line.Queue, err = s.settleWhole(ctx, tx, part, line)
	return line, true, err
}

// sentBatch is a released bank batch with the transfers of its file.
type sentBatch struct {
	Batch
	transfers
}

// transfers are payments of one bank file.
type transfers []bankfile.Payment

func (t transfers) sum() (sum int64) {
	for _, p := range t {
		sum += p.Amount
	}
	return sum
}

// is reports whether a line's amount is that of the transfers.
func (t transfers) is(line BankResult) bool {
	return len(t) > 0 && t[0].Currency == line.Currency && t.sum() == line.Amount
}

// named are the transfers of the PmtInf of a name; all of them where it is the file's.
func (s sentBatch) named(name string) transfers {
	return slices.DeleteFunc(slices.Clone(s.transfers), func(p bankfile.Payment) bool { return p.Group != name && !strings.HasPrefix(p.Group, name+"-") })
}

// sentWith reads the file of a batch that was released to the bank. ErrNotFound.
func (s *Service) sentWith(ctx context.Context, tx *db.Tx, ref string) (out sentBatch, err error) {
	if out.Batch, err = s.store.releasedBatch(ctx, tx, ref); err != nil {
		return out, err
	}
	file, err := s.store.fileOf(ctx, tx, out.ID)
	if err != nil {
		return out, err
	}
	_, err = bankfile.Check(bytes.NewReader(file), func(p bankfile.Payment) error {
		out.transfers = append(out.transfers, p)
		return nil
	})
	if err != nil {
		return out, fmt.Errorf("read the file of batch %s: %w", ref, err)
	}
	return out, nil
}

// settleWhole settles each transfer by what the bank says of all of them. Those whose state does not fit stay as they are, and make
// the line differ.
func (s *Service) settleWhole(ctx context.Context, tx *db.Tx, list transfers, line BankResult) (Queue, error) {
	queue := QueueReturned
	if line.Booked {
		queue = QueueMatched
	}
	for _, p := range list {
		refundID, number, err := s.store.findKey(ctx, tx, p.Ref)
		if err != nil {
			return queue, fmt.Errorf("transfer %s: %w", p.Ref, err)
		}
		r, a, err := s.store.lockAttempt(ctx, tx, refundID, number)
		if err != nil {
			return queue, err
		}
		one := line
		one.Amount = p.Amount
		q, err := s.settleLine(ctx, tx, r, a, one)
		if err != nil {
			return queue, err
		}
		if q == QueueDiffering {
			queue = q
		}
	}
	return queue, nil
}

// MatchResult ties an unmatched or differing line to a bank refund whose latest transfer of that amount and currency it tells of,
// or to a batch (PB-...) that was booked as one, and settles it as the import would have. ErrNotFound, ErrMoved when somebody has
// settled the line; ErrMatch with why it does not fit. For finance.
func (s *Service) MatchResult(ctx context.Context, staffID, resultID, ref, note string) (BankResult, error) {
	if ref = strings.ToUpper(strings.TrimSpace(ref)); ref == "" {
		return BankResult{}, ErrMatch.Field("ref", "refund.match.none", nil)
	}
	return s.changeLine(ctx, staffID, resultID, "bank.match", func(tx *db.Tx, line BankResult) (_ BankResult, err error) {
		if line.SettledBy != "" || line.Queue != QueueUnmatched && line.Queue != QueueDiffering {
			return line, ErrMoved
		}
		match := s.matchRefund
		if strings.HasPrefix(ref, "PB-") {
			match = s.matchBatch
		}
		if line, err = match(ctx, tx, line, ref); err != nil {
			return line, err
		}
		line.SettledBy, line.SettledAt, line.Note = staffID, &tx.Now, short(note, MaxText)
		return line, nil
	})
}

func (s *Service) matchRefund(ctx context.Context, tx *db.Tx, line BankResult, ref string) (BankResult, error) {
	r, err := s.store.lock(ctx, tx, ref)
	if err != nil {
		return line, err
	}
	list, err := s.store.attemptsOf(ctx, tx, r.ID)
	if err != nil {
		return line, err
	}
	a, err := told(r, list, line)
	if err != nil {
		return line, err
	}
	if line.Queue, err = s.settleLine(ctx, tx, r, a, line); err != nil {
		return line, err
	}
	line.refundID, line.Ref, line.Expected = r.ID, r.Ref, a.amount
	return line, nil
}

// matchBatch ties a line to a batch, or to the part of it that comes to the line's amount.
func (s *Service) matchBatch(ctx context.Context, tx *db.Tx, line BankResult, ref string) (BankResult, error) {
	sent, err := s.sentWith(ctx, tx, batchRefIn(ref))
	if errors.Is(err, ErrNotFound) {
		return line, ErrMatch.Field("ref", "refund.match.no_batch", map[string]any{"Ref": ref})
	}
	if err != nil {
		return line, err
	}
	part := sent.transfers
	for _, p := range sent.transfers {
		if group := sent.named(p.Group); !part.is(line) && group.is(line) {
			part = group
		}
	}
	if !part.is(line) {
		return line, differs("refund.match.batch_amount", sent.Ref, line, sent.Control, sent.Currency)
	}
	queue, err := s.settleWhole(ctx, tx, part, line)
	switch {
	case err != nil:
		return line, err
	case queue == QueueDiffering:
		return line, ErrMatch.Field("ref", "refund.match.batch_state", map[string]any{"Ref": sent.Ref})
	}
	line.Queue, line.BatchID, line.BatchRef, line.Expected = queue, sent.ID, sent.Ref, line.Amount
	return line, nil
}

// batchRefIn is the batch's reference in what somebody typed, which may be the name of its file or of a part.
func batchRefIn(typed string) string {
	if name := batchName.FindStringSubmatch(typed); name != nil {
		return name[1]
	}
	return typed
}

// told finds the latest transfer that a line may tell of: one that is under way or, of a return, one that had arrived. ErrMatch says
// what does not fit about the latest one.
func told(r Refund, list []attempt, line BankResult) (attempt, error) { //nolint:cyclop // one flat case for each thing that does not fit
	var latest *attempt
	for _, a := range slices.Backward(list) {
		if a.channel != bankChannel {
			continue
		}
		fits := a.amount == line.Amount && a.currency == line.Currency
		if open := !a.over() || !line.Booked && a.state == string(payout.Succeeded); fits && open {
			return a, nil
		}
		if latest == nil || fits && (latest.amount != line.Amount || latest.currency != line.Currency) {
			latest = &a
		}
	}
	args := map[string]any{"Ref": r.Ref}
	switch {
	case latest == nil:
		return attempt{}, ErrMatch.Field("ref", "refund.match.no_transfer", args)
	case latest.amount != line.Amount || latest.currency != line.Currency:
		return attempt{}, differs("refund.match.amount", r.Ref, line, latest.amount, latest.currency)
	case latest.state == string(payout.Succeeded):
		return attempt{}, ErrMatch.Field("ref", "refund.match.paid", args)
	}
	return attempt{}, ErrMatch.Field("ref", "refund.match.returned", args)
}

// differs says both amounts.
func differs(key, ref string, line BankResult, amount int64, currency string) error {
	return ErrMatch.Field("ref", key, map[string]any{
		"Ref": ref, "Said": migration.Amount{Minor: line.Amount, Currency: line.Currency}, "Sent": migration.Amount{Minor: amount, Currency: currency},
	})
}
