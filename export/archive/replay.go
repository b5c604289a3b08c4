package archive

import (
	"context"
	"sync"
)

// replayRoom is how many bytes of one dataset's rows are remembered.
const replayRoom = 512 << 10

// replayMark is the length by which the first of marks is remembered, and those below it are the others'; -1 is that of NULL.
const replayMark = -2

// replay remembers the rows of the dataset added last, when they are few, so that further formats and import files do not
// each cost the source a query.
type replay struct {
	dataset string
	part    int
	digest  uint64 // of all readings of the dataset
	memory  *memory
	width   int
	rows    int64
	whole   bool // everything is remembered
}

// memory is used again by the next archive.
type memory struct {
	values  []byte // of all rows, back to back
	lengths []int32
}

var memories = sync.Pool{New: func() any { return new(memory) }}

// begin forgets what was, and returns rows such that the first reading of them to its end is remembered, if it fits.
func (r *replay) begin(d Dataset, rows Rows) Rows {
	*r = replay{dataset: d.Name, part: d.Part, memory: r.memory, width: len(d.Columns)}
	if r.memory == nil {
		r.memory = memories.Get().(*memory)
	}
	if d.Source*int64(r.width)*4 > replayRoom {
		return rows
	}
	return func(ctx context.Context, yield func([][]byte) error) (int64, error) {
		r.memory.values, r.memory.lengths, r.rows = r.memory.values[:0], r.memory.lengths[:0], 0
		fits := true
		n, err := rows(ctx, func(values [][]byte) error {
			fits = fits && r.keep(values)
			return yield(values)
		})
		r.whole = fits && err == nil
		return n, err
	}
}

// keep copies a row. It reports false when there is no room left.
func (r *replay) keep(values [][]byte) bool {
	m := r.memory
	size := len(m.values) + 4*(len(m.lengths)+len(values))
	for _, v := range values {
		size += len(v)
	}
	if size > replayRoom || len(values) != r.width {
		return false
	}
	for _, v := range values {
		if v == nil {
			m.lengths = append(m.lengths, -1)
			continue
		}
		if i := markOf(v); i >= 0 {
			m.lengths = append(m.lengths, int32(replayMark-i))
			continue
		}
		m.values, m.lengths = append(m.values, v...), append(m.lengths, int32(len(v)))
	}
	r.rows++
	return true
}

// is reports whether d was added last.
func (r *replay) is(d Dataset) bool { return d.Name == r.dataset && d.Part == r.part }

// again returns the rows remembered of a dataset, or rows when they are not.
func (r *replay) again(d Dataset, rows Rows) Rows {
	if !r.whole || !r.is(d) {
		return rows
	}
	return r.replay
}

// replay gives the rows remembered, as Rows does.
func (r *replay) replay(ctx context.Context, yield func([][]byte) error) (int64, error) {
	row := make([][]byte, r.width)
	at := 0
	for n := range r.rows {
		if err := ctx.Err(); err != nil {
			return n, context.Cause(ctx)
		}
		for i := range row {
			length := r.memory.lengths[int(n)*r.width+i]
			if length <= replayMark {
				row[i] = marks[replayMark-length].place
				continue
			}
			if length < 0 {
				row[i] = nil
				continue
			}
			row[i] = r.memory.values[at : at+int(length) : at+int(length)]
			at += int(length)
		}
		if err := yield(row); err != nil {
			return n, err
		}
	}
	return r.rows, nil
}

// end forgets everything.
func (r *replay) end() {
	if r.memory != nil {
		memories.Put(r.memory)
	}
	*r = replay{}
}
