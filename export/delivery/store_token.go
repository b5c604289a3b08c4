package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// tokenStore is the only place that knows the download tokens' table.
type tokenStore struct {
	db *db.DB
}

const tokenColumns = `id, export_id, customer_id, contact_id, created_at, expires_at, used_at` //nolint:gosec // names of columns

func (tokenStore) insert(ctx context.Context, tx *db.Tx, t Token, hash string) error {
	const sql = `INSERT INTO export_token (id, export_id, customer_id, contact_id, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	_, err := tx.Pgx.Exec(ctx, sql, t.ID, t.ExportID, t.CustomerID, t.ContactID, hash, t.CreatedAt, t.ExpiresAt)
	return err
}

// revoke ends the token of an export and returns its id; empty when there was none.
func (tokenStore) revoke(ctx context.Context, tx *db.Tx, exportID string) (id string, err error) {
	const sql = `UPDATE export_token SET revoked_at = $2 WHERE export_id = $1 AND revoked_at IS NULL RETURNING id`
	err = tx.Pgx.QueryRow(ctx, sql, exportID, tx.Now).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// find reads the token of an export that works at now; nil when there is none.
func (s tokenStore) find(ctx context.Context, scope db.Scope, exportID string, now time.Time) (*Token, error) {
	const sql = `SELECT ` + tokenColumns + ` FROM export_token WHERE export_id = $1 AND revoked_at IS NULL AND expires_at > $2`
	t, err := s.read(ctx, scope, sql, exportID, now)
	if errors.Is(err, ErrToken) {
		return nil, nil
	}
	return t, err
}

// open finds the token by its hash, in the scope of its bearer. ErrToken when it does not work at now.
func (s tokenStore) open(ctx context.Context, hash string, now time.Time) (*Token, error) {
	const sql = `SELECT ` + tokenColumns + ` FROM export_token WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at > $2`
	return s.read(ctx, db.TokenScope(hash), sql, hash, now)
}

func (s tokenStore) read(ctx context.Context, scope db.Scope, sql string, args ...any) (*Token, error) {
	var t Token
	err := s.db.Read(ctx, scope,
		func(b *pgx.Batch) { b.Queue(sql, args...) },
		func(r pgx.BatchResults) error {
			return r.QueryRow().Scan(&t.ID, &t.ExportID, &t.CustomerID, &t.ContactID, &t.CreatedAt, &t.ExpiresAt, &t.UsedAt)
		})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrToken
	}
	if err != nil {
		return nil, fmt.Errorf("read download token: %w", err)
	}
	return &t, nil
}

// role is what a contact may do now. ErrToken for one who may not sign in any more.
func (tokenStore) role(ctx context.Context, tx *db.Tx, contactID string) (role string, err error) {
	const sql = `SELECT k.role FROM contact k JOIN customer c ON c.id = k.customer_id WHERE k.id = $1 AND k.state = 'active' AND c.state = 'active'`
	err = tx.Pgx.QueryRow(ctx, sql, contactID).Scan(&role)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrToken
	}
	return role, err
}

func (tokenStore) touch(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE export_token SET used_at = $2 WHERE id = $1`, id, tx.Now)
	return err
}
