package notice

import (
	"context"
	"fmt"
	"time"

	"offramp/internal/db"
	"offramp/migration"
)

// reachedSQL is the proof that customer c was reached since a message m was due: somebody signed in, or spoke with us.
const reachedSQL = `(
	EXISTS (SELECT FROM identity i WHERE i.customer_id = m.customer_id AND i.signed_in_at >= m.due_at)
	OR EXISTS (SELECT FROM notice_call k WHERE k.customer_id = m.customer_id AND k.outcome = 'reached' AND k.ended_at >= m.due_at))`

// silent opens a call for each customer who was mailed, or texted, the notice before an instant and of whom nothing was heard since, and
// returns how many.
func (store) silent(ctx context.Context, tx *db.Tx, notice string, before time.Time, due migration.Day) (int64, error) {
	const sql = `
		INSERT INTO notice_call (id, message_id, customer_id, notice, due_day, state, opened_at)
		SELECT gen_random_uuid()::text, m.id, m.customer_id, m.notice, $3::text::date, 'open', $4
		  FROM notice_message m JOIN customer c ON c.id = m.customer_id AND c.state = 'active'
		 WHERE m.notice = $1 AND m.state = 'sent' AND m.channel IN ('email', 'sms') AND m.sent_at < $2
		   AND NOT EXISTS (SELECT FROM notice_call k WHERE k.message_id = m.id)
		   AND NOT ` + reachedSQL + `
		ON CONFLICT (message_id) DO NOTHING`
	tag, err := tx.Pgx.Exec(ctx, sql, notice, before, due.String(), tx.Now)
	if err != nil {
		return 0, fmt.Errorf("find silent customers of notice %s: %w", notice, err)
	}
	return tag.RowsAffected(), nil
}

// standing counts the active customers who were neither reached nor waived, and the calls that are open, and tells whether a public
// notice has gone out.
// announced tells whether one of the notices has gone out.
func (store) announced(ctx context.Context, tx *db.Tx, notices []string) (out bool, err error) {
	if err = tx.Pgx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM notice_message WHERE notice = ANY($1) AND sent_at IS NOT NULL)`, notices).Scan(&out); err != nil {
		return false, fmt.Errorf("look for the public notice: %w", err)
	}
	return out, nil
}

func (store) standing(ctx context.Context, tx *db.Tx, public []string) (unreached, calls int64, announced bool, err error) {
	const sql = `
		SELECT (SELECT count(*) FROM notice_unreached), (SELECT count(*) FROM notice_call WHERE state = 'open'),
		       EXISTS (SELECT FROM notice_message WHERE notice = ANY($1) AND sent_at IS NOT NULL)`
	err = tx.Pgx.QueryRow(ctx, sql, append([]string{}, public...)).Scan(&unreached, &calls, &announced)
	if err != nil {
		return 0, 0, false, fmt.Errorf("count who was reached: %w", err)
	}
	return unreached, calls, announced, nil
}
