package export

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// Overview is how many exports are in each state, and since when the live ones are.
type Overview struct {
	Counts map[State]int64
	Oldest map[State]time.Time // of Queued and Running: when the oldest of them was requested
}

// Overview counts all customers' exports, for operators. It shows nobody's data.
func (s *Service) Overview(ctx context.Context, staffID string) (o Overview, err error) {
	err = s.db.Read(ctx, db.StaffScope(staffID),
		func(b *pgx.Batch) { b.Queue(overviewSQL) },
		func(r pgx.BatchResults) error {
			rows, err := r.Query()
			if err != nil {
				return err
			}
			o, err = scanOverview(rows)
			return err
		})
	if err != nil {
		return o, fmt.Errorf("count exports: %w", err)
	}
	return o, nil
}
