package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"offramp/deploy/local"
)

// misfortune is one thing that goes wrong and is over when it returns.
type misfortune struct {
	name string
	odds int
	do   func(g *ground, ctx context.Context, dice *rand.Rand) error
}

var misfortunes = []misfortune{
	{"kill a worker", 6, (*ground).killWorker},
	{"drain a worker", 2, (*ground).drainWorker},
	{"kill every worker", 1, (*ground).killAll},
	{"cut a network", 3, (*ground).cut},
	{"spoil a network", 8, (*ground).spoil},
	{"end database sessions", 2, (*ground).endSessions},
	{"stop the object store", 1, (*ground).stopStore},
	{"nothing", 3, func(_ *ground, ctx context.Context, _ *rand.Rand) error { return rest(ctx, 3*time.Second) }},
}

// fail lets things go wrong, one after another, until ctx ends. What it broke is whole again when it returns.
func (g *ground) fail(ctx context.Context, dice *rand.Rand) error {
	var bag []misfortune
	for _, m := range misfortunes {
		bag = append(bag, slices.Repeat([]misfortune{m}, m.odds)...)
	}
	for ctx.Err() == nil {
		m := bag[dice.IntN(len(bag))]
		g.log.Info("misfortune", "name", m.name)
		if err := m.do(g, ctx, dice); err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		g.count(m.name)
		_ = rest(ctx, time.Duration(500+dice.IntN(2500))*time.Millisecond)
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return nil
}

func (g *ground) one(dice *rand.Rand) string {
	return fmt.Sprintf("worker-%d", 1+dice.IntN(g.settings.workers))
}

func (g *ground) killWorker(ctx context.Context, dice *rand.Rand) error {
	name := g.one(dice)
	_ = g.workers[name].Kill()
	_ = rest(ctx, time.Duration(dice.IntN(3000))*time.Millisecond)
	return g.startWorker(name)
}

func (g *ground) drainWorker(_ context.Context, dice *rand.Rand) error {
	name := g.one(dice)
	_ = g.workers[name].Stop(20 * time.Second)
	return g.startWorker(name)
}

func (g *ground) killAll(ctx context.Context, dice *rand.Rand) error {
	for _, w := range g.workers {
		_ = w.Kill()
	}
	_ = rest(ctx, time.Duration(dice.IntN(2000))*time.Millisecond)
	for i := range g.settings.workers {
		if err := g.startWorker(fmt.Sprintf("worker-%d", i+1)); err != nil {
			return err
		}
	}
	return nil
}

func (g *ground) network(dice *rand.Rand) (string, *local.Network) {
	names := []string{"files", "portal-db", "product-db", "store", "store", "store"}
	name := names[dice.IntN(len(names))]
	return name, g.networks[name]
}

func (g *ground) cut(ctx context.Context, dice *rand.Rand) error {
	name, n := g.network(dice)
	g.log.Info("cut", "network", name)
	n.Cut()
	_ = rest(ctx, time.Duration(200+dice.IntN(5000))*time.Millisecond)
	return n.Join()
}

func (g *ground) spoil(ctx context.Context, dice *rand.Rand) error {
	name, n := g.network(dice)
	toxics := []local.Toxic{
		{Kind: "latency", Attributes: map[string]any{"latency": 80, "jitter": 60}},
		{Kind: "bandwidth", Stream: "upstream", Attributes: map[string]any{"rate": 300}},
		{Kind: "bandwidth", Attributes: map[string]any{"rate": 300}},
		{Kind: "reset_peer", Toxicity: 0.5, Attributes: map[string]any{"timeout": 60}},
		{Kind: "limit_data", Stream: "upstream", Toxicity: 0.5, Attributes: map[string]any{"bytes": 40_000 + dice.IntN(900_000)}},
		{Kind: "limit_data", Toxicity: 0.5, Attributes: map[string]any{"bytes": 20_000 + dice.IntN(400_000)}},
		{Kind: "timeout", Toxicity: 0.5, Attributes: map[string]any{"timeout": 1500}},
		{Kind: "slicer", Attributes: map[string]any{"average_size": 700, "size_variation": 600, "delay": 200}},
	}
	t := toxics[dice.IntN(len(toxics))]
	g.log.Info("spoil", "network", name, "toxic", t.Kind, "stream", t.Stream)
	if err := n.Add(t); err != nil {
		return err
	}
	_ = rest(ctx, time.Duration(1000+dice.IntN(5000))*time.Millisecond)
	n.Heal()
	return nil
}

// endSessions ends every session of the portal's or the product's readers, as a failover does.
func (g *ground) endSessions(ctx context.Context, dice *rand.Rand) error {
	database := []string{"offramp", "hezhou"}[dice.IntN(2)]
	g.log.Info("end sessions", "database", database)
	_, err := g.super.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND starts_with(application_name, 'offramp')`, database)
	return err
}

func (g *ground) stopStore(ctx context.Context, dice *rand.Rand) error {
	return g.stack.RestartS3(ctx, time.Duration(dice.IntN(4000))*time.Millisecond)
}
