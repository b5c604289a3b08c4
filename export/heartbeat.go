package export

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"offramp/internal/db"
	"offramp/migration"
)

// heartbeat records the attempt's progress, and stops it when it was overtaken or cancelled. A database that is away
// for a while ends nothing: what counts is the fence at the end.
func (b *builder) heartbeat(ctx context.Context, a *attempt) {
	tick := time.NewTicker(b.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if err := b.advance(ctx, a, now); err != nil && ctx.Err() == nil {
				b.Logger.WarnContext(ctx, "write progress", slog.String("export", a.Reference()), slog.Any("error", err))
			}
		}
	}
}

// advance records the progress once and checks the fence. What was lost is stopped: the try of a volume that another
// job has now, or the whole attempt.
func (b *builder) advance(ctx context.Context, a *attempt, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	a.mu.Lock()
	defer a.mu.Unlock()
	lost := false // the volume only
	err := b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) (err error) {
		lost, err = b.store.saveProgress(ctx, tx, a)
		if err != nil || lost {
			return err
		}
		sum, turn, err := b.store.sumUp(ctx, tx, a, b.Heartbeat)
		if err != nil || !turn {
			return err
		}
		p := migration.Progress{
			ExportID: a.ID, At: tx.Now, Delayed: sum.delayed, Stage: string(sum.stage),
			RowsDone: sum.Rows, RowsTotal: sum.RowsTotal, BytesDone: sum.Bytes, BytesTotal: sum.BytesTotal,
		}
		proof := proofOf(sum.sealed)
		if a.work != nil {
			proof += a.work.ledger.proof()
		}
		p.Percent, p.Left = a.forecast.update(now, sum.stage, sum.Bytes+proof, sum.BytesTotal+proofOf(sum.BytesTotal))
		return b.Journey.SetProgress(ctx, tx, a.CustomerID, p)
	})
	switch {
	case errors.Is(err, errFenced):
		a.stop(errFenced)
		b.at("overtaken")
		return nil
	case err == nil && lost && a.work != nil && a.work.stop != nil:
		a.work.stop(errFenced)
		b.at("overtaken")
	}
	return err
}
