package logging

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// intervals are how long an outage of the database goes unmentioned, each after the mention before; the last one repeats.
var intervals = [...]time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}

// forgotten is after how long without a word an outage is over even if nobody saw its end.
const forgotten = 10 * time.Minute

// Outage keeps an outage of the database from filling the log: every part of a process notices it by itself, many times a second.
// The first to say so is heard; then one in growing intervals, with how many were silent, until the database answers. Safe for
// concurrent use.
type Outage struct {
	mu     sync.Mutex
	now    func() time.Time
	log    *slog.Logger
	since  time.Time // zero: there is none
	next   time.Time // when to speak again
	last   time.Time
	said   int
	silent int
}

// NewCalm is New with an outage of the database kept short. The caller tells the Outage when a new connection stands.
func NewCalm(w io.Writer, level slog.Leveler) (*slog.Logger, *Outage) {
	o := &Outage{now: time.Now, log: New(w, level)}
	return slog.New(calm{o.log.Handler(), o}), o
}

// Answered ends an outage and says how long it was.
func (o *Outage) Answered() {
	o.mu.Lock()
	since, silent := o.since, o.silent
	o.since, o.said, o.silent = time.Time{}, 0, 0
	o.mu.Unlock()
	if !since.IsZero() {
		o.log.Info("the database answers again", slog.Duration("after", o.now().Sub(since).Round(time.Second)), slog.Int("unlogged", silent))
	}
}

// hear takes note of a record about the database and reports whether to write it, with what to add to it.
func (o *Outage) hear() (attrs []slog.Attr, speak bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if !o.since.IsZero() && now.Sub(o.last) > forgotten {
		o.since, o.said, o.silent = time.Time{}, 0, 0
	}
	o.last = now
	if o.since.IsZero() {
		o.since = now
	} else if now.Before(o.next) {
		o.silent++
		return nil, false
	}
	o.next = now.Add(intervals[min(o.said, len(intervals)-1)])
	attrs = []slog.Attr{slog.String("outage", "database"), slog.Time("outage_since", o.since.UTC()), slog.Int("unlogged", o.silent)}
	o.said, o.silent = o.said+1, 0
	return attrs, true
}

func (o *Outage) open() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.since.IsZero()
}

// away are words in errors of pgx that say that the database does not answer; broken ones say it only while that is known, since other
// connections break with the same words. pgx has no types for most of them.
var (
	away   = []string{"failed to connect to `", "(SQLSTATE 57P0", "conn closed", "closed pool"}
	broken = []string{"connection reset", "connection refused", "broken pipe", "unexpected EOF", "i/o timeout", "context deadline exceeded", "context canceled"}
)

// about reports whether r tells of a database that does not answer.
func (o *Outage) about(r slog.Record) (is bool) {
	known := o.open()
	r.Attrs(func(a slog.Attr) bool {
		var text string
		switch v := a.Value.Any().(type) {
		case error:
			text = v.Error()
		case string:
			text = v
		default:
			return true
		}
		is = contains(text, away) || known && contains(text, broken)
		return !is
	})
	return is
}

func contains(text string, words []string) bool {
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// calm passes everything but what an outage repeats.
type calm struct {
	slog.Handler
	outage *Outage
}

// Handle implements slog.Handler.
func (c calm) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn || !c.outage.about(r) {
		return c.Handler.Handle(ctx, r)
	}
	attrs, speak := c.outage.hear()
	if !speak {
		return nil
	}
	r = r.Clone()
	r.AddAttrs(attrs...)
	return c.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (c calm) WithAttrs(attrs []slog.Attr) slog.Handler {
	return calm{c.Handler.WithAttrs(attrs), c.outage}
}

// WithGroup implements slog.Handler.
func (c calm) WithGroup(name string) slog.Handler { return calm{c.Handler.WithGroup(name), c.outage} }
