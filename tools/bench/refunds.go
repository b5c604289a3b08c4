package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/postgres"
	"offramp/deploy/schema"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/secret"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/quote"
)

// till is a database with many refunds: of four tiers, two methods, three currencies, half of them over.
type till struct {
	app     *db.DB
	super   *pgxpool.Pool
	service *refund.Service
}

// fewRefunds and the many that are compared with them.
const fewRefunds = 1000

// fillSQL makes n refunds with what belongs to them, past the triggers: none of it is approved by anybody.
var fillSQL = []string{
	`SET session_replication_role = replica`,
	`INSERT INTO identity (id, realm, issuer, subject, email, name, roles, created_at, signed_in_at)
		SELECT p, 'staff', 'https://staff.example', p, p || '@staff.example', p, ARRAY['finance_approver'], now(), now() FROM unnest(ARRAY['alan', 'bella']) p`,
	`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at)
		SELECT 'c' || i, 'HZ-' || i, 'Customer ' || i, (ARRAY['core', 'team', 'standard', 'free'])[1 + i % 4], 'en', 'UTC', now(), now() FROM generate_series(1, $1::int) i`,
	`INSERT INTO journey (customer_id, version, dates, export, choose, settle, confirm, updated_at, detail)
		SELECT 'c' || i, 1, 'not_started', 'not_started', 'not_needed', 'in_progress', 'cannot_start', now(), '{"rules": {"settle": true}}' FROM generate_series(1, $1::int) i`,
	`INSERT INTO refund (id, number, ref, customer_id, tier, name_key, state, method, currency, amount, quote, quote_digest, policy_version, account, account_kind,
			requested_by, requested_at, reviewed_by, reason, updated_at, version)
		SELECT 'r' || i, i, 'RF-2026-' || to_char(i, 'FM000000000'), 'c' || i, (ARRAY['core', 'team', 'standard', 'free'])[1 + i % 4], 'customer ' || i,
		       s, CASE WHEN i % 3 = 0 THEN 'bank' ELSE 'original' END, (ARRAY['CNY', 'EUR', 'USD'])[1 + i % 7 % 3], 1000 + i % 5000,
		       $2, repeat('0', 64), '1', CASE WHEN i % 3 = 0 THEN 'x' ELSE '' END, CASE WHEN i % 3 = 0 THEN 'iban' ELSE '' END,
		       'contact', '2026-01-01'::timestamptz + i * interval '10 seconds', CASE WHEN s <> 'submitted' THEN 'clara' END, CASE WHEN s = 'declined' THEN 'used' ELSE '' END, now(), 1
		  FROM (SELECT i, (ARRAY['submitted', 'reviewed', 'reviewed', 'submitted', 'reviewed', 'declined', 'declined', 'declined', 'declined', 'declined'])[1 + i % 10] AS s
		          FROM generate_series(1, $1::int) i) x`,
	`INSERT INTO refund_total (state, tier, method, currency, count, amount) SELECT state, tier, method, currency, count(*), sum(amount) FROM refund GROUP BY 1, 2, 3, 4`,
	`INSERT INTO refund_decision (refund_id, customer_id, round, duty, person, at) SELECT id, customer_id, 1, 'request', 'contact', now() FROM refund WHERE state = 'reviewed'`,
	`INSERT INTO ledger_entry (refund_id, customer_id, tier, kind, key, at) SELECT id, customer_id, tier, 'accrue', 'v1', '2026-06-15' FROM refund`,
	`INSERT INTO ledger_posting (entry_id, customer_id, account, currency, amount)
		SELECT e.id, e.customer_id, p.account, r.currency, p.sign * r.amount FROM ledger_entry e JOIN refund r ON r.id = e.refund_id, (VALUES ('prepaid', 1), ('liability', -1)) p (account, sign)`,
	`INSERT INTO ledger_figure (state, tier, method, currency, account, amount)
		SELECT state, tier, method, currency, account, sum(amount) FROM (
			SELECT state, tier, method, currency, 'due' AS account, amount FROM refund WHERE state IN ('submitted', 'reviewed')
			UNION ALL SELECT r.state, r.tier, r.method, p.currency, p.account, -p.amount FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id JOIN refund r ON r.id = e.refund_id) x
		 GROUP BY 1, 2, 3, 4, 5`,
	`SET session_replication_role = origin`,
	`ANALYZE`,
}

