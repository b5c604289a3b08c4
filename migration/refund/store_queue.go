package refund

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"offramp/internal/db"
)

const rowColumns = `r.id, r.ref, r.number, r.version, r.customer_id, c.ref, c.name, r.tier, r.method, r.currency, r.amount, r.credit_price, r.credit_rest, r.rest_rule, r.state, r.second_needed, r.requested_at,
	coalesce(r.reviewed_by, ''), coalesce(r.approved_by, ''), coalesce(r.batch_id, ''),
	r.stage_due, coalesce(refund_stage_days(r.state, r.review_days, r.pay_days, r.bank_days), 0)`

func (r *Row) places() []any {
	return []any{
		&r.ID, &r.Ref, &r.number, &r.Version, &r.CustomerID, &r.CustomerRef, &r.CustomerName, &r.Tier, &r.Method, &r.Currency, &r.Amount, &r.price, &r.rest, &r.rule, &r.State,
		&r.SecondNeeded, &r.RequestedAt, &r.ReviewedBy, &r.ApprovedBy, &r.BatchID, &r.due, &r.days,
	}
}

func scanRow(row pgx.CollectableRow) (r Row, err error) {
	err = row.Scan(r.places()...)
	return r, err
}

// question is a statement that grows: conditions with their arguments.
type question struct {
	where []string
	args  []any
}

// arg adds an argument and returns its place.
func (q *question) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

func (q *question) and(format string, v any) {
	q.where = append(q.where, fmt.Sprintf(format, q.arg(v)))
}

func (q *question) conditions() string {
	if len(q.where) == 0 {
		return "true"
	}
	return strings.Join(q.where, " AND ")
}

// kinds adds the conditions on what the totals are kept by.
func (q *question) kinds(f Filter) {
	if len(f.States) > 0 {
		q.and("r.state = ANY(%s)", states(f))
	}
	if f.Tier != "" {
		q.and("r.tier = %s", f.Tier)
	}
	if f.Method != "" {
		q.and("r.method = %s", string(f.Method))
	}
	if f.Currency != "" {
		q.and("r.currency = %s", f.Currency)
	}
}

func states(f Filter) []string {
	list := make([]string, len(f.States))
	for i, s := range f.States {
		list[i] = string(s)
	}
	return list
}

// rest adds the other conditions.
func (q *question) rest(f Filter, now time.Time) {
	if f.Least > 0 {
		q.and("r.amount >= %s", f.Least)
	}
	if f.Most > 0 {
		q.and("r.amount <= %s", f.Most)
	}
	if f.OlderThan > 0 {
		q.and("r.requested_at <= %s", now.AddDate(0, 0, -f.OlderThan))
	}
	if f.LateIn != "" {
		q.where = append(q.where, lateSQL(q.arg(now), q.arg(now.Add(clockChange)), q.arg(f.LateIn)))
	}
}

// clockChange is by how much a day may be shorter than 24 hours.
const clockChange = 3 * time.Hour

// lateSQL is the condition that a refund's stage is over its last day in a zone: Stage.Late as the database reckons it. What may be late is
// found by an index, and then looked at.
func lateSQL(now, soon, zone string) string {
	const days = `refund_stage_days(r.state, r.review_days, r.pay_days, r.bank_days)`
	return fmt.Sprintf(`r.stage_due < %s AND ((to_timestamp(extract(epoch FROM r.stage_due) - 86400 * %s) AT TIME ZONE %s)::date + %[2]s + 1)::timestamp AT TIME ZONE %[3]s <= %[4]s`,
		soon, days, zone, now)
}

// countLate counts what is late by its stage, up to TotalsLimit and one.
func (store) countLate(ctx context.Context, tx *db.Tx, zone string) (list []LateFigure, err error) {
	q := &question{}
	q.rest(Filter{LateIn: zone}, tx.Now)
	rows, err := tx.Pgx.Query(ctx, fmt.Sprintf(`SELECT r.state, count(*)::integer FROM (SELECT r.state FROM refund r WHERE %s LIMIT %d) r GROUP BY 1`, q.conditions(), TotalsLimit+1), q.args...)
	if err != nil {
		return nil, fmt.Errorf("count what is late: %w", err)
	}
	var state State
	var n int
	found := map[StageKey]int{}
	if _, err := pgx.ForEachRow(rows, []any{&state, &n}, func() error { found[stages[Refund{State: state}.stage()]] += n; return nil }); err != nil {
		return nil, err
	}
	for _, key := range stages {
		if found[key] > 0 {
			list = append(list, LateFigure{key, found[key]})
		}
	}
	return list, nil
}

