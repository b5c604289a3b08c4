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

// leaseFor is how long a place stays taken when its holder is gone, and renewEvery how often a holder says that it is not.
const (
	leaseFor   = 30 * time.Second
	renewEvery = leaseFor / 3
)

// Shared is a gate whose keys are held once on all replicas together: by a lease in the table of rates, renewed for as long as it is
// held, so that no connection is. What the gate bounds in all is each process's own.
type Shared struct {
	Gate  *Gate
	Store Store
	Kind  string // of what is held, which begins the lease's key
}

// Enter is Gate's, on all replicas. Whoever does not leave, since the process has died, stays for half a minute.
func (s Shared) Enter(ctx context.Context, key string) (leave func(), err error) {
	out, err := s.Gate.Enter(ctx, key)
	if err != nil {
		return nil, err
	}
	name := s.Kind + ":" + key
	until, err := s.take(ctx, name)
	if err != nil {
		out()
		return nil, err
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		s.hold(context.WithoutCancel(ctx), name, until, stop)
	}()
	var once sync.Once
	return func() {
		once.Do(func() {
			out()
			close(stop)
			<-stopped
		})
	}, nil
}

// giving is how long a lease may take to be given back: whoever asks for the next file the moment that one has come waits for it.
const giving = 2 * time.Second

// take takes the lease of a name. ErrTooOften where another holds it.
func (s Shared) take(ctx context.Context, name string) (until time.Time, err error) {
	again := time.NewTicker(giving / 20)
	defer again.Stop()
	late := time.After(giving)
	for {
		until, taken, err := s.Store.lease(ctx, name)
		if err != nil || taken {
			return until, err
		}
		select {
		case <-again.C:
		case <-late:
			return time.Time{}, tooOften(renewEvery)
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

// hold renews a lease until stop is closed, and gives it back.
func (s Shared) hold(ctx context.Context, name string, until time.Time, stop <-chan struct{}) {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			_, _ = s.Store.renew(ctx, name, until, 0) // one that is not given back ends by itself
			return
		case <-tick.C:
			if next, err := s.Store.renew(ctx, name, until, leaseFor); err == nil {
				until = next
			}
		}
	}
}