func openTill(ctx context.Context, p *postgres.Server, name string, n int) (*till, error) {
	if err := p.CreateDatabase(ctx, name); err != nil {
		return nil, err
	}
	owner, err := pgxpool.New(ctx, p.URL(name, postgres.OwnerRole))
	if err != nil {
		return nil, err
	}
	defer owner.Close()
	if _, err := schema.Up(ctx, owner); err != nil {
		return nil, err
	}
	if _, err := owner.Exec(ctx, "GRANT TEMPORARY ON DATABASE "+name+" TO PUBLIC"); err != nil { // for bareSQL alone
		return nil, err
	}
	t := &till{}
	if t.app, err = db.Open(ctx, p.URL(name, postgres.AppRole), db.Options{}); err != nil {
		return nil, err
	}
	if t.super, err = pgxpool.New(ctx, p.URL(name, postgres.SuperRole)); err != nil {
		return nil, err
	}
	conn, err := t.super.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	frozen, err := quote.Quote{Currency: "CNY"}.Canonical()
	if err != nil {
		return nil, err
	}
	for i, sql := range fillSQL {
		args := []any{n, string(frozen)}[:map[int]int{2: 1, 3: 1, 4: 2}[i]]
		if _, err := conn.Exec(ctx, sql, args...); err != nil {
			return nil, fmt.Errorf("fill, statement %d: %w", i, err)
		}
	}
	queue, err := jobs.NewInserter(t.app)
	if err != nil {
		return nil, err
	}
	box, err := secret.New(refund.Purpose, []byte("a secret of measurements"))
	t.service = refund.NewService(refund.Config{DB: t.app, Jobs: queue, Customers: migration.NewService(t.app), Box: box})
	return t, err
}

func (t *till) close() {
	t.app.Close()
	t.super.Close()
}

// pageTimes measures the first and the second page of some filters.
func (t *till) pageTimes(ctx context.Context, rounds int) ([]time.Duration, error) {
	var all []time.Duration
	for range rounds {
		for _, f := range []refund.Filter{
			{States: []refund.State{refund.Submitted}},
			{States: []refund.State{refund.Reviewed, refund.Second}},
			{States: []refund.State{refund.Submitted}, Currency: "EUR"},
			{States: []refund.State{refund.Reviewed}, Tier: "core", Method: refund.Bank},
			{Currency: "CNY", States: []refund.State{refund.Reviewed}, Least: 3000, Most: 4000},
			{Text: "customer 12"},
		} {
			for after, n := "", 0; n < 2; n++ {
				began := time.Now()
				page, err := t.service.Queue(ctx, "bench", f, after)
				if err != nil {
					return nil, err
				}
				all = append(all, time.Since(began))
				if after = page.Next; after == "" {
					break
				}
			}
		}
	}
	return all, nil
}

// totals counts whole what pages count in part only, and returns the longest.
func (t *till) totals(ctx context.Context) (longest time.Duration, stopped int, err error) {
	for _, f := range []refund.Filter{{Text: "customer"}, {Currency: "CNY", Least: 1500}, {OlderThan: 1}, {Text: "customer 1", Currency: "EUR", OlderThan: 30}} {
		began := time.Now()
		_, atLeast, err := t.service.Totals(ctx, "bench", f)
		if err != nil {
			return 0, 0, err
		}
		if atLeast {
			stopped++
		}
		longest = max(longest, time.Since(began))
	}
	return longest, stopped, nil
}

// bulk approves the next thousand that are reviewed, from a place on.
func (t *till) bulk(ctx context.Context, from int) (time.Duration, error) {
	rows, err := t.super.Query(ctx, `SELECT ref, version FROM refund WHERE state = 'reviewed' AND number > $1 ORDER BY number LIMIT 1000`, from)
	if err != nil {
		return 0, err
	}
	var choices []refund.Choice
	for rows.Next() {
		var c refund.Choice
		if err := rows.Scan(&c.Ref, &c.Version); err != nil {
			return 0, err
		}
		choices = append(choices, c)
	}
	began := time.Now()
	results, err := t.service.BulkApprove(ctx, "alan", &migration.Programme{Zone: time.UTC}, choices)
	took := time.Since(began)
	for _, r := range results {
		if r.Err != nil {
			return 0, fmt.Errorf("%s: %w", r.Ref, r.Err)
		}
	}
	return took, err
}

