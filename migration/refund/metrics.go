package refund

import (
	"context"
	"log/slog"

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
	scans = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "offramp_refund_scans_total", Help: "Scans of documents, by outcome: clean, refused, failed.",
	}, []string{"outcome"})
	scanWait = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "offramp_refund_scan_wait_seconds", Help: "How long the document that has waited longest for the scanner has done so; 0: none waits.",
	})
	openTasks = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "offramp_refund_open_tasks", Help: "Open tasks of finance.",
	})
)

// measureScans sets the gauge of what waits for the scanner, and says in the log when that is too long.
func (s *Service) measureScans(ctx context.Context, tx *db.Tx) error {
	w, err := s.store.countScanning(ctx, tx)
	if err != nil {
		return err
	}
	scanWait.Set(0)
	if w.Since != nil {
		scanWait.Set(tx.Now.Sub(*w.Since).Seconds())
	}
	if w.Long(tx.Now) {
		s.Log.WarnContext(ctx, "documents wait for the scanner", slog.Int("count", w.Count), slog.Time("since", *w.Since))
	}
	return nil
}

// measure sets the gauges.
func (s *Service) measure(ctx context.Context, faults int) error {
	ledgerFaults.Set(float64(faults))
	return s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		n, err := s.store.countTasks(ctx, tx)
		openTasks.Set(float64(n))
		return err
	})
}
