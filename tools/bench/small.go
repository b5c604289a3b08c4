package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/examples"
	"offramp/deploy/local"
	"offramp/deploy/local/postgres"
	"offramp/deploy/local/product"
	"offramp/export"
	"offramp/export/connect"
	"offramp/export/source"
	"offramp/export/storage"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/mail"
	"offramp/migration"
)

const (
	smallRows = 100 // of each of the five datasets of a small customer: 70 kB in all
	atOnce    = 8   // exports of the worker, and connections of the bare client
)

// smallSQL makes the product of many small customers beside that of the demonstration.
const smallSQL = `
	DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hezhou_reader') THEN CREATE ROLE hezhou_reader LOGIN; END IF; END $$;
	CREATE TABLE small_customer (id text PRIMARY KEY);
	INSERT INTO small_customer SELECT 'S-' || n FROM generate_series(1, %[1]d) n;
	CREATE TABLE small_row (customer_id text, kind integer, id bigint, title text, body text, at timestamptz);
	INSERT INTO small_row SELECT 'S-' || c, k, n, 'Row ' || n || ' of ' || c, md5(c || ' ' || k || ' ' || n) || ' text that packs well enough, as texts do', '2026-01-01Z'
		FROM generate_series(1, %[1]d) c, generate_series(1, 5) k, generate_series(1, %[2]d) n;
	CREATE INDEX ON small_row (customer_id, kind, id);
	GRANT SELECT ON small_customer, small_row TO hezhou_reader;`

// smallProgramme is the demonstration's with other customers and datasets, and without what names its own.
func smallProgramme(source []byte) []byte {
	var b strings.Builder
	keep := true
	for text := range strings.Lines(string(source)) {
		if first := text[0]; first != ' ' && first != '#' && first != '\n' { // a section begins
			key, _, _ := strings.Cut(text, ":")
			keep = !slices.Contains([]string{"customers", "entitlements", "refund", "datasets", "export", "features", "choice", "replacements"}, key)
		}
		if keep {
			b.WriteString(text)
		}
	}
	b.WriteString("\ncustomers:\n  source: product\n  query: SELECT id AS ref, id AS name, 'basic' AS tier, 'en' AS locale, 'UTC' AS zone, " +
		"lower(replace(id, '-', '')) || '@small.example' AS email, id AS contact_name, 'owner' AS role FROM small_customer ORDER BY id\n\ndatasets:\n")
	for k := 1; k <= 5; k++ {
		fmt.Fprintf(&b, "  - key: part%[1]d\n    name: {zh-CN: 部分%[1]d, en: Part %[1]d}\n    source: product\n    row_key: id\n"+
			"    query: SELECT id, title, body, at FROM small_row WHERE customer_id = :customer_id AND kind = %[1]d ORDER BY id\n", k)
	}
	return []byte(b.String())
}

// crowd is a ground with many small customers.
type crowd struct {
	*ground
	who     []migration.Who
	service *export.Service
	bucket  *storage.Bucket
}

func benchSmall(ctx context.Context, many int) error {
	g, err := prepareSmall(ctx, many)
	if err != nil {
		return err
	}
	defer g.close()
	c := &crowd{ground: g}
	if c.service, c.bucket, err = g.exports(ctx); err != nil {
		return err
	}
	if err := c.meet(ctx); err != nil {
		return err
	}
	took, err := c.queued(ctx, c.who)
	if err != nil {
		return err
	}
	before, err := cpu()
	if err != nil {
		return err
	}
	bare, err := c.bare(ctx, int(took.packed))
	if err != nil {
		return err
	}
	between, err := cpu()
	if err != nil {
		return err
	}
	with, without, err := c.withAndWithout(ctx)
	if err != nil {
		return err
	}
	per := func(x float64) string { return fmt.Sprintf("%.0f/s", x) }
	line(fmt.Sprintf("%d small exports (%d kB packed), against bare PUT", many, took.packed/1000), per(took.rate), per(bare), took.rate/bare, ">= 0.60")
	line("the same without mails and events, against the same work without a queue", per(with.rate), per(without.rate), with.rate/without.rate, ">= 0.85")
	line("longest wait against the median", took.longest.Round(time.Millisecond).String(), took.median.Round(time.Millisecond).String(), took.longest.Seconds()/took.median.Seconds(), "<= 3.00")
	for _, said := range []string{"queued: " + took.used, "without mails and events: " + with.used, "bare PUT: " + between.each(before, many), "without a queue: " + without.used} {
		fmt.Println("  " + said)
	}
	return nil
}

