package calendar

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the feeds' table.
type store struct {
	db *db.DB
}

func (s store) find(ctx context.Context, who migration.Who) (*Feed, error) {
	f := &Feed{}
	err := s.db.Read(ctx, db.CustomerScope(who.CustomerID),
		func(b *pgx.Batch) {
			b.Queue(`SELECT token, created_at FROM calendar_feed WHERE contact_id = $1`, who.ContactID)
		},
		func(r pgx.BatchResults) error { return r.QueryRow().Scan(&f.Token, &f.CreatedAt) })
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read calendar feed of %s: %w", who.ContactID, err)
	}
	return f, nil
}

func (s store) put(ctx context.Context, tx *db.Tx, who migration.Who, token, hash string) error {
	const sql = `INSERT INTO calendar_feed (contact_id, customer_id, token, token_hash, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (contact_id) DO UPDATE SET token = excluded.token, token_hash = excluded.token_hash, created_at = excluded.created_at`
	if _, err := tx.Pgx.Exec(ctx, sql, who.ContactID, who.CustomerID, token, hash, tx.Now); err != nil {
		return fmt.Errorf("renew calendar feed of %s: %w", who.ContactID, err)
	}
	return nil
}

func (s store) remove(ctx context.Context, tx *db.Tx, who migration.Who) error {
	if _, err := tx.Pgx.Exec(ctx, `DELETE FROM calendar_feed WHERE contact_id = $1`, who.ContactID); err != nil {
		return fmt.Errorf("stop calendar feed of %s: %w", who.ContactID, err)
	}
	return nil
}

// open finds the owner by the token's hash, in the scope of its bearer, and then reads the dates in the owner's own.
func (s store) open(ctx context.Context, hash string) (Owner, error) {
	var o Owner
	var contact string
	err := s.db.Read(ctx, db.TokenScope(hash),
		func(b *pgx.Batch) {
			b.Queue(`SELECT customer_id, contact_id FROM calendar_feed WHERE token_hash = $1`, hash)
		},
		func(r pgx.BatchResults) error { return r.QueryRow().Scan(&o.CustomerID, &contact) })
	if errors.Is(err, pgx.ErrNoRows) {
		return Owner{}, ErrGone
	}
	if err != nil {
		return Owner{}, fmt.Errorf("open calendar feed: %w", err)
	}
	// An account that may not sign in any more sees nothing here either.
	const owner = `SELECT coalesce(nullif(p.locale, ''), nullif(max(i.locale), ''), c.locale)
		FROM contact p JOIN customer c ON c.id = p.customer_id
		LEFT JOIN identity i ON i.customer_id = p.customer_id AND i.contact_id = p.id AND i.state = 'active'
		WHERE p.id = $1 AND p.state = 'active' AND c.state = 'active' GROUP BY p.locale, c.locale`
	err = s.db.Read(ctx, db.CustomerScope(o.CustomerID),
		func(b *pgx.Batch) {
			b.Queue(owner, contact)
			b.Queue(migration.PlanSQL+` WHERE j.customer_id = $1`, o.CustomerID)
		},
		func(r pgx.BatchResults) (err error) {
			if err = r.QueryRow().Scan(&o.Locale); err != nil {
				return err
			}
			o.Plan, err = migration.ScanPlan(r.QueryRow(), o.CustomerID)
			return err
		})
	if errors.Is(err, pgx.ErrNoRows) {
		return Owner{}, ErrGone
	}
	if err != nil {
		return Owner{}, fmt.Errorf("open calendar feed of %s: %w", contact, err)
	}
	return o, nil
}
