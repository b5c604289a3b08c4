package notice

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Latest is the last message that a contact was sent.
type Latest struct {
	ContactID string
	Subject   string
	At        time.Time
}

// QueueLatest queues the last message of each contact of the scope's customer, for callers that read it together with something else in
// one round trip; ReadLatest takes the rows.
func QueueLatest(b *pgx.Batch) {
	b.Queue(`
		SELECT DISTINCT ON (contact_id) contact_id, subject, started_at AS at FROM notice_delivery
		 WHERE customer_id = current_setting('offramp.customer') AND subject <> '' AND state NOT IN ('refused', 'bounced')
		 ORDER BY contact_id, started_at DESC`)
}

// ReadLatest takes the rows of QueueLatest.
func ReadLatest(r pgx.BatchResults) ([]Latest, error) {
	rows, err := r.Query()
	if err != nil {
		return nil, fmt.Errorf("read latest messages: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Latest])
}
