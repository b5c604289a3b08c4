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

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/bankresult"
	"offramp/migration/refund/payout/isoxml"
)

// faultLimit bounds how many faults of a file are told.
const faultLimit = 20

// ImportResults reads a file of bank results (camt.054 or CSV) and settles what it matches, all of it or nothing. What concerns no
// refund is counted with its reason. ErrImport with a field for each line that cannot be read; ErrImported. For finance.
func (s *Service) ImportResults(ctx context.Context, staffID, name string, file io.Reader) (i Import, err error) {
	text, err := io.ReadAll(io.LimitReader(file, bankresult.MaxBytes+1))
	if err != nil {
		return Import{}, fmt.Errorf("read bank results: %w", err)
	}
	hash := sha256.Sum256(text)
	i = Import{ID: rand.Text(), Name: short(name, 200), SHA256: hex.EncodeToString(hash[:]), ImportedBy: staffID}
	results, err := i.read(text)
	if err != nil {
		return Import{}, err
	}
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		i.ImportedAt = tx.Now
		if err := s.store.insertImport(ctx, tx, i); err != nil {
			return err
		}
		for _, r := range results {
			line, ours, err := s.matchLine(ctx, tx, i.ID, r)
			if err != nil {
				return fmt.Errorf("line %d: %w", r.Line, err)
			}
			if !ours {
				i.pass(r.Why, r.Line)
				continue
			}
			if err := s.store.insertResult(ctx, tx, line); err != nil {
				return err
			}
			i.count(line.Queue)
		}
		if err := s.store.insertPassed(ctx, tx, i); err != nil {
			return err
		}
		return s.recordImport(ctx, tx, staffID, "bank.import", i)
	})
	if err != nil {
		return Import{}, fmt.Errorf("import bank results: %w", err)
	}
	return i, nil
}

// read reads the whole file and counts what is passed over, or names what is wrong with it.
func (i *Import) read(text []byte) ([]bankresult.Result, error) {
	bad, faults := ErrImport, 0
	var list []bankresult.Result
	for r, err := range bankresult.Read(bytes.NewReader(text)) {
		switch {
		case err != nil:
			if faults++; faults <= faultLimit {
				key, args := worded(err)
				bad = bad.Field("file", key, args)
			}
		case r.State == bankresult.Passed:
			i.pass(r.Why, r.Line)
		default:
			list = append(list, r)
		}
	}
	if faults > faultLimit {
		bad = bad.Field("file", "refund.import.more", map[string]any{"Count": faults - faultLimit})
	}
	if faults > 0 {
		return nil, bad
	}
	return list, nil
}

// worded is the message of a fault in a file.
func worded(err error) (key string, args map[string]any) {
	var fault *isoxml.Fault
	if errors.As(err, &fault) {
		return fault.Words()
	}
	return "refund.import.bad", nil
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
		"name": i.Name, "sha256": i.SHA256, "matched": i.Matched, "differing": i.Differing, "returned": i.Returned, "unmatched": i.Unmatched, "passed": i.PassedCount(),
	}})
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
