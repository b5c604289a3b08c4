package people

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// store is the only place that knows the tables.
type store struct{ idle time.Duration }

// wildcards takes the meaning from what LIKE would read as a pattern.
var wildcards = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// A contact that was joined to another is no person of its own.
const (
	staffSQL = `SELECT 'staff' AS kind, i.id, i.name, i.email, i.roles, '' AS customer_id, '' AS ref, '' AS customer, '' AS role,
		i.state <> 'active' AS disabled, false AS customer_off, i.signed_in_at FROM identity i WHERE i.realm = 'staff'`
	contactSQL = `SELECT 'customer' AS kind, k.id, k.name, k.email, '{}'::text[] AS roles, c.id AS customer_id, c.ref, c.name AS customer, k.role,
		k.state <> 'active' AS disabled, c.state <> 'active' AS customer_off,
		(SELECT max(i.signed_in_at) FROM identity i WHERE i.customer_id = k.customer_id AND i.contact_id = k.id) AS signed_in_at
		FROM contact k JOIN customer c ON c.id = k.customer_id WHERE k.joined_to IS NULL`
	openSQL   = `s.ended_at IS NULL AND s.expires_at > $1 AND s.seen_at > $2`
	personSQL = `SELECT p.kind, p.id, p.name, p.email, p.roles, p.customer_id, p.ref, p.customer, p.role, p.disabled, p.customer_off, p.signed_in_at,
		(SELECT count(*) FROM session s JOIN identity i ON i.id = s.identity_id
		  WHERE ` + openSQL + ` AND CASE p.kind WHEN 'staff' THEN i.id = p.id ELSE i.customer_id = p.customer_id AND i.contact_id = p.id END)
		FROM `
)

func scanPerson(row pgx.CollectableRow) (p Person, err error) {
	err = row.Scan(&p.Kind, &p.ID, &p.Name, &p.Email, &p.Roles, &p.CustomerID, &p.CustomerRef, &p.CustomerName, &p.Role,
		&p.Disabled, &p.CustomerOff, &p.SignedInAt, &p.Sessions)
	return p, err
}

