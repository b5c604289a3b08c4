package writeback

import (
	"testing"
	"time"
)

func TestTheScheduleLastsThreeDays(t *testing.T) {
	var least, most time.Duration
	for i, d := range schedule {
		least, most = least+d, most+d+d/10
		for range 100 {
			if got := delay(i, 0); got < d || got > d+d/10 {
				t.Errorf("after %d failures: %v, want %v and up to a tenth", i, got, d)
			}
		}
	}
	if least < 72*time.Hour || most > 96*time.Hour {
		t.Errorf("from %v to %v", least, most)
	}
	if got := delay(0, time.Hour); got != time.Hour {
		t.Errorf("asked for an hour, waits %v", got)
	}
	if got := delay(0, 1000*time.Hour); got > maxPause {
		t.Errorf("waits %v", got)
	}
}