// choose adds the conditions of a filter. What names exactly (a reference, a customer's number, a contact's address) is found whatever
// else the filter says: who types it does not know where the refund stands. The beginning of a name is one condition among the others;
// names are compared as they were when the refund was submitted. A page looks at most of them at nameLimit, what is counted or taken
// out whole at all.
func (q *question) choose(f Filter, now time.Time, whole bool) {
	if f.Text == "" {
		q.kinds(f)
		q.rest(f, now)
		return
	}
	exact, lower := q.arg(strings.ToUpper(f.Text)), strings.ToLower(f.Text)
	typed, from, to := q.arg(f.Text), q.arg(lower), q.arg(lower+"\U0010FFFF")
	named := &question{args: q.args}
	named.kinds(f)
	named.rest(f, now)
	q.args = named.args
	customers := fmt.Sprintf(`SELECT id FROM customer WHERE ref IN (%[1]s, %[2]s) UNION SELECT customer_id FROM contact WHERE lower(email) = %[3]s`, exact, typed, from)
	if whole { // each of the three has an index; a join would be planned for one row in a hundred
		q.where = append(q.where, fmt.Sprintf(`(r.ref = %[1]s OR r.customer_id = ANY(ARRAY(%[2]s)) OR r.name_key >= %[3]s AND r.name_key < %[4]s AND %[5]s)`,
			exact, customers, from, to, named.conditions()))
		return
	}
	q.where = append(q.where, fmt.Sprintf(`r.id = ANY(ARRAY(
		SELECT id FROM refund WHERE ref = %[1]s
		UNION SELECT o.id FROM refund o WHERE o.customer_id = ANY(ARRAY(%[2]s))
		UNION SELECT r.id FROM (SELECT * FROM refund WHERE name_key >= %[3]s AND name_key < %[4]s ORDER BY name_key LIMIT %[5]d) r WHERE %[6]s))`,
		exact, customers, from, to, nameLimit, named.conditions()))
}

// nameLimit bounds how many refunds of customers with a name a page looks at.
const nameLimit = TotalsLimit

func (q *question) behind(f Filter, from *key) {
	switch {
	case from == nil:
	case f.byAmount():
		q.where = append(q.where, fmt.Sprintf("(r.amount, r.number) < (%s, %s)", q.arg(from.amount), q.arg(from.number)))
	default:
		q.where = append(q.where, fmt.Sprintf("(r.requested_at, r.number) > (%s, %s)", q.arg(from.at), q.arg(from.number)))
	}
}

func order(f Filter) string {
	if f.byAmount() {
		return "r.amount DESC, r.number DESC"
	}
	return "r.requested_at, r.number"
}

// page reads one page. Without a text every combination of state, tier, method and currency that has refunds gives the head of
// its own index range, so that a page costs the same however many refunds there are.
func (store) page(ctx context.Context, tx *db.Tx, f Filter, from *key, limit int) ([]Row, error) {
	q := &question{}
	var sql string
	if f.Text != "" || f.LateIn != "" {
		q.choose(f, tx.Now, false)
		q.behind(f, from)
		sql = `SELECT ` + rowColumns + ` FROM refund r JOIN customer c ON c.id = r.customer_id WHERE ` + q.conditions() + ` ORDER BY ` + order(f) + fmt.Sprintf(" LIMIT %d", limit)
	} else {
		ranges, same := rangesOf(f, q)
		q.where = nil
		q.rest(f, tx.Now)
		q.behind(f, from)
		head := fmt.Sprintf(`SELECT r.* FROM refund r WHERE %s AND %s ORDER BY %s LIMIT %d`, same, q.conditions(), order(f), limit)
		sql = fmt.Sprintf(`SELECT %s FROM (SELECT r.* FROM (%s) k CROSS JOIN LATERAL (%s) r ORDER BY %s LIMIT %d) r JOIN customer c ON c.id = r.customer_id ORDER BY %s`,
			rowColumns, ranges, head, order(f), limit, order(f))
	}
	rows, err := tx.Pgx.Query(ctx, sql, q.args...)
	if err != nil {
		return nil, fmt.Errorf("read a page: %w", err)
	}
	return pgx.CollectRows(rows, scanRow)
}

// rangesOf names the index ranges that a filter spans, and what ties a refund to one of them.
func rangesOf(f Filter, q *question) (ranges, same string) {
	if f.Tier == "" && f.Method == "" && f.Currency == "" && !f.byAmount() {
		all := f
		if len(all.States) == 0 {
			all.States = States
		}
		return `SELECT unnest(` + q.arg(states(all)) + `::text[]) AS state`, "r.state = k.state"
	}
	q.kinds(f)
	return `SELECT r.state, r.tier, r.method, r.currency FROM refund_total r WHERE ` + q.conditions() + ` GROUP BY 1, 2, 3, 4 HAVING sum(r.count) > 0`,
		"r.state = k.state AND r.tier = k.tier AND r.method = k.method AND r.currency = k.currency"
}

