package archive

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/bits"
	"strconv"
)

// reading is one pass over rows, and what came of it.
type reading struct {
	count   Count
	lacking Lacking // rows that only this format cannot hold; they are neither exported nor failed in count
	skipped int64   // rows that convert kept out
	digest  uint64  // of the rows read, whatever their order
	shown   *preview
}

// agrees holds a reading against the source's count and the first reading.
func (r *reading) agrees(d Dataset, first *reading) error {
	whole := r.count
	whole.Exported += r.lacking.Rows + r.skipped
	if err := whole.balanced("rows"); err != nil {
		return err
	}
	if r.count.Failed != first.count.Failed {
		return &CountError{Dataset: d.Name, What: "rows in a second format", Expected: first.count.Source - first.count.Failed, Actual: r.count.Source - r.count.Failed}
	}
	if r.digest != first.digest {
		return errUnsteady(d.Name)
	}
	return nil
}

func errUnsteady(dataset string) error {
	return fmt.Errorf("archive: dataset %q: two readings of one snapshot gave different rows; its query must not depend on chance or the clock", dataset)
}

// account makes a dataset's count of the readings for its formats. A row is exported when any format has it.
func account(all []*reading) Count {
	best := all[0]
	for _, r := range all {
		if r.lacking.Rows < best.lacking.Rows {
			best = r
		}
	}
	c := best.count
	for _, f := range best.lacking.Failures {
		c.fail(f)
	}
	c.Failed += best.lacking.Omitted
	c.Omitted += best.lacking.Omitted
	for _, r := range all {
		if r != best && r.lacking.Rows > 0 {
			c.Lacking = append(c.Lacking, r.lacking)
		}
	}
	return c
}

// pass writes what one reading gives. Encoding and compressing run side by side.
type pass struct {
	*reading
	a        *Writer
	out      output
	width    int // columns of what is read; 0: not known
	columns  []Column
	done     int64 // rows read
	reported int64 // of them, told as progress
	buf      []byte
	pump     *pump
}

// read makes one pass, of which the first rows may be shown.
func (a *Writer) read(ctx context.Context, d Dataset, out output, rows Rows, shown *preview) (*reading, error) {
	how := deflated
	if out.direct != nil {
		how = framed
	}
	s, err := a.open(out.file, how, d.large())
	if err != nil {
		return nil, err
	}
	r := &reading{
		count:   Count{Dataset: d.Name, Part: d.Part, Parts: d.Parts, Source: d.Source},
		lacking: Lacking{Format: out.file.Format}, shown: shown,
	}
	p := &pass{reading: r, a: a, out: out, width: len(d.Columns), columns: d.Columns, pump: newPump(s)}
	err = p.run(ctx, rows)
	if pumped := p.pump.end(p.buf); pumped != nil {
		return nil, pumped // the cause, if both failed
	}
	if err != nil {
		return nil, err
	}
	a.rows.Add(p.done - p.reported)
	return r, s.close(func(file *File) { file.Rows = &r.count.Exported })
}

func (p *pass) run(ctx context.Context, rows Rows) (err error) {
	p.buf = p.pump.buffer()
	if p.out.direct != nil {
		err = p.out.direct.begin(p)
	} else {
		p.buf = p.out.format.open(p.buf)
	}
	if err != nil {
		return err
	}
	if _, err = rows(ctx, p.row); err != nil {
		return err
	}
	if p.out.direct != nil {
		return p.out.direct.end()
	}
	return nil
}

func (p *pass) send() (err error) {
	p.buf, err = p.pump.send(p.buf)
	return err
}

// row deals with one row that was read.
func (p *pass) row(values [][]byte) error {
	if p.width > 0 && len(values) != p.width {
		return fmt.Errorf("a row has %d values for %d columns", len(values), p.width)
	}
	p.done++
	p.digest += digest(digestSeed, values)
	if err := unconverted(p.columns, values); err != nil {
		return p.failed(p.done, err)
	}
	out := values
	if p.out.convert != nil {
		made, keep, err := p.out.convert(values)
		if err != nil {
			return p.failed(p.done, convertError(err))
		}
		if !keep {
			p.skipped++
			return nil
		}
		if len(made) != p.out.width {
			return fmt.Errorf("a row was made with %d values for %d columns", len(made), p.out.width)
		}
		out = made
	}
	if err := p.write(out); err != nil {
		return p.failed(p.done, err)
	}
	p.count.Exported++
	if p.shown.wants() {
		p.shown.add(p.done, values)
	}
	if len(p.buf) < chunkSize {
		return nil
	}
	p.a.rows.Add(p.done - p.reported)
	p.reported = p.done
	return p.send()
}

// write puts a row into the file, or leaves nothing of it there.
func (p *pass) write(values [][]byte) (err error) {
	if p.out.direct != nil {
		return p.out.direct.write(values)
	}
	mark := len(p.buf)
	if p.buf, err = p.out.format.row(p.buf, values); err != nil {
		p.buf = p.buf[:mark]
	}
	return err
}

// Write takes what a direct format writes.
func (p *pass) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		n := min(len(rest), max(0, chunkSize-len(p.buf)))
		p.buf, rest = append(p.buf, rest[:n]...), rest[n:]
		if len(p.buf) < chunkSize {
			break
		}
		if err := p.send(); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// failed notes a row that cannot be written; any other error ends the reading.
func (r *reading) failed(number int64, err error) error {
	var row *rowError
	if !errors.As(err, &row) {
		return err
	}
	f := Failure{Item: strconv.FormatInt(number, 10), Column: row.column, Reason: row.reason}
	if !row.format {
		r.count.fail(f)
		return nil
	}
	r.lacking.fail(f)
	return nil
}

// convertError tells what concerns one row from what ends the export.
func convertError(err error) error {
	reason, ok := itemReason(err)
	if !ok {
		return err
	}
	row := &rowError{reason: reason}
	var in interface{ ItemColumn() string }
	if errors.As(err, &in) {
		row.column = in.ItemColumn()
	}
	return row
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
