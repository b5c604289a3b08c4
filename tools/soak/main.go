// Command soak runs the whole product on this machine for some minutes while everything around it fails: workers are killed
// and drained, networks to the object store and both databases stall, cut and corrupt, database sessions and the store
// itself are ended. Customers request and cancel exports all the while. In the end everything is healed, and each export is
// judged against the product's own rows:
//
//   - it is ready, cancelled, or failed with a cause; nothing is left undone;
//   - a ready one has every volume once in the bucket, with the recorded size and SHA-256, sound in itself, with the counts
//     of the source, of one instant, and without a word of any other customer;
//   - the bucket holds nothing else.
//
// It prints what it does and writes the same to a log. Everything is on loopback, bounded in time and number, and ends by
// itself. The exit status says whether all held.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// settings are what the command line says.
type settings struct {
	duration time.Duration // of the faults; healing and judging come on top
	workers  int
	rows     int // of the largest customer
	seed     uint64
	log      string
	binary   string
}

func main() {
	var s settings
	flag.DurationVar(&s.duration, "for", 5*time.Minute, "how long things fail")
	flag.IntVar(&s.workers, "workers", 3, "worker processes")
	flag.IntVar(&s.rows, "rows", 120_000, "rows of the largest customer")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "chooses customers and faults; the same seed chooses the same, timing does not repeat")
	flag.StringVar(&s.log, "log", "soak.log", "file that takes a copy of the output")
	flag.StringVar(&s.binary, "binary", "bin/offramp", "the product's")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	file, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	log := slog.New(slog.NewTextHandler(io.MultiWriter(os.Stdout, file), nil))
	log.Info("begin", "for", s.duration, "workers", s.workers, "seed", s.seed)
	g, err := prepare(ctx, s, log)
	if err != nil {
		return err
	}
	defer g.close()
	dice := rand.New(rand.NewPCG(s.seed, 0)) // to be repeatable, not secret
	bad, cancel := context.WithTimeout(ctx, s.duration)
	load := make(chan error, 1)
	go func() {
		err := g.load(bad, rand.New(rand.NewPCG(s.seed, 1)))
		if err != nil {
			cancel()
		}
		load <- err
	}()
	err = g.fail(bad, dice)
	cancel()
	if loaded := <-load; err == nil {
		err = loaded
	}
	if err != nil {
		return err
	}
	if err := g.settle(ctx); err != nil {
		return err
	}
	return g.judge(ctx)
}
