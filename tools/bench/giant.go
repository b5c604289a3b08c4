package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local"
	"offramp/export"
	"offramp/migration"
)

const (
	calmCalls = 8                // small exports a second
	calmFor   = 15 * time.Second // of each round

	gentleRate = 8 // MiB a second of a giant that leaves room
)

// glance is how others fare at a time.
type glance struct {
	full time.Duration // p95 of all small customers' exports, queued at once
	calm time.Duration // p95 of a few small exports a second, of which each has the machine nearly for itself
	page time.Duration // the plan page's p99
}

// look measures a glance: medians of three, but for the few a second.
func (g *ground) look(ctx context.Context, plan target) (seen glance, err error) {
	var full, page []time.Duration
	for range 3 {
		took, err := g.smallOnes(ctx, 0)
		if err != nil {
			return seen, err
		}
		p99, err := plan.p99(ctx, calmRate)
		if err != nil {
			return seen, err
		}
		full, page = append(full, quantile(took, .95)), append(page, p99)
	}
	calm, err := g.smallOnes(ctx, calmCalls)
	if err != nil {
		return seen, err
	}
	return glance{full: median(full), calm: quantile(calm, .95), page: median(page)}, nil
}

// benchGiant watches small exports and the plan page before a giant export is built, while it is built by the same worker, which
// is niced, and while one that keeps to a rate goes on with it.
func benchGiant(ctx context.Context, g *ground) error {
	cookies, err := g.signInMany(ctx)
	if err != nil {
		return err
	}
	plan := target{name: "plan", url: g.stack.PortalURL + "/plan", cookies: cookies}
	who, service, err := g.requester(ctx)
	if err != nil {
		return err
	}
	worker, err := g.niced("bench", nil)
	if err != nil {
		return err
	}
	defer func() { _ = worker.Stop(10 * time.Second) }()
	idle, err := g.look(ctx, plan)
	if err != nil {
		return err
	}
	began := time.Now()
	giant, err := service.Request(ctx, who, g.programme, export.Selection{Formats: []string{export.CSV, export.JSONL, export.Parquet}, Browse: true, Spreadsheet: true, VolumeSize: 1})
	if err != nil {
		return err
	}
	beside, err := g.lookBeside(ctx, plan, giant.ID, began)
	if err != nil {
		return err
	}
	if err := worker.Stop(10 * time.Second); err != nil {
		return err
	}
	began = time.Now()
	slow, err := g.niced("slow", map[string]string{"OFFRAMP_WORK_LARGE_RATE": fmt.Sprint(gentleRate)})
	if err != nil {
		return err
	}
	defer func() { _ = slow.Stop(10 * time.Second) }()
	gentle, err := g.lookBeside(ctx, plan, giant.ID, began)
	if err != nil {
		return err
	}
	idle.print("", beside)
	idle.print(fmt.Sprintf(" at %d MiB/s", gentleRate), gentle)
	_, err = service.Cancel(ctx, who, g.programme, giant.ID)
	return err
}

// lookBeside measures a glance while an export is built that a worker has begun after a moment.
func (g *ground) lookBeside(ctx context.Context, plan target, id string, after time.Time) (seen glance, err error) {
	if err := g.moves(ctx, id, after); err != nil {
		return seen, err
	}
	if seen, err = g.look(ctx, plan); err != nil {
		return seen, err
	}
	var state string
	err = g.super.QueryRow(ctx, `SELECT state FROM export WHERE id = $1`, id).Scan(&state)
	if err == nil && state != string(export.Running) {
		err = fmt.Errorf("the giant is %s, too early to say anything: use more -rows", state)
	}
	return seen, err
}

