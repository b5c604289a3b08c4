package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local"
	"offramp/deploy/local/product"
	"offramp/export"
	"offramp/export/storage"
	"offramp/internal/jobs"
	"offramp/migration"
)

// rowsOnly are the datasets of the comparison: what psql can give, too.
var rowsOnly = []string{"projects", "tasks", "comments", "members"}

func benchExport(ctx context.Context, g *ground, rounds int) error {
	who, service, err := g.requester(ctx)
	if err != nil {
		return err
	}
	worker, err := g.stack.StartWorker("bench")
	if err != nil {
		return err
	}
	var ours, read, pipe []time.Duration
	var size, packed int64
	for range rounds {
		took, bytes, err := g.exportOnce(ctx, who, service)
		if err != nil {
			return err
		}
		packed = bytes
		ours = append(ours, took)
		took, size, err = g.readOnce(ctx)
		if err != nil {
			return err
		}
		read = append(read, took)
		if took, err = g.pipeOnce(ctx); err != nil {
			return err
		}
		pipe = append(pipe, took)
	}
	mb := func(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
	fmt.Printf("(one export: %.0f MB of values, %.1f MB packed, CSV; read back and compared)\n", float64(size)/1e6, float64(packed)/1e6)
	line("export, proof included, against reading the rows to nowhere", mb(median(ours)), mb(median(read)), median(read).Seconds()/median(ours).Seconds(), "")
	line("export against psql COPY | zip -1 | rclone rcat", mb(median(ours)), mb(median(pipe)), median(pipe).Seconds()/median(ours).Seconds(), ">= 1.70 times faster")
	peak, err := peakMemory(worker)
	if err != nil {
		return err
	}
	line("worker's peak memory", fmt.Sprintf("%.0f MiB", peak), "64 MiB", peak/64, "<= 1.00")
	return worker.Stop(10 * time.Second)
}

// requester is the owner of the largest customer, and the service that takes the request.
func (g *ground) requester(ctx context.Context) (migration.Who, *export.Service, error) {
	var who migration.Who
	const sql = `SELECT c.id, k.id, k.role FROM customer c JOIN contact k ON k.customer_id = c.id WHERE c.ref = $1 AND k.role = 'owner' LIMIT 1`
	if err := g.super.QueryRow(ctx, sql, g.largest).Scan(&who.CustomerID, &who.ContactID, &who.Role); err != nil {
		return who, nil, fmt.Errorf("find the largest customer: %w", err)
	}
	queue, err := jobs.NewInserter(g.app)
	if err != nil {
		return who, nil, err
	}
	c := g.config.Storage
	bucket, err := storage.Open(ctx, storage.Config{
		Endpoint: c.Endpoint, Region: c.Region, Bucket: c.Bucket, AccessKey: c.AccessKey, SecretKey: c.SecretKey, PathStyle: c.PathStyle,
	})
	if err != nil {
		return who, nil, err
	}
	return who, export.NewService(g.app, migration.NewService(g.app), queue, bucket, export.Options{PerDay: 1000}), nil
}

func (g *ground) exportOnce(ctx context.Context, who migration.Who, s *export.Service) (time.Duration, int64, error) {
	began := time.Now()
	e, err := s.Request(ctx, who, g.programme, export.Selection{Datasets: rowsOnly, Formats: []string{export.CSV}})
	if err != nil {
		return 0, 0, err
	}
	err = until(ctx, 5*time.Minute, func() (bool, error) {
		now, err := s.Get(ctx, who, e.ID)
		if err == nil && now.State == export.Failed {
			err = fmt.Errorf("the export failed: %s", now.Cause)
		}
		e = now
		return now.State == export.Ready, err
	})
	return time.Since(began), e.ObjectSize, err
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

// pipeOnce does what an administrator would: COPY, zip and upload by a pipe.
func (g *ground) pipeOnce(ctx context.Context) (time.Duration, error) {
	var copies []string
	for _, sql := range g.statements() {
		copies = append(copies, "-c", "COPY ("+strings.ReplaceAll(sql, "\n", " ")+") TO STDOUT WITH (FORMAT csv, HEADER)")
	}
	reader, err := url.Parse(g.stack.Postgres.URL(product.Database, product.Reader))
	if err != nil {
		return 0, err
	}
	const script = `set -o pipefail; psql -q "$DSN" "$@" | zip -q -1 - - | rclone rcat --s3-no-check-bucket "bench:$BUCKET/pipe.zip"`
	cmd := exec.CommandContext(ctx, "bash", append([]string{"-c", script, "bench"}, copies...)...) // our own words
	cmd.Env = append(
		local.Environment{}.List(), "DSN="+reader.String(), "BUCKET="+local.ExportBucket, "RCLONE_CONFIG_BENCH_TYPE=s3", "RCLONE_CONFIG_BENCH_PROVIDER=Other",
		"RCLONE_CONFIG_BENCH_ENDPOINT="+g.stack.S3.Endpoint, "RCLONE_CONFIG_BENCH_ACCESS_KEY_ID="+g.stack.S3.AccessKey,
		"RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY="+g.stack.S3.SecretKey, "RCLONE_CONFIG_BENCH_REGION="+g.stack.S3.Region, "RCLONE_CONFIG=/dev/null",
	)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("psql | zip | rclone: %w: %s", err, out)
	}
	return time.Since(began), nil
}

// peakMemory reads the most memory that a process ever had resident, in MiB.
func peakMemory(p *local.Offramp) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		return 0, err
	}
	for text := range strings.Lines(string(status)) {
		var kib float64
		if n, _ := fmt.Sscanf(text, "VmHWM: %f kB", &kib); n == 1 {
			return kib / 1024, nil
		}
	}
	return 0, fmt.Errorf("no VmHWM of process %d", p.Pid())
}
