package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

type sessionRow struct {
	ID, TokenHash, Proof   string
	IdentityID, CustomerID string
	ProviderSID, IDToken   string
	UserAgent              string
	CreatedAt, ExpiresAt   time.Time
	AuthenticatedAt        *time.Time
}

func (store) addSession(ctx context.Context, tx *db.Tx, r sessionRow) error {
	_, err := tx.Pgx.Exec(ctx, `INSERT INTO session (id, token_hash, identity_id, customer_id, provider_sid, id_token, user_agent, created_at, seen_at, expires_at, authenticated_at, proof)
		VALUES ($1, $2, $3, nullif($4, ''), $5, $6, $7, $8, $8, $9, $10, $11)`,
		r.ID, r.TokenHash, r.IdentityID, r.CustomerID, r.ProviderSID, r.IDToken, r.UserAgent, r.CreatedAt, r.ExpiresAt, r.AuthenticatedAt, r.Proof)
	if err != nil {
		return fmt.Errorf("add session: %w", err)
	}
	return nil
}

// What the bearer of a session's secret may see is decided by the session: with the secret alone only its own row is in
// reach, and that row opens the customer's (or, for staff, the identity's) for the next statement of the same transaction.
const openSQL = `
	SELECT set_config('offramp.customer', coalesce(customer_id, ''), true),
	       set_config('offramp.scope', CASE WHEN customer_id IS NULL THEN 'system' ELSE '' END, true)
	  FROM session
	 WHERE token_hash = $1 AND ended_at IS NULL AND expires_at > $2 AND seen_at > $3`

const sessionSQL = `
	SELECT s.id, i.id, i.realm, coalesce(c.id, ''), coalesce(c.ref, ''), coalesce(c.name, ''), coalesce(c.tier, ''),
	       coalesce(k.id, ''), coalesce(k.role, ''), i.roles, coalesce(nullif(k.name, ''), i.name), coalesce(nullif(i.email, ''), k.email, ''), coalesce(k.email, ''), coalesce(k.mail_problem, ''),
	       coalesce(nullif(k.locale, ''), nullif(i.locale, ''), c.locale, ''), coalesce(nullif(k.zone, ''), c.zone, ''),
	       s.created_at, s.seen_at, s.expires_at, s.authenticated_at,
	       i.state = 'active' AND coalesce(k.state, 'active') = 'active' AND coalesce(c.state, 'active') = 'active'
	  FROM session s
	  JOIN identity i ON i.id = s.identity_id AND i.customer_id IS NOT DISTINCT FROM s.customer_id
	  LEFT JOIN contact k ON k.customer_id = i.customer_id AND k.id = i.contact_id
	  LEFT JOIN customer c ON c.id = i.customer_id
	 WHERE s.token_hash = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.seen_at > $3
	   AND (s.proof IS NOT NULL OR s.created_at > $2 - interval '1 day')` // an older release began it, and it could not act

// session reads a live session and whether the person behind it is active. ErrSignedOut when there is none.
func (s store) session(ctx context.Context, tokenHash string, now, idleSince time.Time, also []Also) (x Session, active bool, err error) {
	err = s.db.Read(ctx, db.TokenScope(tokenHash),
		func(b *pgx.Batch) {
			b.Queue(openSQL, tokenHash, now, idleSince)
			b.Queue(sessionSQL, tokenHash, now, idleSince)
			for _, a := range also {
				a.Queue(b)
			}
		},
		func(r pgx.BatchResults) error {
			if _, err := r.Exec(); err != nil {
				return err
			}
			var roles []string
			err := r.QueryRow().Scan(&x.ID, &x.IdentityID, &x.Realm, &x.CustomerID, &x.CustomerRef, &x.CustomerName, &x.CustomerTier,
				&x.ContactID, &x.Role, &roles, &x.Name, &x.Email, &x.MailTo, &x.MailProblem, &x.Locale, &x.Zone, &x.CreatedAt, &x.SeenAt, &x.ExpiresAt, &x.AuthenticatedAt, &active)
			x.MailTo = mailTo(x.MailTo)
			for _, role := range roles {
				x.Roles = append(x.Roles, Role(role))
			}
			for i := 0; err == nil && i < len(also); i++ {
				err = also[i].Read(r)
			}
			return err
		})
	if errors.Is(err, pgx.ErrNoRows) {
		return Session{}, false, ErrSignedOut
	}
	if err != nil {
		return Session{}, false, fmt.Errorf("read session: %w", err)
	}
	return x, active, nil
}

