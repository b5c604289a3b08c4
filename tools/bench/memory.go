package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"offramp/deploy/local"
)

// memory is what a process has resident, in MiB.
type memory struct {
	all float64 // with the pages of its program's file, which all processes of it on a machine share
	own float64 // without
}

// memoryWatch looks at a process again and again.
type memoryWatch struct {
	process *local.Offramp
	stop    chan struct{}
	ended   chan float64 // takes the peak of what is its own
}

// watchMemory begins to watch.
func watchMemory(p *local.Offramp) *memoryWatch {
	w := &memoryWatch{process: p, stop: make(chan struct{}), ended: make(chan float64, 1)}
	go w.run()
	return w
}

func (w *memoryWatch) run() {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	peak := 0.0
	for {
		if now, err := status(w.process, "RssAnon"); err == nil {
			peak = max(peak, now)
		}
		select {
		case <-w.stop:
			w.ended <- peak
			return
		case <-tick.C:
		}
	}
}

// end returns the peaks: of all as the system knows it, of what is its own as it was seen.
func (w *memoryWatch) end() (m memory, err error) {
	close(w.stop)
	m.own = <-w.ended
	m.all, err = status(w.process, "VmHWM")
	return m, err
}

// status reads a size from what the system says of a process, in MiB. Source: proc(5).
func status(p *local.Offramp, name string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		return 0, err
	}
	for text := range strings.Lines(string(text)) {
		var kib float64
		if n, _ := fmt.Sscanf(text, name+": %f kB", &kib); n == 1 {
			return kib / 1024, nil
		}
	}
	return 0, fmt.Errorf("no %s of process %d", name, p.Pid())
}

func inMiB(v float64) string { return fmt.Sprintf("%.0f MiB", v) }
