package notice

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// fall moves messages on to the notice's next channel of which every mail, or short message, came back. Without a next channel they
// have failed.
func (store) fall(ctx context.Context, tx *db.Tx, notice, channel, next string) error {
	const sql = `
		UPDATE notice_message m
		   SET state = CASE @next WHEN '' THEN 'failed' ELSE 'planned' END, channel = CASE @next WHEN '' THEN m.channel ELSE @next END,
		       reason = CASE @next WHEN '' THEN 'no_channel' ELSE '' END, next_at = @now, leased_until = NULL
		 WHERE m.notice = @notice AND m.state = 'sent' AND m.channel = @channel
		   AND m.id IN (SELECT message_id FROM notice_delivery WHERE state = 'bounced' AND channel = @channel)
		   AND NOT EXISTS (SELECT FROM notice_delivery d
		                    WHERE d.message_id = m.id AND d.channel = @channel AND d.state NOT IN ('bounced', 'refused'))`
	_, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{"notice": notice, "channel": channel, "next": next, "now": tx.Now})
	if err != nil {
		return fmt.Errorf("fall back from %s of notice %s: %w", channel, notice, err)
	}
	return nil
}

// again takes up what a person has sent once more.
func (store) again(ctx context.Context, tx *db.Tx) error {
	const sql = `
		UPDATE notice_message m SET state = 'planned', channel = d.channel, reason = '', next_at = $1, leased_until = NULL
		  FROM notice_delivery d
		 WHERE d.message_id = m.id AND d.again_by <> '' AND d.state IN ('unknown', 'lapsed') AND m.state IN ('sent', 'failed')`
	if _, err := tx.Pgx.Exec(ctx, sql, tx.Now); err != nil {
		return fmt.Errorf("send again: %w", err)
	}
	return nil
}

// rescue opens a call for each active customer of whom a message has failed for want of a channel, unless one is open or was opened
// since.
func (store) rescue(ctx context.Context, tx *db.Tx, notices []string, due migration.Day) error {
	const sql = `
		INSERT INTO notice_call (id, message_id, customer_id, notice, due_day, state, opened_at)
		SELECT DISTINCT ON (m.customer_id) gen_random_uuid()::text, m.id, m.customer_id, m.notice, $2::text::date, 'open', $3
		  FROM notice_message m JOIN customer c ON c.id = m.customer_id AND c.state = 'active'
		 WHERE m.notice = ANY($1) AND m.state = 'failed' AND m.reason = 'no_channel'
		   AND NOT EXISTS (SELECT FROM notice_call k WHERE k.customer_id = m.customer_id AND (k.state = 'open' OR k.opened_at >= m.planned_at))
		 ORDER BY m.customer_id, m.due_day DESC
		ON CONFLICT (message_id) DO NOTHING`
	if _, err := tx.Pgx.Exec(ctx, sql, notices, due.String(), tx.Now); err != nil {
		return fmt.Errorf("open calls for customers without a channel: %w", err)
	}
	return nil
}
