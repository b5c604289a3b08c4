package export

import (
	"sync"
	"time"

	"offramp/migration"
)

const (
	window     = time.Minute     // of the rate behind the estimated time
	steadyFrom = 5 * time.Second // a rate over less is a guess
	checkFrom  = 95              // percent at which everything has been sent, and reading back begins
)

// meter knows how far an attempt is. Safe for concurrent use.
type meter struct {
	mu        sync.Mutex
	stage     Stage
	passes    int64 // readings of each dataset
	rows      int64 // read, over all passes
	rowsTotal int64 // of one pass
	done      int64 // raw bytes, estimated from widths and sizes
	total     int64
	percent   int
	samples   []sample
}

// sample is how much was done at an instant of the machine's clock.
type sample struct {
	at   time.Time
	done int64
}

func newMeter() *meter { return &meter{stage: StageCounting, passes: 1} }

// expect sets what is to be done.
func (m *meter) expect(pl *plan, passes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passes = int64(passes)
	for _, pt := range pl.parts {
		m.rowsTotal += pt.rows
		m.total += pt.rows*pt.width*m.passes + pt.weight
	}
}

func (m *meter) enter(s Stage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stage = s
}

func (m *meter) read(rows, width int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows += rows
	m.done += rows * width
}

func (m *meter) file(weight int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += weight
}

// totals are the rows of one pass and the bytes of all.
func (m *meter) totals() (rows, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rowsTotal, m.total
}

// progress is how far it is at an instant of the machine's clock. The percentage never goes back, and reaches a hundred only
// when the export is ready.
func (m *meter) progress(now time.Time) migration.Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.samples = append(m.samples, sample{now, m.done})
	for len(m.samples) > 1 && now.Sub(m.samples[0].at) > window {
		m.samples = m.samples[1:]
	}
	p := migration.Progress{
		Stage: string(m.stage), RowsDone: min(m.rows/m.passes, m.rowsTotal), RowsTotal: m.rowsTotal,
		BytesDone: min(m.done, m.total), BytesTotal: m.total, Left: m.left(now),
	}
	switch {
	case m.stage == StageChecking:
		m.percent = checkFrom
	case m.total > 0:
		m.percent = max(m.percent, int(checkFrom*min(m.done, m.total)/m.total))
	}
	p.Percent = m.percent
	return p
}

// left estimates the time that is left from the last minute's rate; zero while that is not steady: younger than a few
// seconds, or more than half off what the window's later half alone gives.
func (m *meter) left(now time.Time) time.Duration {
	if m.stage != StageReading && m.stage != StageFiles || m.total <= m.done {
		return 0
	}
	whole, ok := m.rate(now, 0)
	recent, enough := m.rate(now, len(m.samples)/2)
	if !ok || !enough || recent < whole/2 || recent > whole*2 {
		return 0
	}
	return time.Duration(float64(m.total-m.done) / whole * float64(time.Second)).Round(time.Second)
}

// rate is bytes a second since the sample at index from.
func (m *meter) rate(now time.Time, from int) (float64, bool) {
	first := m.samples[from]
	span := now.Sub(first.at)
	if span < steadyFrom/2 || from == 0 && span < steadyFrom || m.done <= first.done {
		return 0, false
	}
	return float64(m.done-first.done) / span.Seconds(), true
}
