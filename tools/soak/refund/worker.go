package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/riverqueue/river"

	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/outbound"
	"offramp/internal/secret"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/bankfile"
	"offramp/migration/refund/payout/stripe"
)

// orderVariable makes this program a worker: it holds an order.
const orderVariable = "OFFRAMP_SOAK_WORKER"

// workerHeader tells the provider who calls, so that it can be killed for it.
const workerHeader = "X-Soak-Worker"

// points are where a payment can be interrupted.
var points = []string{"claimed", "answered", "noted"}

// order is what a worker process is told.
type order struct {
	ID                   string
	Database, Clock      string
	ProviderKey, Address string
	Point                string // where it kills itself; empty: nowhere
	After                int    // how often it passes there before
}

// callLimit is how long a call to the provider may take: less than the lease of an attempt at any pace of the clock.
const callLimit = time.Second

// work is a worker process: the product's own queue, workers and periodic jobs. It ends by a signal, or by its own hand.
func work(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	c, err := openClock(o.Clock)
	if err != nil {
		return err
	}
	d, err := db.Open(ctx, o.Database, db.Options{MaxConns: 6, Clock: c, Name: "soak " + o.ID})
	if err != nil {
		return err
	}
	defer d.Close()
	config, err := configOf(d)
	if err != nil {
		return err
	}
	config.Providers = map[string]payout.Provider{"stripe": o.provider()}
	config.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	config.At = o.dose()
	workers := river.NewWorkers()
	refund.Register(workers, refund.NewService(config))
	client, err := jobs.New(d, jobs.Config{
		ID: o.ID, Workers: workers, Queues: map[string]int{refund.PayoutQueue: 4, river.QueueDefault: 1}, Periodic: refund.Periodic(),
		Logger: config.Log, Drain: 3 * time.Second,
	})
	if err != nil {
		return err
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started us is gone
		stop()
	}()
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return client.Stop(last)
}

// dose is the worker's death.
func (o order) dose() func(string) {
	var passed atomic.Int64
	return func(point string) {
		if point != o.Point || int(passed.Add(1)) <= o.After {
			return
		}
		fmt.Println("died at " + point)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// named is a way out whose calls tell who makes them.
type named struct {
	http.RoundTripper
	name string
}

// RoundTrip makes one call.
func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(workerHeader, n.name)
	return n.RoundTripper.RoundTrip(r)
}

func (o order) provider() payout.Provider {
	way := outbound.NewClient(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: callLimit, MaxBody: 1 << 20})
	way.Transport = named{way.Transport, o.ID}
	return stripe.New(stripe.Options{Key: o.ProviderKey, HTTP: way, URL: o.Address})
}

// configOf is what every process of the soak works with.
func configOf(d *db.DB) (refund.Config, error) {
	queue, err := jobs.NewInserter(d)
	if err != nil {
		return refund.Config{}, err
	}
	box, err := secret.New(refund.Purpose, []byte("a secret of this machine's soak alone"))
	if err != nil {
		return refund.Config{}, err
	}
	return refund.Config{
		DB: d, Jobs: queue, Customers: migration.NewService(d), Box: box, Providers: map[string]payout.Provider{"stripe": nil},
		Debtors: map[string]refund.Debtor{
			"CNY": {Debtor: bankfile.Debtor{Name: "Hezhou", Account: "310066661018800012345", CNAPS: "301290000007"}, Unicode: true},
			"EUR": {Debtor: bankfile.Debtor{Name: "Hezhou", IBAN: "DE89370400440532013000", BIC: "COBADEFFXXX"}},
		},
	}, nil
}
