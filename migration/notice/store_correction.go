package notice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// reader is what a pool and a transaction have in common.
type reader interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

const correctionColumns = `version, moved, customers, drafted_at, planned_at`

// corrections lists those that are to go out, or went.
func (store) corrections(ctx context.Context, q reader) ([]correction, error) {
	const sql = `SELECT ` + correctionColumns + ` FROM notice_correction WHERE replaced_by IS NULL AND customers > 0 ORDER BY version`
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("list corrections: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[correction])
}

func (store) correction(ctx context.Context, tx *db.Tx, key string) (correction, error) {
	const sql = `SELECT ` + correctionColumns + ` FROM notice_correction WHERE 'moved:' || version = $1`
	rows, err := tx.Pgx.Query(ctx, sql, key)
	if err != nil {
		return correction{}, fmt.Errorf("read correction %s: %w", key, err)
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[correction])
}

// unsentSQL tells whether correction c has not been sent to the end.
const unsentSQL = `c.replaced_by IS NULL AND (c.planned_at IS NULL
	OR EXISTS (SELECT FROM notice_message m WHERE m.notice = 'moved:' || c.version AND m.state = 'planned'))`

// unsent lists the corrections that have not been sent to the end, newest first.
func (store) unsent(ctx context.Context, tx *db.Tx) ([]correction, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT `+correctionColumns+` FROM notice_correction c WHERE `+unsentSQL+` ORDER BY version DESC`)
	if err != nil {
		return nil, fmt.Errorf("list unsent corrections: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[correction])
}

// draft stores a correction in place of those that were not sent to the end. A version has one.
func (store) draft(ctx context.Context, tx *db.Tx, c correction) error {
	const insert = `
		INSERT INTO notice_correction (version, moved, customers, drafted_at) VALUES ($1, $2, $3, $4) ON CONFLICT (version) DO NOTHING`
	if _, err := tx.Pgx.Exec(ctx, `UPDATE notice_correction c SET replaced_by = $1 WHERE version <> $1 AND `+unsentSQL, c.Version); err != nil {
		return fmt.Errorf("replace corrections: %w", err)
	}
	if _, err := tx.Pgx.Exec(ctx, insert, c.Version, c.Moved, c.Customers, tx.Now); err != nil {
		return fmt.Errorf("draft correction: %w", err)
	}
	return nil
}

// predecessor is the file that was in effect before a version for which no correction was looked for; empty: there is none.
func (store) predecessor(ctx context.Context, tx *db.Tx, version int) (source string, err error) {
	const sql = `
		SELECT source FROM programme_version
		 WHERE state = 'superseded' AND version < $1 AND NOT EXISTS (SELECT FROM notice_correction WHERE version = $1)
		 ORDER BY version DESC LIMIT 1`
	err = tx.Pgx.QueryRow(ctx, sql, version).Scan(&source)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return source, err
}

func (store) approvedAt(ctx context.Context, tx *db.Tx, key, hash string) (at time.Time, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT approved_at FROM notice_approval WHERE notice = $1 AND hash = $2`, key, hash).Scan(&at)
	return at, err
}

// wrongSQL holds, over dates v, what was said, and which date each contact was told last: wrong is where it is another one now, and
// the move concerned the customer. What was said on the phone is under the empty contact.
const wrongSQL = `
	WITH v AS (
	  SELECT milestone, base::date, later::date FROM unnest(@milestones::text[], @bases::text[], @laters::text[]) AS v (milestone, base, later)
	), said AS (
	  SELECT d.customer_id, d.contact_id, m.notice, d.days, d.started_at AS at
	    FROM notice_delivery d JOIN notice_message m ON m.id = d.message_id
	   WHERE d.state NOT IN ('deferred', 'refused', 'bounced') AND (@customers::text[] IS NULL OR d.customer_id = ANY(@customers))
	  UNION ALL
	  SELECT k.customer_id, '', k.notice, k.days, k.ended_at
	    FROM notice_call k WHERE k.outcome = 'reached' AND (@customers::text[] IS NULL OR k.customer_id = ANY(@customers))
	), told AS (
	  SELECT DISTINCT ON (s.customer_id, s.contact_id, v.milestone)
	         s.customer_id, s.contact_id, s.notice, v.milestone, (s.days->>v.milestone)::date AS day, v.base, v.later
	    FROM said s JOIN v ON s.days ? v.milestone ORDER BY s.customer_id, s.contact_id, v.milestone, s.at DESC
	), wrong AS (
	  SELECT t.customer_id, t.contact_id, t.notice, t.milestone, t.day, greatest(t.base, e.day) AS now, c.ref, c.name, c.tier
	    FROM told t JOIN customer c ON c.id = t.customer_id AND c.state = 'active'
	    LEFT JOIN extension e ON e.customer_id = t.customer_id AND e.milestone = t.milestone
	   WHERE t.day <> greatest(t.base, e.day) AND coalesce(e.day < t.later, true)
	)`

