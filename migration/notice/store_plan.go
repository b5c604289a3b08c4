package notice

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/audience"
)

// store is the only place that knows the tables of notices.
type store struct{}

// zoneStage is the stage that is due in one zone.
type zoneStage struct {
	zone string
	Stage
	at time.Time
}

// zones lists the zones that customers are in.
func (store) zones(ctx context.Context, tx *db.Tx) ([]string, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT DISTINCT zone FROM customer WHERE state = 'active'`)
	if err != nil {
		return nil, fmt.Errorf("list zones: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// changed lists up to limit customers of whom anything has changed since an instant that decides what they are told, the zones that
// they are in, and whether the use of a feature was counted anew for all. Reading each table once is quicker than an index
// would be kept.
func (store) changed(ctx context.Context, tx *db.Tx, since time.Time, limit int) (ids, zones []string, recounted bool, err error) {
	const sql = `
		WITH changed AS (
		  SELECT id FROM customer WHERE updated_at > @since
		  UNION SELECT customer_id FROM journey WHERE updated_at > @since
		  UNION SELECT customer_id FROM extension WHERE granted_at > @since
		  UNION SELECT customer_id FROM feature_usage WHERE counted_at > @since
		  LIMIT @limit
		)
		SELECT coalesce((SELECT array_agg(id) FROM changed), '{}'),
		       coalesce((SELECT array_agg(DISTINCT c.zone) FROM customer c JOIN changed USING (id) WHERE c.state = 'active'), '{}'),
		       EXISTS (SELECT FROM feature_count WHERE counted_at > @since)`
	err = tx.Pgx.QueryRow(ctx, sql, pgx.NamedArgs{"since": since, "limit": limit}).Scan(&ids, &zones, &recounted)
	if err != nil {
		return nil, nil, false, fmt.Errorf("look for changes: %w", err)
	}
	return ids, zones, recounted, nil
}

// extended lists the later days to which a milestone was moved for some customers.
func (store) extended(ctx context.Context, tx *db.Tx, milestone string, after migration.Day) (days []migration.Day, err error) {
	const sql = `SELECT DISTINCT day::text FROM extension WHERE milestone = $1 AND day > $2::text::date ORDER BY 1`
	rows, err := tx.Pgx.Query(ctx, sql, milestone, after.String())
	if err != nil {
		return nil, fmt.Errorf("list extensions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, one := range list {
		day, err := migration.ParseDay(one)
		if err != nil {
			return nil, err
		}
		days = append(days, day)
	}
	return days, err
}

// wave is what one statement plans: a notice for those to whom its milestone is on one day.
type wave struct {
	notice migration.Notice
	hash   string
	core   []string       // tiers of a personal notice
	base   migration.Day  // of the milestone in the programme; zero for a fixed day
	moved  migration.Day  // the later day of the customers that are meant; zero: those without one
	rule   *audience.Rule // nil: everybody
	stages []zoneStage
	only   []string // ids of the customers that are looked at; nil: all
}

// who words which customers a wave is for, over customer c: active ones to whom the milestone is on the wave's day.
func (w wave) who(args pgx.NamedArgs) string {
	sql := "c.state = 'active'"
	if w.only != nil {
		args["only"] = w.only
		sql += " AND c.id = ANY(@only)"
	}
	if w.base.IsZero() {
		return sql
	}
	args["milestone"], args["base"] = w.notice.On.Milestone, w.base.String()
	const own = `EXISTS (SELECT FROM extension e WHERE e.customer_id = c.id AND e.milestone = @milestone AND e.day `
	if w.moved.IsZero() {
		return sql + " AND NOT " + own + `> @base::text::date)`
	}
	args["moved"] = w.moved.String()
	return sql + " AND " + own + `= @moved::text::date)`
}

// meant words whom the audience means, over customer c and journey j. It is NULL where the rule has no result.
func (w wave) meant(args pgx.NamedArgs) string {
	sql := "TRUE"
	if w.rule != nil {
		condition, values := w.rule.SQL()
		maps.Copy(args, values)
		sql = condition
	}
	if w.notice.Kind == migration.NoticePersonal {
		args["core"] = w.core
		sql += " AND c.tier = ANY(@core)"
	}
	return "(" + sql + ")"
}

// open words whose step is open, over journey j.
func (w wave) open() string {
	if w.notice.Kind != migration.NoticeReminder {
		return "TRUE"
	}
	return "j." + w.notice.Step + " NOT IN ('completed', 'not_needed')"
}

// journeys joins the journeys j where the wave asks for something of them.
func (w wave) journeys() string {
	if w.rule == nil && w.notice.Kind != migration.NoticeReminder {
		return ""
	}
	return "JOIN journey j ON j.customer_id = c.id "
}

// stageTable is the common table expression z of the stage that is due in each zone.
func (w wave) stageTable(args pgx.NamedArgs) string {
	var zones, days []string
	var stages []int
	var ats []time.Time
	for _, s := range w.stages {
		zones, days, stages, ats = append(zones, s.zone), append(days, s.Day.String()), append(stages, s.Days), append(ats, s.at)
	}
	args["zones"], args["days"], args["stages"], args["ats"], args["notice"] = zones, days, stages, ats, w.notice.Key
	return `
		WITH z AS (
		  SELECT zone, stage, day::date AS day, at
		    FROM unnest(@zones::text[], @stages::int[], @days::text[], @ats::timestamptz[]) AS z (zone, stage, day, at)
		)`
}

// toldSQL tells whether a customer has this stage or a later one already, whatever became of it.
const toldSQL = `EXISTS (SELECT FROM notice_message m WHERE m.customer_id = c.id AND m.notice = @notice AND m.due_day >= z.day)`

// plan writes down who is due in a wave and returns how many were not yet. A customer who has this stage, or a later one, is
// passed over, whatever became of it: nobody is told a stage twice.
func (store) plan(ctx context.Context, tx *db.Tx, w wave) (int64, error) {
	if len(w.stages) == 0 {
		return 0, nil
	}
	args := pgx.NamedArgs{"hash": w.hash, "now": tx.Now}
	sql := w.stageTable(args) + `
		INSERT INTO notice_message (id, customer_id, notice, stage, due_day, due_at, hash, state, next_at, planned_at)
		SELECT gen_random_uuid()::text, c.id, @notice, z.stage, z.day, z.at, @hash, 'planned', z.at, @now
		  FROM customer c ` + w.journeys() + `JOIN z ON z.zone = c.zone
		 WHERE ` + w.who(args) + ` AND ` + w.meant(args) + ` AND ` + w.open() + ` AND NOT ` + toldSQL + `
