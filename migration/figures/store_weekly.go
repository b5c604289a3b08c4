package figures

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// shownWeeklies is how many reports of weeks are listed.
const shownWeeklies = 20

func (store) drafted(ctx context.Context, tx *db.Tx, week migration.Day) (known bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM figure_weekly WHERE week = $1::text::date)`, week.String()).Scan(&known)
	return known, err
}

func (store) addWeekly(ctx context.Context, tx *db.Tx, week migration.Day, c Content) error {
	_, err := tx.Pgx.Exec(ctx, `INSERT INTO figure_weekly (week, content, made_at) VALUES ($1::text::date, $2, $3) ON CONFLICT DO NOTHING`, week.String(), c, tx.Now)
	if err != nil {
		return fmt.Errorf("draft a weekly report: %w", err)
	}
	return nil
}

// items counts the items of each department in running workplans: open now, and done between two instants.
func (store) items(ctx context.Context, tx *db.Tx, from, to time.Time) (map[string]tasks, error) {
	const sql = `
		SELECT i.department, count(*) FILTER (WHERE i.state = 'open') AS open,
		       count(*) FILTER (WHERE i.state = 'done' AND i.ended_at >= $1 AND i.ended_at < $2) AS done
		  FROM governance_item i JOIN governance_plan p ON p.id = i.plan_id WHERE p.state = 'running' GROUP BY 1`
	rows, err := tx.Pgx.Query(ctx, sql, from, to)
	if err != nil {
		return nil, fmt.Errorf("count items: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[tasks])
	found := make(map[string]tasks, len(list))
	for _, t := range list {
		found[t.Department] = t
	}
	return found, err
}

const weeklyColumns = `week, content, state, note, made_at, coalesce(decided_by, '') AS decided_by, decided_at,
	(SELECT count(*) FROM staff_mail m WHERE m.kind = 'weekly' AND m.about = figure_weekly.week::text) AS mails`

// weeklyRow is a row of figure_weekly.
type weeklyRow struct {
	Week        time.Time
	Content     Content
	State, Note string
	MadeAt      time.Time
	DecidedBy   string
	DecidedAt   *time.Time
	Mails       int
}

func (r weeklyRow) weekly() Weekly {
	return Weekly{
		Week: migration.DayOf(r.Week), Content: r.Content, State: r.State, Note: r.Note, MadeAt: r.MadeAt, DecidedBy: r.DecidedBy,
		DecidedAt: r.DecidedAt, Mails: r.Mails,
	}
}

func (store) weeklies(ctx context.Context, tx *db.Tx) (list []Weekly, err error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT `+weeklyColumns+` FROM figure_weekly ORDER BY figure_weekly.week DESC LIMIT $1`, shownWeeklies)
	if err != nil {
		return nil, fmt.Errorf("list weekly reports: %w", err)
	}
	read, err := pgx.CollectRows(rows, pgx.RowToStructByName[weeklyRow])
	for _, r := range read {
		list = append(list, r.weekly())
	}
	return list, err
}

// decide sends or drops a draft.
func (store) decide(ctx context.Context, tx *db.Tx, week migration.Day, state, note, by string) (Weekly, error) {
	const sql = `
		UPDATE figure_weekly SET state = @state, note = @note, decided_by = @by, decided_at = @now
		 WHERE week = @week::text::date RETURNING ` + weeklyColumns
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{"state": state, "note": note, "by": by, "now": tx.Now, "week": week.String()})
	if err != nil {
		return Weekly{}, errWeekly(err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[weeklyRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return Weekly{}, ErrNoWeek
	}
	if err != nil {
		return Weekly{}, errWeekly(err)
	}
	return r.weekly(), nil
}

// reader is a colleague who gets the report, with their departments in the order of pages.
type reader struct {
	ID          string
	Departments []string
}

// readers are colleagues by their roles, and by the items that they own in running workplans.
func (store) readers(ctx context.Context, tx *db.Tx) ([]reader, error) {
	const sql = `
		SELECT id, array_agg(DISTINCT department ORDER BY department) AS departments FROM (
		  SELECT i.id, CASE r WHEN 'programme_manager' THEN 'lead' WHEN 'support' THEN 'support' ELSE 'finance' END AS department
		    FROM identity i, unnest(i.roles) r
		   WHERE i.realm = 'staff' AND i.state = 'active' AND r IN ('programme_manager', 'support', 'finance_clerk', 'finance_approver', 'finance_releaser')
		  UNION
		  SELECT i.id, t.department FROM identity i JOIN governance_item t ON t.owner = i.id JOIN governance_plan p ON p.id = t.plan_id AND p.state = 'running'
		   WHERE i.realm = 'staff' AND i.state = 'active' AND cardinality(i.roles) > 0) x
		 GROUP BY id ORDER BY id`
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("list the readers of weekly reports: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[reader])
}
