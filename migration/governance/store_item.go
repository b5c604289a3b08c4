package governance

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

type itemRow struct {
	ID, Key, Phase, Department, Milestone, Evidence, Fact, Owner, State, Note, Link, EndedBy string
	Name, Why                                                                                migration.Text
	High, Must                                                                               bool
	Days, Version                                                                            int
	OwnDay                                                                                   string
	After                                                                                    []string
	EndedAt                                                                                  *time.Time
}

const itemColumns = `
	SELECT id, key, phase, department, milestone, evidence, fact, coalesce(owner, '') AS owner, state, note, link,
	       coalesce(ended_by, '') AS ended_by, name, why, high, must, days, version, coalesce(due_day::text, '') AS own_day, after, ended_at
	  FROM governance_item`

// items reads a plan's items in the template's order, each with the day on which it is due in the programme.
func (store) items(ctx context.Context, tx *db.Tx, plan string, p *migration.Programme) ([]Item, error) {
	rows, err := tx.Pgx.Query(ctx, itemColumns+` WHERE plan_id = $1 ORDER BY position, key`, plan)
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[itemRow])
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	list := make([]Item, 0, len(found))
	for _, r := range found {
		i, err := r.item(p)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, nil
}

func (r itemRow) item(p *migration.Programme) (Item, error) {
	i := Item{
		ID: r.ID, Key: r.Key, Phase: r.Phase, Name: r.Name, Why: r.Why, Department: r.Department, High: r.High, Must: r.Must,
		Day: Due{r.Milestone, r.Days}.on(p), Milestone: r.Milestone, Days: r.Days, After: r.After, Evidence: r.Evidence, Fact: r.Fact,
		Owner: r.Owner, State: r.State, Note: r.Note, Link: r.Link, EndedBy: r.EndedBy, Version: r.Version,
	}
	if r.EndedAt != nil {
		i.EndedAt = *r.EndedAt
	}
	if r.OwnDay == "" {
		return i, nil
	}
	day, err := migration.ParseDay(r.OwnDay)
	i.Day, i.Own = day, true
	return i, err
}

func (store) finish(ctx context.Context, tx *db.Tx, id, by, note, link string) error {
	const sql = `
		UPDATE governance_item SET state = 'done', note = $3, link = $4, ended_by = $2, ended_at = $5, version = version + 1 WHERE id = $1`
	_, err := tx.Pgx.Exec(ctx, sql, id, by, note, link, tx.Now)
	return err
}

func (store) reopen(ctx context.Context, tx *db.Tx, id string) error {
	const sql = `UPDATE governance_item SET state = 'open', ended_by = NULL, ended_at = NULL, version = version + 1 WHERE id = $1`
	_, err := tx.Pgx.Exec(ctx, sql, id)
	return err
}

// assign writes an item's owner and its own day. ErrOwner.
func (store) assign(ctx context.Context, tx *db.Tx, id, owner string, day migration.Day) error {
	const sql = `
		UPDATE governance_item SET owner = nullif($2, ''), due_day = nullif($3, '')::date, version = version + 1
		 WHERE id = $1 AND ($2 = '' OR EXISTS (SELECT FROM identity
		                                        WHERE id = $2 AND realm = 'staff' AND state = 'active' AND roles <> '{}'))`
	own := ""
	if !day.IsZero() {
		own = day.String()
	}
	tag, err := tx.Pgx.Exec(ctx, sql, id, owner, own)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrOwner.Field("owner", "workspace.owner_unknown", nil)
	}
	return err
}

// handOver gives one person's open items to another. ErrOwner.
func (store) handOver(ctx context.Context, tx *db.Tx, from, to, by string) (int, error) {
	if to != "" {
		const known = `SELECT EXISTS (SELECT FROM identity WHERE id = $1 AND realm = 'staff' AND state = 'active' AND roles <> '{}')`
		var ok bool
		if err := tx.Pgx.QueryRow(ctx, known, to).Scan(&ok); err != nil {
			return 0, err
		}
		if !ok {
			return 0, ErrOwner.Field("to", "workspace.owner_unknown", nil)
		}
	}
	const sql = `
		WITH moved AS (
		  UPDATE governance_item i SET owner = nullif($2, ''), version = version + 1
		    FROM governance_plan p WHERE p.id = i.plan_id AND p.state = 'running' AND i.owner = $1 AND i.state = 'open' RETURNING i.id
		)
		INSERT INTO governance_entry (item_id, act, text, by, at) SELECT id, 'assigned', $2, $3, $4 FROM moved`
	tag, err := tx.Pgx.Exec(ctx, sql, from, to, by, tx.Now)
	return int(tag.RowsAffected()), err
}

// release takes open items away from people who have no role any more.
func (store) release(ctx context.Context, tx *db.Tx) (int64, error) {
	const sql = `
		WITH left_alone AS (
		  UPDATE governance_item i SET owner = NULL, version = version + 1
		    FROM identity o WHERE o.id = i.owner AND i.state = 'open' AND (o.state <> 'active' OR o.roles = '{}') RETURNING i.id
		)
		INSERT INTO governance_entry (item_id, act, text, at) SELECT id, 'assigned', '', $1 FROM left_alone`
	tag, err := tx.Pgx.Exec(ctx, sql, tx.Now)
	return tag.RowsAffected(), err
}

type factItem struct{ ID, Key, Fact, State string }

// byFact lists the items of running plans that facts tick.
func (store) byFact(ctx context.Context, tx *db.Tx) ([]factItem, error) {
	const sql = `
		SELECT i.id, i.key, i.fact, i.state FROM governance_item i JOIN governance_plan p ON p.id = i.plan_id
		 WHERE p.state = 'running' AND i.fact <> ''`
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("list items by fact: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[factItem])
}

// tick brings an item to what its fact says. Two workers at once do it once.
func (store) tick(ctx context.Context, tx *db.Tx, id string, holds bool) error {
	const sql = `
		WITH ticked AS (
		  UPDATE governance_item
		     SET state = CASE WHEN $2 THEN 'done' ELSE 'open' END, ended_at = CASE WHEN $2 THEN $3::timestamptz END, version = version + 1
		   WHERE id = $1 AND (state = 'done') <> $2 RETURNING id
		)
		INSERT INTO governance_entry (item_id, act, text, at) SELECT id, CASE WHEN $2 THEN 'done' ELSE 'reopened' END, '', $3 FROM ticked`
	_, err := tx.Pgx.Exec(ctx, sql, id, holds, tx.Now)
	return err
}

func (store) entry(ctx context.Context, tx *db.Tx, item, act, text, by string) error {
	_, err := tx.Pgx.Exec(ctx, `INSERT INTO governance_entry (item_id, act, text, by, at) VALUES ($1, $2, $3, nullif($4, ''), $5)`, item, act, text, by, tx.Now)
	return err
}

func (store) entries(ctx context.Context, tx *db.Tx, item string) ([]Entry, error) {
	const sql = `SELECT act, text, coalesce(by, '') AS by, at FROM governance_entry WHERE item_id = $1 ORDER BY id DESC LIMIT 200`
	rows, err := tx.Pgx.Query(ctx, sql, item)
	if err != nil {
		return nil, fmt.Errorf("read history of item: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Entry])
}
