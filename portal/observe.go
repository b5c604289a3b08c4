package portal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"offramp/portal/page"
)

// observe surrounds every request: headers, an incident number, one line in the log, one measurement, and an answer even
// to a panic. The line names the route and not the address: addresses hold tokens and what readers searched for.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began, request := time.Now(), c.Request()
		s.setHeaders(c.Response().Header())
		page.Keep(c, s.visit(c, rand.Text()[:12]))
		if err := s.guard(c, next); err != nil {
			c.SetRequest(request) // the route's time may be over, the error page's is not
			s.fail(c, err)
		}
		s.record(c, time.Since(began))
		return nil
	}
}

// guard turns a panic into an error. One that means "drop the connection" goes on.
func (s *Server) guard(c echo.Context, next echo.HandlerFunc) (err error) {
	defer func() {
		r := recover()
		if cause, ok := r.(error); ok && errors.Is(cause, http.ErrAbortHandler) {
			panic(r)
		}
		if r != nil {
			s.log.Error("panic", "incident", page.Of(c).Incident, "route", c.Path(), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return next(c)
}

// statusLeft stands in the log and in the measurements for a request whose sender hung up before it was answered, as other
// servers write it. It is nobody's fault.
const statusLeft = 499

// left reports whether whoever sent the request has hung up. The route's own time limit is not it.
func left(r *http.Request) bool { return errors.Is(r.Context().Err(), context.Canceled) }

func (s *Server) record(c echo.Context, took time.Duration) {
	v, route, method := page.Of(c), c.Path(), c.Request().Method
	_, status, bytes := page.Sent(c)
	if v.Left {
		status = statusLeft
	}
	if route == "" {
		route = "none"
	}
	if method != http.MethodGet && method != http.MethodHead && method != http.MethodPost {
		method = "other"
	}
	if s.measured != nil {
		s.measured.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
	}
	ctx := c.Request().Context()
	if !s.log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("method", method), slog.String("route", route), slog.Int("status", status),
		slog.Int64("bytes", bytes), slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("incident", v.Incident), slog.String("address", c.RealIP()))
	if v.Session != nil {
		attrs = append(attrs, slog.String("identity", v.Session.IdentityID), slog.String("customer", v.Session.CustomerID))
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "request", attrs...)
}

// measure registers how long requests take.
func (s *Server) measure(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	s.measured = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "offramp_http_request_seconds", Help: "Time to answer a request, by route.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"method", "route", "status"})
	return r.Register(s.measured)
}
