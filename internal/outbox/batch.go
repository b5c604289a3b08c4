package outbox

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"offramp/internal/db"
)

// AppendAll writes many events in tx in one statement, each as Append does. For changes that concern many customers at once.
func AppendAll(ctx context.Context, tx *db.Tx, events []Event) error {
	ids, customers, versions := make([]string, len(events)), make([]string, len(events)), make([]int32, len(events))
	types, subjects, data := make([]string, len(events)), make([]string, len(events)), make([]string, len(events))
	for i, e := range events {
		raw, err := json.Marshal(e.Data)
		if err != nil {
			return fmt.Errorf("append %s: %w", e.Type, err)
		}
		ids[i], customers[i], versions[i] = "msg_"+rand.Text(), e.CustomerID, int32(e.Version)
		types[i], subjects[i], data[i] = e.Type, e.Subject, string(raw)
	}
	const sql = `INSERT INTO outbox_event (id, customer_id, version, type, subject, data, at)
		SELECT id, customer_id, version, type, subject, data::jsonb, $7
		  FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[]) AS e (id, customer_id, version, type, subject, data)`
	if _, err := tx.Pgx.Exec(ctx, sql, ids, customers, versions, types, subjects, data, tx.Now); err != nil {
		return fmt.Errorf("append %d events: %w", len(events), err)
	}
	return nil
}
