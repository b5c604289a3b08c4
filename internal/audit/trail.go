package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// Looks are the acts by which a colleague sees a customer's record. Customers are shown each of them.
var Looks = []string{
	"customer.view", "contact.reveal", "help.view", "refund.view", "refund.reveal", "refund.reveal_capped",
}

// Sight is one entry of a customer's own trail.
type Sight struct {
	Seq    int64
	At     time.Time
	Act    string // one of Looks, session.begin or session.end
	Object string
	Person string // the customer's own person who signed in, or whose address was looked at; empty: none
}

// Of the customer's people: one contact's sessions, or all of them where $4 is empty.
const trailSQL = `
	SELECT a.seq, a.at, a.act, a.object, coalesce(c.name, '') AS person
	  FROM audit a LEFT JOIN contact c ON c.customer_id = a.customer_id
	       AND c.id = CASE WHEN a.actor_kind = 'customer' THEN a.actor WHEN a.act = 'contact.reveal' THEN substr(a.object, 9) END -- "contact ID"
	 WHERE a.customer_id = $1 AND ($2 = 0 OR a.seq < $2)
	   AND (a.actor_kind = 'staff' AND a.act = ANY ($3)
	     OR a.actor_kind = 'customer' AND a.act IN ('session.begin', 'session.end') AND ($4 = '' OR a.actor = $4))
	 ORDER BY a.seq DESC LIMIT $5`

// Trail returns who looked at a customer's record, and when people of the customer signed in and out, newest first, within the
// customer's own scope. Sessions are those of one contact, or of all where it is empty. The next page lies before the last one's Seq.
func Trail(ctx context.Context, d *db.DB, customerID, contactID string, p Page) (list []Sight, err error) {
	err = d.Read(ctx, db.CustomerScope(customerID),
		func(b *pgx.Batch) { b.Queue(trailSQL, customerID, p.Before, Looks, contactID, p.Size) },
		func(r pgx.BatchResults) error {
			rows, err := r.Query()
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Sight])
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list a customer's trail: %w", err)
	}
	return list, nil
}