// totals sums up the filter by currency: from what is kept, else by counting: up to TotalsLimit, or all.
func (store) totals(ctx context.Context, tx *db.Tx, f Filter, whole bool) (list []Total, atLeast bool, err error) {
	q := &question{}
	if f.kept() {
		q.kinds(f)
	} else {
		q.choose(f, tx.Now, whole)
	}
	sql := `SELECT r.currency, sum(r.count)::bigint, sum(r.amount)::bigint FROM refund_total r WHERE ` + q.conditions() + ` GROUP BY 1 HAVING sum(r.count) > 0 ORDER BY 1`
	if !f.kept() {
		sql = `SELECT r.currency, count(*), sum(r.amount)::bigint FROM refund r WHERE ` + q.conditions() + ` GROUP BY 1 ORDER BY 1`
		if !whole {
			sql = fmt.Sprintf(`SELECT currency, count(*), sum(amount)::bigint FROM (SELECT r.currency, r.amount FROM refund r WHERE %s LIMIT %d) r GROUP BY 1 ORDER BY 1`, q.conditions(), TotalsLimit+1)
		}
	}
	rows, err := tx.Pgx.Query(ctx, sql, q.args...)
	if err != nil {
		return nil, false, fmt.Errorf("sum up: %w", err)
	}
	var n int64
	list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Total, err error) {
		err = row.Scan(&t.Currency, &t.Count, &t.Amount)
		n += t.Count
		return t, err
	})
	least := TotalsLimit
	if f.Text != "" {
		least = nameLimit - 1 // there may be more names
	}
	return list, !whole && !f.kept() && n > int64(least), err
}

// within bounds how long each further statement of a transaction may take, and has groups hashed: for the reason of orderedSQL the
// planner would sort all for a few of them.
func (store) within(ctx context.Context, tx *db.Tx, limit time.Duration) error {
	_, err := tx.Pgx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true)`, fmt.Sprint(limit.Milliseconds()))
	return err
}

// tookTooLong reports whether a statement was stopped by within.
func tookTooLong(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "57014"
}

// stream reads every row of a filter as the server sends it.
func (store) stream(ctx context.Context, tx *db.Tx, f Filter, each func(Row) error) (n int, err error) {
	q := &question{}
	q.choose(f, tx.Now, true)
	rows, err := tx.Pgx.Query(ctx, `SELECT `+rowColumns+` FROM refund r JOIN customer c ON c.id = r.customer_id WHERE `+q.conditions()+` ORDER BY `+order(f), q.args...)
	if err != nil {
		return 0, fmt.Errorf("read all: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return n, err
		}
		if err := each(r); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

// figures sums up where how much stands.
func (store) figures(ctx context.Context, tx *db.Tx) ([]StateFigure, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT state, currency, sum(count)::bigint, sum(amount)::bigint FROM refund_total GROUP BY 1, 2 HAVING sum(count) > 0 ORDER BY 1, 2`)
	if err != nil {
		return nil, fmt.Errorf("read figures: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (f StateFigure, err error) {
		err = row.Scan(&f.State, &f.Currency, &f.Count, &f.Amount)
		return f, err
	})
}

// currencies are those of the refunds there are.
func (store) currencies(ctx context.Context, tx *db.Tx) ([]string, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT currency FROM refund_total GROUP BY 1 HAVING sum(count) > 0`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// oldest is when the longest waiting refund in one of the states was submitted; nil: there is none.
func (store) oldest(ctx context.Context, tx *db.Tx, list []State) (at *time.Time, err error) {
	const sql = `SELECT min(r.requested_at) FROM unnest($1::text[]) k (state) CROSS JOIN LATERAL
		(SELECT r.requested_at FROM refund r WHERE r.state = k.state ORDER BY r.requested_at, r.number LIMIT 1) r`
	err = tx.Pgx.QueryRow(ctx, sql, states(Filter{States: list})).Scan(&at)
	return at, err
}

// foldTotals adds the differences together, so that reading stays cheap.
func (store) foldTotals(ctx context.Context, tx *db.Tx) error {
	const sql = `WITH gone AS (DELETE FROM refund_total WHERE id IN (SELECT id FROM refund_total ORDER BY id LIMIT 100000) RETURNING state, tier, method, currency, count, amount)
		INSERT INTO refund_total (state, tier, method, currency, count, amount)
		SELECT state, tier, method, currency, sum(count), sum(amount) FROM gone GROUP BY 1, 2, 3, 4 HAVING sum(count) <> 0 OR sum(amount) <> 0`
	_, err := tx.Pgx.Exec(ctx, sql)
	return err
}
