package notice

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

const trialColumns = `id, notice, customer_id, asked_by, asked_at, address, name, locale, subject, html, plain, body_hash, state, detail, ended_at`

func (store) try(ctx context.Context, tx *db.Tx, t Trial) error {
	const sql = `
		INSERT INTO notice_trial (id, notice, customer_id, asked_by, asked_at, address, name, locale, subject, html, plain, body_hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	_, err := tx.Pgx.Exec(ctx, sql, t.ID, t.Notice, t.CustomerID, t.AskedBy, tx.Now, t.Address, t.Name, t.Locale, t.Subject, t.HTML, t.Plain, t.BodyHash)
	if err != nil {
		return fmt.Errorf("ask for a test of notice %s: %w", t.Notice, err)
	}
	return nil
}

func (store) trialsSince(ctx context.Context, tx *db.Tx, by string, since time.Time) (n int, err error) {
	const sql = `SELECT count(*) FROM notice_trial WHERE asked_by = $1 AND asked_at > $2`
	if err := tx.Pgx.QueryRow(ctx, sql, by, since).Scan(&n); err != nil {
		return 0, fmt.Errorf("count tests of notices: %w", err)
	}
	return n, nil
}

// tried returns the latest test of a notice by one person; nil: there is none.
func (store) tried(ctx context.Context, tx *db.Tx, by, notice string) (*Trial, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT `+trialColumns+` FROM notice_trial WHERE asked_by = $1 AND notice = $2 ORDER BY asked_at DESC LIMIT 1`, by, notice)
	if err != nil {
		return nil, fmt.Errorf("read a test of notice %s: %w", notice, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Trial])
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// trials takes tests that wait, and gives up those of a process that died: whether they arrived nobody knows.
func (store) trials(ctx context.Context, tx *db.Tx, limit int, abandoned time.Time) ([]Trial, error) {
	const lost = `UPDATE notice_trial SET state = 'unknown', html = '', plain = '', ended_at = $2 WHERE state = 'sending' AND asked_at < $1`
	if _, err := tx.Pgx.Exec(ctx, lost, abandoned, tx.Now); err != nil {
		return nil, fmt.Errorf("give up tests of notices: %w", err)
	}
	const sql = `
		WITH mine AS (SELECT id AS one FROM notice_trial WHERE state = 'asked' ORDER BY asked_at LIMIT $1 FOR UPDATE SKIP LOCKED)
		UPDATE notice_trial SET state = 'sending' FROM mine WHERE id = one RETURNING ` + trialColumns
	rows, err := tx.Pgx.Query(ctx, sql, limit)
	if err != nil {
		return nil, fmt.Errorf("take tests of notices: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Trial])
}

// endTrial records what became of a test. One that waited for long may have been given up by another process meanwhile: what is known
// counts.
func (store) endTrial(ctx context.Context, tx *db.Tx, id, state, detail string) error {
	const sql = `UPDATE notice_trial SET state = $2, detail = $3, html = '', plain = '', ended_at = $4 WHERE id = $1 AND state IN ('sending', 'unknown')`
	if _, err := tx.Pgx.Exec(ctx, sql, id, state, detail, tx.Now); err != nil {
		return fmt.Errorf("end a test of a notice: %w", err)
	}
	return nil
}
