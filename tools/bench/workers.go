package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"offramp/export"
	"offramp/migration"
)

// share is the part of one core that a throttled worker gets: little enough that neither source nor store is the limit.
const share = 0.25

// benchWorkers builds the volumes of one large export by one worker and by two, each throttled to a share of a core.
func benchWorkers(ctx context.Context, g *ground, rounds int) error {
	who, service, err := g.requester(ctx)
	if err != nil {
		return err
	}
	var one, two []time.Duration
	for range rounds {
		for n, into := range map[int]*[]time.Duration{1: &one, 2: &two} {
			took, err := g.throttled(ctx, who, service, n)
			if err != nil {
				return err
			}
			*into = append(*into, took)
		}
	}
	text := func(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
	line(fmt.Sprintf("two workers against one, each %.0f %% of a core, by volumes", share*100), text(median(two)), text(median(one)),
		median(one).Seconds()/median(two).Seconds(), ">= 1.70 times faster")
	return nil
}

func (g *ground) throttled(ctx context.Context, who migration.Who, s *export.Service, workers int) (time.Duration, error) {
	env := g.stack.Env.With(map[string]string{
		"OFFRAMP_WEB_METRICS": "off", "OFFRAMP_WORK_LARGE_FROM": "8", "OFFRAMP_WORK_VOLUME_UNIT": "8", "OFFRAMP_WORK_LARGE": "1",
		"GOMAXPROCS": "1", // a share of one core, not of all at once
	})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i := range workers {
		w, err := g.stack.StartWith("work", env.With(map[string]string{"OFFRAMP_WORK_ID": fmt.Sprintf("throttled-%d", i)}))
		if err != nil {
			return 0, err
		}
		go throttle(ctx, w.Pid())
		defer func() { _ = w.Kill() }()
	}
	if err := g.alive(ctx, workers); err != nil {
		return 0, err
	}
	began := time.Now()
	e, err := s.Request(ctx, who, g.programme, export.Selection{Datasets: rowsOnly, Formats: []string{export.CSV, export.JSONL}, VolumeSize: 1})
	if err != nil {
		return 0, err
	}
	_, err = g.ready(ctx, who, s, e.ID)
	return time.Since(began), err
}

// alive waits until so many workers hold their locks.
func (g *ground) alive(ctx context.Context, workers int) error {
	return until(ctx, time.Minute, func() (bool, error) {
		var n int
		err := g.super.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'offramp.throttled%'`).Scan(&n)
		return n >= workers, err
	})
}

// throttle stops a process for the greater part of each fiftieth of a second, until ctx ends, and lets it go on then.
func throttle(ctx context.Context, pid int) {
	const period = 20 * time.Millisecond
	tick := time.NewTicker(period)
	defer tick.Stop()
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	for {
		_ = syscall.Kill(pid, syscall.SIGCONT)
		time.Sleep(time.Duration(share * float64(period)))
		_ = syscall.Kill(pid, syscall.SIGSTOP)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
