package replacement

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// gone locks choices that have not begun to be carried out and whose replacement is not on offer any more.
func (store) gone(ctx context.Context, tx *db.Tx, offered []string, limit int) (list []Choice, err error) {
	if offered == nil {
		offered = []string{}
	}
	const sql = `SELECT ` + choiceColumns + ` FROM replacement_choice
		WHERE decision = 'chosen' AND state IN ('made', 'failed') AND replacement <> ALL ($1) ORDER BY customer_id LIMIT $2 FOR UPDATE SKIP LOCKED`
	rows, err := tx.Pgx.Query(ctx, sql, offered, limit)
	if err != nil {
		return nil, fmt.Errorf("list choices of withdrawn replacements: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanChoice(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, *c)
	}
	return list, rows.Err()
}

// recipient is who is told that an offer ends.
type recipient struct{ customerID, contactID, codeID, sealed string }

// toTell marks customers as told that an offer ends, and returns them. Each is returned once for an offer's last day.
func (store) toTell(ctx context.Context, tx *db.Tx, r migration.Replacement, kind string, limit int) ([]recipient, error) {
	const marked = `, marked AS (INSERT INTO offer_notice (customer_id, replacement, until, kind, at)
		SELECT customer_id, $1, $2::date, $3, $4 FROM found ON CONFLICT DO NOTHING RETURNING customer_id)
		SELECT customer_id, contact_id, code_id, sealed FROM found JOIN marked USING (customer_id) ORDER BY customer_id`
	const untold = ` AND NOT EXISTS (SELECT FROM offer_notice n WHERE n.customer_id = k.id AND n.replacement = $1 AND n.until = $2::date AND n.kind = $3)
		 AND (cardinality($5::text[]) = 0 OR k.tier = ANY ($5)) ORDER BY k.id LIMIT $6)`
	const expiring = `WITH found AS (SELECT k.id AS customer_id, c.chosen_by AS contact_id, coalesce(o.id, '') AS code_id, coalesce(o.sealed, '') AS sealed
		  FROM customer k JOIN replacement_choice c ON c.customer_id = k.id AND c.replacement = $1 AND c.with_offer AND c.state IN ('made', 'failed')
		  LEFT JOIN offer_code o ON o.customer_id = k.id AND o.replacement = $1 WHERE (o.id IS NOT NULL OR NOT $7::boolean)` + untold + marked
	const ending = `WITH found AS (SELECT k.id AS customer_id, '' AS contact_id, '' AS code_id, '' AS sealed
		  FROM customer k JOIN journey j ON j.customer_id = k.id AND j.choose IN ('not_started', 'in_progress', 'action_needed') AND j.confirm <> 'completed'
		 WHERE k.state = 'active' AND $7::boolean IS NOT NULL AND NOT EXISTS (SELECT FROM replacement_choice c WHERE c.customer_id = k.id AND c.decision IN ('chosen', 'none')
		       AND c.state NOT IN ('undone', 'replaced', 'withdrawn'))` + untold + marked
	sql := expiring
	if kind == noticeEnding {
		sql = ending
	}
	tiers := r.Offer.Tiers
	if tiers == nil {
		tiers = []string{}
	}
	rows, err := tx.Pgx.Query(ctx, sql, r.Key, r.Offer.Until.String(), kind, tx.Now, tiers, limit, r.Offer.Pool)
	if err != nil {
		return nil, fmt.Errorf("list who is told that the offer of %s ends: %w", r.Key, err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (to recipient, err error) {
		err = row.Scan(&to.customerID, &to.contactID, &to.codeID, &to.sealed)
		return to, err
	})
}

func (store) dropReports(ctx context.Context, tx *db.Tx, before time.Time) error {
	_, err := tx.Pgx.Exec(ctx, `DELETE FROM replacement_report WHERE at < $1`, before)
	return err
}