func (s store) touch(ctx context.Context, tokenHash string, now time.Time) error {
	err := s.db.Read(ctx, db.TokenScope(tokenHash),
		func(b *pgx.Batch) {
			b.Queue(`UPDATE session SET seen_at = $2 WHERE token_hash = $1 AND ended_at IS NULL AND seen_at < $2`, tokenHash, now)
		},
		func(r pgx.BatchResults) error {
			_, err := r.Exec()
			return err
		})
	if err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

func (s store) live(ctx context.Context, session Session, now, idleSince time.Time) (list []Live, err error) {
	err = s.db.Read(ctx, session.Scope(),
		func(b *pgx.Batch) {
			b.Queue(`SELECT id, user_agent, created_at, seen_at, id = $2 FROM session
				WHERE identity_id = $1 AND ended_at IS NULL AND expires_at > $3 AND seen_at > $4 ORDER BY seen_at DESC, id`,
				session.IdentityID, session.ID, now, idleSince)
		},
		func(r pgx.BatchResults) error {
			rows, err := r.Query()
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Live])
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return list, nil
}

// end ends one live session of an identity; what is forgotten with it is the token that names the person to the provider.
func (store) end(ctx context.Context, tx *db.Tx, identityID, id string) (bool, error) {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE session SET ended_at = $3, id_token = '' WHERE identity_id = $1 AND id = $2 AND ended_at IS NULL`,
		identityID, id, tx.Now)
	if err != nil {
		return false, fmt.Errorf("end session %s: %w", id, err)
	}
	return tag.RowsAffected() > 0, nil
}

func (store) endOthers(ctx context.Context, tx *db.Tx, identityID, keep string) (int, error) {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE session SET ended_at = $3, id_token = '' WHERE identity_id = $1 AND id <> $2 AND ended_at IS NULL AND expires_at > $3`,
		identityID, keep, tx.Now)
	if err != nil {
		return 0, fmt.Errorf("end other sessions: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

func (store) endByToken(ctx context.Context, tx *db.Tx, tokenHash string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE session SET ended_at = $2, id_token = '' WHERE token_hash = $1 AND ended_at IS NULL`, tokenHash, tx.Now)
	if err != nil {
		return fmt.Errorf("end former session: %w", err)
	}
	return nil
}

// signOut keeps the ID token a little longer: the provider's sign-out asks for it.
func (store) signOut(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE session SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL`, id, tx.Now)
	if err != nil {
		return false, fmt.Errorf("sign out %s: %w", id, err)
	}
	return tag.RowsAffected() > 0, nil
}

// farewell takes the ID token of a session that ended after since; it is given once.
func (s store) farewell(ctx context.Context, tokenHash string, since time.Time) (realm Realm, idToken string, err error) {
	err = s.db.Read(ctx, db.TokenScope(tokenHash),
		func(b *pgx.Batch) {
			b.Queue(`WITH old AS (SELECT id, id_token, customer_id FROM session WHERE token_hash = $1 AND ended_at > $2 AND id_token <> '' FOR UPDATE)
				UPDATE session s SET id_token = '' FROM old WHERE s.id = old.id
				RETURNING CASE WHEN old.customer_id IS NULL THEN 'staff' ELSE 'customer' END, old.id_token`, tokenHash, since)
		},
		func(r pgx.BatchResults) error { return r.QueryRow().Scan(&realm, &idToken) })
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("say farewell: %w", err)
	}
	return realm, idToken, nil
}

// takeLogoutToken reports false for a token that some replica has taken before.
func (store) takeLogoutToken(ctx context.Context, tx *db.Tx, l Logout) (bool, error) {
	tag, err := tx.Pgx.Exec(ctx, `INSERT INTO logout_token (issuer, jti, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		l.Issuer, hash(l.TokenID), l.ExpiresAt)
	if err != nil {
		return false, fmt.Errorf("take logout token: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

type endedRow struct {
	SessionID, IdentityID, CustomerID string
}

// endByProvider ends what the token names: one session of the provider, or all of a subject. A session whose ID token named
// no provider session is taken as meant when its subject is.
func (store) endByProvider(ctx context.Context, tx *db.Tx, realm Realm, l Logout) ([]endedRow, error) {
	rows, err := tx.Pgx.Query(ctx, `UPDATE session s SET ended_at = $5, id_token = '' FROM identity i
		WHERE i.id = s.identity_id AND i.realm = $1 AND i.issuer = $2 AND s.ended_at IS NULL
		  AND ($3 = '' OR i.subject = $3)
		  AND ($4 = '' OR s.provider_sid = $4 OR ($3 <> '' AND s.provider_sid = ''))
		RETURNING s.id, i.id, coalesce(s.customer_id, '')`,
		string(realm), l.Issuer, l.Subject, clean(l.SessionID, 255), tx.Now)
	if err != nil {
		return nil, fmt.Errorf("end sessions for the provider: %w", err)
	}
	ended, err := pgx.CollectRows(rows, pgx.RowToStructByPos[endedRow])
	if err != nil {
		return nil, fmt.Errorf("end sessions for the provider: %w", err)
	}
	return ended, nil
}

// sweep removes what is past. Logout tokens live by the world's time, as the provider wrote it, the rest by our clock.
func (store) sweep(ctx context.Context, tx *db.Tx) error {
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{`DELETE FROM sign_in WHERE expires_at < $1`, []any{tx.Now}},
		{`DELETE FROM rate_limit WHERE until < now() - interval '1 hour'`, nil},
		{`DELETE FROM logout_token WHERE expires_at < now() - interval '1 hour'`, nil},
		{`UPDATE session SET id_token = '' WHERE id_token <> '' AND (expires_at < $1 OR ended_at < $2)`, []any{tx.Now, tx.Now.Add(-farewellFor)}},
		{`DELETE FROM session WHERE expires_at < $1`, []any{tx.Now.Add(-keepEnded)}},
	} {
		if _, err := tx.Pgx.Exec(ctx, q.sql, q.args...); err != nil {
			return fmt.Errorf("sweep sessions: %w", err)
		}
	}
	return nil
}
