package db_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/db"
)

// TestACancelledTransactionHarmsNobody cancels transactions while their statements are on the wire. Two goroutines on one
// connection would end the process.
func TestACancelledTransactionHarmsNobody(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t, db.Options{MaxConns: 4})
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			timer := time.AfterFunc(time.Duration(i%10)*time.Millisecond, cancel)
			defer timer.Stop()
			err := d.InTx(ctx, db.NoScope(), func(tx *db.Tx) error {
				_, err := tx.Pgx.Exec(ctx, `SELECT pg_sleep(10)`)
				return err
			})
			if err == nil {
				t.Error("a cancelled transaction was committed")
			}
		})
	}
	all.Wait()
	if err := d.InTx(t.Context(), db.NoScope(), func(*db.Tx) error { return nil }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