// bareSQL writes the rows of a thousand approvals by statements alone: the refunds, whose triggers decide and enter, and what
// follows.
var bareSQL = []string{
	`SELECT set_config('offramp.scope', 'staff', true)`,
	`CREATE TEMP TABLE chosen ON COMMIT DROP AS SELECT id, customer_id, version, ref FROM refund WHERE state = 'reviewed' AND number > (SELECT max(number) * 6 / 10 FROM refund) ORDER BY number LIMIT 1000`,
	`UPDATE refund r SET state = 'approved', approved_by = 'bella', approved_at = now(), approved_content = r.content, updated_at = now() FROM chosen c WHERE r.id = c.id`,
	`INSERT INTO refund_event (refund_id, customer_id, version, kind, actor, actor_kind, from_state, to_state, at) SELECT id, customer_id, version + 1, 'approved', 'bella', 'staff', 'reviewed', 'approved', now() FROM chosen`,
	`INSERT INTO journey_event (customer_id, version, kind, actor, at) SELECT customer_id, 2, 'refund.approved', 'bella', now() FROM chosen`,
	`UPDATE journey j SET version = 2, updated_at = now() FROM chosen c WHERE j.customer_id = c.customer_id`,
	`INSERT INTO outbox_event (id, customer_id, version, type, subject, data, at) SELECT 'msg_' || id, customer_id, 2, 'x', ref, '{}', now() FROM chosen`,
	`INSERT INTO river_job (args, kind, max_attempts, queue) SELECT jsonb_build_object('key', ref), 'mail', 12, 'mail' FROM chosen`,
	`INSERT INTO audit (at, actor, actor_kind, act, object, customer_id) SELECT now(), 'bella', 'staff', 'refund.approve', 'refund ' || ref, customer_id FROM chosen`,
}

func (t *till) bare(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	tx, err := t.app.Pool.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	for i, sql := range bareSQL {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return 0, fmt.Errorf("bare statement %d: %w", i, err)
		}
	}
	err = tx.Commit(ctx)
	return time.Since(began), err
}

// peak is a writer that looks at the heap now and then.
type peak struct {
	n, most uint64
}

// Write counts.
func (p *peak) Write(b []byte) (int, error) {
	if p.n += uint64(len(b)); p.n%64 == 0 || len(b) > 2048 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		p.most = max(p.most, m.HeapInuse)
	}
	return len(b), nil
}

func (t *till) month(ctx context.Context) (uint64, error) {
	runtime.GC()
	p := &peak{}
	plain := refund.FileWords{Word: func(key string) string { return key }, Tier: func(key string) string { return key }, Zone: time.UTC}
	err := t.service.WriteMonth(ctx, "bench", refund.Month{Year: 2026, Month: time.June}, refund.CSV, refund.Postings, plain, io.Writer(p))
	return p.most, err
}

// benchRefunds compares many refunds with few.
func benchRefunds(ctx context.Context, rounds, many int) error {
	dir, err := os.MkdirTemp("", "offramp-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL runs as another user below it
		return err
	}
	p, err := postgres.Start(ctx, postgres.Options{Dir: dir, Throwaway: true})
	if err != nil {
		return err
	}
	defer func() { _ = p.Stop() }()
	few, err := openTill(ctx, p, "few", fewRefunds)
	if err != nil {
		return err
	}
	defer few.close()
	lots, err := openTill(ctx, p, "many", many)
	if err != nil {
		return err
	}
	defer lots.close()
	return compareTills(ctx, few, lots, rounds)
}

func compareTills(ctx context.Context, few, lots *till, rounds int) error {
	var at [2]time.Duration
	for i, t := range []*till{few, lots} {
		if _, err := t.pageTimes(ctx, 5); err != nil { // warm
			return err
		}
		times, err := t.pageTimes(ctx, 40*rounds)
		if err != nil {
			return err
		}
		at[i] = quantile(times, 0.99)
	}
	line("refund queue: p99 of a filtered page, many / 1,000", fmt.Sprint(at[1].Round(10*time.Microsecond)), fmt.Sprint(at[0].Round(10*time.Microsecond)), float64(at[1])/float64(at[0]), "<= 3")
	longest, stopped, err := lots.totals(ctx)
	if err != nil {
		return err
	}
	line(fmt.Sprintf("refund queue: whole totals of many, asked for after the page (%d stopped)", stopped), fmt.Sprint(longest.Round(time.Millisecond)), refund.TotalsFor.String(), float64(longest)/float64(refund.TotalsFor), "<= 1")
	ours, bare := []time.Duration{}, []time.Duration{}
	for i := range rounds {
		took, err := lots.bulk(ctx, i*10_000)
		if err != nil {
			return err
		}
		ours = append(ours, took)
		if took, err = lots.bare(ctx); err != nil {
			return err
		}
		bare = append(bare, took)
	}
	line("approve 1,000 refunds / the same rows by bare SQL", fmt.Sprint(median(ours).Round(time.Millisecond)), fmt.Sprint(median(bare).Round(time.Millisecond)), float64(median(ours))/float64(median(bare)), "<= 2")
	small, err := few.month(ctx)
	if err != nil {
		return err
	}
	large, err := lots.month(ctx)
	if err != nil {
		return err
	}
	line("month-close: peak heap, many / 1,000", fmt.Sprintf("%d KiB", large>>10), fmt.Sprintf("%d KiB", small>>10), float64(large)/float64(small), "constant")
	return nil
}
