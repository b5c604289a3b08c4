package http

import (
	"context"
	"sync"
	"time"

	"offramp/export/source"
)

// ahead is for how long requests are reserved at once, so that a fast source does not cost a question each.
const ahead = 200 * time.Millisecond

// slots are the requests that this process has reserved.
type slots struct {
	pacer source.Pacer // nil: there is no other process
	mu    sync.Mutex
	next  time.Time
	left  int
}

// take returns how long to wait for one more request, every apart from others'. false: the pacer cannot be asked, and this
// process's own pace has to do.
func (s *slots) take(ctx context.Context, every time.Duration) (time.Duration, bool) {
	if s.pacer == nil {
		return 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for s.left > 0 && s.next.Before(now.Add(-every)) { // what was reserved and not used is over
		s.next = s.next.Add(every)
		s.left--
	}
	if s.left == 0 {
		n := max(1, int(ahead/every))
		wait, err := s.pacer.Take(ctx, n, every)
		if err != nil {
			return 0, false
		}
		s.next, s.left = time.Now().Add(wait), n
	}
	wait := max(0, time.Until(s.next))
	s.next = s.next.Add(every)
	s.left--
	return wait, true
}

// hold keeps all processes from asking for a while.
func (s *slots) hold(ctx context.Context, d time.Duration) {
	if s.pacer == nil {
		return
	}
	s.mu.Lock()
	s.left = 0
	s.mu.Unlock()
	_ = s.pacer.Hold(ctx, d) // this process waits all the same
}
