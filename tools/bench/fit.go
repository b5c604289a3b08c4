package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local"
	"offramp/deploy/local/product"
	"offramp/export"
	"offramp/export/source"
	"offramp/migration"
	"offramp/migration/replacement"
)

// fitCustomers are the customers whose use of one feature is counted.
const fitCustomers = 100_000

// fitQuery counts a feature for all customers.
const fitQuery = `SELECT customer_id AS customer_ref, count(*) AS count FROM bench_use GROUP BY customer_id`

// benchFit counts one feature for many customers, anew each round, against the bare SQL that this needs: the product's own
// answer read to nowhere, and the same rows written by one statement that knows nothing of scopes, dates and duplicates.
func benchFit(ctx context.Context, g *ground, rounds int) (err error) {
	shop := g.stack.Postgres.URL(product.Database, local.SuperRole)
	const rows = `CREATE TABLE bench_use AS SELECT 'BF-' || n %% %d AS customer_id, n FROM generate_series(1, 3 * %[1]d) n; GRANT SELECT ON bench_use TO %s; ANALYZE bench_use`
	if err := execute(ctx, shop, fmt.Sprintf(rows, fitCustomers, product.Reader)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, execute(ctx, shop, `DROP TABLE bench_use`)) }()
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
	sources := export.NewSources(g.config.Sources, source.Options{})
	defer sources.Close()
	counter := replacement.NewCounter(replacement.CounterConfig{DB: g.app, Reader: export.Counts{Sources: sources}, Logger: slog.New(slog.DiscardHandler)})
	p := &migration.Programme{Features: []migration.Feature{{Key: "bench", Query: migration.Query{Source: "product", SQL: fitQuery}}}}
	var ours, ceiling []time.Duration
	for round := range rounds + 1 { // the first fills both, the others renew
		began := time.Now()
		if err := counter.CountAll(ctx, p, "bench"); err != nil {
			return err
		}
		mine := time.Since(began)
		theirs, err := g.bareFit(ctx, shop)
		if err != nil {
			return err
		}
		if round > 0 {
			ours, ceiling = append(ours, mine), append(ceiling, theirs)
		}
	}
	if err := g.fitIsRight(ctx); err != nil {
		return err
	}
	a, b := median(ours), median(ceiling)
	line(fmt.Sprintf("fit: one feature of %d customers, counted anew / bare SQL", fitCustomers), a.Round(time.Millisecond).String(), b.Round(time.Millisecond).String(), float64(a)/float64(b), "<= 1.5")
	return nil
}

// bareFit takes the time of the SQL alone.
func (g *ground) bareFit(ctx context.Context, shop string) (time.Duration, error) {
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
	const renew = `INSERT INTO bench_usage SELECT id, 'bench', 3, now() FROM customer WHERE id LIKE 'bench-fit-%'
		ON CONFLICT (customer_id, feature) DO UPDATE SET uses = excluded.uses, counted_at = excluded.counted_at`
	if _, err := g.super.Exec(ctx, renew); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// fitIsRight looks whether what was measured is also what was asked for.
func (g *ground) fitIsRight(ctx context.Context) error {
	var customers, uses int64
	err := g.super.QueryRow(ctx, `SELECT count(*), coalesce(sum(uses), 0)::bigint FROM feature_usage WHERE feature = 'bench'`).Scan(&customers, &uses)
	if err == nil && (customers != fitCustomers || uses != 3*fitCustomers) {
		err = fmt.Errorf("%d customers with %d uses were counted", customers, uses)
	}
	return err
}
