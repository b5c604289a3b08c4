package limit_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/portal/limit"
)

func TestH03_ABucketHoldsUnderConcurrentTakers(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t).Open(t)
	var passed atomic.Int32
	var takers sync.WaitGroup
	for range 4 { // replicas
		replica := limit.New(limit.Store{Pool: database.Pool})
		for range 5 {
			takers.Go(func() {
				for range 10 {
					if replica.Take(t.Context(), "identity x acts", 40, 1) == nil { // ten at once, then one in 1.5 s
						passed.Add(1)
					}
				}
			})
		}
	}
	began := time.Now()
	takers.Wait()
	if most := 10 + int32(time.Since(began)/(1500*time.Millisecond)) + 1; passed.Load() < 10 || passed.Load() > most {
		t.Errorf("%d of 200 passed, at most %d may", passed.Load(), most)
	}
	other := limit.New(limit.Store{Pool: database.Pool})
	if err := other.Take(t.Context(), "identity y acts", 40, 1); err != nil {
		t.Errorf("another key: %v", err)
	}
	if wait := limit.RetryAfter(other.Take(t.Context(), "identity x acts", 40, 1)); wait <= 0 || wait > 3*time.Second {
		t.Errorf("to wait: %v", wait)
	}
}

func TestNetworkIsWhatOnePartyHolds(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"198.51.100.7": "198.51.100.7", "::ffff:198.51.100.7": "198.51.100.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "": "unknown",
		"nonsense": "unknown",
	} {
		if got := limit.Network(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
