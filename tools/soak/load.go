package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"offramp/export"
	"offramp/internal/fault"
)

const (
	live    = 12 // exports at a time, or so
	crowd   = 8  // requests for one export at once
	maximum = 5_000
)

// load requests and cancels exports until ctx ends. Nothing may fail here: the customers' side meets no fault.
func (g *ground) load(ctx context.Context, dice *rand.Rand) error {
	for n := 0; n < maximum && ctx.Err() == nil; n++ {
		p := g.people[dice.IntN(len(g.people))]
		if dice.IntN(12) == 0 {
			p = g.largest()
		}
		if err := g.request(ctx, p, g.choose(dice)); err != nil && ctx.Err() == nil {
			return fmt.Errorf("request: %w", err)
		}
		if dice.IntN(15) == 0 {
			if err := g.cancel(ctx, p); err != nil && ctx.Err() == nil {
				return fmt.Errorf("cancel: %w", err)
			}
		}
		if err := g.await(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// largest is the customer with the most rows.
func (g *ground) largest() person {
	for _, p := range g.people {
		if p.ref == largestRef {
			return p
		}
	}
	return g.people[0]
}

// largestRef is the number of the product's largest customer.
const largestRef = "HZ-20429"

func (g *ground) choose(dice *rand.Rand) export.Selection {
	s := export.Selection{Formats: []string{export.CSV, export.JSONL}, VolumeSize: 1, Browse: dice.IntN(3) == 0, Spreadsheet: dice.IntN(4) == 0}
	if dice.IntN(4) == 0 {
		s.Formats = append(s.Formats, export.Parquet)
	}
	if dice.IntN(3) == 0 {
		s.Datasets = []string{"tasks", "attachments"}
	}
	return s
}

// request asks many times at once, as impatient people and retrying browsers do. One export may come of it.
func (g *ground) request(ctx context.Context, p person, sel export.Selection) error {
	var group sync.WaitGroup
	ids, errs := make([]string, crowd), make([]error, crowd)
	for i := range crowd {
		group.Go(func() {
			e, err := g.service.Request(ctx, p.who, g.programme, sel)
			ids[i], errs[i] = e.ID, err
		})
	}
	group.Wait()
	g.count("requests")
	return errors.Join(errs...)
}

func (g *ground) cancel(ctx context.Context, p person) error {
	list, _, err := g.service.List(ctx, p.who, 0, 1)
	if err != nil || len(list) == 0 || !list[0].Live() {
		return err
	}
	_, err = g.service.Cancel(ctx, p.who, g.programme, list[0].ID)
	if fault.KindOf(err) == fault.Conflict {
		return nil // it has ended meanwhile
	}
	g.count("cancels")
	return err
}

// await keeps the number of live exports in bounds.
func (g *ground) await(ctx context.Context) error {
	return until(ctx, 10*time.Minute, func() (bool, error) {
		n, err := g.undone(ctx)
		return n < live, err
	})
}

func (g *ground) undone(ctx context.Context) (n int, err error) {
	err = g.super.QueryRow(ctx, `SELECT count(*) FROM export WHERE state IN ('queued', 'running')`).Scan(&n)
	return n, err
}
