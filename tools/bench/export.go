package main

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local"
	"offramp/deploy/local/product"
	"offramp/export"
	"offramp/migration"
)

// rowsOnly are the datasets of the comparison: what psql can give, too.
var rowsOnly = []string{"projects", "tasks", "comments", "members"}

// pipe is a way to export by shell tools.
type pipe struct{ name, goal, script string }

// pipes are what an administrator would do with shell tools: read, pack, store.
var pipes = []pipe{
	{"psql COPY | pigz -1 | rclone rcat", ">= 1.70 times faster", `psql -q "$DSN" "$@" | pigz -1 -p2 | rclone rcat --s3-no-check-bucket "bench:$BUCKET/pipe.gz"`},
	{"psql COPY | zip -1 | rclone rcat", ">= 1.90 times faster", `psql -q "$DSN" "$@" | zip -q -1 - - | rclone rcat --s3-no-check-bucket "bench:$BUCKET/pipe.zip"`},
	{"temporary files, zip -6, rclone copyto", ">= 8.00 times faster", `cd "$DIR"; rm -f all.csv all.zip; psql -q "$DSN" "$@" > all.csv; zip -q -6 all.zip all.csv; rclone copyto --s3-no-check-bucket all.zip "bench:$BUCKET/file.zip"; rm -f all.csv all.zip`},
}

// rivals says whether the pipes are measured, too.
var rivals bool

// measured are the rounds of one way to export.
type measured struct {
	took, cpu []time.Duration
	used      usage // of the last round
}

// measure does something once and notes what it took.
func (m *measured) measure(do func() (time.Duration, error)) error {
	before, err := cpu()
	if err != nil {
		return err
	}
	took, err := do()
	if err != nil {
		return err
	}
	after, err := cpu()
	if err != nil {
		return err
	}
	m.used = after.since(before)
	m.took, m.cpu = append(m.took, took), append(m.cpu, m.used.sum())
	return nil
}

// limit is the least time that the CPU's work can take on all cores.
func (m *measured) limit() time.Duration { return median(m.cpu) / time.Duration(runtime.NumCPU()) }

func benchExport(ctx context.Context, g *ground, rounds int) error {
	who, service, err := g.requester(ctx)
	if err != nil {
		return err
	}
	worker, err := g.benchWorker(ctx, nil)
	if err != nil {
		return err
	}
	watch := watchMemory(worker)
	c := comparison{pipes: pipes}
	if !rivals {
		c.pipes = nil
	}
	c.theirs = make([]measured, len(c.pipes))
	for range rounds {
		if err := c.round(ctx, g, who, service); err != nil {
			return err
		}
	}
	c.print()
	peak, err := watch.end()
	if err != nil {
		return err
	}
	line("worker's peak memory, with the program's own file", inMiB(peak.all), "64 MiB", peak.all/64, "<= 1.00")
	line("    of it heap, stacks and buffers", inMiB(peak.own), "64 MiB", peak.own/64, "<= 1.00")
	return worker.Stop(10 * time.Second)
}

// comparison is one large export in all ways.
type comparison struct {
	pipes        []pipe
	ours, read   measured
	theirs       []measured
	size, packed int64
}

