package approval

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// store is the only place that knows the tables of approvals.
type store struct{}

const paperColumns = `
	SELECT p.id, p.kind, p.title, p.body, p.budget::text AS budget, p.currency, p.hash, p.state, p.round, p.version, p.author, p.changed_by,
	       p.created_at, p.changed_at,
	       p.state = 'open' AND EXISTS (
	         SELECT FROM approval_seat s JOIN approval_node n ON n.paper_id = s.paper_id AND n.round = s.round AND n.key = s.node
	          WHERE s.paper_id = p.id AND s.round = p.round AND s.state = 'asked' AND n.state = 'open'
	            AND @me NOT IN (p.author, p.changed_by)
	            AND (s.identity_id = @me OR @me IN (SELECT approval_stand_ins(s.identity_id, @now)))) AS waits
	  FROM approval_paper p`

func (store) paper(ctx context.Context, tx *db.Tx, me, id string, lock bool) (Paper, error) {
	sql := paperColumns + ` WHERE p.id = @id`
	if lock {
		sql += ` FOR UPDATE OF p`
	}
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{"id": id, "me": me, "now": tx.Now})
	if err != nil {
		return Paper{}, fmt.Errorf("read paper: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Paper])
	if errors.Is(err, pgx.ErrNoRows) {
		return Paper{}, ErrUnknown
	}
	return p, err
}

func (store) list(ctx context.Context, tx *db.Tx, me, show, after string, limit int) ([]Paper, error) {
	const sql = `SELECT * FROM (` + paperColumns + `) p
	 WHERE (@show = '' OR @show = 'mine' AND p.author = @me OR @show = 'waits' AND p.waits)
	   AND (@after = '' OR (p.created_at, p.id) < (SELECT a.created_at, a.id FROM approval_paper a WHERE a.id = @after))
	 ORDER BY p.created_at DESC, p.id DESC LIMIT @limit`
	rows, err := tx.Pgx.Query(ctx, sql, pgx.NamedArgs{"me": me, "now": tx.Now, "show": show, "after": after, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("list papers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Paper])
}

func (store) insert(ctx context.Context, tx *db.Tx, id, by string, w Words) error {
	const sql = `
		INSERT INTO approval_paper (id, kind, title, body, budget, currency, hash, state, author, created_at, changed_by, changed_at)
		VALUES (@id, @kind, @title, @body, @budget::text::numeric, @currency, '', 'draft', @by, @now, @by, @now)`
	_, err := tx.Pgx.Exec(ctx, sql, w.args(tx, id, by))
	return named(err)
}

func (w Words) args(tx *db.Tx, id, by string) pgx.NamedArgs {
	return pgx.NamedArgs{"id": id, "kind": w.Kind, "title": w.Title, "body": w.Body, "budget": w.Budget, "currency": w.Currency, "by": by, "now": tx.Now}
}

func (store) edit(ctx context.Context, tx *db.Tx, id, by string, w Words) error {
	const sql = `
		UPDATE approval_paper SET kind = @kind, title = @title, body = @body, budget = @budget::text::numeric, currency = @currency,
		       version = version + 1, changed_by = @by, changed_at = @now WHERE id = @id`
	_, err := tx.Pgx.Exec(ctx, sql, w.args(tx, id, by))
	return named(err)
}

func (store) talk(ctx context.Context, tx *db.Tx, id, by string, t Talk) error {
	const sql = `
		INSERT INTO approval_talk (paper_id, whom, concern, said, agreed, unsolved, by, at) VALUES (@id, @whom, @concern, @said, @agreed, @unsolved, @by, @now)`
	_, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"id": id, "whom": t.Whom, "concern": t.Concern, "said": t.Said, "agreed": t.Agreed, "unsolved": t.Unsolved, "by": by, "now": tx.Now,
	})
	return named(err)
}

func (store) talks(ctx context.Context, tx *db.Tx, id string) ([]Talk, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT whom, concern, said, agreed, unsolved, by, at FROM approval_talk WHERE paper_id = $1 ORDER BY id`, id)
	if err != nil {
		return nil, fmt.Errorf("read talks: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Talk])
}

func (store) facts(ctx context.Context, tx *db.Tx, p Paper) (f facts, err error) {
	f.Currency, f.Kind = p.Currency, p.Kind
	err = tx.Pgx.QueryRow(ctx, `SELECT $1::text::numeric::float8, (SELECT count(*) FROM customer WHERE state = 'active')`, p.Budget).Scan(&f.Budget, &f.Customers)
	return f, err
}

// people are who a node asks: whoever has one of its roles, or those of the chosen who are staff with a role; in either case without
// some.
func (store) people(ctx context.Context, tx *db.Tx, n Node, chosen, without []string) ([]string, error) {
	const sql = `
		SELECT id FROM identity
		 WHERE realm = 'staff' AND state = 'active' AND roles <> '{}' AND NOT id = ANY($3::text[])
		   AND CASE WHEN $4 THEN id = ANY($1::text[]) ELSE roles && $2::text[] END
		 ORDER BY id`
	if chosen == nil {
		chosen = []string{}
	}
	if without == nil {
		without = []string{}
	}
	rows, err := tx.Pgx.Query(ctx, sql, chosen, append([]string{}, n.Roles...), without, n.Chosen)
	if err != nil {
		return nil, fmt.Errorf("find who decides: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (store) managers(ctx context.Context, tx *db.Tx) ([]string, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT id FROM identity WHERE realm = 'staff' AND state = 'active' AND 'programme_manager' = ANY(roles) ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list programme managers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// concerned is everybody of the work: who asked and decided, programme managers, and owners of open items.
func (store) concerned(ctx context.Context, tx *db.Tx, id string) ([]string, error) {
	const sql = `
		SELECT id FROM identity i WHERE realm = 'staff' AND state = 'active' AND (
		  'programme_manager' = ANY(roles)
		  OR id IN (SELECT submitted_by FROM approval_round WHERE paper_id = $1)
		  OR id IN (SELECT unnest(ARRAY[identity_id, decided_by]) FROM approval_seat WHERE paper_id = $1)
		  OR id IN (SELECT owner FROM governance_item g JOIN governance_plan p ON p.id = g.plan_id WHERE p.state = 'running' AND g.state = 'open'))
		 ORDER BY id`
	rows, err := tx.Pgx.Query(ctx, sql, id)
	if err != nil {
		return nil, fmt.Errorf("list who is told: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// end ends the latest round and brings the paper to its state.
func (store) end(ctx context.Context, tx *db.Tx, d Desk, state, why string) error {
	b := &pgx.Batch{}
	b.Queue(`UPDATE approval_round SET state = $3, ended_at = coalesce(ended_at, $4), why = $5 WHERE paper_id = $1 AND round = $2`,
		d.Paper.ID, d.Paper.Round, state, tx.Now, why)
	b.Queue(`UPDATE approval_node SET state = 'over' WHERE paper_id = $1 AND round = $2 AND state IN ('waiting', 'open')`, d.Paper.ID, d.Paper.Round)
	b.Queue(`UPDATE approval_paper SET state = $2 WHERE id = $1`, d.Paper.ID, state)
	return named(tx.Pgx.SendBatch(ctx, b).Close())
}

func (store) approvedKinds(ctx context.Context, tx *db.Tx) ([]string, error) {
	const sql = `
		SELECT DISTINCT p.kind FROM approval_paper p JOIN approval_round r ON r.paper_id = p.id AND r.round = p.round
		 WHERE p.state = 'approved' AND r.state = 'approved' AND r.hash = p.hash ORDER BY p.kind`
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("read what is approved: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (store) approvedSince(ctx context.Context, tx *db.Tx, since time.Time) ([]string, error) {
	const sql = `
		SELECT p.id FROM approval_paper p JOIN approval_round r ON r.paper_id = p.id AND r.round = p.round
		 WHERE p.state = 'approved' AND r.ended_at > $1 ORDER BY p.id`
	rows, err := tx.Pgx.Query(ctx, sql, since)
	if err != nil {
		return nil, fmt.Errorf("read what was approved since: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// paths lists the product's paths and the company's, of which one of the same key takes the place of the product's.
func (store) paths(ctx context.Context, tx *db.Tx) (list []Path, sources map[string]string, err error) {
	if sources, err = BuiltIn(); err != nil {
		return nil, nil, err
	}
	rows, err := tx.Pgx.Query(ctx, `SELECT DISTINCT ON (key) key, source FROM approval_path ORDER BY key, version DESC`)
	if err != nil {
		return nil, nil, fmt.Errorf("read paths: %w", err)
	}
	var key, source string
	if _, err := pgx.ForEachRow(rows, []any{&key, &source}, func() error { sources[key] = source; return nil }); err != nil {
		return nil, nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(sources)) {
		p, err := ReadPath([]byte(sources[key]))
		if err != nil {
			return nil, nil, fmt.Errorf("path %s: %w", key, err)
		}
		list = append(list, p)
	}
	return list, sources, nil
}

func (s store) path(ctx context.Context, tx *db.Tx, key string) (source string, p Path, err error) {
	list, sources, err := s.paths(ctx, tx)
	if err != nil {
		return "", Path{}, err
	}
	i := slices.IndexFunc(list, func(p Path) bool { return p.Key == key })
	if i < 0 {
		return "", Path{}, ErrInput.Field("path", "approval.no_path", nil)
	}
	return sources[key], list[i], nil
}

func (store) addPath(ctx context.Context, tx *db.Tx, key, source, by string) error {
	const sql = `
		INSERT INTO approval_path (key, version, source, by, at)
		SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4 FROM approval_path WHERE key = $1`
	_, err := tx.Pgx.Exec(ctx, sql, key, source, by, tx.Now)
	return named(err)
}

func (store) delegate(ctx context.Context, tx *db.Tx, d Delegation) error {
	const sql = `
		INSERT INTO approval_delegate (id, principal, delegate, starts_at, ends_at, reason, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	_, err := tx.Pgx.Exec(ctx, sql, d.ID, d.Principal, d.Delegate, d.StartsAt, d.EndsAt, d.Reason, tx.Now)
	return named(err)
}

func (store) endDelegation(ctx context.Context, tx *db.Tx, by, id string) error {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE approval_delegate SET ended_at = $3 WHERE id = $1 AND principal = $2 AND ended_at IS NULL`, id, by, tx.Now)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrUnknown
	}
	return named(err)
}

func (store) delegations(ctx context.Context, tx *db.Tx) ([]Delegation, error) {
	const sql = `
		SELECT id, principal, delegate, reason, starts_at, ends_at, ended_at FROM approval_delegate
		 WHERE ended_at IS NULL AND ends_at > $1 ORDER BY starts_at, id LIMIT 200`
	rows, err := tx.Pgx.Query(ctx, sql, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("list delegations: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Delegation])
}