// withAndWithout builds exports of three parts of the customers with the queue and without it in turns, and returns the medians of
// the rates with the CPU of the last turn.
func (c *crowd) withAndWithout(ctx context.Context) (with, without queuedResult, err error) {
	if err := c.rest(ctx); err != nil {
		return with, without, err
	}
	var rates [2][]float64
	for part := range slices.Chunk(c.who, (len(c.who)+2)/3) {
		if with, err = c.queued(ctx, part); err != nil {
			return with, without, err
		}
		if without, err = c.unqueued(ctx, part); err != nil {
			return with, without, err
		}
		rates[0], rates[1] = append(rates[0], with.rate), append(rates[1], without.rate)
	}
	with.rate, without.rate = median(rates[0]), median(rates[1])
	return with, without, nil
}

func prepareSmall(ctx context.Context, many int) (*ground, error) {
	return prepareWith(ctx, 2_000, func(ctx context.Context, s *local.Stack) ([]byte, error) {
		if err := s.Postgres.CreateDatabase(ctx, product.Database); err != nil {
			return nil, err
		}
		url := s.Postgres.URL(product.Database, postgres.SuperRole)
		if err := execute(ctx, url, fmt.Sprintf(smallSQL, many, smallRows)); err != nil {
			return nil, err
		}
		return smallProgramme(examples.Hezhou), execute(ctx, url, "VACUUM ANALYZE small_row") // else the server does, in whose turn it pleases
	})
}

func (c *crowd) meet(ctx context.Context) error {
	rows, err := c.super.Query(ctx, `SELECT c.id, k.id, k.role FROM customer c JOIN contact k ON k.customer_id = c.id WHERE c.ref LIKE 'S-%' ORDER BY c.ref`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var w migration.Who
		if err := rows.Scan(&w.CustomerID, &w.ContactID, &w.Role); err != nil {
			return err
		}
		c.who = append(c.who, w)
	}
	return rows.Err()
}

// smallSelection is plain CSV: what the bare client puts is as large.
var smallSelection = export.Selection{Formats: []string{export.CSV}}

type queuedResult struct {
	rate            float64
	packed          int64 // bytes of one archive
	median, longest time.Duration
	used            string
}

// rest keeps what exports cause from being done from now on: mails, and events to other systems. What works without a queue
// causes them, too, and does neither.
func (c *crowd) rest(ctx context.Context) error {
	if _, err := c.super.Exec(ctx, `INSERT INTO sink (name, disabled_at, reason) SELECT unnest($1::text[]), now(), 'bench'
		ON CONFLICT (name) DO UPDATE SET disabled_at = now()`, slices.Collect(maps.Keys(c.config.Sinks))); err != nil {
		return err
	}
	queue, err := jobs.NewInserter(c.app)
	if err != nil {
		return err
	}
	return c.app.InTx(ctx, db.SystemScope("bench"), func(tx *db.Tx) error { return queue.PauseTx(ctx, tx, mail.Queue) })
}

