package refund

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// expected reports whether err is an answer to the person who asked, rather than a fault of ours.
func expected(err error) bool {
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrMoved) || errors.Is(err, ErrSamePerson) || errors.Is(err, ErrScanning) || errors.Is(err, ErrUnfitAnswer)
}

// allConcerned lists the customers for whom a member of staff signs in, too.
func (store) allConcerned(ctx context.Context, tx *db.Tx, staffID string) (map[string]bool, error) {
	const sql = `SELECT DISTINCT k.customer_id FROM identity i JOIN contact k ON lower(k.email) = lower(i.email) WHERE i.id = $1 AND i.realm = 'staff' AND i.email <> ''`
	rows, err := tx.Pgx.Query(ctx, sql, staffID)
	if err != nil {
		return nil, fmt.Errorf("find own customers: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	found := map[string]bool{}
	for _, id := range ids {
		found[id] = true
	}
	return found, err
}

// approveAll saves many approvals of locked refunds by one statement.
func (store) approveAll(ctx context.Context, tx *db.Tx, list []moved) error {
	n := len(list)
	ids, stands, versions, seconds := make([]string, n), make([]string, n), make([]int32, n), make([]bool, n)
	for i, m := range list {
		ids[i], stands[i], versions[i], seconds[i] = m.to.ID, string(m.to.State), int32(m.to.Version), m.to.SecondNeeded
	}
	const sql = `UPDATE refund r SET state = n.state, second_needed = n.second_needed,
			approved_by = coalesce(r.approved_by, $5), approved_at = coalesce(r.approved_at, $6), approved_content = coalesce(r.approved_content, r.content),
			second_approved_by = CASE WHEN r.state = 'second' THEN $5 END, second_approved_at = CASE WHEN r.state = 'second' THEN $6::timestamptz END,
			settled_at = CASE WHEN n.state = 'waived' THEN $6::timestamptz END, updated_at = $6
		  FROM unnest($1::text[], $2::text[], $3::integer[], $4::boolean[]) n (id, state, version, second_needed)
		 WHERE r.id = n.id AND r.version = n.version - 1`
	tag, err := tx.Pgx.Exec(ctx, sql, ids, stands, versions, seconds, list[0].act.actor, tx.Now)
	if err != nil {
		return decisionFault(err)
	}
	if tag.RowsAffected() != int64(n) {
		return ErrMoved
	}
	return nil
}

// addEvents writes many entries of histories.
func (store) addEvents(ctx context.Context, tx *db.Tx, list []moved) error {
	n := len(list)
	ids, customers, versions, kinds := make([]string, n), make([]string, n), make([]int32, n), make([]string, n)
	actors, actorKinds, froms, tos, texts := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, m := range list {
		ids[i], customers[i], versions[i], kinds[i] = m.to.ID, m.to.CustomerID, int32(m.to.Version), m.act.kind
		actors[i], actorKinds[i], froms[i], tos[i], texts[i] = m.act.actor, actorKind(m.act.actor, m.act.staff), string(m.from), string(m.to.State), m.act.text
	}
	const sql = `INSERT INTO refund_event (refund_id, customer_id, version, kind, actor, actor_kind, from_state, to_state, text, at)
		SELECT e.*, $10 FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[]) e`
	if _, err := tx.Pgx.Exec(ctx, sql, ids, customers, versions, kinds, actors, actorKinds, froms, tos, texts, tx.Now); err != nil {
		return fmt.Errorf("note %d transitions: %w", n, err)
	}
	return nil
}

// customerRefs are the numbers of the customers in the retired product.
func (store) customerRefs(ctx context.Context, tx *db.Tx, list []moved) (map[string]string, error) {
	ids := make([]string, len(list))
	for i, m := range list {
		ids[i] = m.to.CustomerID
	}
	rows, err := tx.Pgx.Query(ctx, `SELECT id, ref FROM customer WHERE id = ANY($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	refs := make(map[string]string, len(ids))
	var id, ref string
	_, err = pgx.ForEachRow(rows, []any{&id, &ref}, func() error { refs[id] = ref; return nil })
	return refs, err
}

// recordAll writes many entries of the audit log, in the list's order.
func (store) recordAll(ctx context.Context, tx *db.Tx, list []moved) error {
	n := len(list)
	actors, kinds, acts, objects, customers, details := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, m := range list {
		e := entry(m.to, m.act)
		detail, err := json.Marshal(e.Detail)
		if err != nil {
			return err
		}
		actors[i], kinds[i], acts[i], objects[i], customers[i], details[i] = e.Actor, e.ActorKind, e.Act, e.Object, e.CustomerID, string(detail)
	}
	const sql = `INSERT INTO audit (at, actor, actor_kind, act, object, customer_id, detail)
		SELECT $7, actor, kind, act, object, customer, detail::jsonb
		  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY e (actor, kind, act, object, customer, detail, n) ORDER BY n`
	if _, err := tx.Pgx.Exec(ctx, sql, actors, kinds, acts, objects, customers, details, tx.Now); err != nil {
		return fmt.Errorf("record %d acts: %w", n, err)
	}
	return nil
}
