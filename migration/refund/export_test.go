package refund

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"offramp/migration/refund/payout/account"
)

// Drain runs the waiting jobs of payments in this goroutine, until none is left.
func Drain(ctx context.Context, s *Service) error {
	for {
		var id int64
		var kind string
		var args []byte
		const sql = `UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = (SELECT id FROM river_job
			WHERE kind IN ('refund_pay', 'refund_hand_out', 'refund_event') AND state IN ('available', 'retryable') ORDER BY id LIMIT 1) RETURNING id, kind, args`
		if err := s.DB.Pool.QueryRow(ctx, sql).Scan(&id, &kind, &args); err != nil {
			return nil //nolint:nilerr // none is left
		}
		if err := s.run(ctx, kind, args); err != nil {
			return fmt.Errorf("%s %s: %w", kind, args, err)
		}
	}
}

func (s *Service) run(ctx context.Context, kind string, args []byte) error {
	var later errNotYet
	switch kind {
	case "refund_pay":
		var a PayArgs
		if err := json.Unmarshal(args, &a); err != nil {
			return err
		}
		if err := s.bring(ctx, a.RefundID, a.Number); !errors.As(err, &later) {
			return err
		}
		return nil
	case "refund_hand_out":
		var a HandOutArgs
		if err := json.Unmarshal(args, &a); err != nil {
			return err
		}
		return s.handOut(ctx, a)
	default:
		var a EventArgs
		if err := json.Unmarshal(args, &a); err != nil {
			return err
		}
		return s.foldEvent(ctx, a.Provider, a.ID)
	}
}

// DrainEvents runs the waiting jobs of events alone.
func DrainEvents(ctx context.Context, s *Service) error {
	for {
		var args []byte
		const sql = `UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = (SELECT id FROM river_job
			WHERE kind = 'refund_event' AND state IN ('available', 'retryable') ORDER BY id LIMIT 1) RETURNING args`
		if err := s.DB.Pool.QueryRow(ctx, sql).Scan(&args); err != nil {
			return nil //nolint:nilerr // none is left
		}
		if err := s.run(ctx, "refund_event", args); err != nil {
			return err
		}
	}
}

// CountFor makes Totals give up sooner.
func CountFor(s *Service, limit time.Duration) { s.countFor = limit }

// DrainPurges runs the waiting jobs that remove bodies of documents.
func DrainPurges(ctx context.Context, s *Service) error {
	for {
		var args []byte
		const sql = `UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = (SELECT id FROM river_job
			WHERE kind = 'refund_document_purge' AND state IN ('available', 'retryable') ORDER BY id LIMIT 1) RETURNING args`
		if err := s.DB.Pool.QueryRow(ctx, sql).Scan(&args); err != nil {
			return nil //nolint:nilerr // none is left
		}
		var a PurgeArgs
		if err := json.Unmarshal(args, &a); err != nil {
			return err
		}
		if err := s.purge(ctx, a.Document); err != nil {
			return err
		}
	}
}

// Unpayable says why no bank file pays an account.
func Unpayable(to account.Account, unicode bool) string {
	return unpayable(to, Debtor{Unicode: unicode})
}

// ScanDocument does what the job of a document's scan does.
func ScanDocument(ctx context.Context, s *Service, id string) error { return s.scanDocument(ctx, id) }

// ScanPause is how long the next try waits.
func ScanPause(attempt int) time.Duration { return scanPause(attempt) }
