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

var (
	unserved = gauge("offramp_writeback_unserved", "1 while this worker lacks the address or the secret of a sink that the programme names.")
	waiting  = gauge("offramp_writeback_waiting", "Deliveries that wait for a sink.")
	parked   = gauge("offramp_writeback_parked", "Deliveries given up after the last try, which somebody may send again.")
	oldest   = gauge("offramp_writeback_oldest_seconds", "How long the oldest delivery that waits for a sink has been waiting.")
	disabled = gauge("offramp_writeback_disabled", "1 while a sink is switched off.")
	repaired = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "offramp_writeback_repaired_total", Help: "Deliveries that an event lacked and that were made later.",
	}, []string{"sink"})
)

func gauge(name, help string) *prometheus.GaugeVec {
	return promauto.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"sink"})
}

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
