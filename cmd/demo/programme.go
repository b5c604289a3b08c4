package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/examples"
	"offramp/deploy/local"
	"offramp/deploy/local/postgres"
	"offramp/deploy/local/product"
	"offramp/internal/clock"
	"offramp/internal/db"
	seals "offramp/internal/mail/report"
	"offramp/migration"
	"offramp/migration/notice"
)

// The demonstration's programme begins on examples' first day, and its notices at the talk.
const (
	exampleStart = "2026-08-17"
	settleTime   = 60 * time.Second // within which a worker has done what is due
)

var (
	dayPattern  = regexp.MustCompile(`\b20[0-9]{2}-[01][0-9]-[0-3][0-9]\b`)
	hashPattern = regexp.MustCompile(`name="hash" value="([0-9a-f]{64})"`)
	callPattern = regexp.MustCompile(`action="/console/calls/([0-9a-zA-Z-]+)/end"`)
)

// life is the demonstration's programme, lived through by moving the clock of the product's processes.
type life struct {
	stack     *local.Stack
	pool      *pgxpool.Pool // as nobody in particular, to look
	programme *migration.Programme
	accounts  []account
	portal    *local.Offramp
	worker    *local.Offramp
	now       time.Time            // in the demonstration
	foreseen  map[string]time.Time // what every message was foreseen to be, and when
	failed    []string
}

// liveThrough lives the demonstration's programme from the first talk to its last day, and holds what happened against what was
// foreseen. It ends by itself; the error says what was not as foreseen.
func liveThrough(ctx context.Context, getenv func(string) string) (err error) {
	set, err := readSettings(getenv)
	if err != nil {
		return err
	}
	if set.dir, err = os.MkdirTemp(filepath.Dir(set.dir), ".demo-programme-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(set.dir) }()
	if err := os.Chmod(set.dir, 0o755); err != nil { // PostgreSQL runs as another user below it
		return err
	}
	began := time.Now()
	users, accounts := staffUsers()
	stack, err := local.StartStack(ctx, local.StackOptions{Dir: set.dir, Binary: set.binary, Throwaway: true, Staff: users, Say: say})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.Stop()) }()
	l := &life{stack: stack, accounts: accounts, foreseen: map[string]time.Time{}}
	if err := l.stage(ctx); err != nil {
		return err
	}
	defer l.pool.Close()
	for _, act := range l.story() {
		if err := act(ctx); err != nil {
			return err
		}
	}
	if len(l.failed) > 0 {
		return fmt.Errorf("%d things were not as foreseen:\n  %s", len(l.failed), strings.Join(l.failed, "\n  "))
	}
	fmt.Printf("\nEverything went as foreseen. It took %s.\n", time.Since(began).Round(time.Second))
	return nil
}

// stage makes the product, and applies the example's programme with its days moved so that it begins today: sessions are held
// against the database's own clock, which stays.
func (l *life) stage(ctx context.Context) error {
	start, err := time.Parse(time.DateOnly, exampleStart)
	if err != nil {
		return err
	}
	days := int(time.Now().UTC().Truncate(24*time.Hour).Sub(start).Hours()/24) + 1
	moved := dayPattern.ReplaceAllFunc(examples.Hezhou, func(found []byte) []byte {
		day, err := time.Parse(time.DateOnly, string(found))
		if err != nil {
			return found
		}
		return []byte(day.AddDate(0, 0, days).Format(time.DateOnly))
	})
	people, err := product.Stage(ctx, l.stack, product.StageOptions{Rows: 2000, Programme: moved, Say: say})
	if err != nil {
		return err
	}
	users, customers := customerUsers(people)
	for _, u := range users {
		l.stack.Customer.SetUser(u)
	}
	l.accounts = append(l.accounts, customers...)
	l.now = start.AddDate(0, 0, days).Add(2 * time.Hour)
	if l.pool, err = pgxpool.New(ctx, l.stack.Postgres.URL(local.Database, postgres.SuperRole)); err != nil {
		return err
	}
	d, err := l.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	l.programme, err = migration.NewProgrammes(d).Active(ctx)
	return err
}

// open opens the product's database at the demonstration's time, as its owner: the roles of its processes act for nobody without a session.
func (l *life) open(ctx context.Context) (*db.DB, error) {
	return db.Open(ctx, l.stack.Env["OFFRAMP_DATABASE_OWNER_URL"], db.Options{Clock: clock.Shifted(time.Until(l.now)), MaxConns: 2, Name: "demo"})
}