func (st store) search(ctx context.Context, tx *db.Tx, text string, skip, limit int) ([]Person, error) {
	const sql = personSQL + `(SELECT * FROM (` +
		staffSQL + ` AND ($3 = '' OR i.name ILIKE $4 OR i.email ILIKE $4) UNION ALL ` +
		contactSQL + ` AND $3 <> '' AND (k.name ILIKE $4 OR k.email ILIKE $4 OR lower(c.ref) = lower($3))
		) both_kinds ORDER BY kind DESC, name, id OFFSET $5 LIMIT $6) p ORDER BY p.kind DESC, p.name, p.id`
	rows, err := tx.Pgx.Query(ctx, sql, tx.Now, tx.Now.Add(-st.idle), text, "%"+wildcards.Replace(text)+"%", skip, limit)
	if err != nil {
		return nil, fmt.Errorf("search people: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanPerson)
	if err != nil {
		return nil, fmt.Errorf("search people: %w", err)
	}
	return list, nil
}

func (st store) person(ctx context.Context, tx *db.Tx, ref Ref) (Person, error) {
	sql := personSQL + `(` + contactSQL + ` AND k.id = $3) p`
	if ref.Kind == Staff {
		sql = personSQL + `(` + staffSQL + ` AND i.id = $3) p`
	}
	rows, err := tx.Pgx.Query(ctx, sql, tx.Now, tx.Now.Add(-st.idle), ref.ID)
	if err != nil {
		return Person{}, fmt.Errorf("read person: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, scanPerson)
	if errors.Is(err, pgx.ErrNoRows) {
		return Person{}, ErrUnknown
	}
	if err != nil {
		return Person{}, fmt.Errorf("read person: %w", err)
	}
	return p, nil
}

// theirs are the sessions of a person, whatever identities they sign in with.
func theirs(kind Kind) string {
	if kind == Staff {
		return `i.id = $3 AND i.realm = 'staff'`
	}
	return `i.contact_id = $3`
}

func (st store) sessions(ctx context.Context, tx *db.Tx, ref Ref) ([]Session, error) {
	sql := `SELECT s.id, s.user_agent, s.created_at, s.seen_at FROM session s JOIN identity i ON i.id = s.identity_id
		WHERE ` + openSQL + ` AND ` + theirs(ref.Kind) + ` ORDER BY s.seen_at DESC, s.id LIMIT 50`
	rows, err := tx.Pgx.Query(ctx, sql, tx.Now, tx.Now.Add(-st.idle), ref.ID)
	if err != nil {
		return nil, fmt.Errorf("list sessions of a person: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Session])
	if err != nil {
		return nil, fmt.Errorf("list sessions of a person: %w", err)
	}
	return list, nil
}

// endSessions counts those that were open.
func (st store) endSessions(ctx context.Context, tx *db.Tx, ref Ref) (int, error) {
	sql := `WITH ended AS (UPDATE session s SET ended_at = $1, id_token = '' FROM identity i
		WHERE i.id = s.identity_id AND s.ended_at IS NULL AND s.expires_at > $1 AND ` + theirs(ref.Kind) + ` RETURNING s.seen_at)
		SELECT count(*) FROM ended WHERE seen_at > $2`
	var n int
	if err := tx.Pgx.QueryRow(ctx, sql, tx.Now, tx.Now.Add(-st.idle), ref.ID).Scan(&n); err != nil {
		return 0, fmt.Errorf("end sessions of a person: %w", err)
	}
	return n, nil
}

// managers counts the programme managers other than two people.
func (store) managers(ctx context.Context, tx *db.Tx, except ...string) (n int, err error) {
	const sql = `SELECT count(*) FROM identity WHERE realm = 'staff' AND state = 'active' AND 'programme_manager' = ANY (roles) AND id <> ALL ($1)`
	if err := tx.Pgx.QueryRow(ctx, sql, except).Scan(&n); err != nil {
		return 0, fmt.Errorf("count programme managers: %w", err)
	}
	return n, nil
}

const changeSQL = `SELECT h.id, CASE WHEN h.contact_id IS NULL THEN 'staff' ELSE 'customer' END, coalesce(h.contact_id, h.identity_id),
	coalesce(i.name, k.name, ''), h.act, h.state, h.reason, coalesce(h.proposed_by, ''), h.operator, h.proposed_at, coalesce(h.decided_by, ''), h.decided_at
	FROM person_change h LEFT JOIN identity i ON i.id = h.identity_id LEFT JOIN contact k ON k.customer_id = h.customer_id AND k.id = h.contact_id `

func scanChange(row pgx.CollectableRow) (c Change, err error) {
	err = row.Scan(&c.ID, &c.Who.Kind, &c.Who.ID, &c.Name, &c.Act, &c.State, &c.Reason, &c.ProposedBy, &c.Operator, &c.ProposedAt, &c.DecidedBy, &c.DecidedAt)
	return c, err
}

func collectChanges(ctx context.Context, tx *db.Tx, sql string, args ...any) ([]Change, error) {
	rows, err := tx.Pgx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list changes of people: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanChange)
	if err != nil {
		return nil, fmt.Errorf("list changes of people: %w", err)
	}
	return list, nil
}

func (store) changes(ctx context.Context, tx *db.Tx, ref Ref) ([]Change, error) {
	column := "h.contact_id"
	if ref.Kind == Staff {
		column = "h.identity_id"
	}
	return collectChanges(ctx, tx, changeSQL+`WHERE `+column+` = $1 ORDER BY h.proposed_at DESC, h.id`, ref.ID)
}

func (store) waiting(ctx context.Context, tx *db.Tx) ([]Change, error) {
	return collectChanges(ctx, tx, changeSQL+`WHERE h.state = 'proposed' ORDER BY h.proposed_at, h.id`)
}

// locked reads a change that waits, and keeps others from deciding it.
func (store) locked(ctx context.Context, tx *db.Tx, id string) (Change, error) {
	list, err := collectChanges(ctx, tx, changeSQL+`WHERE h.id = $1 AND h.state = 'proposed' FOR UPDATE OF h`, id)
	if err != nil {
		return Change{}, err
	}
	if len(list) == 0 {
		return Change{}, ErrNoChange
	}
	return list[0], nil
}

func (store) add(ctx context.Context, tx *db.Tx, who by, c Change, customerID string) error {
	const sql = `INSERT INTO person_change (id, identity_id, customer_id, contact_id, act, state, origin, reason, proposed_by, operator, proposed_at, decided_at)
		VALUES ($1, nullif($2, ''), nullif($3, ''), nullif($4, ''), $5, $6, $7, $8, nullif($9, ''), $10, $11, CASE $6 WHEN 'done' THEN $11::timestamptz END)`
	identity, contact, origin, manager, operator := c.Who.ID, "", "command", "", who.ID
	if c.Who.Kind == Customer {
		identity, contact = "", c.Who.ID
	}
	if who.Kind == audit.Staff {
		origin, manager, operator = "console", who.ID, ""
	}
	_, err := tx.Pgx.Exec(ctx, sql, c.ID, identity, customerID, contact, c.Act, c.State, origin, c.Reason, manager, operator, tx.Now)
	return refusal("add change of a person", err)
}

func (store) decide(ctx context.Context, tx *db.Tx, id, state, who string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE person_change SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1`, id, state, who, tx.Now)
	return refusal("decide change of a person", err)
}

// refusal turns the database's guards into what a person reads.
func refusal(what string, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		if err != nil {
			err = fmt.Errorf("%s: %w", what, err)
		}
		return err
	}
	if f, ok := map[string]error{
		"person_change_waits": ErrWaits, "person_change_role": ErrMay, "person_change_not_self": ErrSelf, "person_change_two": ErrTwo, "person_change_state": ErrState,
	}[pg.ConstraintName]; ok {
		return f
	}
	return fmt.Errorf("%s: %w", what, err)
}
