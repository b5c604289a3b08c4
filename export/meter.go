package export

import (
	"slices"
	"sync"
	"time"
)

const (
	window     = time.Minute     // of the rate behind the estimated time
	steadyFrom = 5 * time.Second // a rate over less is a guess
	almost     = 99              // percent beyond which nothing is before it is ready
	proofShare = 15              // percent of reading and sending that reading back is taken to cost, until it shows
	leap       = 2               // by which factor the estimated time may change from one update to the next
	follow     = 0.25            // share of the way to a new estimate that one update goes
)

// ledger counts what one try of a volume has read. Safe for concurrent use.
type ledger struct {
	mu       sync.Mutex
	stage    Stage
	passes   int64 // readings of each dataset
	datasets []counted
	proven   int64 // bytes of the archive that were read back
	archive  int64 // bytes that will be; 0: not known yet
}

// counted is one dataset's part of a ledger. Bytes are raw and estimated, over all passes.
type counted struct {
	done
	read     int64 // rows over all passes
	width    int64
	rowBytes int64 // of BytesTotal
}

func newLedger() *ledger { return &ledger{stage: StageCounting, passes: 1} }

// expect sets what is to be done.
func (l *ledger) expect(pieces []piece, passes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passes, l.datasets = max(passes, 1), nil
	for _, p := range pieces {
		c := counted{rowBytes: p.Bytes * l.passes, done: done{Dataset: p.Dataset, RowsTotal: p.Rows, FilesTotal: p.Files}}
		if c.BytesTotal = c.rowBytes + p.FileBytes; p.Rows > 0 {
			c.width = p.Bytes / p.Rows
		}
		l.datasets = append(l.datasets, c)
	}
}

func (l *ledger) enter(s Stage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stage = s
}

func (l *ledger) at(dataset string) *counted {
	i := slices.IndexFunc(l.datasets, func(c counted) bool { return c.Dataset == dataset })
	return &l.datasets[i]
}

// rows counts rows that were read in any pass.
func (l *ledger) rows(dataset string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.at(dataset)
	c.read += n
	c.Rows = min(c.read/l.passes, c.RowsTotal)
	c.Bytes = min(c.read*c.width, c.rowBytes)
}

// allRows notes that a dataset has been read as often as it had to be.
func (l *ledger) allRows(dataset string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.at(dataset)
	c.Rows, c.Bytes = c.RowsTotal, c.rowBytes
}

// file counts an attachment.
func (l *ledger) file(dataset string, weight int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.at(dataset)
	c.Files = min(c.Files+1, c.FilesTotal)
	c.Bytes = min(c.Bytes+weight, c.BytesTotal)
}

// all notes that everything has been read.
func (l *ledger) all() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stage = StageChecking
	for i := range l.datasets {
		c := &l.datasets[i]
		c.Rows, c.Files, c.Bytes = c.RowsTotal, c.FilesTotal, c.BytesTotal
	}
}

// checks notes that reading back an archive of so many bytes begins.
func (l *ledger) checks(size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proven, l.archive = 0, size
}

// readBack counts bytes of the archive that were read back.
func (l *ledger) readBack(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proven += n
}

// proof is how much of the work of proving is done, in the measure of proofOf.
func (l *ledger) proof() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.archive <= 0 {
		return 0
	}
	total := int64(0)
	for _, c := range l.datasets {
		total += c.BytesTotal
	}
	return int64(float64(proofOf(total)) * float64(min(l.proven, l.archive)) / float64(l.archive))
}

// proofOf is the work of proving so many raw bytes, in raw bytes that could be read in that time.
func proofOf(bytes int64) int64 { return bytes / 100 * proofShare }

// counts returns the counts as they are now, per dataset and in sum.
func (l *ledger) counts() (stage Stage, list []done, all done) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list = make([]done, 0, len(l.datasets))
	for _, c := range l.datasets {
		list = append(list, c.done)
		all.Rows, all.RowsTotal = all.Rows+c.Rows, all.RowsTotal+c.RowsTotal
		all.Bytes, all.BytesTotal = all.Bytes+c.Bytes, all.BytesTotal+c.BytesTotal
	}
	return l.stage, list, all
}

// forecast turns how much was done over time into a percentage and the time that is left. Not safe for concurrent use.
type forecast struct {
	percent int
	samples []sample
	left    time.Duration // the last estimate, at the last update; 0: none
	looked  time.Time
}

// sample is how much was done at an instant of the machine's clock.
type sample struct {
	at   time.Time
	done int64
}

// update takes what was done of a total, proofs included, at an instant of the machine's clock. The percentage never
// goes back, and reaches a hundred only when the export is ready. The time left is zero while it is not known. It
// follows the rate of the last minute, and changes by a factor of two at most from one update to the next.
func (f *forecast) update(now time.Time, stage Stage, done, total int64) (percent int, left time.Duration) {
	if n := len(f.samples); n > 0 && done < f.samples[n-1].done {
		f.samples = nil // another job gave up what it had done
	}
	f.samples = append(f.samples, sample{now, done})
	for len(f.samples) > 2 && now.Sub(f.samples[1].at) >= window {
		f.samples = f.samples[1:]
	}
	if total > 0 {
		f.percent = max(f.percent, min(almost, int(100*float64(done)/float64(total))))
	}
	f.left = f.estimate(now, stage, done, total)
	f.looked = now
	return f.percent, f.left.Round(time.Second)
}

func (f *forecast) estimate(now time.Time, stage Stage, done, total int64) time.Duration {
	first := f.samples[0]
	span := now.Sub(first.at)
	if stage == StageCounting || total <= done {
		return 0
	}
	if span < steadyFrom || done <= first.done {
		return max(0, f.left-now.Sub(f.looked))
	}
	fresh := float64(total-done) / (float64(done-first.done) / span.Seconds()) * float64(time.Second)
	if f.left <= 0 {
		return time.Duration(fresh)
	}
	expected := max(float64(f.left-now.Sub(f.looked)), float64(time.Second))
	next := expected + follow*(fresh-expected)
	return time.Duration(min(max(next, expected/leap), expected*leap))
}
