package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

var (
	lockLosses = promauto.NewCounter(prometheus.CounterOpts{
		Name: "offramp_worker_lock_losses_total", Help: "Times that this worker lost the lock that shows it alive.",
	})
	jobsReturned = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "offramp_jobs_returned_total", Help: "Jobs taken back from workers that died, by kind and the state they were put in.",
	}, []string{"kind", "state"})
	jobFailures = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "offramp_job_failures_total", Help: "Attempts that ended in an error or a panic, by kind.",
	}, []string{"kind"})
	jobSeconds = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "offramp_job_seconds", Help: "How long attempts took, by kind.",
		Buckets: []float64{.01, .05, .25, 1, 5, 30, 120, 600, 3600},
	}, []string{"kind"})
)

func observe(kind string, d time.Duration) { jobSeconds.WithLabelValues(kind).Observe(d.Seconds()) }

// failures logs every failed attempt by kind and id. Arguments are never logged: they may name people.
type failures struct {
	logger *slog.Logger
}

// HandleError logs err and leaves the retry to the worker's schedule.
func (f *failures) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	f.log(ctx, job, slog.Any("error", err))
	return nil
}

// HandlePanic logs a panic with its trace and leaves the retry to the worker's schedule.
func (f *failures) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	f.log(ctx, job, slog.Any("panic", value), slog.String("trace", trace))
	return nil
}

func (f *failures) log(ctx context.Context, job *rivertype.JobRow, attrs ...slog.Attr) {
	jobFailures.WithLabelValues(job.Kind).Inc()
	level := slog.LevelWarn
	if job.Attempt >= job.MaxAttempts {
		level = slog.LevelError
	}
	f.logger.LogAttrs(ctx, level, "job failed", append([]slog.Attr{
		slog.String("job_kind", job.Kind), slog.Int64("job_id", job.ID),
		slog.Int("attempt", job.Attempt), slog.Int("max_attempts", job.MaxAttempts),
	}, attrs...)...)
}

// quiet passes River's warnings and errors only.
type quiet struct {
	slog.Handler
}

// Enabled reports whether River may speak at this level.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the handler quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup keeps the handler quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
