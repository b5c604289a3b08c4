package migration

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"offramp/internal/db"
)

// programmeStore is the only place that knows the table of programme versions.
type programmeStore struct {
	db *db.DB
}

const versionColumns = `version, state, source, digest, proposed_by, proposed_at, coalesce(approved_by, ''), approved_at, origin,
	coalesce(first_approved_by, ''), first_approved_at`

func scanVersion(row pgx.CollectableRow) (v Version, err error) {
	var approved, first pgtype.Timestamptz
	err = row.Scan(&v.Number, &v.State, &v.Source, &v.Digest, &v.ProposedBy, &v.ProposedAt, &v.ApprovedBy, &approved, &v.Origin, &v.FirstApprovedBy, &first)
	if first.Valid {
		v.FirstApprovedAt = first.Time.UTC()
	}
	if approved.Valid {
		v.ApprovedAt = approved.Time.UTC()
	}
	v.ProposedAt = v.ProposedAt.UTC()
	return v, err
}

// activeNumber is the tiny query that keeps the cached programme fresh; 0 where none is active.
func (s programmeStore) activeNumber(ctx context.Context) (int, error) {
	var n int
	err := s.db.Pool.QueryRow(ctx, `SELECT version FROM programme_version WHERE state = 'active'`).Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// querier is what a pool and a transaction have in common.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// one reads a single version by a condition. ErrUnknownProgramme where none fits.
func (s programmeStore) one(ctx context.Context, q querier, condition string, args ...any) (Version, error) {
	rows, err := q.Query(ctx, `SELECT `+versionColumns+` FROM programme_version WHERE `+condition, args...)
	if err != nil {
		return Version{}, fmt.Errorf("read programme version: %w", err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanVersion)
	if errors.Is(err, pgx.ErrNoRows) {
		return Version{}, ErrUnknownProgramme
	}
	if err != nil {
		return Version{}, fmt.Errorf("read programme version: %w", err)
	}
	return v, nil
}

func (s programmeStore) list(ctx context.Context) ([]Version, error) {
	const sql = `SELECT version, state, '', digest, proposed_by, proposed_at, coalesce(approved_by, ''), approved_at, origin,
			coalesce(first_approved_by, ''), first_approved_at
		FROM programme_version ORDER BY version DESC`
	rows, err := s.db.Pool.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("list programme versions: %w", err)
	}
	return pgx.CollectRows(rows, scanVersion)
}

// insert stores v as the next version and returns its number. One proposal waits at a time.
func (s programmeStore) insert(ctx context.Context, tx *db.Tx, v Version) (int, error) {
	const sql = `INSERT INTO programme_version (version, state, source, digest, proposed_by, proposed_at)
		SELECT coalesce(max(version), 0) + 1, 'proposed', $1, $2, $3, $4 FROM programme_version RETURNING version`
	var n int
	err := tx.Pgx.QueryRow(ctx, sql, v.Source, v.Digest, v.ProposedBy, v.ProposedAt).Scan(&n)
	switch {
	case db.IsUnique(err, "programme_one_proposed"), db.IsUnique(err, "programme_version_pkey"):
		return 0, ErrProgrammeOpen.Wrap(err)
	case err != nil:
		return 0, fmt.Errorf("store programme version: %w", err)
	}
	return n, nil
}

// putSinks writes down which sinks a version names, once.
func (s programmeStore) putSinks(ctx context.Context, tx *db.Tx, version int, names []string) error {
	const sql = `INSERT INTO programme_sinks (version, names) VALUES ($1, $2) ON CONFLICT (version) DO NOTHING`
	if _, err := tx.Pgx.Exec(ctx, sql, version, names); err != nil {
		return fmt.Errorf("record the sinks of programme version %d: %w", version, err)
	}
	return nil
}

// withoutSinks lists the versions whose sinks are not written down.
func (s programmeStore) withoutSinks(ctx context.Context, tx *db.Tx) ([]Version, error) {
	const sql = `SELECT ` + versionColumns + ` FROM programme_version v
		WHERE NOT EXISTS (SELECT FROM programme_sinks s WHERE s.version = v.version) ORDER BY version`
	rows, err := tx.Pgx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("list programme versions without sinks: %w", err)
	}
	return pgx.CollectRows(rows, scanVersion)
}

