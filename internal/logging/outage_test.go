package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

var errGone = errors.New("spread events: failed to connect to `user=web database=offramp`: dial error: connect: connection refused")

// TestAnOutageOfTheDatabaseIsLoggedInGrowingIntervals lets twenty parts of a process complain each second for an hour.
func TestAnOutageOfTheDatabaseIsLoggedInGrowingIntervals(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, outage := NewCalm(&out, slog.LevelInfo)
	began := time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
	now := began
	outage.now = func() time.Time { return now }
	for ; now.Before(began.Add(18 * time.Second)); now = now.Add(50 * time.Millisecond) {
		log.With("worker", "one").WarnContext(t.Context(), "look for dead workers", slog.Any("error", errGone))
	}
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines in 18 s, want 2:\n%s", n, out.String())
	}
	for ; now.Before(began.Add(time.Hour)); now = now.Add(time.Second) {
		log.ErrorContext(t.Context(), "request failed", slog.String("error", errGone.Error()))
		log.ErrorContext(t.Context(), "request failed", slog.Any("error", errors.New("read: connection reset by peer")))
		log.InfoContext(t.Context(), "request", slog.String("error", errGone.Error())) // not about it: it is no warning
	}
	var told []float64
	for line := range strings.Lines(out.String()) {
		var r struct {
			Since    time.Time `json:"outage_since"`
			Unlogged float64
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if !r.Since.IsZero() {
			if !r.Since.Equal(began) {
				t.Errorf("since %s", r.Since)
			}
			told = append(told, r.Unlogged)
		}
	}
	if len(told) != 16 { // 0, 10, 40, 100, 220 s, then every 5 minutes
		t.Errorf("told %d times: %v", len(told), told)
	}
	out.Reset()
	outage.Answered()
	outage.Answered()
	if n := strings.Count(out.String(), "the database answers again"); n != 1 || !strings.Contains(out.String(), `"after":3600`) {
		t.Errorf("its end: %s", out.String())
	}
	out.Reset()
	log.Error("read", slog.Any("error", errors.New("read: connection reset by peer"))) // another server's
	log.Error("spread", slog.Any("error", errGone))                                    // a new outage
	log.Error("read", slog.Any("error", errors.New("no such table")))
	if n := strings.Count(out.String(), "\n"); n != 3 || strings.Count(out.String(), "outage_since") != 1 {
		t.Errorf("afterwards: %s", out.String())
	}
}

// TestAnOutageThatNobodySawEndIsForgotten begins anew after a long silence.
func TestAnOutageThatNobodySawEndIsForgotten(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, outage := NewCalm(&out, slog.LevelInfo)
	now := time.Now()
	outage.now = func() time.Time { return now }
	for range 2 {
		log.Error("spread", slog.Any("error", errGone))
		log.Error("spread", slog.Any("error", errGone))
		now = now.Add(11 * time.Minute)
	}
	if n := strings.Count(out.String(), `"unlogged":0`); n != 2 {
		t.Errorf("%d outages: %s", n, out.String())
	}
}