// queued requests exports while no worker runs, then starts one and waits for the last.
func (c *crowd) queued(ctx context.Context, who []migration.Who) (r queuedResult, err error) {
	var earlier int
	if err := c.super.QueryRow(ctx, `SELECT count(*) FROM export WHERE state = 'ready'`).Scan(&earlier); err != nil {
		return r, err
	}
	if err := c.requestAll(ctx, who); err != nil {
		return r, err
	}
	began := time.Now()
	worker, err := c.stack.StartWith("work", c.stack.Env.With(map[string]string{
		"OFFRAMP_WORK_ID": "bench", "OFFRAMP_WEB_METRICS": "off", "OFFRAMP_WORK_EXPORTS": fmt.Sprint(atOnce), "OFFRAMP_DATABASE_MAX_CONNS": "24",
	}))
	if err != nil {
		return r, err
	}
	defer func() { _ = worker.Stop(10 * time.Second) }()
	first := max(1, len(who)/10) // the process has started then, and its connections know their statements
	if err := c.allReady(ctx, earlier+first); err != nil {
		return r, err
	}
	before, err := cpu()
	if err != nil {
		return r, err
	}
	if err := c.allReady(ctx, earlier+len(who)); err != nil {
		return r, err
	}
	after, err := cpu()
	if err != nil {
		return r, err
	}
	r.used = after.each(before, len(who)-first)
	rows, err := c.super.Query(ctx, `SELECT extract(epoch FROM ready_at - $1)::float8, object_size FROM export WHERE state = 'ready' AND ready_at > $1 ORDER BY ready_at`, began)
	if err != nil {
		return r, err
	}
	defer rows.Close()
	var waits []float64
	for rows.Next() {
		var wait float64
		if err := rows.Scan(&wait, &r.packed); err != nil {
			return r, err
		}
		waits = append(waits, wait)
	}
	r.rate = float64(len(waits)-first) / (waits[len(waits)-1] - waits[first-1])
	r.median, r.longest = seconds(waits[len(waits)/2]), seconds(waits[len(waits)-1])
	return r, rows.Err()
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (c *crowd) requestAll(ctx context.Context, who []migration.Who) error {
	return each(who, func(w migration.Who) error {
		_, err := c.service.Request(ctx, w, c.programme, smallSelection)
		return err
	})
}

func (c *crowd) allReady(ctx context.Context, many int) error {
	return untilEvery(ctx, 100*time.Millisecond, 10*time.Minute, func() (bool, error) { // rarely, since looking costs, too
		var ready, failed int
		err := c.super.QueryRow(ctx, `SELECT count(*) FILTER (WHERE state = 'ready'), count(*) FILTER (WHERE state = 'failed') FROM export`).Scan(&ready, &failed)
		if err == nil && failed > 0 {
			err = fmt.Errorf("%d exports failed", failed)
		}
		return ready >= many, err
	})
}

// bare puts as many objects of the same size over as many connections.
func (c *crowd) bare(ctx context.Context, size int) (float64, error) {
	body := slices.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
	began := time.Now()
	err := each(c.who, func(migration.Who) error {
		_, err := c.bucket.Put(ctx, storage.NewKey("bare/"), body, "application/zip")
		return err
	})
	return float64(len(c.who)) / time.Since(began).Seconds(), err
}

// unqueued builds exports in this process by calls, as many at once as the worker does.
func (c *crowd) unqueued(ctx context.Context, who []migration.Who) (r queuedResult, err error) {
	if err := c.requestAll(ctx, who); err != nil {
		return r, err
	}
	if _, err := c.super.Exec(ctx, `DELETE FROM river_job WHERE queue = 'export'`); err != nil {
		return r, err
	}
	queued, err := c.waiting(ctx)
	if err != nil {
		return r, err
	}
	build := c.builder()
	before, err := cpu()
	if err != nil {
		return r, err
	}
	began := time.Now()
	err = c.logStatements(ctx, "unqueued", func() error {
		began = time.Now()
		return profiled("unqueued", func() error { return each(queued, func(a export.Args) error { return build(ctx, a) }) })
	})
	if err != nil {
		return r, err
	}
	r.rate = float64(len(queued)) / time.Since(began).Seconds()
	after, err := cpu()
	r.used = after.each(before, len(queued))
	return r, err
}

// waiting lists the exports that are queued.
func (c *crowd) waiting(ctx context.Context) ([]export.Args, error) {
	rows, err := c.super.Query(ctx, `SELECT id, customer_id FROM export WHERE state = 'queued'`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a export.Args, err error) {
		return a, row.Scan(&a.ExportID, &a.CustomerID)
	})
}

// builder builds in this process as a worker would.
func (c *crowd) builder() func(context.Context, export.Args) error {
	queue, err := jobs.NewInserter(c.app)
	if err != nil {
		return func(context.Context, export.Args) error { return err }
	}
	return export.BuildOnce(export.Config{
		DB: c.app, Journey: migration.NewService(c.app), Queue: queue, Bucket: c.bucket, Sources: connect.New(c.config.Sources, source.Options{}),
		Programmes: migration.NewProgrammes(c.app), Logger: slog.New(slog.DiscardHandler),
	})
}

// each calls do for every item, atOnce at a time, and returns the first error.
func each[T any](items []T, do func(T) error) error {
	work := make(chan T)
	var group sync.WaitGroup
	var once sync.Once
	var failed error
	for range atOnce {
		group.Go(func() {
			for item := range work {
				if err := do(item); err != nil {
					once.Do(func() { failed = err })
				}
			}
		})
	}
	for _, item := range items {
		work <- item
	}
	close(work)
	group.Wait()
	return failed
}

// quantile of durations that need not be sorted.
func quantile(all []time.Duration, q float64) time.Duration {
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return sorted[int(math.Ceil(q*float64(len(sorted))))-1]
}
