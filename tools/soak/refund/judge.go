package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

func (g *ground) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	g.log.Error("broken", "what", line)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.broken = append(g.broken, line)
}

// try names an attempt: the refund's reference and its number.
type try struct {
	ref    string
	number int
}

// outside is what the provider and the bank have done, told by themselves.
type outside struct {
	refunds map[try][]string // ids of the provider's refunds that bear the attempt's reference
	gone    map[try]int64    // money that has left and not come back
	total   map[string]int64 // of it, by refund
	doubled int
}

// judged is one refund as the portal's database has it.
type judged struct {
	ref, state, method string
	amount, settled    int64
	tasks              int
}

func (g *ground) judge(ctx context.Context) error {
	o, err := g.look()
	if err != nil {
		return err
	}
	list, err := g.refunds(ctx)
	if err != nil {
		return err
	}
	refunds, states := len(o.refunds), map[string]int{}
	for _, r := range list {
		states[r.state]++
		g.judgeOne(o, r)
	}
	for _, check := range []func(context.Context, *outside) error{g.attempts, g.once, g.books, g.queue, g.letters} {
		if err := check(ctx, o); err != nil {
			return err
		}
	}
	var late int
	if err := g.super.QueryRow(ctx, `SELECT count(*) FROM refund_event WHERE kind IN ('came_back', 'arrived')`).Scan(&late); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counts["money came back while it was decided upon"] = late
	for _, what := range slices.Sorted(maps.Keys(g.counts)) {
		g.log.Info("happened", "what", what, "times", g.counts[what])
	}
	g.log.Info("summary of refunds", "killed workers", g.dead, "customers", g.made, "refunds", len(list), "states", fmt.Sprint(states),
		"refunded by the provider", refunds, "transfers", len(g.bank.transfers), "bank files", g.bank.files)
	g.log.Info(fmt.Sprintf("double payments: %d", o.doubled))
	if len(g.broken) > 0 {
		return fmt.Errorf("%d things do not hold", len(g.broken))
	}
	g.log.Info("everything holds")
	return nil
}

// look asks the provider and the bank. Whatever went out twice is counted here, without a word of the portal's.
func (g *ground) look() (*outside, error) {
	o := &outside{refunds: map[try][]string{}, gone: map[try]int64{}, total: map[string]int64{}}
	given := map[string]int64{}
	for _, r := range g.provider.Refunds() {
		n, err := strconv.Atoi(r.Metadata["offramp_attempt"])
		if err != nil {
			return nil, fmt.Errorf("the provider's refund %s names no attempt: %w", r.ID, err)
		}
		t := try{r.Ref(), n}
		if o.refunds[t] = append(o.refunds[t], r.ID); len(o.refunds[t]) == 2 {
			o.doubled++
			g.say("%s, attempt %d has two refunds at the provider: %v", t.ref, t.number, o.refunds[t])
		}
		if r.Status != "failed" && r.Status != "canceled" {
			o.gone[t] += r.Amount
			o.total[t.ref] += r.Amount
			given[r.Payment] += r.Amount
		}
	}
	for _, p := range g.provider.Payments() {
		if p.Refunded != given[p.ID] || p.Refunded > p.Amount {
			o.doubled++
			g.say("payment %s of %d was given back to %d, or to %d", p.ID, p.Amount, p.Refunded, given[p.ID])
		}
	}
	for id, b := range g.bank.transfers {
		at := strings.LastIndexByte(id, '-')
		n, err := strconv.Atoi(id[at+1:])
		if err != nil {
			return nil, fmt.Errorf("transfer %s names no attempt: %w", id, err)
		}
		if b.times != 1 {
			o.doubled++
			g.say("the bank was told %d times to make transfer %s", b.times, id)
		}
		if t := (try{id[:at], n}); !b.back {
			o.gone[t] += b.amount
			o.total[t.ref] += b.amount
		}
	}
	return o, nil
}

func (g *ground) refunds(ctx context.Context) ([]judged, error) {
	rows, err := g.super.Query(ctx, `SELECT r.ref, r.state, r.method, r.amount, r.settled,
		(SELECT count(*) FROM refund_task t WHERE t.refund_id = r.id AND t.done_at IS NULL) FROM refund r ORDER BY r.number`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r judged, err error) {
		err = row.Scan(&r.ref, &r.state, &r.method, &r.amount, &r.settled, &r.tasks)
		return r, err
	})
}

