package notice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// approve stores an approval. Who proposed the version that is in effect may not approve what it says.
func (store) approve(ctx context.Context, tx *db.Tx, version int, key, hash, content, by string) error {
	const sql = `
		INSERT INTO notice_approval (notice, hash, content, drafted_by, approved_by, approved_at)
		SELECT @notice, @hash, @content, v.proposed_by, @by, @now FROM programme_version v WHERE v.version = @version`
	tag, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"notice": key, "hash": hash, "content": content, "by": by, "now": tx.Now, "version": version,
	})
	switch {
	case db.IsCheck(err, "notice_four_eyes"):
		return ErrSamePerson.Wrap(err)
	case db.IsUnique(err, "notice_approval_pkey"):
		return ErrApproved.Wrap(err)
	case err != nil:
		return fmt.Errorf("approve notice %s: %w", key, err)
	case tag.RowsAffected() == 0:
		return ErrChanged.Wrap(fmt.Errorf("there is no programme version %d", version))
	}
	return nil
}

type approval struct {
	Notice, Hash, Content, ApprovedBy string
	ApprovedAt                        time.Time
}

// approvals lists all approvals by notice, newest first.
func (store) approvals(ctx context.Context, tx *db.Tx) (map[string][]approval, error) {
	const sql = `SELECT notice, hash, content, approved_by, approved_at FROM notice_approval ORDER BY approved_at DESC`
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("list approvals: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[approval])
	found := map[string][]approval{}
	for _, a := range list {
		found[a.Notice] = append(found[a.Notice], a)
	}
	return found, err
}

// shown bounds what an inbox lists.
const shown = 200

func (store) inbox(ctx context.Context, d *db.DB, who migration.Who) (list []Received, err error) {
	const sql = `
		SELECT d.mail_id, max(d.subject) AS subject, max(d.body) AS body, max(d.locale) AS tag, (array_agg(d.days))[1] AS days,
		       array_agg(m.notice ORDER BY m.due_day, m.notice) AS notices, max(d.state) AS state, max(d.started_at) AS at,
		       max(d.channel) AS channel
		  FROM notice_delivery d JOIN notice_message m ON m.id = d.message_id
		 WHERE d.customer_id = $1 AND d.contact_id = $2 AND d.state <> 'deferred'
		 GROUP BY d.mail_id ORDER BY at DESC LIMIT $3`
	err = d.Read(ctx, db.CustomerScope(who.CustomerID),
		func(b *pgx.Batch) { b.Queue(sql, who.CustomerID, who.ContactID, shown) },
		func(results pgx.BatchResults) error {
			rows, err := results.Query()
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Received])
			return err
		})
	return list, err
}

func (store) wants(ctx context.Context, d *db.DB, who migration.Who) (optional bool, err error) {
	err = d.Read(ctx, db.CustomerScope(who.CustomerID),
		func(b *pgx.Batch) {
			b.Queue(`SELECT optional FROM notice_preference WHERE contact_id = $1`, who.ContactID)
		},
		func(results pgx.BatchResults) error { return results.QueryRow().Scan(&optional) })
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil
	}
	return optional, err
}

// reader is the contact whom a mail was sent to.
func (store) reader(ctx context.Context, tx *db.Tx, mailID string) (who migration.Who, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT customer_id, contact_id FROM notice_delivery WHERE mail_id = $1 LIMIT 1`, mailID).Scan(&who.CustomerID, &who.ContactID)
	if errors.Is(err, pgx.ErrNoRows) {
		return who, ErrUnknown
	}
	if err != nil {
		return who, fmt.Errorf("read whom a mail went to: %w", err)
	}
	return who, nil
}

func (store) want(ctx context.Context, tx *db.Tx, who migration.Who, optional bool) error {
	const sql = `
		INSERT INTO notice_preference (contact_id, customer_id, optional, changed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (contact_id) DO UPDATE SET optional = excluded.optional, changed_at = excluded.changed_at`
	if _, err := tx.Pgx.Exec(ctx, sql, who.ContactID, who.CustomerID, optional, tx.Now); err != nil {
		return fmt.Errorf("store preference: %w", err)
	}
	return nil
}

// customer finds a customer by the number in the retired product. ErrUnknown.
func (store) customer(ctx context.Context, tx *db.Tx, ref string) (id string, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT id FROM customer WHERE ref = $1`, ref).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrUnknown
	}
	return id, err
}
