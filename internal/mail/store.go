package mail

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// recipient is the contact as it is at the moment of sending.
type recipient struct {
	Name, Email, Locale string
	CustomerRef         string
	Active              bool // the contact and its customer
}

// errNoRecipient: the contact does not exist, or is another customer's.
var errNoRecipient = errors.New("mail: no such contact")

func readRecipient(ctx context.Context, d *db.DB, customerID, contactID string) (r recipient, err error) {
	const sql = `
		SELECT o.name, o.email, coalesce(nullif(o.locale, ''), c.locale), c.ref, o.state = 'active' AND c.state = 'active' AND o.email NOT LIKE '%.invalid'
		  FROM contact o JOIN customer c ON c.id = o.customer_id WHERE o.customer_id = $1 AND o.id = $2`
	err = d.Read(ctx, db.CustomerScope(customerID),
		func(b *pgx.Batch) { b.Queue(sql, customerID, contactID) },
		func(results pgx.BatchResults) error {
			return results.QueryRow().Scan(&r.Name, &r.Email, &r.Locale, &r.CustomerRef, &r.Active)
		})
	if errors.Is(err, pgx.ErrNoRows) {
		return r, errNoRecipient
	}
	if err != nil {
		return r, fmt.Errorf("read recipient: %w", err)
	}
	return r, nil
}

// recordRefusal leaves in the audit log that a mail could not be delivered for good.
func recordRefusal(ctx context.Context, d *db.DB, a Args, reason string) error {
	return d.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error {
		return audit.Record(ctx, tx, audit.Entry{
			Actor: "worker", ActorKind: audit.System, Act: "mail.refused", Object: "mail " + a.Template, CustomerID: a.CustomerID,
			Detail: map[string]any{"contact": a.ContactID, "key": a.Key, "reason": reason},
		})
	})
}