// round does it once in each way.
func (c *comparison) round(ctx context.Context, g *ground, who migration.Who, s *export.Service) error {
	err := c.ours.measure(func() (took time.Duration, err error) {
		took, c.packed, err = g.exportOnce(ctx, who, s)
		return took, err
	})
	if err != nil {
		return err
	}
	err = c.read.measure(func() (took time.Duration, err error) {
		took, c.size, err = g.readOnce(ctx)
		return took, err
	})
	if err != nil {
		return err
	}
	for i, p := range c.pipes {
		if err := c.theirs[i].measure(func() (time.Duration, error) { return g.pipeOnce(ctx, p.script) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) print() {
	fmt.Printf("(one export: %.0f MB of values, %.1f MB packed, CSV; read back and compared; CPU: %s)\n", float64(c.size)/1e6, float64(c.packed)/1e6, c.ours.used)
	against := func(what string, ours, other time.Duration, goal string) {
		line(what, inSeconds(ours), inSeconds(other), other.Seconds()/ours.Seconds(), goal)
	}
	took := median(c.ours.took)
	against("export, proof included, against its CPU time by cores", took, c.ours.limit(), ">= 0.90")
	against("export against reading the rows to nowhere", took, median(c.read.took), "")
	for i, p := range c.pipes {
		against("export against "+p.name, took, median(c.theirs[i].took), p.goal)
		against("    the same, CPU of all processes", median(c.ours.cpu), median(c.theirs[i].cpu), "")
	}
}

func inSeconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// owner is who may export for a customer of the product.
func (g *ground) owner(ctx context.Context, ref string) (who migration.Who, err error) {
	const sql = `SELECT c.id, k.id, k.role FROM customer c JOIN contact k ON k.customer_id = c.id WHERE c.ref = $1 AND k.role = 'owner' LIMIT 1`
	if err := g.super.QueryRow(ctx, sql, ref).Scan(&who.CustomerID, &who.ContactID, &who.Role); err != nil {
		return who, fmt.Errorf("find customer %s: %w", ref, err)
	}
	return who, nil
}

// requester is the owner of the largest customer, and the service that takes the request.
func (g *ground) requester(ctx context.Context) (migration.Who, *export.Service, error) {
	who, err := g.owner(ctx, g.largest)
	if err != nil {
		return who, nil, err
	}
	service, _, err := g.exports(ctx)
	return who, service, err
}

func (g *ground) exportOnce(ctx context.Context, who migration.Who, s *export.Service) (time.Duration, int64, error) {
	began := time.Now()
	e, err := s.Request(ctx, who, g.programme, export.Selection{Datasets: rowsOnly, Formats: []string{export.CSV}, VolumeSize: 50})
	if err != nil {
		return 0, 0, err
	}
	e, err = g.ready(ctx, who, s, e.ID)
	return time.Since(began), e.ObjectSize, err
}

// ready waits for an export. It looks at the row alone: what the pages do in order to show one would be a part of what is
// measured.
func (g *ground) ready(ctx context.Context, who migration.Who, s *export.Service, id string) (e export.Export, err error) {
	err = untilEvery(ctx, 20*time.Millisecond, 30*time.Minute, func() (bool, error) { // what looks takes part of what is measured
		var state string
		err := g.super.QueryRow(ctx, `SELECT state FROM export WHERE id = $1`, id).Scan(&state)
		return state == string(export.Ready) || state == string(export.Failed), err
	})
	if err != nil {
		return e, err
	}
	if e, err = s.Get(ctx, who, id); err == nil && e.State == export.Failed {
		err = fmt.Errorf("the export failed: %s", e.Cause)
	}
	return e, err
}

// statements are the datasets' queries for the largest customer.
func (g *ground) statements() []string {
	var list []string
	for _, key := range rowsOnly {
		d, _ := g.programme.Dataset(key)
		list = append(list, strings.ReplaceAll(strings.TrimSuffix(strings.TrimSpace(d.SQL), ";"), ":customer_id", "'"+g.largest+"'"))
	}
	return list
}

// readOnce reads the rows as the export does and keeps nothing.
func (g *ground) readOnce(ctx context.Context) (time.Duration, int64, error) {
	conn, err := pgx.Connect(ctx, g.stack.Postgres.URL(product.Database, product.Reader))
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = conn.Close(ctx) }()
	began := time.Now()
	var size int64
	for _, sql := range g.statements() {
		rows, err := conn.Query(ctx, sql, pgx.QueryResultFormats{pgx.TextFormatCode})
		if err != nil {
			return 0, 0, err
		}
		for rows.Next() {
			for _, v := range rows.RawValues() {
				size += int64(len(v)) + 1
			}
		}
		if rows.Close(); rows.Err() != nil {
			return 0, 0, rows.Err()
		}
	}
	return time.Since(began), size, nil
}

// pipeOnce does what an administrator would, by a script.
func (g *ground) pipeOnce(ctx context.Context, script string) (time.Duration, error) {
	var copies []string
	for _, sql := range g.statements() {
		copies = append(copies, "-c", "COPY ("+strings.ReplaceAll(sql, "\n", " ")+") TO STDOUT WITH (FORMAT csv, HEADER)")
	}
	reader, err := url.Parse(g.stack.Postgres.URL(product.Database, product.Reader))
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, "bash", append([]string{"-c", "set -eo pipefail; " + script, "bench"}, copies...)...) // our own words
	cmd.Env = append(
		local.Environment{}.List(), "DSN="+reader.String(), "DIR="+g.dir, "BUCKET="+local.ExportBucket, "RCLONE_CONFIG_BENCH_TYPE=s3", "RCLONE_CONFIG_BENCH_PROVIDER=Other",
		"RCLONE_CONFIG_BENCH_ENDPOINT="+g.stack.S3.Endpoint, "RCLONE_CONFIG_BENCH_ACCESS_KEY_ID="+g.stack.S3.AccessKey,
		"RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY="+g.stack.S3.SecretKey, "RCLONE_CONFIG_BENCH_REGION="+g.stack.S3.Region, "RCLONE_CONFIG=/dev/null",
	)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", script, err, out)
	}
	return time.Since(began), nil
}
