package refund

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"offramp/internal/db"
)

// What becomes of payments, counted. Amounts stay in the database.
var (
	outcomes = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "offramp_refund_attempts_total", Help: "Attempts at refunds that moved, by channel and state.",
	}, []string{"channel", "state"})
	ledgerFaults = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "offramp_refund_ledger_faults", Help: "Faults that the last check of the ledger found.",
	})
	openTasks = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "offramp_refund_open_tasks", Help: "Open tasks of finance.",
	})
)

// measure sets the gauges.
func (s *Service) measure(ctx context.Context, faults int) error {
	ledgerFaults.Set(float64(faults))
	return s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		n, err := s.store.countTasks(ctx, tx)
		openTasks.Set(float64(n))
		return err
	})
}
