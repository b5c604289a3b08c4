package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
)

// store is the only place that knows the tables of the report.
type store struct{}

func (store) report(ctx context.Context, tx *db.Tx, lock bool) (r Report, err error) {
	sql := `SELECT title, background, feasibility, timetable, resources, benefit, budget::text AS budget, currency, locale, version,
	       coalesce(paper_id, '') AS paper_id, changed_by, changed_at FROM application_report`
	if lock {
		sql += ` FOR UPDATE`
	}
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return Report{}, fmt.Errorf("read the application: %w", err)
	}
	r, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Report])
	if errors.Is(err, pgx.ErrNoRows) {
		return Report{}, nil
	}
	return r, err
}

// write saves the words, where they are of the version that the writer saw.
func (store) write(ctx context.Context, tx *db.Tx, by string, version int, w Words) error {
	sql := `
		UPDATE application_report SET title = @title, background = @background, feasibility = @feasibility, timetable = @timetable,
		       resources = @resources, benefit = @benefit, budget = @budget::text::numeric, currency = @currency, version = version + 1,
		       changed_by = @by, changed_at = @now WHERE version = @version`
	if version == 0 {
		sql = `
		INSERT INTO application_report (title, background, feasibility, timetable, resources, benefit, budget, currency, changed_by, changed_at)
		VALUES (@title, @background, @feasibility, @timetable, @resources, @benefit, @budget::text::numeric, @currency, @by, @now)
		ON CONFLICT DO NOTHING`
	}
	tag, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"title": w.Title, "background": w.Background, "feasibility": w.Feasibility, "timetable": w.Timetable, "resources": w.Resources,
		"benefit": w.Benefit, "budget": w.Budget, "currency": w.Currency, "by": by, "now": tx.Now, "version": version,
	})
	return one(tag.RowsAffected(), err)
}

func (store) link(ctx context.Context, tx *db.Tx, paper, locale string) error {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE application_report SET paper_id = $1, locale = $2`, paper, locale)
	return one(tag.RowsAffected(), err)
}

// one is ErrChanged where somebody else was first.
func one(n int64, err error) error {
	if err != nil {
		return fmt.Errorf("write the application: %w", err)
	}
	if n != 1 {
		return ErrChanged
	}
	return nil
}

func (store) tables(ctx context.Context, tx *db.Tx) (map[string]Table, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT key, lines, source, coalesce(day::text, ''), version, changed_by, changed_at FROM application_table`)
	if err != nil {
		return nil, fmt.Errorf("read tables of the application: %w", err)
	}
	all := map[string]Table{}
	var t Table
	var day string
	_, err = pgx.ForEachRow(rows, []any{&t.Key, &t.Lines, &t.Source, &day, &t.Version, &t.ChangedBy, &t.ChangedAt}, func() (err error) {
		t.Day = migration.Day{}
		if day != "" {
			t.Day, err = migration.ParseDay(day)
		}
		all[t.Key] = t
		return err
	})
	return all, err
}

func (store) enter(ctx context.Context, tx *db.Tx, by string, version int, t Table) error {
	sql := `UPDATE application_table SET lines = @lines, source = @source, day = nullif(@day::text, '')::date, version = version + 1,
	       changed_by = @by, changed_at = @now WHERE key = @key AND version = @version`
	if version == 0 {
		sql = `INSERT INTO application_table (key, lines, source, day, changed_by, changed_at)
		VALUES (@key, @lines, @source, nullif(@day::text, '')::date, @by, @now) ON CONFLICT DO NOTHING`
	}
	tag, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"key": t.Key, "lines": t.Lines, "source": t.Source, "day": t.AsOf(), "by": by, "now": tx.Now, "version": version,
	})
	return one(tag.RowsAffected(), err)
}

// refunds adds up refunds that nobody has declined or taken back, by currency.
func (store) refunds(ctx context.Context, tx *db.Tx) ([]Refunds, error) {
	const sql = `
		SELECT currency, count(*) AS n, sum(amount)::bigint AS amount, sum(settled)::bigint AS settled,
		       sum(CASE WHEN state IN ('paid', 'credited', 'waived') THEN 0 ELSE amount - settled END)::bigint AS due
		  FROM refund WHERE state NOT IN ('declined', 'closed', 'withdrawn') GROUP BY currency ORDER BY currency`
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("add up refunds: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Refunds])
}

func (store) requests(ctx context.Context, tx *db.Tx) ([]Tally, error) {
	return tallies(ctx, tx, `SELECT CASE topic WHEN '' THEN 'other' ELSE topic END, count(*) FROM help_request GROUP BY 1 ORDER BY 2 DESC, 1`)
}

// choices counts the decision of each active customer that counts.
func (store) choices(ctx context.Context, tx *db.Tx) ([]Tally, error) {
	return tallies(ctx, tx, `
		SELECT CASE r.decision WHEN 'chosen' THEN r.replacement ELSE r.decision END, count(*)
		  FROM replacement_choice r JOIN customer c ON c.id = r.customer_id AND c.state = 'active'
		 WHERE r.state NOT IN ('undone', 'replaced') GROUP BY 1 ORDER BY 2 DESC, 1`)
}

func tallies(ctx context.Context, tx *db.Tx, sql string) ([]Tally, error) {
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("count for the application: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Tally])
}