// print compares how others fare beside a giant with how they fared before.
func (before glance) print(rate string, beside glance) {
	show := func(what string, ours, ceiling time.Duration, goal string) {
		text := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }
		line(what+" while a giant is built"+rate, text(ours), text(ceiling), ours.Seconds()/ceiling.Seconds(), goal)
	}
	show("p95 of small exports queued at once", beside.full, before.full, "<= 1.20")
	show(fmt.Sprintf("p95 of %d small exports/s", calmCalls), beside.calm, before.calm, "-")
	show(fmt.Sprintf("plan page's p99 at %d/s", calmRate), beside.page, before.page, "<= 4.00")
}

// moves waits until bytes come out of a volume of an export that was begun after a moment.
func (g *ground) moves(ctx context.Context, id string, after time.Time) error {
	return until(ctx, 2*time.Minute, func() (moves bool, err error) {
		const sql = `SELECT EXISTS (SELECT FROM export_volume WHERE export_id = $1 AND state = 'building' AND started_at > $2 AND bytes_done > 0)`
		return moves, g.super.QueryRow(ctx, sql, id, after).Scan(&moves)
	})
}

// niced starts a worker that leaves the processor to others first.
func (g *ground) niced(name string, more map[string]string) (*local.Offramp, error) {
	env := g.stack.Env.With(map[string]string{
		"OFFRAMP_WORK_ID": name, "OFFRAMP_WEB_METRICS": "off", "OFFRAMP_WORK_EXPORTS": "4", "OFFRAMP_WORK_LARGE_FROM": "16",
	}).With(more)
	return local.StartOfframp("nice", []string{"-n", "10", g.binary, "work"}, env.List(), io.Discard)
}

// smallOnes requests exports of small customers, some each second, or with perSecond 0 one of each customer at once, and returns how
// long each took, from request to ready.
func (g *ground) smallOnes(ctx context.Context, perSecond int) ([]time.Duration, error) {
	service, _, err := g.exports(ctx)
	if err != nil {
		return nil, err
	}
	people, err := g.smallPeople(ctx)
	if err != nil {
		return nil, err
	}
	asked := make([]string, len(people))
	if perSecond > 0 {
		asked = make([]string, int(calmFor.Seconds())*perSecond)
	}
	began := time.Now()
	for n := range asked {
		if perSecond > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))))
		}
		e, err := service.Request(ctx, people[n%len(people)], g.programme, export.Selection{Formats: []string{export.CSV}})
		if err != nil {
			return nil, err
		}
		asked[n] = e.ID
	}
	return g.waits(ctx, asked)
}

// waits awaits exports, looking rarely since looking costs, too, and returns how long each took by the portal's own clock.
func (g *ground) waits(ctx context.Context, asked []string) (took []time.Duration, err error) {
	err = untilEvery(ctx, 100*time.Millisecond, 10*time.Minute, func() (bool, error) {
		var live int
		err := g.super.QueryRow(ctx, `SELECT count(*) FROM export WHERE id = ANY($1) AND state IN ('queued', 'running')`, asked).Scan(&live)
		return live == 0, err
	})
	if err != nil {
		return nil, err
	}
	rows, err := g.super.Query(ctx, `SELECT extract(epoch FROM ready_at - requested_at)::float8 FROM export WHERE id = ANY($1) AND state = 'ready'`, asked)
	if err != nil {
		return nil, err
	}
	took, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (time.Duration, error) {
		var wait float64
		err := row.Scan(&wait)
		return seconds(wait), err
	})
	if err == nil && len(took) == 0 {
		err = errors.New("no small export became ready")
	}
	return took, err
}

// smallPeople own accounts with few rows.
func (g *ground) smallPeople(ctx context.Context) (list []migration.Who, err error) {
	rows, err := g.super.Query(ctx, `SELECT c.id, k.id, k.role FROM customer c JOIN contact k ON k.customer_id = c.id WHERE k.role = 'owner' AND c.tier = 'basic' ORDER BY c.ref`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var w migration.Who
		if err := rows.Scan(&w.CustomerID, &w.ContactID, &w.Role); err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, rows.Err()
}
