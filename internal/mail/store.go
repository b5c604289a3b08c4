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
	Active              bool   // the contact and its customer are active, and there is an address
	Live                bool   // the contact and its customer are active
	Problem             string // that is kept with the contact
	ContactID           string // who it is: the contact, or the one that it was joined to
}

// errNoRecipient: the contact does not exist, or is another customer's.
var errNoRecipient = errors.New("mail: no such contact")

func readRecipient(ctx context.Context, d *db.DB, customerID, contactID string) (r recipient, err error) {
	const sql = `
		SELECT o.name, o.email, coalesce(nullif(o.locale, ''), c.locale), c.ref, o.state = 'active' AND c.state = 'active' AND o.email NOT LIKE '%.invalid',
		       o.state = 'active' AND c.state = 'active', o.mail_problem, o.id
		  FROM contact asked
		  JOIN contact o ON o.customer_id = asked.customer_id AND o.id = coalesce(asked.joined_to, asked.id)
		  JOIN customer c ON c.id = o.customer_id
		 WHERE asked.customer_id = $1 AND asked.id = $2`
	err = d.Read(ctx, db.CustomerScope(customerID),
		func(b *pgx.Batch) { b.Queue(sql, customerID, contactID) },
		func(results pgx.BatchResults) error {
			return results.QueryRow().Scan(&r.Name, &r.Email, &r.Locale, &r.CustomerRef, &r.Active, &r.Live, &r.Problem, &r.ContactID)
		})
	if errors.Is(err, pgx.ErrNoRows) {
		return r, errNoRecipient
	}
	if err != nil {
		return r, fmt.Errorf("read recipient: %w", err)
	}
	return r, nil
}

// others lists the people of a customer who want the mails of a topic, too, but for the contact whom a mail is for.
func others(ctx context.Context, d *db.DB, customerID, contactID, topic string) (ids []string, err error) {
	const sql = `
		SELECT t.contact_id FROM reader_topic t JOIN contact k ON k.customer_id = t.customer_id AND k.id = t.contact_id
		 WHERE t.customer_id = $1 AND t.topic = $3 AND t.wants AND k.state = 'active' AND k.email NOT LIKE '%.invalid'
		   AND k.id <> coalesce((SELECT coalesce(joined_to, id) FROM contact WHERE customer_id = $1 AND id = $2), '')
		 ORDER BY t.contact_id`
	err = d.Read(ctx, db.CustomerScope(customerID),
		func(b *pgx.Batch) { b.Queue(sql, customerID, contactID, topic) },
		func(results pgx.BatchResults) error {
			rows, err := results.Query()
			if err != nil {
				return err
			}
			ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list who wants mails, too: %w", err)
	}
	return ids, nil
}

// recordRefusal leaves in the audit log that a mail could not be delivered for good.
func recordRefusal(ctx context.Context, d *db.DB, a Args, to recipient, final refusal) error {
	reason := final.reason
	return d.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error {
		if final.problem != "" && to.ContactID != "" {
			if err := setProblem(ctx, tx, a.CustomerID, to.ContactID, final.problem); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: "worker", ActorKind: audit.System, Act: "mail.refused", Object: "mail " + a.Template, CustomerID: a.CustomerID,
			Detail: map[string]any{"contact": a.ContactID, "key": a.Key, "reason": reason},
		})
	})
}

// setProblem keeps what is wrong with a contact's address, so that the pages ask for another.
func setProblem(ctx context.Context, tx *db.Tx, customerID, contactID, problem string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE contact SET mail_problem = $3 WHERE customer_id = $1 AND id = $2 AND mail_problem <> $3`, customerID, contactID, problem)
	if err != nil {
		return fmt.Errorf("keep what is wrong with an address: %w", err)
	}
	return nil
}

// clearProblem forgets it once a mail was taken.
func clearProblem(ctx context.Context, d *db.DB, customerID, contactID string) error {
	return d.InTx(ctx, db.CustomerScope(customerID), func(tx *db.Tx) error { return setProblem(ctx, tx, customerID, contactID, "") })
}
