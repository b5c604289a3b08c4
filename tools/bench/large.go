package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"offramp/deploy/local"
)

// benchLarge measures one large export in all ways that are wanted, on one stage.
func benchLarge(ctx context.Context, mb, rounds int, only string) error {
	if !slices.Contains([]string{"", "rows", "workers", "memory", "bounded"}, only) {
		return nil
	}
	g, err := prepareProse(ctx, mb)
	if err != nil {
		return err
	}
	defer g.close()
	fmt.Fprintln(os.Stderr, "  Measuring ...")
	for _, m := range []struct {
		name string
		do   func() error
	}{
		{"rows", func() error { return benchExport(ctx, g, rounds) }},
		{"workers", func() error { return benchWorkers(ctx, g, 1) }},
		{"bounded", func() error { return benchBounded(ctx, g, rounds) }},
		{"memory", func() error { return benchMemory(ctx, g, mb) }},
	} {
		if only != "" && only != m.name {
			continue
		}
		if err := m.do(); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// benchMemory compares the peak of a worker that has made the large export with that of one that has made a tenth of it.
func benchMemory(ctx context.Context, g *ground, mb int) error {
	large, err := g.peakOf(ctx)
	if err != nil {
		return err
	}
	if err := g.write(ctx, max(mb/10, 1)); err != nil {
		return err
	}
	tenth, err := g.peakOf(ctx)
	if err != nil {
		return err
	}
	line(fmt.Sprintf("worker's peak memory, %d MB against a tenth", mb), inMiB(large.all), inMiB(tenth.all), large.all/tenth.all, "<= 1.10")
	line("    of it heap, stacks and buffers", inMiB(large.own), inMiB(tenth.own), large.own/tenth.own, "<= 1.10")
	return nil
}

// peakOf is the most memory that a worker of its own has needed for one export.
func (g *ground) peakOf(ctx context.Context) (peak memory, err error) {
	who, service, err := g.requester(ctx)
	if err != nil {
		return peak, err
	}
	worker, err := g.benchWorker(ctx, nil)
	if err != nil {
		return peak, err
	}
	defer func() { _ = worker.Stop(10 * time.Second) }()
	watch := watchMemory(worker)
	if _, _, err := g.exportOnce(ctx, who, service); err != nil {
		return peak, err
	}
	return watch.end()
}

// benchWorker starts one worker that nothing bounds, with more in its environment, and waits until it has nothing to do.
func (g *ground) benchWorker(ctx context.Context, more map[string]string) (*local.Offramp, error) {
	return g.coldWorker(ctx, local.StartOfframp, more)
}
