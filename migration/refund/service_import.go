package refund

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/bankresult"
)

// faultLimit bounds how many faults of a file are told.
const faultLimit = 20

// ImportResults reads a file of bank results (camt.054 or CSV) and settles what it matches, all of it or nothing. ErrImport with
// a field for each line that cannot be read; ErrImported. For finance.
func (s *Service) ImportResults(ctx context.Context, staffID, name string, file io.Reader) (i Import, err error) {
	text, err := io.ReadAll(io.LimitReader(file, bankresult.MaxBytes+1))
	if err != nil {
		return Import{}, fmt.Errorf("read bank results: %w", err)
	}
	results, err := readResults(text)
	if err != nil {
		return Import{}, err
	}
	hash := sha256.Sum256(text)
	i = Import{ID: rand.Text(), Name: short(name, 200), SHA256: hex.EncodeToString(hash[:]), ImportedBy: staffID}
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		i.ImportedAt = tx.Now
		if err := s.store.insertImport(ctx, tx, i); err != nil {
			return err
		}
		for _, r := range results {
			line, err := s.matchLine(ctx, tx, i.ID, r)
			if err != nil {
				return fmt.Errorf("line %d: %w", r.Line, err)
			}
			if err := s.store.insertResult(ctx, tx, line); err != nil {
				return err
			}
			i.count(line.Queue)
		}
		return s.recordImport(ctx, tx, staffID, "bank.import", i)
	})
	if err != nil {
		return Import{}, fmt.Errorf("import bank results: %w", err)
	}
	return i, nil
}

// readResults reads the whole file, or names what is wrong with it.
func readResults(text []byte) ([]bankresult.Result, error) {
	bad := ErrImport
	var list []bankresult.Result
	for r, err := range bankresult.Read(bytes.NewReader(text)) {
		switch {
		case err != nil && len(bad.Fields) < faultLimit:
			bad = bad.Field("file", "refund.import.line", map[string]any{"Fault": err.Error()})
		case err == nil:
			list = append(list, r)
		}
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	if len(list) == 0 {
		return nil, ErrImport.Field("file", "refund.import.empty", nil)
	}
	return list, nil
}

func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

func (i *Import) count(q Queue) {
	switch q {
	case QueueMatched:
		i.Matched++
		return
	case QueueDiffering:
		i.Differing++
	case QueueReturned:
		i.Returned++
	case QueueUnmatched:
		i.Unmatched++
	}
	i.Open++
}

func (s *Service) recordImport(ctx context.Context, tx *db.Tx, staffID, verb string, i Import) error {
	return audit.Record(ctx, tx, audit.Entry{Actor: staffID, ActorKind: audit.Staff, Act: verb, Object: "bank results " + i.ID, Detail: map[string]any{
		"name": i.Name, "sha256": i.SHA256, "matched": i.Matched, "differing": i.Differing, "returned": i.Returned, "unmatched": i.Unmatched,
	}})
}

// matchLine holds one line against what was sent, and settles the refund where both agree.
func (s *Service) matchLine(ctx context.Context, tx *db.Tx, importID string, r bankresult.Result) (BankResult, error) {
	line := BankResult{
		ID: rand.Text(), ImportID: importID, Line: r.Line, Queue: QueueUnmatched, EndToEnd: r.EndToEndID, Booked: r.State == bankresult.Booked,
		Amount: r.Amount, Currency: r.Currency, Reason: r.Reason, Detail: r.Detail, Date: r.Date, BankRef: r.BankRef,
	}
	refundID, number, err := s.store.findKey(ctx, tx, r.EndToEndID)
	if errors.Is(err, ErrNotFound) || r.EndToEndID == "" {
		return line, nil
	}
	if err != nil {
		return line, err
	}
	refund, a, err := s.store.lockAttempt(ctx, tx, refundID, number)
	if err != nil {
		return line, err
	}
	line.refundID, line.Ref, line.Expected = refund.ID, refund.Ref, a.amount
	line.Queue, err = s.settleLine(ctx, tx, refund, a, line)
	return line, err
}

// settleLine settles an attempt by what the bank says of it, and names the line's queue. What does not fit moves nothing.
func (s *Service) settleLine(ctx context.Context, tx *db.Tx, r Refund, a attempt, line BankResult) (Queue, error) {
	if a.channel != bankChannel || a.amount != line.Amount || a.currency != line.Currency {
		return QueueDiffering, nil
	}
	to, queue := payout.Outcome{State: payout.Succeeded, Code: "booked"}, QueueMatched
	if !line.Booked {
		to, queue = payout.Outcome{State: payout.Failed, Failure: returned, Code: line.Reason, Detail: line.Detail}, QueueReturned
	}
	switch {
	case a.state == string(to.State):
		return queue, nil // told before
	case a.state == string(payout.Failed):
		return QueueDiffering, nil // booked, after it came back
	}
	a.outcome = to
	return queue, s.settle(ctx, tx, r, a.stand(tx.Now))
}

// Imports lists the latest imports, newest first, at most limit. For finance.
func (s *Service) Imports(ctx context.Context, staffID string, limit int) (list []Import, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err = s.store.imports(ctx, tx, "", limit)
		return err
	})
	return list, err
}

