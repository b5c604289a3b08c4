package refund

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// Rows returns refunds by their references, in that order; those that do not exist are left out. For finance, on the way from
// the queue, whose reading was recorded.
func (s *Service) Rows(ctx context.Context, staffID string, refs []string) (list []Row, err error) {
	const sql = `SELECT ` + rowColumns + ` FROM unnest($1::text[]) WITH ORDINALITY x (ref, place)
		JOIN refund r ON r.ref = x.ref JOIN customer c ON c.id = r.customer_id ORDER BY x.place`
	err = s.DB.Read(ctx, db.StaffScope(staffID),
		func(b *pgx.Batch) { b.Queue(sql, refs) },
		func(r pgx.BatchResults) error {
			rows, err := r.Query()
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, scanRow)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read selected refunds: %w", err)
	}
	return list, nil
}