// judgeOne holds one refund against what has left.
func (g *ground) judgeOne(o *outside, r judged) {
	out := o.total[r.ref]
	if r.state == "credited" || r.state == "waived" || r.state == "withdrawn" {
		if out != 0 {
			o.doubled++
			g.say("%s is %s, and %d has left", r.ref, r.state, out)
		}
		return
	}
	if out > r.amount {
		o.doubled++
	}
	if out != r.settled || out > r.amount {
		g.say("%s of %d is %s and says that %d is settled; %d has left", r.ref, r.amount, r.state, r.settled, out)
	}
	switch {
	case r.state == "paid" && out != r.amount:
		g.say("%s is paid, and %d of %d has left", r.ref, out, r.amount)
	case r.state == "closed": // whatever was paid before stays
	case r.state != "paid" && r.tasks == 0:
		g.say("%s is %s, and nobody has a task", r.ref, r.state)
	}
}

// attempts holds each attempt against what has left for it.
func (g *ground) attempts(ctx context.Context, o *outside) error {
	rows, err := g.super.Query(ctx, `SELECT r.ref, a.number, a.channel, a.state, a.amount, a.provider_refund FROM payout_attempt a JOIN refund r ON r.id = a.refund_id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var t try
		var channel, state, id string
		var amount int64
		if err := rows.Scan(&t.ref, &t.number, &channel, &state, &amount, &id); err != nil {
			return err
		}
		want := int64(0)
		if state == "succeeded" {
			want = amount
		}
		if o.gone[t] != want {
			g.say("attempt %d of %s by %s is %s of %d; %d has left", t.number, t.ref, channel, state, amount, o.gone[t])
		}
		if ids := o.refunds[t]; channel != "bank" && (len(ids) == 1 && ids[0] != id || len(ids) == 0 && id != "") {
			g.say("attempt %d of %s knows of %q, the provider of %v", t.number, t.ref, id, ids)
		}
		delete(o.gone, t)
		delete(o.refunds, t)
	}
	for t, amount := range o.gone {
		if amount > 0 {
			o.doubled++
			g.say("%d has left for attempt %d of %s, which nobody made", amount, t.number, t.ref)
		}
	}
	return rows.Err()
}

// once looks for customers who have asked once and are refunded twice, and for what only a second refund would tell.
func (g *ground) once(ctx context.Context, o *outside) error {
	var customers, tasks int
	if err := g.super.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM refund WHERE state <> 'withdrawn' GROUP BY customer_id HAVING count(*) > 1) x`).Scan(&customers); err != nil {
		return err
	}
	if customers > 0 {
		o.doubled += customers
		g.say("%d customers have two refunds that were not withdrawn", customers)
	}
	if err := g.super.QueryRow(ctx, `SELECT count(*) FROM refund_task WHERE kind IN ('second_refund', 'ledger')`).Scan(&tasks); err != nil {
		return err
	}
	if tasks > 0 {
		g.say("finance is told %d times of a second refund or of the ledger", tasks)
	}
	return nil
}

// books asks whether the ledger comes out.
func (g *ground) books(ctx context.Context, _ *outside) error {
	faults, err := g.service.CheckBalance(ctx)
	for _, f := range faults {
		g.say("the ledger: %+v", f)
	}
	return err
}

// queue asks whether a job was given up, or failed by anything but its worker's death.
func (g *ground) queue(ctx context.Context, _ *outside) error {
	rows, err := g.super.Query(ctx, `SELECT j.kind, j.state::text, left(coalesce(e->>'error', ''), 200), count(*) FROM river_job j LEFT JOIN LATERAL unnest(j.errors) e ON true
		WHERE j.kind LIKE 'refund%' AND (j.errors IS NOT NULL OR j.state IN ('discarded', 'cancelled')) GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 20`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var kind, state, text string
		var n int
		if err := rows.Scan(&kind, &state, &text, &n); err != nil {
			return err
		}
		g.log.Info("jobs that were cut short", "kind", kind, "state", state, "error", text, "jobs", n)
		if state != "completed" && (kind == "refund_pay" || kind == "refund_event") {
			g.say("%d jobs %s are %s: %s", n, kind, state, text)
		}
	}
	return rows.Err()
}

// letters asks whether each customer who was paid was told so once, and nobody else.
func (g *ground) letters(ctx context.Context, _ *outside) error {
	var paid, told int
	const sql = `SELECT (SELECT count(*) FROM refund_event WHERE kind = 'paid'), (SELECT count(*) FROM river_job WHERE kind = 'mail' AND args->>'template' = 'refund_paid')`
	if err := g.super.QueryRow(ctx, sql).Scan(&paid, &told); err != nil {
		return err
	}
	if paid != told || paid == 0 {
		g.say("%d refunds were paid, and %d letters say so", paid, told)
	}
	return nil
}
