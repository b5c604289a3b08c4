package refund

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"offramp/internal/db"
)

// Metrics count what becomes of payments. Its amounts stay in the database.
type Metrics struct {
	outcomes *prometheus.CounterVec
	faults   prometheus.Gauge
	tasks    prometheus.Gauge
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "offramp_refund_attempts_total", Help: "Attempts at refunds that moved, by channel and state."}, []string{"channel", "state"}),
		faults:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "offramp_refund_ledger_faults", Help: "Faults that the last check of the ledger found."}),
		tasks:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "offramp_refund_open_tasks", Help: "Open tasks of finance."}),
	}
	r.MustRegister(m.outcomes, m.faults, m.tasks)
	return m
}

func (s *Service) count(a attempt) {
	if s.Metrics != nil {
		s.Metrics.outcomes.WithLabelValues(a.channel, a.state).Inc()
	}
}

// measure sets the gauges.
func (s *Service) measure(ctx context.Context, faults int) error {
	if s.Metrics == nil {
		return nil
	}
	s.Metrics.faults.Set(float64(faults))
	return s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		n, err := s.store.countTasks(ctx, tx)
		s.Metrics.tasks.Set(float64(n))
		return err
	})
}
