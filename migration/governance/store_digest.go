package governance

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// owners lists who owns open items of running plans, or open risks to be reviewed until soon, and has had no digest on a day.
func (store) owners(ctx context.Context, tx *db.Tx, day, soon migration.Day) ([]owner, error) {
	const sql = `
		WITH mine AS (
		  SELECT i.owner AS id, p.template FROM governance_item i JOIN governance_plan p ON p.id = i.plan_id
		   WHERE p.state = 'running' AND i.state = 'open' AND i.owner IS NOT NULL
		  UNION ALL
		  SELECT r.owner, NULL FROM risk r WHERE r.state = 'open' AND r.review_on <= $2::text::date
		)
		SELECT o.id, o.locale, coalesce(min(m.template), '') AS template,
		       coalesce((SELECT max(s.asked_at) FROM staff_mail s WHERE s.identity_id = o.id AND s.kind = 'digest'), '-infinity'::timestamptz) AS since
		  FROM mine m JOIN identity o ON o.id = m.id
		 WHERE o.state = 'active' AND o.roles <> '{}'
		   AND NOT EXISTS (SELECT FROM staff_mail s WHERE s.identity_id = o.id AND s.kind = 'digest' AND s.about = $1)
		 GROUP BY o.id, o.locale ORDER BY o.id`
	rows, err := tx.Pgx.Query(ctx, sql, day.String(), soon.String())
	if err != nil {
		return nil, fmt.Errorf("list owners: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (o owner, err error) {
		var since any
		err = row.Scan(&o.ID, &o.Locale, &o.Template, &since)
		if at, is := since.(time.Time); is {
			o.Since = at
		}
		return o, err
	})
}

type ownedRow struct {
	itemRow
	Since *time.Time
}

// owned reads the open items of running plans that somebody owns, by owner, soonest first. Those that are waived count as done.
func (store) owned(ctx context.Context, tx *db.Tx, p *migration.Programme) (map[string][]owned, error) {
	const sql = `
		SELECT i.id, i.key, i.phase, i.department, i.milestone, i.evidence, i.fact, i.owner, i.state, i.note, i.link,
		       coalesce(i.ended_by, '') AS ended_by, i.name, i.why, i.high, i.must, i.days, i.version, coalesce(i.due_day::text, '') AS own_day, i.after, i.ended_at,
		       (SELECT max(e.at) FROM governance_entry e WHERE e.item_id = i.id AND e.act = 'assigned' AND e.text = i.owner) AS since
		  FROM governance_item i JOIN governance_plan p ON p.id = i.plan_id
		 WHERE p.state = 'running' AND i.state = 'open' AND i.owner IS NOT NULL
		   AND NOT EXISTS (SELECT FROM governance_waiver w WHERE w.plan_id = i.plan_id AND w.subject = 'item:' || i.key
		                      AND w.agreed_at IS NOT NULL AND w.ended_at IS NULL AND w.until >= $1)
		 ORDER BY i.position, i.key`
	rows, err := tx.Pgx.Query(ctx, sql, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("read items by owner: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[ownedRow])
	if err != nil {
		return nil, fmt.Errorf("read items by owner: %w", err)
	}
	found := map[string][]owned{}
	for _, r := range list {
		item, err := r.item(p)
		if err != nil {
			return nil, err
		}
		o := owned{Item: item}
		if r.Since != nil {
			o.Since = *r.Since
		}
		found[r.Owner] = append(found[r.Owner], o)
	}
	return found, nil
}
