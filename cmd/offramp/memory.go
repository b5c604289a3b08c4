package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The heap of a worker may grow by this room beyond what is live before the garbage collector runs. A large export
// reuses a few buffers, so that Go's default of doubling the heap would waste as much as it uses. Many small exports at
// once produce so much garbage that the collector would take a fifth of the processor; the room then grows until
// collectorRest passes between two cycles. A limit on the whole heap (GOMEMLIMIT) would keep the collector running all
// the time once several exports together need more than it.
const (
	leastRoom     = 5 << 20
	mostRoom      = 32 << 20
	collectorRest = 100 * time.Millisecond
)

// limitHeapGrowth keeps the process's memory small whatever the size of the exports. GOGC or GOMEMLIMIT in the
// environment overrides.
func limitHeapGrowth() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		watchCollector(&collector{percent: 100, room: leastRoom, at: time.Now()})
	}
}

// collector is the pace that was set when its latest cycle ended.
type collector struct {
	percent int // of what was in use then
	room    uint64
	at      time.Time
}

// watchCollector sets the collector's pace after each of its cycles.
func watchCollector(c *collector) {
	now := time.Now()
	c.room, c.at = roomAfter(c.room, now.Sub(c.at)), now
	if next := percentFor(inUse(), c.room); next*10 < c.percent*9 || next*10 > c.percent*11 {
		debug.SetGCPercent(next)
		c.percent = next
	}
	cycle := &struct{ self *int }{new(int)} // unreachable from here on, so that the next cycle finds it
	runtime.AddCleanup(cycle, watchCollector, c)
}

// roomAfter is the room that would have lasted for collectorRest, where the room so far lasted for some time.
func roomAfter(room uint64, lasted time.Duration) uint64 {
	fit := float64(room) * collectorRest.Seconds() / max(lasted.Seconds(), 0.001)
	return uint64(min(mostRoom, max(leastRoom, fit)))
}

// percentFor turns the room into what the collector understands.
func percentFor(used, room uint64) int {
	return int(min(300, max(10, room*100/max(used, 1))))
}

// inUse is what the last cycle found in use, in bytes.
func inUse() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
