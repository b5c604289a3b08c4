package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"offramp/internal/db"
	"offramp/migration/refund"
)

// pace is how much faster than this machine's the shared clock runs while things fail: an attempt's lease of two minutes
// lasts longer than any call.
const pace = 30

// nightEvery is how often a night falls.
const nightEvery = 20 * time.Second

// fail lets customers ask and finance decide while things fail, until enough workers are dead or the time is over. Workers go on.
func (g *ground) fail(ctx context.Context) error {
	g.bad.Store(true)
	bad, cancel := context.WithTimeout(ctx, g.duration)
	defer cancel()
	g.employ(ctx)
	parts := []func(context.Context) error{g.pass, g.ask, g.ask, g.decide, g.decide, g.collect, g.nights, g.enough}
	errs := make(chan error, len(parts))
	for _, part := range parts {
		go func() {
			err := part(bad)
			if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				err = ctx.Err() // it was cut short, as it should
			}
			cancel()
			errs <- err
		}()
	}
	var err error
	for range parts {
		err = errors.Join(err, <-errs)
	}
	g.bad.Store(false)
	g.calm()
	return err
}

// employ starts the workers for as long as the soak lasts.
func (g *ground) employ(ctx context.Context) {
	ctx, g.dismiss = context.WithCancel(ctx)
	for _, s := range g.slots {
		g.employed.Go(func() {
			if err := s.keep(ctx); err != nil && ctx.Err() == nil {
				g.say("a worker fails: %v", err)
			}
		})
	}
}

// calm ends the processes that have a dose; whole ones take their places.
func (g *ground) calm() {
	g.provider.FaultBy(nil)
	for _, s := range g.slots {
		s.kill("at the end")
	}
}

// enough ends the faults with the last kill that was asked for.
func (g *ground) enough(ctx context.Context) error {
	told := 0
	return until(ctx, g.duration, func() (bool, error) {
		g.mu.Lock()
		dead, made := g.dead, g.made
		g.mu.Unlock()
		if dead >= told+50 {
			told = dead
			g.log.Info("on the way", "killed workers", dead, "customers", made, "clock ahead by", g.clock.ahead().Round(time.Minute))
		}
		return dead >= g.kills, nil
	})
}

// pass lets time pass quickly, and asks for what is due as often as the product would.
func (g *ground) pass(ctx context.Context) error {
	const step = 100 * time.Millisecond
	for n := 0; ctx.Err() == nil; n++ {
		rest(ctx, step)
		if err := g.clock.advance(step * (pace - 1)); err != nil {
			return err
		}
		if n%10 == 0 {
			if err := g.reconcile(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// reconcile enqueues the job that the product runs each minute.
func (g *ground) reconcile(ctx context.Context) error {
	return g.app.InTx(ctx, db.SystemScope("soak"), func(tx *db.Tx) error {
		_, err := g.service.Jobs.InsertTx(ctx, tx, refund.ReconcileArgs{}, nil)
		return err
	})
}

// nights lets every worker die at once now and then, and a day pass before the next one comes: by then the provider has
// forgotten the keys.
func (g *ground) nights(ctx context.Context) error {
	for every := min(nightEvery, g.duration/3); ctx.Err() == nil; {
		rest(ctx, every)
		if ctx.Err() != nil {
			return nil
		}
		if err := g.night(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (g *ground) night(ctx context.Context) error {
	g.world.Lock()
	defer g.world.Unlock()
	var group sync.WaitGroup
	for _, s := range g.slots {
		group.Go(func() {
			s.kill("at nightfall")
			_ = until(ctx, 10*time.Second, func() (bool, error) { return s.empty(), nil })
		})
	}
	group.Wait()
	rest(ctx, 100*time.Millisecond) // what was on the way to the provider arrives or is lost
	g.provider.ForgetKeys()
	g.count("nights")
	return g.clock.advance(25 * time.Hour)
}

func (s *slot) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd == nil
}
