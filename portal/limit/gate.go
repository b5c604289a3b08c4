package limit

import (
	"context"
	"sync"
	"time"
)

// Gate bounds how much runs at once: for each key, and in all. Safe for concurrent use. A nil one bounds nothing.
type Gate struct {
	each, all int
	patience  time.Duration

	mu     sync.Mutex
	inside map[string]int
	total  int
	freed  chan struct{} // closed and made anew when somebody leaves
}

// NewGate lets each of a key and all in at once, and has others wait for at most so long. 0 in all is no bound.
func NewGate(each, all int, patience time.Duration) *Gate {
	return &Gate{each: each, all: all, patience: patience, inside: map[string]int{}, freed: make(chan struct{})}
}

// Enter waits for room. The caller calls leave once. ErrTooOften when there was none in time.
func (g *Gate) Enter(ctx context.Context, key string) (leave func(), err error) {
	if g == nil {
		return func() {}, nil
	}
	var late <-chan time.Time
	for {
		freed, ok := g.try(key)
		if ok {
			var once sync.Once
			return func() { once.Do(func() { g.leave(key) }) }, nil
		}
		if g.patience <= 0 {
			return nil, tooOften(time.Second)
		}
		if late == nil {
			timer := time.NewTimer(g.patience)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-freed:
		case <-late:
			return nil, tooOften(time.Second)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (g *Gate) try(key string) (freed <-chan struct{}, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside[key] >= g.each || g.all > 0 && g.total >= g.all {
		return g.freed, false
	}
	g.inside[key]++
	g.total++
	return nil, true
}

func (g *Gate) leave(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.inside[key]--; g.inside[key] == 0 {
		delete(g.inside, key)
	}
	close(g.freed)
	g.freed = make(chan struct{})
}