// wrongArgs are those of wrongSQL; customers may be nil for all.
func wrongArgs(p *migration.Programme, moved []migration.MovedDate, customers []string) pgx.NamedArgs {
	var keys, bases, laters []string
	for _, m := range moved {
		base, later := m.Day, m.Day
		if now, ok := p.Milestone(m.Milestone); ok {
			base = now.Day
		}
		if m.Was.After(later) {
			later = m.Was
		}
		keys, bases, laters = append(keys, m.Milestone), append(bases, base.String()), append(laters, later.String())
	}
	return pgx.NamedArgs{"milestones": keys, "bases": bases, "laters": laters, "customers": customers}
}

// misled counts the customers who were told an old date last.
func (store) misled(ctx context.Context, tx *db.Tx, p *migration.Programme, moved []migration.MovedDate) (n int, err error) {
	err = tx.Pgx.QueryRow(ctx, wrongSQL+` SELECT count(DISTINCT customer_id) FROM wrong`, wrongArgs(p, moved, nil)).Scan(&n)
	return n, err
}

// misledBy counts them by the notice that told them.
func (store) misledBy(ctx context.Context, tx *db.Tx, p *migration.Programme, moved []migration.MovedDate) ([]CountOf, error) {
	const sql = wrongSQL + ` SELECT notice, count(DISTINCT customer_id)::int AS customers FROM wrong GROUP BY notice ORDER BY customers DESC, notice`
	rows, err := tx.Pgx.Query(ctx, sql, wrongArgs(p, moved, nil))
	if err != nil {
		return nil, fmt.Errorf("count who was told old dates: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[CountOf])
}

// misledList lists them in order of their numbers.
func (store) misledList(ctx context.Context, tx *db.Tx, p *migration.Programme, moved []migration.MovedDate, limit int) (list []MisledCustomer, err error) {
	const sql = wrongSQL + `
		SELECT customer_id, ref, name, tier, max(notice) AS notice,
		       jsonb_agg(DISTINCT jsonb_build_object('Milestone', milestone, 'Was', day, 'Day', now)) AS dates
		  FROM wrong GROUP BY customer_id, ref, name, tier ORDER BY ref LIMIT @limit`
	args := wrongArgs(p, moved, nil)
	args["limit"] = limit
	rows, err := tx.Pgx.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("list who was told old dates: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[MisledCustomer])
}

// told reads what customers were told last of the dates that a correction is about.
func (store) told(ctx context.Context, tx *db.Tx, p *migration.Programme, moved []migration.MovedDate, customers []string) (map[string]told, error) {
	rows, err := tx.Pgx.Query(ctx, wrongSQL+` SELECT customer_id, contact_id, milestone, day::text FROM told`, wrongArgs(p, moved, customers))
	if err != nil {
		return nil, fmt.Errorf("read what customers were told: %w", err)
	}
	found := map[string]told{}
	var customer, contact, milestone, text string
	_, err = pgx.ForEachRow(rows, []any{&customer, &contact, &milestone, &text}, func() error {
		day, err := migration.ParseDay(text)
		if found[customer] == nil {
			found[customer] = told{}
		}
		if found[customer][contact] == nil {
			found[customer][contact] = map[string]migration.Day{}
		}
		found[customer][contact][milestone] = day
		return err
	})
	return found, err
}

// planCorrection writes down one row for each customer who was told an old date last, and returns how many had none.
func (store) planCorrection(ctx context.Context, tx *db.Tx, p *migration.Programme, n migration.Notice, hash string) (int64, error) {
	const sql = wrongSQL + `
		INSERT INTO notice_message (id, customer_id, notice, stage, due_day, due_at, hash, state, next_at, planned_at)
		SELECT gen_random_uuid()::text, customer_id, @notice, 0, @day::text::date, @now, @hash, 'planned', @now, @now
		  FROM (SELECT DISTINCT customer_id FROM wrong) w
		    ON CONFLICT (customer_id, notice, due_day) DO NOTHING`
	args := wrongArgs(p, n.Moved, nil)
	args["notice"], args["day"], args["now"], args["hash"] = n.Key, n.On.Day.String(), tx.Now, hash
	tag, err := tx.Pgx.Exec(ctx, sql, args)
	if err != nil {
		return 0, fmt.Errorf("plan correction %s: %w", n.Key, err)
	}
	if _, err := tx.Pgx.Exec(ctx, `UPDATE notice_correction SET planned_at = $2 WHERE 'moved:' || version = $1`, n.Key, tx.Now); err != nil {
		return 0, fmt.Errorf("note correction %s: %w", n.Key, err)
	}
	return tag.RowsAffected(), nil
}

// leave lets go of what was planned of notices that the programme does not have any more, and of corrections that others replace.
func (store) leave(ctx context.Context, tx *db.Tx, keys []string) error {
	const sql = `
		UPDATE notice_message SET state = CASE WHEN notice LIKE 'moved:%' THEN 'superseded' ELSE 'dropped' END, reason = 'gone'
		 WHERE state = 'planned' AND notice <> ALL($1) AND (leased_until IS NULL OR leased_until < $2)`
	if _, err := tx.Pgx.Exec(ctx, sql, keys, tx.Now); err != nil {
		return fmt.Errorf("let go of notices that are gone: %w", err)
	}
	return nil
}

// outdated counts, by notice, the customers who were told a date that has moved since. A date that never moved costs nothing.
func (store) outdated(ctx context.Context, tx *db.Tx, p *migration.Programme) ([]Outdated, error) {
	var moved []migration.MovedDate
	const sql = `
		SELECT coalesce(jsonb_agg(jsonb_build_object('Milestone', milestone, 'Was', was, 'Day', was)), '[]') FROM (
		  SELECT x->>'Milestone' AS milestone, max(greatest(x->>'Was', x->>'Day')) AS was
		    FROM notice_correction, jsonb_array_elements(moved) x GROUP BY 1) m`
	if err := tx.Pgx.QueryRow(ctx, sql).Scan(&moved); err != nil || len(moved) == 0 {
		return nil, err
	}
	rows, err := tx.Pgx.Query(ctx, wrongSQL+`
		, each AS (
		  SELECT DISTINCT s.customer_id, s.notice, v.milestone, (s.days->>v.milestone)::date AS told
		    FROM said s JOIN v ON s.days ? v.milestone JOIN customer c ON c.id = s.customer_id AND c.state = 'active'
		    LEFT JOIN extension e ON e.customer_id = s.customer_id AND e.milestone = v.milestone
		   WHERE (s.days->>v.milestone)::date <> greatest(v.base, e.day) AND coalesce(e.day < v.later, true)
		)
		SELECT notice, milestone, to_json(told)#>>'{}' AS told, count(*)::int AS customers,
		       count(*) FILTER (WHERE EXISTS (SELECT FROM wrong w WHERE w.customer_id = each.customer_id AND w.milestone = each.milestone))::int AS open
		  FROM each GROUP BY notice, milestone, told ORDER BY notice, milestone, told`, wrongArgs(p, moved, nil))
	if err != nil {
		return nil, fmt.Errorf("list outdated messages: %w", err)
	}
	var list []Outdated
	var o Outdated
	var day string
	_, err = pgx.ForEachRow(rows, []any{&o.Notice, &o.Milestone, &day, &o.Customers, &o.Open}, func() (err error) {
		o.Told, err = migration.ParseDay(day)
		list = append(list, o)
		return err
	})
	return list, err
}
