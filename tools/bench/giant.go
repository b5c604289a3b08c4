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
)

// benchGiant watches small exports, and the plan page, while a giant export is built by the same worker, which is niced: all small
// customers' exports queued at once, and a few each second, of which each has the machine nearly for itself.
func benchGiant(ctx context.Context, g *ground) error {
	worker, err := g.niced("bench", map[string]string{"OFFRAMP_WORK_EXPORTS": "4", "OFFRAMP_WORK_LARGE_FROM": "16"})
	if err != nil {
		return err
	}
	defer func() { _ = worker.Stop(10 * time.Second) }()
	cookies, err := g.signInMany(ctx)
	if err != nil {
		return err
	}
	plan := target{name: "plan", url: g.stack.PortalURL + "/plan", cookies: cookies}
	calm, err := g.smallOnes(ctx, calmCalls)
	if err != nil {
		return err
	}
	full, err := g.smallOnes(ctx, 0)
	if err != nil {
		return err
	}
	idle, err := plan.p99(ctx, calmRate)
	if err != nil {
		return err
	}
	who, service, err := g.requester(ctx)
	if err != nil {
		return err
	}
	giant, err := service.Request(ctx, who, g.programme, export.Selection{Formats: []string{export.CSV, export.JSONL, export.Parquet}, Browse: true, Spreadsheet: true, VolumeSize: 1})
	if err != nil {
		return err
	}
	fullBusy, err := g.smallOnes(ctx, 0)
	if err != nil {
		return err
	}
	busy, err := g.smallOnes(ctx, calmCalls)
	if err != nil {
		return err
	}
	during, err := plan.p99(ctx, calmRate)
	if err != nil {
		return err
	}
	now, err := service.Get(ctx, who, giant.ID)
	if err == nil && now.State == export.Ready {
		err = errors.New("the giant was done too early to say anything: use more -rows")
	}
	if err != nil {
		return err
	}
	text := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }
	before, after := quantile(full, .95), quantile(fullBusy, .95)
	line(fmt.Sprintf("p95 of %d small exports queued at once while a giant is built", len(full)), text(after), text(before), after.Seconds()/before.Seconds(), "<= 1.20")
	before, after = quantile(calm, .95), quantile(busy, .95)
	line(fmt.Sprintf("p95 of %d small exports/s while a giant is built", calmCalls), text(after), text(before), after.Seconds()/before.Seconds(), "-")
	line(fmt.Sprintf("plan page's p99 at %d/s while a giant is built", calmRate), text(during), text(idle), during.Seconds()/idle.Seconds(), "<= 4.00")
	_, err = service.Cancel(ctx, who, g.programme, giant.ID)
	return err
}

// niced starts a worker that leaves the processor to others first.
func (g *ground) niced(name string, more map[string]string) (*local.Offramp, error) {
	env := g.stack.Env.With(map[string]string{"OFFRAMP_WORK_ID": name, "OFFRAMP_WEB_METRICS": "off"}).With(more)
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
