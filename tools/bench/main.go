// Command bench measures the product against ceilings in the same run, so that the ratios hold on any machine:
//
//   - rows: one large export by a real worker into a real S3 server, proof included, against its own CPU time, against reading
//     the same rows to nowhere, and against what shell tools would do; and the worker's peak memory;
//   - memory: the peak memory of an export of a tenth of that size, and of the whole;
//   - workers: the volumes of one large export by two throttled workers against one;
//   - giant: small exports and the plan page while a giant export is built;
//   - files: attachments against bare PUT, and from far away against one after another;
//   - small: many small exports queued at once against bare PUT and against the same work without a queue;
//   - fit: what 100,000 customers use of one feature, against the bare SQL that it needs;
//   - pages: the signed-in plan page of a real server against a bare echo handler with one indexed select;
//   - notices: planning for up to a million customers against COPY, a pass that finds everybody told against one scan of the
//     customers and against batches of gorm, and sending against the same mail client alone;
//   - replacements: the comparison of replacements with fit against the plan page.
//
// Everything runs on loopback and ends by itself. Figures never fail anything: they are to be read.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// Where to write profiles of what is slow, and whether to log all statements, which makes everything slower.
var (
	profiles   = flag.String("profiles", "", "folder for profiles of building small exports; empty: none")
	statements = flag.Bool("statements", false, "with -profiles: also the statements that PostgreSQL ran, with their durations")
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "ceiling" {
		exit(serveCeiling(os.Args[2], os.Args[3]))
	}
	if len(os.Args) == 4 && os.Args[1] == "asking" {
		exit(askSteadily(os.Args[2], os.Args[3]))
	}
	if len(os.Args) == 3 && os.Args[1] == "flooding" {
		exit(flood(os.Args[2]))
	}
	rounds := flag.Int("rounds", 3, "rounds of each measurement; medians are printed")
	rows := flag.Int("rows", 1_000_000, "rows of the largest customer, for giant and pages")
	mb := flag.Int("mb", 200, "MB of rows of the large export")
	flag.BoolVar(&rivals, "rivals", true, "also do with shell tools what the large export does")
	small := flag.Int("small", 3_000, "small exports")
	only := flag.String("only", "", "rows, bounded, memory, workers, giant, files, small, refunds, fit, pages, flood, notices or replacements; empty: all")
	told := flag.Int("told", 1_000_000, "customers whom notices are planned for, a power of ten from 10,000 on")
	refunds := flag.Int("refunds", 1_000_000, "refunds in the queue that is compared with one of 1,000")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *rounds, *rows, *mb, *small, *refunds, *told, *only)
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, rounds, rows, mb, small, refunds, told int, only string) error {
	fmt.Printf("%-66s %12s %12s %8s  %s\n", "what", "ours", "ceiling", "ratio", "goal")
	measured := []struct {
		name string
		do   func(*ground) error
	}{
		{"giant", func(g *ground) error { return benchGiant(ctx, g) }},
		{"pages", func(g *ground) error { return benchPages(ctx, g, rounds) }},
		{"replacements", func(g *ground) error { return benchReplacements(ctx, g, rounds) }},
		{"fit", func(g *ground) error { return benchFit(ctx, g, rounds) }}, // last: its customers stay until the ground is cleared
	}
	var ground *ground
	defer func() {
		if ground != nil {
			ground.close()
		}
	}()
	if err := benchLarge(ctx, mb, rounds, only); err != nil {
		return err
	}
	for _, m := range measured {
		if only != "" && only != m.name {
			continue
		}
		if ground == nil {
			var err error
			if ground, err = prepare(ctx, rows); err != nil {
				return err
			}
		}
		if err := m.do(ground); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	for _, alone := range []struct { // on a stage of its own
		name string
		do   func() error
	}{
		{"notices", func() error { return benchNotices(ctx, rounds, told) }},
		{"flood", func() error { return benchFlood(ctx, rounds) }},
		{"files", func() error { return benchFiles(ctx, rounds) }},
		{"refunds", func() error { return benchRefunds(ctx, rounds, refunds) }},
		{"small", func() error { return benchSmall(ctx, small) }},
	} {
		if only != "" && only != alone.name {
			continue
		}
		if err := alone.do(); err != nil {
			return fmt.Errorf("%s: %w", alone.name, err)
		}
	}
	return nil
}

// line prints one comparison.
func line(what, ours, ceiling string, ratio float64, goal string) {
	fmt.Printf("%-66s %12s %12s %8.2f  %s\n", what, ours, ceiling, ratio, goal)
}

func median[T int | float64 | time.Duration](values []T) T {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}
