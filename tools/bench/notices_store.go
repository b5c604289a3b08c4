package main

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"offramp/internal/db"
)

// inBatches goes through all customers as an object mapper does, and looks up for each batch who was told.
func (t *told) inBatches(ctx context.Context) (time.Duration, error) {
	type customer struct{ ID, Ref, Name, Tier, Locale, Zone string }
	began := time.Now()
	err := t.data.InTx(ctx, db.SystemScope("bench"), func(tx *db.Tx) error {
		var batch []customer
		return tx.Gorm.WithContext(ctx).Table("customer").FindInBatches(&batch, 1000, func(*gorm.DB, int) error {
			ids := make([]string, len(batch))
			for i, c := range batch {
				ids[i] = c.ID
			}
			var done []string
			if err := tx.Gorm.WithContext(ctx).Table("notice_message").Where("customer_id IN ? AND notice = ?", ids, "announcement").Pluck("customer_id", &done).Error; err != nil {
				return err
			}
			if len(done) > len(ids) {
				return fmt.Errorf("%d of %d are told", len(done), len(ids))
			}
			return nil
		}).Error
	})
	return time.Since(began), err
}
