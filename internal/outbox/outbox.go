// Package outbox writes events for other systems in the same transaction as the change they tell of. What is rolled back
// was never told; what is committed will be. Delivery is migration/writeback's.
package outbox

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"offramp/internal/db"
)

// Event tells that a customer's status changed. It carries the version and little else: the receiver reads the state.
type Event struct {
	Type       string // CloudEvents type, such as "offramp.customer.status.changed.v1"
	CustomerID string
	Version    int    // of the customer's journey
	Subject    string // the customer's number in the retired product
	Data       any    // JSON
}

// Append writes e in tx under a new message id, which stays the same in every try of every delivery.
func Append(ctx context.Context, tx *db.Tx, e Event) error {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return fmt.Errorf("append %s: %w", e.Type, err)
	}
	const sql = `INSERT INTO outbox_event (id, customer_id, version, type, subject, data, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	if _, err := tx.Pgx.Exec(ctx, sql, "msg_"+rand.Text(), e.CustomerID, e.Version, e.Type, e.Subject, string(data), tx.Now); err != nil {
		return fmt.Errorf("append %s for %s: %w", e.Type, e.CustomerID, err)
	}
	return nil
}
