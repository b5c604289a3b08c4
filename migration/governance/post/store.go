package post

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// store is the only place that knows the table of mails to staff.
type store struct{}

func (store) ask(ctx context.Context, tx *db.Tx, id string, m Mail, detail []byte) error {
	const sql = `
		INSERT INTO staff_mail (id, identity_id, kind, about, detail, path, asked_at)
		SELECT @id, @to, @kind, @about, @detail, @path, @now
		 WHERE EXISTS (SELECT FROM identity WHERE id = @to AND realm = 'staff' AND state = 'active')
		ON CONFLICT DO NOTHING`
	args := pgx.NamedArgs{"id": id, "to": m.To, "kind": m.Kind, "about": m.About, "detail": detail, "path": m.Path, "now": tx.Now}
	if _, err := tx.Pgx.Exec(ctx, sql, args); err != nil {
		return fmt.Errorf("write down a mail of %s: %w", m.Kind, err)
	}
	return nil
}

// due is a mail in hand, with whom it is for.
type due struct {
	ID, Kind, Path, Name, Email, Locale string
	Detail                              []byte
}

// take takes mails that wait, and gives up those of a process that died.
func (store) take(ctx context.Context, tx *db.Tx, limit int, abandoned time.Time) ([]due, error) {
	const lost = `UPDATE staff_mail SET state = 'unknown', ended_at = $2 WHERE state = 'sending' AND taken_at < $1`
	if _, err := tx.Pgx.Exec(ctx, lost, abandoned, tx.Now); err != nil {
		return nil, fmt.Errorf("give up mails to staff: %w", err)
	}
	const sql = `
		WITH mine AS (SELECT id AS one FROM staff_mail WHERE state = 'asked' ORDER BY asked_at, id LIMIT $1 FOR UPDATE SKIP LOCKED)
		UPDATE staff_mail m SET state = 'sending', taken_at = $2 FROM mine, identity i WHERE m.id = one AND i.id = m.identity_id
		RETURNING m.id, m.kind, m.path, i.name, CASE i.state WHEN 'active' THEN i.email ELSE '' END AS email, i.locale, m.detail`
	rows, err := tx.Pgx.Query(ctx, sql, limit, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("take mails to staff: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[due])
}

func (store) end(ctx context.Context, tx *db.Tx, id, state, problem string) error {
	const sql = `UPDATE staff_mail SET state = $2, problem = $3, ended_at = $4 WHERE id = $1 AND state IN ('sending', 'unknown')`
	if _, err := tx.Pgx.Exec(ctx, sql, id, state, problem, tx.Now); err != nil {
		return fmt.Errorf("end a mail to staff: %w", err)
	}
	return nil
}