`
	tag, err := tx.Pgx.Exec(ctx, sql, args)
	if err != nil {
		return 0, fmt.Errorf("plan notice %s: %w", w.notice.Key, err)
	}
	return tag.RowsAffected(), nil
}

// supersede lets go of what a later stage of the same notice has overtaken before anything of it was sent.
func (store) supersede(ctx context.Context, tx *db.Tx, notice string) error {
	const sql = `
		UPDATE notice_message m SET state = 'superseded'
		 WHERE m.notice = $1 AND m.state = 'planned'
		   AND EXISTS (SELECT FROM notice_message l
		                WHERE l.customer_id = m.customer_id AND l.notice = m.notice AND l.due_day > m.due_day)
		   AND NOT EXISTS (SELECT FROM notice_delivery d WHERE d.message_id = m.id)`
	if _, err := tx.Pgx.Exec(ctx, sql, notice); err != nil {
		return fmt.Errorf("supersede notice %s: %w", notice, err)
	}
	return nil
}

// foresee tells who would be due in a wave's stages, as things stand: up to limit of them in order of their numbers, and how many
// of the others are not, by why.
func (store) foresee(ctx context.Context, tx *db.Tx, w wave, limit int) (list []Foreseen, not map[string]int, err error) {
	not = map[string]int{}
	if len(w.stages) == 0 {
		return nil, not, nil
	}
	args := pgx.NamedArgs{"limit": limit}
	sql := w.stageTable(args) + `, judged AS (
		  SELECT c.id, c.ref, c.name, c.tier, c.zone, z.stage, z.at,
		         CASE WHEN ` + toldSQL + ` THEN 'told' WHEN ` + w.meant(args) + ` IS NULL THEN 'rule'
		              WHEN NOT ` + w.meant(args) + ` THEN 'audience' WHEN NOT (` + w.open() + `) THEN 'done' ELSE '' END AS why
		    FROM customer c JOIN journey j ON j.customer_id = c.id JOIN z ON z.zone = c.zone
		   WHERE ` + w.who(args) + `
		), due AS (SELECT * FROM judged WHERE why = '' ORDER BY ref LIMIT @limit)
		SELECT id, ref, name, tier, zone, stage, at, '' AS why, 1 AS count FROM due
		UNION ALL
		SELECT '', '', '', '', '', 0, 'epoch'::timestamptz, why, count(*) FROM judged GROUP BY why`
	rows, err := tx.Pgx.Query(ctx, sql, args)
	if err != nil {
		return nil, nil, fmt.Errorf("foresee notice %s: %w", w.notice.Key, err)
	}
	var f Foreseen
	var why string
	var count int
	_, err = pgx.ForEachRow(rows, []any{&f.CustomerID, &f.Ref, &f.Name, &f.Tier, &f.Zone, &f.Stage, &f.At, &why, &count}, func() error {
		if f.CustomerID == "" {
			not[why] = count
			return nil
		}
		f.Notice = w.notice.Key
		list = append(list, f)
		return nil
	})
	return list, not, err
}

// judge counts the active customers whom a wave's rule means, and those for whom it has no result.
func (store) judge(ctx context.Context, tx *db.Tx, w wave) (meant, failed int, err error) {
	args := pgx.NamedArgs{}
	rule := w.meant(args)
	sql := `
		SELECT count(*) FILTER (WHERE ` + rule + `), count(*) FILTER (WHERE ` + rule + ` IS NULL)
		  FROM customer c JOIN journey j ON j.customer_id = c.id WHERE c.state = 'active'`
	err = tx.Pgx.QueryRow(ctx, sql, args).Scan(&meant, &failed)
	return meant, failed, err
}

// openTalks counts the customers of core tiers with whom nobody has spoken yet, though a personal notice means them: those
// whose call is open and those for whom none was planned.
func (store) openTalks(ctx context.Context, tx *db.Tx, notices, core []string) (n int, err error) {
	const sql = `
		SELECT count(*) FROM customer c
		 WHERE c.state = 'active' AND c.tier = ANY($1)
		   AND NOT EXISTS (SELECT FROM notice_call k WHERE k.customer_id = c.id AND k.notice = ANY($2) AND k.state <> 'open')`
	err = tx.Pgx.QueryRow(ctx, sql, core, notices).Scan(&n)
	return n, err
}

// approved returns the approved hash of each notice that was approved with the content it has now.
func (store) approved(ctx context.Context, tx *db.Tx, hashes map[string]string) (map[string]bool, error) {
	var keys, sums []string
	for key, hash := range hashes {
		keys, sums = append(keys, key), append(sums, hash)
	}
	const sql = `SELECT a.notice FROM notice_approval a JOIN unnest($1::text[], $2::text[]) AS w (notice, hash) USING (notice, hash)`
	rows, err := tx.Pgx.Query(ctx, sql, keys, sums)
	if err != nil {
		return nil, fmt.Errorf("read approvals: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	found := make(map[string]bool, len(list))
	for _, one := range list {
		found[one] = true
	}
	return found, err
}

// gateOpen reports whether the company's workplan lets customers be told now; without one, it does.
func (store) gateOpen(ctx context.Context, tx *db.Tx) (ok bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT governance_allows('notices', $1)`, tx.Now).Scan(&ok)
	return ok, err
}

// lead makes this transaction the only one that plans, and reports whether it is.
func (store) lead(ctx context.Context, tx *db.Tx) (mine bool, err error) {
	const sql = `SELECT pg_try_advisory_xact_lock(hashtextextended('offramp notice plan', 0))`
	err = tx.Pgx.QueryRow(ctx, sql).Scan(&mine)
	return mine, err
}
