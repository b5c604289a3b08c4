package migration

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

func (s store) which(ctx context.Context, tx *db.Tx, is func(string) bool, limit int) (ids []string, err error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT id FROM customer ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("go through customers: %w", err)
	}
	var id string
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		if len(ids) < limit && is(id) {
			ids = append(ids, id)
		}
		return nil
	})
	return ids, err
}

const namesSQL = `
	SELECT id, name FROM identity WHERE id = ANY($1)
	UNION ALL SELECT id, name FROM contact WHERE id = ANY($1)`

func (s store) names(ctx context.Context, scope db.Scope, ids []string) (map[string]string, error) {
	names := map[string]string{}
	err := s.rows(ctx, scope, namesSQL, []any{ids}, func(row pgx.CollectableRow) error {
		var id, name string
		err := row.Scan(&id, &name)
		names[id] = name
		return err
	})
	return names, err
}

// A contact's own identity never acts in its own name, so that staff's identities are enough.
const peopleSQL = `
	SELECT id FROM identity WHERE realm = 'staff' AND (lower(name) = lower($1) OR lower(email) = lower($1))
	UNION SELECT id FROM contact WHERE lower(name) = lower($1) OR lower(email) = lower($1)
	ORDER BY id LIMIT 10`

func (s store) people(ctx context.Context, scope db.Scope, text string) (ids []string, err error) {
	err = s.rows(ctx, scope, peopleSQL, []any{text}, func(row pgx.CollectableRow) error {
		var id string
		err := row.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

func (s store) idOf(ctx context.Context, scope db.Scope, ref string) (id string, err error) {
	err = s.db.Read(ctx, scope,
		func(b *pgx.Batch) {
			b.Queue(`SELECT id FROM customer WHERE lower(ref) = lower($1) ORDER BY ref = $1 DESC, id LIMIT 1`, ref)
		},
		func(r pgx.BatchResults) error { return r.QueryRow().Scan(&id) })
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrUnknownCustomer
	}
	return id, err
}

// rows runs one query that only looks, in one round trip with its scope.
func (s store) rows(ctx context.Context, scope db.Scope, sql string, args []any, each func(pgx.CollectableRow) error) error {
	return s.db.Read(ctx, scope,
		func(b *pgx.Batch) { b.Queue(sql, args...) },
		func(r pgx.BatchResults) error {
			rows, err := r.Query()
			if err != nil {
				return err
			}
			_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, each(row) })
			return err
		})
}
