package migration

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/internal/reference"
)

// wildcards are the characters that LIKE does not take literally.
var wildcards = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

const searchSQL = `
	SELECT c.id, c.ref, c.name, c.tier, c.state, coalesce(j.export, '')
	  FROM customer c LEFT JOIN journey j ON j.customer_id = c.id
	 WHERE lower(c.ref) = lower($1) OR c.id = ANY($5) OR c.name ILIKE $2
	    OR $6 <> '' AND (translate(upper(c.ref), ' -_./#', '') = $6 OR ltrim(translate(upper(c.ref), ' -_./#', ''), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') = $6)
	    OR EXISTS (SELECT FROM contact k WHERE k.customer_id = c.id AND (k.name ILIKE $2 OR k.email ILIKE $2))
	 ORDER BY lower(c.ref) = lower($1) DESC, c.id = ANY($5) DESC, c.name, c.id OFFSET $3 LIMIT $4`

// search finds customers whose number is text, as people type numbers, who are among ids, or whose name or a contact's name or
// address contains it.
func (s store) search(ctx context.Context, tx *db.Tx, text string, ids []string, skip, limit int) ([]Hit, error) {
	if ids == nil {
		ids = []string{}
	}
	rows, err := tx.Pgx.Query(ctx, searchSQL, text, "%"+wildcards.Replace(text)+"%", skip, limit, ids, reference.Read(text).Plain)
	if err != nil {
		return nil, fmt.Errorf("search customers: %w", err)
	}
	hits, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Hit])
	if err != nil {
		return nil, fmt.Errorf("search customers: %w", err)
	}
	return hits, nil
}

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
