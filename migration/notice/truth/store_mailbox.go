package truth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/internal/mail/inbound"
)

// leaseMailbox makes this process the one that reads a mailbox, until an instant, and returns how far it was read.
func (store) leaseMailbox(ctx context.Context, tx *db.Tx, name string, until time.Time) (at inbound.Cursor, mine bool, err error) {
	if _, err := tx.Pgx.Exec(ctx, `INSERT INTO notice_mailbox (name) VALUES ($1) ON CONFLICT DO NOTHING`, name); err != nil {
		return at, false, fmt.Errorf("lease mailbox: %w", err)
	}
	const sql = `
		UPDATE notice_mailbox SET leased_until = $2 WHERE name = $1 AND (leased_until IS NULL OR leased_until < $3)
		RETURNING validity, uid`
	var validity, uid int64
	err = tx.Pgx.QueryRow(ctx, sql, name, until, tx.Now).Scan(&validity, &uid)
	if errors.Is(err, pgx.ErrNoRows) {
		return at, false, nil
	}
	if err != nil {
		return at, false, fmt.Errorf("lease mailbox: %w", err)
	}
	return inbound.Cursor{Validity: uint32(validity), UID: uint32(uid)}, true, nil
}

func (store) keepMailbox(ctx context.Context, tx *db.Tx, name string, at inbound.Cursor, until time.Time) error {
	const sql = `UPDATE notice_mailbox SET validity = $2, uid = $3, leased_until = $4 WHERE name = $1`
	if _, err := tx.Pgx.Exec(ctx, sql, name, int64(at.Validity), int64(at.UID), until); err != nil {
		return fmt.Errorf("keep how far the mailbox was read: %w", err)
	}
	return nil
}

func (store) releaseMailbox(ctx context.Context, tx *db.Tx, name, problem string) error {
	const sql = `UPDATE notice_mailbox SET leased_until = NULL, looked_at = $2, problem = $3 WHERE name = $1`
	if _, err := tx.Pgx.Exec(ctx, sql, name, tx.Now, problem); err != nil {
		return fmt.Errorf("release mailbox: %w", err)
	}
	return nil
}
