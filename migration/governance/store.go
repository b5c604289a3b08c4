package governance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the tables of plans.
type store struct{}

type planRow struct {
	ID, Template, Source, StartedBy string
	Leading                         bool
	StartedAt                       time.Time
}

const planColumns = `SELECT id, template, source, leads AS leading, started_by, started_at FROM governance_plan WHERE state = 'running'`

// running reads the running plan of a template; an empty one: the leading plan. ErrNoPlan.
func (s store) running(ctx context.Context, tx *db.Tx, template string, lock bool) (planRow, error) {
	if template == "" {
		return s.leading(ctx, tx, lock)
	}
	return s.plan(ctx, tx, planColumns+` AND template = $1`, lock, template)
}

func (s store) leading(ctx context.Context, tx *db.Tx, lock bool) (planRow, error) {
	return s.plan(ctx, tx, planColumns+` AND leads`, lock)
}

func (store) plan(ctx context.Context, tx *db.Tx, sql string, lock bool, args ...any) (planRow, error) {
	if lock {
		sql += ` FOR UPDATE`
	}
	rows, err := tx.Pgx.Query(ctx, sql, args...)
	if err != nil {
		return planRow{}, fmt.Errorf("read plan: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[planRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return planRow{}, ErrNoPlan
	}
	return row, err
}

func (store) templates(ctx context.Context, tx *db.Tx) ([]string, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT template FROM governance_plan WHERE state = 'running' ORDER BY leads DESC, template`)
	if err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// insert writes a plan with its phases, their planned days, and its items. ErrRunning.
func (s store) insert(ctx context.Context, tx *db.Tx, id, by string, t Template, source []byte, p *migration.Programme) error {
	leading := false
	for _, f := range t.Phases {
		leading = leading || len(f.Gate.Blocks) > 0
	}
	const plan = `
		INSERT INTO governance_plan (id, template, source, leads, state, started_by, started_at)
		VALUES (@id, @template, @source, @leading, 'running', @by, @now)`
	args := pgx.NamedArgs{"id": id, "template": t.Key, "source": string(source), "leading": leading, "by": by, "now": tx.Now}
	if _, err := tx.Pgx.Exec(ctx, plan, args); db.IsUnique(err, "governance_one_leads") || db.IsUnique(err, "governance_one_of_a_kind") {
		return ErrRunning
	} else if err != nil {
		return fmt.Errorf("start plan: %w", err)
	}
	b := &pgx.Batch{}
	for i, f := range t.Phases {
		b.Queue(`INSERT INTO governance_phase (plan_id, key, position, blocks) VALUES ($1, $2, $3, $4)`, id, f.Key, i, append([]string{}, f.Gate.Blocks...))
		for edge, due := range map[string]Due{"from": f.From, "to": f.To} {
			b.Queue(dayInsert, id, f.Key, edge, "planned", due.on(p).String(), "", by, tx.Now)
		}
	}
	for i, r := range t.Items {
		b.Queue(itemInsert, itemArgs(id, i, r))
	}
	if err := tx.Pgx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("start plan: %w", err)
	}
	return nil
}

const itemInsert = `
	INSERT INTO governance_item (id, plan_id, key, phase, position, name, why, department, high, must, milestone, days, after, evidence, fact, state)
	VALUES (gen_random_uuid()::text, @plan, @key, @phase, @position, @name, @why, @department, @high, @must, @milestone, @days, @after, @evidence,
	        @fact, 'open')`

func itemArgs(plan string, position int, r ItemRule) pgx.NamedArgs {
	why := r.Why
	if why == nil {
		why = migration.Text{}
	}
	return pgx.NamedArgs{
		"plan": plan, "key": r.Key, "phase": r.Phase, "position": position, "name": r.Name, "why": why, "department": r.Department,
		"high": r.Priority == "high", "must": r.Needed(), "milestone": r.Due.Milestone, "days": r.Due.Days, "after": append([]string{}, r.After...),
		"evidence": r.Evidence, "fact": r.Fact,
	}
}

// on is the day in a programme.
func (d Due) on(p *migration.Programme) migration.Day {
	m, _ := p.Milestone(d.Milestone) // every programme has those that templates may name
	return m.Day.AddDays(d.Days)
}

func (store) end(ctx context.Context, tx *db.Tx, id, by string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE governance_plan SET state = 'ended', ended_by = $2, ended_at = $3 WHERE id = $1`, id, by, tx.Now)
	return err
}

