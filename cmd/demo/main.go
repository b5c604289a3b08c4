// Command demo runs the whole of Offramp on one machine with embedded real parts: PostgreSQL, an S3 server, two OpenID
// providers, a mailbox, a webhook receiver, a payment provider, the portal and two workers, retiring a fictional product.
//
// With "programme" it lives the programme through instead, from the first talk to the last day, by moving the clock of the product's
// processes, and holds what was sent against what was foreseen.
//
// It reads OFFRAMP_DEMO_ADDR (default 127.0.0.1:8080; port 0 picks one), OFFRAMP_DEMO_DIR (default .demo), OFFRAMP_DEMO_NOW (an
// RFC 3339 instant at which the demonstration begins) and OFFRAMP_DEMO_READY (a file to write once everything answers). For
// tests, OFFRAMP_DEMO_ROWS makes the largest customer smaller than a million rows.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--die-with-parent" {
		dieWithParent()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	do := run
	if len(os.Args) > 1 && os.Args[1] == "programme" {
		do = liveThrough
	}
	err := do(ctx, os.Getenv)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
