package writeback

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var deliveries = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "offramp_writeback_tries_total", Help: "Tries to deliver an event to a sink, by what they came to: delivered, failed or parked.",
}, []string{"sink", "result"})

func result(o outcome) string {
	if o.state == Pending {
		return "failed"
	}
	return string(o.state)
}

// pauses remembers which receivers asked for rest, in this process: another one learns it from its own first try.
type pauses struct {
	mu     sync.Mutex
	bySink map[string]time.Time
}

func (p *pauses) set(sink string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bySink == nil {
		p.bySink = map[string]time.Time{}
	}
	if until.After(p.bySink[sink]) {
		p.bySink[sink] = until
	}
}

func (p *pauses) until(sink string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bySink[sink]
}