// carry takes what was done, owned and said from one plan to the items of the same key in another, and returns how many there are.
func (store) carry(ctx context.Context, tx *db.Tx, from, to string) (int64, error) {
	const items = `
		UPDATE governance_item n
		   SET owner = o.owner, due_day = o.due_day,
		       state = CASE WHEN proved THEN 'done' ELSE 'open' END, note = o.note, link = o.link,
		       ended_by = CASE WHEN proved THEN o.ended_by END, ended_at = CASE WHEN proved THEN o.ended_at END
		  FROM (SELECT o.*, o.state = 'done' AND o.ended_by IS NOT NULL AS by_hand FROM governance_item o WHERE o.plan_id = $1) o,
		       LATERAL (SELECT o.by_hand AND x.fact = '' AND (x.evidence = '' OR x.evidence = 'note' AND o.note <> ''
		                       OR x.evidence = 'link' AND o.link <> '') AS proved
		                  FROM governance_item x WHERE x.plan_id = $2 AND x.key = o.key) y
		 WHERE n.plan_id = $2 AND n.key = o.key`
	tag, err := tx.Pgx.Exec(ctx, items, from, to)
	if err != nil {
		return 0, fmt.Errorf("carry items: %w", err)
	}
	const entries = `
		INSERT INTO governance_entry (item_id, act, text, by, at)
		SELECT n.id, e.act, e.text, e.by, e.at
		  FROM governance_entry e JOIN governance_item o ON o.id = e.item_id JOIN governance_item n ON n.key = o.key
		 WHERE o.plan_id = $1 AND n.plan_id = $2 ORDER BY e.id`
	if _, err := tx.Pgx.Exec(ctx, entries, from, to); err != nil {
		return 0, fmt.Errorf("carry history: %w", err)
	}
	return tag.RowsAffected(), nil
}

// facts counts what the portal sees of customers, refunds and help. Notices count their own.
func (store) facts(ctx context.Context, tx *db.Tx) (f Facts, err error) {
	const sql = `
		SELECT count(*),
		       count(*) FILTER (WHERE j.export NOT IN ('completed', 'not_needed')),
		       count(*) FILTER (WHERE j.confirm NOT IN ('completed', 'not_needed')),
		       (SELECT count(*) FROM refund WHERE state NOT IN ('paid', 'credited', 'waived', 'declined', 'closed', 'withdrawn')),
		       (SELECT count(*) FROM refund WHERE state = 'unknown'),
		       (SELECT count(*) FROM help_request WHERE state = 'open')
		  FROM customer c JOIN journey j ON j.customer_id = c.id WHERE c.state = 'active'`
	err = tx.Pgx.QueryRow(ctx, sql).Scan(&f.Customers, &f.Unexported, &f.Unmoved, &f.RefundsOpen, &f.RefundsUnknown, &f.HelpOpen)
	if err != nil {
		return Facts{}, fmt.Errorf("count facts: %w", err)
	}
	return f, nil
}

func (store) allows(ctx context.Context, tx *db.Tx, act string) (ok bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT governance_allows($1, $2)`, act, tx.Now).Scan(&ok)
	return ok, err
}

func (store) colleagues(ctx context.Context, tx *db.Tx) ([]Colleague, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT id, name FROM identity WHERE realm = 'staff' AND state = 'active' AND roles <> '{}' ORDER BY lower(name), id`)
	if err != nil {
		return nil, fmt.Errorf("list colleagues: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Colleague])
}

func seen(f Facts) []byte {
	b, err := json.Marshal(f.values())
	if err != nil { // numbers and truths always marshal
		panic(fmt.Sprintf("governance: marshal facts: %v", err))
	}
	return b
}
