package risk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the tables of risks.
type store struct{}

type row struct {
	ID, Title, Class, Plan, Sign, Owner, OwnerName, Review, State, Evidence, Proof string
	Likelihood, Impact, Version                                                    int
	OwnerActs                                                                      bool
}

const columns = `
	SELECT r.id, r.title, r.class, r.likelihood, r.impact, r.plan, r.sign, r.owner, o.name AS owner_name,
	       o.state = 'active' AND o.roles <> '{}' AS owner_acts, r.review_on::text AS review, r.state, r.evidence, r.proof, r.version
	  FROM risk r JOIN identity o ON o.id = r.owner`

func (r row) risk() (Risk, error) {
	day, err := migration.ParseDay(r.Review)
	return Risk{
		ID: r.ID, Title: r.Title, Class: r.Class, Likelihood: r.Likelihood, Impact: r.Impact, Plan: r.Plan, Sign: r.Sign, Owner: r.Owner,
		OwnerName: r.OwnerName, OwnerActs: r.OwnerActs, Review: day, State: r.State, Evidence: r.Evidence, Proof: r.Proof, Version: r.Version,
	}, err
}

func (store) list(ctx context.Context, tx *db.Tx) ([]Risk, error) {
	return collect(ctx, tx, columns+` ORDER BY r.likelihood * r.impact DESC, r.review_on, r.id`)
}

func collect(ctx context.Context, tx *db.Tx, sql string, args ...any) ([]Risk, error) {
	rows, err := tx.Pgx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list risks: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, fmt.Errorf("list risks: %w", err)
	}
	list := make([]Risk, 0, len(found))
	for _, f := range found {
		r, err := f.risk()
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

func (store) read(ctx context.Context, tx *db.Tx, id string, lock bool) (Risk, error) {
	sql := columns + ` WHERE r.id = $1`
	if lock {
		sql += ` FOR UPDATE OF r`
	}
	rows, err := tx.Pgx.Query(ctx, sql, id)
	if err != nil {
		return Risk{}, fmt.Errorf("read risk: %w", err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	if errors.Is(err, pgx.ErrNoRows) {
		return Risk{}, ErrUnknown
	}
	if err != nil {
		return Risk{}, fmt.Errorf("read risk: %w", err)
	}
	return found.risk()
}

func (r Risk) args(now time.Time) pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": r.ID, "title": r.Title, "class": r.Class, "likelihood": r.Likelihood, "impact": r.Impact, "plan": r.Plan, "sign": r.Sign,
		"owner": r.Owner, "review": r.Review.String(), "state": r.State, "evidence": r.Evidence, "proof": r.Proof, "now": now,
	}
}

func (store) insert(ctx context.Context, tx *db.Tx, r Risk) error {
	const sql = `
		INSERT INTO risk (id, title, class, likelihood, impact, plan, sign, owner, review_on, state, created_at)
		VALUES (@id, @title, @class, @likelihood, @impact, @plan, @sign, @owner, @review::text::date, @state, @now)`
	_, err := tx.Pgx.Exec(ctx, sql, r.args(tx.Now))
	return err
}

func (store) update(ctx context.Context, tx *db.Tx, r Risk) error {
	const sql = `
		UPDATE risk SET title = @title, class = @class, likelihood = @likelihood, impact = @impact, plan = @plan, sign = @sign,
		       owner = @owner, review_on = @review::text::date, state = @state, evidence = @evidence, proof = @proof, version = version + 1
		 WHERE id = @id`
	_, err := tx.Pgx.Exec(ctx, sql, r.args(tx.Now))
	return err
}

func (store) acts(ctx context.Context, tx *db.Tx, id string) (ok bool, err error) {
	const sql = `SELECT EXISTS (SELECT FROM identity WHERE id = $1 AND realm = 'staff' AND state = 'active' AND roles <> '{}')`
	err = tx.Pgx.QueryRow(ctx, sql, id).Scan(&ok)
	return ok, err
}

func (store) entry(ctx context.Context, tx *db.Tx, id string, e Entry) error {
	const sql = `INSERT INTO risk_entry (risk_id, act, text, changes, by, at) VALUES ($1, $2, $3, $4, $5, $6)`
	_, err := tx.Pgx.Exec(ctx, sql, id, e.Act, e.Text, append([]Change{}, e.Changes...), e.By, tx.Now)
	return err
}

func (store) history(ctx context.Context, tx *db.Tx, id string) ([]Entry, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT act, text, by, changes, at FROM risk_entry WHERE risk_id = $1 ORDER BY id DESC`, id)
	if err != nil {
		return nil, fmt.Errorf("read history of a risk: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Entry])
}

// Count counts open risks whose review is overdue on a day, and open ones that are high.
func Count(ctx context.Context, tx *db.Tx, today migration.Day) (overdue, high int64, err error) {
	const sql = `
		SELECT count(*) FILTER (WHERE review_on < $1::text::date), count(*) FILTER (WHERE likelihood * impact >= $2)
		  FROM risk WHERE state = 'open'`
	if err = tx.Pgx.QueryRow(ctx, sql, today.String(), High).Scan(&overdue, &high); err != nil {
		err = fmt.Errorf("count risks: %w", err)
	}
	return overdue, high, err
}

// Due returns open risks to be reviewed until a day, by owner, the soonest first.
func Due(ctx context.Context, tx *db.Tx, until migration.Day) (map[string][]Risk, error) {
	list, err := collect(ctx, tx, columns+` WHERE r.state = 'open' AND r.review_on <= $1::text::date ORDER BY r.review_on, r.id`, until.String())
	if err != nil {
		return nil, err
	}
	found := map[string][]Risk{}
	for _, r := range list {
		found[r.Owner] = append(found[r.Owner], r)
	}
	return found, nil
}
