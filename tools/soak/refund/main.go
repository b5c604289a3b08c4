// Command refund pays refunds on this machine while everything around the payments fails: worker processes are killed at every
// named point of a payment, in the middle of a call, and at any other moment; the payment provider answers with 503 before and
// after it has done what was asked, resets, hangs, garbles and forgets; its events come late, twice and in any order.
// Customers ask many times at once, finance decides and releases twice at once, and banks return transfers, all the while.
// In the end the faults stop, time passes until nothing is due any more, and what the provider and the bank have done is held
// against what the portal says:
//
//   - nobody is paid twice: one refund at the provider and one transfer for each attempt, no payment given back beyond what was
//     paid, and for each refund exactly what its row says has gone out;
//   - nothing is paid without the provider's or the bank's word;
//   - every refund is settled, or has an open task that a human sees;
//   - the ledger comes out.
//
// It prints what it does and adds the same to a log. Everything is on loopback, bounded in time and number, and ends by itself.
// The exit status says whether all held.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// settings are what the command line says.
type settings struct {
	duration time.Duration // of the faults at most; settling and judging come on top
	kills    int           // of worker processes; the faults end with the last one
	workers  int
	seed     uint64
	log      string
}

func main() {
	if order := os.Getenv(orderVariable); order != "" {
		exit(work(order))
	}
	var s settings
	flag.DurationVar(&s.duration, "for", 5*time.Minute, "how long things fail at most")
	flag.IntVar(&s.kills, "kills", 500, "after how many killed workers things stop failing")
	flag.IntVar(&s.workers, "workers", 4, "worker processes")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "chooses customers and faults; the same seed chooses the same, timing does not repeat")
	flag.StringVar(&s.log, "log", "soak.log", "file to which a copy of the output is added")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, s)
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak of refunds:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, s settings) (err error) {
	file, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	log := slog.New(slog.NewTextHandler(io.MultiWriter(os.Stdout, file), nil))
	log.Info("begin with refunds", "for", s.duration, "kills", s.kills, "workers", s.workers, "seed", s.seed)
	g, err := prepare(ctx, s, log)
	if err != nil {
		return err
	}
	defer g.close()
	if err := g.fail(ctx); err != nil {
		return err
	}
	if err := g.settle(ctx); err != nil {
		g.describe(ctx)
		return err
	}
	return g.judge(ctx)
}
