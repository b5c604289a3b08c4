package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How far the heap of a worker may grow beyond what is in use before the collector runs. A large export lives in a few buffers that
// it uses again and again; what it leaves behind would otherwise come to as much as is in use. Many small ones at once leave so much
// behind that the collector would take a fifth of the processor: then the room grows until the collector rests for a while
// between two cycles. A bound on the whole would instead keep it at work without end while several exports need more than that.
const (
	leastRoom     = 5 << 20
	mostRoom      = 32 << 20
	collectorRest = 100 * time.Millisecond
)

// boundGarbage keeps the process small whatever the exports' size. GOGC or GOMEMLIMIT in the environment overrides.
func boundGarbage() {
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
