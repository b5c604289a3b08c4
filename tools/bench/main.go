// Command bench measures the product against ceilings in the same run, so that the ratios hold on any machine:
//
//   - an export of about 100 MB of rows by a real worker into a real S3 server, proof included, against reading the same rows
//     to nowhere and against psql COPY | zip -1 | rclone rcat; and the worker's peak memory;
//   - the signed-in plan page of a real server against a bare echo handler with one indexed select.
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

func main() {
	if len(os.Args) > 1 && os.Args[1] == "ceiling" {
		exit(serveCeiling(os.Args[2], os.Args[3]))
	}
	rounds := flag.Int("rounds", 3, "rounds of each measurement; medians are printed")
	rows := flag.Int("rows", 1_000_000, "rows of the exported customer")
	only := flag.String("only", "", "export or pages; empty: both")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *rounds, *rows, *only)
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

func run(ctx context.Context, rounds, rows int, only string) error {
	ground, err := prepare(ctx, rows)
	if err != nil {
		return err
	}
	defer ground.close()
	fmt.Printf("%-58s %12s %12s %8s  %s\n", "what", "ours", "ceiling", "ratio", "goal")
	if only != "pages" {
		if err := benchExport(ctx, ground, rounds); err != nil {
			return err
		}
	}
	if only != "export" {
		return benchPages(ctx, ground, rounds)
	}
	return nil
}

// line prints one comparison.
func line(what, ours, ceiling string, ratio float64, goal string) {
	fmt.Printf("%-58s %12s %12s %8.2f  %s\n", what, ours, ceiling, ratio, goal)
}

func median[T int | float64 | time.Duration](values []T) T {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}