// OpenImport returns one import with the lines of a queue, at most limit; an empty queue: all. It records that they were looked
// at. ErrNotFound. For finance.
func (s *Service) OpenImport(ctx context.Context, staffID, id string, q Queue, limit int) (i Import, lines []BankResult, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err := s.store.imports(ctx, tx, id, 1)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return ErrNotFound
		}
		i = list[0]
		if lines, err = s.store.lines(ctx, tx, id, q, limit); err != nil {
			return err
		}
		return s.recordImport(ctx, tx, staffID, "bank.view", i)
	})
	return i, lines, err
}

// MatchResult ties an unmatched or differing line to a bank refund whose latest transfer of that amount and currency it tells of,
// which it settles as the import would have. ErrNotFound, ErrMoved when they do not fit. For finance.
func (s *Service) MatchResult(ctx context.Context, staffID, resultID, ref, note string) (BankResult, error) {
	return s.changeLine(ctx, staffID, resultID, "bank.match", func(tx *db.Tx, line BankResult) (BankResult, error) {
		if line.SettledBy != "" || line.Queue != QueueUnmatched && line.Queue != QueueDiffering {
			return line, ErrMoved
		}
		r, err := s.store.lock(ctx, tx, ref)
		if err != nil {
			return line, err
		}
		list, err := s.store.attemptsOf(ctx, tx, r.ID)
		if err != nil {
			return line, err
		}
		a, ok := told(list, line)
		if !ok {
			return line, ErrMoved
		}
		if line.Queue, err = s.settleLine(ctx, tx, r, a, line); err != nil {
			return line, err
		}
		line.refundID, line.Ref, line.Expected, line.SettledBy, line.SettledAt, line.Note = r.ID, r.Ref, a.amount, staffID, &tx.Now, short(note, MaxText)
		return line, nil
	})
}

// told finds the latest transfer that a line may tell of: one that is under way or, of a return, one that had arrived.
func told(list []attempt, line BankResult) (attempt, bool) {
	for _, a := range slices.Backward(list) {
		open := !a.over() || !line.Booked && a.state == string(payout.Succeeded)
		if a.channel == bankChannel && a.amount == line.Amount && a.currency == line.Currency && open {
			return a, true
		}
	}
	return attempt{}, false
}

// SettleResult takes a line off its queue with a note. ErrNotFound, ErrMoved, ErrText. For finance.
func (s *Service) SettleResult(ctx context.Context, staffID, resultID, note string) (BankResult, error) {
	note, err := text(note)
	if err != nil {
		return BankResult{}, err
	}
	return s.changeLine(ctx, staffID, resultID, "bank.settle", func(tx *db.Tx, line BankResult) (BankResult, error) {
		if line.SettledBy != "" || line.Queue == QueueMatched {
			return line, ErrMoved
		}
		line.SettledBy, line.SettledAt, line.Note = staffID, &tx.Now, note
		return line, nil
	})
}

// ReopenResult puts a line that SettleResult took off back on its queue. ErrNotFound, ErrMoved. For finance.
func (s *Service) ReopenResult(ctx context.Context, staffID, resultID string) (BankResult, error) {
	return s.changeLine(ctx, staffID, resultID, "bank.reopen", func(_ *db.Tx, line BankResult) (BankResult, error) {
		if line.SettledBy == "" || line.Queue == QueueMatched {
			return line, ErrMoved
		}
		line.SettledBy, line.SettledAt, line.Note = "", nil, ""
		return line, nil
	})
}

func (s *Service) changeLine(ctx context.Context, staffID, id, verb string, step func(*db.Tx, BankResult) (BankResult, error)) (line BankResult, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		was, err := s.store.lockResult(ctx, tx, id)
		if err != nil {
			return err
		}
		if line, err = step(tx, was); err != nil {
			return err
		}
		if err := s.store.saveResult(ctx, tx, line); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: verb, Object: "bank result " + line.EndToEnd, Detail: map[string]any{"id": id, "queue": line.Queue, "refund": line.Ref},
		})
	})
	return line, err
}
