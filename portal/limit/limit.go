// Package limit bounds how often somebody may ask and how much of it at once, so that one person's flood is nobody else's wait.
// Rates hold across replicas: they are counted in PostgreSQL, with as few round trips as they need. What runs at once is
// counted in the process, whose room it takes.
package limit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"offramp/internal/fault"
)

// ErrTooOften is the answer to who asks too often. Args: Count, the seconds until the next try is answered.
var ErrTooOften = fault.New(fault.Limited, "fault.too_often")

// RetryAfter is how long whoever met this error has to wait; 0 where it does not say.
func RetryAfter(err error) time.Duration {
	if f, ok := fault.As(err); ok && errors.Is(err, ErrTooOften) {
		seconds, _ := f.Args["Count"].(int)
		return time.Duration(seconds) * time.Second
	}
	return 0
}

func tooOften(wait time.Duration) error {
	seconds := max(int((wait+time.Second-1)/time.Second), 1)
	return ErrTooOften.With(map[string]any{"Count": seconds})
}

// Rate is how often something may happen: a number a minute, of which a fourth may come at once. 0 is no bound.
type Rate int

func (r Rate) burst() int           { return max(int(r)/4, 1) }
func (r Rate) every() time.Duration { return time.Minute / time.Duration(r) }

// Buckets counts in a store that replicas share.
type Buckets interface {
	// Take takes a number of tokens from a bucket that refills by one each interval and holds burst of them. It returns 0, or
	// how long until so many are there; then it has taken none.
	Take(ctx context.Context, key string, tokens, burst int, every time.Duration) (wait time.Duration, err error)
}

// Limiter holds people to rates. Safe for concurrent use. A nil one bounds nothing.
type Limiter struct {
	buckets Buckets

	mu     sync.Mutex
	asked  map[string]*asked
	sweepT time.Time
}

// asked is what this process knows of one bucket without asking.
type asked struct {
	until time.Time // nothing is there before
	left  int       // taken in advance
	stale time.Time // when what was taken in advance is forgotten
}

// New counts in buckets.
func New(b Buckets) *Limiter { return &Limiter{buckets: b, asked: map[string]*asked{}} }

const (
	keepLeft = 10 * time.Second // what was taken in advance
	mostKept = 20_000           // buckets that one process remembers
)

// Take counts one request of key. ErrTooOften when the rate is used up. advance is how many a process may take at a time, for
// requests that are many and cheap: 1 counts each by itself.
func (l *Limiter) Take(ctx context.Context, key string, r Rate, advance int) error {
	if l == nil || r <= 0 {
		return nil
	}
	if done, err := l.known(key); done {
		return err
	}
	advance = min(advance, r.burst())
	wait, err := l.buckets.Take(ctx, key, advance, r.burst(), r.every())
	if err != nil {
		return fmt.Errorf("count requests: %w", err)
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait > 0 {
		l.asked[key] = &asked{until: now.Add(wait), stale: now.Add(wait)}
		return tooOften(wait)
	}
	l.asked[key] = &asked{left: advance - 1, stale: now.Add(keepLeft)}
	return nil
}

// Still refuses who was refused under a key a moment ago, without a round trip; nil: ask.
func (l *Limiter) Still(key string) error {
	if l == nil {
		return nil
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.asked[key]; a != nil && now.Before(a.until) {
		return tooOften(a.until.Sub(now))
	}
	return nil
}

// Refuse has Still refuse a key for as long as err says. What is no refusal is passed over.
func (l *Limiter) Refuse(key string, err error) {
	wait := RetryAfter(err)
	if l == nil || wait <= 0 {
		return
	}
	until := time.Now().Add(wait)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked[key] = &asked{until: until, stale: until}
}

// known answers from what this process has asked before: a refusal that still holds costs no round trip.
func (l *Limiter) known(key string) (done bool, err error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	a := l.asked[key]
	switch {
	case a == nil || now.After(a.stale):
		return false, nil
	case now.Before(a.until):
		return true, tooOften(a.until.Sub(now))
	case a.left > 0:
		a.left--
		return true, nil
	}
	return false, nil
}

// sweep forgets what is past, at most once a second, and everything when there is too much: the store knows it all.
func (l *Limiter) sweep(now time.Time) {
	if now.Sub(l.sweepT) < time.Second {
		return
	}
	l.sweepT = now
	for key, a := range l.asked {
		if now.After(a.stale) || len(l.asked) > mostKept {
			delete(l.asked, key)
		}
	}
}

// Network is the part of an address that one party holds: an IPv4 address, or the /64 of an IPv6 one (RFC 6177). What is no
// address is one party, too.
func Network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}