// story is what happens, in order.
func (l *life) story() []func(context.Context) error {
	milestone := func(key string) migration.Day {
		m, _ := l.programme.Milestone(key)
		return m.Day
	}
	announced, ends, last := milestone("announcement"), milestone("service_end"), milestone("erasure")
	return []func(context.Context) error{
		l.approve,
		func(ctx context.Context) error { return l.foresee(ctx, last) },
		func(ctx context.Context) error { return l.talks(ctx, announced) },
		func(ctx context.Context) error { return l.announce(ctx, announced) },
		l.signIns,
		func(ctx context.Context) error { return l.silence(ctx, announced) },
		l.choose,
		func(ctx context.Context) error { return l.until(ctx, ends) },
		func(ctx context.Context) error { return l.declare(ctx, ends) },
		func(ctx context.Context) error { return l.until(ctx, last.AddDays(1)) },
		l.compare,
	}
}

// at moves the clock: the product's processes end and start again at another time, as after an outage.
func (l *life) at(ctx context.Context, now time.Time, portal bool) (err error) {
	for _, p := range []*local.Offramp{l.worker, l.portal} {
		if p != nil {
			_ = p.Stop(10 * time.Second)
		}
	}
	l.worker, l.portal = nil, nil
	l.now = now
	l.stack.Env["OFFRAMP_CLOCK_SHIFT"] = time.Until(now).Round(time.Second).String()
	if portal {
		if l.portal, err = l.stack.StartWith("serve", l.stack.Env); err != nil {
			return err
		}
		if err := l.portal.Await(ctx, strings.TrimSuffix(l.stack.MetricsURL, "metrics")+"readyz"); err != nil {
			return err
		}
	}
	l.worker, err = l.stack.StartWith("work", l.stack.Env.With(map[string]string{"OFFRAMP_WORK_ID": "worker", "OFFRAMP_WEB_METRICS": "off"}))
	return err
}

// tell says what happens on the demonstration's day.
func (l *life) tell(format string, values ...any) {
	fmt.Printf("%s  %s\n", l.now.In(l.programme.Zone).Format("Mon 2 Jan 2006 15:04"), fmt.Sprintf(format, values...))
}

// wrong keeps what was not as it should be.
func (l *life) wrong(format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	l.tell("NOT AS FORESEEN: %s", text)
	l.failed = append(l.failed, text)
}

