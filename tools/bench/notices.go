package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local"
	"offramp/deploy/local/postgres"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/internal/mail/report"
	"offramp/migration"
	"offramp/migration/notice"
)

const (
	toldMails = 2_000 // handed to the mailbox, with the product and without
	atATime   = 16    // as the product hands them over
)

// told is the stage of the measurements of notices: many customers, one notice to them all, at nine on its day.
type told struct {
	*ground
	sender *notice.Sender
	clock  *clock.Manual
	data   *db.DB
	post   *mail.Post
	n      int // customers so far
}

// fixedProgramme is a programme that is in effect.
type fixedProgramme struct{ p *migration.Programme }

func (f fixedProgramme) Active(context.Context) (*migration.Programme, error) { return f.p, nil }

// benchNotices measures planning and sending of notices: planning for ever more customers against COPY of the same rows, a pass of
// the planner that finds nobody against reading the customers once and against going through them in batches of gorm, and sending
// against the same mail client without a database.
func benchNotices(ctx context.Context, rounds, most int) (err error) {
	g, err := stage(ctx, 1_000, nil)
	if err != nil {
		return err
	}
	defer g.close()
	t := &told{ground: g, clock: clock.NewManual(time.Now())}
	if err := t.open(ctx); err != nil {
		return err
	}
	defer t.data.Close()
	if err := t.sending(ctx, rounds); err != nil {
		return err
	}
	for size := 10_000; size <= most; size *= 10 {
		if err := t.planning(ctx, size); err != nil {
			return err
		}
		if size == most {
			return t.looking(ctx, rounds)
		}
	}
	return nil
}

// open makes the sender, at nine on the day of the announcement where the customers are.
func (t *told) open(ctx context.Context) (err error) {
	p := *t.programme
	n, ok := p.Notice("announcement")
	if !ok {
		return errors.New("the example's programme has no announcement")
	}
	p.Notices.List, p.Notices.Briefing, p.Version, p.Notices.Rate = []migration.Notice{n}, nil, 1, 1_000_000
	day, _ := p.Milestone("announcement")
	t.clock.Set(day.Day.Start(time.UTC).Add(10 * time.Hour))
	t.programme = &p
	if t.data, err = db.Open(ctx, t.stack.Postgres.URL(local.Database, postgres.AppRole), db.Options{Clock: t.clock}); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(t.stack.Mail.SMTP)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	t.post, err = mail.NewPost(ctx, mail.Config{Host: host, Port: number, TLS: mail.None, From: "moving@hezhou.example", Timeout: 10 * time.Second}, nil)
	if err != nil {
		return err
	}
	t.renew()
	_, hash := notice.ContentOf(&p, n)
	_, err = t.super.Exec(ctx, `INSERT INTO notice_approval (notice, hash, content, drafted_by, approved_by, approved_at) VALUES ($1, $2, 'x', 'a', 'b', now())`, n.Key, hash)
	return err
}

// renew makes a sender that knows of no earlier pass.
func (t *told) renew() {
	service := notice.NewService(t.data, fixedProgramme{t.programme}, "https://moving.example", report.Seals{})
	t.sender = &notice.Sender{Service: service, Post: t.post, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// grow brings the number of customers with an owner to size.
func (t *told) grow(ctx context.Context, size int) error {
	for _, sql := range []string{
		`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at)
		 SELECT 'bn-' || n, 'BN-' || n, 'Bench ' || n, 'basic', 'en', (ARRAY['UTC', 'Europe/Berlin', 'Europe/London'])[1 + n % 3], $3, $3
		   FROM generate_series($1::int, $2::int) n`,
		`INSERT INTO journey (customer_id, version, dates, export, choose, settle, confirm, detail, updated_at)
		 SELECT 'bn-' || n, 1, 'not_started', 'not_started', 'not_started', 'not_needed', 'cannot_start', '{}', $3 FROM generate_series($1::int, $2::int) n`,
		`INSERT INTO contact (id, customer_id, email, name, role, locale, imported_at, updated_at)
		 SELECT 'bk-' || n, 'bn-' || n, 'owner' || n || '@bench.example', 'Owner', 'owner', 'en', $3, $3 FROM generate_series($1::int, $2::int) n`,
	} {
		if _, err := t.super.Exec(ctx, sql, t.n+1, size, t.clock.Now().Add(-24*time.Hour)); err != nil {
			return err
		}
	}
	t.n = size
	for _, table := range []string{"customer", "journey", "contact", "notice_message"} {
		if _, err := t.super.Exec(ctx, `VACUUM ANALYZE `+table); err != nil {
			return err
		}
	}
	return nil
}

// planning plans for all customers who were not told yet, against COPY of the same rows into a table with the same indexes.
func (t *told) planning(ctx context.Context, size int) error {
	before := t.n
	if err := t.grow(ctx, size); err != nil {
		return err
	}
	t.renew() // goes through everybody: the new customers do not bear the time of a change
	var ours time.Duration
	err := profiled("notices-planning", func() error {
		return t.logStatements(ctx, "notices-planning", func() error {
			began := time.Now()
			_, err := t.sender.Plan(ctx)
			ours = time.Since(began)
			return err
		})
	})
	if err != nil {
		return err
	}
	var planned int
	if err := t.super.QueryRow(ctx, `SELECT count(*) FROM notice_message WHERE customer_id LIKE 'bn-%'`).Scan(&planned); err != nil || planned != size {
		return errors.Join(err, fmt.Errorf("%d customers are planned for, want %d", planned, size))
	}
	theirs, err := t.copied(ctx, before)
	if err != nil {
		return err
	}
	line(fmt.Sprintf("notices: planning for %d customers / COPY of the same rows", size-before),
		ours.Round(time.Millisecond).String(), theirs.Round(time.Millisecond).String(), float64(theirs)/float64(ours), ">= 0.85 (speed)")
	return nil
}

// copied takes the time of COPY of the rows that were planned last, their indexes included.
func (t *told) copied(ctx context.Context, before int) (time.Duration, error) {
	conn, err := t.super.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	for _, sql := range []string{
		`DROP TABLE IF EXISTS bench_message`, `CREATE TABLE bench_message (LIKE notice_message INCLUDING ALL)`,
		`ALTER TABLE bench_message ADD FOREIGN KEY (customer_id) REFERENCES customer`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return 0, err
		}
	}
	rows, err := conn.Query(ctx, `
		SELECT id, customer_id, notice, stage, due_day, due_at, hash, state, channel, next_at, planned_at FROM notice_message
		 WHERE customer_id LIKE 'bn-%' AND substr(customer_id, 4)::int > $1`, before)
	if err != nil {
		return 0, err
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() })
	if err != nil {
		return 0, err
	}
	began := time.Now()
	columns := []string{"id", "customer_id", "notice", "stage", "due_day", "due_at", "hash", "state", "channel", "next_at", "planned_at"}
	_, err = conn.Conn().CopyFrom(ctx, pgx.Identifier{"bench_message"}, columns, pgx.CopyFromRows(all))
	return time.Since(began), err
}

