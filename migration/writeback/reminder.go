package writeback

import (
	"sync"
	"time"
)

// reminders are how long to be silent about something that goes on, each after the one before.
var reminders = [...]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// reminder decides when to speak of what goes on: at once, when it changes, and in growing intervals.
type reminder struct {
	mu   sync.Mutex
	open map[string]reminded
}

type reminded struct {
	what string
	next time.Time
	said int
}

// due reports whether to speak of key at now.
func (r *reminder) due(key, what string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = map[string]reminded{}
	}
	state, known := r.open[key]
	if known && state.what == what && now.Before(state.next) {
		return false
	}
	if state.what != what {
		state.said = 0
	}
	r.open[key] = reminded{what: what, next: now.Add(reminders[min(state.said, len(reminders)-1)]), said: state.said + 1}
	return true
}

// end forgets key and reports whether it was spoken of.
func (r *reminder) end(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.open[key]
	delete(r.open, key)
	return known
}

// others are the keys spoken of that are not among those given.
func (r *reminder) others(current map[string]Want) (gone []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.open {
		if _, is := current[key]; !is {
			gone = append(gone, key)
		}
	}
	return gone
}
