package truth

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// received counts mails that came in by what they were.
var received = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "offramp_mail_reports_total", Help: "Mails about our mails that came in, by way and what they were.",
}, []string{"source", "outcome"})
