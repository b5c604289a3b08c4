package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local/postgres"
	"offramp/deploy/local/product"
	"offramp/export/connect"
	"offramp/export/source"
	"offramp/migration"
	"offramp/migration/replacement"
)

// fitCustomers are the customers whose use of one feature is counted.
const fitCustomers = 100_000

// fitQuery counts a feature for all customers; bench_more changes every count.
const fitQuery = `SELECT customer_id AS customer_ref, count(*) + (SELECT more FROM bench_more) AS count FROM bench_use GROUP BY customer_id`

// benchFit counts one feature for many customers against the bare SQL that this needs: the product's own answer read to nowhere,
// and the same rows written by one statement that knows nothing of scopes, dates and duplicates. Every customer's use changes
// from round to round; a second count in each round finds nothing changed, which is what most counts find.
func benchFit(ctx context.Context, g *ground, rounds int) (err error) {
	shop := g.stack.Postgres.URL(product.Database, postgres.SuperRole)
	const rows = `CREATE TABLE bench_use AS SELECT 'BF-' || n %% %d AS customer_id, n FROM generate_series(1, 3 * %[1]d) n; CREATE TABLE bench_more AS SELECT 0 AS more;
		GRANT SELECT ON bench_use, bench_more TO %s; ANALYZE bench_use`
	if err := execute(ctx, shop, fmt.Sprintf(rows, fitCustomers, product.Reader)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, execute(ctx, shop, `DROP TABLE bench_use, bench_more`)) }()
	const people = `INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at)
		SELECT 'bench-fit-' || n, 'BF-' || n, 'x', 'basic', 'en', 'UTC', now(), now() FROM generate_series(0, $1 - 1) n`
	const bare = `CREATE TABLE bench_usage (customer_id text NOT NULL, feature text NOT NULL, uses bigint NOT NULL, counted_at timestamptz NOT NULL, PRIMARY KEY (customer_id, feature));
		CREATE INDEX ON bench_usage (feature, uses)`
	if _, err := g.super.Exec(ctx, people, fitCustomers); err != nil {
		return err
	}
	if _, err := g.super.Exec(ctx, bare); err != nil {
		return err
	}
	defer func() {
		for _, sql := range []string{`DROP TABLE bench_usage`, `DELETE FROM feature_usage WHERE feature = 'bench'`, `DELETE FROM feature_count WHERE feature = 'bench'`} {
			_, gone := g.super.Exec(ctx, sql)
			err = errors.Join(err, gone)
		}
	}()
	sources := connect.New(g.config.Sources, source.Options{})
	defer sources.Close()
	counter := replacement.NewCounter(replacement.CounterConfig{DB: g.app, Reader: connect.Counts{Sources: sources}, Logger: slog.New(slog.DiscardHandler)})
	p := &migration.Programme{Features: []migration.Feature{{Key: "bench", Query: migration.Query{Source: "product", SQL: fitQuery}}}}
	var changed, same, ceiling []time.Duration
	for round := range rounds + 1 { // the first fills both, the others renew
		if err := execute(ctx, shop, fmt.Sprintf(`UPDATE bench_more SET more = %d`, round)); err != nil {
			return err
		}
		var took [2]time.Duration
		for i := range took {
			began := time.Now()
			if err := counter.CountAll(ctx, p, "bench"); err != nil {
				return err
			}
			took[i] = time.Since(began)
		}
		theirs, err := g.bareFit(ctx, shop, round)
		if err != nil {
			return err
		}
		if round > 0 {
			changed, same, ceiling = append(changed, took[0]), append(same, took[1]), append(ceiling, theirs)
		}
	}
	if err := g.fitIsRight(ctx, rounds); err != nil {
		return err
	}
	fitLines(changed, same, ceiling)
	return nil
}

// fitLines prints both kinds of counts beside the bare SQL.
func fitLines(changed, same, ceiling []time.Duration) {
	b := median(ceiling)
	for _, of := range []struct {
		what string
		took []time.Duration
		goal string
	}{{"every count changed", changed, "<= 1.5"}, {"no count changed", same, "-"}} {
		a := median(of.took)
		line(fmt.Sprintf("fit: one feature of %d customers, %s / bare SQL", fitCustomers, of.what),
			a.Round(time.Millisecond).String(), b.Round(time.Millisecond).String(), float64(a)/float64(b), of.goal)
	}
}

// bareFit takes the time of the SQL alone.
func (g *ground) bareFit(ctx context.Context, shop string, more int) (time.Duration, error) {
	conn, err := pgx.Connect(ctx, shop)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }()
	began := time.Now()
	reader := conn.PgConn().ExecParams(ctx, fitQuery, nil, nil, nil, nil)
	for reader.NextRow() {
	}
	if _, err := reader.Close(); err != nil {
		return 0, err
	}
	const renew = `INSERT INTO bench_usage SELECT id, 'bench', 3 + $1, now() FROM customer WHERE id LIKE 'bench-fit-%'
		ON CONFLICT (customer_id, feature) DO UPDATE SET uses = excluded.uses, counted_at = excluded.counted_at`
	if _, err := g.super.Exec(ctx, renew, more); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// fitIsRight looks whether what was measured is also what was asked for.
func (g *ground) fitIsRight(ctx context.Context, more int) error {
	var customers, uses int64
	err := g.super.QueryRow(ctx, `SELECT count(*), coalesce(sum(uses), 0)::bigint FROM feature_usage WHERE feature = 'bench'`).Scan(&customers, &uses)
	if err == nil && (customers != fitCustomers || uses != int64(3+more)*fitCustomers) {
		err = fmt.Errorf("%d customers with %d uses were counted", customers, uses)
	}
	return err
}
