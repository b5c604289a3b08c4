package export

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	requests = promauto.NewCounter(prometheus.CounterOpts{
		Name: "offramp_export_requests_total", Help: "Exports requested.",
	})
	finished = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "offramp_exports_finished_total", Help: "Exports that became ready or failed, by state.",
	}, []string{"state"})
	troubles = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "offramp_export_troubles_total", Help: "Attempts that met trouble, by what was to blame.",
	}, []string{"cause"})
	seconds = promauto.NewHistogram(prometheus.HistogramOpts{
		Name: "offramp_export_seconds", Help: "How long successful attempts took.", Buckets: []float64{.1, .5, 2, 10, 60, 300, 1800, 7200},
	})
	sealedBytes = promauto.NewCounter(prometheus.CounterOpts{
		Name: "offramp_export_bytes_total", Help: "Bytes of archive files that were sealed.",
	})
	rawBytes = promauto.NewCounter(prometheus.CounterOpts{
		Name: "offramp_export_raw_bytes_total", Help: "Bytes of data in archive files that were sealed, before packing, as planned.",
	})
	volumesSealed = promauto.NewCounter(prometheus.CounterOpts{
		Name: "offramp_export_volumes_total", Help: "Archive files that were sealed.",
	})
	downloads = promauto.NewCounter(prometheus.CounterOpts{
		Name: "offramp_export_downloads_total", Help: "Links and proxied downloads handed out.",
	})
	losses = promauto.NewCounter(prometheus.CounterOpts{
		Name: "offramp_export_lost_total", Help: "Archives found missing from the bucket although nobody removed them. Each wants a look at the bucket's rules.",
	})
	oldest = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "offramp_export_oldest_seconds", Help: "Age of the oldest live export by queue and state, as of the last sweep that this worker made.",
	}, []string{"queue", "state"})
	queueDepth = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "offramp_export_queue_depth", Help: "Jobs that wait to be begun by queue, as of the last sweep that this worker made.",
	}, []string{"queue"})
	byState = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "offramp_exports", Help: "Exports by state, as of the last sweep that this worker made.",
	}, []string{"state"})
)
