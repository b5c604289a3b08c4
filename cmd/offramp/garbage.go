package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// garbageRoom is how far the heap of a worker may grow beyond what is in use before the collector runs. An export lives in a
// few buffers that it uses again and again; what it leaves behind would otherwise come to as much as is in use. A bound on the
// whole would instead keep the collector at work without end while several exports need more than it.
const garbageRoom = 5 << 20

// boundGarbage keeps the process small whatever the exports' size. GOGC or GOMEMLIMIT in the environment overrides.
func boundGarbage() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		watchCollector(100)
	}
}

// watchCollector sets the collector's pace after each of its cycles, which began at a percentage of what was in use then.
func watchCollector(percent int) {
	next := percentFor(inUse())
	if next*10 < percent*9 || next*10 > percent*11 {
		debug.SetGCPercent(next)
		percent = next
	}
	cycle := &struct{ self *int }{new(int)} // unreachable from here on, so that the next cycle finds it
	runtime.AddCleanup(cycle, watchCollector, percent)
}

// percentFor turns the room into what the collector understands.
func percentFor(used uint64) int {
	return int(min(200, max(10, garbageRoom*100/max(used, 1))))
}

// inUse is what the last cycle found in use, in bytes.
func inUse() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
