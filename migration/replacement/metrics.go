package replacement

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	exhausted = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "offramp_offer_codes_exhausted_total", Help: "Choices that found no code left in the pool.",
	}, []string{"replacement"})
	waitingCustomers = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "offramp_offer_waiting", Help: "Customers who wait for an offer's code, as of the last sweep that this worker made.",
	}, []string{"replacement"})
	freeCodes = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "offramp_offer_codes_free", Help: "Codes that nobody has drawn, as of the last sweep that this worker made.",
	}, []string{"replacement"})
	counts = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "offramp_feature_counts_total", Help: "Counts of a feature's use over all customers, by feature and outcome (done, slow, failed).",
	}, []string{"feature", "outcome"})
	reports = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "offramp_replacement_reports_total", Help: "Reports of replacements, by replacement and outcome (moved, repeated, refused).",
	}, []string{"replacement", "outcome"})
)