// activate makes version the active one. The database refuses the person who proposed it.
func (s programmeStore) activate(ctx context.Context, tx *db.Tx, version int, by string) error {
	const supersede = `UPDATE programme_version SET state = 'superseded' WHERE state = 'active'`
	if _, err := tx.Pgx.Exec(ctx, supersede); err != nil {
		return fmt.Errorf("supersede programme version: %w", err)
	}
	const activate = `UPDATE programme_version SET state = 'active', approved_by = $2, approved_at = $3 WHERE version = $1 AND state = 'proposed'`
	tag, err := tx.Pgx.Exec(ctx, activate, version, by, tx.Now)
	switch {
	case db.IsCheck(err, "programme_four_eyes"), db.IsCheck(err, "programme_first_is_another"), db.IsCheck(err, "programme_role"):
		return ErrSamePerson.Wrap(err)
	case db.IsUnique(err, "programme_one_active"):
		return ErrProgrammeMoved.Wrap(err)
	case err != nil:
		return fmt.Errorf("activate programme version %d: %w", version, err)
	case tag.RowsAffected() == 0:
		return ErrProgrammeMoved
	}
	return nil
}

// approveFirst notes the first of two approvals. The database refuses who proposed it and who is no programme manager.
func (s programmeStore) approveFirst(ctx context.Context, tx *db.Tx, version int, by string) error {
	const sql = `UPDATE programme_version SET first_approved_by = $2, first_approved_at = $3 WHERE version = $1 AND state = 'proposed' AND first_approved_by IS NULL`
	tag, err := tx.Pgx.Exec(ctx, sql, version, by, tx.Now)
	switch {
	case db.IsCheck(err, "programme_first_is_another"), db.IsCheck(err, "programme_role"):
		return ErrSamePerson.Wrap(err)
	case err != nil:
		return fmt.Errorf("approve programme version %d: %w", version, err)
	case tag.RowsAffected() == 0:
		return ErrProgrammeMoved
	}
	return nil
}

// demonstration reports whether one person may play several here.
func (s programmeStore) demonstration(ctx context.Context, tx *db.Tx) (yes bool, err error) {
	err = tx.Pgx.QueryRow(ctx, `SELECT coalesce((SELECT demonstration FROM installation), false)`).Scan(&yes)
	return yes, err
}

func (s programmeStore) withdraw(ctx context.Context, tx *db.Tx, version int) error {
	tag, err := tx.Pgx.Exec(ctx, `UPDATE programme_version SET state = 'withdrawn' WHERE version = $1 AND state = 'proposed'`, version)
	if err != nil {
		return fmt.Errorf("withdraw programme version %d: %w", version, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrProgrammeMoved
	}
	return nil
}

// hold keeps the active version from changing until the transaction ends, and returns its number; 0 where none is active.
func (s programmeStore) hold(ctx context.Context, tx *db.Tx) (int, error) {
	var n int
	err := tx.Pgx.QueryRow(ctx, `SELECT version FROM programme_version WHERE state = 'active' FOR SHARE`).Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// tiers counts the customers of each tier.
func (s programmeStore) tiers(ctx context.Context, tx *db.Tx) ([]Audience, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT tier, count(*) FROM customer GROUP BY tier ORDER BY tier`)
	if err != nil {
		return nil, fmt.Errorf("count customers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Audience])
}

// movedFor counts, tier by tier, the customers for whom one of the dates moves: an extension beyond both days keeps it.
func (s programmeStore) movedFor(ctx context.Context, tx *db.Tx, moved []MovedDate) ([]Audience, error) {
	keys, later := make([]string, len(moved)), make([]string, len(moved))
	for i, m := range moved {
		keys[i], later[i] = m.Milestone, m.Day.String()
		if m.Was.After(m.Day) {
			later[i] = m.Was.String()
		}
	}
	const sql = `SELECT tier, count(*) FROM customer c WHERE EXISTS (
			SELECT FROM unnest($1::text[], $2::text[]) AS m (key, later) WHERE NOT EXISTS (
				SELECT FROM extension e WHERE e.customer_id = c.id AND e.milestone = m.key AND e.day >= m.later::date))
		GROUP BY tier ORDER BY tier`
	rows, err := tx.Pgx.Query(ctx, sql, keys, later)
	if err != nil {
		return nil, fmt.Errorf("count customers to tell: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Audience])
}

// reached is a customer as far as moved dates concern it.
type reached struct {
	ID, Ref    string
	Extensions map[string]Day
}

// after lists customers that have a journey, in order of id from the one given.
func (s programmeStore) after(ctx context.Context, tx *db.Tx, id string) ([]reached, error) {
	const sql = `SELECT c.id, c.ref, (SELECT coalesce(jsonb_object_agg(milestone, day), '{}') FROM extension e WHERE e.customer_id = c.id)
		FROM customer c JOIN journey j ON j.customer_id = c.id WHERE c.id > $1 ORDER BY c.id LIMIT $2`
	rows, err := tx.Pgx.Query(ctx, sql, id, chunk)
	if err != nil {
		return nil, fmt.Errorf("list customers to tell: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[reached])
}
