package archive

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/bits"
	"strconv"
)

const (
	chunkSize = 256 << 10
	chunks    = 3
	// manyRows is where a file may pass 4 GiB before compression.
	manyRows = 500_000
)

// Dataset describes rows to add.
type Dataset struct {
	Name    string // lower-case letters, digits, - and _
	Title   string
	Columns []Column
	Source  int64 // how many rows the source counts in the same snapshot
}

// Rows reads a dataset from its beginning, calling yield for each row, as source.Snapshot's method of this name does.
// It is called once for each format and must give the same rows each time.
type Rows func(ctx context.Context, yield func(values [][]byte) error) (int64, error)

// AddDataset writes a dataset in every format chosen, reading it once for each, since a Zip file's entries cannot
// interleave. It fails with *CountError when the readings or the source's count differ: no archive may come of that.
func (a *Writer) AddDataset(ctx context.Context, d Dataset, rows Rows) error {
	if err := a.claim(d.Name); err != nil {
		return err
	}
	var first *reading
	shown := a.newPreview(d.Columns)
	a.previews = append(a.previews, shown)
	for _, f := range a.formats(d) {
		r, err := a.read(ctx, d, f, rows, shown)
		if err != nil {
			return fmt.Errorf("archive: dataset %q as %s: %w", d.Name, f.file.Format, err)
		}
		if err := r.agrees(d, first); err != nil {
			return err
		}
		if first == nil {
			first, shown = r, nil
		}
	}
	a.receipt.Datasets = append(a.receipt.Datasets, first.count)
	a.manifest.Datasets = append(a.manifest.Datasets,
		Listed{Name: d.Name, Title: d.Title, Columns: d.Columns, Rows: first.count.Exported})
	return nil
}

// output is one file of a dataset.
type output struct {
	file   File
	format format
}

func (a *Writer) formats(d Dataset) []output {
	var all []output
	add := func(suffix, name string, kind Kind, f format) {
		all = append(all, output{File{Path: "data/" + d.Name + suffix, Kind: kind, Format: name, Dataset: d.Name}, f})
	}
	if a.opts.CSV {
		add(".csv", "csv", KindMachine, newCSV(d.Columns))
	}
	if a.opts.Spreadsheet {
		add(".spreadsheet.csv", "csv", KindSpreadsheet, newSpreadsheet(d.Columns))
	}
	if a.opts.JSONLines {
		add(".jsonl", "jsonl", KindMachine, newJSON(d.Columns))
	}
	return all
}

// reading is one pass over a dataset.
type reading struct {
	count  Count
	digest uint64 // of the rows, whatever their order
	shown  *preview
}

// agrees holds a reading against the source's count and the first reading.
func (r *reading) agrees(d Dataset, first *reading) error {
	if err := r.count.balanced("rows"); err != nil {
		return err
	}
	if first == nil {
		return nil
	}
	if r.count.Exported != first.count.Exported {
		return &CountError{Dataset: d.Name, What: "rows in a second format", Expected: first.count.Exported, Actual: r.count.Exported}
	}
	if r.digest != first.digest {
		return fmt.Errorf("archive: dataset %q: two readings of one snapshot gave different rows; its query must not depend on chance or the clock", d.Name)
	}
	return nil
}

// read makes one pass, of which the first rows may be shown. Encoding and compressing run side by side.
func (a *Writer) read(ctx context.Context, d Dataset, f output, rows Rows, shown *preview) (*reading, error) {
	s, err := a.open(f.file, true, d.Source > manyRows)
	if err != nil {
		return nil, err
	}
	p := newPump(s)
	r := &reading{count: Count{Dataset: d.Name, Source: d.Source}, shown: shown}
	err = r.encode(ctx, a, d, f.format, rows, p)
	if pumped := p.end(); pumped != nil {
		return nil, pumped // the cause, if both failed
	}
	if err != nil {
		return nil, err
	}
	return r, s.close(func(file *File) { file.Rows = &r.count.Exported })
}

func (r *reading) encode(ctx context.Context, a *Writer, d Dataset, f format, rows Rows, p *pump) error {
	buf := f.open(p.buffer())
	done, reported := int64(0), int64(0)
	seed := digestSeed
	_, err := rows(ctx, func(values [][]byte) error {
		if len(values) != len(d.Columns) {
			return fmt.Errorf("a row has %d values for %d columns", len(values), len(d.Columns))
		}
		done++
		mark := len(buf)
		var err error
		if buf, err = f.row(buf, values); err != nil {
			buf = buf[:mark]
			return r.failed(done, err)
		}
		r.count.Exported++
		r.digest += digest(seed, values)
		if r.shown.wants() {
			r.shown.add(done, values)
		}
		if len(buf) < chunkSize {
			return nil
		}
		a.rows.Add(done - reported)
		reported = done
		buf, err = p.send(buf)
		return err
	})
	if err != nil {
		return err
	}
	a.rows.Add(done - reported)
	_, err = p.send(buf)
	return err
}

// failed notes a row that cannot be written; any other error ends the reading.
func (r *reading) failed(number int64, err error) error {
	var row *rowError
	if !errors.As(err, &row) {
		return err
	}
	r.count.fail(Failure{Item: strconv.FormatInt(number, 10), Column: row.column, Reason: row.reason})
	return nil
}

var digestSeed = maphash.MakeSeed()

// digest is a number for a row, such that different rows hardly ever have the same.
func digest(seed maphash.Seed, values [][]byte) uint64 {
	h := uint64(len(values))
	for _, v := range values {
		x := uint64(1)
		if v != nil {
			x = maphash.Bytes(seed, v)
		}
		h = bits.RotateLeft64(h, 17)*0x9e3779b97f4a7c15 ^ x
	}
	return h * 0xff51afd7ed558ccd
}

// pump writes full buffers in its own goroutine while the next one is filled.
type pump struct {
	s    *stream
	full chan []byte
	free chan []byte
	stop chan struct{} // closed when writing has ended
	err  error         // valid then
}

func newPump(s *stream) *pump {
	p := &pump{s: s, full: make(chan []byte, chunks), free: make(chan []byte, chunks), stop: make(chan struct{})}
	for range chunks {
		p.free <- nil
	}
	go p.run()
	return p
}

func (p *pump) run() {
	defer close(p.stop)
	for b := range p.full {
		if _, err := p.s.Write(b); err != nil {
			p.err = err
			return
		}
		if cap(b) > 4*chunkSize { // a giant row's buffer is not kept
			b = nil
		}
		p.free <- b
	}
}

// buffer returns an empty buffer. Small datasets never need a full one.
func (p *pump) buffer() []byte { return make([]byte, 0, 16<<10) }

// send gives buf away and returns an empty one.
func (p *pump) send(buf []byte) ([]byte, error) {
	select {
	case p.full <- buf:
	case <-p.stop:
		return nil, p.fault()
	}
	select {
	case b := <-p.free:
		if b == nil {
			b = make([]byte, 0, chunkSize+chunkSize/4)
		}
		return b[:0], nil
	case <-p.stop:
		return nil, p.fault()
	}
}

func (p *pump) fault() error {
	if p.err != nil {
		return p.err
	}
	return errEnded
}

// end waits until everything is written.
func (p *pump) end() error {
	close(p.full)
	<-p.stop
	return p.err
}
