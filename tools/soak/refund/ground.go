package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local"
	"offramp/deploy/local/postgres"
	"offramp/deploy/schema"
	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/payout/stripe"
)

const database = "offramp"

// ground is a database, a payment provider, a bank, and what happens to them.
type ground struct {
	settings
	log       *slog.Logger
	dir       string
	clock     *sharedClock
	postgres  *postgres.Server
	super     *pgxpool.Pool
	app       *db.DB
	service   *refund.Service
	programme *migration.Programme
	provider  *local.Stripe
	bank      *bank
	hook      *http.Server
	slots     []*slot
	employed  sync.WaitGroup // the workers
	dismiss   func()
	bad       atomic.Bool  // things may fail
	world     sync.RWMutex // held while the world stands still: no worker starts, nobody of finance acts

	asking sync.Map // customers whose requests are under way

	mu     sync.Mutex
	dice   *rand.Rand
	counts map[string]int // what happened how often
	dead   int            // killed workers
	made   int            // customers
	broken []string
	waits  string // what settling waits for
}

func (g *ground) count(what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counts[what]++
}

// n rolls the dice: 0 to n-1.
func (g *ground) n(n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dice.IntN(n)
}

func (g *ground) close() {
	if g.dismiss != nil {
		g.dismiss()
		g.employed.Wait()
	}
	if g.hook != nil {
		_ = g.hook.Close()
	}
	if g.provider != nil {
		_ = g.provider.Close()
	}
	if g.app != nil {
		g.app.Close()
	}
	if g.super != nil {
		g.super.Close()
	}
	if g.postgres != nil {
		_ = g.postgres.Stop()
	}
	_ = os.RemoveAll(g.dir)
}

func prepare(ctx context.Context, s settings, log *slog.Logger) (g *ground, err error) {
	g = &ground{
		settings: s, log: log, counts: map[string]int{}, bank: newBank(), programme: programme(),
		dice: rand.New(rand.NewPCG(s.seed, 0)), // to be repeatable, not secret
	}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	if g.dir, err = os.MkdirTemp("", "offramp-soak-"); err != nil {
		return g, err
	}
	if err := os.Chmod(g.dir, 0o755); err != nil { // PostgreSQL runs as another user below it
		return g, err
	}
	if g.clock, err = openClock(filepath.Join(g.dir, "clock")); err != nil {
		return g, err
	}
	for _, step := range []func(context.Context) error{g.openDatabase, g.openProvider} {
		if err := step(ctx); err != nil {
			return g, err
		}
	}
	for i := range s.workers {
		g.slots = append(g.slots, newSlot(g, i))
	}
	return g, nil
}

func (g *ground) openDatabase(ctx context.Context) (err error) {
	if g.postgres, err = postgres.Start(ctx, postgres.Options{Dir: filepath.Join(g.dir, "postgres"), Throwaway: true}); err != nil {
		return err
	}
	if err := g.postgres.CreateDatabase(ctx, database); err != nil {
		return err
	}
	owner, err := pgxpool.New(ctx, g.postgres.URL(database, postgres.OwnerRole))
	if err != nil {
		return err
	}
	defer owner.Close()
	if _, err := schema.Up(ctx, owner); err != nil {
		return err
	}
	if g.super, err = pgxpool.New(ctx, g.postgres.URL(database, postgres.SuperRole)); err != nil {
		return err
	}
	if g.app, err = db.Open(ctx, g.postgres.URL(database, postgres.AppRole), db.Options{Name: "soak", Clock: g.clock, MaxConns: 24}); err != nil {
		return err
	}
	config, err := configOf(g.app)
	if err != nil {
		return err
	}
	g.service = refund.NewService(config)
	const staff = `INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at)
		SELECT id, 'staff', 'soak', id, id, ARRAY[role], now(), now() FROM (VALUES ('clara', 'finance_clerk'), ('dora', 'finance_clerk'),
			('cora', 'finance_clerk'), ('alan', 'finance_approver'), ('bella', 'finance_approver'), ('rolf', 'finance_releaser')) s (id, role)`
	if _, err := g.super.Exec(ctx, staff); err != nil {
		return err
	}
	_, err = g.super.Exec(ctx, `INSERT INTO entitlement_import (id, source, started_by, started_at) VALUES ('i', 'soak', 'soak', now())`)
	return err
}

func (g *ground) openProvider(ctx context.Context) (err error) {
	if g.provider, err = local.StartStripe(ctx, local.StripeOptions{Later: 1500 * time.Millisecond}); err != nil {
		return err
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	g.hook = &http.Server{Handler: http.HandlerFunc(g.receive), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = g.hook.Serve(l) }()
	g.provider.SetHook("http://" + l.Addr().String())
	g.provider.Deliver(local.StripeDelivery{Copies: 2, Within: 1500 * time.Millisecond})
	g.provider.FaultBy(g.fault)
	return nil
}

// receive takes the provider's events as the portal does, and now and then fails before or after it has.
func (g *ground) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return
	}
	dice := 100
	if g.bad.Load() {
		dice = g.n(100)
	}
	if dice < 5 {
		g.count("an event not taken")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	event, err := stripe.ReadEvent(body, r.Header.Get(stripe.SignatureHeader), g.provider.Secrets)
	if err == nil {
		err = g.service.ReceiveEvent(r.Context(), "stripe", event)
	}
	switch {
	case r.Context().Err() != nil: // the provider has hung up
	case err != nil:
		g.log.Error("take an event", "fault", err.Error())
		w.WriteHeader(http.StatusInternalServerError)
	case dice < 10:
		g.count("an event taken without a word")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// faults lists how a call to the provider may break, some ways more often than others.
var faults = []local.StripeFault{
	local.Stripe503Before, local.Stripe503After, local.Stripe503After, local.Stripe500Kept, local.StripeResetBefore, local.StripeResetAfter,
	local.StripeResetAfter, local.StripeHangBefore, local.StripeHangAfter, local.StripeHangAfter, local.StripeGarbled, local.StripeLimited, local.StripeConflict,
}

// fault breaks one call in four, and kills the caller of one in sixteen before it can have an answer.
func (g *ground) fault(r *http.Request) local.StripeFault {
	if !g.bad.Load() {
		return local.StripeFine
	}
	asks := r.Method == http.MethodPost
	switch dice := g.n(32); {
	case dice < 2 && asks:
		go g.killCaller(r.Header.Get(workerHeader))
		return []local.StripeFault{local.StripeHangAfter, local.StripeHangBefore}[dice]
	case dice < 6 && asks, dice < 3:
		g.count("a call broken")
		return faults[g.n(len(faults))]
	}
	return local.StripeFine
}

func (g *ground) killCaller(name string) {
	for _, s := range g.slots {
		if s.is(name) {
			s.kill("in the middle of a call")
		}
	}
}

// until polls a condition, bounded in time.
func until(ctx context.Context, limit time.Duration, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := ok(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s: %w", limit, ctx.Err())
		case <-tick.C:
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