// looking is a pass of the planner that finds everybody told.
func (t *told) looking(ctx context.Context, rounds int) error {
	if _, err := t.super.Exec(ctx, `VACUUM ANALYZE notice_message`); err != nil {
		return err
	}
	var ours, scan, batches []time.Duration
	for range rounds {
		began := time.Now()
		if _, err := t.sender.Plan(ctx); err != nil {
			return err
		}
		ours = append(ours, time.Since(began))
		var n int
		began = time.Now()
		if err := t.super.QueryRow(ctx, `SELECT count(*) FROM customer WHERE lower(name) <> 'x'`).Scan(&n); err != nil {
			return err
		}
		scan = append(scan, time.Since(began))
	}
	took, err := t.inBatches(ctx)
	if err != nil {
		return err
	}
	batches = append(batches, took)
	a, b, c := median(ours), median(scan), median(batches)
	line(fmt.Sprintf("notices: who of %d is due / one scan of the customers", t.n), a.Round(time.Millisecond).String(), b.Round(time.Millisecond).String(), float64(a)/float64(b), "<= 2.5")
	line(fmt.Sprintf("notices: who of %d is due / gorm in batches of 1000", t.n), a.Round(time.Millisecond).String(), c.Round(time.Millisecond).String(), float64(c)/float64(a), ">= 20 (times faster)")
	return nil
}

// sending hands as many mails to the mailbox with the product as without.
func (t *told) sending(ctx context.Context, rounds int) error {
	if err := t.grow(ctx, toldMails); err != nil {
		return err
	}
	if _, err := t.super.Exec(ctx, `UPDATE customer SET state = 'disabled' WHERE id NOT LIKE 'bn-%'`); err != nil {
		return err
	}
	if _, err := t.sender.Plan(ctx); err != nil {
		return err
	}
	var ours time.Duration
	err := profiled("notices-sending", func() error {
		return t.logStatements(ctx, "notices-sending", func() error {
			began := time.Now()
			err := t.sender.Sweep(ctx)
			ours = time.Since(began)
			return err
		})
	})
	if err != nil {
		return err
	}
	sent := t.stack.Mail.Messages("")
	if len(sent) != toldMails {
		return fmt.Errorf("%d mails were sent, want %d", len(sent), toldMails)
	}
	bodies := sent[0]
	var theirs []time.Duration
	for range rounds {
		began := time.Now()
		if err := t.bareSending(ctx, mail.Envelope{Tag: "en", Subject: bodies.Subject, HTML: bodies.HTML, Plain: bodies.Text, At: time.Now()}); err != nil {
			return err
		}
		theirs = append(theirs, time.Since(began))
	}
	b := median(theirs)
	line(fmt.Sprintf("notices: sending %d mails / the same client alone", toldMails),
		ours.Round(time.Millisecond).String(), b.Round(time.Millisecond).String(), float64(b)/float64(ours), ">= 0.50 (speed)")
	return nil
}

func (t *told) bareSending(ctx context.Context, e mail.Envelope) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var states []string
	work := make(chan int)
	for range atATime {
		group.Go(func() {
			for i := range work {
				one := e
				one.Name, one.Address, one.ID = "Owner", fmt.Sprintf("bare%d@bench.example", i), fmt.Sprintf("%032x", i)
				r := t.post.Hand(ctx, one)
				mu.Lock()
				states = append(states, r.State)
				mu.Unlock()
			}
		})
	}
	for i := range toldMails {
		work <- i
	}
	close(work)
	group.Wait()
	if i := slices.IndexFunc(states, func(s string) bool { return s != mail.Accepted }); i >= 0 {
		return fmt.Errorf("a mail of the bare client is %s", states[i])
	}
	return nil
}