// await waits until a condition of the database holds.
func (l *life) await(ctx context.Context, what, sql string, args ...any) error {
	deadline := time.Now().Add(settleTime)
	for {
		var holds bool
		if err := l.pool.QueryRow(ctx, sql, args...).Scan(&holds); err != nil {
			return err
		}
		if holds {
			return nil
		}
		if time.Now().After(deadline) {
			l.wrong("%s did not come about within %s", what, settleTime)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// number reads one number.
func (l *life) number(ctx context.Context, sql string) (n int) {
	if err := l.pool.QueryRow(ctx, sql).Scan(&n); err != nil {
		l.wrong("%s: %v", sql, err)
	}
	return n
}

// enter signs somebody in, in a browser of their own, in English.
func (l *life) enter(ctx context.Context, a account) (*local.Visitor, error) {
	v, start := local.NewVisitor(l.stack.PortalURL), "/staff/sign-in/start"
	if strings.HasPrefix(a.Role, "customer_") {
		start = "/sign-in/start"
	}
	page, err := v.SignIn(ctx, start, a.Email, a.Password)
	if err == nil && page.Status != 200 {
		err = fmt.Errorf("%s signs in: %d at %s", a.Email, page.Status, page.URL)
	}
	if err == nil {
		_, err = v.Post(ctx, "/language/en", nil)
	}
	return v, err
}

// staff signs the n-th person of a role in.
func (l *life) staff(ctx context.Context, role string, n int) (*local.Visitor, error) {
	for _, a := range l.accounts {
		if a.Role == role {
			if n == 0 {
				return l.enter(ctx, a)
			}
			n--
		}
	}
	return nil, fmt.Errorf("nobody is %s", role)
}

// post sends a form that has to be taken.
func post(ctx context.Context, v *local.Visitor, path string, form url.Values) error {
	page, err := v.Post(ctx, path, form)
	if err == nil && page.Status != 200 {
		err = fmt.Errorf("POST %s: %d at %s", path, page.Status, page.URL)
	}
	return err
}

// approve has the manager approve what every notice says.
func (l *life) approve(ctx context.Context) error {
	if err := l.at(ctx, l.now, true); err != nil {
		return err
	}
	manager, err := l.staff(ctx, "programme_manager", 0)
	if err != nil {
		return err
	}
	for _, n := range l.programme.Notices.List {
		page, err := manager.Get(ctx, "/console/notices/"+n.Key)
		if err != nil {
			return err
		}
		hash := hashPattern.FindStringSubmatch(page.Body)
		if hash == nil {
			return fmt.Errorf("the page of notice %s offers no approval", n.Key)
		}
		if err := post(ctx, manager, "/console/notices/"+n.Key+"/approve", url.Values{"hash": {hash[1]}}); err != nil {
			return err
		}
	}
	l.tell("%d notices are approved by their content", len(l.programme.Notices.List))
	return l.brief(ctx, manager)
}

// brief has the manager approve the briefing, and colleagues acknowledge it: customers are told after that.
func (l *life) brief(ctx context.Context, manager *local.Visitor) error {
	const place = "/console/briefing"
	page, err := manager.Get(ctx, place)
	if err != nil {
		return err
	}
	hash := hashPattern.FindStringSubmatch(page.Body)
	if hash == nil {
		return errors.New("the briefing offers no approval")
	}
	if err := post(ctx, manager, place+"/approve", url.Values{"hash": {hash[1]}}); err != nil {
		return err
	}
	second, err := l.staff(ctx, "programme_manager", 1)
	if err != nil {
		return err
	}
	support, err := l.staff(ctx, "support", 0)
	if err != nil {
		return err
	}
	colleagues := []*local.Visitor{manager, second, support}
	for _, who := range colleagues {
		if err := post(ctx, who, place+"/acknowledge", url.Values{"hash": {hash[1]}}); err != nil {
			return err
		}
	}
	l.tell("%d colleagues have acknowledged the briefing", len(colleagues))
	return nil
}

// foresee prints who gets what on each day to come.
func (l *life) foresee(ctx context.Context, last migration.Day) error {
	d, err := l.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	var manager string
	if err := l.pool.QueryRow(ctx, `SELECT id FROM identity WHERE email = 'programme_manager@company.example'`).Scan(&manager); err != nil {
		return err
	}
	service := notice.NewService(d, migration.NewProgrammes(d), l.stack.PortalURL, seals.Seals{})
	l.tell("as things stand, this goes out if nobody acts:")
	for day := migration.DayOf(l.now.In(l.programme.Zone)); !day.After(last); day = day.AddDays(1) {
		list, err := service.Foresee(ctx, manager, day, 0)
		if err != nil {
			return err
		}
		var parts []string
		for _, f := range list {
			if f.Count > 0 {
				parts = append(parts, fmt.Sprintf("%s to %d", f.Notice.Key, f.Count))
			}
			for _, one := range f.Due {
				l.foreseen[fmt.Sprintf("%s %s %d", one.Ref, one.Notice, one.Stage)] = one.At
			}
		}
		if len(parts) > 0 {
			fmt.Printf("    %s  %s\n", day, strings.Join(parts, ", "))
		}
	}
	if len(l.foreseen) == 0 {
		l.wrong("nothing is foreseen at all")
	}
	return nil
}

// dueBetween are the instants at which something is foreseen, in order.
func (l *life) dueBetween(after, before time.Time) (list []time.Time) {
	for _, at := range l.foreseen {
		if at.After(after) && at.Before(before) && !slices.Contains(list, at) {
			list = append(list, at)
		}
	}
	slices.SortFunc(list, func(a, b time.Time) int { return a.Compare(b) })
	return list
}

// settled waits until what was due by now has been planned and nothing is left to send.
func (l *life) settled(ctx context.Context) error {
	var refs, keys []string
	var stages []int
	for key, at := range l.foreseen {
		if !at.After(l.now) {
			f := strings.Fields(key)
			refs, keys = append(refs, f[0]), append(keys, f[1])
			var stage int
			_, _ = fmt.Sscan(f[2], &stage)
			stages = append(stages, stage)
		}
	}
	// What is done is not planned any more, and what is held for the talks waits.
	const planned = `
		SELECT NOT EXISTS (
		  SELECT FROM unnest($1::text[], $2::text[], $3::int[]) f (ref, notice, stage)
		    JOIN customer c USING (ref) JOIN journey j ON j.customer_id = c.id
		   WHERE NOT EXISTS (SELECT FROM notice_message m WHERE m.customer_id = c.id AND m.notice = f.notice AND m.stage = f.stage)
		     AND NOT (f.notice = 'export-reminder' AND j.export IN ('completed', 'not_needed'))
		     AND NOT (f.notice LIKE 'choose-%' AND j.choose IN ('completed', 'not_needed'))
		     AND NOT (f.notice LIKE '%refund%' AND j.settle IN ('completed', 'not_needed')))`
	if err := l.await(ctx, "planning what is due", planned, refs, keys, stages); err != nil {
		return err
	}
	const sent = `
		SELECT NOT EXISTS (SELECT FROM notice_message WHERE state = 'planned' AND next_at <= $1)
		   AND NOT EXISTS (SELECT FROM notice_delivery WHERE state = 'sending')`
	return l.await(ctx, "sending what is due", sent, l.now)
}
