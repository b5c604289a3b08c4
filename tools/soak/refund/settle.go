package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"offramp/deploy/local"
	"offramp/migration/refund"
)

// settleFor bounds how long everything may take, also on a busy machine, to come to its end once nothing fails any more.
const settleFor = 5 * time.Minute

// settle goes on without faults until nothing is left to do for anybody but those who have a task. Time jumps to whatever is
// due next.
func (g *ground) settle(ctx context.Context) error {
	g.log.Info("nothing fails any more; waiting for what is under way")
	began := time.Now()
	sent := map[string]bool{}
	err := until(ctx, settleFor, func() (bool, error) {
		if err := g.round(ctx); err != nil {
			return false, err
		}
		if err := g.importReport(ctx); err != nil {
			return false, err
		}
		quiet, err := g.quiet(ctx, sent)
		if err != nil || !quiet {
			return false, err
		}
		if jumped, err := g.jump(ctx); jumped || err != nil {
			return false, err
		}
		return g.over(ctx)
	})
	if err == nil {
		g.log.Info("done", "after", time.Since(began).Round(time.Second), "clock ahead by", g.clock.ahead().Round(time.Minute))
	}
	return err
}

// quiet reports whether no job waits, the provider has finished with its refunds, and we have heard of everything it has to tell.
// What we did not take it sends once more.
func (g *ground) quiet(ctx context.Context, sent map[string]bool) (bool, error) {
	after := map[string]local.StripeAfter{}
	for _, p := range g.provider.Payments() {
		after[p.ID] = p.After
	}
	for _, r := range g.provider.Refunds() {
		last := map[local.StripeAfter]string{local.StripeLater: "succeeded", local.StripeBounces: "failed", local.StripeLost: "failed"}[after[r.Payment]]
		if last != "" && r.Status != last && r.Status != "failed" {
			g.waits = "the provider: " + r.ID
			return false, nil
		}
	}
	for _, e := range g.provider.Events() {
		if e.Answer == http.StatusOK || sent[e.ID] {
			continue
		}
		if status, err := g.provider.Send(ctx, e); err != nil || status != http.StatusOK {
			return false, fmt.Errorf("send %s again: %d, %w", e.ID, status, err)
		}
		sent[e.ID] = true
	}
	var jobs int
	const sql = `SELECT count(*) FROM river_job WHERE kind LIKE 'refund%' AND state IN ('available', 'running', 'retryable', 'scheduled', 'pending')`
	err := g.super.QueryRow(ctx, sql).Scan(&jobs)
	g.waits = fmt.Sprintf("%d jobs", jobs)
	return jobs == 0, err
}

// jump moves the clock to the next attempt that is due, if there is one, and lets the reconciler come.
func (g *ground) jump(ctx context.Context) (bool, error) {
	var next *time.Time
	const sql = `SELECT min(greatest(coalesce(next_at, '-infinity'), coalesce(leased_until, planned_at + interval '5 minutes')))
		FROM payout_attempt WHERE state IN ('planned', 'sent', 'unknown') AND channel <> 'bank'`
	if err := g.super.QueryRow(ctx, sql).Scan(&next); err != nil || next == nil {
		return false, err
	}
	if d := next.Sub(g.clock.Now()); d > 0 {
		if err := g.clock.advance(d + time.Second); err != nil {
			return true, err
		}
	}
	return true, g.reconcile(ctx)
}

// over reports whether nobody has anything to do.
func (g *ground) over(ctx context.Context) (bool, error) {
	waiting, err := g.standing(ctx, refund.Submitted, refund.Questioned, refund.Objected, refund.Reviewed, refund.Second, refund.Approved, refund.Returned)
	if err != nil || len(waiting) > 0 {
		g.waits = fmt.Sprintf("people: %v", waiting)
		return false, err
	}
	declined, err := g.standing(ctx, refund.Declined)
	if err != nil {
		return false, err
	}
	if len(declined) > 0 { // until their period for objecting is over
		g.waits = fmt.Sprintf("%d refusals", len(declined))
		if err := g.clock.advance(31 * 24 * time.Hour); err != nil {
			return false, err
		}
		return false, g.service.Daily(ctx)
	}
	var moving int // transfers that the bank has not told of, refunds whose provider has not
	err = g.super.QueryRow(ctx, `SELECT count(*) FROM payout_attempt WHERE state NOT IN ('succeeded', 'failed')`).Scan(&moving)
	g.waits = fmt.Sprintf("%d attempts", moving)
	return moving == 0, err
}

// describe tells what is left when it does not settle.
func (g *ground) describe(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	g.log.Error("it does not settle", "for", g.waits, "happened", fmt.Sprint(g.counts))
	var jobs string
	const waiting = `SELECT coalesce(string_agg(kind || ' ' || state::text || ' ' || args::text || ' ' || left(coalesce(errors[array_upper(errors, 1)]->>'error', ''), 300), '; '), '')
		FROM river_job WHERE kind LIKE 'refund%' AND state IN ('available', 'running', 'retryable', 'scheduled', 'pending')`
	if g.super.QueryRow(ctx, waiting).Scan(&jobs) == nil && jobs != "" {
		g.log.Error("left", "jobs", jobs)
	}
	rows, err := g.super.Query(ctx, `SELECT r.ref, r.state, r.method, coalesce(a.number, 0), coalesce(a.state, ''), coalesce(a.code, '') FROM refund r
		LEFT JOIN payout_attempt a ON a.refund_id = r.id WHERE r.state NOT IN ('paid', 'credited', 'waived', 'withdrawn', 'closed') ORDER BY r.number, a.number LIMIT 40`)
	if err != nil {
		return
	}
	defer rows.Close()
	for rows.Next() {
		var ref, state, method, attempt, code string
		var n int
		if rows.Scan(&ref, &state, &method, &n, &attempt, &code) == nil {
			g.log.Error("left", "refund", ref, "state", state, "method", method, "attempt", n, "attempt's state", attempt, "code", code)
		}
	}
}
