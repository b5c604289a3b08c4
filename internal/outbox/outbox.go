// Package outbox writes events for other systems in the same transaction as the change they tell of. What is rolled back
// was never told; what is committed will be. Delivery is migration/writeback's.
package outbox

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

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

const appendSQL = `INSERT INTO outbox_event (id, customer_id, version, type, subject, data, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`

// Append writes e in tx under a new message id, which stays the same in every try of every delivery.
func Append(ctx context.Context, tx *db.Tx, e Event) error {
	b := &pgx.Batch{}
	if err := Queue(b, tx, e); err != nil {
		return err
	}
	if err := tx.Pgx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("append %s for %s: %w", e.Type, e.CustomerID, err)
	}
	return nil
}

// Queue adds what Append writes to a batch of the caller's, which sends it in tx.
func Queue(b *pgx.Batch, tx *db.Tx, e Event) error {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return fmt.Errorf("append %s: %w", e.Type, err)
	}
	b.Queue(appendSQL, "msg_"+rand.Text(), e.CustomerID, e.Version, e.Type, e.Subject, string(data), tx.Now)
	return nil
}
